/* The leaf of a run: made with its limits, joined, removed.
 * Its own file because what is made here must be removed here, in every hierarchy, whatever fails.
 * Changes when: another limit of control groups is written. */
#include "jail/cgroup.h"
#include "host/small.h"
#include "jail/cgroup_internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FIELD         "layers.cgroup"
#define NAME_TRIES    1024    /* leaves that a killed supervisor of the same pid may have left */
#define REMOVE_US     1000000 /* how long a leaf may stay busy: v1 lets go of a process after it was reaped */
#define FIRST_WAIT_US 50u
#define LONG_WAIT_US  20000u

void bj__cgroup_init(struct bj_cgroup *cgroup)
{
    memset(cgroup, 0, sizeof(*cgroup));
    cgroup->unified_fd = cgroup->memory_fd = cgroup->pids_fd = cgroup->cpuacct_fd = -1;
    for (size_t i = 0; i < BJ_COUNT(cgroup->counter_fds); i++)
        cgroup->counter_fds[i] = -1;
}

void bj__cgroup_seats(struct bj_cgroup *cgroup, struct bj_cgroup_seat seats[BJ_CGROUP_SEATS])
{
    seats[0] = (struct bj_cgroup_seat){&cgroup->memory_fd, cgroup->parents.v1_memory};
    seats[1] = (struct bj_cgroup_seat){&cgroup->pids_fd, cgroup->parents.v1_pids};
    seats[2] = (struct bj_cgroup_seat){&cgroup->cpuacct_fd, cgroup->parents.v1_cpuacct};
    seats[3] = (struct bj_cgroup_seat){&cgroup->unified_fd, cgroup->parents.unified};
}

/* Unique in this process for ever; among processes that share a group the pid tells them apart, and where
 * two pid namespaces give the same pid, EEXIST does. */
static void name_leaf(struct bj_cgroup *cgroup)
{
    static atomic_uint counter;
    unsigned number = atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
    (void)snprintf(cgroup->name, sizeof(cgroup->name), BJ_CGROUP_PREFIX "%ld-%u", (long)getpid(), number);
}

/* -EEXIST, or -ENOENT when a sweep took the still empty leaf: another name will do. */
static int make_leaf(const char *parent, const char *name, int *ret_fd)
{
    char path[sizeof(((struct bj_host_cgroup *)0)->unified) + sizeof(((struct bj_cgroup *)0)->name)];
    (void)snprintf(path, sizeof(path), "%s/%s", parent, name); /* has room for the longest of both */
    if (mkdir(path, 0755) < 0)
        return errno == ENOENT ? -ENODEV : -errno;
    /* The caller's umask is not ours to change, and one of 0777 would lock an ordinary user out of his leaf. */
    int fd = chmod(path, 0755) < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        int error = errno;
        (void)rmdir(path); /* the open's error is the one to report */
        return -error;
    }
    /* Held while the supervisor lives: tells a sweep that the leaf has an owner (cgroup_sweep.c). */
    (void)flock(fd, LOCK_EX | LOCK_NB);
    *ret_fd = fd;
    return 0;
}

static int make_leaves(struct bj_cgroup *cgroup, struct bj_error *err)
{
    struct bj_cgroup_seat seats[BJ_CGROUP_SEATS];
    bj__cgroup_seats(cgroup, seats);
    for (size_t i = 0; i < BJ_CGROUP_SEATS; i++) {
        if (seats[i].parent[0] == 0)
            continue;
        int r = make_leaf(seats[i].parent, cgroup->name, seats[i].fd);
        if (r < 0)
            return bj__error_system(err, -r, FIELD, "making %s/%s", seats[i].parent, cgroup->name);
    }
    return 0;
}

static int write_limit(int fd, const char *file, uint64_t value, struct bj_error *err)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    int r = bj__small_write(fd, file, text);
    return r < 0 ? bj__error_system(err, -r, FIELD, "writing %s to %s", text, file) : 0;
}

/* v1: memory+swap may not be below memory, so memory goes first; where swap is not accounted, the leaf is asked
 * not to swap (a wish: it still may when the host is short of memory). What there is, is seen in the leaf itself,
 * whose files are its maker's: what a probe of the parent could not look at is not taken for absent. */
static int limit_memory_v1(const struct bj_cgroup *cgroup, uint64_t bytes, struct bj_error *err)
{
    int r = write_limit(cgroup->memory_fd, "memory.limit_in_bytes", bytes, err);
    if (r < 0)
        return r;
    r = write_limit(cgroup->memory_fd, "memory.memsw.limit_in_bytes", bytes, err);
    if (r != -ENOENT)
        return r;
    (void)bj__small_write(cgroup->memory_fd, "memory.swappiness", "0");
    return 0;
}

/* A delegated parent may not have switched its controllers on yet; the probe said that this is ours to do. */
static int enable_controllers(const struct bj_cgroup *cgroup, struct bj_error *err)
{
    const char *wanted = cgroup->unified_memory && cgroup->unified_pids ? "+memory +pids"
                         : cgroup->unified_memory                       ? "+memory"
                                                                        : "+pids";
    int r = bj__small_write(cgroup->unified_fd, "../cgroup.subtree_control", wanted);
    if (r < 0)
        return bj__error(err, BJ_ERROR_UNAVAILABLE, -r, FIELD,
                         "%s cannot give its children controllers (%s): %s; start Belljar with systemd-run "
                         "[--user] --scope -p Delegate=yes",
                         cgroup->parents.unified, wanted, strerror(-r));
    return 0;
}

static int limit_memory_v2(const struct bj_cgroup *cgroup, uint64_t bytes, struct bj_error *err)
{
    int r = write_limit(cgroup->unified_fd, "memory.max", bytes, err);
    if (r < 0)
        return r;
    /* Absent without CONFIG_SWAP or with swapaccount=0; then there is nothing to forbid. */
    r = bj__small_write(cgroup->unified_fd, "memory.swap.max", "0");
    if (r < 0 && r != -ENOENT)
        return bj__error_system(err, -r, FIELD, "writing memory.swap.max");
    /* All or nothing (4.19): a program that has lost one of its processes has no result worth having. */
    r = bj__small_write(cgroup->unified_fd, "memory.oom.group", "1");
    if (r < 0 && r != -ENOENT)
        return bj__error_system(err, -r, FIELD, "writing memory.oom.group");
    return 0;
}

int bj__cgroup_end_singly(const struct bj_cgroup *cgroup, struct bj_error *err)
{
    int r = cgroup->unified_memory ? bj__small_write(cgroup->unified_fd, "memory.oom.group", "0") : 0;
    return r < 0 && r != -ENOENT ? bj__error_system(err, -r, FIELD, "writing memory.oom.group") : 0;
}

static int write_limits(struct bj_cgroup *cgroup, const struct bj_limits *limits, unsigned extra_processes,
                        struct bj_error *err)
{
    int r = 0;
    cgroup->memory_max = limits->memory_bytes;
    if ((cgroup->unified_memory && faccessat(cgroup->unified_fd, "memory.max", F_OK, 0) < 0) ||
        (cgroup->unified_pids && faccessat(cgroup->unified_fd, "pids.max", F_OK, 0) < 0))
        r = enable_controllers(cgroup, err);
    if (r == 0 && limits->memory_bytes > 0 && cgroup->unified_memory)
        r = limit_memory_v2(cgroup, limits->memory_bytes, err);
    if (r == 0 && limits->memory_bytes > 0 && cgroup->memory_fd >= 0)
        r = limit_memory_v1(cgroup, limits->memory_bytes, err);
    int pids_fd = cgroup->unified_pids ? cgroup->unified_fd : cgroup->pids_fd;
    if (r == 0 && limits->processes > 0 && pids_fd >= 0)
        r = write_limit(pids_fd, "pids.max", limits->processes + extra_processes, err);
    return r;
}

int bj__cgroup_limit_memory(struct bj_cgroup *cgroup, uint64_t bytes, struct bj_error *err)
{
    int r = 0;
    if (cgroup->unified_memory)
        r = write_limit(cgroup->unified_fd, "memory.max", bytes, err);
    if (r == 0 && cgroup->memory_fd >= 0)
        r = limit_memory_v1(cgroup, bytes, err);
    if (r == 0)
        cgroup->memory_max = bytes;
    return r;
}

int bj__cgroup_make(struct bj_cgroup *cgroup, const struct bj_host_cgroup *host, const struct bj_limits *limits,
                    unsigned extra_processes, struct bj_error *err)
{
    bj__cgroup_init(cgroup);
    if (!host->unified[0] && !host->v1_memory[0] && !host->v1_pids[0] && !host->v1_cpuacct[0])
        return bj__error(err, BJ_ERROR_UNAVAILABLE, ENODEV, FIELD, "no control group may be made: %s",
                         host->problem);
    cgroup->parents = *host;
    bj__cgroup_sweep_due(host);
    cgroup->unified_memory = host->unified[0] && host->unified_memory;
    cgroup->unified_pids = host->unified[0] && host->unified_pids;
    int r = -EEXIST;
    for (int i = 0; i < NAME_TRIES && (r == -EEXIST || r == -ENOENT); i++) {
        name_leaf(cgroup);
        r = make_leaves(cgroup, err);
        if (r < 0)
            (void)bj__cgroup_remove(cgroup); /* empty: nothing in it can keep it */
    }
    if (r == 0)
        r = write_limits(cgroup, limits, extra_processes, err);
    if (r < 0)
        (void)bj__cgroup_remove(cgroup);
    return r;
}

/* One try for each hierarchy that is left, up to the first that fails: what is left must be in the first hierarchy, too,
 * or no sweep finds it. The name is resolved from the leaf itself, so that its parent is the one it was made in. */
static int remove_leaves(struct bj_cgroup *cgroup)
{
    struct bj_cgroup_seat seats[BJ_CGROUP_SEATS];
    char path[sizeof(cgroup->name) + 4];
    bj__cgroup_seats(cgroup, seats);
    (void)snprintf(path, sizeof(path), "../%s", cgroup->name);
    for (size_t i = BJ_CGROUP_SEATS; i-- > 0;) {
        if (*seats[i].fd < 0)
            continue;
        if (unlinkat(*seats[i].fd, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
            return -errno; /* a sweep finds the rest by the leaf in the first hierarchy (cgroup_sweep.c) */
        bj__fd_close(seats[i].fd);
    }
    return 0;
}

int bj__cgroup_remove(struct bj_cgroup *cgroup)
{
    struct bj_cgroup_seat seats[BJ_CGROUP_SEATS];
    unsigned wait_us = FIRST_WAIT_US;
    uint64_t deadline = 0;
    int r;
    bj__cgroup_close_counters(cgroup);
    while ((r = remove_leaves(cgroup)) == -EBUSY) {
        uint64_t now = bj__now_us();
        if (deadline == 0)
            deadline = now + REMOVE_US;
        if (now >= deadline)
            break;
        struct timespec pause = {.tv_nsec = (long)wait_us * 1000};
        (void)nanosleep(&pause, NULL); /* a signal only makes the next try come sooner */
        wait_us = wait_us * 2 < LONG_WAIT_US ? wait_us * 2 : LONG_WAIT_US;
    }
    bj__cgroup_seats(cgroup, seats);
    for (size_t i = 0; i < BJ_CGROUP_SEATS; i++)
        bj__fd_close(seats[i].fd);
    return r;
}
