/* Checks a finished plan: the order of phases, what must be there, and that nothing is used before it exists.
 * Its own file because it must not share a mistake with the builders.
 * Changes when: an invariant of plans is found. */
#include "plan/plan_internal.h"

static int fail(struct bj_error *err, uint32_t index, const struct bj_op *op, const char *what)
{
    int r = bj__error(err, BJ_ERROR_STATE, EPROTO, "plan", "operation %u (%s): %s; this is a defect of Belljar",
                      index, bj_op_name(op->code), what);
    if (err) {
        err->op = op->code;
        err->index = index;
    }
    return r;
}

static bool uses_slot(uint16_t code)
{
    return code == BJ_OP_MOUNT_ATTR || code == BJ_OP_ENTER || code == BJ_OP_ATTACH || code == BJ_OP_APPARMOR;
}

static bool fills_slot(uint16_t code)
{
    return code == BJ_OP_OPEN_TREE || code == BJ_OP_OPEN_PATH || code == BJ_OP_TMPFS;
}

/* Relative, and no component is "..": it stays in the new root. */
static bool is_inside(const char *path)
{
    if (!path || path[0] == '/' || path[0] == 0)
        return false;
    for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (part[0] == '.' && part[1] == '.' && (part[2] == '/' || part[2] == 0))
            return false;
    return true;
}

static const char *check_one(const struct bj_op *op, bool filled[BJ_SLOT_MAX])
{
    if (fills_slot(op->code) || uses_slot(op->code)) {
        if (op->slot < 0 || op->slot >= BJ_SLOT_MAX)
            return "its slot is out of range";
        if (uses_slot(op->code) && !filled[op->slot])
            return "its slot was never filled";
        filled[op->slot] = true;
    }
    switch (op->code) {
    case BJ_OP_MKDIR:
    case BJ_OP_SYMLINK:
    case BJ_OP_TOUCH:
    case BJ_OP_PROGRAM:
    case BJ_OP_CHOWN:
    case BJ_OP_ATTACH:
    case BJ_OP_PROC:
        return is_inside(op->text) ? NULL : "its path leaves the new root";
    case BJ_OP_BIND:
        return is_inside(op->text) && is_inside(op->text2) ? NULL : "its path leaves the new root";
    case BJ_OP_GUEST_DIR:
    case BJ_OP_GUEST_FILE:
        return op->text && strncmp(op->text, "/box/", 5) == 0 && is_inside(op->text + 1)
                   ? NULL
                   : "its path leaves /box";
    default:
        return NULL;
    }
}

static int check_required(const struct bj_plan *plan, const uint32_t seen[BJ_OP__COUNT], struct bj_error *err)
{
    static const uint16_t once[] = {BJ_OP_TMPFS,        BJ_OP_ENTER,      BJ_OP_ROOT_ATTR,  BJ_OP_PIVOT,
                                    BJ_OP_NO_NEW_PRIVS, BJ_OP_UNDUMPABLE, BJ_OP_SETSID,     BJ_OP_INHERITED,
                                    BJ_OP_STDIO,        BJ_OP_ASSERT_FDS, BJ_OP_ASSERT_NNP, BJ_OP_SIGNALS,
                                    BJ_OP_EXEC};
    const struct bj_op *last = &plan->ops[plan->op_count - 1];
    for (size_t i = 0; i < BJ_COUNT(once); i++)
        if (seen[once[i]] != 1)
            return fail(err, plan->op_count, &(struct bj_op){.code = once[i]}, "must be there exactly once");
    if (last->code != BJ_OP_EXEC)
        return fail(err, plan->op_count - 1, last, "is last, which must be exec");
    if (plan->layers[BJ_LAYER_SECCOMP].on && (last - 1)->code != BJ_OP_SECCOMP)
        return fail(err, plan->op_count - 2, last - 1, "stands before exec, where the filter must be loaded");
    if (plan->layers[BJ_LAYER_APPARMOR].on && seen[BJ_OP_APPARMOR] != 1)
        return fail(err, 0, &(struct bj_op){.code = BJ_OP_APPARMOR}, "is missing");
    if (plan->layers[BJ_LAYER_LANDLOCK].on && seen[BJ_OP_LANDLOCK_ENFORCE] != 1)
        return fail(err, 0, &(struct bj_op){.code = BJ_OP_LANDLOCK_ENFORCE}, "is missing");
    if (plan->layers[BJ_LAYER_CAPABILITIES].on && (seen[BJ_OP_CAPABILITIES] != 1 || seen[BJ_OP_BOUNDING] != 1))
        return fail(err, 0, &(struct bj_op){.code = BJ_OP_CAPABILITIES}, "is missing");
    if (plan->two_ids && seen[BJ_OP_IDS] != 1)
        return fail(err, 0, &(struct bj_op){.code = BJ_OP_IDS}, "is missing");
    return 0;
}

int bj__plan_check(const struct bj_plan *plan, struct bj_error *err)
{
    uint32_t seen[BJ_OP__COUNT] = {0};
    bool filled[BJ_SLOT_MAX] = {false};
    enum bj_phase phase = BJ_PHASE_SOURCE;
    for (uint32_t i = 0; i < plan->op_count; i++) {
        const struct bj_op *op = &plan->ops[i];
        if (op->code == BJ_OP_NONE || op->code >= BJ_OP__COUNT)
            return fail(err, i, op, "is no operation");
        if (bj__op_phase(op->code) < phase)
            return fail(err, i, op, "comes too late");
        phase = bj__op_phase(op->code);
        if (op->code == BJ_OP_APPARMOR && seen[BJ_OP_LANDLOCK_ENFORCE] > 0)
            return fail(err, i, op, "comes after Landlock, which would refuse to open its file");
        if ((phase >= BJ_PHASE_PAYLOAD) != (i >= plan->program.payload_first))
            return fail(err, i, op, "is run by the wrong process");
        const char *what = check_one(op, filled);
        if (what)
            return fail(err, i, op, what);
        seen[op->code]++;
    }
    return check_required(plan, seen, err);
}
