/* The only place that clones.
 * Its own file because the moment at which one process becomes two is reviewed on its own.
 * Changes when: the flags of that moment change. */
#include "jail/child/child.h"
#include "jail/child/sys.h"
#include "jail/jail.h"

#include <signal.h>

/* exit_signal 0: the caller's wait(-1) does not see our child (clone(2), __WCLONE) before it is a program of
 * its own. Its exec makes it an ordinary child (fs/exec.c, de_thread): the caller may get SIGCHLD, reap it, or
 * ignore the signal and so have it reaped at once; bj__jail_reap copes. All signals are blocked across the
 * clone, so that no handler of the caller's runs in the child; pid 1 and the payload set their own masks. A raw
 * clone3 runs no pthread_atfork handler: that is why the child calls nothing of libc. */
pid_t bj__spawn(const struct bj_plan *plan, struct bj_child *child, int cgroup_fd, int *ret_pidfd,
                bool *ret_without_time)
{
    int pidfd = -1;
    uint64_t all = ~0ull;
    uint64_t before;
    struct bj_clone_args args = {
        .flags = plan->clone_flags | BJ_CLONE_PIDFD | BJ_CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
    };
    size_t size = offsetof(struct bj_clone_args, cgroup);
    if (cgroup_fd >= 0) {
        args.flags |= BJ_CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup_fd;
        size = sizeof(args);
    }
    long r = sys4(SYS_rt_sigprocmask, SIG_SETMASK, SYS_ARG(&all), SYS_ARG(&before), sizeof(all));
    if (r < 0)
        return (pid_t)r;
    long pid = sys2(SYS_clone3, SYS_ARG(&args), (long)size);
    if (pid == 0)
        bj__child_main(child);
    /* clone3 took CLONE_NEWTIME for a bad signal number until Linux 6.3. */
    bool without_time =
        pid == -EINVAL && plan->layers[BJ_LAYER_TIME].on && plan->layers[BJ_LAYER_TIME].mode == BJ_PREFER;
    if (without_time) {
        args.flags &= ~BJ_CLONE_NEWTIME;
        pid = sys2(SYS_clone3, SYS_ARG(&args), (long)size);
        if (pid == 0)
            bj__child_main(child);
    }
    *ret_without_time = without_time;
    (void)sys4(SYS_rt_sigprocmask, SIG_SETMASK, SYS_ARG(&before), 0,
               sizeof(before)); /* was in force a moment ago */
    if (pid > 0)
        *ret_pidfd = pidfd;
    return (pid_t)pid;
}
