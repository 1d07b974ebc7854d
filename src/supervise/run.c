/* A run: the public functions and the loop.
 * Its own file because it is the one place that waits.
 * Changes when: something more of a run is watched. */
#include "supervise/run.h"
#include "jail/zygote.h"
#include "spec/build.h"
#include "supervise/calls.h"
#include "supervise/session.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define MOMENT_MS     2
#define COLLECT_ARENA ((size_t)BJ_MAX_COLLECT * (BJ_MAX_STRING + 64))

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
    if (run->over || run->told_end || run->jail->reaped)
        return;
    if (run->killed == BJ_KILL_NONE)
        run->killed = reason;
    if (run->limits.cpu_us > 0 || !run->plan->cgroup)
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

/* Nothing of it begins by that. */
static int start_watching(struct bj_run *run, struct bj_error *err)
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
    return r < 0 ? bj__error_system(err, -r, "", "cannot watch the jail") : bj__denials_start(run, err);
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
    run->limits = plan->limits;
    run->collect = plan->collect;
    bj__arena_init(&run->own_collect, COLLECT_ARENA);
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

static int begin(struct bj_run *run, int stdin_fd, struct bj_error *err)
{
    bj__clocks_start(run);
    return bj__input_start(run, stdin_fd, err);
}

static int hand_over(struct bj_run *run, int r, struct bj_run **ret_run)
{
    if (r < 0)
        bj_run_free(run);
    else
        *ret_run = run;
    return r < 0 ? r : 0;
}

int bj__run_hand_over(struct bj_run *run, int r, int stdin_fd, struct bj_run **ret_run, struct bj_error *err)
{
    if (r == 0)
        r = start_watching(run, err);
    if (r == 0)
        r = begin(run, stdin_fd, err);
    return hand_over(run, r, ret_run);
}

/* Of a jail of its own. */
static void take_streams(struct bj_run *run)
{
    run->streams = run->jail->streams;
    bj__streams_init(&run->jail->streams);
}

static void take_times(struct bj_run *run)
{
    run->start_us = run->jail->start_us;
    run->exec_us = run->jail->exec_us;
}

int bj_run_start_stdin(const struct bj_plan *plan, int stdin_fd, struct bj_run **ret_run, struct bj_error *err)
{
    struct bj_run *run = bj__run_new(plan);
    if (!run)
        return bj__error_memory(err);
    int r = bj__calls_start(run, &plan->calls, err);
    if (r == 0)
        r = bj__jail_start(run->jail, plan, err);
    take_streams(run);
    take_times(run);
    return bj__run_hand_over(run, r, stdin_fd, ret_run, err);
}

int bj__run_park(struct bj_zygote *zygote, struct bj_run **ret_run, struct bj_error *err)
{
    struct bj_run *run = bj__run_new(&zygote->warm->fork);
    if (!run)
        return bj__error_memory(err);
    return hand_over(run, bj__jail_park(run->jail, zygote, err), ret_run);
}

static int prepare(struct bj_run *run, struct bj_error *err)
{
    if (run->epoll_fd >= 0)
        return 0;
    take_streams(run);
    return start_watching(run, err);
}

int bj__run_prepare_parked(struct bj_run *run, struct bj_error *err)
{
    int r = bj__sync_take_parked(run->jail, err);
    if (r <= 0 || run->epoll_fd >= 0)
        return r < 0 ? r : 0;
    bj__cgroup_open_counters(&run->jail->cgroup);
    bj__run_expect_end(run);
    return prepare(run, err);
}

int bj__run_narrow(struct bj_run *run, const struct bj_spec *spec, struct bj_error *err)
{
    run->limits = spec->limits;
    for (enum bj_stream stream = BJ_STDOUT; stream <= BJ_STDERR; stream++)
        run->result->output[stream].maximum = spec->limits.output_bytes;
    return bj__strings_copy(&run->own_collect, &spec->collect, &run->collect) < 0 ? bj__error_memory(err) : 0;
}

/* Its plan's was set when the jail was made. */
static int lower_memory(const struct bj_run *run, struct bj_error *err)
{
    return run->limits.memory_bytes == run->plan->limits.memory_bytes
               ? 0
               : bj__cgroup_limit_memory(&run->jail->cgroup, run->limits.memory_bytes, err);
}

int bj__run_start_parked(struct bj_run *run, const struct bj_buf *request, int stdin_fd,
                         struct bj_run **ret_run, struct bj_error *err)
{
    int r = lower_memory(run, err);
    if (r == 0)
        r = bj__jail_hand_over(run->jail, request, run->limits.wall_us, err);
    take_times(run);
    if (r == 0)
        r = prepare(run, err);
    if (r == 0)
        r = begin(run, stdin_fd, err);
    if (r == 0)
        r = bj__jail_unpark(run->jail, err);
    return hand_over(run, r, ret_run);
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
    if (run->over && run->told_end)
        bj__jail_abandon(run->jail);
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
    case BJ_WATCH_ANSWER:
        bj__calls_write(run);
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

/* A snippet has told its end: the end of its process is a moment away, and each of its pipes would wake us on the way there.
 * Whoever tells that and goes on to write, or has children who do, is heard again after that moment, and after no other. */
static bool await_end(struct bj_run *run, int timeout_ms)
{
    struct pollfd watched[] = {{.fd = run->jail->pidfd, .events = POLLIN},
                               {.fd = run->jail->listener_fd, .events = POLLIN}};
    if (timeout_ms == 0 || run->branch || run->ending || run->told_end || !bj__reply_has_end(run))
        return false;
    run->ending = true;
    bool told = poll(watched, BJ_COUNT(watched), MOMENT_MS) > 0;
    if (told && watched[1].revents & POLLIN)
        bj__denials_answer(run);
    return told && watched[0].revents & POLLIN;
}

static bool is_over(struct bj_run *run, bool ended)
{
    if (run->branch)
        return bj__branch_is_through(run);
    return bj__run_may_finish(run) || (ended && bj__jail_reap(run->jail, false));
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
    ended = ended || await_end(run, timeout_ms);
    if (!is_over(run, ended))
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
    bj__calls_free(run);
    bj__arena_done(&run->own_collect);
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
