/* Is the running kernel new enough for what a test expects?
 * Its own file because tests of groups and of pools ask it.
 * Changes when: versions of kernels are told in another way. */
#ifndef BJ_TEST_KERNEL_VERSION_H
#define BJ_TEST_KERNEL_VERSION_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/utsname.h>

static inline bool kernel_is_at_least(unsigned major, unsigned minor)
{
    struct utsname host;
    unsigned found[2] = {0, 0};
    return uname(&host) == 0 && sscanf(host.release, "%u.%u", &found[0], &found[1]) == 2 &&
           (found[0] > major || (found[0] == major && found[1] >= minor));
}

#endif
