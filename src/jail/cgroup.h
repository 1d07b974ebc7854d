/* A control group leaf of its own for each run: made, limited, read, killed, removed.
 * Its own file because v2, v1 and the mix of both must look the same to everybody else.
 * Changes when: another counter or limit of control groups is used. */
#ifndef BJ_CGROUP_H
#define BJ_CGROUP_H

#include "host/host.h"
#include "plan/plan.h"
#include "spec/spec.h"

#include <stdatomic.h>

enum bj_counter {
    BJ_COUNTER_CPU,
    BJ_COUNTER_MEMORY_PEAK,
    BJ_COUNTER_MEMORY_EVENTS,
    BJ_COUNTER_PROCESSES,
    BJ_COUNTER_PROCESSES_PEAK,
    BJ_COUNTER_PROCESSES_EVENTS,
    BJ_COUNTER__COUNT
};

struct bj_cgroup {
    int unified_fd;                     /* directory of the v2 leaf (CLONE_INTO_CGROUP), or -1 */
    int memory_fd, pids_fd, cpuacct_fd; /* directories of v1 leaves, or -1 */
    bool unified_memory, unified_pids;
    int counter_fds[BJ_COUNTER__COUNT]; /* -1: opened when it is read (cgroup_read.c) */
    uint64_t memory_max;                /* the limit in bytes; 0: none */
    uint64_t cpu_before_us;             /* used by those who had the leaf before (cgroup_reuse.c) */
    char name[48];                      /* of the leaf, the same in each hierarchy */
    struct bj_host_cgroup parents;
};

/* What the kernel counted. A count that cannot be had is UINT64_MAX. */
struct bj_cgroup_usage {
    uint64_t cpu_us;
    uint64_t memory_peak_bytes;
    uint64_t oom_kills;        /* tasks killed while the leaf was at its memory limit */
    uint64_t foreign_kills;    /* tasks killed because the host, or a group above, was out of memory */
    uint64_t processes_peak;   /* pids.peak (6.1), else UINT64_MAX */
    uint64_t process_refusals; /* forks refused at the limit (pids.events max) */
};

void bj__cgroup_init(struct bj_cgroup *cgroup); /* nothing made: all -1 */
/* Makes the leaf below the caller's own group and writes the limits (memory with swap, pids). extra_processes
 * is added to limits->processes for the jail's own pid 1. On failure nothing is left. */
int bj__cgroup_make(struct bj_cgroup *cgroup, const struct bj_host_cgroup *host, const struct bj_limits *limits,
                    unsigned extra_processes, struct bj_error *err);
/* Once it was made. More than before is refused where a v1 group counts swap as well. */
int bj__cgroup_limit_memory(struct bj_cgroup *cgroup, uint64_t bytes, struct bj_error *err);
/* Opens the task lists of the v1 leaves (-1 where there is none is left as it was), above descriptor 2; a
 * process that writes "0" to one moves itself. cgroup_join.c says why. */
int bj__cgroup_open_tasks(const struct bj_cgroup *cgroup, int ret_fds[BJ_CGROUP_V1_HIERARCHIES],
                          struct bj_error *err);
/* Out of memory, the kernel ends one process and not all: branches of a session outlive each other. */
int bj__cgroup_end_singly(const struct bj_cgroup *cgroup, struct bj_error *err);
bool bj__cgroup_counts_memory(const struct bj_cgroup *cgroup); /* and limits it */
int bj__cgroup_read(const struct bj_cgroup *cgroup, struct bj_cgroup_usage *ret_usage);
/* Opens what is read at the end, for a leaf whose run is waited for. What cannot be opened is tried again then. */
void bj__cgroup_open_counters(struct bj_cgroup *cgroup);
void bj__cgroup_close_counters(struct bj_cgroup *cgroup);
/* Of all its tasks, threads among them; UINT64_MAX: it cannot be told. */
uint64_t bj__cgroup_task_count(const struct bj_cgroup *cgroup);
bool bj__cgroup_is_empty(const struct bj_cgroup *cgroup);   /* false when it cannot be told */
uint64_t bj__cgroup_cpu_us(const struct bj_cgroup *cgroup); /* cheap; UINT64_MAX when it cannot be had */
void bj__cgroup_kill(const struct bj_cgroup *cgroup);       /* cgroup.kill, or SIGKILL to each member */
/* Removes the leaf (after its processes are gone), closes. Retries briefly on EBUSY. Idempotent; 0 or -errno. */
int bj__cgroup_remove(struct bj_cgroup *cgroup);
/* cgroup_sweep.c: removes the leaves of supervisors that no longer exist (killed before they could). How many, or -errno;
 * *left: those that had somebody in them yet, or an owner in another pid namespace. One readdir where there is nothing to do. */
int bj__cgroup_sweep(const struct bj_host_cgroup *host, unsigned *ret_left);
/* Sweeps when it is called first, and again a little later while something is left: before each run. In all hierarchies
 * that leaves are made in, or a part of one would stay for good. */
void bj__cgroup_sweep_due(const struct bj_host_cgroup *host);

/* cgroup_reuse.c: leaves of ended jails, for the next ones. Any thread may give one back while another takes one. */
#define BJ_LEAVES 8
struct bj_leaves {
    struct bj_cgroup *_Atomic spare[BJ_LEAVES]; /* owned; NULL: none */
};
/* Takes the leaf of a jail that is gone, or removes it. *cgroup is as bj__cgroup_init made it afterwards. */
void bj__leaves_give(struct bj_leaves *leaves, struct bj_cgroup *cgroup);
/* A leaf that was made with these limits and is as good as new. False: there is none. */
bool bj__leaves_take(struct bj_leaves *leaves, const struct bj_limits *limits, unsigned extra_processes,
                     struct bj_cgroup *ret_cgroup);
void bj__leaves_done(struct bj_leaves *leaves);

#endif
