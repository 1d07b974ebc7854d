/* An arena: a list of mappings, filled from the front.
 * Its own file because it is the one allocator of specs and plans.
 * Changes when: the way plans and specs own memory changes. */
#include "base/arena.h"

#include <sys/mman.h>

/* Below 2 MiB, so that none becomes a huge page, which would be zeroed whole at the first touch. */
#define CHUNK_SIZE ((size_t)512 << 10)
#define PAGE       ((size_t)4096)

struct bj_arena_chunk {
    struct bj_arena_chunk *older;
    size_t size; /* of the mapping, with this header */
    size_t used;
    size_t reserved; /* keeps what follows aligned to 16 */
};

void bj__arena_init(struct bj_arena *arena, size_t maximum)
{
    *arena = (struct bj_arena){.maximum = maximum};
}

void bj__arena_done(struct bj_arena *arena)
{
    while (arena->newest) {
        struct bj_arena_chunk *chunk = arena->newest;
        arena->newest = chunk->older;
        (void)munmap(chunk, chunk->size); /* our own mapping: cannot fail */
    }
    arena->used = 0;
}

static int add_chunk(struct bj_arena *arena, size_t length)
{
    size_t size = length + sizeof(struct bj_arena_chunk);
    size = size < CHUNK_SIZE ? CHUNK_SIZE : (size + PAGE - 1) / PAGE * PAGE;
    struct bj_arena_chunk *chunk = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED)
        return -ENOMEM;
    *chunk = (struct bj_arena_chunk){.older = arena->newest, .size = size, .used = sizeof(*chunk)};
    arena->newest = chunk;
    return 0;
}

void *bj__arena_alloc(struct bj_arena *arena, size_t length)
{
    if (length > arena->maximum - arena->used)
        return NULL;
    size_t rounded = (length + 15) & ~(size_t)15; /* no overflow: length is at most maximum */
    if ((!arena->newest || rounded > arena->newest->size - arena->newest->used) &&
        add_chunk(arena, rounded) < 0) {
        arena->starved = true;
        return NULL;
    }
    struct bj_arena_chunk *chunk = arena->newest;
    unsigned char *bytes = (unsigned char *)chunk + chunk->used;
    chunk->used += rounded;
    arena->used += length;
    return bytes; /* fresh anonymous pages are zero */
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

bool bj__arena_holds(const struct bj_arena *arena, const void *bytes, size_t length)
{
    uintptr_t first = (uintptr_t)bytes;
    for (const struct bj_arena_chunk *chunk = arena->newest; chunk; chunk = chunk->older) {
        uintptr_t begin = (uintptr_t)chunk + sizeof(*chunk);
        size_t room = chunk->used - sizeof(*chunk);
        if (first >= begin && first - begin <= room && length <= room - (first - begin))
            return true;
    }
    return false;
}

int bj__arena_freeze(struct bj_arena *arena)
{
    for (struct bj_arena_chunk *chunk = arena->newest; chunk; chunk = chunk->older)
        if (mprotect(chunk, chunk->size, PROT_READ) < 0)
            return -errno;
    return 0;
}
