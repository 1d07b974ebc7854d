/* Kill the caller's process group.
 * Its own file because each attack is a program of its own.
 * Changes when: the wall that it tries is made in another way.
 *
 * abuse-case: 1
 * id: own-process-group
 * title: Kill the caller's process group
 * category: own
 * kind: dos
 * severity: high
 * tries: as the same ordinary user as the supervisor: kill(0, SIGKILL), which no pid namespace stops (kill(2))
 * expected: denied
 * accept: denied, error, killed:syscall, killed:signal
 * settings: user
 * outside: safe
 * end-abuse-case */
#include "attack.h"

#include <signal.h>

int main(void)
{
    CONTAINED("planted: my process group is killed now");
    kill(0, SIGKILL);
    return 0;
}
