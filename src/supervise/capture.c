/* Captures stdout and stderr up to the limit, and drains what is beyond it.
 * Its own file because the size cap holds while it is written, not afterwards.
 * Changes when: output is treated in another way. */
#include "supervise/run.h"

#include <unistd.h>

#define CHUNK 65536u /* the size of a pipe */
/* Bytes of both streams together after which the run ends, whatever its limits say: draining costs the supervisor, not the
 * guest, and should a limit be wrong, this is what the supervisor keeps at most. */
#define FLOOD (96u << 20)
_Static_assert(2 * BJ_MAX_OUTPUT < FLOOD, "what is allowed is no flood");

static int *stream_fd(struct bj_run *run, enum bj_stream stream)
{
    return stream == BJ_STDOUT ? &run->streams.stdout_fd : &run->streams.stderr_fd;
}

static void keep(struct bj_run *run, enum bj_stream stream, const unsigned char *bytes, size_t length)
{
    struct bj_buf *buf = &run->result->output[stream];
    size_t room = buf->maximum - buf->length;
    size_t kept = length < room ? length : room;
    run->result->output_total[stream] += length;
    int r = kept > 0 ? bj__buf_add(buf, bytes, kept) : 0;
    if (r < 0)
        bj__run_fail(run, -r, "keep the program's output");
    else if (kept > 0 && run->output_fn)
        run->output_fn(run->output_user, stream, bytes, kept);
    bool flood = run->result->output_total[BJ_STDOUT] + run->result->output_total[BJ_STDERR] > FLOOD;
    if (flood || (length > room && run->plan->output_action == BJ_OUTPUT_KILL))
        bj__run_end(run, BJ_KILL_OUTPUT);
}

/* One read. False: nothing more now, or ever. */
static bool read_once(struct bj_run *run, enum bj_stream stream)
{
    unsigned char bytes[CHUNK / 8]; /* bounded stack; a flood comes back for more */
    int *fd = stream_fd(run, stream);
    if (*fd < 0)
        return false;
    ssize_t n = read(*fd, bytes, sizeof(bytes));
    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n < 0)
        bj__run_fail(run, errno, "read the program's output");
    if (n <= 0) {
        bj__unwatch(run, *fd);
        bj__fd_close(fd);
        return false;
    }
    keep(run, stream, bytes, (size_t)n);
    return true;
}

void bj__capture_read(struct bj_run *run, enum bj_stream stream)
{
    for (int i = 0; i < 8 && read_once(run, stream); i++) /* then the others have their turn */
        ;
}

/* Every writer is dead. A pipe holds at most a megabyte (fcntl(2), F_SETPIPE_SZ): the loop ends without its
 * end. */
void bj__capture_drain(struct bj_run *run)
{
    for (enum bj_stream stream = BJ_STDOUT; stream <= BJ_STDERR; stream++)
        for (int i = 0; i < 256 && read_once(run, stream); i++)
            ;
}
