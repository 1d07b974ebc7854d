/* The mounts of the spec: sources opened with the caller's rights, targets in the new root; and /dev.
 * Its own file because what is taken from the host is decided here.
 * Changes when: a mount can be asked for in another way. */
#include "plan/kernel_flags.h"
#include "plan/plan_internal.h"

static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};

/* nodev is not the point of a device; everything else is. A device on a read-only mount can be written to all
 * the same, but its node, which is the host's, cannot be touched: mode 0666 lets anybody set its times
 * (utimensat(2)). */
#define DEVICE_ATTRIBUTES (BJ_MOUNT_ATTR_RDONLY | BJ_MOUNT_ATTR_NOSUID | BJ_MOUNT_ATTR_NOEXEC)

static uint64_t mount_attributes(const struct bj_build *build, const struct bj_mount *mount)
{
    uint64_t attributes = BJ_MOUNT_ATTR_NOSUID | BJ_MOUNT_ATTR_NODEV;
    if (mount->mode == BJ_MOUNT_RO)
        attributes |= BJ_MOUNT_ATTR_RDONLY;
    else if (build->host->nosymfollow)
        attributes |= BJ_MOUNT_ATTR_NOSYMFOLLOW; /* where guests write, links lead nowhere */
    if (!mount->executable)
        attributes |= BJ_MOUNT_ATTR_NOEXEC;
    return attributes;
}

static struct bj_op *add_source(struct bj_build *build, const char *path, int slot, uint64_t attributes,
                                uint16_t flags)
{
    struct bj_op *tree = bj__plan_add(build, BJ_OP_OPEN_TREE, path);
    tree->slot = slot;
    tree->flags = flags;
    struct bj_op *op = bj__plan_add(build, BJ_OP_MOUNT_ATTR, NULL);
    op->slot = slot;
    op->flags = flags & BJ_OPF_RECURSIVE;
    op->value = attributes;
    return tree;
}

int bj__plan_sources(struct bj_build *build)
{
    const struct bj_spec *spec = build->spec;
    if (build->plan->cgroup) {
        struct bj_op *op = bj__plan_add(build, BJ_OP_JOIN_CGROUP, NULL);
        op->value = BJ_CGROUP_V1_HIERARCHIES;
        op->value2 = bj__plan_layer_on(build, BJ_LAYER_CGROUP_NS);
    }
    if (bj__plan_layer_on(build, BJ_LAYER_APPARMOR)) {
        build->proc_slot = bj__plan_new_slot(build);
        struct bj_op *op = bj__plan_add(build, BJ_OP_OPEN_PATH, "/proc");
        op->slot = build->proc_slot;
        op->value = 02200000; /* O_DIRECTORY | O_CLOEXEC */
    }
    build->first_mount_slot = build->plan->slots;
    for (size_t i = 0; i < spec->mount_count; i++) {
        int slot = bj__plan_new_slot(build);
        if (build->sources->mounts[i] == BJ_SOURCE_MISSING)
            continue;
        char *source = bj__plan_copy(build, spec->mounts[i].source);
        char *beneath = spec->mounts[i].beneath ? bj__plan_copy(build, spec->mounts[i].beneath) : NULL;
        /* Recursive: mounts that came from a more privileged namespace may not be split (mount_namespaces(7)). */
        uint16_t flags = BJ_OPF_RECURSIVE | (spec->mounts[i].optional ? BJ_OPF_OPTIONAL : 0);
        add_source(build, source, slot, mount_attributes(build, &spec->mounts[i]), flags)->text2 = beneath;
    }
    build->device_slots = build->plan->slots;
    for (size_t i = 0; i < BJ_COUNT(devices); i++)
        (void)add_source(build, devices[i], bj__plan_new_slot(build), DEVICE_ATTRIBUTES, 0);
    if (build->sources->guest) {
        build->guest_slot = bj__plan_new_slot(build);
        (void)add_source(build, bj__plan_copy(build, build->sources->guest), build->guest_slot,
                         BJ_MOUNT_ATTR_RDONLY | BJ_MOUNT_ATTR_NOSUID | BJ_MOUNT_ATTR_NODEV, 0);
    }
    return 0;
}

/* Longest target that is the path or a parent of it. */
const struct bj_mount *bj__plan_covering_mount(const struct bj_build *build, const char *path)
{
    const struct bj_mount *best = NULL;
    size_t best_length = 0;
    for (size_t i = 0; i < build->spec->mount_count; i++) {
        const struct bj_mount *mount = &build->spec->mounts[i];
        size_t length = strlen(mount->target);
        if (build->sources->mounts[i] == BJ_SOURCE_MISSING || strncmp(path, mount->target, length) != 0 ||
            (path[length] != '/' && path[length] != 0) || length <= best_length)
            continue;
        best = mount;
        best_length = length;
    }
    return best;
}

static void touch(struct bj_build *build, const char *path, uint64_t mode)
{
    bj__plan_make_parents(build, path);
    struct bj_op *op = bj__plan_add(build, BJ_OP_TOUCH, bj__plan_copy(build, path + 1));
    op->value = mode;
    build->inodes++;
}

static void attach(struct bj_build *build, const char *path, int slot)
{
    bj__plan_add(build, BJ_OP_ATTACH, bj__plan_copy(build, path + 1))->slot = slot;
}

static size_t path_depth(const char *path)
{
    size_t depth = 0;
    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

static void add_target(struct bj_build *build, size_t index)
{
    const struct bj_mount *mount = &build->spec->mounts[index];
    enum bj_source_kind kind = build->sources->mounts[index];
    if (kind == BJ_SOURCE_MISSING)
        return;
    /* Below another mount nothing can be made: the place must exist there. */
    bool in_root = true;
    for (size_t i = 0; i < build->spec->mount_count; i++) {
        size_t length = strlen(build->spec->mounts[i].target);
        if (i != index && build->sources->mounts[i] != BJ_SOURCE_MISSING &&
            strncmp(mount->target, build->spec->mounts[i].target, length) == 0 && mount->target[length] == '/')
            in_root = false;
    }
    if (in_root && kind == BJ_SOURCE_DIRECTORY)
        bj__plan_make_directory(build, mount->target, 0755);
    else if (in_root)
        touch(build, mount->target, 0444);
    attach(build, mount->target, build->first_mount_slot + (int)index);
}

/* Parents before children, whatever the order in the spec. */
void bj__plan_mounts(struct bj_build *build)
{
    for (size_t depth = 1; depth <= BJ_MAX_PATH_DEPTH; depth++)
        for (size_t i = 0; i < build->spec->mount_count; i++)
            if (path_depth(build->spec->mounts[i].target) == depth)
                add_target(build, i);
    for (size_t i = 0; i < BJ_COUNT(devices); i++) {
        touch(build, devices[i], 0666);
        attach(build, devices[i], build->device_slots + (int)i);
    }
    if (build->guest_slot >= 0) {
        touch(build, bj__snippet_program, 0555);
        attach(build, bj__snippet_program, build->guest_slot);
    }
}
