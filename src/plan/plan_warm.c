/* One plan in two parts: what a zygote does once, and what each of its forks does for one run.
 * Its own file because a warm jail is the same jail: which operation is done by whom is decided here, and nothing else.
 * Changes when: a fork may share something more with its zygote, or something less.
 *
 * The zygote makes the root with its mounts and keeps its capabilities; it never sees a byte of a guest. A fork makes
 * what a guest can change or be counted by: its scratch files, /proc, its control group, its ids, and everything that it
 * gives up, in the order of the whole plan. The zygote stands outside of any pid namespace of ours, so that each fork
 * can have its own, whose pid 1 the library reaps (clone(2), CLONE_PARENT). */
#include "base/wire.h"
#include "plan/kernel_flags.h"
#include "plan/plan_internal.h"
#include "spec/build.h"
#include "spec/limits.h"

#include <stdio.h>

/* Where a fork's scratch file system is attached, until its parts are bound: the last of the places where they belong, so
 * that in the end it is covered by its own part for that place. To unmount it would make every processor wait for all others
 * (namespace_unlock, synchronize_rcu_expedited). */
#define STAGE       "dev/shm"
#define SCRATCH_MAX 4u
#define ADDED_OPS   (4u * SCRATCH_MAX + 8u)
#define FORK_FLAGS  (BJ_CLONE_NEWPID | BJ_CLONE_NEWIPC)

static const char *const staged[SCRATCH_MAX] = {STAGE "/0", STAGE "/1", STAGE "/2", STAGE "/3"};

struct split {
    const struct bj_plan *whole;
    struct bj_op *zygote, *fork;
    uint32_t zygote_count, fork_count;
    uint32_t zygote_payload_first;
    unsigned scratch;
};

static struct bj_op *to_zygote(struct split *split, struct bj_op op)
{
    split->zygote[split->zygote_count] = op;
    return &split->zygote[split->zygote_count++];
}

static struct bj_op *to_fork(struct split *split, struct bj_op op)
{
    split->fork[split->fork_count] = op;
    return &split->fork[split->fork_count++];
}

static struct bj_op plain(enum bj_opcode code, const char *text)
{
    return (struct bj_op){.code = (uint16_t)code, .slot = -1, .text = text};
}

static const struct bj_op *find(const struct bj_plan *plan, uint16_t code, const char *text)
{
    for (uint32_t i = 0; i < plan->op_count; i++)
        if (plan->ops[i].code == code && (!text || (plan->ops[i].text && strcmp(plan->ops[i].text, text) == 0)))
            return &plan->ops[i];
    return NULL;
}

/* A directory of the new root that is bound over itself, to be written to. */
static bool is_scratch(const struct bj_op *op)
{
    return op->code == BJ_OP_BIND && op->text == op->text2;
}

static bool is_given_to_guest(const struct bj_plan *whole, const struct bj_op *op)
{
    const struct bj_op *bind = op->code == BJ_OP_CHOWN ? find(whole, BJ_OP_BIND, op->text) : NULL;
    return bind && is_scratch(bind);
}

/* Ids of a run's own, out of the zygote's map of the whole range. */
static uint16_t own_ids(const struct split *split, const struct bj_op *op)
{
    return (uint16_t)(op->flags | (split->whole->two_ids ? BJ_OPF_RUN_IDS : 0));
}

/* The same directory, of a tmpfs of the fork's own, over the zygote's empty one. */
static void add_scratch(struct split *split, const struct bj_op *bind)
{
    const struct bj_op *made = find(split->whole, BJ_OP_MKDIR, bind->text);
    const struct bj_op *owner = find(split->whole, BJ_OP_CHOWN, bind->text);
    const char *inside = staged[split->scratch++];
    to_fork(split, plain(BJ_OP_MKDIR, inside))->value = made->value;
    struct bj_op *op = to_fork(split, *owner);
    op->text = inside;
    op->flags = own_ids(split, owner);
    op = to_fork(split, *bind);
    op->text = inside;
}

static void split_root(struct split *split)
{
    const struct bj_plan *whole = split->whole;
    const struct bj_op *tmpfs = find(whole, BJ_OP_TMPFS, NULL);
    struct bj_op *join = NULL;
    if (whole->cgroup) {
        join = to_fork(split, *find(whole, BJ_OP_JOIN_CGROUP, NULL));
        join->value = BJ_CGROUP_V1_HIERARCHIES + 1;
    }
    to_fork(split, *tmpfs);
    to_fork(split, plain(BJ_OP_ATTACH, STAGE))->slot = tmpfs->slot;
    for (uint32_t i = 0; i < whole->op_count; i++)
        if (is_scratch(&whole->ops[i]))
            add_scratch(split, &whole->ops[i]);
    for (uint32_t i = 0; bj__op_phase(whole->ops[i].code) <= BJ_PHASE_ROOT; i++) {
        const struct bj_op *op = &whole->ops[i];
        bool forks = op->code == BJ_OP_PROC || op->code == BJ_OP_LOOPBACK;
        if (forks)
            to_fork(split, *op);
        else if (op->code != BJ_OP_JOIN_CGROUP && !is_scratch(op) && !is_given_to_guest(whole, op))
            to_zygote(split, *op);
    }
}

static void add_zygotes_end(struct split *split)
{
    static const uint16_t end[] = {BJ_OP_GROUPS,          BJ_OP_KEYRING, BJ_OP_SETSID,  BJ_OP_INHERITED,
                                   BJ_OP_FIXED_ADDRESSES, BJ_OP_STDIO,   BJ_OP_SIGNALS, BJ_OP_PIDFD};
    for (size_t i = 0; i < BJ_COUNT(end); i++) {
        const struct bj_op *op = find(split->whole, end[i], NULL);
        if (end[i] == BJ_OP_SETSID)
            split->zygote_payload_first = split->zygote_count;
        if (op)
            to_zygote(split, *op);
    }
    to_zygote(split, plain(BJ_OP_KEEP, NULL));
    if (find(split->whole, BJ_OP_BOUNDING,
             NULL)) /* once for all forks, and behind KEEP, which needs it (capset(2)) */
        to_zygote(split, plain(BJ_OP_BOUNDING, NULL));
    to_zygote(split, *find(split->whole, BJ_OP_HAND_OVER, NULL));
    to_zygote(split, *find(split->whole, BJ_OP_EXEC, NULL));
}

/* Everything that is given up, as in the whole plan. Signals were reset when the zygote began. */
static uint32_t split_rest(struct split *split)
{
    uint32_t payload_first = 0;
    for (uint32_t i = 0; i < split->whole->op_count; i++) {
        const struct bj_op *op = &split->whole->ops[i];
        if (bj__op_phase(op->code) <= BJ_PHASE_ROOT)
            continue;
        if (i == split->whole->program.payload_first)
            payload_first = split->fork_count;
        if (op->code != BJ_OP_SIGNALS && op->code != BJ_OP_EXEC)
            to_fork(split, *op)->flags = op->code == BJ_OP_IDS ? own_ids(split, op) : op->flags;
    }
    to_fork(split, plain(BJ_OP_RESUME, NULL));
    return payload_first;
}

/* Abstract names (unix(7)) are the network namespace's. */
static bool has_named_sockets(const struct bj_plan *plan)
{
    const uint64_t args[6] = {1 /* AF_UNIX */, 1 /* SOCK_STREAM */};
    struct bj_filter_decision decision;
    bj__filter_decide(&plan->filter, bj__filter_syscall_number("socket"), args, &decision);
    return !plan->layers[BJ_LAYER_SECCOMP].on || decision.action == BJ_FILTER_ALLOW;
}

static void use(struct bj_plan *plan, struct bj_op *ops, uint32_t count)
{
    plan->ops = ops;
    plan->op_count = count;
    plan->program.ops = ops;
    plan->program.op_count = count;
}

/* A process that moves itself into a v2 group stops all forks and exits of the machine for a moment, and after a pause
 * of such moves for 10 ms (cgroup_threadgroup_rwsem); into a v1 group it does not. clone3's CLONE_INTO_CGROUP would not
 * either, but a zygote may not write to its parent's groups. So v2 is used where it has to be. */
static void prefer_v1(struct bj_plan *fork)
{
    struct bj_host_cgroup *parents = &fork->cgroup_parents;
    if (!fork->cgroup || !parents->unified[0] || !parents->v1_memory[0] || !parents->v1_pids[0])
        return;
    parents->unified[0] = 0;
    parents->unified_memory = parents->unified_pids = parents->unified_cpu = parents->unified_kill = false;
    (void)snprintf(fork->layers[BJ_LAYER_CGROUP].detail, sizeof(fork->layers[0].detail), "v1, memory, pids");
}

/* A whole plan's is shipped as it is, so that a cold start compiles nothing. Where a signal could break off the wait for an
 * answer, and a guest's handler run after its result, it ends as ever (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19). */
static int tell_end(struct bj_warm *warm, struct bj_op *ops, struct bj_error *err)
{
    struct bj_plan *fork = &warm->fork;
    struct bj_op *op = ops;
    while (op < ops + fork->op_count && op->code != BJ_OP_SECCOMP)
        op++;
    bool waits_for_good = op < ops + fork->op_count && op->flags & BJ_OPF_KILLABLE;
    if (!fork->notify || !waits_for_good)
        return 0;
    bj__buf_init(&warm->filter, BPF_MAXINSNS * sizeof(struct sock_filter));
    int r = bj__filter_tell_end((const struct sock_filter *)op->text, op->value, &warm->filter);
    if (r < 0)
        return bj__error_system(err, -r, "syscalls", "no room for the system call filter");
    op->text = (const char *)warm->filter.bytes;
    op->value = warm->filter.length / sizeof(struct sock_filter);
    fork->tells_end = true;
    return 0;
}

static int split_plan(struct bj_warm *warm, struct bj_error *err)
{
    const struct bj_plan *whole = warm->whole;
    struct split split = {.whole = whole};
    split.zygote = calloc(2 * ((size_t)whole->op_count + ADDED_OPS), sizeof(struct bj_op));
    if (!split.zygote)
        return bj__error_memory(err);
    split.fork = split.zygote + whole->op_count + ADDED_OPS;
    warm->zygote = warm->fork = *whole;
    split_root(&split);
    add_zygotes_end(&split);
    warm->fork.program.payload_first = split_rest(&split);
    use(&warm->zygote, split.zygote, split.zygote_count);
    use(&warm->fork, split.fork, split.fork_count);
    warm->zygote.program.payload_first = split.zygote_payload_first;
    warm->zygote.program.zygote = true;
    warm->zygote.program.calls = false;
    warm->zygote.cgroup = warm->zygote.notify = false;
    warm->zygote.clone_flags &= ~(FORK_FLAGS | BJ_CLONE_NEWCGROUP);
    prefer_v1(&warm->fork);
    warm->fork.program.fork = true;
    warm->fork.program.host_ids = whole->two_ids;
    warm->fork.clone_flags = (whole->clone_flags & FORK_FLAGS) | BJ_CLONE_NEWNS;
    if (find(whole, BJ_OP_LOOPBACK, NULL) ||
        has_named_sockets(whole)) /* shared, it would lead from guest to guest */
        warm->fork.clone_flags |= whole->clone_flags & BJ_CLONE_NEWNET;
    return tell_end(warm, split.fork, err);
}

/* ---- the wire ------------------------------------------------------------------------------------- */

static size_t text_length(const struct bj_op *op, bool second)
{
    const char *text = second ? op->text2 : op->text;
    uint64_t count = second ? op->value2 : op->value;
    if (!text)
        return 0;
    if (op->code == BJ_OP_SECCOMP || op->code == BJ_OP_BACKSTOP)
        return (size_t)count * sizeof(struct sock_filter);
    if (op->code == BJ_OP_GUEST_FILE && second)
        return (size_t)op->value;
    return strlen(text) + 1;
}

/* Appends bytes at a place that is a multiple of eight; *ret_offset: where they are. */
static int add_bytes(struct bj_buf *wire, const void *bytes, size_t length, uint64_t *ret_offset)
{
    static const char zeros[8];
    int r = bj__buf_add(wire, zeros, -wire->length & 7u);
    *ret_offset = wire->length;
    return r < 0 ? r : bj__buf_add(wire, bytes, length);
}

static int add_op(struct bj_buf *wire, size_t at, const struct bj_op *op)
{
    struct bj_op packed = *op;
    uint64_t first = 0;
    uint64_t second = 0;
    int r = op->text ? add_bytes(wire, op->text, text_length(op, false), &first) : 0;
    if (r == 0 && op->text2)
        r = add_bytes(wire, op->text2, text_length(op, true), &second);
    if (r < 0)
        return r;
    packed.text = (const char *)(uintptr_t)first; /* NOLINT(performance-no-int-to-ptr): an offset on the wire */
    packed.text2 = (const char *)(uintptr_t)second; /* NOLINT(performance-no-int-to-ptr) */
    memcpy(wire->bytes + at, &packed, sizeof(packed));
    return 0;
}

static int add_modules(struct bj_buf *wire, const struct bj_strings *modules, uint64_t *ret_offset)
{
    int r = add_bytes(wire, "", 0, ret_offset);
    for (size_t i = 0; r == 0 && i < modules->count; i++)
        r = bj__buf_add(wire, modules->items[i], strlen(modules->items[i]) + 1);
    return r < 0 ? r : bj__buf_add(wire, "", 1);
}

static int pack(struct bj_warm *warm, const struct bj_strings *modules, struct bj_error *err)
{
    const struct bj_plan *fork = &warm->fork;
    struct bj_wire_head head = {.magic = BJ_WIRE_MAGIC,
                                .op_kinds = BJ_OP__COUNT,
                                .op_size = sizeof(struct bj_op),
                                .op_count = fork->op_count,
                                .payload_first = fork->program.payload_first,
                                .host_ids = fork->program.host_ids,
                                .clone_flags = fork->clone_flags};
    bj__buf_init(&warm->wire, BJ_MAX_FILES_IN_BYTES + (1u << 20));
    int r = bj__buf_add(&warm->wire, &head, sizeof(head));
    for (uint32_t i = 0; i < fork->op_count && r == 0; i++)
        r = bj__buf_add(&warm->wire, &fork->ops[i], sizeof(fork->ops[i])); /* the place; filled below */
    for (uint32_t i = 0; i < fork->op_count && r == 0; i++)
        r = add_op(&warm->wire, sizeof(head) + i * sizeof(struct bj_op), &fork->ops[i]);
    if (r == 0)
        r = add_modules(&warm->wire, modules, &head.modules_offset);
    if (r < 0)
        return bj__error_system(err, -r, "", "cannot write down what the forks of a zygote do");
    head.length = warm->wire.length;
    memcpy(warm->wire.bytes, &head, sizeof(head));
    warm->zygote.request = warm->wire.bytes;
    warm->zygote.request_length = warm->wire.length;
    return 0;
}

/* ---- what a zygote cannot do ---------------------------------------------------------------------- */

static int refuse(const struct bj_spec *spec, struct bj_error *err)
{
    if (spec->layers[BJ_LAYER_USER] == BJ_OFF)
        return bj__error(
            err, BJ_ERROR_UNAVAILABLE, ENOTSUP, "layers.user",
            "a pool needs a user namespace: its zygote keeps capabilities, which must not be the host's; "
            "require the layer");
    if (spec->file_count > 0)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "files",
                         "the jails of a pool are made before it is known who runs in them; leave files out");
    if (spec->layers[BJ_LAYER_APPARMOR] == BJ_REQUIRE)
        return bj__error(
            err, BJ_ERROR_UNAVAILABLE, ENOTSUP, "layers.apparmor",
            "required, but the jails of a pool have none yet: they are entered without an exec; prefer it");
    return 0;
}

int bj__warm_split(struct bj_plan *whole, const struct bj_strings *modules, struct bj_warm **ret_warm,
                   struct bj_error *err)
{
    struct bj_warm *warm = calloc(1, sizeof(*warm));
    if (!warm) {
        bj_plan_free(whole);
        return bj__error_memory(err);
    }
    warm->whole = whole;
    int r = split_plan(warm, err);
    if (r == 0)
        r = pack(warm, modules, err);
    if (r < 0) {
        bj__warm_free(warm);
        return r;
    }
    *ret_warm = warm;
    return 0;
}

/* In front of the modules: the directories of the jail from which they may come as well. */
static int add_directories(struct bj_spec *spec, struct bj_error *err)
{
    struct bj_strings both = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < spec->python_path.count; i++)
        if (spec->python_path.items[i][0] == '/') /* below /box there is nothing yet */
            r = bj__strings_add(&spec->arena, &both, spec->python_path.items[i]);
    for (size_t i = 0; r == 0 && i < spec->preload.count; i++)
        r = bj__strings_add(&spec->arena, &both, spec->preload.items[i]);
    spec->preload = both;
    return r < 0 ? bj__error_memory(err) : 0;
}

int bj__warm_new(const struct bj_spec *spec, struct bj_warm **ret_warm, struct bj_error *err)
{
    struct bj_spec *copy = NULL;
    struct bj_plan *whole = NULL;
    int r = refuse(spec, err);
    if (r == 0)
        r = bj__spec_copy(spec, &copy, err);
    if (r == 0) {
        copy->layers[BJ_LAYER_APPARMOR] = BJ_OFF;
        copy->layers[BJ_LAYER_USER] = BJ_REQUIRE;
        r = bj_plan_new(copy, &whole, err);
    }
    if (r == 0 && (r = add_directories(copy, err)) < 0)
        bj_plan_free(whole);
    if (r == 0)
        r = bj__warm_split(whole, &copy->preload, ret_warm, err);
    bj_spec_free(copy);
    return r;
}

void bj__warm_free(struct bj_warm *warm)
{
    if (!warm)
        return;
    bj__buf_done(&warm->wire);
    bj__buf_done(&warm->filter);
    free(warm->zygote.ops); /* the fork's stand behind them */
    bj_plan_free(warm->whole);
    free(warm);
}
