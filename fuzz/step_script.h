/* A hostile child: an input as a list of messages on the step socket, and what a parent must make of exactly these.
 * Its own file because the expectation is the protocol said once more, message by message, apart from sync.c.
 * Changes when: the protocol between parent and child changes. */
#ifndef FUZZ_STEP_SCRIPT_H
#define FUZZ_STEP_SCRIPT_H

#include "../tests/support/choices.h"

#include "jail/child/child.h"
#include "jail/jail.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum step_end { STEPS_DIED, STEPS_RUNNING, STEPS_EXEC_FAILED, STEPS_ERROR };

struct step_script {
    struct choices choices;
    int fd;            /* the child's end */
    int kinds[2];      /* a directory and a device, to send along */
    enum step_end end; /* what the parent must say, given what was sent so far */
    bool silent;       /* an empty message: nothing after it is heard */
    uint16_t last;     /* step */
    bool listener;     /* was one sent where it belongs? */
};

static inline int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 128; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* Gives the parent its end. How many descriptors were open before. */
static inline int open_step_script(struct step_script *script, int *ret_parent_fd)
{
    int pair[2];
    int before = open_descriptors();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        abort();
    *ret_parent_fd = pair[0];
    script->fd = pair[1];
    script->kinds[0] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    script->kinds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return before;
}

static inline void close_step_script(struct step_script *script)
{
    bj__fd_close(&script->fd);
    bj__fd_close(&script->kinds[0]);
    bj__fd_close(&script->kinds[1]);
}

static inline void expect_fail(struct step_script *script, const struct bj_step_message *message)
{
    bool exec =
        script->last == BJ_STEP_EXECING && message->op == BJ_OP_EXEC && script->end != STEPS_EXEC_FAILED;
    script->end = exec ? STEPS_EXEC_FAILED : STEPS_ERROR;
}

/* directory: is the first descriptor one? */
static inline void expect(struct step_script *script, const struct bj_step_message *message, size_t length,
                          unsigned fds, bool directory)
{
    script->silent |= length == 0;
    if (script->end == STEPS_ERROR || script->silent)
        return;
    if (length != sizeof(*message) || message->magic != BJ_STEP_MAGIC || fds > BJ_STEP_FDS) {
        script->end = STEPS_ERROR;
    } else if (message->step == BJ_STEP_FAIL) {
        expect_fail(script, message);
    } else if (message->step == BJ_STEP_READY && script->last == 0 && fds <= 1 && (fds == 0 || directory)) {
        script->last = BJ_STEP_READY;
    } else if (message->step == BJ_STEP_EXECING && script->last == BJ_STEP_READY && fds > 0) {
        script->listener = fds > 1;
        script->last = BJ_STEP_EXECING;
        script->end = STEPS_RUNNING;
    } else {
        script->end = STEPS_ERROR;
    }
}

static inline void send_one(struct step_script *script, const void *bytes, size_t length, unsigned fds,
                            int kind)
{
    struct iovec part = {(void *)(uintptr_t)bytes, length};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(8 * sizeof(int))];
    } control = {.header = {CMSG_LEN(fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    for (unsigned i = 0; i < fds; i++)
        memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &script->kinds[kind], sizeof(int));
    if (fds > 0) {
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(fds * sizeof(int));
    }
    struct bj_step_message message = {0};
    memcpy(&message, bytes, length < sizeof(message) ? length : sizeof(message));
    if (sendmsg(script->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length)
        expect(script, &message, length, fds, kind == 0);
}

/* One message after another, until the bytes end; then the child is gone. */
static inline void send_steps(struct step_script *script)
{
    static const uint16_t steps[] = {
        BJ_STEP_READY, BJ_STEP_EXECING, BJ_STEP_FAIL, BJ_STEP_MAPPED, BJ_STEP_GO, 0, 6};
    static const uint16_t lengths[] = {sizeof(struct bj_step_message), 0, 1, 23, 25, 48, 4096};
    static const int32_t errors[] = {ENOENT, 0, -1, 4095, 4096, INT32_MAX, INT32_MIN};
    struct choices *choices = &script->choices;
    while (choices->at < choices->size) {
        unsigned char bytes[4096] = {0};
        struct bj_step_message message = {.magic = BJ_STEP_MAGIC,
                                          .step = steps[below(choices, BJ_COUNT(steps))]};
        unsigned fds = below(choices, 5);
        int kind = (int)below(choices, 2);
        size_t length = lengths[chance(choices, 80) ? 0 : below(choices, BJ_COUNT(lengths))];
        if (message.step == BJ_STEP_FAIL) {
            message.op = chance(choices, 70) ? BJ_OP_EXEC : (uint16_t)below(choices, 256);
            message.index = chance(choices, 80) ? below(choices, 4) : UINT32_MAX - below(choices, 4);
            message.err = errors[below(choices, BJ_COUNT(errors))];
        }
        message.magic ^= chance(choices, 5) ? 1u : 0;
        memcpy(bytes, &message, sizeof(message));
        send_one(script, bytes, length, fds, kind);
    }
}

#endif
