/* Where the program's output goes: belljar's own stdout and stderr, or files.
 * Its own file because a slow, full or closed receiver must never delay the supervision of the run.
 * Changes when: output can go somewhere else. */
#include "cli/relay.h"

#include <sys/stat.h>
#include <unistd.h>

/* Twice the largest output limit: an escaped byte takes four, but then the limit is never that large. */
#define MAX_WAITING ((size_t)1 << 30)

/* A pipe or terminal that poll(2) calls writable takes this much without waiting: PIPE_BUF of Linux. */
#define SAFE_WRITE 4096u

static void init_sink(struct sink *sink)
{
    *sink = (struct sink){.fd = -1};
    bj__buf_init(&sink->waiting, MAX_WAITING);
}

static void done_sink(struct sink *sink)
{
    if (sink->owned)
        bj__fd_close(&sink->fd);
    bj__buf_done(&sink->waiting);
}

void bj__relay_init(struct relay *relay)
{
    *relay = (struct relay){0};
    init_sink(&relay->out);
    init_sink(&relay->err);
}

void bj__relay_done(struct relay *relay)
{
    done_sink(&relay->out);
    done_sink(&relay->err);
}

static void look(struct sink *sink, bool raw)
{
    struct stat status;

    sink->looked = true;
    sink->regular = fstat(sink->fd, &status) == 0 && S_ISREG(status.st_mode);
    sink->escaped = !raw && !sink->regular && isatty(sink->fd);
}

static void give_up(struct sink *sink, int errnum)
{
    sink->failed = errnum;
    sink->waiting.length = 0;
    sink->sent = 0;
}

/* May be written to now? An error counts as yes: write(2) will tell. The descriptor is shared with whoever
 * started belljar, so it is never made non-blocking. */
static bool is_ready(const struct sink *sink)
{
    struct pollfd poll_fd = {.fd = sink->fd, .events = POLLOUT};

    return sink->regular || poll(&poll_fd, 1, 0) > 0;
}

static bool flush(struct sink *sink)
{
    while (sink->sent < sink->waiting.length && is_ready(sink)) {
        size_t left = sink->waiting.length - sink->sent;
        size_t piece = sink->regular || left < SAFE_WRITE ? left : SAFE_WRITE;
        ssize_t written = write(sink->fd, sink->waiting.bytes + sink->sent, piece);
        if (written < 0 && (errno == EINTR || errno == EAGAIN))
            break;
        if (written < 0) {
            give_up(sink, errno);
            return true;
        }
        sink->sent += (size_t)written;
    }
    if (sink->sent < sink->waiting.length)
        return false;
    sink->waiting.length = 0;
    sink->sent = 0;
    return true;
}

bool bj__relay_flush(struct relay *relay)
{
    bool out = flush(&relay->out);

    return flush(&relay->err) && out;
}

void bj__relay_output(void *user, enum bj_stream stream, const void *bytes, size_t length)
{
    struct relay *relay = user;
    struct sink *sink = stream == BJ_STDERR && !relay->merged ? &relay->err : &relay->out;

    if (sink->fd < 0 || sink->failed)
        return;
    if (!sink->looked)
        look(sink, relay->raw);
    int r = sink->escaped ? bj__escape_add(&sink->escape, &sink->waiting, bytes, length)
                          : bj__buf_add(&sink->waiting, bytes, length);
    if (r < 0)
        give_up(sink, -r);
    else
        (void)flush(sink);
}

void bj__relay_end(struct relay *relay)
{
    struct sink *sinks[] = {&relay->out, &relay->err};

    for (size_t i = 0; i < BJ_COUNT(sinks); i++)
        if (sinks[i]->fd >= 0 && !sinks[i]->failed && sinks[i]->escape.pending_count &&
            bj__escape_end(&sinks[i]->escape, &sinks[i]->waiting) < 0)
            give_up(sinks[i], ENOMEM);
}

nfds_t bj__relay_poll(const struct relay *relay, struct pollfd *ret_polls)
{
    nfds_t count = 0;

    if (relay->out.sent < relay->out.waiting.length)
        ret_polls[count++] = (struct pollfd){.fd = relay->out.fd, .events = POLLOUT};
    if (relay->err.sent < relay->err.waiting.length)
        ret_polls[count++] = (struct pollfd){.fd = relay->err.fd, .events = POLLOUT};
    return count;
}
