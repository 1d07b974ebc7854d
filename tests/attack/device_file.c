/* Use a device in a mounted directory.
 * Its own file because each attack is a program of its own.
 * Changes when: the wall that it tries is made in another way.
 *
 * abuse-case: 1
 * id: own-device-file
 * title: Use a device in a mounted directory
 * category: own
 * kind: breach
 * severity: medium
 * tries: open a device node that lies in a directory of the host and read from it
 * expected: denied
 * accept: denied, error, killed:syscall, killed:signal
 * settings: host
 * outside: safe
 * end-abuse-case */
#include "attack.h"

int main(void)
{
    char byte;
    int fd = open_of_host("device", O_RDONLY);
    if (fd < 0)
        return CONTAINED("cannot be opened: %s", strerror(errno));
    if (read(fd, &byte, 1) == 1)
        return ESCAPED("a device node of a mounted directory can be read");
    return CONTAINED("cannot be read: %s", strerror(errno));
}
