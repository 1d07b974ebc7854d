/* Operations on the process itself: session, limits, descriptors, signals, host name, interface.
 * Its own file because these are neither mounts nor rights.
 * Changes when: the payload starts with another process attribute. */
#include "base/reply.h"
#include "jail/child/child.h"

#include "jail/child/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* value: how many task lists there may be, from seat TASKS on; value2: make the control group namespace anew,
 * because the one that clone made has its root where the caller is, and shows the leaf's name below it
 * (cgroup_namespaces(7)). */
long bj__op_JOIN_CGROUP(struct bj_child *child, const struct bj_op *op)
{
    bool joined = false;
    for (uint64_t i = 0; i < op->value; i++) {
        if (child->seats[BJ_SEAT_TASKS + i] < 0)
            continue;
        long r = sys_write(BJ_SEAT_TASKS + (int)i, "0", 1);
        if (r < 0)
            return r;
        joined = true;
    }
    return joined && op->value2 ? sys1(SYS_unshare, BJ_CLONE_NEWCGROUP) : 0;
}

long bj__op_SETSID(struct bj_child *child, const struct bj_op *op)
{
    return sys0(SYS_setsid);
}

/* Real time and a better priority are the caller's, not the guest's; what makes it less important stays. */
static long lower_scheduling(void)
{
    int none = 0; /* struct sched_param */
    long r = sys1(SYS_sched_getscheduler, 0);
    if (r == SCHED_FIFO ||
        r == SCHED_RR) /* SCHED_DEADLINE cannot fork, SCHED_RESET_ON_FORK has done this already */
        r = sys3(SYS_sched_setscheduler, 0, SCHED_NORMAL, SYS_ARG(&none));
    if (r < 0)
        return r;
    r = sys2(SYS_getpriority, PRIO_PROCESS, 0); /* 20 - nice, the kernel's own way to say it */
    if (r > 20)
        r = sys3(SYS_setpriority, PRIO_PROCESS, 0, 0);
    return r;
}

/* What survives exec and is in no namespace. PER_LINUX: the caller may have switched off address space
 * randomization. */
long bj__op_INHERITED(struct bj_child *child, const struct bj_op *op)
{
    (void)sys1(SYS_umask, 022); /* cannot fail */
    long r = sys1(SYS_personality, 0);
    return r < 0 ? r : lower_scheduling();
}

/* value: a personality(2); what it says of addresses holds from exec on, and for what the program itself executes. */
long bj__op_FIXED_ADDRESSES(struct bj_child *child, const struct bj_op *op)
{
    (void)child;
    return sys1(SYS_personality, (long)op->value);
}

/* slot: the resource, value: soft limit, value2: hard limit. A caller's own hard limit that is tighter stays. */
long bj__op_RLIMIT(struct bj_child *child, const struct bj_op *op)
{
    uint64_t limit[2] = {op->value, op->value2}; /* struct rlimit64 */
    long r = sys4(SYS_prlimit64, 0, op->slot, SYS_ARG(limit), 0);
    if (r != -EPERM)
        return r;
    uint64_t present[2];
    r = sys4(SYS_prlimit64, 0, op->slot, 0, SYS_ARG(present));
    if (r < 0)
        return r;
    limit[1] = present[1] < limit[1] ? present[1] : limit[1];
    limit[0] = limit[0] < limit[1] ? limit[0] : limit[1];
    return sys4(SYS_prlimit64, 0, op->slot, SYS_ARG(limit), 0);
}

long bj__op_NICE(struct bj_child *child, const struct bj_op *op)
{
    long r = sys2(SYS_getpriority, PRIO_PROCESS, 0);
    if (r < 0 || r <= 20 - (long)op->value) /* a caller that is less important already may not come back */
        return r < 0 ? r : 0;
    return sys3(SYS_setpriority, PRIO_PROCESS, 0, (long)op->value);
}

long bj__op_HOSTNAME(struct bj_child *child, const struct bj_op *op)
{
    long r = sys2(SYS_sethostname, SYS_ARG(op->text), (long)op->value);
    return r < 0 ? r : sys2(SYS_setdomainname, SYS_ARG("(none)"), 6);
}

long bj__op_LOOPBACK(struct bj_child *child, const struct bj_op *op)
{
    struct ifreq request = {.ifr_ifrn.ifrn_name = "lo", .ifr_ifru.ifru_flags = IFF_UP};
    long fd = sys3(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    long r = sys3(SYS_ioctl, fd, SIOCSIFFLAGS, SYS_ARG(&request));
    (void)sys_close((int)fd);
    return r;
}

/* Opened by the process itself, so that it can be no other one; the filter that follows refuses pidfd_open. */
long bj__op_PIDFD(struct bj_child *child, const struct bj_op *op)
{
    long pid = sys0(SYS_getpid);
    long fd = sys2(SYS_pidfd_open, pid, 0);
    if (fd >= 0)
        child->pidfd = (int)fd;
    return fd;
}

/* Descriptors 0, 1, 2 to their seats; SYNC and HOLD stay until exec closes them; everything else goes. */
long bj__op_STDIO(struct bj_child *child, const struct bj_op *op)
{
    for (int i = 0; i < 3; i++) {
        long r = sys3(SYS_dup3, BJ_SEAT_STDIN + i, i, 0);
        if (r < 0)
            return r;
    }
    bool answers = child->seats[BJ_SEAT_ANSWERS] >= 0;
    /* Their numbers at last are seats that the payload does not have. */
    if (child->program->guest) {
        long r = sys3(SYS_dup3, BJ_SEAT_REQUEST, BJ_GUEST_REQUEST, 0);
        if (r >= 0)
            r = sys3(SYS_dup3, BJ_SEAT_REPLY, BJ_GUEST_REPLY, 0);
        if (r >= 0 && answers)
            r = sys3(SYS_dup3, BJ_SEAT_ANSWERS, BJ_GUEST_ANSWERS, 0);
        if (r < 0)
            return r;
    }
    return sys3(SYS_close_range, (answers ? BJ_GUEST_ANSWERS : BJ_GUEST_REPLY) + 1, ~0u, 0);
}

long bj__child_default_signal(long signal)
{
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        uint64_t mask;
    } action;
    memset(&action, 0, sizeof(action)); /* SIG_DFL */
    return sys4(SYS_rt_sigaction, signal, SYS_ARG(&action), 0, sizeof(action.mask));
}

/* The caller may ignore or block signals, and both survive exec. */
long bj__op_SIGNALS(struct bj_child *child, const struct bj_op *op)
{
    for (long signal = 1; signal <= 64; signal++)
        if (signal != 9 && signal != 19) { /* SIGKILL, SIGSTOP cannot be set */
            long r = bj__child_default_signal(signal);
            if (r < 0)
                return r;
        }
    uint64_t empty = 0;
    return sys4(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, SYS_ARG(&empty), 0, sizeof(empty));
}
