/* Operations that only the sabotaged command has: what a wall leaves undone when it is not there.
 * Its own file because it runs between clone and exec, under the rules of src/jail/child.
 * Changes when: a wall cannot be taken away by leaving an operation out. */
#include "sabotage.h"

#include "jail/child/child.h"
#include "jail/child/sys.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

static long pivot_keep(void)
{
    long r = sys2(SYS_pivot_root, SYS_ARG("."), SYS_ARG("."));
    return r < 0 ? r : sys1(SYS_chdir, SYS_ARG("/"));
}

/* The jail's working directory goes along, to a place that every host has, so that it has a name there. */
static long take_box_along(int host, const char *place)
{
    long tree = sys3(SYS_open_tree, BJ_AT_FDCWD, SYS_ARG("/box"),
                     BJ_OPEN_TREE_CLONE | BJ_OPEN_TREE_CLOEXEC | BJ_AT_RECURSIVE);
    if (tree < 0)
        return tree;
    long r = sys5(SYS_move_mount, tree, SYS_ARG(""), host, SYS_ARG(place), BJ_MOVE_MOUNT_F_EMPTY_PATH);
    (void)sys_close((int)tree);
    return r;
}

static long stand_in_host(int host, const char *place)
{
    long r = take_box_along(host, place);
    long own = r < 0 ? r : sys_openat(BJ_AT_FDCWD, "/", 012200000 /* O_PATH | O_DIRECTORY | O_CLOEXEC */, 0);
    if (own < 0)
        return own;
    r = sys1(SYS_fchdir, host);
    if (r >= 0)
        r = sys1(SYS_chroot, SYS_ARG("."));
    return r < 0 ? r : sys1(SYS_fchdir, own);
}

static long keep_only_admin(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const uint32_t admin = 1u << CAP_SYS_ADMIN;
    struct __user_cap_data_struct data[2] = {{admin, admin, 0}, {0, 0, 0}};
    return sys2(SYS_capset, SYS_ARG(&header), SYS_ARG(data));
}

static long hold_ids(const struct bj_child *child, uint64_t wanted)
{
    long id = wanted == UINT64_MAX ? (long)child->run_id + 1 : (long)wanted;
    long r = sys2(SYS_prctl, PR_SET_KEEPCAPS, 1);
    if (r >= 0)
        r = sys3(SYS_setresgid, id, id, id);
    if (r >= 0)
        r = sys3(SYS_setresuid, id, id, id);
    return r < 0 ? r : keep_only_admin();
}

static long take_stdio(const struct bj_child *child, const struct bj_op *op)
{
    for (int i = 0; i < 3; i++) {
        int from = i == 0 && op->slot >= 0 ? child->slots[op->slot] : BJ_SEAT_STDIN + i;
        long r = sys3(SYS_dup3, from, i, 0);
        if (r < 0)
            return r;
    }
    return op->value2 ? 0 : sys3(SYS_close_range, BJ_SEAT_HOLD + 1, ~0u, 0);
}

long __real_bj__op_NICE(struct bj_child *child, const struct bj_op *op);
long __wrap_bj__op_NICE(struct bj_child *child, const struct bj_op *op);
long __wrap_bj__op_NICE(struct bj_child *child, const struct bj_op *op)
{
    if (!(op->flags & SABOTAGE_FLAG))
        return __real_bj__op_NICE(child, op);
    switch ((enum sabotage_op)op->value) {
    case SABOTAGE_PIVOT_KEEP:
        return pivot_keep();
    case SABOTAGE_STAND_IN_HOST:
        return stand_in_host(child->slots[op->slot], op->text);
    case SABOTAGE_HOLD_SECUREBITS:
        return sys2(SYS_prctl, PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS);
    case SABOTAGE_HOLD_IDS:
        return hold_ids(child, op->value2);
    case SABOTAGE_HOLD_ADMIN:
        return keep_only_admin();
    case SABOTAGE_STDIO:
        return take_stdio(child, op);
    default:
        return -EINVAL;
    }
}
