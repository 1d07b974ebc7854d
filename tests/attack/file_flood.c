/* Use up inodes, and go on until the memory that they take is used up too.
 * Its own file because each attack is a program of its own.
 * Changes when: the wall that it tries is made in another way.
 *
 * abuse-case: 1
 * id: own-file-flood
 * title: Use up inodes, and the memory that they take
 * category: own
 * kind: dos
 * severity: high
 * tries: 60 000 empty files with long names
 * expected: denied
 * accept: denied, killed:disk, killed:memory, killed:wall, killed:cpu, error
 * limits: inodes
 * run-with: mem=64M, cpu=5s, wall=10s, procs=4, nofile=64, output=64K, fsize=16M, disk=32M, inodes=1024
 * outside: bounded
 * end-abuse-case */
#include "attack.h"

#define FILES 60000

static void name_of(int number, char name[256])
{
    memset(name, 'n', 220);
    snprintf(name + 220, 36, "-%d", number);
}

int main(void)
{
    char name[256];
    int made = 0, why = 0;
    for (; made < FILES && !why; made++) {
        name_of(made, name);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd < 0)
            why = errno;
        else
            close(fd);
    }
    for (int i = 0; i < made; i++) { /* bare it stands in a directory that somebody must tidy up */
        name_of(i, name);
        unlink(name);
    }
    return why ? CONTAINED("%d files, then: %s", made - 1, strerror(why)) : ESCAPED("%d files", made);
}
