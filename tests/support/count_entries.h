/* How many entries a directory has: of /proc/self/fd, how many descriptors are open.
 * Its own file because tests in three folders ask whether something was left behind.
 * Changes when: never. Include it after cmocka.h. */
#ifndef BJ_TEST_COUNT_ENTRIES_H
#define BJ_TEST_COUNT_ENTRIES_H

#include <dirent.h>

static inline int count_entries(const char *path)
{
    DIR *directory = opendir(path);
    int count = 0;
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    (void)closedir(directory);
    return count;
}

#endif
