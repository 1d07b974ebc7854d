/* Removes leaves whose supervisor was killed before it could.
 * Its own file because it touches what other processes made, and must be sure that they are gone.
 * Changes when: the names of leaves or the sign of a living owner change. */
#include "host/small.h"
#include "jail/cgroup_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

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

/* Nobody of that pid here, and nobody elsewhere either: a supervisor in another pid namespace has another pid
 * there, but holds a lock on its leaf while it lives. */
static bool is_stale(int parent_fd, const char *name)
{
    pid_t owner = owner_of(name);
    if (owner == 0 || kill(owner, 0) == 0 || errno != ESRCH)
        return false;
    BJ_FD int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
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

int bj__cgroup_sweep(const struct bj_host_cgroup *host)
{
    struct bj_cgroup cgroup;
    struct bj_cgroup_seat seats[BJ_CGROUP_SEATS];
    BJ_CLEANUP(close_parents) int parents[BJ_CGROUP_SEATS] = {-1, -1, -1, -1};
    BJ_CLEANUP(close_directory) DIR *directory = NULL;
    bj__cgroup_init(&cgroup);
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
    while (directory && (entry = readdir(directory)) != NULL)
        removed +=
            is_stale(dirfd(directory), entry->d_name) && remove_everywhere(seats, parents, entry->d_name);
    return removed;
}
