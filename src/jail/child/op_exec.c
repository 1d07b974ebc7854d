/* The last operations: load the filters, become the program.
 * Its own file because nothing may come after them.
 * Changes when: a filter is loaded or a program found in another way. */
#include "jail/child/child.h"

#include "jail/child/sys.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

static long load_filter(const char *filter, uint64_t count, unsigned long flags)
{
    struct {
        uint16_t length;
        const char *filter;
    } program = {(uint16_t)count, filter};
    return sys3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (long)flags, SYS_ARG(&program));
}

/* text: struct sock_filter[value]. Before the other, which does not allow seccomp(2). That it is there is tried by a call
 * that does nothing and always works: under the other filter nobody would notice that it is not. */
long bj__op_BACKSTOP(struct bj_child *child, const struct bj_op *op)
{
    (void)child;
    long r = load_filter(op->text, op->value, 0);
    return r >= 0 && sys1(SYS_unshare, 0) >= 0 ? -ENOTRECOVERABLE : r;
}

/* text: struct sock_filter[value]. NOTIFY: with a listener, which goes to the parent with EXECING; text2,
 * value2: the program that answers by itself, for a container whose own filter has a listener already (one
 * process, one listener: EBUSY). */
long bj__op_SECCOMP(struct bj_child *child, const struct bj_op *op)
{
    unsigned long flags = 0;
    if (op->flags & BJ_OPF_NOTIFY)
        flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    if (op->flags & BJ_OPF_KILLABLE)
        flags |= SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    long r = load_filter(op->text, op->value, flags);
    if (r == -EBUSY && op->text2)
        return load_filter(op->text2, op->value2, 0);
    if (r >= 0 && (op->flags & BJ_OPF_NOTIFY))
        child->listener = (int)r;
    return r;
}

/* pid 1 must be its own clean program, under its own filter, before the guest's first instruction. */
static long wait_for_init(void)
{
    char byte;
    long r;
    do {
        r = sys_read(BJ_SEAT_HOLD, &byte, 1);
    } while (r == -EINTR);
    return r == 0 ? -ESRCH : r; /* the end of file: it is dead, and so are we in a moment */
}

/* The last step: with what the supervisor needs to watch us. */
long bj__op_HAND_OVER(struct bj_child *child, const struct bj_op *op)
{
    long r = child->program->zygote ? 0 : wait_for_init();
    if (r < 0)
        return r;
    do {
        r = bj__child_send(child, BJ_STEP_EXECING, child->pidfd, child->listener);
    } while (r == -EINTR);
    if (child->listener >= 0)
        (void)sys_close(child->listener);
    (void)sys_close(child->pidfd);
    return r;
}

/* slot, value, value2: as RLIMIT. All processes of a user together have no more descriptors under way between them than the
 * sender's limit (unix(7), ETOOMANYREFS): set before HAND_OVER, one guest could keep a user's other jails from starting. */
long bj__op_OPEN_FILES(struct bj_child *child, const struct bj_op *op)
{
    return bj__op_RLIMIT(child, op);
}

/* No exec: the payload has all of a fork's memory for itself now that pid 1 is a program of its own. */
long bj__op_RESUME(struct bj_child *child, const struct bj_op *op)
{
    if (child->resume)
        child->resume(child);
    return -ENOEXEC;
}

long bj__op_EXEC(struct bj_child *child, const struct bj_op *op)
{
    const struct bj_program *program = child->program;
    long r;
    /* As execvp(3): go on to the next place when there is nothing here, and remember a refusal. */
    long result = -ENOENT;
    for (const char *const *path = program->candidates; *path; path++) {
        r = sys3(SYS_execve, SYS_ARG(*path), SYS_ARG(program->argv), SYS_ARG(program->envp));
        if (r != -ENOENT && r != -ENOTDIR)
            result = r;
        if (r != -ENOENT && r != -ENOTDIR && r != -EACCES)
            break;
    }
    return result;
}
