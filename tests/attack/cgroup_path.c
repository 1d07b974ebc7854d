/* Learn the path of the run's control group.
 * Its own file because each attack is a program of its own.
 * Changes when: the wall that it tries is made in another way.
 *
 * abuse-case: 1
 * id: own-cgroup-path
 * title: Learn the path of the run's control group
 * category: own
 * kind: leak
 * severity: low
 * tries: /proc/self/cgroup, in a profile that has /proc
 * expected: denied
 * accept: denied, error, killed:syscall, killed:signal
 * settings: proc
 * outside: safe
 * end-abuse-case */
#include "attack.h"

int main(void)
{
    char line[512];
    FILE *file = fopen("/proc/self/cgroup", "r");
    if (!file)
        return CONTAINED("%s", strerror(errno));
    while (fgets(line, sizeof(line), file))
        if (strstr(line, "sabotage") || strstr(line, "belljar"))
            return ESCAPED("%.*s", (int)strcspn(line, "\n"), line);
    return CONTAINED("no name in it");
}
