/* CPU time of the whole tree, while it runs.
 * Its own file because without a control group the kernel has no such number, and it must be added up.
 * Changes when: another source of the number appears. */
#include "supervise/run.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define MAX_WALK 4096 /* processes looked at in one walk */

struct walk {
    pid_t pids[MAX_WALK];
    size_t count;
};

static ssize_t read_small(int dirfd, const char *path, char *text, size_t size)
{
    BJ_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, text, size - 1);
    if (n >= 0)
        text[n] = 0;
    return n;
}

/* proc(5), /proc/pid/stat: fields 14 to 17 are utime, stime, cutime, cstime in clock ticks. The name in field 2
 * is the guest's and may hold anything, so fields are counted from the last ')'. */
static uint64_t process_ticks(pid_t pid)
{
    char path[64];
    char text[1024];
    unsigned long long ticks[4];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
        return 0;
    const char *after_name = strrchr(text, ')');
    if (!after_name ||
        sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &ticks[0],
               &ticks[1], &ticks[2], &ticks[3]) != 4) /* NOLINT(cert-err34-c): four numbers or nothing */
        return 0;
    return ticks[0] + ticks[1] + ticks[2] + ticks[3];
}

/* Needs CONFIG_PROC_CHILDREN. */
static void add_children(struct walk *walk, int tasks_fd, const char *thread)
{
    char path[300];
    char text[8192];
    (void)snprintf(path, sizeof(path), "%s/children", thread);
    if (read_small(tasks_fd, path, text, sizeof(text)) <= 0)
        return;
    for (char *next = text; *next && walk->count < MAX_WALK;) {
        char *end;
        long child = strtol(next, &end, 10);
        if (end == next)
            break;
        walk->pids[walk->count++] = (pid_t)child;
        next = end + (*end == ' ');
    }
}

static void close_directory(DIR **directory)
{
    if (*directory)
        (void)closedir(*directory); /* read only: nothing can be lost */
}

/* A process is listed with the thread that made it, and which one that is, is the guest's choice. */
static void add_children_of_threads(struct walk *walk, pid_t pid)
{
    char path[64];
    const struct dirent *entry;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    BJ_CLEANUP(close_directory) DIR *tasks = opendir(path);
    while (tasks && (entry = readdir(tasks)) != NULL) /* NOLINT(concurrency-mt-unsafe): our own stream */
        if (entry->d_name[0] != '.')
            add_children(walk, dirfd(tasks), entry->d_name);
}

static uint64_t walk_us(const struct bj_run *run)
{
    struct walk *walk = malloc(sizeof(*walk));
    if (!walk)
        return 0;
    uint64_t ticks = 0;
    walk->count = 1;
    walk->pids[0] = run->jail.pid;
    for (size_t i = 0; i < walk->count; i++) {
        ticks += process_ticks(walk->pids[i]);
        add_children_of_threads(walk, walk->pids[i]);
    }
    free(walk);
    return ticks * (1000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

uint64_t bj__run_cpu_us(struct bj_run *run)
{
    if (run->plan->cgroup) {
        uint64_t counted = bj__cgroup_cpu_us(&run->jail.cgroup);
        if (counted != UINT64_MAX)
            return counted;
    }
    uint64_t reaped =
        (uint64_t)run->jail.usage.ru_utime.tv_sec * 1000000u + (uint64_t)run->jail.usage.ru_utime.tv_usec +
        (uint64_t)run->jail.usage.ru_stime.tv_sec * 1000000u + (uint64_t)run->jail.usage.ru_stime.tv_usec;
    uint64_t seen = run->jail.reaped ? reaped : walk_us(run);
    if (seen > run->cpu_seen_us)
        run->cpu_seen_us = seen; /* what was killed unreaped is in no later number */
    return run->cpu_seen_us;
}
