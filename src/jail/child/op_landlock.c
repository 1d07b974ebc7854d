/* Operations of Landlock and AppArmor: the two security modules that a process enters by itself.
 * Its own file because both act on what a path means, after the root is in place.
 * Changes when: Landlock has another kind of rule. */
#include "jail/child/child.h"

#include "jail/child/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* value: file system rights handled, value2: network rights (low half) and scopes (high half), already masked
 * to what this kernel knows; slot: the ABI, which decides how much of the structure the kernel reads. */
long bj__op_LANDLOCK(struct bj_child *child, const struct bj_op *op)
{
    struct bj_landlock_ruleset_attr attr = {.handled_access_fs = op->value,
                                            .handled_access_net = op->value2 & 0xffffffffu,
                                            .scoped = op->value2 >> 32};
    long size = op->slot >= 6 ? 24 : op->slot >= 4 ? 16 : 8;
    long fd = sys3(SYS_landlock_create_ruleset, SYS_ARG(&attr), size, 0);
    if (fd >= 0)
        child->ruleset = (int)fd;
    return fd;
}

/* text: path in the jail, value: rights. OPTIONAL: the path may be missing. */
long bj__op_LANDLOCK_PATH(struct bj_child *child, const struct bj_op *op)
{
    long fd = sys_openat(BJ_AT_FDCWD, op->text, O_PATH | O_CLOEXEC, 0);
    if (fd < 0)
        return fd == -ENOENT && (op->flags & BJ_OPF_OPTIONAL) ? 0 : fd;
    struct bj_landlock_path_attr attr = {.allowed_access = op->value, .parent_fd = (int32_t)fd};
    long r = sys4(SYS_landlock_add_rule, child->ruleset, 1 /* LANDLOCK_RULE_PATH_BENEATH */, SYS_ARG(&attr), 0);
    (void)sys_close((int)fd);
    return r;
}

long bj__op_LANDLOCK_ENFORCE(struct bj_child *child, const struct bj_op *op)
{
    long r = sys2(SYS_landlock_restrict_self, child->ruleset, 0);
    (void)sys_close(child->ruleset);
    child->ruleset = -1;
    return r;
}

/* slot: the host's /proc, opened before the pivot; text: "exec PROFILE", value: its length. */
long bj__op_APPARMOR(struct bj_child *child, const struct bj_op *op)
{
    long fd = sys_openat(child->slots[op->slot], "thread-self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC, 0);
    if (fd == -ENOENT) /* before Linux 5.8 */
        fd = sys_openat(child->slots[op->slot], "thread-self/attr/exec", O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    long r = sys_write((int)fd, op->text, op->value);
    (void)sys_close((int)fd);
    return r < 0 ? r : 0;
}
