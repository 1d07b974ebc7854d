/* What the caller had survives exec.
 * Its own file because each attack is a program of its own.
 * Changes when: the wall that it tries is made in another way.
 *
 * abuse-case: 1
 * id: own-inherited
 * title: What the caller had survives exec
 * category: own
 * kind: integrity
 * severity: medium
 * tries: address space randomization that the caller switched off, a priority that is the caller's
 * expected: denied
 * accept: denied, error, killed:syscall, killed:signal
 * settings: personality, important
 * outside: safe
 * end-abuse-case */
#include "attack.h"

#include <stdint.h>
#include <sys/resource.h>

int main(void)
{
    int (*volatile self)(void) = main;
    /* Where the kernel puts a position-independent program when it does not randomize (ELF_ET_DYN_BASE). */
    if ((uintptr_t)self >> 24 == 0x555555)
        return ESCAPED("the address space is not randomized: main is at %p", (void *)(uintptr_t)self);
    if (getpriority(PRIO_PROCESS, 0) < 0)
        return ESCAPED("I am more important than others: nice %d", getpriority(PRIO_PROCESS, 0));
    return CONTAINED("randomized, nice %d", getpriority(PRIO_PROCESS, 0));
}
