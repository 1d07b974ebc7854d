/* What is written into /proc about the jail's first process: id maps, and its rank with the OOM killer.
 * Its own file because who the guest is outside is decided by these writes.
 * Changes when: ids are given out in another way. */
#include "jail/child/child.h"
#include "jail/jail.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* The pid of the jail's pid 1 is unlike any other on the host while the jail lives, so ids made from it are
 * too: no allocation, no state, nothing to clean up. Two for each jail: its pid 1, and the guest. */
uint64_t bj__idmap_run_id(const struct bj_plan *plan, pid_t pid)
{
    return (uint64_t)plan->id_first + 2u * (uint64_t)pid;
}

static int write_one(int dirfd, const char *name, const char *text, struct bj_error *err)
{
    BJ_FD int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return bj__error_system(err, errno, name, "cannot open %s of the jail's first process", name);
    size_t length = strlen(text);
    ssize_t n = write(fd, text, length);
    if (n != (ssize_t)length)
        return bj__error_system(err, n < 0 ? errno : EIO, name, "cannot write \"%s\" to %s", text, name);
    return 0;
}

/* When the host itself runs out of memory, a guest goes first, and never the service that started it: a service
 * that is protected (oom_score_adj below 0) would hand that on. Raising is always allowed; a host that refuses
 * it loses only this preference, no wall. */
static void offer_to_oom_killer(int dirfd)
{
    BJ_FD int fd = openat(dirfd, "oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, "1000", 4);
}

int bj__idmap_check_range(const struct bj_plan *plan, pid_t pid, struct bj_error *err)
{
    if (!plan->two_ids || 2u * (uint64_t)pid + 1 < plan->id_count)
        return 0;
    return bj__error(err, BJ_ERROR_INVALID, ERANGE, "BELLJAR_ID_RANGE",
                     "pid %d needs ids beyond the range %u:%u; give a range of twice the host's pid_max",
                     (int)pid, plan->id_first, plan->id_count);
}

/* Root of its jail is an id of its own, as ever; its forks take theirs out of the whole range, under the numbers that
 * these have outside. An outside id can be in one extent only (user_namespaces(7)). */
static void zygotes_map(const struct bj_plan *plan, uint64_t id, char map[160])
{
    uint64_t first = plan->id_first;
    uint64_t after = first + plan->id_count - id - 1;
    (void)snprintf(map, 160, "0 %llu 1\n%llu %llu %llu\n%llu %llu %llu\n", (unsigned long long)id,
                   (unsigned long long)first, (unsigned long long)first, (unsigned long long)(id - first),
                   (unsigned long long)id + 1, (unsigned long long)id + 1, (unsigned long long)after);
}

int bj__idmap_write(const struct bj_plan *plan, pid_t pid, struct bj_error *err)
{
    char path[32];
    char uid_map[160];
    char gid_map[160];
    (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    BJ_FD int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return bj__error_system(err, errno, "layers.user", "cannot open %s; is /proc mounted?", path);
    offer_to_oom_killer(dirfd);
    uint64_t id = bj__idmap_run_id(plan, pid);
    int r = bj__idmap_check_range(plan, pid, err);
    if (r < 0 || !plan->user_namespace)
        return r;
    if (plan->two_ids && plan->program.zygote) {
        zygotes_map(plan, id, uid_map);
        zygotes_map(plan, id, gid_map);
    } else if (plan->two_ids) {
        (void)snprintf(uid_map, sizeof(uid_map), "0 %llu 1\n%u %llu 1\n", (unsigned long long)id, BJ_GUEST_ID,
                       (unsigned long long)id + 1);
        (void)snprintf(gid_map, sizeof(gid_map), "%s", uid_map);
    } else {
        (void)snprintf(uid_map, sizeof(uid_map), "%u %u 1\n", BJ_GUEST_ID, (unsigned)plan->uid);
        (void)snprintf(gid_map, sizeof(gid_map), "%u %u 1\n", BJ_GUEST_ID, (unsigned)plan->gid);
        r = write_one(dirfd, "setgroups", "deny", err); /* or gid_map is refused (CVE-2014-8989) */
        if (r < 0)
            return r;
    }
    r = write_one(dirfd, "uid_map", uid_map, err);
    return r < 0 ? r : write_one(dirfd, "gid_map", gid_map, err);
}
