/* The child half's entry, the operation loop and its messages.
 * Its own file because it is the only code that knows the order: ops, READY, GO, payload, init.
 * Changes when: the protocol between parent and child changes. */
#include "jail/child/child.h"

#include "jail/child/sys.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

static bj_op_runner *const runners[BJ_OP__COUNT] = {
    NULL,
#define X(name, text, phase, doc) bj__op_##name,
#include "plan/ops.def"
#undef X
};

long bj__child_send(const struct bj_child *child, enum bj_step step, int first, int second)
{
    struct bj_step_message message = {.magic = BJ_STEP_MAGIC, .step = (uint16_t)step};
    struct iovec part = {&message, sizeof(message)};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(BJ_STEP_FDS * sizeof(int))];
    } control;
    int fds[BJ_STEP_FDS];
    size_t count = 0;
    if (first >= 0)
        fds[count++] = first;
    if (second >= 0)
        fds[count++] = second;
    if (count > 0) {
        control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(count * sizeof(int));
    }
    return sys3(SYS_sendmsg, BJ_SEAT_SYNC, SYS_ARG(&header), MSG_NOSIGNAL);
}

_Noreturn void bj__child_fail(struct bj_child *child, long err)
{
    const struct bj_program *program = child->program;
    struct bj_step_message message = {
        .magic = BJ_STEP_MAGIC,
        .step = BJ_STEP_FAIL,
        .index = child->index,
        .err = (int32_t)(err < 0 ? -err : err),
        .arg = (uint64_t)child->deed,
    };
    if (child->deed == BJ_DEED_OPERATION && child->index < program->op_count)
        message.op = program->ops[child->index].code;
    (void)sys_write(child->sync, &message, sizeof(message)); /* if nobody listens, the end of file tells */
    sys_exit(125);
}

/* Waits for a step; the end of file means that the parent is gone, and so is the reason to live. */
static void wait_step(struct bj_child *child, enum bj_step step)
{
    struct bj_step_message message;
    long length;
    do {
        length = sys_read(BJ_SEAT_SYNC, &message, sizeof(message));
    } while (length == -EINTR);
    child->deed = BJ_DEED_LISTEN;
    if (length < 0)
        bj__child_fail(child, length);
    if (length != sizeof(message) || message.magic != BJ_STEP_MAGIC || message.step != step)
        sys_exit(125);
    if (step == BJ_STEP_MAPPED)
        child->run_id = message.arg;
    if (step == BJ_STEP_GO)
        child->wall_us = message.arg;
}

void bj__child_ops(struct bj_child *child, uint32_t first, uint32_t last)
{
    const struct bj_program *program = child->program;
    child->deed = BJ_DEED_OPERATION;
    for (child->index = first; child->index < last; child->index++) {
        const struct bj_op *op = &program->ops[child->index];
        long r = op->code > BJ_OP_NONE && op->code < BJ_OP__COUNT ? runners[op->code](child, op) : -EINVAL;
        if (r < 0)
            bj__child_fail(child, r);
        if (child->op_ns) {
            uint64_t now[2]; /* struct timespec */
            (void)sys2(SYS_clock_gettime, 1 /* CLOCK_MONOTONIC */, SYS_ARG(now));
            child->op_ns[child->index] = now[0] * 1000000000u + now[1];
        }
    }
}

/* Descriptors come under numbers of the parent's choice, all of them above the seats: move each to its seat,
 * then close whatever else the parent's program had open. */
static void take_seats(struct bj_child *child)
{
    child->deed = BJ_DEED_SEATS;
    child->sync = child->seats[BJ_SEAT_SYNC];
    for (int seat = BJ_SEAT_SYNC; seat < BJ_SEAT__END; seat++) {
        if (child->seats[seat] < 0)
            continue;
        long r = sys3(SYS_dup3, child->seats[seat], seat, 02000000 /* O_CLOEXEC */);
        if (r < 0)
            bj__child_fail(child, r);
    }
    child->sync = BJ_SEAT_SYNC;
    long r = sys3(SYS_close_range, 0, 2, 0); /* the caller's own stdio is not for us */
    if (r >= 0)
        r = sys3(SYS_close_range, BJ_SEAT__END, ~0u, 0);
    if (r < 0)
        bj__child_fail(child, r);
}

/* A parked jail's pid 1 cannot know when its run begins, nor a session's when it ends: its clock is made now, stands still,
 * and is set by whoever knows. Above the seats, which are taken once more when pid 1 execs. */
static void make_clock(struct bj_child *child)
{
    child->deed = BJ_DEED_CLOCK;
    long fd = sys2(SYS_timerfd_create, 1 /* CLOCK_MONOTONIC */, 0);
    long high = fd < 0 ? fd : sys3(SYS_fcntl, fd, 1030 /* F_DUPFD_CLOEXEC */, BJ_SEAT__END);
    if (high < 0)
        bj__child_fail(child, high);
    (void)sys_close((int)fd);
    child->clock = (int)high;
}

/* READY takes the guest's directory along: files come out through it, and the disk limit is seen there. */
static void say_ready(struct bj_child *child)
{
    if (child->program->fork || child->program->session)
        make_clock(child);
    child->deed = BJ_DEED_BOX;
    long box = sys_openat(BJ_AT_FDCWD, "/box", 02200000 /* O_DIRECTORY | O_CLOEXEC */, 0);
    if (box < 0)
        bj__child_fail(child, box);
    child->deed = BJ_DEED_READY;
    long r;
    do {
        r = bj__child_send(child, BJ_STEP_READY, (int)box, child->clock);
    } while (r == -EINTR);
    if (r < 0)
        bj__child_fail(child, r);
    (void)sys_close((int)box);
}

/* The payload's until it execs. It shares memory with pid 1, which by then only execs: copying the page tables
 * for two processes that are both about to exec costs more than all their work. This copy belongs to this jail
 * alone, because the jail was cloned without CLONE_VM. */
static unsigned char payload_stack[16384] __attribute__((aligned(16)));

static void run_payload(void *argument)
{
    struct bj_child *child = argument;
    const struct bj_program *program = child->program;
    (void)sys_close(BJ_SEAT_STATUS);
    (void)sys_close(BJ_SEAT_HOLD_WRITE);
    (void)sys_close(BJ_SEAT_INIT);
    bj__child_ops(child, program->payload_first, program->op_count);
    bj__child_fail(child, -ENOEXEC); /* the last operation is exec: not reached */
}

/* timerfd_create(2): what the guest sends or forks cannot delay it, unlike a signal or a timeout of ppoll(2). */
static long start_clock(const struct bj_child *child)
{
    if (child->clock >= 0)
        return sys3(SYS_dup3, child->clock, 1, 0);
    uint64_t us = child->wall_us + BJ_INIT_GRACE_US;
    const uint64_t spec[4] = {0, 0, us / 1000000u, us % 1000000u * 1000u}; /* struct itimerspec */
    long fd = sys2(SYS_timerfd_create, 1 /* CLOCK_MONOTONIC */, 0);
    long r = fd < 0 || fd == 1
                 ? fd
                 : sys3(SYS_dup3, fd, 1, 0); /* an operation may have left 1 open, as AppArmor's does */
    return r < 0 ? r : sys4(SYS_timerfd_settime, 1, 0, SYS_ARG(spec), 0);
}

/* pid 1 keeps nothing of the parent's: it becomes a program of its own, whose memory never held a secret. The
 * payload works in the same memory meanwhile: a message of ours is made of a copy. */
static _Noreturn void become_init(const struct bj_child *child)
{
    const char *const argv[] = {"init", child->program->session ? BJ_INIT_SESSION : NULL, NULL};
    static const char *const envp[] = {NULL};
    /* Only now: making the payload needed the capabilities. The guest's id is the next one. */
    long r = child->program->host_ids ? bj__child_set_ids((long)child->run_id, (long)child->run_id) : 0;
    if (r >= 0)
        r = sys3(SYS_dup3, BJ_SEAT_STATUS, 0, 0); /* seats 0 to 2: not closed by exec */
    if (r >= 0)
        r = start_clock(child);
    if (r >= 0)
        r = sys3(SYS_dup3, BJ_SEAT_HOLD_WRITE, 2, 0);
    if (r >= 0)
        r = sys5(SYS_execveat, BJ_SEAT_INIT, SYS_ARG(""), SYS_ARG(argv), SYS_ARG(envp), BJ_AT_EMPTY_PATH);
    struct bj_child failed = {.program = child->program, .sync = BJ_SEAT_SYNC, .deed = BJ_DEED_INIT};
    bj__child_fail(&failed, r); /* ends the pid namespace, and the payload with it */
}

_Noreturn void bj__child_main(struct bj_child *child)
{
    take_seats(child);
    for (int i = 0; i < BJ_SLOT_MAX; i++)
        child->slots[i] = -1;
    child->ruleset = child->listener = child->pidfd = child->clock = -1;
    child->index = 0;
    wait_step(child, BJ_STEP_MAPPED);
    bj__child_ops(child, 0, child->program->payload_first);
    say_ready(child);
    wait_step(child, BJ_STEP_GO);

    if (child->program->zygote)
        run_payload(child);
    if (child->settle)
        child->settle(
            child); /* now, while no other processor has this memory: its TLB would be asked for each page */
    child->deed = BJ_DEED_CLONE;
    /* Where the caller ignores SIGCHLD, pid 1 would never hear of the payload's end (wait(2), NOTES). */
    long pid = bj__child_default_signal(SIGCHLD);
    if (pid >= 0)
        pid = bj__clone_vm(BJ_CLONE_VM | SIGCHLD, payload_stack + sizeof(payload_stack), run_payload, child);
    if (pid < 0)
        bj__child_fail(child, pid);
    become_init(child);
}
