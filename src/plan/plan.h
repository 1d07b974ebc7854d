/* A plan: the frozen array of operations that makes one jail, and what the parent half must know beside it.
 * Its own file because the builder (plan/), the child (jail/child/) and the printer read one layout.
 * Changes when: an operation needs another argument. */
#ifndef BJ_PLAN_H
#define BJ_PLAN_H

#include <belljar.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bj_phase {
    BJ_PHASE_SOURCE,
    BJ_PHASE_ROOT,
    BJ_PHASE_SHED,
    BJ_PHASE_PAYLOAD, /* the first phase of the payload process */
    BJ_PHASE_IDS,
    BJ_PHASE_FILES,
    BJ_PHASE_CAPS,
    BJ_PHASE_LANDLOCK,
    BJ_PHASE_ASSERT,
    BJ_PHASE_SECCOMP,
    BJ_PHASE_EXEC
};

enum bj_opcode {
    BJ_OP_NONE,
#define X(name, text, phase, doc) BJ_OP_##name,
#include "plan/ops.def"
#undef X
    BJ_OP__COUNT
};

/* One operation. What the members mean for each operation is written in plan/builders and child/op_*.c; text
 * points into the plan's arena, which the child sees at the same address. */
struct bj_op {
    uint16_t code;  /* enum bj_opcode */
    uint16_t flags; /* enum bj_op_flag */
    int32_t slot;   /* descriptor slot that is filled or used, or -1 */
    const char *text;
    const char *text2;
    uint64_t value;
    uint64_t value2;
};

enum bj_op_flag {
    BJ_OPF_OPTIONAL =
        1u << 0, /* a missing source leaves the slot empty; operations on an empty slot do nothing */
    BJ_OPF_RECURSIVE = 1u << 1, /* with everything mounted below */
    BJ_OPF_NOTIFY = 1u << 2,    /* SECCOMP: with a listener */
    BJ_OPF_RUN_IDS = 1u << 3,   /* IDS: no user namespace; ids come with the MAPPED message */
    BJ_OPF_KILLABLE = 1u << 4   /* SECCOMP: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV */
};

#define BJ_SLOT_MAX 80 /* descriptors that a plan can hold open at once; 64 mounts and some of our own */

/* Memory, pids and cpuacct are hierarchies of their own in control groups v1. */
#define BJ_CGROUP_V1_HIERARCHIES 3

/* Inside ids of the jail. */
#define BJ_GUEST_ID 1000u

struct bj_plan_layer {
    uint8_t on;       /* in force */
    uint8_t mode;     /* enum bj_mode as asked */
    char detail[118]; /* "abi 7", or why it is not on; "" */
};

/* What the child half reads: nothing but this, the operations and what they point to. */
struct bj_program {
    const struct bj_op *ops;
    uint32_t op_count;
    uint32_t payload_first; /* index of the first operation of phase PAYLOAD or later */
    const char *const *argv;
    const char *const *envp;
    const char *const *candidates; /* paths to try with execve(2), NULL-terminated */
    bool guest;                    /* a snippet: the descriptors of base/reply.h stay open */
    bool calls;                    /* the same: one that may call functions of the caller's */
    bool
        host_ids; /* uid 0 is not this run's alone (no user namespace, or a zygote's): pid 1 gives it up as well */
    bool zygote; /* no pid namespace and no pid 1 of our own: the first process becomes the program */
    bool
        session; /* its payload is the root of a session, and its end is told later than by pid 1's first word */
    bool fork;   /* of a zygote: its pid 1 is told its limit by its supervisor, through its clock */
};

#endif
