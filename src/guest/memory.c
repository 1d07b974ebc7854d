/* Where a zygote's memory lies, and in pages of which size.
 * Its own file because the allocators of CPython and of the C library, the dynamic linker and the kernel each have a say.
 * Changes when: one of them puts things somewhere else.
 *
 * A fork copies, and its end takes apart, one entry for each page: for small pages one by one, each with a look at the
 * page's own record, which no cache holds any more; for the parts of a large one together (Linux 6.9). So what forks share
 * is put into huge pages here, where the host has them for those who ask (madvise). What a fork allocates by itself is of
 * the usual size, or a snippet with a few objects would be charged for megabytes. */
#include "memory.h"

#include "guest.h"

#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define REGIONS     1024 /* a program with NumPy has four hundred; what is beyond goes without */
#define STACK_BELOW 4    /* pages */
#define STACK_ABOVE 32
#define SMALL_BYTES                                                                                            \
    512 /* what Python's allocator gives out of its arenas, in steps of 16 (Objects/obmalloc.c) */
#define SMALL_STEP   16
#define POOL_BLOCKS  4096 /* more than any of its pools has */
#define FRESH_BLOCKS 4    /* one behind the other: they were never given out before */

#ifdef __SANITIZE_ADDRESS__ /* whose own memory lies between ours */
#define MOVABLE false
#else
#define MOVABLE true
#endif

struct region guest_regions[REGIONS];
size_t guest_region_count;
size_t guest_page_bytes;

long guest_faults(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

static char *page_of(const void *place)
{
    char *byte = (char *)(uintptr_t)place; /* NOLINT(performance-no-int-to-ptr): less its const */
    return byte - (uintptr_t)place % guest_page_bytes;
}

static char *page_end_of(const void *place)
{
    return page_of((const char *)place + guest_page_bytes - 1);
}

static void add(const void *start, const void *end, bool writable, bool stays)
{
    char *first = page_of(start);
    char *last = page_end_of(end);
    if (last > first && guest_region_count < REGIONS)
        guest_regions[guest_region_count++] = (struct region){first, (size_t)(last - first), writable, stays};
}

char *guest_map_huge(size_t length)
{
    char *room =
        mmap(NULL, length + GUEST_HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)room % GUEST_HUGE_BYTES;
    char *start = room + before;
    if (before > 0)
        (void)munmap(room, before);
    (void)munmap(start + length, GUEST_HUGE_BYTES - before);
    (void)madvise(start, length, MADV_HUGEPAGE); /* a kernel without: then these are small */
    return start;
}

void guest_regroup(const struct region *region)
{
    size_t room = (region->length + GUEST_HUGE_BYTES - 1) / GUEST_HUGE_BYTES * GUEST_HUGE_BYTES;
    char *copy = MOVABLE ? guest_map_huge(room) : NULL;
    if (!copy)
        return;
    memcpy(copy, region->start, region->length);
    if (mremap(copy, region->length, region->length, MREMAP_MAYMOVE | MREMAP_FIXED, region->start) ==
        MAP_FAILED)
        (void)munmap(copy, region->length);
    if (room > region->length)
        (void)munmap(copy + region->length, room - region->length);
}

/* ---- Python's objects -------------------------------------------------------------------------------- */

static PyObjectArenaAllocator allocator;
static struct {
    bool wanted; /* by the zygote, until it forks */
    char *next;
    size_t left;
} huge;

static void *get_huge(size_t size)
{
    if (size > huge.left) {
        huge.next = guest_map_huge(GUEST_HUGE_BYTES);
        huge.left = huge.next ? GUEST_HUGE_BYTES : 0;
    }
    if (size > huge.left)
        return NULL;
    char *arena = huge.next;
    huge.next += size;
    huge.left -= size;
    return arena;
}

static void *get_arena(void *context, size_t size)
{
    void *large = huge.wanted ? get_huge(size) : NULL;
    void *arena = large ? large : allocator.alloc(context, size);
    if (huge.wanted && arena)
        add(arena, (char *)arena + size, true, large);
    return arena;
}

static void free_arena(void *context, void *arena, size_t size)
{
    for (size_t i = 0; huge.wanted && i < guest_region_count; i++)
        if (guest_regions[i].start == arena)
            guest_regions[i] = guest_regions[--guest_region_count];
    allocator.free(context, arena, size);
}

void guest_watch_arenas(void)
{
    guest_page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    PyObject_GetArenaAllocator(&allocator);
    PyObjectArenaAllocator watched = {.ctx = allocator.ctx, .alloc = get_arena, .free = free_arena};
    huge.wanted = true;
    PyObject_SetArenaAllocator(&watched);
}

/* Free blocks of one size lie wherever something was freed, each on a page that a run would copy. They are taken, and stay
 * taken, up to where the next ones lie side by side. */
static void pack(size_t size)
{
    const char *last = NULL;
    int in_a_row = 0;
    for (int i = 0; i < POOL_BLOCKS; i++) {
        const char *block = PyObject_Malloc(size);
        if (last && block != last + size && in_a_row >= FRESH_BLOCKS)
            return; /* the first block of another pool */
        in_a_row = last && block == last + size ? in_a_row + 1 : 0;
        last = block;
    }
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

/* As far as it lies without a hole. */
static struct guest_text find_text(const struct dl_phdr_info *object)
{
    const char *base = (const char *)object->dlpi_addr; /* NOLINT(performance-no-int-to-ptr): so it is told */
    struct guest_text text = {NULL};
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || part->p_flags & PF_W)
            continue;
        char *start = page_of(base + part->p_vaddr);
        if (!(part->p_flags & PF_R) || (text.start && start != text.end))
            break;
        text.start = text.start ? text.start : start;
        text.end = page_end_of(base + part->p_vaddr + part->p_memsz);
    }
    return text;
}

static void add_constant(const char *start, const char *end, const struct guest_text *text)
{
    if (start < text->moved)
        add(start, end < text->moved ? end : text->moved, false, false);
    if (end > text->moved_end)
        add(start > text->moved_end ? start : text->moved_end, end, false, false);
}

/* A program's or a library's own: dl_iterate_phdr(3). */
static int add_object(struct dl_phdr_info *object, size_t size, void *user)
{
    const char *base = (const char *)object->dlpi_addr; /* NOLINT(performance-no-int-to-ptr): so it is told */
    const char *fixed = NULL; /* up to there it can be written to no more (ld.so(8), RELRO) */
    struct guest_text text = find_text(object);
    (void)size;
    (void)user;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type == PT_GNU_RELRO)
            fixed = page_of(base + part->p_vaddr + part->p_memsz);
    }
    if (MOVABLE && text.start)
        guest_move_text(&text);
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        const char *start = base + part->p_vaddr;
        const char *end = start + part->p_memsz;
        if (part->p_type == PT_LOAD && part->p_flags & PF_W)
            add(start < fixed ? fixed : start, end, true, false);
        else if (part->p_type == PT_LOAD)
            add_constant(start, end, &text);
    }
    return 0;
}

static bool is_mapped(char *page)
{
    unsigned char in_core;
    return mincore(page, 1, &in_core) == 0;
}

static bool is_listed(const char *page)
{
    for (size_t i = 0; i < guest_region_count; i++)
        if (page >= guest_regions[i].start && page < guest_regions[i].start + guest_regions[i].length)
            return true;
    return false;
}

/* Where addresses are not randomized it begins where the program's own memory ends. */
static void add_heap(void)
{
    char *end = page_of(sbrk(0));
    char *start = end;
    while (is_mapped(start - guest_page_bytes) && !is_listed(start - guest_page_bytes))
        start -= guest_page_bytes;
    add(start, end, true, false);
}

static void add_stack(void)
{
    char *here = page_of(__builtin_frame_address(0));
    char *end = here;
    while (end < here + STACK_ABOVE * guest_page_bytes && is_mapped(end))
        end += guest_page_bytes;
    add(here - STACK_BELOW * guest_page_bytes, end, true, true);
}

void guest_find_regions(void)
{
    const char *thread = __builtin_thread_pointer();
    for (size_t size = SMALL_STEP; size <= SMALL_BYTES; size += SMALL_STEP)
        pack(size);
    huge.wanted = false;
    (void)dl_iterate_phdr(add_object, NULL);
    add_heap();
    add_stack();
    add(thread, thread + 1, true, true);
}
