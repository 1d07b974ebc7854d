/* The text of large libraries, in huge pages.
 * Its own file because it moves what is being executed.
 * Changes when: the kernel puts files into huge pages by itself, wherever they lie.
 *
 * What of a file a fork executes, each fork maps anew, sixteen pages a fault, and takes apart again page by page. A copy
 * in a huge page of the zygote's own costs a fork one entry, and the processor one of its own. Within such a page there
 * is one permission: constants can be executed then, which gives a guest nothing who may map executable memory at any
 * time (mprotect in src/filter/sets.def); nothing that can be executed can be written to. */
#include "memory.h"

#include "guest.h"

#include <sys/mman.h>

static void read_all(const char *start)
{
    for (const volatile char *page = start; page < start + GUEST_HUGE_BYTES; page += guest_page_bytes)
        (void)*page;
}

/* False: the host had no huge page. */
static bool fill(char *copy, const char *start)
{
    read_all(start); /* so that the only faults left are the copy's */
    long before = guest_faults();
    memcpy(copy, start, GUEST_HUGE_BYTES);
    return guest_faults() <= before + 1;
}

static bool move(char *start)
{
    char *copy = guest_map_huge(GUEST_HUGE_BYTES);
    if (!copy)
        return false;
    bool good = fill(copy, start) && mprotect(copy, GUEST_HUGE_BYTES, PROT_READ | PROT_EXEC) == 0;
    __builtin___clear_cache(copy, copy + GUEST_HUGE_BYTES);
    if (good && mremap(copy, GUEST_HUGE_BYTES, GUEST_HUGE_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, start) == start)
        return true;
    (void)munmap(copy, GUEST_HUGE_BYTES);
    return false;
}

void guest_move_text(struct guest_text *text)
{
    text->moved = text->start + -(uintptr_t)text->start % GUEST_HUGE_BYTES;
    text->moved_end = text->moved;
    while (text->moved_end + GUEST_HUGE_BYTES <= text->end && move(text->moved_end))
        text->moved_end += GUEST_HUGE_BYTES;
}
