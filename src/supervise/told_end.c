/* The end that the kernel tells of before it happens.
 * Its own file because between a program's last call and its death there is something to look at, and nobody to be feared.
 * Changes when: something more is to be known of who ends.
 *
 * A parked jail's filter hands exit_group(2) to the supervisor. If the caller is the program and the only task of the guest's,
 * it stands still in that call until it is killed there: no answer lets it go on. So all that was written is written, its exit
 * status is known, and the result need not wait until the kernel has taken its memory apart, which for an interpreter takes as
 * long as the rest of a short run. It is killed when the run is freed, unless files are collected: killed before, it would take
 * the processor that makes the result. Anybody else's exit_group goes on, and is none of our business. */
#include "supervise/run.h"
#include "supervise/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

/* Microseconds of all its threads; 0: not to be had. */
static uint64_t processor_us(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
        return 0;
    return (uint64_t)used.tv_sec * 1000000u + (uint64_t)used.tv_nsec / 1000u;
}

#define STATUS_BYTES 4096

/* proc_pid_status(5). False: it cannot be had. */
static bool read_status(pid_t pid, char text[STATUS_BYTES])
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    return bj__proc_read(AT_FDCWD, path, text, STATUS_BYTES) > 0;
}

/* The most that was resident, as getrusage(2) tells it of the dead. 0: not to be had. */
static long most_resident_kib(pid_t pid)
{
    char text[STATUS_BYTES];
    if (!read_status(pid, text))
        return 0;
    const char *line = strstr(text, "\nVmHWM:"); /* behind the name, whose line feeds are escaped */
    return line ? strtol(line + strlen("\nVmHWM:"), NULL, 10) : 0;
}

/* Its number here: proc(5), fdinfo of a pidfd. Asked for before anybody waits. 0: not to be had. */
static pid_t program_pid(struct bj_run *run)
{
    char path[64];
    char text[512];
    if (run->program_pid > 0)
        return run->program_pid;
    (void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", run->jail->payload_pidfd);
    if (bj__proc_read(AT_FDCWD, path, text, sizeof(text)) <= 0)
        return 0;
    const char *line = strstr(text, "\nPid:");
    run->program_pid = line ? (pid_t)strtol(line + strlen("\nPid:"), NULL, 10) : 0;
    return run->program_pid;
}

void bj__run_expect_end(struct bj_run *run)
{
    if (run->plan->tells_end)
        (void)program_pid(run);
}

static bool has_one_thread(pid_t pid)
{
    char text[STATUS_BYTES];
    return read_status(pid, text) && strstr(text, "\nThreads:\t1\n");
}

static bool children_are(pid_t pid, const char *those)
{
    char path[64];
    char text[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    return bj__proc_read(AT_FDCWD, path, text, sizeof(text)) >= 0 && strcmp(text, those) == 0;
}

/* Without a control group nobody counts them. The program stands still: if it has one thread, it makes no more, and if it has no
 * children, nobody comes from below it any more; whoever was made before and lost his parent is pid 1's child. Needs
 * CONFIG_PROC_CHILDREN; the kernel goes from a child to the next under its lock, and the program is the first. */
static bool looks_alone(const struct bj_run *run, pid_t pid)
{
    char program[16];
    (void)snprintf(program, sizeof(program), "%d ", (int)pid);
    return has_one_thread(pid) && children_are(pid, "") && children_are(run->jail->pid, program);
}

/* Nobody else is there whom the kill would have to reach before all is quiet: pid 1 of the jail is no guest. */
static bool is_alone(const struct bj_run *run, pid_t pid)
{
    if (run->limits.processes == 1)
        return true;
    uint64_t tasks = bj__cgroup_task_count(&run->jail->cgroup);
    return tasks == UINT64_MAX ? looks_alone(run, pid) : tasks == 2;
}

bool bj__run_is_its_end(struct bj_run *run, pid_t pid)
{
    return run->killed == BJ_KILL_NONE && pid == program_pid(run) && is_alone(run, pid);
}

void bj__run_told_end(struct bj_run *run, pid_t pid, int exit_code)
{
    if (run->told_end)
        return;
    uint64_t used_us = processor_us(pid);
    if (used_us > run->cpu_seen_us)
        run->cpu_seen_us = used_us;
    if (!bj__cgroup_counts_memory(&run->jail->cgroup))
        run->jail->usage.ru_maxrss = most_resident_kib(pid);
    run->told_end = true;
    run->exit_code = exit_code;
    if (!bj__run_may_finish(run))
        bj__jail_kill_init(run->jail);
}

bool bj__run_may_finish(const struct bj_run *run)
{
    return run->told_end && run->collect.count == 0;
}

bool bj__run_stands(const struct bj_run *run)
{
    return run->over && run->told_end && !run->jail->reaped;
}

bool bj__run_is_gone(struct bj_run *run)
{
    if (run->branch)
        return true;
    bj_run_kill(run);
    return bj__jail_reap(run->jail, false);
}

int bj__run_death_fd(const struct bj_run *run)
{
    return run->jail->pidfd;
}
