/* An arena: a list of chunks, filled from the front.
 * Its own file because it is the one allocator of specs and plans.
 * Changes when: the way plans and specs own memory changes. */
#include "base/arena.h"

#include <sys/mman.h>

/* Of an arena that is frozen in the end, below 2 MiB, so that none becomes a huge page, which would be zeroed whole at the first
 * touch. Any other comes from the heap, whose pages are there already: a spec is made for each run. */
#define PAGES_SIZE ((size_t)512 << 10)
#define HEAP_SIZE  ((size_t)32 << 10)
#define PAGE       ((size_t)4096)

struct bj_arena_chunk {
    struct bj_arena_chunk *older;
    size_t size; /* with this header */
    size_t used;
    size_t reserved; /* keeps what follows aligned to 16 */
};

void bj__arena_init(struct bj_arena *arena, size_t maximum)
{
    *arena = (struct bj_arena){.maximum = maximum};
}

void bj__arena_init_pages(struct bj_arena *arena, size_t maximum)
{
    *arena = (struct bj_arena){.maximum = maximum, .pages = true};
}

void bj__arena_done(struct bj_arena *arena)
{
    while (arena->newest) {
        struct bj_arena_chunk *chunk = arena->newest;
        arena->newest = chunk->older;
        if (arena->pages)
            (void)munmap(chunk, chunk->size); /* our own mapping: cannot fail */
        else
            free(chunk);
    }
    arena->used = 0;
}

/* Zeroed. NULL: there is no memory. */
static struct bj_arena_chunk *new_chunk(bool pages, size_t size)
{
    if (!pages)
        return calloc(1, size);
    struct bj_arena_chunk *chunk = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED)
        return NULL;
    return chunk;
}

static int add_chunk(struct bj_arena *arena, size_t length)
{
    size_t size = length + sizeof(struct bj_arena_chunk);
    size_t least = arena->pages ? PAGES_SIZE : HEAP_SIZE;
    size = size < least ? least : (size + PAGE - 1) / PAGE * PAGE;
    struct bj_arena_chunk *chunk = new_chunk(arena->pages, size);
    if (!chunk)
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
    return bytes; /* zero, as mmap and calloc give it */
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
