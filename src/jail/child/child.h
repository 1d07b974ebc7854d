/* The child half: what runs between clone and exec.
 * Its own file because this is the table of contents of the code that must not call libc.
 * Changes when: the parent prepares something more for the child.
 *
 * Everything here runs in a process that may be a copy of a program with many threads. It uses raw system
 * calls, the read-only plan and its own small struct; it allocates nothing, formats nothing, and ends in
 * execve or exit_group. tools/check-child-symbols proves it. */
#ifndef BJ_CHILD_H
#define BJ_CHILD_H

#include "plan/plan.h"

#include <stdbool.h>

/* Seats of pid 1 and of the payload until it execs. 0, 1, 2 are the guest's. */
enum bj_seat {
    BJ_SEAT_SYNC = 3,   /* steps and failures, SOCK_SEQPACKET to the parent; closed by the payload's exec */
    BJ_SEAT_STATUS = 4, /* pid 1's report to the parent; its other end's EOF means that the parent is gone */
    BJ_SEAT_HOLD = 5,   /* payload: a byte once pid 1 is its own program, and confined */
    BJ_SEAT_HOLD_WRITE = 6,
    BJ_SEAT_INIT = 7, /* the program of pid 1, a sealed memfd */
    BJ_SEAT_STDIN = 8,
    BJ_SEAT_STDOUT = 9,
    BJ_SEAT_STDERR = 10,  /* until STDIO moves them */
    BJ_SEAT_REQUEST = 11, /* what the program that runs snippets is asked, and where it replies, until STDIO */
    BJ_SEAT_REPLY = 12,
    BJ_SEAT_ANSWERS = 13, /* to what the guest calls of the host's, until STDIO */
    BJ_SEAT_TASKS =
        14, /* to 16: task lists of the run's v1 control groups; 17: of its v2 group, for a fork of a zygote */
    BJ_SEAT__END = 18
};

/* Steps, in the order in which they happen. */
enum bj_step {
    BJ_STEP_MAPPED = 1, /* parent: ids are mapped, control group joined; arg: run id when there is no user ns */
    BJ_STEP_READY =
        2, /* child: root and shedding are done; with a descriptor of the guest's directory, and from a
                           fork of a zygote, and a session, pid 1's clock, for the parent to set */
    BJ_STEP_GO =
        3, /* parent: run the payload; arg: its wall clock limit in microseconds, for pid 1's own clock */
    BJ_STEP_EXECING =
        4, /* payload: everything is in force, exec is next, or a parked payload's wait for START; with its
                            pidfd, and the listener if there is one */
    BJ_STEP_START = 6, /* parent, to a parked payload: its request is there, run it */
    BJ_STEP_FAIL = 5   /* child: operation op failed with err; after EXECING: the program cannot be executed */
};

/* What the child does besides operations, each of which may fail as well: X(NAME, "cannot ...").
 * The text is the parent's. */
#define BJ_DEED_LIST(X)                                                                                        \
    X(SEATS, "take its descriptors")                                                                           \
    X(LISTEN, "hear from its supervisor")                                                                      \
    X(BOX, "open the guest's directory")                                                                       \
    X(CLOCK, "make its clock")                                                                                 \
    X(READY, "say that it is ready")                                                                           \
    X(CLONE, "make the process that becomes the program")                                                      \
    X(INIT, "become its own program")
enum bj_deed {
    BJ_DEED_OPERATION, /* none of these: the message names an operation */
#define X(name, text) BJ_DEED_##name,
    BJ_DEED_LIST(X)
#undef X
        BJ_DEED__COUNT
};

#define BJ_STEP_MAGIC 0x626a7331u /* "bjs1" */
struct bj_step_message {
    uint32_t magic;
    uint16_t step;
    uint16_t op;    /* enum bj_opcode */
    uint32_t index; /* of the operation in the plan */
    int32_t err;    /* positive errno */
    uint64_t arg;   /* FAIL: enum bj_deed */
};

/* What pid 1 reports when the payload has ended. Advice: the parent checks it against its own wait. */
#define BJ_STATUS_MAGIC 0x626a6531u /* "bje1" */
struct bj_status_message {
    uint32_t magic;
    int32_t code;   /* CLD_EXITED, CLD_KILLED, CLD_DUMPED */
    int32_t status; /* exit code or signal */
    int32_t
        pid; /* whose, in the jail's numbers. Of a session each process is told that ended as a child of pid 1 */
};
#define BJ_PAYLOAD_PID  2         /* the program, as the first process that pid 1 makes in its namespace */
#define BJ_INIT_SESSION "session" /* its argument then */

/* pid 1 ends its jail by itself this long after the limit: the supervisor, whose clock it is, may be stopped. */
#define BJ_INIT_GRACE_US  1000000u
#define BJ_INIT_TIMED_OUT 124 /* its exit code then */

struct bj_child {
    const struct bj_program *program;
    int seats[BJ_SEAT__END]; /* parent's numbers of the descriptors, -1: none */
    uint64_t *op_ns;         /* shared with the parent: CLOCK_MONOTONIC after each operation; NULL: not asked */
    uint64_t run_id;         /* from the MAPPED message */
    uint64_t wall_us;        /* from the GO message */
    int slots[BJ_SLOT_MAX];
    int sync;          /* where SYNC is now */
    enum bj_deed deed; /* what it does, for the message if that fails */
    uint32_t index;    /* of the operation that runs */
    int ruleset;       /* Landlock, between its operations */
    int pidfd;         /* of the payload itself, for the supervisor */
    int listener;      /* of the system call filter, or -1 */
    int clock;         /* pid 1's, made early for the parent of a fork or of a session; or -1 */
    void (*settle)(
        struct bj_child *child); /* a fork's pid 1 fills the memory that will be its payload's; or NULL */
    void (*resume)(
        struct bj_child *child); /* a fork's payload goes back to where its program waits; does not return */
};

/* Never returns. */
_Noreturn void bj__child_main(struct bj_child *child);

/* Runs the operations [first, last). Ends the process with a FAIL message when one fails. */
void bj__child_ops(struct bj_child *child, uint32_t first, uint32_t last);
_Noreturn void bj__child_fail(struct bj_child *child, long err);
/* Sends a step; those of the two descriptors that are not negative go with it. */
#define BJ_STEP_FDS 2
long bj__child_send(const struct bj_child *child, enum bj_step step, int first, int second);

/* Gives a signal its default action: an ignored one stays ignored over CLONE_CLEAR_SIGHAND and exec. In
 * op_process.c. */
long bj__child_default_signal(long signal);

/* Real, effective and saved. In op_creds.c. */
long bj__child_set_ids(long gid, long uid);

typedef long bj_op_runner(struct bj_child *child, const struct bj_op *op);
#define X(name, text, phase, doc) bj_op_runner bj__op_##name;
#include "plan/ops.def"
#undef X

#endif
