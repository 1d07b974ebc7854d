/* A jail: the parent half. Made from a plan, started, ended, and everything of it removed.
 * Its own file because the supervisor needs a handle and must not know how a jail is made.
 * Changes when: what the parent holds of a jail changes. Nothing here asks whether something is allowed. */
#ifndef BJ_JAIL_H
#define BJ_JAIL_H

#include "jail/cgroup.h"
#include "plan/plan_internal.h"

#include <sys/resource.h>

/* What a program reads and writes: our ends, non-blocking; -1: none, or closed. */
struct bj_streams {
    int stdin_fd, stdout_fd, stderr_fd;
    int reply_fd;  /* of a snippet */
    int answer_fd; /* of one that may call functions of the caller's */
};

#define BJ_PATIENCE_MS 30000 /* a host under heavy load is slow, not broken */

struct bj_jail {
    const struct bj_plan *plan;
    struct bj_leaves *leaves; /* where its control group goes; NULL: it is removed */
    pid_t pid;                /* pid 1 of the jail, as we number it; unreaped until reaped is set */
    int pidfd;
    int sync_fd;               /* steps; end of file: both processes of the jail have exec'd, or are dead */
    int status_fd;             /* pid 1's report; closing it ends the jail */
    struct bj_streams streams; /* until a run takes them */
    int payload_pidfd;         /* of the program, for signals to it */
    int listener_fd;           /* refused system calls, or -1 */
    int box_fd;                /* the guest's working directory, or -1 */
    int patience_ms;           /* for its next step, and of a zygote for a fork; then it is taken for stuck */
    uint16_t last_step;        /* of those that its processes have told, enum bj_step */
    int request_fd;            /* of a parked jail: where its snippet is written before it starts; or -1 */
    int clock_fd;              /* of a parked jail: pid 1's, which stands still; or -1 */
    int mounts_fd; /* of a fork: its mount namespace, which is taken apart by whoever lets go of it last; or -1 */
    struct bj_cgroup cgroup;
    uint64_t *op_ns; /* CLOCK_MONOTONIC after each operation (bj_plan_set_timing), or NULL */
    uint64_t start_ns;
    uint64_t start_us, exec_us; /* clone, and the program's first instruction */
    uint64_t caller_rss_bytes;  /* at the clone: the child starts with it, and its maxrss never shows less */
    int exec_errno;             /* positive: the program could not be executed */
    bool died_early;            /* before the program was started */
    bool without_time;          /* the time namespace, preferred, could not be had */
    bool reaped;
    bool wait_lost;             /* somebody else has reaped it: wait_code, wait_status and usage say nothing */
    int wait_code, wait_status; /* of pid 1: CLD_*, code or signal */
    struct rusage usage;        /* of pid 1 and all that it reaped */
};

void bj__streams_init(struct bj_streams *streams);
void bj__streams_close(struct bj_streams *streams);
void bj__jail_init(struct bj_jail *jail);
/* Makes the jail and runs the program up to its exec. 0: it runs, or exec_errno says why it could not be
 * executed, or it died on the way and reaped is set (a memory limit below the program's size does that). On
 * failure everything is undone. */
int bj__jail_start(struct bj_jail *jail, const struct bj_plan *plan, struct bj_error *err);
/* SIGKILL to every process of it, by control group and by the end of the pid namespace. Idempotent. */
void bj__jail_kill(struct bj_jail *jail);
/* To its pid 1 alone, which is the end of all: quicker, for who is about to do nothing else. */
void bj__jail_kill_init(struct bj_jail *jail);
/* The same, when nobody waits for its end any more: the kernel takes it apart without us. */
void bj__jail_abandon(struct bj_jail *jail);
/* Reaps pid 1 if it has ended; with wait, blocks until it has. True once it is reaped. */
bool bj__jail_reap(struct bj_jail *jail, bool wait);
/* The last line that the program has written to stderr so far, "" when there is none: of a traceback it is the reason. */
void bj__jail_last_words(const struct bj_jail *jail, char *text, size_t size);
/* Kills, reaps, removes the control group, closes everything. */
void bj__jail_done(struct bj_jail *jail);

/* spawn.c: the only clone. Returns the pid, or -errno; the child never returns. */
struct bj_child;
pid_t bj__spawn(const struct bj_plan *plan, struct bj_child *child, int cgroup_fd, int *ret_pidfd,
                bool *ret_without_time);
/* idmap.c */
int bj__idmap_write(const struct bj_plan *plan, pid_t pid, struct bj_error *err);
/* Are a run's ids in the range? A fork of a zygote has no map of its own, and its zygote's rank with the OOM killer. */
int bj__idmap_check_range(const struct bj_plan *plan, pid_t pid, struct bj_error *err);
uint64_t bj__idmap_run_id(const struct bj_plan *plan, pid_t pid);
/* stdio.c: pipes, sockets and the program of pid 1; theirs are at numbers above the seats, close-on-exec. */
#define BJ_ENDS 18
struct bj_ends {
    int theirs[BJ_ENDS]; /* by enum bj_seat; -1: none */
};
void bj__ends_init(struct bj_ends *ends);
/* Takes *fd for a seat; theirs must be above the seats, or seating one would close another. */
int bj__ends_give(struct bj_ends *ends, int seat, int *fd);
int bj__stdio_open(struct bj_jail *jail, struct bj_ends *ends, int init_fd, struct bj_error *err);
/* Those of one snippet of a session, whose request is sealed. calls: one that may call functions of the caller's. */
int bj__stdio_open_snippet(struct bj_streams *streams, struct bj_ends *ends, const struct bj_buf *request,
                           bool calls, struct bj_error *err);
/* The program of pid 1, for the init_fd of many jails. Without one (-1) each jail gets its own. */
int bj__stdio_open_init(int *ret_fd, struct bj_error *err);
void bj__stdio_close_theirs(struct bj_ends *ends);
/* Writes a memfd and seals it: nobody who has it can change it. 0 or -errno. */
int bj__seal_bytes(int fd, const void *bytes, size_t length);
/* jail.c: the task lists of the leaf's v1 groups, for the jail to join by itself. */
int bj__jail_give_task_lists(struct bj_jail *jail, struct bj_ends *ends, struct bj_error *err);
/* sync.c */
enum bj_sync_outcome { BJ_SYNC_RUNNING, BJ_SYNC_EXEC_FAILED, BJ_SYNC_DIED };
int bj__sync_send(const struct bj_jail *jail, uint16_t step, uint64_t arg);
/* Takes what the child says until it has exec'd: fills box_fd, listener_fd, exec_errno. */
int bj__sync_wait_exec(struct bj_jail *jail, enum bj_sync_outcome *ret_outcome, struct bj_error *err);
/* Takes steps until EXECING, for a jail that goes no further by itself. Once it has, there is nothing to do. */
int bj__sync_wait_parked(struct bj_jail *jail, struct bj_error *err);
/* The same of the steps that are there by now. 1: it is parked, 0: not yet. */
int bj__sync_take_parked(struct bj_jail *jail, struct bj_error *err);
/* Something else failed: because the child did, if it has said so. Returns which is to be told, with *err. */
int bj__sync_failed(struct bj_jail *jail, int failed, struct bj_error *err);
/* hint.c: what could fix operation op that failed with err; "" when nothing is known. Pure. */
const char *bj__op_hint(uint32_t op, int err);
/* refused.c: both make processes to find out who refused. The first fills *err, with the cause if there is one;
 * the second replaces the message of an operation that failed, if the host is to blame and not the run. */
int bj__refused_clone(const struct bj_plan *plan, int errnum, struct bj_error *err);
void bj__refused_op(struct bj_error *err);

#endif
