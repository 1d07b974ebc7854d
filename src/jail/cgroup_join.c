/* How a process gets into the v1 part of a leaf without stopping the machine.
 * Its own file because the obvious way, the parent writing the pid to cgroup.procs, takes a lock over all forks
 * and exits of the system and waits for an RCU grace period: 8 ms on an idle host. A task that writes 0 to
 * "tasks" moves only itself, and the kernel skips that lock (kernel/cgroup/cgroup.c, cgroup_procs_write_start).
 * Changes when: v1 goes. */
#include "jail/cgroup.h"

#include <fcntl.h>

int bj__cgroup_open_tasks(const struct bj_cgroup *cgroup, int ret_fds[BJ_CGROUP_V1_HIERARCHIES],
                          struct bj_error *err)
{
    const int leaves[BJ_CGROUP_V1_HIERARCHIES] = {cgroup->memory_fd, cgroup->pids_fd, cgroup->cpuacct_fd};
    for (size_t i = 0; i < BJ_CGROUP_V1_HIERARCHIES; i++) {
        if (leaves[i] < 0)
            continue;
        ret_fds[i] = openat(leaves[i], "tasks", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (ret_fds[i] < 0)
            return bj__error_system(err, errno, "layers.cgroup", "cannot open the task list of %s",
                                    cgroup->name);
    }
    return 0;
}
