/* SIGINT, SIGTERM and SIGHUP: remembered, so that the run can be ended in order.
 * Its own file because it holds the only variable of the command that outlives a call.
 * Changes when: another signal ends a run. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

#include "base/base.h"

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t arrived;

static void remember(int number)
{
    if (!arrived || arrived == SIGINT) /* which asks for less */
        arrived = number;
}

void bj__interrupt_catch(void)
{
    struct sigaction old;
    struct sigaction act = {.sa_handler = remember, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < BJ_COUNT(caught); i++)
        if (sigaction(caught[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)sigaction(caught[i], &act, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

void bj__interrupt_hold(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < BJ_COUNT(caught); i++)
        sigaddset(&set, caught[i]);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
}

int bj__interrupt_signal(void)
{
    return arrived;
}

int bj__interrupt_take(void)
{
    int number = arrived;

    if (number == SIGINT)
        arrived = 0;
    return number;
}

void bj__interrupt_poll(struct pollfd *polls, nfds_t count)
{
    sigset_t set;

    if (sigprocmask(SIG_BLOCK, NULL, &set) < 0)
        return;
    for (size_t i = 0; i < BJ_COUNT(caught); i++)
        sigdelset(&set, caught[i]);
    (void)ppoll(polls, count, NULL, &set); /* interrupted or ready: the caller looks at both */
}
