/* The real command with walls missing: the same sources, but a plan is edited where it should be checked.
 * Its own file because the product must not have a way to do this; it is linked by -Wl,--wrap, for tests only.
 * Changes when: a wall stands somewhere that a plan does not show.
 *
 * BELLJAR_SABOTAGE="landlock,pid" takes these walls away; the assertions that would notice go too, unless
 * BELLJAR_SABOTAGE_ASSERTIONS=1. Without the variable this is the command as it is.
 * BELLJAR_SABOTAGE_STRICT=1: it is an error if there was nothing to take away.
 * BELLJAR_SABOTAGE_CHECK=1: the edited plan is checked once more. */
#include "sabotage.h"

#include "jail/child/child.h"
#include "jail/jail.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const struct {
    const char *name;
    void (*take_away)(struct bj_plan *plan);
} walls[] = {
#define X(name, take_away, what) {name, take_away},
#include "walls.def"
#undef X
};

static uint64_t real_wall_us;

static bool is_in_list(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == 0))
            return true;
    return false;
}

bool sabotage_is_off(const char *wall)
{
    return is_in_list(getenv("BELLJAR_SABOTAGE"), wall);
}

static bool are_all_known(const char *list)
{
    for (const char *at = list; *at;) {
        size_t length = strcspn(at, ",");
        bool known = false;
        for (size_t i = 0; i < BJ_COUNT(walls); i++)
            known |= strlen(walls[i].name) == length && strncmp(walls[i].name, at, length) == 0;
        if (!known)
            return false;
        at += length + (at[length] == ',');
    }
    return true;
}

/* What an edit may change, to see whether it did: a wall that a plan does not have cannot be taken away. */
struct picture {
    struct bj_plan plan;
    struct bj_op *ops;
};

static struct picture take_picture(const struct bj_plan *plan)
{
    struct picture picture = {.plan = *plan, .ops = calloc(BJ_MAX_OPS, sizeof(*plan->ops))};
    if (!picture.ops)
        abort();
    memcpy(picture.ops, plan->ops, plan->op_count * sizeof(*plan->ops));
    return picture;
}

static bool is_changed(struct picture *before, const struct bj_plan *plan)
{
    bool changed = before->plan.op_count != plan->op_count || before->plan.clone_flags != plan->clone_flags ||
                   before->plan.cgroup != plan->cgroup || before->plan.program.envp != plan->program.envp ||
                   memcmp(&before->plan.limits, &plan->limits, sizeof(plan->limits)) != 0 ||
                   memcmp(before->ops, plan->ops, plan->op_count * sizeof(*plan->ops)) != 0;
    free(before->ops);
    return changed;
}

static bool take_away(struct bj_plan *plan, size_t wall)
{
    struct picture before = take_picture(plan);
    walls[wall].take_away(plan);
    /* These stand in what the parent does, below. */
    bool elsewhere = walls[wall].take_away == drop_init_clock ||
                     (walls[wall].take_away == drop_memory_clock && !plan->cgroup) ||
                     (strncmp(walls[wall].name, "collect_", 8) == 0 && plan->collect.count > 0);
    return is_changed(&before, plan) || elsewhere;
}

int __real_bj__plan_check(const struct bj_plan *plan, struct bj_error *err);
int __wrap_bj__plan_check(const struct bj_plan *plan, struct bj_error *err);
int __wrap_bj__plan_check(const struct bj_plan *plan, struct bj_error *err)
{
    const char *list = getenv("BELLJAR_SABOTAGE");
    int r = __real_bj__plan_check(plan, err);
    if (r < 0 || !list || !*list)
        return r;
    /* Not even here is the guest the host's root. */
    if (!are_all_known(list) || (sabotage_is_off("user") && sabotage_is_off("ids")))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "BELLJAR_SABOTAGE", "not to be taken away: %.80s",
                         list);
    struct bj_plan *open = (struct bj_plan *)(uintptr_t)plan; /* not frozen yet: bj__plan_build is about to */
    real_wall_us = plan->limits.wall_us;
    bool there = false;
    if (!getenv("BELLJAR_SABOTAGE_ASSERTIONS"))
        drop_assertions(open);
    for (size_t i = 0; i < BJ_COUNT(walls); i++)
        if (sabotage_is_off(walls[i].name))
            there |= take_away(open, i);
    if (!there && getenv("BELLJAR_SABOTAGE_STRICT"))
        return bj__error(err, BJ_ERROR_INVALID, ENOENT, "BELLJAR_SABOTAGE", "this plan has no such wall: %.80s",
                         list);
    mend_plan(open);
    open->program.ops = open->ops;
    open->program.op_count = open->op_count;
    return getenv("BELLJAR_SABOTAGE_CHECK") ? __real_bj__plan_check(plan, err) : 0;
}

/* pid 1 is told its own deadline: it stands or falls apart from the supervisor's. */
int __real_bj__sync_send(const struct bj_jail *jail, uint16_t step, uint64_t arg);
int __wrap_bj__sync_send(const struct bj_jail *jail, uint16_t step, uint64_t arg);
int __wrap_bj__sync_send(const struct bj_jail *jail, uint16_t step, uint64_t arg)
{
    if (step == BJ_STEP_GO && real_wall_us > 0)
        arg = sabotage_is_off("init_clock") ? 600000000u : real_wall_us;
    return __real_bj__sync_send(jail, step, arg);
}

/* The supervisor adds up memory only where the kernel does not. */
bool __real_bj__cgroup_counts_memory(const struct bj_cgroup *cgroup);
bool __wrap_bj__cgroup_counts_memory(const struct bj_cgroup *cgroup);
bool __wrap_bj__cgroup_counts_memory(const struct bj_cgroup *cgroup)
{
    return sabotage_is_off("memory_clock") || __real_bj__cgroup_counts_memory(cgroup);
}

/* Collecting: follows whatever it meets, and takes whatever it gets for a plain file. */
static int collected_fd = -1;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    if (number != SYS_openat2)
        return __real_syscall(number, a, b, c, d, e, f);
    struct open_how how;
    memcpy(&how, (const void *)(uintptr_t)c,
           sizeof(how));                             /* NOLINT(performance-no-int-to-ptr): as it was given */
    bool collecting = how.resolve & RESOLVE_NO_XDEV; /* only collect.c says this */
    if (collecting && sabotage_is_off("collect_beneath")) {
        how.resolve = 0;
        how.flags &= ~(uint64_t)O_NOFOLLOW;
    }
    long fd = __real_syscall(number, a, b, &how, d);
    if (collecting)
        collected_fd = (int)fd;
    return fd;
}

int __real_fstat64(int fd, struct stat *status);
int __wrap_fstat64(int fd, struct stat *status);
int __wrap_fstat64(int fd, struct stat *status)
{
    int r = __real_fstat64(fd, status);
    if (r == 0 && fd == collected_fd && sabotage_is_off("collect_plain")) {
        status->st_mode = (status->st_mode & 07777u) | S_IFREG;
        status->st_nlink = 1;
    }
    return r;
}
