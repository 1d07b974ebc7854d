/* Waits with a deadline, where the clocks are fixed.
 * Its own file because these really wait: another thread or process may end them, and only the kernel knows.
 * Changes when: CPython waits in another way.
 *
 * A deadline is a time of the fixed clocks, which the kernel does not know: it is waited for as long as it is away. When
 * that has passed without anything, the fixed clocks move on by as much, or a loop around the wait would never end. */
#include "determinism.h"

#include <errno.h>

#define SECOND_NS UINT64_C(1000000000)
#define LONGEST_S UINT64_C(16000000000) /* behind any time of the fixed clocks that a program can get to see */

static uint64_t whole_ns(const struct timespec *deadline)
{
    uint64_t seconds = deadline->tv_sec < 0 ? 0 : (uint64_t)deadline->tv_sec;
    return (seconds < LONGEST_S ? seconds : LONGEST_S) * SECOND_NS + (uint64_t)deadline->tv_nsec;
}

/* How far a deadline of the fixed clock is away, and when that is by the kernel's. */
static uint64_t translate(clockid_t clock, const struct timespec *deadline, struct timespec *ret_true)
{
    uint64_t now = guest_fixed_now_ns(clock);
    uint64_t until = whole_ns(deadline);
    uint64_t away = until > now ? until - now : 0;
    (void)guest_libc()->clock_gettime(clock, ret_true); /* one of the two that every kernel has */
    uint64_t nanoseconds = (uint64_t)ret_true->tv_nsec + away % SECOND_NS;
    ret_true->tv_sec += (time_t)(away / SECOND_NS + nanoseconds / SECOND_NS);
    ret_true->tv_nsec = (long)(nanoseconds % SECOND_NS);
    return away;
}

static bool is_time(const struct timespec *deadline)
{
    return deadline->tv_nsec >= 0 && deadline->tv_nsec < (long)SECOND_NS;
}

/* ---- for other threads ---------------------------------------------------------------------------- */

static int fixed_sem_clockwait(sem_t *restrict semaphore, clockid_t clock,
                               const struct timespec *restrict deadline)
{
    struct timespec until = *deadline;
    uint64_t away = is_time(deadline) ? translate(clock, deadline, &until) : 0;
    int r = guest_libc()->sem_clockwait(semaphore, clock, &until);
    if (r < 0 && errno == ETIMEDOUT) {
        guest_fixed_sleep(away);
        errno = ETIMEDOUT;
    }
    return r;
}

static int fixed_sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline)
{
    return fixed_sem_clockwait(semaphore, CLOCK_REALTIME, deadline);
}

/* The interpreter's lock is waited for so, for a few milliseconds again and again: that is no sleep of the program's. */
static int fixed_cond_clockwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                                clockid_t clock, const struct timespec *restrict deadline)
{
    struct timespec until = *deadline;
    if (is_time(deadline))
        (void)translate(clock, deadline, &until);
    return guest_libc()->pthread_cond_clockwait(condition, mutex, clock, &until);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* Which clock the condition has is not told, but the two are years apart: the nearer one. In a run that begins in 1970, where
 * they are not, a wait for a few seconds at least is near enough. */
static int fixed_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                                const struct timespec *restrict deadline)
{
    uint64_t since_start = guest_fixed_now_ns(CLOCK_MONOTONIC);
    uint64_t since_1970 = guest_fixed_now_ns(CLOCK_REALTIME);
    uint64_t until = whole_ns(deadline);
    bool real = distance(until, since_1970) < distance(until, since_start);
    return fixed_cond_clockwait(condition, mutex, real ? CLOCK_REALTIME : CLOCK_MONOTONIC, deadline);
}

/* ---- for descriptors ------------------------------------------------------------------------------ */

static void after(int r, uint64_t timeout_ns)
{
    if (r == 0)
        guest_fixed_sleep(timeout_ns);
}

/* Without descriptors it is a sleep, and CPython 3.10 sleeps so. */
static int fixed_select(int count, fd_set *restrict readable, fd_set *restrict writable,
                        fd_set *restrict exceptional, struct timeval *restrict timeout)
{
    bool timed = timeout && timeout->tv_sec >= 0 && timeout->tv_usec >= 0;
    uint64_t seconds = !timed                                  ? 0
                       : (uint64_t)timeout->tv_sec < LONGEST_S ? (uint64_t)timeout->tv_sec
                                                               : LONGEST_S;
    uint64_t length = timed ? seconds * SECOND_NS + (uint64_t)timeout->tv_usec * 1000 : 0;
    int r = 0;
    if (!timed || count > 0)
        r = guest_libc()->select(count, readable, writable, exceptional, timeout);
    if (timed)
        after(r, length);
    return r;
}

static int fixed_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    int r = count > 0 || timeout_ms < 0 ? guest_libc()->poll(fds, count, timeout_ms) : 0;
    after(r, timeout_ms > 0 ? (uint64_t)timeout_ms * 1000000 : 0);
    return r;
}

static int fixed_epoll_wait(int epoll, struct epoll_event *events, int most, int timeout_ms)
{
    int r = guest_libc()->epoll_wait(epoll, events, most, timeout_ms);
    after(r, timeout_ms > 0 ? (uint64_t)timeout_ms * 1000000 : 0);
    return r;
}

void guest_fixed_waits_calls(struct guest_calls *calls)
{
    calls->sem_clockwait = fixed_sem_clockwait;
    calls->sem_timedwait = fixed_sem_timedwait;
    calls->pthread_cond_clockwait = fixed_cond_clockwait;
    calls->pthread_cond_timedwait = fixed_cond_timedwait;
    calls->select = fixed_select;
    calls->poll = fixed_poll;
    calls->epoll_wait = fixed_epoll_wait;
}
