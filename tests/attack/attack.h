/* The marker protocol of hostile programs: one line that says what came of it.
 * Its own file because the harness looks for exactly these words.
 * Changes when: the protocol of the abuse corpus does. */
#ifndef ATTACK_H
#define ATTACK_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ESCAPED(...)   (printf("ESCAPED: " __VA_ARGS__), putchar('\n'), fflush(stdout), 0)
#define CONTAINED(...) (printf("CONTAINED: " __VA_ARGS__), putchar('\n'), fflush(stdout), 0)

/* Things of the host that tests/sabotage/world.py makes: mounted at /host in a jail, else where they are. */
__attribute__((unused)) static int open_of_host(const char *name, int flags)
{
    char path[200];
    snprintf(path, sizeof(path), "/host/%s", name);
    int fd = open(path, flags);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    snprintf(path, sizeof(path), "/tmp/sabotage-host/%s", name);
    return open(path, flags);
}

#endif
