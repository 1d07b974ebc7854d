/* What the parent makes of a child that does not keep to the steps.
 * Its own file because no jail of ours misbehaves: here the test is the child.
 * Changes when: the protocol between parent and child changes. fuzz/fuzz_steps.c sends everything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "jail/child/child.h"
#include "jail/jail.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/count_entries.h"

struct talk {
    struct bj_jail jail;
    struct bj_plan plan;
    struct bj_op ops[2];
    struct bj_error err;
    int child_fd;
};

static void begin(struct talk *talk)
{
    int pair[2];
    *talk = (struct talk){.ops = {{.code = BJ_OP_SETSID}, {.code = BJ_OP_EXEC}}};
    talk->plan.ops = talk->ops;
    talk->plan.op_count = BJ_COUNT(talk->ops);
    bj__jail_init(&talk->jail);
    talk->jail.plan = &talk->plan;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    talk->jail.sync_fd = pair[0];
    talk->child_fd = pair[1];
}

static void say(struct talk *talk, struct bj_step_message message, const char *path, unsigned fds)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(4 * sizeof(int))];
    } control = {.header = {CMSG_LEN(fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec part = {&message, sizeof(message)};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    BJ_FD int fd = fds > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    for (unsigned i = 0; i < fds; i++)
        memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &fd, sizeof(fd));
    if (fds > 0) {
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(fds * sizeof(int));
    }
    message.magic = BJ_STEP_MAGIC;
    assert_int_equal(sendmsg(talk->child_fd, &header, MSG_NOSIGNAL), sizeof(message));
}
#define STEP(name, ...) ((struct bj_step_message){.step = BJ_STEP_##name, ##__VA_ARGS__})

/* -errno, or the outcome; nothing stays open. */
static int end(struct talk *talk)
{
    enum bj_sync_outcome outcome = BJ_SYNC_DIED;
    bj__fd_close(&talk->child_fd);
    int r = bj__sync_wait_exec(&talk->jail, &outcome, &talk->err);
    bj__jail_done(&talk->jail);
    return r < 0 ? r : (int)outcome;
}

static void steps_in_order_are_taken(void **state)
{
    struct talk talk;
    int before = count_entries("/proc/self/fd");
    begin(&talk);
    say(&talk, STEP(READY), "/", 1);
    say(&talk, STEP(EXECING), "/dev/null", 2);
    assert_int_equal(end(&talk), BJ_SYNC_RUNNING);
    begin(&talk);
    say(&talk, STEP(READY), "/", 1);
    say(&talk, STEP(EXECING), "/dev/null", 1);
    say(&talk, STEP(FAIL, .op = BJ_OP_EXEC, .err = ENOENT), NULL, 0);
    assert_int_equal(end(&talk), BJ_SYNC_EXEC_FAILED);
    assert_int_equal(talk.jail.exec_errno, ENOENT);
    begin(&talk);
    say(&talk, STEP(READY), "/", 1);
    assert_int_equal(end(&talk), BJ_SYNC_DIED);
    assert_int_equal(count_entries("/proc/self/fd"), before);
}

/* It could have kept the parent busy for ever, because a deadline is only looked at when nobody speaks. */
static void a_failure_is_told_once(void **state)
{
    struct talk talk;
    begin(&talk);
    say(&talk, STEP(READY), "/", 1);
    say(&talk, STEP(EXECING), "/dev/null", 1);
    say(&talk, STEP(FAIL, .op = BJ_OP_EXEC, .err = ENOENT), NULL, 0);
    say(&talk, STEP(FAIL, .op = BJ_OP_EXEC, .index = 1, .err = ENOENT), NULL, 0);
    assert_true(end(&talk) < 0);
}

static void descriptors_are_what_the_step_says(void **state)
{
    static const struct {
        struct bj_step_message message;
        const char *path;
        unsigned fds;
    } bad[] = {{{.step = BJ_STEP_READY}, "/dev/null", 1}, /* files would be collected from it */
               {{.step = BJ_STEP_READY}, "/", 2},
               {{.step = BJ_STEP_READY}, "/", 3},
               {{.step = BJ_STEP_EXECING}, NULL, 0}, /* a listener would be taken for the program's pidfd */
               {{.step = BJ_STEP_EXECING}, "/dev/null", 3}};
    int before = count_entries("/proc/self/fd");
    for (size_t i = 0; i < BJ_COUNT(bad); i++) {
        struct talk talk;
        begin(&talk);
        if (bad[i].message.step == BJ_STEP_EXECING)
            say(&talk, STEP(READY), "/", 1);
        say(&talk, bad[i].message, bad[i].path, bad[i].fds);
        assert_int_equal(end(&talk), -EPROTO);
        assert_int_equal(count_entries("/proc/self/fd"), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_in_order_are_taken),
        cmocka_unit_test(a_failure_is_told_once),
        cmocka_unit_test(descriptors_are_what_the_step_says),
    };
    return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
