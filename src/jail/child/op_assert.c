/* Assertions: try what must now be impossible, and fail the jail if it works.
 * Its own file because "drop, then prove the drop" is one idea (OpenSSH's permanently_set_uid).
 * Changes when: a wall is added whose absence can be tried from inside. */
#include "base/reply.h"
#include "jail/child/child.h"

#include "jail/child/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>

/* value: not 0 if no supplementary group may be left: to drop them takes a right that an ordinary user has not. */
long bj__op_ASSERT_IDS(struct bj_child *child, const struct bj_op *op)
{
    if (op->value && sys2(SYS_getgroups, 0, 0) != 0)
        return -ENOTRECOVERABLE;
    if (sys3(SYS_setresuid, 0, 0, 0) >= 0 || sys3(SYS_setresgid, 0, 0, 0) >= 0 ||
        sys2(SYS_setgroups, 0, 0) >= 0)
        return -ENOTRECOVERABLE;
    return sys0(SYS_geteuid) == 0 || sys0(SYS_getegid) == 0 ? -ENOTRECOVERABLE : 0;
}

/* No capability is left over the namespaces of the jail: neither the host name nor the root can be changed. */
long bj__op_ASSERT_USERNS(struct bj_child *child, const struct bj_op *op)
{
    if (sys2(SYS_sethostname, SYS_ARG("x"), 1) >= 0 || sys1(SYS_chroot, SYS_ARG("/")) >= 0 ||
        sys2(SYS_umount2, SYS_ARG("/"), 2) >= 0)
        return -ENOTRECOVERABLE;
    return 0;
}

long bj__op_ASSERT_FDS(struct bj_child *child, const struct bj_op *op)
{
    for (int fd = BJ_SEAT_SYNC; fd < 64; fd++) {
        bool its_own = fd == BJ_SEAT_SYNC || fd == BJ_SEAT_HOLD ||
                       (child->program->guest && (fd == BJ_GUEST_REQUEST || fd == BJ_GUEST_REPLY)) ||
                       (child->seats[BJ_SEAT_ANSWERS] >= 0 && fd == BJ_GUEST_ANSWERS);
        if (!its_own && sys3(SYS_fcntl, fd, F_GETFD, 0) != -EBADF)
            return -ENOTRECOVERABLE;
    }
    return 0;
}

long bj__op_ASSERT_NNP(struct bj_child *child, const struct bj_op *op)
{
    return sys5(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -ENOTRECOVERABLE;
}
