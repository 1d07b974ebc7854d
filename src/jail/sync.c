/* The parent's side of the steps: MAPPED and GO out; READY, EXECING and FAIL in.
 * Its own file because what comes from the child is read and checked in one place.
 * Changes when: the protocol between parent and child changes. */
#include "jail/child/child.h"
#include "jail/jail.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

int bj__sync_send(const struct bj_jail *jail, uint16_t step, uint64_t arg)
{
    struct bj_step_message message = {.magic = BJ_STEP_MAGIC, .step = step, .arg = arg};
    ssize_t n;
    do {
        n = send(jail->sync_fd, &message, sizeof(message), MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(message) ? 0 : n < 0 ? -errno : -EIO;
}

/* A child that ends with a message of ours unread leaves ECONNRESET on the socket, which the kernel reports
 * once and before what the child has sent: the child's last words stand behind it. */
static ssize_t receive_whole(int fd, struct msghdr *header)
{
    ssize_t n;
    int resets = 0;
    do {
        n = recvmsg(fd, header, MSG_CMSG_CLOEXEC);
    } while (n < 0 && (errno == EINTR || (errno == ECONNRESET && resets++ == 0)));
    return n;
}

/* One message, with the descriptors that may come with it, which are the caller's also on failure. 1: a message, 0: end
 * of file, or an empty message, which is as good: its sender is believed that nothing follows. -errno: a length or a
 * magic of nobody's; more descriptors than any step has; or fewer than were sent, because we have no room for them. */
static int receive(const struct bj_jail *jail, struct bj_step_message *message, int ret_fds[BJ_STEP_FDS])
{
    struct iovec part = {message, sizeof(*message)};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(BJ_STEP_FDS * sizeof(int))];
    } control;
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t n = receive_whole(jail->sync_fd, &header);
    if (n < 0)
        return -errno;
    const struct cmsghdr *first = CMSG_FIRSTHDR(&header);
    if (first && first->cmsg_level == SOL_SOCKET && first->cmsg_type == SCM_RIGHTS &&
        first->cmsg_len <= CMSG_LEN(BJ_STEP_FDS * sizeof(int)))
        memcpy(ret_fds, CMSG_DATA(first), first->cmsg_len - CMSG_LEN(0));
    if (n == 0)
        return 0;
    if (n != (ssize_t)sizeof(*message) || message->magic != BJ_STEP_MAGIC || (header.msg_flags & MSG_TRUNC))
        return -EPROTO;
    if (header.msg_flags & MSG_CTRUNC)
        return ret_fds[BJ_STEP_FDS - 1] < 0 ? -EMFILE : -EPROTO;
    return 1;
}

static int report_deed(const struct bj_step_message *message, struct bj_error *err)
{
    static const char *const deeds[BJ_DEED__COUNT] = {
        NULL,
#define X(name, text) text,
        BJ_DEED_LIST(X)
#undef X
    };
    return bj__error(err, BJ_ERROR_SETUP, message->err, "jail", "the jail's first process cannot %s: %s",
                     deeds[message->arg], strerror(message->err));
}

static int report_failure(const struct bj_step_message *message, const struct bj_plan *plan,
                          struct bj_error *err)
{
    bool is_errno = message->err > 0 && message->err <= 4095;
    if (is_errno && message->arg > BJ_DEED_OPERATION && message->arg < BJ_DEED__COUNT)
        return report_deed(message, err);
    if (message->index >= plan->op_count || message->err <= 0 || message->err > 4095)
        return bj__error(err, BJ_ERROR_SETUP, EPROTO, "", "the jail sent a malformed failure");
    const struct bj_op *op = &plan->ops[message->index];
    const char *hint = bj__op_hint(op->code, message->err);
    bool shows_text = op->text && op->code != BJ_OP_BACKSTOP && op->code != BJ_OP_SECCOMP;
    int r = bj__error(err, BJ_ERROR_SETUP, message->err, bj_op_name(op->code),
                      "operation %u, %s%s%.200s, failed: %s%s%s", message->index, bj_op_name(op->code),
                      shows_text ? " " : "", shows_text ? op->text : "", strerror(message->err),
                      hint[0] ? "; " : "", hint);
    if (err) {
        err->op = op->code;
        err->index = message->index;
    }
    return r;
}

static int wait_readable(int fd, uint64_t deadline_us)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    for (;;) {
        uint64_t now = bj__now_us();
        int left_ms = now >= deadline_us ? 0 : (int)((deadline_us - now) / 1000) + 1;
        int r = poll(&watched, 1, left_ms);
        if (r > 0)
            return 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static bool is_directory(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

/* One step of the child's. 1: go on, 0: the end of file, -errno. Each step is taken once, so a child that floods us with
 * steps is refused at the fourth. */
static int take_step(struct bj_jail *jail, struct bj_error *err)
{
    struct bj_step_message message;
    int fds[BJ_STEP_FDS] = {-1, -1};
    int r = receive(jail, &message, fds);
    BJ_FD int first = fds[0];
    BJ_FD int second = fds[1];
    if (r < 0)
        return bj__error_system(err, -r, "", "cannot receive from the jail");
    if (r == 0)
        return 0;
    bool starts = jail->last_step == BJ_STEP_EXECING && !jail->exec_errno;
    if (message.step == BJ_STEP_FAIL && starts && message.op == BJ_OP_EXEC) {
        jail->exec_errno = message.err > 0 && message.err < 4096 ? message.err : ENOEXEC;
        return 1;
    }
    if (message.step == BJ_STEP_FAIL)
        return report_failure(&message, jail->plan, err);
    const struct bj_program *program = &jail->plan->program;
    bool has_clock = program->fork || program->session; /* and nobody else may send one */
    if (message.step == BJ_STEP_READY && jail->last_step == 0 && (second >= 0) == has_clock &&
        (first < 0 || is_directory(first))) {
        jail->box_fd = bj__fd_take(&first);
        jail->clock_fd = bj__fd_take(&second);
    } else if (message.step == BJ_STEP_EXECING && jail->last_step == BJ_STEP_READY && first >= 0) {
        jail->payload_pidfd = bj__fd_take(&first);
        jail->listener_fd = bj__fd_take(&second);
    } else {
        return bj__error(err, BJ_ERROR_SETUP, EPROTO, "", "the jail sent a malformed step %u after step %u",
                         message.step, jail->last_step);
    }
    jail->last_step = message.step;
    return 1;
}

int bj__sync_failed(struct bj_jail *jail, int failed, struct bj_error *err)
{
    struct pollfd watched = {.fd = jail->sync_fd, .events = POLLIN};
    struct bj_error said = {0};
    if (poll(&watched, 1, 0) <= 0)
        return failed;
    int r = take_step(jail, &said);
    if (r >= 0 || said.code != BJ_ERROR_SETUP)
        return failed;
    if (err)
        *err = said;
    return r;
}

static int wait_step(struct bj_jail *jail, uint64_t deadline_us, struct bj_error *err)
{
    int r = wait_readable(jail->sync_fd, deadline_us);
    return r < 0 ? bj__error_system(err, -r, "", "the jail did not become ready") : take_step(jail, err);
}

static int check_listener(const struct bj_jail *jail, struct bj_error *err)
{
    bool wanted = jail->plan->notify && jail->plan->layers[BJ_LAYER_DENIAL_REPORT].mode == BJ_REQUIRE;
    return wanted && jail->listener_fd < 0 ? bj__error(err, BJ_ERROR_SETUP, EPROTO, "layers.denial_report",
                                                       "the filter's listener did not arrive")
                                           : 0;
}

static int take_parked(struct bj_jail *jail, uint64_t deadline_us, struct bj_error *err)
{
    int r = wait_step(jail, deadline_us, err);
    if (r == 0)
        r = bj__error(err, BJ_ERROR_SETUP, ECHILD, "", "the jail ended before it was parked");
    return r > 0 && jail->last_step == BJ_STEP_EXECING ? check_listener(jail, err) : r;
}

int bj__sync_wait_parked(struct bj_jail *jail, struct bj_error *err)
{
    uint64_t deadline_us = bj__now_us() + (uint64_t)jail->patience_ms * 1000;
    int r = 0;
    while (r >= 0 && jail->last_step != BJ_STEP_EXECING)
        r = take_parked(jail, deadline_us, err);
    return r < 0 ? r : 0;
}

int bj__sync_take_parked(struct bj_jail *jail, struct bj_error *err)
{
    struct pollfd watched = {.fd = jail->sync_fd, .events = POLLIN};
    int r = 0;
    while (r >= 0 && jail->last_step != BJ_STEP_EXECING && poll(&watched, 1, 0) > 0)
        r = take_parked(jail, 0, err);
    return r < 0 ? r : jail->last_step == BJ_STEP_EXECING;
}

int bj__sync_wait_exec(struct bj_jail *jail, enum bj_sync_outcome *ret_outcome, struct bj_error *err)
{
    uint64_t deadline_us = bj__now_us() + (uint64_t)jail->patience_ms * 1000;
    for (;;) {
        int r = wait_step(jail, deadline_us, err);
        if (r < 0)
            return r;
        if (r == 0)
            break;
    }
    /* The end of file before EXECING is always a failure of the jail; after it, it is the guest's story. */
    *ret_outcome = jail->last_step != BJ_STEP_EXECING ? BJ_SYNC_DIED
                   : jail->exec_errno                 ? BJ_SYNC_EXEC_FAILED
                                                      : BJ_SYNC_RUNNING;
    return *ret_outcome == BJ_SYNC_RUNNING ? check_listener(jail, err) : 0;
}
