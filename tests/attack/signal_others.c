/* Send a signal to processes that are not mine.
 * Its own file because each attack is a program of its own.
 * Changes when: the wall that it tries is made in another way.
 *
 * abuse-case: 1
 * id: own-signal-others
 * title: Send a signal to processes that are not mine
 * category: own
 * kind: breach
 * severity: critical
 * tries: kill(2) with signal 0 and every number, which says whether a signal would be allowed and sends none
 * expected: denied
 * accept: denied, error, killed:syscall, killed:signal
 * outside: safe
 * end-abuse-case */
#include "attack.h"

#include <signal.h>

#define LAST_PID 65536

int main(void)
{
    int reached = 0, first = 0;
    for (int pid = 1; pid <= LAST_PID; pid++) {
        if (pid == getpid() || kill(pid, 0) < 0)
            continue;
        reached++;
        first = first ? first : pid;
    }
    return reached ? ESCAPED("%d processes would get my signals, the first is %d", reached, first)
                   : CONTAINED("not one of the numbers to %d", LAST_PID);
}
