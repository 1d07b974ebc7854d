/* Resource limits of the process: the second wall behind the control group, and the only one for some things.
 * Its own file because each row is a decision that is argued for.
 * Changes when: a limit is added to the spec or found missing by an attack. */
#include "plan/plan_internal.h"

#include <linux/version.h>
#include <sys/resource.h>

#define MICROSECONDS 1000000u

static void add_limit_op(struct bj_build *build, enum bj_opcode code, int resource, uint64_t soft,
                         uint64_t hard)
{
    struct bj_op *op = bj__plan_add(build, code, NULL);
    op->slot = resource;
    op->value = soft;
    op->value2 = hard;
}

static void add_limit(struct bj_build *build, int resource, uint64_t soft, uint64_t hard)
{
    add_limit_op(build, BJ_OP_RLIMIT, resource, soft, hard);
}

/* The kernel counts processes of a uid in this user namespace since Linux 5.14; before, all that the user has
 * on the host, and no number would be right. With one id for all, pid 1 is among them. Where the control group
 * counts too it must be the one to refuse, because it keeps count of that. */
static bool counts_by_namespace(const struct bj_build *build)
{
    return build->plan->two_ids || build->host->kernel >= KERNEL_VERSION(5, 14, 0);
}

static uint64_t process_limit(const struct bj_build *build)
{
    const struct bj_host_cgroup *cgroup = &build->host->cgroup;
    bool counted = build->plan->cgroup && (cgroup->v1_pids[0] || cgroup->unified_pids);
    uint64_t of_guest = build->spec->limits.processes + build->plan->own_processes - 1;
    return of_guest + (counted ? 16 : build->plan->two_ids ? 0 : 1);
}

void bj__plan_limits(struct bj_build *build)
{
    const struct bj_limits *limits = &build->spec->limits;
    const struct bj_host_cgroup *cgroup = &build->host->cgroup;
    if (!bj__plan_layer_on(build, BJ_LAYER_RLIMITS))
        return;
    if (limits->cpu_us > 0) {
        /* Each process alone; the supervisor sums up the tree, and must come first: the kernel's two counts of CPU time
         * are not quite the same, and a signal alone says nothing of who sent it. One second more before SIGKILL
         * (setrlimit(2)). */
        uint64_t most_us =
            build->spec->session ? limits->lifetime_us : limits->cpu_us; /* a process of many snippets */
        uint64_t seconds = most_us / MICROSECONDS + 1;
        add_limit(build, RLIMIT_CPU, seconds, seconds + 1);
    }
    bool tree_memory = build->plan->cgroup && (cgroup->v1_memory[0] || cgroup->unified_memory);
    uint64_t address_space = limits->address_space_bytes;
    if (limits->memory_bytes && !tree_memory) {
        /* These stand in, for each process alone; the result says so. A runtime that reserves far more than it
         * uses (node) has its profile set the address space, and is held by what it may write to. */
        add_limit(build, RLIMIT_DATA, limits->memory_bytes, limits->memory_bytes);
        address_space = address_space ? address_space : limits->memory_bytes;
    }
    if (address_space)
        add_limit(build, RLIMIT_AS, address_space, address_space);
    add_limit(build, RLIMIT_FSIZE, limits->file_bytes, limits->file_bytes);
    add_limit(build, RLIMIT_STACK, limits->stack_bytes, limits->stack_bytes);
    if (counts_by_namespace(build))
        add_limit(build, RLIMIT_NPROC, process_limit(build), process_limit(build));
    add_limit(build, RLIMIT_CORE, 0, 0);
    add_limit(build, RLIMIT_MEMLOCK, 65536, 65536);
    add_limit(build, RLIMIT_SIGPENDING, 256, 256); /* also bounds timer_create(2) */
    add_limit(build, RLIMIT_MSGQUEUE, 0, 0);
    add_limit(build, RLIMIT_NICE, 0, 0);
    add_limit(build, RLIMIT_RTPRIO, 0, 0);
}

void bj__plan_open_files(struct bj_build *build)
{
    uint64_t most = build->spec->limits.open_files;
    if (bj__plan_layer_on(build, BJ_LAYER_RLIMITS))
        add_limit_op(build, BJ_OP_OPEN_FILES, RLIMIT_NOFILE, most, most);
}
