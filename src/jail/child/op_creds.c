/* Operations that give up rights: ids, groups, capabilities, securebits, keyring, no_new_privs.
 * Its own file because what is given up here must never come back, and a reviewer reads it as one page.
 * Changes when: the kernel gets another right that can be given up. */
#include "jail/child/child.h"

#include "jail/child/sys.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

long bj__child_set_ids(long gid, long uid)
{
    long r = sys3(SYS_setresgid, gid, gid, gid);
    return r < 0 ? r : sys3(SYS_setresuid, uid, uid, uid);
}

/* value: inside uid and gid of the jail's root. */
long bj__op_SETUP_IDS(struct bj_child *child, const struct bj_op *op)
{
    return bj__child_set_ids((long)op->value, (long)op->value);
}

long bj__op_GROUPS(struct bj_child *child, const struct bj_op *op)
{
    return sys2(SYS_setgroups, 0, 0);
}

/* value: inside id of the guest; RUN_IDS: the outside id that came with MAPPED. */
long bj__op_IDS(struct bj_child *child, const struct bj_op *op)
{
    long id = op->flags & BJ_OPF_RUN_IDS ? (long)child->run_id + 1 : (long)op->value;
    return bj__child_set_ids(id, id);
}

/* A fresh anonymous session keyring: keys of the caller are possessed no longer (keyrings(7)). */
long bj__op_KEYRING(struct bj_child *child, const struct bj_op *op)
{
    long r = sys2(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0);
    return r == -ENOSYS ? 0 : r; /* a kernel without keys has none to give away */
}

long bj__op_SECUREBITS(struct bj_child *child, const struct bj_op *op)
{
    return sys2(SYS_prctl, PR_SET_SECUREBITS,
                SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                    SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED | SECBIT_KEEP_CAPS_LOCKED);
}

/* A fork has its zygote's set, which is empty: asking costs less than new credentials do. */
long bj__op_BOUNDING(struct bj_child *child, const struct bj_op *op)
{
    for (long capability = 0; capability < 64; capability++) {
        if (child->program->fork && sys2(SYS_prctl, PR_CAPBSET_READ, capability) == 0)
            continue;
        long r = sys2(SYS_prctl, PR_CAPBSET_DROP, capability);
        /* Beyond the last one that this kernel knows; one that it knows has a place in the set (capabilities(7)). */
        if (r == -EINVAL && sys2(SYS_prctl, PR_CAPBSET_READ, capability) < 0)
            return 0;
        if (r < 0)
            return r;
    }
    return 0;
}

long bj__op_NO_NEW_PRIVS(struct bj_child *child, const struct bj_op *op)
{
    return sys5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

long bj__op_UNDUMPABLE(struct bj_child *child, const struct bj_op *op)
{
    return sys2(SYS_prctl, PR_SET_DUMPABLE, 0);
}

/* What is permitted becomes inheritable, and then ambient (capabilities(7), "Capabilities and execution of programs"). */
long bj__op_KEEP(struct bj_child *child, const struct bj_op *op)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{0, 0, 0}, {0, 0, 0}};
    long r = sys2(SYS_capget, SYS_ARG(&header), SYS_ARG(sets));
    if (r < 0)
        return r;
    sets[0].inheritable = sets[0].permitted;
    sets[1].inheritable = sets[1].permitted;
    r = sys2(SYS_capset, SYS_ARG(&header), SYS_ARG(sets));
    for (long capability = 0; r >= 0 && capability < 64; capability++)
        if (sets[capability / 32].permitted >> (capability % 32) & 1)
            r = sys5(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
    return r;
}

long bj__op_CAPABILITIES(struct bj_child *child, const struct bj_op *op)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    long r = sys5(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return r < 0 ? r : sys2(SYS_capset, SYS_ARG(&header), SYS_ARG(none));
}
