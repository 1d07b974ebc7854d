/* Removes leaves whose supervisor was killed before it could.
 * Its own file because it touches what other processes made, and must be sure that they are gone.
 * Changes when: the names of leaves or the sign of a living owner change. */
#include "host/small.h"
#include "jail/cgroup_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_RETRY_US 20000u /* what was killed with its supervisor takes a moment to die */
#define RETRIES        10u    /* each after twice the time: 20 s; a leaf whose owner lives elsewhere is his */

/* The pid in "belljar-<pid>-<n>", or 0 for any other name. */
static pid_t owner_of(const char *name)
{
    uint64_t pid;
    uint64_t number;
    size_t length = strlen(BJ_CGROUP_PREFIX);
    if (strncmp(name, BJ_CGROUP_PREFIX, length) != 0)
        return 0;
    name += length;
    if (bj__digits(&name, &pid) < 0 || *name++ != '-' || bj__digits(&name, &number) < 0 || *name != 0)
        return 0;
    return pid <= INT32_MAX ? (pid_t)pid : 0;
}

/* Nobody of that pid here. A supervisor in another pid namespace has another pid there, but holds a lock. */
static bool is_without_owner(const char *name)
{
    pid_t owner = owner_of(name);
    return owner != 0 && kill(owner, 0) < 0 && errno == ESRCH;
}

static bool is_locked(int parent_fd, const char *name)
{
    BJ_FD int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0;
}

static void close_directory(DIR **directory)
{
    if (*directory)
        (void)closedir(*directory);
}

/* In the order in which its owner would have: last made, first removed. False while it is still busy anywhere. */
static bool remove_everywhere(const struct bj_cgroup_seat *seats, const int *parents, const char *name)
{
    for (size_t i = BJ_CGROUP_SEATS; i-- > 0;)
        if (seats[i].parent[0] != 0 && unlinkat(parents[i], name, AT_REMOVEDIR) < 0 && errno != ENOENT)
            return false; /* rmdir refuses a leaf that has members */
    return true;
}

static void close_parents(int (*parents)[BJ_CGROUP_SEATS])
{
    for (size_t i = 0; i < BJ_CGROUP_SEATS; i++)
        bj__fd_close(&(*parents)[i]);
}

int bj__cgroup_sweep(const struct bj_host_cgroup *host, unsigned *ret_left)
{
    struct bj_cgroup cgroup;
    struct bj_cgroup_seat seats[BJ_CGROUP_SEATS];
    BJ_CLEANUP(close_parents) int parents[BJ_CGROUP_SEATS] = {-1, -1, -1, -1};
    BJ_CLEANUP(close_directory) DIR *directory = NULL;
    bj__cgroup_init(&cgroup);
    *ret_left = 0;
    cgroup.parents = *host;
    bj__cgroup_seats(&cgroup, seats);
    for (size_t i = 0; i < BJ_CGROUP_SEATS; i++) {
        if (seats[i].parent[0] == 0)
            continue;
        parents[i] = open(seats[i].parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (parents[i] < 0)
            return -errno;
        /* Made first and removed last: what is nowhere in the first hierarchy is nowhere. */
        if (!directory && !(directory = opendir(seats[i].parent)))
            return -errno;
    }
    int removed = 0;
    const struct dirent *entry;
    while (directory && (entry = readdir(directory)) != NULL) {
        if (!is_without_owner(entry->d_name))
            continue;
        bool gone =
            !is_locked(dirfd(directory), entry->d_name) && remove_everywhere(seats, parents, entry->d_name);
        removed += gone;
        *ret_left += !gone;
    }
    return removed;
}

/* A parent without other groups, which is what is usual, costs one look: in cgroupfs a directory's link count
 * is that of its subdirectories and two more. */
static bool has_leaves(const struct bj_host_cgroup *host)
{
    struct bj_cgroup cgroup;
    struct bj_cgroup_seat seats[BJ_CGROUP_SEATS];
    struct stat status;
    bj__cgroup_init(&cgroup);
    cgroup.parents = *host;
    bj__cgroup_seats(&cgroup, seats);
    for (size_t i = 0; i < BJ_CGROUP_SEATS; i++)
        if (seats[i].parent[0] != 0)
            return stat(seats[i].parent, &status) < 0 || status.st_nlink > 2;
    return false;
}

void bj__cgroup_sweep_due(const struct bj_host_cgroup *host)
{
    static _Atomic uint64_t due_us; /* UINT64_MAX: never again */
    static atomic_uint tries;
    uint64_t due = atomic_load_explicit(&due_us, memory_order_relaxed);
    if (due == UINT64_MAX || bj__now_us() < due || !atomic_compare_exchange_strong(&due_us, &due, UINT64_MAX))
        return;
    unsigned left = 0;
    unsigned tried = atomic_fetch_add_explicit(&tries, 1, memory_order_relaxed);
    if (has_leaves(host))
        (void)bj__cgroup_sweep(host, &left); /* what cannot be swept is in nobody's way */
    if (left > 0 && tried < RETRIES)
        atomic_store(&due_us, bj__now_us() + ((uint64_t)FIRST_RETRY_US << tried));
}
