/* Read a file by a group of the caller.
 * Its own file because each attack is a program of its own.
 * Changes when: the wall that it tries is made in another way.
 *
 * abuse-case: 1
 * id: own-group-file
 * title: Read a file by a group of the caller
 * category: own
 * kind: leak
 * severity: high
 * tries: open a file that only a supplementary group of whoever started the run may read
 * expected: denied
 * accept: denied, error, killed:syscall, killed:signal
 * settings: host
 * outside: safe
 * end-abuse-case */
#include "attack.h"

int main(void)
{
    int fd = open_of_host("group.txt", O_RDONLY);
    return fd >= 0 ? ESCAPED("a file of the caller's group opens") : CONTAINED("%s", strerror(errno));
}
