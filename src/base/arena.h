/* An arena: things that live and die together, and can be made read-only.
 * Its own file because a spec and a plan own dozens of small strings, and a plan must be frozen.
 * Changes when: the way plans and specs own memory changes. */
#ifndef BJ_ARENA_H
#define BJ_ARENA_H

#include "base/base.h"

struct bj_arena_chunk;

struct bj_arena {
    struct bj_arena_chunk *newest; /* NULL before the first allocation */
    size_t used;                   /* bytes handed out, over all chunks */
    size_t maximum;                /* used never passes this */
    bool pages;                    /* its chunks are mappings of their own, which can be frozen */
    bool starved;                  /* the kernel had no memory: not our maximum is to blame */
};

void bj__arena_init(struct bj_arena *arena, size_t maximum);
void bj__arena_init_pages(struct bj_arena *arena, size_t maximum); /* of one that is frozen in the end */
void bj__arena_done(struct bj_arena *arena);
/* Zeroed, 16-byte aligned; NULL when the maximum would be passed or memory is short. */
void *bj__arena_alloc(struct bj_arena *arena, size_t length);
/* A copy with a NUL behind it. */
void *bj__arena_copy(struct bj_arena *arena, const void *bytes, size_t length);
char *bj__arena_string(struct bj_arena *arena, const char *text);
/* Do all bytes of [bytes, bytes + length) lie in what it handed out? */
bool bj__arena_holds(const struct bj_arena *arena, const void *bytes, size_t length);
/* Of an arena in pages. Makes all of it read-only: a stray write afterwards is a crash, not a different jail. 0 or -errno. */
int bj__arena_freeze(struct bj_arena *arena);

#endif
