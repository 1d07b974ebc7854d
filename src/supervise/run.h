/* The inside of a run: a jail, what was captured of it, and what is watched.
 * Its own file because the loop, the capture and the denials share it.
 * Changes when: something more of a run is watched. */
#ifndef BJ_RUN_H
#define BJ_RUN_H

#include "jail/zygote.h"
#include "supervise/result.h"

enum bj_watch {
    BJ_WATCH_STDOUT = 1,
    BJ_WATCH_STDERR,
    BJ_WATCH_REPLY,
    BJ_WATCH_ANSWER,
    BJ_WATCH_STDIN,
    BJ_WATCH_SOURCE,
    BJ_WATCH_PIDFD,
    BJ_WATCH_LISTENER,
    BJ_WATCH_TIMER,
    BJ_WATCH_BRANCH
};

struct bj_branch;
struct bj_calls;

struct bj_run {
    const struct bj_plan *plan;
    struct bj_limits limits;   /* the plan's, or lower ones where the jail was made ahead */
    struct bj_strings collect; /* the plan's patterns, or others of the same kind, in own_collect */
    struct bj_arena own_collect;
    struct bj_jail *jail; /* own_jail, or the session's */
    struct bj_jail own_jail;
    struct bj_branch *branch; /* of a session, which goes on afterwards; NULL: the jail is the run's own */
    struct bj_streams streams;
    uint64_t start_us, exec_us;    /* when it was asked for, and when its program began */
    struct bj_cgroup_usage before; /* what the kernel had counted then; of a jail of its own: nothing */
    struct bj_result *result;      /* filled while it runs; taken by bj_run_result */
    int epoll_fd, timer_fd;
    enum bj_kill_reason killed;
    bool over;
    bool ending;       /* it has told its end: its process was waited for */
    bool told_end;     /* so has the kernel, before it happened (told_end.c) */
    int exit_code;     /* then */
    pid_t program_pid; /* of the guest's first process, as we number it; 0: not looked up */
    char failure[128]; /* what the supervisor could not do, or "": the run is then a jail_error */
    uint64_t wall_deadline_us;
    uint64_t next_cpu_check_us;    /* UINT64_MAX: no cpu limit */
    uint64_t next_memory_check_us; /* UINT64_MAX: no memory limit, or the kernel watches it */
    uint64_t next_call_check_us;   /* UINT64_MAX: no call is under way whose time is limited */
    bool pauses; /* the wall clock stands still while the program waits for input (waiting.c) */
    bool waits;  /* it did when it was last looked at */
    uint64_t waiting_checked_us, next_waiting_check_us; /* when that was; UINT64_MAX: it is not looked at */
    uint64_t cpu_seen_us;                               /* most that a walk of the processes has seen (cpu.c) */
    uint64_t memory_seen_bytes;                         /* the same of memory (memory.c) */
    struct bj_buf reply;                                /* of a snippet, as it came */
    struct bj_calls *calls;                             /* owned; NULL: it may call nothing of the caller's */
    bj_output_fn output_fn;
    void *output_user;
    /* what goes to stdin: the plan's bytes, or a descriptor of the caller's by way of a buffer */
    const unsigned char *input;
    size_t input_left;
    int source_fd;                /* the caller's, not owned; -1: none, or at its end */
    bool source_polled;           /* epoll takes it; regular files are always ready */
    unsigned char *source_buffer; /* owned */
    void *notification;           /* owned; receive buffer of the kernel's size (denials.c) */
    size_t notification_size;
};

/* Of a plan's limits, not started. NULL: out of memory. */
struct bj_run *bj__run_new(const struct bj_plan *plan);
/* What was started is watched, and given to the caller; r: how starting it went. On failure nothing of the run stays. */
int bj__run_hand_over(struct bj_run *run, int r, int stdin_fd, struct bj_run **ret_run, struct bj_error *err);
void bj__run_end(struct bj_run *run, enum bj_kill_reason reason); /* kills; the first reason stays */
/* The same, for a failure of ours, while it runs or after its end: "cannot WHAT". The first one stays. */
void bj__run_fail(struct bj_run *run, int errnum, const char *what);
/* told_end.c */
void bj__run_expect_end(struct bj_run *run);
/* pid, of the guest, asks for its end: is it that of the run? */
bool bj__run_is_its_end(struct bj_run *run, pid_t pid);
/* It is, and pid stands still in its last call. */
void bj__run_told_end(struct bj_run *run, pid_t pid, int exit_code);
bool bj__run_may_finish(const struct bj_run *run); /* its death need not be waited for */
bool bj__run_stands(
    const struct bj_run *run); /* its result is known, and its process stands in its last call */
/* Once its result is known: ends what is left of its jail, without waiting. true: it has ended, and bj_run_free does not wait either. */
bool bj__run_is_gone(struct bj_run *run);
int bj__run_death_fd(const struct bj_run *run); /* readable then */
/* A run whose jail is a fork of the zygote, and is being parked. */
struct bj_zygote;
int bj__run_park(struct bj_zygote *zygote, struct bj_run **ret_run, struct bj_error *err);
/* Does what can be done before anybody asks for it to be started, without waiting. Again, when it is not yet parked. */
int bj__run_prepare_parked(struct bj_run *run, struct bj_error *err);
/* Before it is started: what spec_differs.c lets a run have for itself in a jail that was made ahead. Lower limits, files to collect. */
int bj__run_narrow(struct bj_run *run, const struct bj_spec *spec, struct bj_error *err);
/* Starts it; on failure it is gone. stdin_fd: the caller's, or -1. */
int bj__run_start_parked(struct bj_run *run, const struct bj_buf *request, int stdin_fd,
                         struct bj_run **ret_run, struct bj_error *err);
/* pool.c: in which key the spec is not what the pool's jails were made for; NULL: in none. */
struct bj_pool;
const char *bj__pool_misfit(const struct bj_pool *pool, const struct bj_spec *spec);
/* bj_pool_new in two: this one starts its zygote, and waits for nothing that it imports. */
int bj__pool_begin(const struct bj_spec *spec, unsigned jails, struct bj_pool **ret_pool, struct bj_error *err);
bool bj__pool_is_ready(const struct bj_pool *pool); /* it has jails, or makes them at once */
/* So long is waited for a fork, and for its jail; then the one or the other is taken for stuck, and it fails. */
void bj__pool_set_patience(struct bj_pool *pool, int patience_ms);
/* request.c: with the files of the spec. The buffer is the caller's. */
int bj__snippet_make_request(const struct bj_spec *spec, struct bj_buf *request, struct bj_error *err);
/* input.c */
int bj__input_start(struct bj_run *run, int source_fd, struct bj_error *err);
void bj__input_write(struct bj_run *run);
/* write(2) without SIGPIPE. */
ssize_t bj__write_quietly(int fd, const void *bytes, size_t length);
void bj__input_read_source(struct bj_run *run);
/* Another thing is watched from now on: the program begins or ends to wait for input. */
void bj__input_watch(struct bj_run *run);
/* capture.c */
void bj__capture_read(struct bj_run *run, enum bj_stream stream);
void bj__capture_drain(struct bj_run *run); /* what is left in the pipes after the end */
/* reply.c: what a snippet's program says of its end; the last fills the result and the evidence. */
void bj__reply_start(struct bj_run *run);
void bj__reply_read(struct bj_run *run);
/* Its last part is there. Not for long, then, will its process be. */
bool bj__reply_has_end(const struct bj_run *run);
void bj__reply_take(struct bj_run *run, struct bj_evidence *evidence);
/* denials.c */
int bj__denials_start(struct bj_run *run, struct bj_error *err);
void bj__denials_answer(struct bj_run *run);
/* cpu.c: cpu time of the whole tree so far; UINT64_MAX when it cannot be had. */
uint64_t bj__run_cpu_us(struct bj_run *run);
/* memory.c: memory of the whole tree now; exact only where a cheap look says that it is more than limit_bytes. */
uint64_t bj__run_memory_bytes(struct bj_run *run, uint64_t limit_bytes);
/* clocks.c */
void bj__clocks_start(struct bj_run *run);
void bj__clocks_check(struct bj_run *run);
void bj__clocks_arm(struct bj_run *run);
/* waiting.c: looks where the program stands, and moves its wall clock. */
void bj__waiting_check(struct bj_run *run, uint64_t now_us);
/* It has been given something. */
void bj__waiting_end(struct bj_run *run);
/* finish.c: fills the result once the jail is dead. */
void bj__run_finish(struct bj_run *run);
int bj__watch(const struct bj_run *run, int fd, enum bj_watch what, uint32_t events);
void bj__unwatch(const struct bj_run *run, int fd);

#endif
