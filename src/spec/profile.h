/* Where profiles are looked for, shared by the lookup and the list.
 * Its own file because both must see the same directories in the same order.
 * Changes when: profiles come from somewhere new. */
#ifndef BJ_PROFILE_H
#define BJ_PROFILE_H

#include "base/buf.h"
#include "spec/spec.h"

/* The shipped profiles as generate.c has read them; the last has a NULL profile. */
extern const struct bj_spec bj__builtin_profiles[];

/* Calls visit with each place, in order, until it returns non-zero, and returns that. A place is a directory,
 * or NULL for bj__builtin_profiles. */
int bj__profile_places(int (*visit)(const char *directory, void *user), void *user);
/* Reads and parses one file; -ENOENT (and ENOTDIR as that) without a message when there is none. */
int bj__profile_load(const char *path, const char *name, struct bj_spec **ret_spec, struct bj_error *err);

/* One profile of bj__profile_list. */
struct bj_profile_entry {
    char name[64];
    const char *from;        /* path, or "built in" */
    const char *description; /* "" for one that is not good */
    const char *problem;     /* NULL, or what is wrong with the file */
};
/* Every profile that can be named, sorted; the first of each name, as the lookup finds it. In the arena. */
int bj__profile_list(struct bj_arena *arena, struct bj_profile_entry **ret_entries, size_t *ret_count);

#endif
