/* The result of a run, and the evidence that its verdict rests on.
 * Its own file because the supervisor fills it, the verdict reads it, and JSON shows it.
 * Changes when: something more is told of a run. */
#ifndef BJ_RESULT_H
#define BJ_RESULT_H

#include "base/buf.h"
#include "base/reply.h"
#include "plan/plan_internal.h"

/* Why the supervisor itself ended a run. */
enum bj_kill_reason {
    BJ_KILL_NONE,
    BJ_KILL_WALL,
    BJ_KILL_LIFETIME, /* of its session */
    BJ_KILL_CPU,
    BJ_KILL_MEMORY,
    BJ_KILL_OUTPUT,
    BJ_KILL_DENIED,
    BJ_KILL_CANCELLED,
    BJ_KILL_FAILED /* the supervisor could not go on: what came of the run is not known */
};

/* The supervisor's own facts. Nothing in here was written by the guest. */
struct bj_evidence {
    enum bj_kill_reason killed;
    bool failed;            /* a part of its input, its output or its files was lost by us */
    bool reported;          /* pid 1 told how the program ended, and ended well itself */
    int code, status;       /* CLD_*, exit code or signal of the program, when reported */
    int exec_errno;         /* positive: the program could not be executed */
    uint64_t oom_kills;     /* by the control group; 0 when unknown */
    uint64_t foreign_kills; /* because others were short of memory: explains an end, never a verdict */
    uint64_t process_refusals;
    uint64_t cpu_us;
    uint64_t cpu_limit_us; /* 0: none */
    bool disk_bytes_used_up, disk_files_used_up;
    /* Of a snippet. The last two are the guest's own story: they can make less of a good end, never more. */
    bool snippet, replied, raised;
};

/* What a snippet's program told: its form was checked, and nothing else. */
struct bj_snippet_result {
    char *parts[BJ_REPLY_END]; /* by enum bj_reply_kind: JSON as Python writes it, owned; NULL: not told */
    const char *why;           /* static; why there is none, or NULL */
};

struct bj_verdict {
    enum bj_status status;
    const char *limit; /* static text or NULL */
    int exit_code;     /* -1: did not exit by itself */
    int signal;        /* 0: none */
};

/* reply.c. From the bytes of a reply to its parts. NULL; or why it is none, a static text, and then there are no parts and
 * *ret_memory says whether memory was short. */
const char *bj__reply_parse(const struct bj_buf *reply, struct bj_snippet_result *ret_snippet,
                            bool *ret_memory);

/* verdict.c. Pure. Precedence: jail_error > denied > memory > cancelled > time > output > process > disk >
 * signal > exit > ok. */
void bj__verdict(const struct bj_evidence *evidence, struct bj_verdict *ret_verdict);

#define BJ_MAX_DENIALS 32 /* different ones that are named; the rest is counted together */
struct bj_denial {
    const char *layer;
    char what[64];
    int syscall_number;
    uint64_t count;
};

struct bj_collected {
    char *path;           /* owned */
    unsigned char *bytes; /* owned; NULL when refused */
    size_t length;
    const char *why; /* static; why it was refused, or NULL */
};

struct bj_result {
    struct bj_verdict verdict;
    char error[432];         /* jail_error, and programs that cannot be executed: what happened */
    struct bj_buf output[3]; /* [BJ_STDOUT], [BJ_STDERR]; [0] unused */
    uint64_t output_total[3];
    uint64_t wall_us, cpu_us, memory_peak_bytes, processes_peak; /* UINT64_MAX: unknown */
    const char *memory_source; /* "cgroup", "processes", "maxrss", or "none" */
    struct bj_denial denials[BJ_MAX_DENIALS];
    size_t denial_count;
    uint64_t denials_unnamed;
    struct bj_plan_layer layers[BJ_LAYER__COUNT];
    struct bj_snippet_result snippet;
    uint64_t setup_us, run_us;
    struct bj_collected *files; /* owned */
    size_t file_count;
    struct bj_op_timing {
        uint16_t op;
        uint64_t us;
    } * timing; /* owned; NULL: not asked */
    size_t timing_count;
};

/* collect.c: files of the guest that match, after everything in the jail is dead. What cannot be had is listed with
 * the reason. 0, or -errno where we could not look, or not list what there was. */
int bj__collect(struct bj_result *result, int box_fd, const struct bj_strings *patterns);

/* result_json.c: as bj_result_json, without what the guest wrote or told, which may be large, and no strict JSON (NaN). */
char *bj__result_figures(const struct bj_result *result);

#endif
