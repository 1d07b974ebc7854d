/* Write into a directory that is shown read-only.
 * Its own file because each attack is a program of its own.
 * Changes when: the wall that it tries is made in another way.
 *
 * abuse-case: 1
 * id: own-shared-write
 * title: Write into a directory that is shown read-only
 * category: own
 * kind: integrity
 * severity: high
 * tries: change a file that is everybody's on the host (mode 0666), make one beside it
 * expected: denied
 * accept: denied, error, killed:syscall, killed:signal
 * settings: open
 * outside: safe
 * end-abuse-case */
#include "attack.h"

int main(void)
{
    int fd = open_of_host("data.txt", O_WRONLY);
    if (fd < 0 && errno == ENOENT)
        fd = open_of_host("open/data.txt", O_WRONLY);
    if (fd >= 0)
        return ESCAPED("a file of the host opens for writing");
    int why = errno;
    fd = open("/host/abuse-new", O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd >= 0) {
        unlink("/host/abuse-new");
        return ESCAPED("a file can be made there");
    }
    return CONTAINED("%s; %s", strerror(why), strerror(errno));
}
