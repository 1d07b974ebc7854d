/* CPU time of the whole tree, while it runs.
 * Its own file because without a control group the kernel has no such number, and it must be added up.
 * Changes when: another source of the number appears. */
#include "supervise/run.h"
#include "supervise/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* proc(5), /proc/pid/stat: fields 14 to 17 are utime, stime, cutime, cstime in clock ticks. The name in field 2
 * is the guest's and may hold anything, so fields are counted from the last ')'. */
static uint64_t process_ticks(pid_t pid)
{
    char path[64];
    char text[1024];
    unsigned long long ticks[4];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (bj__proc_read(AT_FDCWD, path, text, sizeof(text)) <= 0)
        return 0;
    const char *after_name = strrchr(text, ')');
    if (!after_name ||
        sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &ticks[0],
               &ticks[1], &ticks[2], &ticks[3]) != 4) /* NOLINT(cert-err34-c): four numbers or nothing */
        return 0;
    return ticks[0] + ticks[1] + ticks[2] + ticks[3];
}

static uint64_t walk_us(const struct bj_run *run)
{
    struct bj_tree *tree = bj__tree_walk(run->jail->pid);
    uint64_t ticks = 0;
    for (size_t i = 0; tree && i < tree->count; i++)
        ticks += process_ticks(tree->pids[i]);
    free(tree);
    return ticks * (1000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

uint64_t bj__run_cpu_us(struct bj_run *run)
{
    if (run->plan->cgroup) {
        uint64_t counted = bj__cgroup_cpu_us(&run->jail->cgroup);
        if (counted != UINT64_MAX)
            return counted - run->before.cpu_us;
    }
    if (run->told_end)
        return run->cpu_seen_us;
    uint64_t reaped =
        (uint64_t)run->jail->usage.ru_utime.tv_sec * 1000000u + (uint64_t)run->jail->usage.ru_utime.tv_usec +
        (uint64_t)run->jail->usage.ru_stime.tv_sec * 1000000u + (uint64_t)run->jail->usage.ru_stime.tv_usec;
    uint64_t seen = run->jail->reaped ? reaped : walk_us(run);
    seen -=
        seen > run->before.cpu_us ? run->before.cpu_us : seen; /* of a session, less may be left to be seen */
    if (seen > run->cpu_seen_us)
        run->cpu_seen_us = seen; /* what was killed unreaped is in no later number */
    return run->cpu_seen_us;
}
