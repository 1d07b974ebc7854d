/* What no plan may lack, said the long way: one sentence, one loop. The judge of plan_check.c, which it shares nothing with.
 * Its own file because it is read against DESIGN sections 3 and 4, not against the checker.
 * Changes when: a wall is added. */
#ifndef FUZZ_MUST_HAVES_H
#define FUZZ_MUST_HAVES_H

#include "plan/plan_internal.h"

#include <linux/mount.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/resource.h>

static inline uint32_t first_of(const struct bj_plan *plan, uint16_t code)
{
    uint32_t i = 0;
    while (i < plan->op_count && plan->ops[i].code != code)
        i++;
    return i;
}

static inline bool has_op(const struct bj_plan *plan, uint16_t code)
{
    return first_of(plan, code) < plan->op_count;
}

/* Are these, as far as they are there at all, in this order, every one of the first before any of the second? */
static inline bool in_order(const struct bj_plan *plan, uint16_t before, uint16_t after)
{
    for (uint32_t i = first_of(plan, after); i < plan->op_count; i++)
        if (plan->ops[i].code == before)
            return false;
    return true;
}

static inline const char *missing_wall(const struct bj_plan *plan)
{
    const struct bj_plan_layer *layers = plan->layers;
    static const uint16_t always[] = {BJ_OP_TMPFS,        BJ_OP_ENTER,      BJ_OP_ROOT_ATTR, BJ_OP_PIVOT,
                                      BJ_OP_NO_NEW_PRIVS, BJ_OP_UNDUMPABLE, BJ_OP_SETSID,    BJ_OP_STDIO,
                                      BJ_OP_ASSERT_FDS,   BJ_OP_ASSERT_NNP, BJ_OP_SIGNALS,   BJ_OP_EXEC,
                                      BJ_OP_CHDIR,        BJ_OP_INHERITED,  BJ_OP_PIDFD,     BJ_OP_HAND_OVER};
    static const uint16_t shed[] = {BJ_OP_SECUREBITS, BJ_OP_BOUNDING, BJ_OP_CAPABILITIES, BJ_OP_ASSERT_IDS,
                                    BJ_OP_ASSERT_USERNS};
    for (size_t i = 0; i < BJ_COUNT(always); i++)
        if (!has_op(plan, always[i]))
            return bj_op_name(always[i]);
    for (size_t i = 0; i < BJ_COUNT(shed); i++)
        if (layers[BJ_LAYER_CAPABILITIES].on && !has_op(plan, shed[i]))
            return bj_op_name(shed[i]);
    if (layers[BJ_LAYER_SECCOMP].on && !has_op(plan, BJ_OP_SECCOMP))
        return "the filter";
    if (layers[BJ_LAYER_SECCOMP].on && !has_op(plan, BJ_OP_BACKSTOP))
        return "the backstop";
    if (layers[BJ_LAYER_LANDLOCK].on && !(has_op(plan, BJ_OP_LANDLOCK) && has_op(plan, BJ_OP_LANDLOCK_ENFORCE)))
        return "Landlock";
    if (layers[BJ_LAYER_APPARMOR].on && !has_op(plan, BJ_OP_APPARMOR))
        return "AppArmor";
    if (layers[BJ_LAYER_KEYRING].on && !has_op(plan, BJ_OP_KEYRING))
        return "the keyring";
    if (plan->deterministic && !has_op(plan, BJ_OP_FIXED_ADDRESSES))
        return "addresses that repeat";
    if (plan->cgroup && !has_op(plan, BJ_OP_JOIN_CGROUP))
        return "the control group";
    if (plan->two_ids && !(has_op(plan, BJ_OP_IDS) && has_op(plan, BJ_OP_GROUPS)))
        return "the guest's ids";
    if (!plan->user_namespace && !has_op(plan, BJ_OP_PRIVATE))
        return "mounts that do not travel to the host";
    uint32_t core = 0;
    while (core < plan->op_count &&
           (plan->ops[core].code != BJ_OP_RLIMIT || plan->ops[core].slot != RLIMIT_CORE))
        core++;
    return layers[BJ_LAYER_RLIMITS].on && (core == plan->op_count || !has_op(plan, BJ_OP_OPEN_FILES)) ? "limits"
                                                                                                      : NULL;
}

static inline const char *wrong_order(const struct bj_plan *plan)
{
    static const uint16_t order[] = {BJ_OP_OPEN_TREE,     BJ_OP_PRIVATE,          BJ_OP_TMPFS,
                                     BJ_OP_ENTER,         BJ_OP_ATTACH,           BJ_OP_PIVOT,
                                     BJ_OP_BOUNDING,      BJ_OP_SETSID,           BJ_OP_IDS,
                                     BJ_OP_GUEST_FILE,    BJ_OP_CAPABILITIES,     BJ_OP_LANDLOCK,
                                     BJ_OP_LANDLOCK_PATH, BJ_OP_LANDLOCK_ENFORCE, BJ_OP_STDIO,
                                     BJ_OP_ASSERT_FDS,    BJ_OP_BACKSTOP,         BJ_OP_SECCOMP,
                                     BJ_OP_HAND_OVER,     BJ_OP_OPEN_FILES,       BJ_OP_EXEC};
    static const uint16_t in_new_root[] = {BJ_OP_MKDIR,   BJ_OP_TOUCH, BJ_OP_SYMLINK,
                                           BJ_OP_PROGRAM, BJ_OP_CHOWN, BJ_OP_BIND,
                                           BJ_OP_ATTACH,  BJ_OP_PROC,  BJ_OP_ROOT_ATTR};
    for (size_t i = 0; i < BJ_COUNT(order); i++)
        for (size_t later = i + 1; later < BJ_COUNT(order); later++)
            if (!in_order(plan, order[i], order[later]))
                return bj_op_name(order[later]);
    for (size_t i = 0; i < BJ_COUNT(in_new_root); i++)
        if (!in_order(plan, BJ_OP_ENTER, in_new_root[i]) || !in_order(plan, in_new_root[i], BJ_OP_PIVOT))
            return "something is made outside the new root";
    if (plan->ops[plan->op_count - 1].code != BJ_OP_EXEC)
        return "exec is not last";
    if (plan->layers[BJ_LAYER_SECCOMP].on &&
        plan->ops[first_of(plan, BJ_OP_HAND_OVER) - 1].code != BJ_OP_SECCOMP)
        return "the filter is not loaded before the supervisor is told so";
    return first_of(plan, BJ_OP_SETSID) < plan->program.payload_first ||
                   first_of(plan, BJ_OP_UNDUMPABLE) >= plan->program.payload_first
               ? "pid 1 and the program are confused"
               : NULL;
}

static inline bool leaves(const char *path)
{
    char padded[4200];
    (void)snprintf(padded, sizeof(padded), "/%s/", path ? path : "..");
    return padded[1] == '/' || strstr(padded, "/../") != NULL;
}

/* What is mounted from a slot: the last tree opened into it before, and the attributes set on it in between. */
static inline const char *open_door(const struct bj_plan *plan, uint32_t at)
{
    const struct bj_op *op = &plan->ops[at];
    uint64_t attributes = 0;
    uint16_t source = BJ_OP_NONE;
    bool recursive = false;
    for (uint32_t i = 0; i < at; i++) {
        const struct bj_op *other = &plan->ops[i];
        if (other->slot != op->slot)
            continue;
        if (other->code == BJ_OP_OPEN_TREE || other->code == BJ_OP_TMPFS || other->code == BJ_OP_OPEN_PATH) {
            source = other->code;
            attributes = other->code == BJ_OP_TMPFS ? other->value : 0;
            recursive = other->flags & BJ_OPF_RECURSIVE;
        }
        if (other->code == BJ_OP_MOUNT_ATTR && (!recursive || (other->flags & BJ_OPF_RECURSIVE)))
            attributes = (attributes | other->value) & ~other->value2;
    }
    if (op->code == BJ_OP_ENTER)
        return source == BJ_OP_TMPFS ? NULL : "the root is not the private one";
    if (op->code == BJ_OP_APPARMOR)
        return source == BJ_OP_OPEN_PATH ? NULL : "AppArmor is told to something else";
    if (source != BJ_OP_OPEN_TREE || !(attributes & MOUNT_ATTR_NOSUID))
        return "a mount with set-id programs";
    bool device = strncmp(op->text, "dev/", 4) == 0;
    return device || (attributes & MOUNT_ATTR_NODEV) ? NULL : "a mount with devices";
}

static inline const char *bad_operation(const struct bj_plan *plan, uint32_t at)
{
    const struct bj_op *op = &plan->ops[at];
    const uint64_t harmless = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    switch (op->code) {
    case BJ_OP_ATTACH:
    case BJ_OP_MKDIR:
    case BJ_OP_TOUCH:
    case BJ_OP_SYMLINK:
    case BJ_OP_PROGRAM:
    case BJ_OP_CHOWN:
        if (leaves(op->text))
            return "a path outside the new root";
        return op->code == BJ_OP_ATTACH ? open_door(plan, at) : NULL;
    case BJ_OP_ENTER:
    case BJ_OP_APPARMOR:
        return open_door(plan, at);
    case BJ_OP_BIND:
        if (leaves(op->text) || leaves(op->text2))
            return "a path outside the new root";
        return (op->value & ~op->value2 & harmless) == harmless ? NULL
                                                                : "a bind with devices or set-id programs";
    case BJ_OP_ROOT_ATTR:
        return op->value & ~op->value2 & MOUNT_ATTR_RDONLY ? NULL : "a root that can be written to";
    case BJ_OP_GUEST_FILE:
    case BJ_OP_GUEST_DIR:
        return op->text && strncmp(op->text, "/box/", 5) == 0 && !leaves(op->text + 5) ? NULL
                                                                                       : "a file outside /box";
    case BJ_OP_IDS:
        return (op->flags & BJ_OPF_RUN_IDS) || op->value == 1000 ? NULL : "another id than the guest's";
    case BJ_OP_FIXED_ADDRESSES:
        return plan->deterministic && op->value == ADDR_NO_RANDOMIZE
                   ? NULL
                   : "another personality, or one that nobody asked for";
    case BJ_OP_BACKSTOP:
    case BJ_OP_SECCOMP:
        return op->text && op->value > 0 ? NULL : "a filter without a program";
    default:
        return NULL;
    }
}

/* The first thing that is missing or wrong, or NULL. */
static inline const char *missing_must_have(const struct bj_plan *plan)
{
    const uint64_t always = CLONE_NEWNS | CLONE_NEWPID;
    if ((plan->clone_flags & always) != always ||
        (plan->user_namespace && !(plan->clone_flags & CLONE_NEWUSER)) ||
        (plan->layers[BJ_LAYER_NET].on && !(plan->clone_flags & CLONE_NEWNET)))
        return "a namespace";
    const char *what = missing_wall(plan);
    if (!what)
        what = wrong_order(plan);
    for (uint32_t i = 0; !what && i < plan->op_count; i++)
        what = bad_operation(plan, i);
    return what;
}

#endif
