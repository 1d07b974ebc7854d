/* Where belljar-guest is, the program that runs Python snippets.
 * Its own file because a host has one for each version of Python, or none.
 * Changes when: it is installed elsewhere. */
#ifndef BJ_HOST_GUEST_H
#define BJ_HOST_GUEST_H

#include "base/arena.h"

/* Its path, in the arena. In this order: $BELLJAR_GUEST; belljar-guest-VERSION of the version that /usr/bin/python3 is, or
 * that of the virtual environment python (host path, or NULL), in the folder where it was installed, or beside the running
 * command where that was just built. Refusals name what to do. */
int bj__guest_find(struct bj_arena *arena, const char *python, const char **ret_path, struct bj_error *err);

#endif
