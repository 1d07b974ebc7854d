/* Is a plan weaker than another of the same host? Compared operation by operation, without the builders' help.
 * Its own file because what a spec says and what its plan does are two things, and the second one is the jail.
 * Changes when: an operation is added that is a wall, or one changes its arguments. */
#ifndef TEST_WEAKER_PLAN_H
#define TEST_WEAKER_PLAN_H

#include "plan/kernel_flags.h"
#include "plan/plan_internal.h"

#include <sys/resource.h>

#define GUEST_MOUNT (BJ_MOUNT_ATTR_RDONLY | BJ_MOUNT_ATTR_NOSUID | BJ_MOUNT_ATTR_NODEV | BJ_MOUNT_ATTR_NOEXEC)
#define GUEST_LOOKS 0xdull /* Landlock: execute, read files, read directories */

static inline bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The first operation of a plan with this code and, where they are given, this text and slot. */
static inline const struct bj_op *op_like(const struct bj_plan *plan, uint16_t code, const char *text, int slot)
{
    for (uint32_t i = 0; i < plan->op_count; i++)
        if (plan->ops[i].code == code && (!text || same_text(plan->ops[i].text, text)) &&
            (slot < 0 || plan->ops[i].slot == slot))
            return &plan->ops[i];
    return NULL;
}

static inline uint64_t mount_attributes_of(const struct bj_plan *plan, int slot)
{
    const struct bj_op *op = op_like(plan, BJ_OP_MOUNT_ATTR, NULL, slot);
    return op ? op->value : 0;
}

/* The control group counts what these stand in for, and does it better. */
static inline bool is_counted(const struct bj_plan *plan, int resource)
{
    return plan->cgroup && (resource == RLIMIT_AS || resource == RLIMIT_DATA || resource == RLIMIT_NPROC);
}

/* What a has and b lacks, or has with less effect. */
static inline bool is_kept(const struct bj_plan *a, const struct bj_op *op, const struct bj_plan *b)
{
    const struct bj_op *other;
    switch (op->code) {
    case BJ_OP_RLIMIT:
    case BJ_OP_OPEN_FILES:
        other = op_like(b, op->code, NULL, op->slot);
        return (other && other->value <= op->value && other->value2 <= op->value2) ||
               (is_counted(b, op->slot) && !a->cgroup);
    case BJ_OP_LANDLOCK:
        other = op_like(b, op->code, NULL, -1);
        return other && !(op->value & ~other->value) && !(op->value2 & ~other->value2);
    case BJ_OP_BIND:
    case BJ_OP_ROOT_ATTR:
        other = op_like(b, op->code, op->text, -1);
        return other && !(op->value & ~other->value);
    case BJ_OP_ATTACH:
        other = op_like(b, op->code, op->text, -1);
        return other && !(mount_attributes_of(a, op->slot) & ~mount_attributes_of(b, other->slot));
    case BJ_OP_MKDIR:
    case BJ_OP_TOUCH:
        other = op_like(b, op->code, op->text, -1);
        return (op->value != 0 && op->value != 0111) || (other && other->value == op->value);
    case BJ_OP_NICE:
        other = op_like(b, op->code, NULL, -1);
        return other && other->value >= op->value;
    case BJ_OP_PRIVATE:
        return op_like(b, op->code, NULL, -1) || b->user_namespace;
    case BJ_OP_PROC:
    case BJ_OP_LOOPBACK:
    case BJ_OP_LANDLOCK_PATH:
    case BJ_OP_SYMLINK:
    case BJ_OP_PROGRAM:
    case BJ_OP_GUEST_FILE:
    case BJ_OP_TMPFS:
        return true; /* gives the guest something: fewer are less */
    default:
        return op_like(b, op->code, NULL, -1) != NULL;
    }
}

/* What b gives and a does not. */
static inline bool is_new(const struct bj_plan *a, const struct bj_op *op, const struct bj_plan *b)
{
    const struct bj_op *other = op->text ? op_like(a, op->code, op->text, -1) : NULL;
    switch (op->code) {
    case BJ_OP_ATTACH:
        return !other && (mount_attributes_of(b, op->slot) & GUEST_MOUNT) != GUEST_MOUNT;
    case BJ_OP_LANDLOCK_PATH:
        return op_like(a, BJ_OP_LANDLOCK, NULL, -1) && (op->value & ~(other ? other->value : GUEST_LOOKS));
    case BJ_OP_PROC:
        return !other || (other->value & ~op->value);
    case BJ_OP_LOOPBACK:
        return !op_like(a, op->code, NULL, -1) && (a->clone_flags & BJ_CLONE_NEWNET);
    default:
        return false;
    }
}

/* The first thing in which b is weaker than a, or NULL. */
static inline const char *weaker_plan(const struct bj_plan *a, const struct bj_plan *b)
{
    if (a->clone_flags & ~b->clone_flags)
        return "namespaces";
    for (unsigned n = 0; n < BJ_LAYER__COUNT; n++)
        if (a->layers[n].on && !b->layers[n].on)
            return bj__layer_name(n);
    if (b->layers[BJ_LAYER_SECCOMP].on && a->layers[BJ_LAYER_SECCOMP].on && (b->filter.sets & ~a->filter.sets))
        return "the filter's sets";
    for (uint32_t i = 0; i < a->op_count; i++)
        if (!is_kept(a, &a->ops[i], b))
            return bj_op_name(a->ops[i].code);
    for (uint32_t i = 0; i < b->op_count; i++)
        if (is_new(a, &b->ops[i], b))
            return bj_op_name(b->ops[i].code);
    return NULL;
}

#endif
