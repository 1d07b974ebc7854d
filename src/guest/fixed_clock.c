/* Clocks that begin at a given time, and move on only when they are asked and when somebody sleeps.
 * Its own file because it is all that such a run knows of time.
 * Changes when: there is another clock.
 *
 * A clock that stood still would keep a program that waits for it in its loop for ever. */
#include "determinism.h"

#include <errno.h>
#include <sched.h>

#define SECOND_NS  UINT64_C(1000000000)
#define CALL_NS    UINT64_C(1000)
#define FIRST_NS   (1000 * SECOND_NS)  /* of the monotonic clocks: a machine that has been on for a while */
#define LONGEST_NS (UINT64_C(1) << 62) /* 146 years: then the clocks stand, and overflow nowhere */

static struct {
    uint64_t start_s;
    uint64_t calls_ns; /* both by several threads at once */
    uint64_t slept_ns;
} fixed;

void guest_fixed_clock_begin(int64_t start_s)
{
    fixed.start_s = (uint64_t)start_s;
    fixed.calls_ns = fixed.slept_ns = 0;
}

uint64_t guest_fixed_now_ns(clockid_t clock)
{
    uint64_t worked = __atomic_fetch_add(&fixed.calls_ns, CALL_NS, __ATOMIC_RELAXED);
    uint64_t passed = worked + __atomic_load_n(&fixed.slept_ns, __ATOMIC_RELAXED);
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
    case CLOCK_REALTIME_ALARM:
        return fixed.start_s * SECOND_NS + passed;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        return FIRST_NS + passed;
    default: /* a process's or a thread's, which does not work while it sleeps */
        return worked;
    }
}

void guest_fixed_sleep(uint64_t length_ns)
{
    uint64_t before = __atomic_load_n(&fixed.slept_ns, __ATOMIC_RELAXED);
    uint64_t after;
    do {
        after = before > LONGEST_NS || length_ns > LONGEST_NS - before ? LONGEST_NS : before + length_ns;
    } while (!__atomic_compare_exchange_n(&fixed.slept_ns, &before, after, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    (void)sched_yield(); /* who sleeps waits for somebody, perhaps */
}

/* ---- as the C library's functions ----------------------------------------------------------------- */

/* A number that is no clock's is the kernel's to refuse. */
static int fixed_clock_gettime(clockid_t clock, struct timespec *ret_now)
{
    struct timespec scratch;
    if (guest_libc()->clock_gettime(clock, &scratch) < 0)
        return -1;
    uint64_t now = guest_fixed_now_ns(clock);
    *ret_now = (struct timespec){.tv_sec = (time_t)(now / SECOND_NS), .tv_nsec = (long)(now % SECOND_NS)};
    return 0;
}

static int fixed_gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
    uint64_t now = guest_fixed_now_ns(CLOCK_REALTIME);
    if (zone)
        *(struct timezone *)zone = (struct timezone){0};
    if (ret_now)
        *ret_now = (struct timeval){.tv_sec = (time_t)(now / SECOND_NS),
                                    .tv_usec = (suseconds_t)(now % SECOND_NS / 1000)};
    return 0;
}

static time_t fixed_time(time_t *ret_now)
{
    time_t now = (time_t)(guest_fixed_now_ns(CLOCK_REALTIME) / SECOND_NS);
    if (ret_now)
        *ret_now = now;
    return now;
}

/* Its children have used nothing: nobody has counted. */
static clock_t fixed_times(struct tms *ret_used)
{
    uint64_t tick_ns = SECOND_NS / (uint64_t)sysconf(_SC_CLK_TCK);
    if (ret_used)
        *ret_used =
            (struct tms){.tms_utime = (clock_t)(guest_fixed_now_ns(CLOCK_PROCESS_CPUTIME_ID) / tick_ns)};
    return (clock_t)(guest_fixed_now_ns(CLOCK_MONOTONIC) / tick_ns);
}

static int fixed_clock_nanosleep(clockid_t clock, int flags, const struct timespec *until,
                                 struct timespec *ret_left)
{
    (void)ret_left; /* nothing wakes it */
    if (until->tv_sec < 0 || until->tv_nsec < 0 || until->tv_nsec >= (long)SECOND_NS)
        return EINVAL;
    uint64_t length = LONGEST_NS;
    if ((uint64_t)until->tv_sec < LONGEST_NS / SECOND_NS)
        length = (uint64_t)until->tv_sec * SECOND_NS + (uint64_t)until->tv_nsec;
    if (flags & TIMER_ABSTIME) {
        uint64_t now = guest_fixed_now_ns(clock);
        length = length > now ? length - now : 0;
    }
    guest_fixed_sleep(length);
    return 0;
}

static int fixed_nanosleep(const struct timespec *length, struct timespec *ret_left)
{
    int err = fixed_clock_nanosleep(CLOCK_REALTIME, 0, length, ret_left);
    if (err == 0)
        return 0;
    errno = err;
    return -1;
}

void guest_fixed_clock_calls(struct guest_calls *calls)
{
    calls->clock_gettime = fixed_clock_gettime;
    calls->gettimeofday = fixed_gettimeofday;
    calls->time = fixed_time;
    calls->times = fixed_times;
    calls->clock_nanosleep = fixed_clock_nanosleep;
    calls->nanosleep = fixed_nanosleep;
}
