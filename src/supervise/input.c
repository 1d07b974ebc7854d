/* Feeds the guest's stdin, from bytes or from a descriptor of the caller's.
 * Its own file because a guest that does not read, or reads slowly, must hold up nothing.
 * Changes when: stdin can come from somewhere else. */
#include "supervise/run.h"

#include <signal.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define SOURCE_BUFFER 65536u

static void close_stdin(struct bj_run *run)
{
    if (run->streams.stdin_fd >= 0)
        bj__unwatch(run, run->streams.stdin_fd);
    bj__fd_close(&run->streams.stdin_fd);
    if (run->source_fd >= 0 && run->source_polled)
        bj__unwatch(run, run->source_fd);
    run->source_fd = -1;
}

/* The pipe stays open: an end of file, seen in the moment before the program dies, would pass for a whole input. */
static void fail_input(struct bj_run *run, int errnum, const char *what)
{
    bj__run_fail(run, errnum, what);
    bj__unwatch(run, run->streams.stdin_fd);
    if (run->source_fd >= 0 && run->source_polled)
        bj__unwatch(run, run->source_fd);
    run->source_fd = -1;
}

static void watch(struct bj_run *run, int fd, enum bj_watch what, uint32_t events)
{
    int r = bj__watch(run, fd, what, events);
    if (r < 0)
        bj__run_fail(run, -r, "watch the program's input");
}

/* Exactly one of the two is watched: the pipe while there is something to write, the source while there is not. Where the
 * program is to get only what it waits for, the source is left alone until it does. */
void bj__input_watch(struct bj_run *run)
{
    if (run->streams.stdin_fd < 0)
        return;
    if (run->input_left > 0) {
        watch(run, run->streams.stdin_fd, BJ_WATCH_STDIN, EPOLLOUT);
        if (run->source_fd >= 0 && run->source_polled)
            bj__unwatch(run, run->source_fd);
    } else if (run->source_fd >= 0 && run->pauses && !run->waits) {
        bj__unwatch(run, run->streams.stdin_fd);
        if (run->source_polled)
            bj__unwatch(run, run->source_fd);
    } else if (run->source_fd >= 0 && run->source_polled) {
        bj__unwatch(run, run->streams.stdin_fd);
        watch(run, run->source_fd, BJ_WATCH_SOURCE, EPOLLIN);
    } else if (run->source_fd >= 0) {
        watch(run, run->streams.stdin_fd, BJ_WATCH_STDIN, EPOLLOUT);
    } else {
        close_stdin(run);
    }
}

void bj__input_read_source(struct bj_run *run)
{
    if (run->source_fd < 0 || run->input_left > 0)
        return;
    ssize_t n;
    do {
        n = read(run->source_fd, run->source_buffer, SOURCE_BUFFER);
    } while (n < 0 && errno == EINTR); /* not later: nothing else would bring us back to a regular file */
    if (n < 0 && errno == EAGAIN)
        return;
    /* Half an input would pass for a whole one. EBADF: it is not open for reading, as nohup(1) leaves it. */
    if (n < 0 && errno != EBADF) {
        fail_input(run, errno, "read what is meant for the program's stdin");
        return;
    }
    if (n <= 0) { /* the guest sees an end of file */
        close_stdin(run);
        return;
    }
    bj__waiting_end(run); /* the next line is the program's if it waits again */
    run->input = run->source_buffer;
    run->input_left = (size_t)n;
    bj__input_write(run);
}

/* The guest may close its end at any time, and the caller's disposition of SIGPIPE is the caller's: it is
 * blocked in this thread for the write, and one that we caused is taken back (signal(7), "Interruption"). */
ssize_t bj__write_quietly(int fd, const void *bytes, size_t length)
{
    sigset_t pipe_only;
    sigset_t before;
    sigset_t pending;
    (void)sigemptyset(&pipe_only);
    (void)sigaddset(&pipe_only, SIGPIPE);
    (void)sigpending(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    ssize_t n = write(fd, bytes, length);
    int saved = errno;
    if (n < 0 && saved == EPIPE && !sigismember(&pending, SIGPIPE)) {
        const struct timespec now = {0, 0};
        while (sigtimedwait(&pipe_only, NULL, &now) < 0 && errno == EINTR)
            ;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return n;
}

void bj__input_write(struct bj_run *run)
{
    if (run->streams.stdin_fd < 0)
        return;
    if (run->input_left == 0 && run->source_fd >= 0 && !run->source_polled) {
        bj__input_read_source(run);
        return;
    }
    while (run->input_left > 0) {
        ssize_t n = bj__write_quietly(run->streams.stdin_fd, run->input, run->input_left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) { /* EPIPE: the guest has closed it, which is its right */
            if (errno == EPIPE)
                close_stdin(run);
            else
                fail_input(run, errno, "write to the program's stdin");
            return;
        }
        run->input += n;
        run->input_left -= (size_t)n;
    }
    bj__input_watch(run);
}

int bj__input_start(struct bj_run *run, int source_fd, struct bj_error *err)
{
    run->source_fd = -1;
    if (source_fd >= 0) {
        run->source_buffer = malloc(SOURCE_BUFFER);
        if (!run->source_buffer)
            return bj__error_memory(err);
        run->source_fd = source_fd;
        int r = bj__watch(run, source_fd, BJ_WATCH_SOURCE, EPOLLIN);
        run->source_polled = r == 0;
        if (r < 0 && r != -EPERM) /* EPERM: a regular file, always ready */
            return bj__error_system(err, -r, "stdin", "cannot watch the stdin descriptor %d", source_fd);
    } else {
        run->input = run->plan->stdin_bytes;
        run->input_left = run->plan->stdin_length;
    }
    if (run->source_fd < 0 || !run->source_polled)
        bj__input_write(run);
    if (run->source_fd < 0 && run->input_left == 0 && run->killed == BJ_KILL_NONE)
        close_stdin(run);
    return 0;
}
