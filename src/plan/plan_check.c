/* Checks a finished plan: the order of phases, what must be there, and that nothing is used before it exists.
 * Its own file because it must not share a mistake with the builders.
 * Changes when: an invariant of plans is found. */
#include "plan/kernel_flags.h"
#include "plan/plan_internal.h"

#include <sys/resource.h>

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

struct check {
    const struct bj_plan *plan;
    uint32_t seen[BJ_OP__COUNT];
    const struct bj_op *filled[BJ_SLOT_MAX];     /* by which operation, or NULL */
    const struct bj_op *attributes[BJ_SLOT_MAX]; /* the MOUNT_ATTR of a slot, or NULL */
};

/* ---- one operation -------------------------------------------------------------------------------- */

#define HARMLESS (BJ_MOUNT_ATTR_NOSUID | BJ_MOUNT_ATTR_NODEV) /* what the guest sees is at least this */

static bool uses_slot(uint16_t code)
{
    return code == BJ_OP_MOUNT_ATTR || code == BJ_OP_ENTER || code == BJ_OP_ATTACH || code == BJ_OP_APPARMOR;
}

static bool fills_slot(uint16_t code)
{
    return code == BJ_OP_OPEN_TREE || code == BJ_OP_OPEN_PATH || code == BJ_OP_TMPFS;
}

static const char *check_slot(struct check *check, const struct bj_op *op)
{
    if (!fills_slot(op->code) && !uses_slot(op->code))
        return NULL;
    if (op->slot < 0 || op->slot >= BJ_SLOT_MAX)
        return "its slot is out of range";
    const struct bj_op **filled = &check->filled[op->slot];
    if (fills_slot(op->code)) {
        if (*filled)
            return "its slot was filled before";
        *filled = op;
        return NULL;
    }
    if (!*filled)
        return "its slot was never filled";
    uint16_t wanted = op->code == BJ_OP_ENTER      ? BJ_OP_TMPFS
                      : op->code == BJ_OP_APPARMOR ? BJ_OP_OPEN_PATH
                                                   : BJ_OP_OPEN_TREE;
    if ((*filled)->code != wanted)
        return "its slot was filled with something else";
    if (op->code == BJ_OP_MOUNT_ATTR)
        check->attributes[op->slot] = op;
    return NULL;
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

static const char *check_path(const struct bj_op *op)
{
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

static const char *check_attributes(const struct check *check, const struct bj_op *op)
{
    uint64_t wanted = HARMLESS;
    uint64_t has = op->value;
    if (op->code == BJ_OP_ATTACH) {
        const struct bj_op *tree = check->filled[op->slot];
        const struct bj_op *set = check->attributes[op->slot];
        if (!set || (tree->flags & BJ_OPF_RECURSIVE & (unsigned)~set->flags))
            return "the attributes of what it attaches were not set";
        has = set->value;
        if (strncmp(op->text, "dev/", 4) == 0) /* nodev is not the point of a device */
            wanted = BJ_MOUNT_ATTR_NOSUID | BJ_MOUNT_ATTR_RDONLY | BJ_MOUNT_ATTR_NOEXEC;
    } else if (op->code == BJ_OP_ROOT_ATTR) {
        wanted |= BJ_MOUNT_ATTR_RDONLY;
    } else if (op->code == BJ_OP_PROC) {
        wanted |= BJ_MOUNT_ATTR_RDONLY | BJ_MOUNT_ATTR_NOEXEC;
    } else if (op->code == BJ_OP_MOUNT_ATTR) {
        wanted = 0;
    } else if (op->code != BJ_OP_TMPFS && op->code != BJ_OP_BIND) {
        return NULL;
    }
    bool clears = op->code != BJ_OP_TMPFS && op->code != BJ_OP_PROC && op->value2 != 0;
    return (has & wanted) == wanted && !clears ? NULL : "the attributes of its mount let too much through";
}

/* Until the new root is entered, a relative path is one of the host's; after pivot its place is read-only. */
static const char *check_order(const struct check *check, uint16_t code)
{
    const uint32_t *seen = check->seen;
    enum bj_phase phase = bj__op_phase(code);
    bool before_enter =
        code == BJ_OP_PRIVATE || code == BJ_OP_SETUP_IDS || code == BJ_OP_TMPFS || code == BJ_OP_ENTER;
    if (phase == BJ_PHASE_ROOT && before_enter == (seen[BJ_OP_ENTER] > 0))
        return before_enter ? "comes after the new root was entered" : "comes before the new root is entered";
    if (phase == BJ_PHASE_ROOT && seen[BJ_OP_PIVOT] > 0)
        return "comes after pivot";
    if (code == BJ_OP_APPARMOR && seen[BJ_OP_LANDLOCK_ENFORCE] > 0)
        return "comes after Landlock, which would refuse to open its file";
    if (code == BJ_OP_LANDLOCK && seen[BJ_OP_LANDLOCK] > 0)
        return "is there twice";
    if ((code == BJ_OP_LANDLOCK_PATH || code == BJ_OP_LANDLOCK_ENFORCE) &&
        (seen[BJ_OP_LANDLOCK] == 0 || seen[BJ_OP_LANDLOCK_ENFORCE] > 0))
        return "has no ruleset that it belongs to";
    return code == BJ_OP_ASSERT_FDS && seen[BJ_OP_STDIO] == 0 ? "comes before the descriptors are seated"
                                                              : NULL;
}

static const char *check_values(const struct bj_plan *plan, const struct bj_op *op)
{
    if (op->code == BJ_OP_IDS &&
        (op->value != BJ_GUEST_ID || !(op->flags & BJ_OPF_RUN_IDS) != plan->user_namespace))
        return "it would not become the guest";
    if (op->code == BJ_OP_FIXED_ADDRESSES && (!plan->deterministic || op->value != BJ_ADDR_NO_RANDOMIZE))
        return "it would be another personality than the one that was asked for";
    bool limit = op->code == BJ_OP_RLIMIT || op->code == BJ_OP_OPEN_FILES;
    if (limit && (op->slot < 0 || op->slot >= RLIM_NLIMITS || op->value > op->value2))
        return "it is no limit";
    if (op->code == BJ_OP_OPEN_FILES && op->slot != RLIMIT_NOFILE)
        return "it is another limit than the one on open files";
    if (op->code == BJ_OP_SECCOMP && (!op->text || op->value == 0 || op->value > BPF_MAXINSNS ||
                                      !(op->flags & BJ_OPF_NOTIFY) == plan->notify))
        return "its program is not the one that was asked for";
    size_t count = 0;
    if (op->code == BJ_OP_BACKSTOP &&
        (op->text != (const char *)bj__filter_backstop(&plan->filter, &count) || op->value != count))
        return "its program is not the one of all plans";
    return NULL;
}

static const char *check_one(struct check *check, const struct bj_op *op)
{
    const char *what = check_slot(check, op);
    if (!what)
        what = check_path(op);
    if (!what)
        what = check_attributes(check, op);
    if (!what)
        what = check_order(check, op->code);
    return what ? what : check_values(check->plan, op);
}

/* ---- the whole ------------------------------------------------------------------------------------ */

static int check_once(const struct check *check, bool when, const uint16_t *codes, struct bj_error *err)
{
    for (; when && *codes; codes++)
        if (check->seen[*codes] != 1)
            return fail(err, check->plan->op_count, &(struct bj_op){.code = *codes},
                        "must be there exactly once");
    return 0;
}
#define ONCE(...) ((const uint16_t[]){__VA_ARGS__, BJ_OP_NONE})

static int check_required(const struct check *check, struct bj_error *err)
{
    const struct bj_plan *plan = check->plan;
    const struct bj_plan_layer *layers = plan->layers;
    const struct {
        bool when;
        const uint16_t *codes;
    } rows[] = {
        {true,
         ONCE(BJ_OP_TMPFS, BJ_OP_ENTER, BJ_OP_ROOT_ATTR, BJ_OP_PIVOT, BJ_OP_NO_NEW_PRIVS, BJ_OP_UNDUMPABLE)},
        {true,
         ONCE(BJ_OP_SETSID, BJ_OP_INHERITED, BJ_OP_CHDIR, BJ_OP_STDIO, BJ_OP_ASSERT_FDS, BJ_OP_ASSERT_NNP)},
        {true, ONCE(BJ_OP_SIGNALS, BJ_OP_PIDFD, BJ_OP_HAND_OVER, BJ_OP_EXEC)},
        {plan->deterministic, ONCE(BJ_OP_FIXED_ADDRESSES)},
        {plan->cgroup, ONCE(BJ_OP_JOIN_CGROUP)},
        {!plan->user_namespace, ONCE(BJ_OP_PRIVATE)},
        {plan->user_namespace && plan->two_ids, ONCE(BJ_OP_SETUP_IDS)},
        {plan->two_ids, ONCE(BJ_OP_GROUPS, BJ_OP_IDS)},
        {layers[BJ_LAYER_UTS].on, ONCE(BJ_OP_HOSTNAME)},
        {layers[BJ_LAYER_KEYRING].on, ONCE(BJ_OP_KEYRING)},
        {layers[BJ_LAYER_CAPABILITIES].on, ONCE(BJ_OP_SECUREBITS, BJ_OP_BOUNDING, BJ_OP_CAPABILITIES)},
        {layers[BJ_LAYER_CAPABILITIES].on, ONCE(BJ_OP_ASSERT_IDS, BJ_OP_ASSERT_USERNS)},
        {layers[BJ_LAYER_APPARMOR].on, ONCE(BJ_OP_APPARMOR)},
        {layers[BJ_LAYER_LANDLOCK].on, ONCE(BJ_OP_LANDLOCK, BJ_OP_LANDLOCK_ENFORCE)},
        {layers[BJ_LAYER_RLIMITS].on, ONCE(BJ_OP_OPEN_FILES)},
        {layers[BJ_LAYER_SECCOMP].on, ONCE(BJ_OP_BACKSTOP, BJ_OP_SECCOMP)},
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < BJ_COUNT(rows); i++)
        r = check_once(check, rows[i].when, rows[i].codes, err);
    return r;
}

/* Resources that every plan with rlimits bounds; the others depend on the spec. */
static int check_rlimits(const struct bj_plan *plan, struct bj_error *err)
{
    static const int always[] = {RLIMIT_FSIZE,      RLIMIT_STACK,    RLIMIT_CORE, RLIMIT_MEMLOCK,
                                 RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO};
    for (size_t i = 0; plan->layers[BJ_LAYER_RLIMITS].on && i < BJ_COUNT(always); i++) {
        uint32_t n = 0;
        while (n < plan->op_count && (plan->ops[n].code != BJ_OP_RLIMIT || plan->ops[n].slot != always[i]))
            n++;
        if (n == plan->op_count)
            return fail(err, n, &(struct bj_op){.code = BJ_OP_RLIMIT}, "a resource has no limit");
    }
    return 0;
}

static int check_namespaces(const struct bj_plan *plan, struct bj_error *err)
{
    const uint64_t wanted = BJ_CLONE_NEWNS | BJ_CLONE_NEWPID | (plan->user_namespace ? BJ_CLONE_NEWUSER : 0) |
                            (plan->layers[BJ_LAYER_IPC].on ? BJ_CLONE_NEWIPC : 0) |
                            (plan->layers[BJ_LAYER_UTS].on ? BJ_CLONE_NEWUTS : 0) |
                            (plan->layers[BJ_LAYER_NET].on ? BJ_CLONE_NEWNET : 0) |
                            (plan->layers[BJ_LAYER_TIME].on ? BJ_CLONE_NEWTIME : 0) |
                            (plan->layers[BJ_LAYER_CGROUP_NS].on ? BJ_CLONE_NEWCGROUP : 0);
    return (plan->clone_flags & wanted) == wanted ? 0 : fail(err, 0, &plan->ops[0], "a namespace is not made");
}

/* The caller's own environment and whatever else lies outside of the plan must not reach the program. */
static bool is_the_plans(const struct bj_plan *plan, const char *const *list)
{
    for (; bj__arena_holds(&plan->arena, list, sizeof(*list)); list++) {
        if (!*list)
            return true;
        if (!bj__arena_holds(&plan->arena, *list, 1))
            return false;
    }
    return false;
}

static int check_program(const struct bj_plan *plan, struct bj_error *err)
{
    const struct bj_op *last = &plan->ops[plan->op_count - 1];
    const struct {
        const char *const *list;
        const char *what;
    } rows[] = {{plan->program.argv, "its arguments are not the plan's"},
                {plan->program.envp, "its environment is not the plan's"},
                {plan->program.candidates, "its paths are not the plan's"}};
    for (size_t i = 0; i < BJ_COUNT(rows); i++)
        if (!is_the_plans(plan, rows[i].list))
            return fail(err, plan->op_count - 1, last, rows[i].what);
    return 0;
}

static int check_end(const struct bj_plan *plan, struct bj_error *err)
{
    const uint16_t codes[] = {BJ_OP_EXEC, BJ_OP_OPEN_FILES, BJ_OP_HAND_OVER, BJ_OP_SECCOMP};
    const bool there[] = {true, plan->layers[BJ_LAYER_RLIMITS].on, true, plan->layers[BJ_LAYER_SECCOMP].on};
    const struct bj_op *op = &plan->ops[plan->op_count - 1];
    for (size_t i = 0; i < BJ_COUNT(codes); i++) {
        if (there[i] && op->code != codes[i])
            return fail(err, (uint32_t)(op - plan->ops), op, "stands where the end of every plan must be");
        op -= there[i];
    }
    return 0;
}

int bj__plan_check(const struct bj_plan *plan, struct bj_error *err)
{
    struct check check = {.plan = plan};
    enum bj_phase phase = BJ_PHASE_SOURCE;
    for (uint32_t i = 0; i < plan->op_count; i++) {
        const struct bj_op *op = &plan->ops[i];
        if (op->code == BJ_OP_NONE || op->code >= BJ_OP__COUNT)
            return fail(err, i, op, "is no operation");
        if (bj__op_phase(op->code) < phase)
            return fail(err, i, op, "comes too late");
        phase = bj__op_phase(op->code);
        if ((phase >= BJ_PHASE_PAYLOAD) != (i >= plan->program.payload_first))
            return fail(err, i, op, "is run by the wrong process");
        const char *what = check_one(&check, op);
        if (what)
            return fail(err, i, op, what);
        check.seen[op->code]++;
    }
    int r = check_required(&check, err);
    if (r == 0)
        r = check_end(plan, err);
    if (r == 0)
        r = check_program(plan, err);
    if (r == 0)
        r = check_rlimits(plan, err);
    return r < 0 ? r : check_namespaces(plan, err);
}
