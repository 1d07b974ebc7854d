/* The life of a jail, parent side: make, start, kill, reap, remove.
 * Its own file because who owns a half-made jail is decided here: bj__jail_start undoes what it did.
 * Changes when: the order of making or removing changes. */
#include "jail/jail.h"

#include "jail/child/child.h"
#include "jail/child/sys.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void bj__jail_init(struct bj_jail *jail)
{
    *jail = (struct bj_jail){.patience_ms = BJ_PATIENCE_MS,
                             .pid = -1,
                             .pidfd = -1,
                             .sync_fd = -1,
                             .status_fd = -1,
                             .listener_fd = -1,
                             .payload_pidfd = -1,
                             .box_fd = -1,
                             .request_fd = -1,
                             .clock_fd = -1,
                             .mounts_fd = -1};
    bj__streams_init(&jail->streams);
    bj__cgroup_init(&jail->cgroup);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with a valid clock and pointer */
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int map_timing(struct bj_jail *jail, const struct bj_plan *plan, struct bj_error *err)
{
    if (!plan->timing)
        return 0;
    void *shared = mmap(NULL, plan->op_count * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return bj__error_system(err, errno, "", "cannot map the timing table");
    jail->op_ns = shared;
    return 0;
}

int bj__jail_give_task_lists(struct bj_jail *jail, struct bj_ends *ends, struct bj_error *err)
{
    int tasks[BJ_CGROUP_V1_HIERARCHIES] = {-1, -1, -1};
    if (!jail->plan->cgroup)
        return 0;
    int r = bj__cgroup_open_tasks(&jail->cgroup, tasks, err);
    for (int i = 0; i < BJ_CGROUP_V1_HIERARCHIES; i++) {
        if (r == 0 && tasks[i] >= 0 && (r = bj__ends_give(ends, BJ_SEAT_TASKS + i, &tasks[i])) < 0)
            (void)bj__error_system(err, -r, "layers.cgroup", "cannot hand the task lists to the jail");
        bj__fd_close(&tasks[i]);
    }
    return r;
}

/* proc(5), statm: the second number is resident pages. Only asked for where maxrss is all there will be. */
static uint64_t own_rss_bytes(void)
{
    char text[128];
    unsigned long long size;
    unsigned long long resident;
    BJ_FD int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (n <= 0)
        return UINT64_MAX;
    text[n] = 0;
    if (sscanf(text, "%llu %llu", &size, &resident) != 2) /* NOLINT(cert-err34-c): two numbers or nothing */
        return UINT64_MAX;
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int clone_and_map(struct bj_jail *jail, struct bj_ends *ends, struct bj_error *err)
{
    const struct bj_plan *plan = jail->plan;
    struct bj_child child = {.program = &plan->program, .op_ns = jail->op_ns};
    for (int seat = 0; seat < BJ_SEAT__END; seat++)
        child.seats[seat] = ends->theirs[seat];
    jail->start_us = bj__now_us();
    jail->start_ns = plan->timing ? now_ns() : 0;
    jail->caller_rss_bytes = plan->cgroup ? 0 : own_rss_bytes();
    int unified = plan->cgroup ? jail->cgroup.unified_fd : -1;
    pid_t pid = bj__spawn(plan, &child, unified, &jail->pidfd, &jail->without_time);
    const struct bj_plan_layer *time = &plan->layers[BJ_LAYER_TIME];
    if (pid == -EINVAL && time->on &&
        time->mode == BJ_REQUIRE) /* preferred, it would have been left out (spawn.c) */
        return bj__error(
            err, BJ_ERROR_UNAVAILABLE, EINVAL, "layers.time",
            "required, but clone3(2) of this kernel makes no time namespace; update the kernel (6.3, "
            "or 6.1.16), or prefer the layer");
    if (pid < 0)
        return bj__refused_clone(plan, -pid, err);
    jail->pid = pid;
    bj__stdio_close_theirs(ends);
    int r = bj__idmap_write(plan, pid, err);
    if (r < 0)
        return bj__sync_failed(jail, r, err); /* of a process that is dead nothing can be written */
    /* Both at once: a jail that is run at once does not rest at READY. A child that died is seen below. */
    r = bj__sync_send(jail, BJ_STEP_MAPPED, bj__idmap_run_id(plan, pid));
    if (r == 0)
        r = bj__sync_send(jail, BJ_STEP_GO, plan->limits.wall_us);
    if (r == 0 || r == -EPIPE)
        return 0;
    return bj__sync_failed(jail, bj__error_system(err, -r, "", "cannot speak to the jail"), err);
}

static int make_group(struct bj_jail *jail, struct bj_error *err)
{
    const struct bj_plan *plan = jail->plan;
    int r = bj__cgroup_make(&jail->cgroup, &plan->cgroup_parents, &plan->limits, plan->own_processes, err);
    return r == 0 && plan->program.session ? bj__cgroup_end_singly(&jail->cgroup, err) : r;
}

static int start(struct bj_jail *jail, struct bj_ends *ends, struct bj_error *err)
{
    const struct bj_plan *plan = jail->plan;
    enum bj_sync_outcome outcome = BJ_SYNC_DIED;
    int r = plan->cgroup ? make_group(jail, err) : 0;
    if (r == 0)
        r = map_timing(jail, plan, err);
    if (r == 0)
        r = bj__stdio_open(jail, ends, -1, err);
    if (r == 0)
        r = bj__jail_give_task_lists(jail, ends, err);
    if (r == 0)
        r = clone_and_map(jail, ends, err);
    if (r == 0)
        r = bj__sync_wait_exec(jail, &outcome, err);
    if (r < 0 && jail->pid > 0)
        bj__refused_op(err);
    if (r < 0)
        return r;
    jail->exec_us = bj__now_us();
    bj__fd_close(&jail->sync_fd);
    jail->died_early = outcome == BJ_SYNC_DIED;
    if (!jail->died_early)
        return 0;
    bj__jail_kill(jail);
    (void)bj__jail_reap(jail, true);
    struct bj_cgroup_usage usage;
    if (plan->cgroup && bj__cgroup_read(&jail->cgroup, &usage) == 0 && usage.oom_kills > 0 &&
        usage.oom_kills != UINT64_MAX)
        return 0; /* the memory limit is below what the program needs to start: a result, not an error */
    return bj__error(err, BJ_ERROR_SETUP, ECHILD, "", "the jail ended before the program was started (%s %d)",
                     jail->wait_code == CLD_EXITED ? "exit" : "signal", jail->wait_status);
}

int bj__jail_start(struct bj_jail *jail, const struct bj_plan *plan, struct bj_error *err)
{
    struct bj_ends ends;
    bj__ends_init(&ends);
    bj__jail_init(jail);
    jail->plan = plan;
    int r = start(jail, &ends, err);
    bj__stdio_close_theirs(&ends);
    if (r < 0)
        bj__jail_done(jail);
    return r;
}

void bj__jail_kill(struct bj_jail *jail)
{
    if (jail->pidfd < 0 || jail->reaped)
        return;
    if (jail->plan->cgroup)
        bj__cgroup_kill(&jail->cgroup);
    bj__jail_kill_init(jail);
}

/* pid 1's end is the end of its namespace. It cannot have been reaped by anybody else: no race with pid reuse. */
void bj__jail_kill_init(struct bj_jail *jail)
{
    if (jail->pidfd >= 0 && !jail->reaped)
        (void)sys4(SYS_pidfd_send_signal, jail->pidfd, SIGKILL, 0, 0);
}

void bj__jail_abandon(struct bj_jail *jail)
{
    bj__fd_close(&jail->mounts_fd);
    bj__jail_kill_init(jail);
}

/* With pid 1 the kernel has ended all of its namespace. Should it ever not have been the pid 1 of one, nothing of
 * the run may live on all the same, nor change its files while they are collected. */
static void note_end(struct bj_jail *jail)
{
    jail->reaped = true;
    if (!bj__cgroup_is_empty(&jail->cgroup))
        bj__cgroup_kill(&jail->cgroup);
}

bool bj__jail_reap(struct bj_jail *jail, bool wait)
{
    siginfo_t info = {.si_pid = 0};
    if (jail->reaped || jail->pidfd < 0)
        return true;
    long r;
    do {
        r = sys5(SYS_waitid, 3 /* P_PIDFD */, jail->pidfd, SYS_ARG(&info),
                 WEXITED | __WALL | (wait ? 0 : WNOHANG), SYS_ARG(&jail->usage));
    } while (r == -EINTR);
    if (r < 0) {
        /* The caller ignores SIGCHLD, or waits for any child (spawn.c): it is gone, and we cannot know how. */
        jail->wait_code = CLD_KILLED;
        jail->wait_lost = true;
        note_end(jail);
        return true;
    }
    if (info.si_pid == 0)
        return false;
    jail->wait_code = info.si_code;
    jail->wait_status = info.si_status;
    note_end(jail);
    return true;
}

void bj__jail_last_words(const struct bj_jail *jail, char *text, size_t size)
{
    ssize_t n = read(jail->streams.stderr_fd, text, size - 1);
    size_t length = n > 0 ? (size_t)n : 0;
    while (length > 0 && text[length - 1] == '\n')
        length--;
    text[length] = 0;
    const char *line = strrchr(text, '\n');
    if (line)
        memmove(text, line + 1, strlen(line));
}

void bj__jail_done(struct bj_jail *jail)
{
    bj__jail_kill_init(jail);
    (void)bj__jail_reap(jail, true); /* after which nobody is left in its group, or is ended there */
    if (jail->leaves && jail->plan->cgroup)
        bj__leaves_give(jail->leaves, &jail->cgroup);
    else
        (void)bj__cgroup_remove(&jail->cgroup); /* a leaf that cannot be removed is swept by a later run */
    if (jail->op_ns)
        (void)munmap(jail->op_ns, jail->plan->op_count * sizeof(uint64_t));
    jail->op_ns = NULL;
    bj__streams_close(&jail->streams);
    int *const fds[] = {&jail->pidfd,       &jail->sync_fd,  &jail->status_fd,
                        &jail->listener_fd, &jail->box_fd,   &jail->payload_pidfd,
                        &jail->request_fd,  &jail->clock_fd, &jail->mounts_fd};
    for (size_t i = 0; i < BJ_COUNT(fds); i++)
        bj__fd_close(fds[i]);
}
