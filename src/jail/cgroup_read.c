/* What the kernel counted for a leaf, in the words of v1 and v2.
 * Its own file because a verdict rests on these numbers, and reading changes nothing.
 * Changes when: another counter of control groups is read. */
#include "host/small.h"
#include "jail/cgroup.h"

/* "key value" on a line of its own in a flat keyed file. */
static uint64_t value_of(const char *text, const char *key)
{
    size_t length = strlen(key);
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

static uint64_t read_key(int fd, const char *file, const char *key)
{
    char text[1024];
    if (fd < 0 || bj__small_read(fd, file, text, sizeof(text)) < 0)
        return UINT64_MAX;
    return value_of(text, key);
}

static uint64_t read_number(int fd, const char *file)
{
    uint64_t value;
    return fd >= 0 && bj__small_number(fd, file, &value) == 0 ? value : UINT64_MAX;
}

uint64_t bj__cgroup_cpu_us(const struct bj_cgroup *cgroup)
{
    if (cgroup->unified_fd >= 0) /* in every v2 group, also without the cpu controller */
        return read_key(cgroup->unified_fd, "cpu.stat", "usage_usec");
    uint64_t nanoseconds = read_number(cgroup->cpuacct_fd, "cpuacct.usage");
    return nanoseconds == UINT64_MAX ? UINT64_MAX : nanoseconds / 1000;
}

/* Kills are also counted when the host as a whole, or a group above, was out of memory; the guest's own limit
 * is to blame only if it was reached. v1's memory.failcnt would tell, but newer kernels leave it at 0: the peak
 * must do, less what is charged in batches. */
#define BATCH_BYTES (1u << 20)

static bool was_at_limit(const struct bj_cgroup *cgroup, uint64_t peak_bytes)
{
    if (cgroup->unified_memory)
        return read_key(cgroup->unified_fd, "memory.events", "oom") > 0; /* also when it cannot be read */
    uint64_t limit_bytes = read_number(cgroup->memory_fd, "memory.limit_in_bytes");
    return peak_bytes > limit_bytes || limit_bytes - peak_bytes <= BATCH_BYTES + limit_bytes / 16;
}

bool bj__cgroup_counts_memory(const struct bj_cgroup *cgroup)
{
    return cgroup->unified_memory || cgroup->memory_fd >= 0;
}

int bj__cgroup_read(const struct bj_cgroup *cgroup, struct bj_cgroup_usage *ret_usage)
{
    int pids_fd = cgroup->unified_pids ? cgroup->unified_fd : cgroup->pids_fd;
    struct bj_cgroup_usage usage = {.cpu_us = bj__cgroup_cpu_us(cgroup)};
    if (cgroup->unified_memory) {
        usage.memory_peak_bytes = read_number(cgroup->unified_fd, "memory.peak"); /* 5.19 */
        usage.oom_kills = read_key(cgroup->unified_fd, "memory.events", "oom_kill");
    } else {
        usage.memory_peak_bytes = read_number(cgroup->memory_fd, "memory.max_usage_in_bytes");
        usage.oom_kills = read_key(cgroup->memory_fd, "memory.oom_control", "oom_kill"); /* 4.13 */
    }
    if (usage.oom_kills > 0 && usage.oom_kills != UINT64_MAX && !was_at_limit(cgroup, usage.memory_peak_bytes))
        usage.oom_kills = 0;
    usage.processes_peak = read_number(pids_fd, "pids.peak"); /* 6.1 */
    usage.process_refusals = read_key(pids_fd, "pids.events", "max");
    *ret_usage = usage;
    return 0;
}
