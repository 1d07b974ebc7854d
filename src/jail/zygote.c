/* A zygote, and the jails that are its forks, from the library's side.
 * Its own file because a fork is a jail whose first process somebody else has made.
 * Changes when: a fork is asked for in another way. What the zygote does is in src/guest/zygote.c. */
#include "jail/zygote.h"

#include "base/wire.h"
#include "jail/child/child.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define LEAVING_MS 20 /* for a thread that has ended to be gone */

#ifndef PIDFD_GET_MNT_NAMESPACE /* Linux 6.11 */
#define PIDFD_GET_MNT_NAMESPACE _IO(0xFF, 3)
#endif

#define KEPT_REQUEST_BYTES 65536u    /* smaller ones are let go of with the jail, when nobody waits */
#define READY_DEADLINE_US  60000000u /* what is imported beforehand may be large, and the disk cold */

static int ended(const struct bj_zygote *zygote, struct bj_error *err)
{
    char words[512];
    bj__jail_last_words(&zygote->jail, words, sizeof(words));
    return bj__error(err, BJ_ERROR_SETUP, ECHILD, "pool", "the zygote has ended%s%s", words[0] ? ": " : "",
                     words);
}

/* One message, and the pidfd that comes with it. */
static int receive(const struct bj_zygote *zygote, int timeout_ms, struct bj_parked_message *message,
                   int *ret_pidfd, struct bj_error *err)
{
    struct iovec part = {message, sizeof(*message)};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    struct pollfd watched = {.fd = zygote->jail.streams.reply_fd, .events = POLLIN};
    int r;
    do {
        r = poll(&watched, 1, timeout_ms);
    } while (r < 0 && errno == EINTR);
    if (r == 0)
        return bj__error(err, BJ_ERROR_SETUP, ETIMEDOUT, "pool", "the zygote does not answer");
    ssize_t n = r < 0 ? -1 : recvmsg(zygote->jail.streams.reply_fd, &header, MSG_CMSG_CLOEXEC);
    if (n < 0 && errno != ECONNRESET)
        return bj__error_system(err, errno, "pool", "cannot hear from the zygote");
    if (n <= 0)
        return ended(zygote, err);
    const struct cmsghdr *first = CMSG_FIRSTHDR(&header);
    if (first && first->cmsg_type == SCM_RIGHTS && first->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(ret_pidfd, CMSG_DATA(first), sizeof(int));
    if (n != (ssize_t)sizeof(*message) || message->magic != BJ_WIRE_MAGIC)
        return bj__error(err, BJ_ERROR_SETUP, EPROTO, "pool",
                         "belljar-guest and the library are of different builds; install both anew");
    if (message->err != 0)
        return bj__error_system(err, message->err, "pool", "the zygote cannot fork");
    return 0;
}

static int count_threads(pid_t pid)
{
    char path[40];
    int threads = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        return -errno;
    for (const struct dirent *task;
         (task = readdir(tasks));) /* NOLINT(concurrency-mt-unsafe): a stream of our own */
        threads += task->d_name[0] != '.';
    (void)closedir(tasks);
    return threads;
}

/* A fork has one thread, and the locks that the others held. One that has been waited for (pthread_join(3)) may still be on its
 * way out of the kernel. */
static int check_threads(const struct bj_zygote *zygote, struct bj_error *err)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int threads = count_threads(zygote->jail.pid);
    for (int i = 0; threads > 1 && i < LEAVING_MS; i++) {
        (void)nanosleep(&pause, NULL); /* a signal only makes the next look come sooner */
        threads = count_threads(zygote->jail.pid);
    }
    if (threads < 0)
        return bj__error_system(err, -threads, "pool", "cannot count the zygote's threads");
    if (threads != 1)
        return bj__error(
            err, BJ_ERROR_INVALID, EINVAL, "preload",
            "what is imported starts %d threads, and a fork would be without them; leave that module out",
            threads - 1);
    return 0;
}

/* Its number as it sees it itself: a caller's children may be in another pid namespace than the caller (unshare(2)).
 * proc(5), fdinfo of a pidfd: the last of NSpid, Linux 5.4. 0: cannot be told. */
static int own_number(const struct bj_jail *jail)
{
    char path[40];
    char text[512];
    (void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", jail->pidfd);
    BJ_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    text[length > 0 ? length : 0] = 0;
    const char *line = strstr(text, "\nNSpid:");
    size_t end = line ? strcspn(line + 1, "\n") + 1 : 0;
    while (end > 0 && line[end - 1] >= '0' && line[end - 1] <= '9')
        end--;
    return line ? (int)strtol(line + end, NULL, 10) : 0;
}

/* The program of every fork has one number in its namespace. Libraries take a change of their process's number for a sign
 * that they were forked: OpenSSL 3 for the only one (openssl_get_fork_id), so that forks of a zygote with that number
 * would all have the same random bytes. It has it where the caller is the first process of a container. The kernel gives
 * numbers in turn, so the next one has another. */
static int start_with_own_number(struct bj_zygote *zygote, struct bj_error *err)
{
    for (int tries = 0; tries < 2; tries++) {
        int r = bj__jail_start(&zygote->jail, &zygote->warm->zygote, err);
        if (r < 0 || zygote->jail.exec_errno)
            return r;
        int number = own_number(&zygote->jail);
        if (number > 0 && number != BJ_PAYLOAD_PID)
            return r;
        bj__jail_done(&zygote->jail);
    }
    return bj__error(
        err, BJ_ERROR_SETUP, EAGAIN, "pool",
        "/proc does not tell another number of the zygote's process than that of its forks' programs");
}

int bj__zygote_start(struct bj_zygote *zygote, const struct bj_warm *warm, struct bj_error *err)
{
    zygote->warm = warm;
    if (warm->whole->cgroup) /* its forks may use fewer hierarchies than others do */
        bj__cgroup_sweep_due(&warm->whole->cgroup_parents);
    zygote->init_fd = -1;
    int r = start_with_own_number(zygote, err);
    if (r < 0)
        return r;
    zygote->ready = false;
    zygote->ready_by_us = bj__now_us() + READY_DEADLINE_US;
    r = bj__stdio_open_init(&zygote->init_fd, err);
    bj__fd_close(&zygote->jail.streams.stdin_fd);
    if (r == 0 && zygote->jail.exec_errno)
        r = bj__error_system(err, zygote->jail.exec_errno, "pool",
                             "cannot execute belljar-guest in the zygote's jail");
    if (r < 0)
        bj__zygote_done(zygote);
    return r;
}

int bj__zygote_await(struct bj_zygote *zygote, int timeout_ms, struct bj_error *err)
{
    struct bj_parked_message told = {.pid = 0};
    struct pollfd watched = {.fd = zygote->jail.streams.reply_fd, .events = POLLIN};
    BJ_FD int none = -1;
    if (zygote->ready)
        return 1;
    bool waits = bj__now_us() < zygote->ready_by_us && poll(&watched, 1, timeout_ms) <= 0;
    if (waits)
        return 0;
    int r = receive(zygote, 0, &told, &none, err);
    if (r == 0)
        r = check_threads(zygote, err);
    zygote->ready = r == 0;
    return r < 0 ? r : 1;
}

void bj__zygote_done(struct bj_zygote *zygote)
{
    bj__jail_done(&zygote->jail);
    bj__fd_close(&zygote->init_fd);
    bj__leaves_done(&zygote->leaves);
}

/* Every seat that has a descriptor, in their order. */
static int ask(const struct bj_zygote *zygote, const struct bj_ends *ends, struct bj_error *err)
{
    struct bj_park_message message = {.magic = BJ_WIRE_MAGIC};
    int fds[BJ_ENDS];
    size_t count = 0;
    for (int seat = 0; seat < BJ_ENDS; seat++) {
        if (ends->theirs[seat] < 0)
            continue;
        message.seats |= 1u << seat;
        fds[count++] = ends->theirs[seat];
    }
    const struct iovec whole = {&message, sizeof(message)};
    int r = bj__fd_send(zygote->jail.streams.reply_fd, &whole, fds, count, 0);
    if (r == -EPIPE)
        return ended(zygote, err);
    return r < 0 ? bj__error_system(err, -r, "pool", "cannot speak to the zygote") : 0;
}

static int take_pid(struct bj_jail *jail, const struct bj_zygote *zygote, struct bj_error *err)
{
    struct bj_parked_message message = {.pid = 0};
    int r = receive(zygote, zygote->jail.patience_ms, &message, &jail->pidfd, err);
    if (r == 0 && (message.pid <= 0 || jail->pidfd < 0))
        r = bj__error(err, BJ_ERROR_SETUP, EPROTO, "pool", "the zygote sent a malformed message");
    if (r == 0)
        jail->pid = message.pid;
    return r;
}

static int give_groups(struct bj_jail *jail, struct bj_ends *ends, struct bj_error *err)
{
    int r = bj__jail_give_task_lists(jail, ends, err);
    if (r < 0 || !jail->plan->cgroup || jail->cgroup.unified_fd < 0)
        return r;
    BJ_FD int procs = openat(jail->cgroup.unified_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (procs < 0)
        return bj__error_system(err, errno, "layers.cgroup", "cannot open the process list of %s",
                                jail->cgroup.name);
    r = bj__ends_give(ends, BJ_SEAT_TASKS + BJ_CGROUP_V1_HIERARCHIES, &procs);
    return r < 0 ? bj__error_system(err, -r, "layers.cgroup", "cannot hand the process list to the jail") : 0;
}

/* The kernel takes a mount namespace apart, and waits for all processors to notice, in the exit of the last process that
 * has it, before anybody hears of that exit. With this descriptor it happens when the jail is removed, after its result
 * is known; if that is known before the end (told_end.c), the descriptor is let go of first. Where it cannot be had a run
 * only takes longer. */
static void hold_mounts(struct bj_jail *jail)
{
    char path[40];
    jail->mounts_fd = ioctl(jail->pidfd, PIDFD_GET_MNT_NAMESPACE, 0);
    if (jail->mounts_fd >= 0)
        return;
    (void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)jail->pid);
    jail->mounts_fd = open(path, O_RDONLY | O_CLOEXEC);
}

static int fork_and_map(struct bj_jail *jail, struct bj_zygote *zygote, struct bj_ends *ends,
                        struct bj_error *err)
{
    int r = ask(zygote, ends, err);
    bj__stdio_close_theirs(ends);
    if (r == 0)
        r = take_pid(jail, zygote, err);
    if (r == 0)
        hold_mounts(jail);
    if (r == 0)
        r = bj__idmap_check_range(jail->plan, jail->pid, err);
    if (r == 0 && (r = bj__sync_send(jail, BJ_STEP_MAPPED, bj__idmap_run_id(jail->plan, jail->pid))) == 0)
        r = bj__sync_send(jail, BJ_STEP_GO, 0);
    if (r < 0 && jail->pid > 0)
        return bj__sync_failed(jail, r, err);
    return r;
}

static int take_group(struct bj_jail *jail, struct bj_zygote *zygote, struct bj_error *err)
{
    const struct bj_plan *plan = jail->plan;
    jail->leaves = &zygote->leaves;
    bj__cgroup_sweep_due(&zygote->warm->whole->cgroup_parents);
    return bj__leaves_take(&zygote->leaves, &plan->limits, plan->own_processes, &jail->cgroup)
               ? 0
               : bj__cgroup_make(&jail->cgroup, &plan->cgroup_parents, &plan->limits, plan->own_processes, err);
}

static int park(struct bj_jail *jail, struct bj_zygote *zygote, struct bj_ends *ends, struct bj_error *err)
{
    int r = jail->plan->cgroup ? take_group(jail, zygote, err) : 0;
    if (r == 0)
        r = bj__stdio_open(jail, ends, zygote->init_fd, err);
    if (r == 0)
        r = give_groups(jail, ends, err);
    return r < 0 ? r : fork_and_map(jail, zygote, ends, err);
}

int bj__jail_park(struct bj_jail *jail, struct bj_zygote *zygote, struct bj_error *err)
{
    struct bj_ends ends;
    bj__ends_init(&ends);
    bj__jail_init(jail);
    jail->plan = &zygote->warm->fork;
    jail->patience_ms = zygote->jail.patience_ms;
    int r = park(jail, zygote, &ends, err);
    bj__stdio_close_theirs(&ends);
    if (r < 0)
        bj__jail_done(jail);
    return r;
}

/* pid 1's own clock, a second later than the supervisor's. */
static int set_clock(const struct bj_jail *jail, uint64_t wall_us)
{
    uint64_t us = wall_us + BJ_INIT_GRACE_US;
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(us / 1000000u), .tv_nsec = (long)(us % 1000000u) * 1000}};
    return timerfd_settime(jail->clock_fd, 0, &when, NULL) < 0 ? -errno : 0;
}

int bj__jail_hand_over(struct bj_jail *jail, const struct bj_buf *request, uint64_t wall_us,
                       struct bj_error *err)
{
    jail->start_us = bj__now_us();
    int r = bj__sync_wait_parked(jail, err);
    if (r == 0 && (r = bj__seal_bytes(jail->request_fd, request->bytes, request->length)) < 0)
        (void)bj__error_system(err, -r, "code", "cannot hand the snippet over");
    if (r == 0 && (r = set_clock(jail, wall_us)) < 0)
        (void)bj__error_system(err, -r, "limits.wall_seconds",
                               "cannot set the clock of the jail's first process");
    if (request->length > KEPT_REQUEST_BYTES)
        bj__fd_close(&jail->request_fd);
    jail->exec_us = bj__now_us();
    return r;
}

int bj__jail_unpark(const struct bj_jail *jail, struct bj_error *err)
{
    int r = bj__sync_send(jail, BJ_STEP_START, 0);
    return r < 0 ? bj__error_system(err, -r, "", "cannot start what was parked") : 0;
}
