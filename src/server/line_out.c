/* What is said on a connection: sent at once, or kept until it can be.
 * Its own file because the bounds of what a slow reader may pile up stand here alone.
 * Changes when: answers are sent in another way. */
#include "server/lines.h"

#include <sys/socket.h>

#define BLOCK 65536u /* what was sent leaves the buffer in such pieces */

void bj__line_release_out(struct bj_line *line)
{
    bj__service_release(line->lines->service, line->out.length - line->sent);
    bj__buf_done(&line->out);
    line->sent = 0;
}

/* How many bytes it takes now; -EPIPE: none, ever. */
static ssize_t send_some(const struct bj_line *line, const unsigned char *bytes, size_t length)
{
    ssize_t n;
    if (length == 0)
        return 0;
    do
        n = send(line->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == ENOBUFS ? 0 : -EPIPE;
    return n;
}

static void forget_sent(struct bj_line *line)
{
    struct bj_buf *out = &line->out;
    if (line->sent == out->length) {
        bj__line_release_out(line);
    } else if (line->sent >= BLOCK) {
        memmove(out->bytes, out->bytes + line->sent, out->length - line->sent);
        out->length -= line->sent;
        line->sent = 0;
    }
}

/* The next request, or the end. */
static void part(struct bj_line *line)
{
    if (!line->last && line->kind->again && !line->lines->service->draining) {
        line->answered = true;
        bj__line_turn(line, BJ_LINE_CLIENT);
        return;
    }
    /* The client sees the end now. Was it not to the end of what it says, a close here and now would take the answer from it
     * (TCP), or tell it of an error (unix(7)). */
    if (line->client_ended || shutdown(line->fd, SHUT_WR) < 0)
        bj__line_drop(line);
    else
        bj__line_turn(line, BJ_LINE_PARTING);
}

void bj__line_flush(struct bj_line *line)
{
    ssize_t n = 1;
    while (n > 0 && line->sent < line->out.length) {
        n = send_some(line, line->out.bytes + line->sent, line->out.length - line->sent);
        if (n < 0) {
            bj__line_drop(line);
            return;
        }
        line->sent += (size_t)n;
        bj__service_release(line->lines->service, (size_t)n);
        bj__line_progress(line, (size_t)n);
    }
    forget_sent(line);
    if (line->turn == BJ_LINE_ANSWER && line->out.length == 0)
        part(line);
    else
        bj__line_watch(line);
}

static int keep(struct bj_line *line, const unsigned char *bytes, size_t length, size_t most)
{
    if (line->out.length - line->sent + length > most || !bj__service_hold(line->lines->service, length))
        return -ENOBUFS;
    int r = bj__buf_add(&line->out, bytes, length);
    if (r < 0)
        bj__service_release(line->lines->service, length);
    return r;
}

int bj__line_say(struct bj_line *line, const void *bytes, size_t length, size_t most)
{
    const unsigned char *from = bytes;
    ssize_t n = 0;
    if (line->turn == BJ_LINE_DEAD)
        return -EPIPE;
    if (length == 0)
        return 0;
    /* All or nothing: what cannot be kept is not begun. */
    if (line->out.length - line->sent + length > most)
        return -ENOBUFS;
    if (line->out.length == 0)
        n = send_some(line, from, length);
    if (n < 0) {
        bj__line_drop(line);
        return -EPIPE;
    }
    int r = keep(line, from + n, length - (size_t)n, most);
    if (r < 0 && n > 0) { /* half of it is out: there is no other answer any more */
        bj__line_drop(line);
        return -EPIPE;
    }
    if (r == 0)
        line->tail = from[length - 1];
    bj__line_watch(line);
    return r;
}

void bj__line_answered(struct bj_line *line)
{
    if (line->turn == BJ_LINE_DEAD)
        return;
    bj__line_turn(line, BJ_LINE_ANSWER);
    bj__line_flush(line);
}
