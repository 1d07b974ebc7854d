/* Operations that fill the new root: directories, links, files, and the guest's own files.
 * Its own file because they are plain file work, relative to the new root or as the guest.
 * Changes when: another kind of thing is put into the root. */
#include "jail/child/child.h"

#include "jail/child/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>

/* text: path relative to the new root, value: mode. */
long bj__op_MKDIR(struct bj_child *child, const struct bj_op *op)
{
    long r = sys3(SYS_mkdirat, BJ_AT_FDCWD, SYS_ARG(op->text), (long)op->value);
    /* the umask is the caller's: say the mode once more where it takes bits away */
    return r < 0 ? r : sys3(SYS_fchmodat, BJ_AT_FDCWD, SYS_ARG(op->text), (long)op->value);
}

/* text: where the link stands, text2: what it says. */
long bj__op_SYMLINK(struct bj_child *child, const struct bj_op *op)
{
    return sys3(SYS_symlinkat, SYS_ARG(op->text2), BJ_AT_FDCWD, SYS_ARG(op->text));
}

/* text: path, value: mode. */
long bj__op_TOUCH(struct bj_child *child, const struct bj_op *op)
{
    long fd = sys_openat(BJ_AT_FDCWD, op->text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fd;
    long r = sys2(SYS_fchmod, fd, (long)op->value);
    (void)sys_close((int)fd);
    return r;
}

static long write_all(int fd, const char *bytes, uint64_t length)
{
    while (length > 0) {
        long n = sys_write(fd, bytes, length);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? n : -EIO;
        bytes += n;
        length -= (uint64_t)n;
    }
    return 0;
}

/* text: path, text2: bytes, value: length, value2: mode. */
static long write_file(const struct bj_op *op)
{
    long fd = sys_openat(BJ_AT_FDCWD, op->text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fd;
    long r = write_all((int)fd, op->text2, op->value);
    if (r >= 0)
        r = sys2(SYS_fchmod, fd, (long)op->value2);
    (void)sys_close((int)fd);
    return r;
}

long bj__op_PROGRAM(struct bj_child *child, const struct bj_op *op)
{
    return write_file(op);
}

long bj__op_GUEST_FILE(struct bj_child *child, const struct bj_op *op)
{
    return write_file(op);
}

long bj__op_GUEST_DIR(struct bj_child *child, const struct bj_op *op)
{
    return bj__op_MKDIR(child, op);
}

/* text: path, value: uid and gid. */
long bj__op_CHOWN(struct bj_child *child, const struct bj_op *op)
{
    long id = op->flags & BJ_OPF_RUN_IDS ? (long)child->run_id + 1 : (long)op->value;
    return sys5(SYS_fchownat, BJ_AT_FDCWD, SYS_ARG(op->text), id, id, BJ_AT_SYMLINK_NOFOLLOW);
}

/* text: absolute path in the jail. */
long bj__op_CHDIR(struct bj_child *child, const struct bj_op *op)
{
    return sys1(SYS_chdir, SYS_ARG(op->text));
}
