/* What the kernel counted for a leaf, in the words of v1 and v2.
 * Its own file because a verdict rests on these numbers, and reading changes nothing.
 * Changes when: another counter of control groups is read. */
#include "host/small.h"
#include "jail/cgroup.h"

#include <fcntl.h>
#include <unistd.h>

/* Of v1 and of v2; since Linux 5.19 (memory.peak), 6.1 (pids.peak) and 4.13 (oom_kill). */
static const char *const names[BJ_COUNTER__COUNT][2] = {
    [BJ_COUNTER_CPU] = {"cpuacct.usage",
                        "cpu.stat"}, /* that one in every v2 group, also without the controller */
    [BJ_COUNTER_MEMORY_PEAK] = {"memory.max_usage_in_bytes", "memory.peak"},
    [BJ_COUNTER_MEMORY_EVENTS] = {"memory.oom_control", "memory.events"},
    [BJ_COUNTER_PROCESSES] = {"pids.current", "pids.current"},
    [BJ_COUNTER_PROCESSES_PEAK] = {"pids.peak", "pids.peak"},
    [BJ_COUNTER_PROCESSES_EVENTS] = {"pids.events", "pids.events"},
};

/* The directory where a counter is, or -1. */
static int directory_of(const struct bj_cgroup *cgroup, enum bj_counter counter, bool *ret_unified)
{
    bool cpu = counter == BJ_COUNTER_CPU;
    bool memory = counter == BJ_COUNTER_MEMORY_PEAK || counter == BJ_COUNTER_MEMORY_EVENTS;
    *ret_unified = cpu ? cgroup->unified_fd >= 0 : memory ? cgroup->unified_memory : cgroup->unified_pids;
    return *ret_unified ? cgroup->unified_fd
           : cpu        ? cgroup->cpuacct_fd
           : memory     ? cgroup->memory_fd
                        : cgroup->pids_fd;
}

/* For writing, too, where the kernel takes anything: a peak can be started anew (cgroup_reuse.c). */
static int open_counter(int directory, const char *name)
{
    int fd = openat(directory, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 ? fd : openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

void bj__cgroup_open_counters(struct bj_cgroup *cgroup)
{
    for (int counter = 0; counter < BJ_COUNTER__COUNT; counter++) {
        bool unified;
        int directory = directory_of(cgroup, counter, &unified);
        if (directory >= 0 && cgroup->counter_fds[counter] < 0)
            cgroup->counter_fds[counter] = open_counter(directory, names[counter][unified]);
    }
}

void bj__cgroup_close_counters(struct bj_cgroup *cgroup)
{
    for (int counter = 0; counter < BJ_COUNTER__COUNT; counter++)
        bj__fd_close(&cgroup->counter_fds[counter]);
}

/* Its text, with its zero. False: it cannot be had. */
static bool read_text(const struct bj_cgroup *cgroup, enum bj_counter counter, char *text, size_t size)
{
    bool unified;
    int directory = directory_of(cgroup, counter, &unified);
    if (cgroup->counter_fds[counter] < 0)
        return directory >= 0 && bj__small_read(directory, names[counter][unified], text, size) >= 0;
    ssize_t n = pread(cgroup->counter_fds[counter], text, size - 1, 0);
    text[n > 0 ? n : 0] = 0;
    return n >= 0;
}

/* "key value" on a line of its own in a flat keyed file. */
static uint64_t read_key(const struct bj_cgroup *cgroup, enum bj_counter counter, const char *key)
{
    char text[1024];
    size_t length = strlen(key);
    if (!read_text(cgroup, counter, text, sizeof(text)))
        return UINT64_MAX;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) != 0 || line[length] != ' ')
            continue;
        const char *cursor = line + length + 1;
        uint64_t value;
        return bj__digits(&cursor, &value) == 0 ? value : UINT64_MAX;
    }
    return UINT64_MAX;
}

/* A file that holds one number and a newline. */
static uint64_t read_number(const struct bj_cgroup *cgroup, enum bj_counter counter)
{
    char text[32];
    const char *cursor = text;
    uint64_t value;
    if (!read_text(cgroup, counter, text, sizeof(text)) || bj__digits(&cursor, &value) < 0 || *cursor != '\n')
        return UINT64_MAX;
    return value;
}

static uint64_t whole_cpu_us(const struct bj_cgroup *cgroup)
{
    if (cgroup->unified_fd >= 0)
        return read_key(cgroup, BJ_COUNTER_CPU, "usage_usec");
    uint64_t nanoseconds = read_number(cgroup, BJ_COUNTER_CPU);
    return nanoseconds == UINT64_MAX ? UINT64_MAX : nanoseconds / 1000;
}

uint64_t bj__cgroup_cpu_us(const struct bj_cgroup *cgroup)
{
    uint64_t whole_us = whole_cpu_us(cgroup);
    return whole_us == UINT64_MAX ? UINT64_MAX : whole_us - cgroup->cpu_before_us;
}

uint64_t bj__cgroup_task_count(const struct bj_cgroup *cgroup)
{
    bool everybody_is_there = cgroup->unified_pids || cgroup->unified_fd < 0;
    return everybody_is_there ? read_number(cgroup, BJ_COUNTER_PROCESSES) : UINT64_MAX;
}

bool bj__cgroup_is_empty(const struct bj_cgroup *cgroup)
{
    return bj__cgroup_task_count(cgroup) == 0;
}

/* Kills are also counted when the host as a whole, or a group above, was out of memory; the guest's own limit
 * is to blame only if it was reached. v1's memory.failcnt would tell, but newer kernels leave it at 0: the peak
 * must do, less what is charged in batches. */
#define BATCH_BYTES (1u << 20)

static bool was_at_limit_v1(const struct bj_cgroup *cgroup, uint64_t peak_bytes)
{
    uint64_t limit_bytes = cgroup->memory_max;
    return limit_bytes > 0 &&
           (peak_bytes > limit_bytes || limit_bytes - peak_bytes <= BATCH_BYTES + limit_bytes / 16);
}

static void read_oom_kills(const struct bj_cgroup *cgroup, struct bj_cgroup_usage *usage)
{
    uint64_t kills = read_key(cgroup, BJ_COUNTER_MEMORY_EVENTS, "oom_kill");
    bool foreign = cgroup->unified_memory ? read_key(cgroup, BJ_COUNTER_MEMORY_EVENTS, "oom") ==
                                                0 /* what cannot be read is not 0 */
                                          : !was_at_limit_v1(cgroup, usage->memory_peak_bytes);
    usage->oom_kills = foreign ? 0 : kills;
    usage->foreign_kills = foreign ? kills : 0;
}

bool bj__cgroup_counts_memory(const struct bj_cgroup *cgroup)
{
    return cgroup->unified_memory || cgroup->memory_fd >= 0;
}

int bj__cgroup_read(const struct bj_cgroup *cgroup, struct bj_cgroup_usage *ret_usage)
{
    struct bj_cgroup_usage usage = {.cpu_us = bj__cgroup_cpu_us(cgroup)};
    usage.memory_peak_bytes = read_number(cgroup, BJ_COUNTER_MEMORY_PEAK);
    read_oom_kills(cgroup, &usage);
    usage.processes_peak = read_number(cgroup, BJ_COUNTER_PROCESSES_PEAK);
    usage.process_refusals = read_key(cgroup, BJ_COUNTER_PROCESSES_EVENTS, "max");
    *ret_usage = usage;
    return 0;
}
