/* The inside of a session: a jail whose interpreter is kept, and the processes in it that run snippets.
 * Its own file because a run sees its branch, and the session all of them.
 * Changes when: something more is kept of a branch. */
#ifndef BJ_SESSION_H
#define BJ_SESSION_H

#include "base/session_wire.h"
#include "supervise/run.h"

struct bj_session;

/* A process of the session's, started by fork(2). All of them are one guest: one id, one control group, one directory. */
struct bj_branch {
    struct bj_session *session;
    int control_fd; /* what it is told and tells; -1: there is no such branch */
    int pidfd;
    int proc_fd;     /* its directory in /proc */
    pid_t pid;       /* as we number it */
    pid_t inner_pid; /* as the jail does */
    bool snapshot;   /* it runs nothing: it is there to be forked */
    struct bj_run *run;
    /* Of the run: which snippet it is, whether it has said that it is over, and with which exit code. */
    uint32_t number;
    bool done;
    int exit_code;
    /* pid 1 has told how it ended. */
    bool reported;
    int end_code, end_status; /* CLD_*, exit code or signal */
};

#define BJ_SESSION_ROOT 0u /* runs nothing, ever: the first branch is its fork */
struct bj_session {
    struct bj_jail jail;
    struct bj_plan *plan;
    struct bj_spec *spec;  /* what all its snippets share */
    uint64_t end_us;       /* of its life */
    uint32_t snippets;     /* that were started */
    unsigned branch_count; /* of branches[] */
    struct bj_branch *branches;
};

/* branch.c: the functions that a run calls, of the branch that it is in. */
int bj__branch_watch(struct bj_run *run);
int bj__branch_pidfd(const struct bj_branch *branch);
/* Has it said that the snippet is over, or is it dead? */
bool bj__branch_is_through(struct bj_run *run);
/* Ends it, what it has started, and what has left its parents in the jail. Snapshots and other branches stay. */
void bj__branch_kill(struct bj_branch *branch);
/* The same, and waits until pid 1 has reaped it: what is dead and not reaped takes the place of a process. */
void bj__branch_end(struct bj_branch *branch);
/* How the snippet ended; the branch stands still from now on. */
void bj__branch_report(struct bj_run *run, struct bj_evidence *evidence);
/* The run that a thread of the jail belongs to. */
struct bj_run *bj__branch_run_of(struct bj_run *run, pid_t thread);
/* The run is over, or given up: then the branch ends with it. */
void bj__branch_leave(struct bj_run *run);

/* For the session. */
void bj__branch_init(struct bj_branch *branch, struct bj_session *session);
/* Waits until it says that it is there, and finds out who it is. On failure it is as it was. */
int bj__branch_adopt(struct bj_branch *branch, int timeout_ms, struct bj_error *err);
/* What it has said while nobody had asked it anything is no answer to what it will be asked. */
void bj__branch_forget(const struct bj_branch *branch);
bool bj__branch_is_alive(const struct bj_branch *branch);
int bj__branch_tell(const struct bj_branch *branch, const struct bj_session_message *message, const int *fds,
                    size_t count);
void bj__branch_freeze(const struct bj_branch *branch);
/* The same of one that has forked, once it has let go of its fork's socket: held on to by one that stands still, it would
 * never have an end. */
void bj__branch_settle(const struct bj_branch *branch);
void bj__branch_thaw(const struct bj_branch *branch);
void bj__branch_close(struct bj_branch *branch);
/* Kills it, waits until its place is free for another one, closes it. */
void bj__branch_end(struct bj_branch *branch);

/* session.c: pid 1's clock is set to when the session ends unless something happens before. */
void bj__session_set_clock(struct bj_session *session);

#endif
