/* An arena over one reserved mapping.
 * Its own file because it is the one allocator of specs and plans.
 * Changes when: the way plans and specs own memory changes. */
#include "base/arena.h"

#include <sys/mman.h>

/* What is not yet used is neither readable nor counted as memory, so a reservation of hundreds of megabytes works
 * under vm.overcommit_memory=2; steps below 2 MiB never become a huge page that must be zeroed whole. */
#define COMMIT_STEP (256u << 10)

void bj__arena_init(struct bj_arena *arena, size_t maximum)
{
    *arena = (struct bj_arena){.maximum = (maximum + COMMIT_STEP - 1) / COMMIT_STEP * COMMIT_STEP};
}

void bj__arena_done(struct bj_arena *arena)
{
    if (arena->base)
        (void)munmap(arena->base, arena->maximum); /* our own mapping: cannot fail */
    arena->base = NULL;
    arena->used = arena->committed = 0;
}

static int commit(struct bj_arena *arena, size_t end)
{
    if (!arena->base) {
        void *base = mmap(NULL, arena->maximum, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED)
            return -errno;
        arena->base = base;
    }
    if (end <= arena->committed)
        return 0;
    size_t target = (end + COMMIT_STEP - 1) / COMMIT_STEP * COMMIT_STEP; /* at most maximum, a multiple of the step */
    if (mprotect(arena->base + arena->committed, target - arena->committed, PROT_READ | PROT_WRITE) < 0)
        return -errno;
    arena->committed = target;
    return 0;
}

void *bj__arena_alloc(struct bj_arena *arena, size_t length)
{
    size_t start = (arena->used + 15) & ~(size_t)15;
    if (start > arena->maximum || length > arena->maximum - start || commit(arena, start + length) < 0)
        return NULL;
    arena->used = start + length;
    return arena->base + start; /* fresh anonymous pages are zero */
}

void *bj__arena_copy(struct bj_arena *arena, const void *bytes, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    unsigned char *copy = bj__arena_alloc(arena, length + 1);
    if (copy && length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

char *bj__arena_string(struct bj_arena *arena, const char *text)
{
    return bj__arena_copy(arena, text, strlen(text));
}

int bj__arena_freeze(struct bj_arena *arena)
{
    if (!arena->base)
        return 0;
    return mprotect(arena->base, arena->committed, PROT_READ) < 0 ? -errno : 0;
}
