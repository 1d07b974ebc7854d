/* Set the times of a file that is shown read-only.
 * Its own file because each attack is a program of its own.
 * Changes when: the wall that it tries is made in another way.
 *
 * abuse-case: 1
 * id: own-shared-times
 * title: Set the times of a file that is shown read-only
 * category: own
 * kind: integrity
 * severity: medium
 * tries: utimensat(2) needs no more than the right to write, by the mode of the file; Landlock does not
 *   know of it
 * expected: denied
 * accept: denied, error, killed:syscall, killed:signal
 * settings: open
 * outside: safe
 * end-abuse-case */
#include "attack.h"

#include <sys/stat.h>

int main(void)
{
    static const char *const files[] = {"/host/data.txt", "/tmp/sabotage-host/open/data.txt", "/dev/null"};
    for (int i = 0; i < 3; i++)
        if (utimensat(AT_FDCWD, files[i], NULL, 0) == 0)
            return ESCAPED("the times of %s are mine to set", files[i]);
    return CONTAINED("%s", strerror(errno));
}
