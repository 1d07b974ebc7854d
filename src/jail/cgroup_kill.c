/* The end of all members of a leaf.
 * Its own file because without cgroup.kill it is a race against fork(2) and against reused pids.
 * Changes when: the way to end a group changes. */
#include "host/small.h"
#include "jail/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS      1000 /* each ends what was there; members that fork in between are met in the next */
#define BUSY_ROUNDS 16   /* then a pause between rounds, for those that were killed to be gone */
#define BATCH       64

/* The first members; 0 when there are none (or none that this pid namespace can see, which read as 0). */
static size_t read_members(int fd, pid_t members[BATCH])
{
    char text[BATCH * 12];
    size_t count = 0;
    int length = bj__small_read(fd, "cgroup.procs", text, sizeof(text));
    if (length <= 0)
        return 0;
    for (const char *at = text; count < BATCH;) {
        uint64_t pid;
        if (bj__digits(&at, &pid) < 0 || *at++ != '\n') /* the last may be cut off */
            break;
        if (pid > 0 && pid <= INT32_MAX)
            members[count++] = (pid_t)pid;
    }
    return count;
}

static bool is_member(const pid_t *members, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++)
        if (members[i] == pid)
            return true;
    return false;
}

/* A pid that was listed may belong to a stranger by now. It is opened first, then looked up again: one that is
 * still listed then is the one that was opened, or another member. */
static size_t kill_members(int fd)
{
    pid_t listed[BATCH];
    pid_t still[BATCH];
    int opened[BATCH];
    size_t count = read_members(fd, listed);
    for (size_t i = 0; i < count; i++)
        opened[i] = (int)syscall(SYS_pidfd_open, listed[i], 0);
    size_t still_count = count ? read_members(fd, still) : 0;
    for (size_t i = 0; i < count; i++) {
        if (opened[i] >= 0 && is_member(still, still_count, listed[i]))
            (void)syscall(SYS_pidfd_send_signal, opened[i], SIGKILL, NULL, 0); /* gone already: as good */
        bj__fd_close(&opened[i]);
    }
    return count;
}

/* In the order in which they are joined: what is in one of them is in those before it. */
void bj__cgroup_kill(const struct bj_cgroup *cgroup)
{
    if (cgroup->unified_fd >= 0 && bj__small_write(cgroup->unified_fd, "cgroup.kill", "1") == 0)
        return;
    const int fds[] = {cgroup->unified_fd, cgroup->memory_fd, cgroup->pids_fd, cgroup->cpuacct_fd};
    const struct timespec pause = {.tv_nsec = 200000};
    for (size_t i = 0; i < BJ_COUNT(fds); i++) {
        int round = 0;
        for (; fds[i] >= 0 && round < ROUNDS && kill_members(fds[i]) > 0; round++)
            if (round >= BUSY_ROUNDS)
                (void)nanosleep(&pause, NULL);
        if (fds[i] >= 0 && round == 0)
            return;
    }
}
