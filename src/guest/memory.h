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

extern struct region guest_regions[];
extern size_t guest_region_count;
extern size_t guest_page_bytes;

/* Lists the memory of the program, its libraries, its heap, its stack, and Python's objects. Once. */
void guest_find_regions(void);
/* Moves what a region holds to pages that lie in larger ones, at the same addresses. It can be written to, and nothing else
 * runs meanwhile. Where that cannot be, nothing changes. */
void guest_regroup(const struct region *region);

#endif
