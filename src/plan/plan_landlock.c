/* Landlock: what the mounts say, said again by another mechanism; and what mounts cannot say. And AppArmor's profile.
 * Its own file because the rights of each ABI are a table of their own.
 * Changes when: the kernel's Landlock gets another ABI (landlock(7)). */
#include "plan/plan_internal.h"

enum {
    FS_EXECUTE = 1u << 0,
    FS_WRITE_FILE = 1u << 1,
    FS_READ_FILE = 1u << 2,
    FS_READ_DIR = 1u << 3,
    FS_REMOVE_DIR = 1u << 4,
    FS_REMOVE_FILE = 1u << 5,
    FS_MAKE_CHAR = 1u << 6,
    FS_MAKE_DIR = 1u << 7,
    FS_MAKE_REG = 1u << 8,
    FS_MAKE_SOCK = 1u << 9,
    FS_MAKE_FIFO = 1u << 10,
    FS_MAKE_BLOCK = 1u << 11,
    FS_MAKE_SYM = 1u << 12,
    FS_REFER = 1u << 13,
    FS_TRUNCATE = 1u << 14,
    FS_IOCTL_DEV = 1u << 15
};
#define FS_ABI1        ((1u << 13) - 1)
#define FS_FILE_RIGHTS (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)
#define FS_WRITABLE                                                                                            \
    (FS_WRITE_FILE | FS_READ_FILE | FS_READ_DIR | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | \
     FS_MAKE_SOCK | FS_MAKE_FIFO | FS_MAKE_SYM | FS_REFER | FS_TRUNCATE)
#define NET_TCP 3u   /* bind and connect, ABI 4 */
#define SCOPES  3ull /* abstract unix sockets and signals, ABI 6 */

/* What this kernel knows of the file system rights. */
static uint64_t known_rights(int abi)
{
    uint64_t known = FS_ABI1;
    if (abi >= 2)
        known |= FS_REFER;
    if (abi >= 3)
        known |= FS_TRUNCATE;
    if (abi >= 5)
        known |= FS_IOCTL_DEV;
    return known;
}

static void allow(struct bj_build *build, const char *path, uint64_t rights)
{
    struct bj_op *op = bj__plan_add(build, BJ_OP_LANDLOCK_PATH, path);
    op->value = rights & known_rights(build->host->landlock_abi);
}

static void allow_mounts(struct bj_build *build)
{
    for (size_t i = 0; i < build->spec->mount_count; i++) {
        const struct bj_mount *mount = &build->spec->mounts[i];
        enum bj_source_kind kind = build->sources->mounts[i];
        if (kind == BJ_SOURCE_MISSING)
            continue;
        uint64_t rights = mount->mode == BJ_MOUNT_RW ? FS_WRITABLE : FS_READ_FILE | FS_READ_DIR;
        if (mount->executable)
            rights |= FS_EXECUTE;
        if (kind == BJ_SOURCE_FILE)
            rights &= FS_FILE_RIGHTS;
        allow(build, bj__plan_copy(build, mount->target), rights);
    }
}

static void allow_own(struct bj_build *build)
{
    static const char *const scratch[] = {"/tmp", "/box", "/dev/shm"};
    uint64_t execute = build->spec->scratch_executable ? FS_EXECUTE : 0;
    for (size_t i = 0; i < BJ_COUNT(scratch); i++)
        allow(build, scratch[i], FS_WRITABLE | execute);
    allow(build, "/dev",
          FS_READ_DIR | FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE); /* nothing but our devices is there */
    if (build->sources->guest)
        allow(build, bj__snippet_program, FS_EXECUTE | FS_READ_FILE);
    if (build->spec->proc != BJ_PROC_NONE)
        allow(build, "/proc", FS_READ_FILE | FS_READ_DIR);
    for (size_t i = 0; i < build->sources->entry_count; i++) {
        const struct bj_source_entry *entry = &build->sources->entries[i];
        if (entry->executable && !entry->directory && !build->spec->scratch_executable)
            allow(build, bj__plan_format(build, "/box/%s", entry->path), FS_EXECUTE | FS_READ_FILE);
    }
}

/* Before Landlock is enforced, which lets nothing be opened for writing that is not in its rules, and the host's /proc
 * is not (landlock(7)). It takes effect at exec. */
static void add_apparmor(struct bj_build *build)
{
    if (!bj__plan_layer_on(build, BJ_LAYER_APPARMOR))
        return;
    char *text = bj__plan_format(build, "exec %s", build->host->apparmor_profile);
    struct bj_op *op = bj__plan_add(build, BJ_OP_APPARMOR, text);
    op->slot = build->proc_slot;
    op->value = text ? strlen(text) : 0;
}

void bj__plan_landlock(struct bj_build *build)
{
    int abi = build->host->landlock_abi;
    add_apparmor(build);
    if (!bj__plan_layer_on(build, BJ_LAYER_LANDLOCK))
        return;
    struct bj_op *op = bj__plan_add(build, BJ_OP_LANDLOCK, NULL);
    op->slot = abi;
    op->value = known_rights(abi);
    if (abi >= 4 && build->spec->network == BJ_NETWORK_NONE)
        op->value2 |= NET_TCP;
    if (abi >= 6)
        op->value2 |= SCOPES << 32;
    allow_mounts(build);
    allow_own(build);
    bj__plan_add(build, BJ_OP_LANDLOCK_ENFORCE, NULL);
}
