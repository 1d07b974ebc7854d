/* Whether the caller may become an ordinary user: root of a namespace that maps nobody else may not.
 * Its own file because tests in two folders do it, and `unshare -Ur` must not turn them red.
 * Changes when: never. */
#ifndef BJ_TEST_BECOME_H
#define BJ_TEST_BECOME_H

#include <stdio.h>
#include <unistd.h>

#define ORDINARY_UID 60777

static inline int may_become_another(void)
{
    unsigned long first = 0, outside = 0, count = 0;
    int found = 0;
    FILE *map = geteuid() == 0 ? fopen("/proc/self/uid_map", "re") : NULL;
    while (map && fscanf(map, "%lu %lu %lu", &first, &outside, &count) == 3)
        found |= first <= ORDINARY_UID && ORDINARY_UID < first + count;
    if (map)
        (void)fclose(map);
    return found;
}

/* Root of a user namespace, as in a rootless container, may become others, but has not all ids. */
static inline int is_root_of_host(void)
{
    unsigned long first = 1, outside = 1, count = 0;
    FILE *map = geteuid() == 0 ? fopen("/proc/self/uid_map", "re") : NULL;
    int found = map && fscanf(map, "%lu %lu %lu", &first, &outside, &count) == 3;
    if (map)
        (void)fclose(map);
    return found && first == 0 && outside == 0 && count == 4294967295u;
}

#endif
