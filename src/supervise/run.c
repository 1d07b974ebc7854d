/* A run: the public functions and the loop.
 * Its own file because it is the one place that waits.
 * Changes when: something more of a run is watched. */
#include "supervise/run.h"
#include "supervise/session.h"

#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

int bj__watch(const struct bj_run *run, int fd, enum bj_watch what, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = what};
    if (fd < 0)
        return -EBADF;
    if (epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 || errno == EEXIST)
        return 0;
    return -errno;
}

void bj__unwatch(const struct bj_run *run, int fd)
{
    if (fd >= 0)
        (void)epoll_ctl(run->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* ENOENT: was not watched */
}

void bj__run_end(struct bj_run *run, enum bj_kill_reason reason)
{
    if (run->over || run->jail->reaped)
        return;
    if (run->killed == BJ_KILL_NONE)
        run->killed = reason;
    if (run->plan->limits.cpu_us > 0 || !run->plan->cgroup)
        (void)bj__run_cpu_us(run); /* the kernel does not add up what dies with its pid namespace */
    if (run->branch)
        bj__branch_kill(run->branch);
    else
        bj__jail_kill(run->jail);
}

void bj__run_fail(struct bj_run *run, int errnum, const char *what)
{
    if (run->failure[0] == 0)
        (void)snprintf(run->failure, sizeof(run->failure), "cannot %s: %s", what, strerror(errnum));
    bj__run_end(run, BJ_KILL_FAILED);
}

static int start_watching(struct bj_run *run, int stdin_fd, struct bj_error *err)
{
    run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    run->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (run->epoll_fd < 0 || run->timer_fd < 0)
        return bj__error_system(err, errno, "", "cannot make the supervisor's descriptors");
    int r = bj__watch(run, run->jail->pidfd, BJ_WATCH_PIDFD, EPOLLIN);
    if (r == 0)
        r = bj__watch(run, run->streams.stdout_fd, BJ_WATCH_STDOUT, EPOLLIN);
    if (r == 0)
        r = bj__watch(run, run->streams.stderr_fd, BJ_WATCH_STDERR, EPOLLIN);
    if (r == 0 && run->streams.reply_fd >= 0)
        r = bj__watch(run, run->streams.reply_fd, BJ_WATCH_REPLY, EPOLLIN);
    if (r == 0 && run->branch)
        r = bj__branch_watch(run);
    if (r == 0)
        r = bj__watch(run, run->timer_fd, BJ_WATCH_TIMER, EPOLLIN);
    if (r < 0)
        return bj__error_system(err, -r, "", "cannot watch the jail");
    bj__clocks_start(run);
    r = bj__denials_start(run, err);
    return r < 0 ? r : bj__input_start(run, stdin_fd, err);
}

struct bj_run *bj__run_new(const struct bj_plan *plan)
{
    struct bj_run *run = calloc(1, sizeof(*run));
    struct bj_result *result = run ? calloc(1, sizeof(*result)) : NULL;
    if (!result) {
        free(run);
        return NULL;
    }
    run->plan = plan;
    run->result = result;
    run->epoll_fd = run->timer_fd = run->source_fd = -1;
    run->jail = &run->own_jail;
    bj__jail_init(run->jail);
    bj__streams_init(&run->streams);
    bj__reply_start(run);
    for (enum bj_stream stream = BJ_STDOUT; stream <= BJ_STDERR; stream++)
        bj__buf_init(&result->output[stream], plan->limits.output_bytes);
    return run;
}

int bj__run_hand_over(struct bj_run *run, int r, int stdin_fd, struct bj_run **ret_run, struct bj_error *err)
{
    if (r == 0)
        r = start_watching(run, stdin_fd, err);
    if (r < 0) {
        bj_run_free(run);
        return r;
    }
    *ret_run = run;
    return 0;
}

/* Of a jail of its own, which has started. */
static void take_jail(struct bj_run *run)
{
    run->streams = run->jail->streams;
    bj__streams_init(&run->jail->streams);
    run->start_us = run->jail->start_us;
    run->exec_us = run->jail->exec_us;
}

int bj_run_start_stdin(const struct bj_plan *plan, int stdin_fd, struct bj_run **ret_run, struct bj_error *err)
{
    struct bj_run *run = bj__run_new(plan);
    if (!run)
        return bj__error_memory(err);
    int r = bj__jail_start(run->jail, plan, err);
    take_jail(run);
    return bj__run_hand_over(run, r, stdin_fd, ret_run, err);
}

int bj__run_start_parked(struct bj_jail *jail, const struct bj_buf *request, int stdin_fd,
                         struct bj_run **ret_run, struct bj_error *err)
{
    struct bj_run *run = bj__run_new(jail->plan);
    if (!run) {
        bj__jail_done(jail);
        return bj__error_memory(err);
    }
    run->own_jail = *jail;
    bj__jail_init(jail);
    int r = bj__jail_unpark(run->jail, request, err);
    take_jail(run);
    return bj__run_hand_over(run, r, stdin_fd, ret_run, err);
}

int bj_run_start(const struct bj_plan *plan, struct bj_run **ret_run, struct bj_error *err)
{
    return bj_run_start_stdin(plan, -1, ret_run, err);
}

void bj_run_on_output(struct bj_run *run, bj_output_fn fn, void *user)
{
    run->output_fn = fn;
    run->output_user = user;
}

int bj_run_fd(const struct bj_run *run)
{
    return run->epoll_fd;
}

int bj_run_pid(const struct bj_run *run)
{
    return run->jail->pid;
}

void bj_run_kill(struct bj_run *run)
{
    bj__run_end(run, BJ_KILL_CANCELLED);
}

int bj_run_signal(struct bj_run *run, int signal, struct bj_error *err)
{
    static const int allowed[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGCONT, SIGWINCH};
    bool known = false;
    for (size_t i = 0; i < BJ_COUNT(allowed); i++)
        known |= allowed[i] == signal;
    if (!known)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "signal",
                         "%d cannot be sent; to end a run call bj_run_kill", signal);
    if (run->over || run->jail->reaped)
        return bj__error(err, BJ_ERROR_STATE, ESRCH, "", "the run is over");
    int program = run->branch ? bj__branch_pidfd(run->branch) : run->jail->payload_pidfd;
    if (syscall(SYS_pidfd_send_signal, program, signal, NULL, 0) < 0)
        return bj__error_system(err, errno, "signal", "cannot signal the program");
    return 0;
}

static void handle(struct bj_run *run, uint32_t what, uint32_t events)
{
    switch ((enum bj_watch)what) {
    case BJ_WATCH_STDOUT:
        bj__capture_read(run, BJ_STDOUT);
        break;
    case BJ_WATCH_STDERR:
        bj__capture_read(run, BJ_STDERR);
        break;
    case BJ_WATCH_REPLY:
        bj__reply_read(run);
        break;
    case BJ_WATCH_STDIN:
        bj__input_write(run);
        break;
    case BJ_WATCH_SOURCE:
        bj__input_read_source(run);
        break;
    case BJ_WATCH_LISTENER:
        if (events & EPOLLIN)
            bj__denials_answer(run);
        else
            bj__unwatch(run, run->jail->listener_fd); /* nobody is left under the filter */
        break;
    case BJ_WATCH_TIMER:
        bj__clocks_check(run);
        break;
    case BJ_WATCH_PIDFD:
    case BJ_WATCH_BRANCH:
    default:
        break;
    }
}

int bj_run_step(struct bj_run *run, int timeout_ms, struct bj_error *err)
{
    struct epoll_event events[8];
    if (run->over)
        return 1;
    int n = epoll_wait(run->epoll_fd, events, BJ_COUNT(events), timeout_ms);
    if (n < 0)
        return errno == EINTR ? 0 : bj__error_system(err, errno, "", "cannot wait for the jail");
    bool ended = false;
    for (int i = 0; i < n; i++) {
        ended |= events[i].data.u32 == BJ_WATCH_PIDFD;
        handle(run, events[i].data.u32, events[i].events);
    }
    if (run->branch ? !bj__branch_is_through(run) : !ended || !bj__jail_reap(run->jail, false))
        return 0;
    bj__run_finish(run);
    return 1;
}

int bj_run_result(struct bj_run *run, struct bj_result **ret_result, struct bj_error *err)
{
    if (!run->over)
        return bj__error(err, BJ_ERROR_STATE, EAGAIN, "",
                         "the run is not over: call bj_run_step until it returns 1");
    if (!run->result)
        return bj__error(err, BJ_ERROR_STATE, EINVAL, "", "the result was already taken");
    *ret_result = run->result;
    run->result = NULL;
    return 0;
}

void bj_run_free(struct bj_run *run)
{
    if (!run)
        return;
    if (run->branch)
        bj__branch_leave(run);
    else
        bj__jail_done(run->jail);
    bj__streams_close(&run->streams);
    bj__fd_close(&run->epoll_fd);
    bj__fd_close(&run->timer_fd);
    bj_result_free(run->result);
    bj__buf_done(&run->reply);
    free(run->source_buffer);
    free(run->notification);
    free(run);
}

int bj_run_plan(const struct bj_plan *plan, struct bj_result **ret_result, struct bj_error *err)
{
    struct bj_run *run;
    int r = bj_run_start(plan, &run, err);
    if (r < 0)
        return r;
    do {
        r = bj_run_step(run, -1, err);
    } while (r == 0);
    if (r > 0)
        r = bj_run_result(run, ret_result, err);
    bj_run_free(run);
    return r;
}
