/* How each wall is taken out of a plan.
 * Its own file because one row of walls.def is one function here, and a reviewer reads them side by side.
 * Changes when: a plan makes a wall by other operations. */
#include "sabotage.h"

#include "plan/kernel_flags.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define FOREVER_US 600000000u /* longer than any test waits */

/* ---- the array ------------------------------------------------------------------------------------ */

static uint32_t find(const struct bj_plan *plan, uint16_t code)
{
    uint32_t i = 0;
    while (i < plan->op_count && plan->ops[i].code != code)
        i++;
    return i;
}

static void remove_at(struct bj_plan *plan, uint32_t at)
{
    memmove(&plan->ops[at], &plan->ops[at + 1], (plan->op_count - at - 1) * sizeof(plan->ops[0]));
    plan->op_count--;
    plan->program.payload_first -= at < plan->program.payload_first;
}

static void drop(struct bj_plan *plan, uint16_t code)
{
    for (uint32_t at; (at = find(plan, code)) < plan->op_count;)
        remove_at(plan, at);
}

static void insert(struct bj_plan *plan, uint32_t at, struct bj_op op)
{
    if (plan->op_count == BJ_MAX_OPS)
        abort();
    memmove(&plan->ops[at + 1], &plan->ops[at], (plan->op_count - at) * sizeof(op));
    plan->ops[at] = op;
    plan->op_count++;
    plan->program.payload_first += at < plan->program.payload_first;
}

/* The operation becomes one of our own. */
static struct bj_op *change(struct bj_plan *plan, uint16_t code, enum sabotage_op into)
{
    static struct bj_op nowhere;
    uint32_t at = find(plan, code);
    struct bj_op *op = at < plan->op_count ? &plan->ops[at] : &nowhere;
    *op = (struct bj_op){.code = BJ_OP_NICE, .flags = SABOTAGE_FLAG, .slot = -1, .value = into};
    return op;
}

static struct bj_op *find_own(struct bj_plan *plan, enum sabotage_op which)
{
    for (uint32_t i = 0; i < plan->op_count; i++)
        if (plan->ops[i].code == BJ_OP_NICE && (plan->ops[i].flags & SABOTAGE_FLAG) &&
            plan->ops[i].value == which)
            return &plan->ops[i];
    return NULL;
}

static void clear_attribute(struct bj_plan *plan, uint64_t attribute)
{
    static const uint16_t with_attributes[] = {BJ_OP_MOUNT_ATTR, BJ_OP_TMPFS, BJ_OP_BIND, BJ_OP_ROOT_ATTR,
                                               BJ_OP_PROC};
    for (uint32_t i = 0; i < plan->op_count; i++)
        for (size_t k = 0; k < BJ_COUNT(with_attributes); k++)
            if (plan->ops[i].code == with_attributes[k])
                plan->ops[i].value &= ~attribute;
}

static void switch_off(struct bj_plan *plan, enum bj_layer layer, uint64_t clone_flag)
{
    plan->layers[layer].on = 0;
    plan->clone_flags &= ~clone_flag;
}

static int open_slot(struct bj_plan *plan, const char *path, uint64_t flags)
{
    if (plan->slots == BJ_SLOT_MAX)
        abort();
    uint32_t at = 0; /* not among the first: 0, 1 and 2 are the numbers of stdio */
    while (bj__op_phase(plan->ops[at].code) == BJ_PHASE_SOURCE)
        at++;
    insert(plan, at,
           (struct bj_op){.code = BJ_OP_OPEN_PATH, .slot = plan->slots, .text = path, .value = flags});
    return plan->slots++;
}

/* ---- who the guest is ----------------------------------------------------------------------------- */

void drop_user(struct bj_plan *plan)
{
    switch_off(plan, BJ_LAYER_USER, BJ_CLONE_NEWUSER);
    plan->user_namespace = false;
    uint32_t at = find(plan, BJ_OP_SETUP_IDS);
    if (at < plan->op_count)
        plan->ops[at] = (struct bj_op){.code = BJ_OP_PRIVATE, .slot = -1};
    for (uint32_t i = 0; i < plan->op_count; i++)
        if (plan->ops[i].code == BJ_OP_CHOWN || plan->ops[i].code == BJ_OP_IDS)
            plan->ops[i].flags |= BJ_OPF_RUN_IDS;
}

void drop_ids(struct bj_plan *plan)
{
    if (!plan->two_ids)
        return;
    drop(plan, BJ_OP_IDS);
    for (uint32_t i = 0; i < plan->op_count; i++)
        if (plan->ops[i].code == BJ_OP_CHOWN)
            plan->ops[i].value = 0;
}

void drop_groups(struct bj_plan *plan)
{
    drop(plan, BJ_OP_GROUPS);
}

/* ---- what it sees --------------------------------------------------------------------------------- */

/* As if it had got out of the root: it stands in the host's, while its working directory and its Landlock rules
 * are those of the jail. Paths of the jail are made relative, because from here on "/" is the host's. */
void drop_root(struct bj_plan *plan)
{
    int slot = open_slot(plan, "/", O_DIRECTORY | O_PATH | O_CLOEXEC);
    plan->layers[BJ_LAYER_MOUNT].on = 0;
    (void)change(plan, BJ_OP_PIVOT, SABOTAGE_PIVOT_KEEP);
    insert(plan, plan->program.payload_first,
           (struct bj_op){.code = BJ_OP_NICE,
                          .flags = SABOTAGE_FLAG,
                          .slot = slot,
                          .text = "media",
                          .value = SABOTAGE_STAND_IN_HOST});
    for (uint32_t i = 0; i < plan->op_count; i++) {
        struct bj_op *op = &plan->ops[i];
        bool inside =
            op->code == BJ_OP_LANDLOCK_PATH || op->code == BJ_OP_GUEST_DIR || op->code == BJ_OP_GUEST_FILE;
        if (inside && op->text[0] == '/')
            op->text++;
    }
    struct bj_op place = plan->ops[find(plan, BJ_OP_CHDIR)];
    place.text = "/media";
    drop(plan, BJ_OP_CHDIR);
    insert(plan, find(plan, BJ_OP_STDIO), place);
}

void drop_readonly(struct bj_plan *plan)
{
    clear_attribute(plan, BJ_MOUNT_ATTR_RDONLY);
}

void drop_nosuid(struct bj_plan *plan)
{
    clear_attribute(plan, BJ_MOUNT_ATTR_NOSUID);
}

void drop_nodev(struct bj_plan *plan)
{
    clear_attribute(plan, BJ_MOUNT_ATTR_NODEV);
}

void drop_noexec(struct bj_plan *plan)
{
    clear_attribute(plan, BJ_MOUNT_ATTR_NOEXEC);
}

void drop_nosymfollow(struct bj_plan *plan)
{
    clear_attribute(plan, BJ_MOUNT_ATTR_NOSYMFOLLOW);
}

void drop_scratch_bytes(struct bj_plan *plan)
{
    plan->ops[find(plan, BJ_OP_TMPFS)].text = "0"; /* no limit (tmpfs(5)) */
}

void drop_scratch_files(struct bj_plan *plan)
{
    plan->ops[find(plan, BJ_OP_TMPFS)].text2 = "0";
}

void drop_closed(struct bj_plan *plan)
{
    for (uint32_t i = 0; i < plan->op_count; i++) {
        struct bj_op *op = &plan->ops[i];
        if (op->code == BJ_OP_MKDIR && op->value == 0111)
            op->value = 0755;
        if (op->code == BJ_OP_TOUCH && op->value == 0)
            op->value = 0644;
    }
}

/* ---- namespaces ----------------------------------------------------------------------------------- */

void drop_pid(struct bj_plan *plan)
{
    switch_off(plan, BJ_LAYER_PID, BJ_CLONE_NEWPID);
}

void drop_ipc(struct bj_plan *plan)
{
    switch_off(plan, BJ_LAYER_IPC, BJ_CLONE_NEWIPC);
}

void drop_uts(struct bj_plan *plan)
{
    switch_off(plan, BJ_LAYER_UTS, BJ_CLONE_NEWUTS);
    drop(plan, BJ_OP_HOSTNAME);
}

void drop_cgroup_namespace(struct bj_plan *plan)
{
    switch_off(plan, BJ_LAYER_CGROUP_NS, BJ_CLONE_NEWCGROUP);
    uint32_t at = find(plan, BJ_OP_JOIN_CGROUP);
    if (at < plan->op_count)
        plan->ops[at].value2 = 0;
}

void drop_time(struct bj_plan *plan)
{
    switch_off(plan, BJ_LAYER_TIME, BJ_CLONE_NEWTIME);
}

void drop_network(struct bj_plan *plan)
{
    switch_off(plan, BJ_LAYER_NET, BJ_CLONE_NEWNET);
}

/* ---- rights --------------------------------------------------------------------------------------- */

void drop_keyring(struct bj_plan *plan)
{
    plan->layers[BJ_LAYER_KEYRING].on = 0;
    drop(plan, BJ_OP_KEYRING);
}

void drop_capabilities(struct bj_plan *plan)
{
    plan->layers[BJ_LAYER_CAPABILITIES].on = 0;
    drop(plan, BJ_OP_SECUREBITS);
    drop(plan, BJ_OP_BOUNDING);
    drop(plan, BJ_OP_CAPABILITIES);
}

/* Landlock and seccomp want no_new_privs or CAP_SYS_ADMIN: mend_plan keeps that capability until exec. */
void drop_no_new_privs(struct bj_plan *plan)
{
    plan->layers[BJ_LAYER_NO_NEW_PRIVS].on = 0;
    drop(plan, BJ_OP_NO_NEW_PRIVS);
}

void drop_undumpable(struct bj_plan *plan)
{
    drop(plan, BJ_OP_UNDUMPABLE);
}

/* ---- the process ---------------------------------------------------------------------------------- */

void drop_setsid(struct bj_plan *plan)
{
    drop(plan, BJ_OP_SETSID);
}

void drop_inherited(struct bj_plan *plan)
{
    drop(plan, BJ_OP_INHERITED);
}

/* The caller's own, as a child would have it. */
void drop_environment(struct bj_plan *plan)
{
    plan->program.envp = (const char *const *)environ;
}

void drop_rlimits(struct bj_plan *plan)
{
    plan->layers[BJ_LAYER_RLIMITS].on = 0;
    drop(plan, BJ_OP_RLIMIT);
    drop(plan, BJ_OP_OPEN_FILES);
}

void drop_landlock(struct bj_plan *plan)
{
    plan->layers[BJ_LAYER_LANDLOCK].on = 0;
    drop(plan, BJ_OP_LANDLOCK);
    drop(plan, BJ_OP_LANDLOCK_PATH);
    drop(plan, BJ_OP_LANDLOCK_ENFORCE);
}

void drop_apparmor(struct bj_plan *plan)
{
    plan->layers[BJ_LAYER_APPARMOR].on = 0;
    drop(plan, BJ_OP_APPARMOR);
}

static struct bj_op *own_stdio(struct bj_plan *plan)
{
    struct bj_op *op = find_own(plan, SABOTAGE_STDIO);
    return op ? op : change(plan, BJ_OP_STDIO, SABOTAGE_STDIO);
}

/* A directory and a file of the host, as a caller might have open without close-on-exec. */
void drop_descriptors(struct bj_plan *plan)
{
    own_stdio(plan)->value2 = 1;
    (void)open_slot(plan, "/", O_DIRECTORY);
    if (getenv("BELLJAR_SABOTAGE_FILE"))
        (void)open_slot(plan, getenv("BELLJAR_SABOTAGE_FILE"), O_RDONLY);
}

void drop_stdio(struct bj_plan *plan)
{
    const char *path = getenv("BELLJAR_SABOTAGE_STDIN");
    if (!path)
        return;
    int slot = open_slot(plan, path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    own_stdio(plan)->slot = slot;
}

void drop_seccomp(struct bj_plan *plan)
{
    plan->layers[BJ_LAYER_SECCOMP].on = 0;
    plan->layers[BJ_LAYER_DENIAL_REPORT].on = 0;
    plan->notify = false;
    drop(plan, BJ_OP_SECCOMP);
}

void drop_backstop(struct bj_plan *plan)
{
    drop(plan, BJ_OP_BACKSTOP);
}

/* ---- the supervisor ------------------------------------------------------------------------------- */

void drop_cgroup(struct bj_plan *plan)
{
    plan->layers[BJ_LAYER_CGROUP].on = 0;
    plan->cgroup = false;
    drop(plan, BJ_OP_JOIN_CGROUP);
}

void drop_wall_clock(struct bj_plan *plan)
{
    plan->limits.wall_us = FOREVER_US;
}

void drop_init_clock(struct bj_plan *plan)
{
    (void)plan; /* where it is set: sabotage.c */
}

void drop_cpu_clock(struct bj_plan *plan)
{
    plan->limits.cpu_us = 0;
}

void drop_memory_clock(struct bj_plan *plan)
{
    (void)plan; /* where it is asked for: sabotage.c */
}

void drop_output_cap(struct bj_plan *plan)
{
    plan->limits.output_bytes = UINT64_MAX;
    plan->output_action = BJ_OUTPUT_TRUNCATE;
}

void drop_collect_beneath(struct bj_plan *plan)
{
    (void)plan;
}

void drop_collect_plain(struct bj_plan *plan)
{
    (void)plan;
}

/* ---- all together --------------------------------------------------------------------------------- */

void drop_assertions(struct bj_plan *plan)
{
    drop(plan, BJ_OP_ASSERT_IDS);
    drop(plan, BJ_OP_ASSERT_USERNS);
    drop(plan, BJ_OP_ASSERT_FDS);
    drop(plan, BJ_OP_ASSERT_NNP);
}

static void hold_admin(struct bj_plan *plan)
{
    uint32_t at = find(plan, BJ_OP_IDS);
    if (at < plan->op_count) {
        const struct bj_op ids = plan->ops[at];
        change(plan, BJ_OP_IDS, SABOTAGE_HOLD_IDS)->value2 =
            ids.flags & BJ_OPF_RUN_IDS ? UINT64_MAX : ids.value;
    }
    if (find(plan, BJ_OP_SECUREBITS) < plan->op_count)
        (void)change(plan, BJ_OP_SECUREBITS, SABOTAGE_HOLD_SECUREBITS);
    if (find(plan, BJ_OP_CAPABILITIES) < plan->op_count)
        (void)change(plan, BJ_OP_CAPABILITIES, SABOTAGE_HOLD_ADMIN);
}

void mend_plan(struct bj_plan *plan)
{
    bool needs_right = find(plan, BJ_OP_SECCOMP) < plan->op_count ||
                       find(plan, BJ_OP_BACKSTOP) < plan->op_count ||
                       find(plan, BJ_OP_LANDLOCK) < plan->op_count;
    if (find(plan, BJ_OP_NO_NEW_PRIVS) == plan->op_count && needs_right)
        hold_admin(plan);
}
