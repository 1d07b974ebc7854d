/* The new root: one tmpfs, read-only, with the scratch directories bound read-write.
 * Its own file because the layout of the jail's file system is decided here.
 * Changes when: the layout changes. */
#include "plan/kernel_flags.h"
#include "plan/plan_internal.h"

/* One tmpfs holds the skeleton and everything that the guest writes, so one size and one inode limit hold for
 * all of it. The root mount is read-only; only the binds of these three directories are not. */
static const char *const scratch[] = {"/tmp", "/box", "/dev/shm"};

#define ROOT_ATTRIBUTES (BJ_MOUNT_ATTR_NOSUID | BJ_MOUNT_ATTR_NODEV)

static bool is_made_full(struct bj_build *build)
{
    build->full |= build->made_count == BJ_MAX_MADE;
    return build->made_count == BJ_MAX_MADE;
}

static bool was_made(const struct bj_build *build, const char *path, size_t length)
{
    for (size_t i = 0; i < build->made_count; i++)
        if (strncmp(build->made[i], path, length) == 0 && build->made[i][length] == 0)
            return true;
    return false;
}

static void make_one(struct bj_build *build, const char *path, size_t length, uint64_t mode)
{
    if (length <= 1 || was_made(build, path, length) || is_made_full(build))
        return;
    char *copy = bj__arena_copy(&build->plan->arena, path, length);
    if (!copy || bj__plan_covering_mount(build, copy))
        return; /* exists in what is mounted there, or the mount says that it does not */
    build->made[build->made_count++] = copy;
    bj__plan_add(build, BJ_OP_MKDIR, copy + 1)->value = mode;
    build->inodes++;
}

void bj__plan_make_parents(struct bj_build *build, const char *path)
{
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/'))
        make_one(build, path, (size_t)(slash - path), 0755);
}

void bj__plan_make_directory(struct bj_build *build, const char *path, uint64_t mode)
{
    bj__plan_make_parents(build, path);
    size_t length = strlen(path);
    if (length <= 1 || was_made(build, path, length) || is_made_full(build))
        return;
    char *copy = bj__plan_copy(build, path);
    if (!copy)
        return;
    build->made[build->made_count++] = copy;
    bj__plan_add(build, BJ_OP_MKDIR, copy + 1)->value = mode;
    build->inodes++;
}

/* Doors that are closed: a program that looks is told "permission denied" where it would list a host directory
 * or open a host file, and nothing about what the host has. */
static void add_closed(struct bj_build *build)
{
    const struct bj_spec *spec = build->spec;
    for (size_t i = 0; i < spec->closed_directories.count; i++)
        bj__plan_make_directory(build, spec->closed_directories.items[i], 0111);
    for (size_t i = 0; i < spec->closed_files.count; i++) {
        const char *path = spec->closed_files.items[i];
        bj__plan_make_parents(build, path);
        bj__plan_add(build, BJ_OP_TOUCH, bj__plan_copy(build, path + 1))->value = 0;
        build->inodes++;
    }
}

static void add_links(struct bj_build *build)
{
    for (size_t i = 0; i < build->spec->link_count; i++) {
        const struct bj_link *link = &build->spec->links[i];
        bj__plan_make_parents(build, link->path);
        struct bj_op *op = bj__plan_add(build, BJ_OP_SYMLINK, bj__plan_copy(build, link->path + 1));
        op->text2 = bj__plan_copy(build, link->target);
        build->inodes++;
    }
}

static void add_scratch(struct bj_build *build)
{
    uint64_t attributes = ROOT_ATTRIBUTES | (build->host->nosymfollow ? BJ_MOUNT_ATTR_NOSYMFOLLOW : 0);
    if (!build->spec->scratch_executable)
        attributes |= BJ_MOUNT_ATTR_NOEXEC;
    for (size_t i = 0; i < BJ_COUNT(scratch); i++) {
        bj__plan_make_directory(build, scratch[i], i == 1 ? 0755 : 01777);
        struct bj_op *op = bj__plan_add(build, BJ_OP_CHOWN, scratch[i] + 1);
        op->value = BJ_GUEST_ID;
        op->flags = build->plan->user_namespace ? 0 : BJ_OPF_RUN_IDS;
        op = bj__plan_add(build, BJ_OP_BIND, scratch[i] + 1);
        op->text2 = scratch[i] + 1;
        op->value = attributes;
    }
}

static void add_proc(struct bj_build *build)
{
    static const char *const links[][2] = {
        {"dev/fd", "/proc/self/fd"}, {"dev/stdin", "fd/0"}, {"dev/stdout", "fd/1"}, {"dev/stderr", "fd/2"}};
    if (build->spec->proc == BJ_PROC_NONE)
        return;
    bj__plan_make_directory(build, "/proc", 0555);
    struct bj_op *op = bj__plan_add(build, BJ_OP_PROC, "proc");
    op->value = BJ_MOUNT_ATTR_NOSUID | BJ_MOUNT_ATTR_NODEV | BJ_MOUNT_ATTR_NOEXEC | BJ_MOUNT_ATTR_RDONLY;
    for (size_t i = 0; i < BJ_COUNT(links); i++) {
        bj__plan_add(build, BJ_OP_SYMLINK, links[i][0])->text2 = links[i][1];
        build->inodes++;
    }
}

static void add_ids_and_tmpfs(struct bj_build *build, struct bj_op **ret_tmpfs)
{
    struct bj_plan *plan = build->plan;
    if (!plan->user_namespace)
        bj__plan_add(build, BJ_OP_PRIVATE, NULL);
    else if (plan->two_ids)
        bj__plan_add(build, BJ_OP_SETUP_IDS, NULL)->value = 0;
    struct bj_op *op = bj__plan_add(build, BJ_OP_TMPFS, NULL);
    op->slot = bj__plan_new_slot(build);
    op->value = ROOT_ATTRIBUTES;
    bj__plan_add(build, BJ_OP_ENTER, NULL)->slot = op->slot;
    *ret_tmpfs = op;
}

void bj__plan_root(struct bj_build *build)
{
    const struct bj_spec *spec = build->spec;
    struct bj_op *tmpfs;
    add_ids_and_tmpfs(build, &tmpfs);
    add_closed(build);
    bj__plan_mounts(build);
    add_links(build);
    add_scratch(build);
    bj__plan_programs(build);
    add_proc(build);
    if (spec->network == BJ_NETWORK_LOOPBACK)
        bj__plan_add(build, BJ_OP_LOOPBACK, NULL);
    if (bj__plan_layer_on(build, BJ_LAYER_UTS))
        bj__plan_add(build, BJ_OP_HOSTNAME, bj__plan_copy(build, spec->hostname))->value =
            strlen(spec->hostname);
    bj__plan_add(build, BJ_OP_ROOT_ATTR, NULL)->value =
        ROOT_ATTRIBUTES | BJ_MOUNT_ATTR_RDONLY | BJ_MOUNT_ATTR_NOEXEC;
    bj__plan_add(build, BJ_OP_PIVOT, NULL);
    /* The guest gets the limits whole: what the skeleton takes is added. The kernel rounds up to pages. */
    tmpfs->text = bj__plan_format(build, "%llu", (unsigned long long)(spec->limits.disk_bytes + build->bytes));
    tmpfs->text2 = bj__plan_format(build, "%llu", (unsigned long long)(spec->limits.files + build->inodes + 1));
}
