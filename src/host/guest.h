/* Where belljar-guest is, the program that runs Python snippets, and belljar-repl, which asks for them.
 * Its own file because a host has one for each version of Python, or none.
 * Changes when: it is installed elsewhere. */
#ifndef BJ_HOST_GUEST_H
#define BJ_HOST_GUEST_H

#include <limits.h>

#include "base/arena.h"

/* Its path, in the arena. In this order: $BELLJAR_GUEST; belljar-guest-VERSION of the version that /usr/bin/python3 is, or
 * that of the virtual environment python (host path, or NULL), in the folder where it was installed, or beside the running
 * command where that was just built. Refusals name what to do. */
int bj__guest_find(struct bj_arena *arena, const char *python, const char **ret_path, struct bj_error *err);

/* The same of belljar-repl, without a variable. */
int bj__repl_find(char ret_path[PATH_MAX], struct bj_error *err);

#endif
