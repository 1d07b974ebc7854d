/* Operations on mounts: sources, the new root, attributes, pivot.
 * Its own file because all of them speak the mount API of Linux 5.2 to 5.12.
 * Changes when: the jail's root is put together in another way. */
#include "jail/child/child.h"

#include "jail/child/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* A request's source: from beneath on no link is followed, so it cannot lead out (CVE-2021-30465 and its kind). */
static long open_tree_beneath(const struct bj_op *op, long flags)
{
    struct bj_open_how how = {.flags = O_PATH | O_CLOEXEC,
                              .resolve = BJ_RESOLVE_NO_SYMLINKS | BJ_RESOLVE_NO_MAGICLINKS};
    long fd = sys4(SYS_openat2, BJ_AT_FDCWD, SYS_ARG(op->text), SYS_ARG(&how), sizeof(how));
    if (fd < 0)
        return fd;
    long tree = sys3(SYS_open_tree, fd, SYS_ARG(""), flags | BJ_AT_EMPTY_PATH);
    (void)sys_close((int)fd);
    return tree;
}

/* text: host path; text2: not NULL if it is a request's, and lies below this directory by name. OPTIONAL: a
 * missing source leaves the slot empty. */
long bj__op_OPEN_TREE(struct bj_child *child, const struct bj_op *op)
{
    long flags = BJ_OPEN_TREE_CLONE | BJ_OPEN_TREE_CLOEXEC;
    if (op->flags & BJ_OPF_RECURSIVE)
        flags |= BJ_AT_RECURSIVE;
    long fd =
        op->text2 ? open_tree_beneath(op, flags) : sys3(SYS_open_tree, BJ_AT_FDCWD, SYS_ARG(op->text), flags);
    if (fd < 0 && (op->flags & BJ_OPF_OPTIONAL) && (fd == -ENOENT || fd == -ENOTDIR))
        return 0;
    if (fd >= 0)
        child->slots[op->slot] = (int)fd;
    return fd;
}

/* text: host path; value: open(2) flags. */
long bj__op_OPEN_PATH(struct bj_child *child, const struct bj_op *op)
{
    long fd = sys_openat(BJ_AT_FDCWD, op->text, (int)op->value, 0);
    if (fd >= 0)
        child->slots[op->slot] = (int)fd;
    return fd;
}

static long set_attributes(int fd, const char *path, long at_flags, uint64_t set, uint64_t clear)
{
    struct bj_mount_attr attr = {.attr_set = set, .attr_clr = clear};
    return sys5(SYS_mount_setattr, fd, SYS_ARG(path), at_flags, SYS_ARG(&attr), sizeof(attr));
}

/* value: attributes to set, value2: to clear. */
long bj__op_MOUNT_ATTR(struct bj_child *child, const struct bj_op *op)
{
    int fd = child->slots[op->slot];
    if (fd < 0)
        return 0;
    long at_flags = BJ_AT_EMPTY_PATH | ((op->flags & BJ_OPF_RECURSIVE) ? BJ_AT_RECURSIVE : 0);
    return set_attributes(fd, "", at_flags, op->value, op->value2);
}

/* Only without a user namespace: with one, the kernel has made every mount a slave already, but a slave still
 * receives what the host mounts while the jail lives; this also stops that. */
long bj__op_PRIVATE(struct bj_child *child, const struct bj_op *op)
{
    struct bj_mount_attr attr = {.propagation = 1u << 18 /* MS_PRIVATE */};
    return sys5(SYS_mount_setattr, BJ_AT_FDCWD, SYS_ARG("/"), BJ_AT_RECURSIVE, SYS_ARG(&attr), sizeof(attr));
}

/* text: size in bytes, text2: inodes, value: mount attributes. The mount goes to the slot. */
long bj__op_TMPFS(struct bj_child *child, const struct bj_op *op)
{
    long fs = sys2(SYS_fsopen, SYS_ARG("tmpfs"), BJ_FSOPEN_CLOEXEC);
    if (fs < 0)
        return fs;
    long r = sys5(SYS_fsconfig, fs, BJ_FSCONFIG_SET_STRING, SYS_ARG("size"), SYS_ARG(op->text), 0);
    if (r >= 0)
        r = sys5(SYS_fsconfig, fs, BJ_FSCONFIG_SET_STRING, SYS_ARG("nr_inodes"), SYS_ARG(op->text2), 0);
    if (r >= 0)
        r = sys5(SYS_fsconfig, fs, BJ_FSCONFIG_SET_STRING, SYS_ARG("mode"), SYS_ARG("111"), 0);
    if (r >= 0)
        r = sys5(SYS_fsconfig, fs, BJ_FSCONFIG_CMD_CREATE, 0, 0, 0);
    if (r >= 0)
        r = sys3(SYS_fsmount, fs, BJ_FSMOUNT_CLOEXEC, (long)op->value);
    (void)sys_close((int)fs);
    if (r >= 0)
        child->slots[op->slot] = (int)r;
    return r;
}

/* The new root is attached over the old one, so that no directory of the host is needed to stand on. */
long bj__op_ENTER(struct bj_child *child, const struct bj_op *op)
{
    int fd = child->slots[op->slot];
    long r = sys5(SYS_move_mount, fd, SYS_ARG(""), BJ_AT_FDCWD, SYS_ARG("/"), BJ_MOVE_MOUNT_F_EMPTY_PATH);
    return r < 0 ? r : sys1(SYS_fchdir, fd);
}

/* text: place in the new root. */
long bj__op_ATTACH(struct bj_child *child, const struct bj_op *op)
{
    int *fd = &child->slots[op->slot];
    if (*fd < 0)
        return 0;
    long r = sys5(SYS_move_mount, *fd, SYS_ARG(""), BJ_AT_FDCWD, SYS_ARG(op->text), BJ_MOVE_MOUNT_F_EMPTY_PATH);
    (void)sys_close(*fd);
    *fd = -1;
    return r;
}

/* text: what is bound, text2: where; value: attributes to set, value2: to clear. */
long bj__op_BIND(struct bj_child *child, const struct bj_op *op)
{
    long fd = sys3(SYS_open_tree, BJ_AT_FDCWD, SYS_ARG(op->text), BJ_OPEN_TREE_CLONE | BJ_OPEN_TREE_CLOEXEC);
    if (fd < 0)
        return fd;
    long r = set_attributes((int)fd, "", BJ_AT_EMPTY_PATH, op->value, op->value2);
    if (r >= 0)
        r = sys5(SYS_move_mount, fd, SYS_ARG(""), BJ_AT_FDCWD, SYS_ARG(op->text2), BJ_MOVE_MOUNT_F_EMPTY_PATH);
    (void)sys_close((int)fd);
    return r;
}

/* text: place. subset=pid leaves only processes, hidepid=ptraceable only those that the guest may trace (so pid
 * 1, which is not dumpable, is not among them); both since Linux 5.8. */
long bj__op_PROC(struct bj_child *child, const struct bj_op *op)
{
    long fs = sys2(SYS_fsopen, SYS_ARG("proc"), BJ_FSOPEN_CLOEXEC);
    if (fs < 0)
        return fs;
    long r = sys5(SYS_fsconfig, fs, BJ_FSCONFIG_SET_STRING, SYS_ARG("subset"), SYS_ARG("pid"), 0);
    if (r >= 0)
        r = sys5(SYS_fsconfig, fs, BJ_FSCONFIG_SET_STRING, SYS_ARG("hidepid"), SYS_ARG("ptraceable"), 0);
    if (r >= 0)
        r = sys5(SYS_fsconfig, fs, BJ_FSCONFIG_CMD_CREATE, 0, 0, 0);
    if (r >= 0)
        r = sys3(SYS_fsmount, fs, BJ_FSMOUNT_CLOEXEC, (long)op->value);
    (void)sys_close((int)fs);
    if (r < 0)
        return r;
    long fd = r;
    r = sys5(SYS_move_mount, fd, SYS_ARG(""), BJ_AT_FDCWD, SYS_ARG(op->text), BJ_MOVE_MOUNT_F_EMPTY_PATH);
    (void)sys_close((int)fd);
    return r;
}

/* value: attributes of the root itself, not of what is mounted in it. */
long bj__op_ROOT_ATTR(struct bj_child *child, const struct bj_op *op)
{
    return set_attributes(BJ_AT_FDCWD, ".", 0, op->value, op->value2);
}

/* pivot_root(2), "pivot_root(".", ".")": the old root ends up below the new one and is let go. */
long bj__op_PIVOT(struct bj_child *child, const struct bj_op *op)
{
    long r = sys2(SYS_pivot_root, SYS_ARG("."), SYS_ARG("."));
    if (r >= 0)
        r = sys2(SYS_umount2, SYS_ARG("."), 2 /* MNT_DETACH */);
    if (r >= 0)
        r = sys1(SYS_chdir, SYS_ARG("/"));
    return r;
}
