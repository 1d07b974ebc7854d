/* Where a zygote's memory lies.
 * Its own file because who lists it (memory.c) is not who looks at it (pages.c).
 * Changes when: more has to be known of a piece of memory. */
#ifndef BJ_GUEST_MEMORY_H
#define BJ_GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct region {
    char *start; /* of a page */
    size_t length;
    bool writable; /* then it is the process's own, else a file's */
    bool stays;    /* its pages lie in larger ones already, or it is what this runs on */
};

#define GUEST_HUGE_BYTES                                                                                       \
    ((size_t)2 << 20) /* with pages of 4 KiB; where they are larger, so are huge ones, and none is made */

/* What of a program or a library cannot be written to, and how much of that is in huge pages. */
struct guest_text {
    char *start, *end; /* of pages; NULL: there is none */
    char *moved, *moved_end;
};

extern struct region guest_regions[];
extern size_t guest_region_count;
extern size_t guest_page_bytes;

/* Lists the memory of the program, its libraries, its heap, its stack, and Python's objects. Once. */
void guest_find_regions(void);
/* Moves what a region holds to pages that lie in larger ones, at the same addresses. It can be written to, and nothing else
 * runs meanwhile. Where that cannot be, nothing changes. */
void guest_regroup(const struct region *region);
/* text.c: what fills huge pages goes there, at the same addresses, where the host has them. Fills moved and moved_end. */
void guest_move_text(struct guest_text *text);
/* Aligned to the size of a huge page. NULL: there is no room for it. */
char *guest_map_huge(size_t length);
long guest_faults(void); /* of this process, so far */

#endif
