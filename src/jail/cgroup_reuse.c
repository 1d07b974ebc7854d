/* Leaves that are used again: making and removing one costs the kernel more than the forks that it counts.
 * Its own file because it argues that the next run cannot tell, and its numbers cannot either.
 * Changes when: another counter or limit is kept in a leaf.
 *
 * A leaf in which nobody is left differs from a new one by what is still charged to it, by its counters, and by its limits.
 * Nobody in a jail sees its directory. It is taken again if it is empty, holds next to nothing, has counted nothing that
 * cannot be set back or subtracted, and takes its limit of memory again; else it is removed, and another is made. */
#include "jail/cgroup.h"

#include <stdlib.h>
#include <unistd.h>

/* What processors have charged in advance, and pages that wait for their end (kernel/rcu), are not the last run's. */
#define LEFT_BYTES_MAX ((uint64_t)1 << 20)

static bool counted_none(uint64_t count)
{
    return count == 0 ||
           count == UINT64_MAX; /* what this kernel does not count the next run will not be told either */
}

/* Both kinds of groups start the peak anew, from what is charged now: v2 since Linux 6.12, for who reads by the same descriptor. */
static bool forget_peak(const struct bj_cgroup *cgroup)
{
    int fd = cgroup->counter_fds[BJ_COUNTER_MEMORY_PEAK];
    return !bj__cgroup_counts_memory(cgroup) || (fd >= 0 && pwrite(fd, "0", 1, 0) == 1);
}

static bool is_as_new(struct bj_cgroup *cgroup, unsigned processes)
{
    struct bj_cgroup_usage usage;
    bj__cgroup_open_counters(cgroup);
    if (!bj__cgroup_is_empty(cgroup) || !forget_peak(cgroup) || bj__cgroup_read(cgroup, &usage) < 0)
        return false;
    if (bj__cgroup_counts_memory(cgroup) && usage.memory_peak_bytes > LEFT_BYTES_MAX)
        return false;
    if (usage.processes_peak != UINT64_MAX && usage.processes_peak > processes)
        return false;
    cgroup->cpu_before_us += usage.cpu_us == UINT64_MAX ? 0 : usage.cpu_us;
    return counted_none(usage.oom_kills) && counted_none(usage.foreign_kills) &&
           counted_none(usage.process_refusals);
}

static bool renew(struct bj_cgroup *cgroup, const struct bj_limits *limits, unsigned extra_processes)
{
    struct bj_error unused;
    return is_as_new(cgroup, extra_processes + 1) &&
           (cgroup->memory_max == limits->memory_bytes ||
            bj__cgroup_limit_memory(cgroup, limits->memory_bytes, &unused) == 0);
}

bool bj__leaves_take(struct bj_leaves *leaves, const struct bj_limits *limits, unsigned extra_processes,
                     struct bj_cgroup *ret_cgroup)
{
    for (size_t i = 0; i < BJ_LEAVES; i++) {
        struct bj_cgroup *spare = atomic_exchange(&leaves->spare[i], NULL);
        if (!spare)
            continue;
        bool good = renew(spare, limits, extra_processes);
        if (good)
            *ret_cgroup = *spare;
        else
            (void)bj__cgroup_remove(spare); /* what cannot be removed is swept by a later run */
        free(spare);
        if (good)
            return true;
    }
    return false;
}

static bool keep(struct bj_leaves *leaves, struct bj_cgroup *spare)
{
    for (size_t i = 0; i < BJ_LEAVES; i++) {
        struct bj_cgroup *none = NULL;
        if (atomic_compare_exchange_strong(&leaves->spare[i], &none, spare))
            return true;
    }
    return false;
}

void bj__leaves_give(struct bj_leaves *leaves, struct bj_cgroup *cgroup)
{
    struct bj_cgroup *spare = malloc(sizeof(*spare));
    bj__cgroup_close_counters(cgroup); /* descriptors are the caller's, and not to be had without number */
    if (spare)
        *spare = *cgroup;
    if (spare && keep(leaves, spare)) {
        bj__cgroup_init(cgroup);
        return;
    }
    free(spare);
    (void)bj__cgroup_remove(cgroup);
}

void bj__leaves_done(struct bj_leaves *leaves)
{
    for (size_t i = 0; i < BJ_LEAVES; i++) {
        struct bj_cgroup *spare = atomic_exchange(&leaves->spare[i], NULL);
        if (spare)
            (void)bj__cgroup_remove(spare);
        free(spare);
    }
}
