/* The descriptors that are shared with a jail: pipes, two sockets, and the program of its pid 1.
 * Its own file because every descriptor that crosses into a jail is opened here.
 * Changes when: another descriptor crosses. */
#include "base/embed.h"
#include "jail/child/child.h"
#include "jail/jail.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

extern const struct bj_embedded bj__init_program[]; /* child/init.c, built on its own and embedded */

_Static_assert(BJ_SEAT_TASKS + BJ_CGROUP_V1_HIERARCHIES + 1 == BJ_SEAT__END && BJ_SEAT__END == BJ_ENDS,
               "struct bj_ends has a place for each seat");

void bj__streams_init(struct bj_streams *streams)
{
    *streams = (struct bj_streams){-1, -1, -1, -1, -1};
}

void bj__streams_close(struct bj_streams *streams)
{
    bj__fd_close(&streams->stdin_fd);
    bj__fd_close(&streams->stdout_fd);
    bj__fd_close(&streams->stderr_fd);
    bj__fd_close(&streams->reply_fd);
    bj__fd_close(&streams->answer_fd);
}

void bj__ends_init(struct bj_ends *ends)
{
    for (int i = 0; i < BJ_ENDS; i++)
        ends->theirs[i] = -1;
}

int bj__ends_give(struct bj_ends *ends, int seat, int *fd)
{
    if (*fd >= BJ_SEAT__END) {
        ends->theirs[seat] = bj__fd_take(fd);
        return 0;
    }
    ends->theirs[seat] = fcntl(*fd, F_DUPFD_CLOEXEC, BJ_SEAT__END);
    bj__fd_close(fd);
    return ends->theirs[seat] < 0 ? -errno : 0;
}

/* A pipe; ours is made non-blocking, theirs is a description of its own and stays blocking. */
static int open_pipe(struct bj_ends *ends, enum bj_seat seat, int our_end, int *ret_ours)
{
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC) < 0)
        return -errno;
    *ret_ours = pipe_ends[our_end];
    /* So that the guest, who is somebody else, can open /dev/stderr and the like: its end, in its direction
     * only. */
    int r = fchmod(pipe_ends[!our_end], our_end ? 0444 : 0222) < 0 ? -errno : 0;
    if (r == 0)
        r = bj__ends_give(ends, (int)seat, &pipe_ends[!our_end]);
    else
        bj__fd_close(&pipe_ends[!our_end]);
    if (r == 0 && fcntl(*ret_ours, F_SETFL, O_NONBLOCK) < 0)
        r = -errno;
    return r;
}

static int open_socket(struct bj_ends *ends, enum bj_seat seat, int *ret_ours)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    *ret_ours = pair[0];
    return bj__ends_give(ends, (int)seat, &pair[1]);
}

static int open_hold(struct bj_ends *ends)
{
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC) < 0)
        return -errno;
    int r = bj__ends_give(ends, BJ_SEAT_HOLD, &pipe_ends[0]);
    int r2 = bj__ends_give(ends, BJ_SEAT_HOLD_WRITE, &pipe_ends[1]);
    return r < 0 ? r : r2;
}

int bj__seal_bytes(int fd, const void *bytes, size_t length)
{
    for (size_t written = 0; written < length;) {
        ssize_t n = write(fd, (const char *)bytes + written, length - written);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        written += (size_t)n;
    }
    return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0 ? -errno : 0;
}

struct sealed {
    const char *name;
    const void *bytes;
    size_t length;
    unsigned flags; /* of memfd_create(2), where the kernel knows them */
};

/* Sealed, so that nobody who gets it can change it: not even pid 1 could change what the next jail's pid 1 would be
 * (CVE-2019-5736). */
static int open_sealed(struct bj_ends *ends, enum bj_seat seat, const struct sealed *file)
{
    BJ_FD int fd = memfd_create(file->name, MFD_CLOEXEC | MFD_ALLOW_SEALING | file->flags);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(file->name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    int r = bj__seal_bytes(fd, file->bytes, file->length);
    return r < 0 ? r : bj__ends_give(ends, (int)seat, &fd);
}

/* Empty until the jail's run is known (bj__jail_hand_over). */
static int open_request(struct bj_jail *jail, struct bj_ends *ends)
{
    jail->request_fd = memfd_create("belljar-request", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (jail->request_fd < 0 && errno == EINVAL)
        jail->request_fd = memfd_create("belljar-request", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (jail->request_fd < 0)
        return -errno;
    ends->theirs[BJ_SEAT_REQUEST] = fcntl(jail->request_fd, F_DUPFD_CLOEXEC, BJ_SEAT__END);
    return ends->theirs[BJ_SEAT_REQUEST] < 0 ? -errno : 0;
}

/* What comes over it is believed of whom the kernel names (base/session_wire.h). */
static int open_control(struct bj_ends *ends, int *ret_ours)
{
    const int on = 1;
    int r = open_socket(ends, BJ_SEAT_REPLY, ret_ours);
    return r == 0 && setsockopt(*ret_ours, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ? -errno : r;
}

static int open_reply(struct bj_streams *streams, struct bj_ends *ends, bool calls)
{
    int r = open_pipe(ends, BJ_SEAT_REPLY, 0, &streams->reply_fd);
    return r < 0 || !calls ? r : open_pipe(ends, BJ_SEAT_ANSWERS, 1, &streams->answer_fd);
}

static int open_snippet(struct bj_jail *jail, struct bj_ends *ends)
{
    const struct bj_program *program = &jail->plan->program;
    const struct sealed request = {"belljar-request", jail->plan->request, jail->plan->request_length,
                                   MFD_NOEXEC_SEAL};
    int r = program->fork ? open_request(jail, ends) : open_sealed(ends, BJ_SEAT_REQUEST, &request);
    if (r < 0)
        return r;
    if (program->session)
        return open_control(ends, &jail->streams.reply_fd);
    if (program->zygote)
        return open_socket(ends, BJ_SEAT_REPLY, &jail->streams.reply_fd);
    return open_reply(&jail->streams, ends, program->calls);
}

/* Of a session pid 1 tells of many processes, as many as the guest likes, and must not wait until we listen. */
static int open_status(struct bj_jail *jail, struct bj_ends *ends)
{
    int r = open_socket(ends, BJ_SEAT_STATUS, &jail->status_fd);
    if (r == 0 && jail->plan->program.session && fcntl(ends->theirs[BJ_SEAT_STATUS], F_SETFL, O_NONBLOCK) < 0)
        return -errno;
    return r;
}

/* The program of pid 1. One who makes many jails may hand the same one to all of them: it is sealed. */
static int open_init(struct bj_ends *ends, int init_fd)
{
    const struct sealed init = {"belljar-init", bj__init_program->bytes, bj__init_program->length, MFD_EXEC};
    if (init_fd < 0)
        return open_sealed(ends, BJ_SEAT_INIT, &init);
    ends->theirs[BJ_SEAT_INIT] = fcntl(init_fd, F_DUPFD_CLOEXEC, BJ_SEAT__END);
    return ends->theirs[BJ_SEAT_INIT] < 0 ? -errno : 0;
}

int bj__stdio_open_init(int *ret_fd, struct bj_error *err)
{
    struct bj_ends ends;
    bj__ends_init(&ends);
    int r = open_init(&ends, -1);
    *ret_fd = ends.theirs[BJ_SEAT_INIT];
    return r < 0 ? bj__error_system(err, -r, "", "cannot open the program of a jail's first process") : 0;
}

static int open_standard(struct bj_streams *streams, struct bj_ends *ends)
{
    int r = open_pipe(ends, BJ_SEAT_STDIN, 1, &streams->stdin_fd);
    if (r == 0)
        r = open_pipe(ends, BJ_SEAT_STDOUT, 0, &streams->stdout_fd);
    return r < 0 ? r : open_pipe(ends, BJ_SEAT_STDERR, 0, &streams->stderr_fd);
}

int bj__stdio_open_snippet(struct bj_streams *streams, struct bj_ends *ends, const struct bj_buf *request,
                           bool calls, struct bj_error *err)
{
    const struct sealed sealed = {"belljar-request", request->bytes, request->length, MFD_NOEXEC_SEAL};
    bj__ends_init(ends);
    int r = open_standard(streams, ends);
    if (r == 0)
        r = open_sealed(ends, BJ_SEAT_REQUEST, &sealed);
    if (r == 0)
        r = open_reply(streams, ends, calls);
    return r < 0 ? bj__error_system(err, -r, "", "cannot open the descriptors of a snippet") : 0;
}

int bj__stdio_open(struct bj_jail *jail, struct bj_ends *ends, int init_fd, struct bj_error *err)
{
    bj__ends_init(ends);
    int r = jail->plan->request ? open_snippet(jail, ends) : 0;
    if (r == 0)
        r = open_standard(&jail->streams, ends);
    if (r == 0)
        r = open_socket(ends, BJ_SEAT_SYNC, &jail->sync_fd);
    if (r == 0)
        r = open_status(jail, ends);
    if (r == 0)
        r = open_hold(ends);
    if (r == 0)
        r = open_init(ends, init_fd);
    return r < 0 ? bj__error_system(err, -r, "", "cannot open the descriptors of a jail") : 0;
}

void bj__stdio_close_theirs(struct bj_ends *ends)
{
    for (int i = 0; i < BJ_ENDS; i++)
        bj__fd_close(&ends->theirs[i]);
}
