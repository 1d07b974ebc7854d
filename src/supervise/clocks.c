/* What is looked at by the clock: wall time, CPU time, memory where the kernel does not watch it, waiting for input.
 * Its own file because the loop only knows that a timer rang.
 * Changes when: something more has to be looked at from time to time. */
#include "supervise/calls.h"

#include <sys/timerfd.h>
#include <unistd.h>

#define MIN_CPU_CHECK_US    2000u
#define MIN_MEMORY_CHECK_US 5000u
#define MAX_MEMORY_CHECK_US 100000u
#define FILLED_BYTES_PER_US 4096u

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void bj__clocks_arm(struct bj_run *run)
{
    uint64_t next = earlier(earlier(run->wall_deadline_us, run->next_waiting_check_us),
                            earlier(run->next_cpu_check_us, run->next_memory_check_us));
    next = earlier(next, run->next_call_check_us);
    struct itimerspec spec = {
        .it_value = {.tv_sec = (time_t)(next / 1000000u), .tv_nsec = (long)(next % 1000000u) * 1000}};
    if (timerfd_settime(run->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
        bj__run_fail(run, errno, "set the clock of the limits");
}

/* All that there are, also those that are off at the moment: looked up once, because it takes as long as starting a run. Threads may
 * come to it at one time: they find the same. */
static uint64_t processors(void)
{
    static _Atomic long count;
    if (count == 0)
        count = sysconf(_SC_NPROCESSORS_CONF);
    return count > 0 ? (uint64_t)count : 1;
}

static uint64_t parallel(const struct bj_run *run)
{
    if (run->limits.processes <= 1)
        return 1; /* whose threads are counted as processes */
    return processors() < run->limits.processes ? processors() : run->limits.processes;
}

/* The tree cannot use more than all processors: the next look is when it could have used up the rest. */
static void plan_cpu_check(struct bj_run *run, uint64_t used_us)
{
    uint64_t limit = run->limits.cpu_us;
    uint64_t wait = used_us < limit ? (limit - used_us) / parallel(run) : 0;
    run->next_cpu_check_us = bj__now_us() + (wait < MIN_CPU_CHECK_US ? MIN_CPU_CHECK_US : wait);
}

/* The same for memory: no processor fills it faster than this. */
static void plan_memory_check(struct bj_run *run, uint64_t used_bytes)
{
    uint64_t limit = run->limits.memory_bytes;
    uint64_t wait = used_bytes < limit ? (limit - used_bytes) / (FILLED_BYTES_PER_US * parallel(run)) : 0;
    wait = wait < MIN_MEMORY_CHECK_US ? MIN_MEMORY_CHECK_US : earlier(wait, MAX_MEMORY_CHECK_US);
    run->next_memory_check_us = bj__now_us() + wait;
}

static void check_memory(struct bj_run *run)
{
    uint64_t used = bj__run_memory_bytes(run, run->limits.memory_bytes);
    if (used > run->limits.memory_bytes)
        bj__run_end(run, BJ_KILL_MEMORY);
    plan_memory_check(run, used);
}

void bj__clocks_start(struct bj_run *run)
{
    run->wall_deadline_us = run->exec_us + run->limits.wall_us;
    run->next_cpu_check_us = run->next_memory_check_us = run->next_waiting_check_us = UINT64_MAX;
    run->next_call_check_us = UINT64_MAX;
    if (run->limits.cpu_us > 0)
        plan_cpu_check(run, 0);
    if (run->limits.memory_bytes > 0 && !bj__cgroup_counts_memory(&run->jail->cgroup))
        plan_memory_check(run, 0);
    bj__clocks_arm(run);
}

void bj__clocks_check(struct bj_run *run)
{
    uint64_t expirations;
    if (read(run->timer_fd, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN)
        return;
    uint64_t now = bj__now_us();
    if (run->pauses && (now >= run->next_waiting_check_us || now >= run->wall_deadline_us))
        bj__waiting_check(run, now);
    if (now >= run->wall_deadline_us) {
        bj__run_end(run, BJ_KILL_WALL);
        run->wall_deadline_us =
            now + 1000000; /* once more, should the first kill have met a process that was born */
    }
    if (now >= run->next_cpu_check_us) {
        uint64_t used = bj__run_cpu_us(run);
        if (used != UINT64_MAX && used >= run->limits.cpu_us)
            bj__run_end(run, BJ_KILL_CPU);
        plan_cpu_check(run, used == UINT64_MAX ? 0 : used);
    }
    if (now >= run->next_memory_check_us)
        check_memory(run);
    if (now >= run->next_call_check_us)
        bj__calls_time_out(run);
    bj__clocks_arm(run);
}
