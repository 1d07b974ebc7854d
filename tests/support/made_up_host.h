/* Two hosts that no machine need be: with all there is, as root and as an ordinary user.
 * Its own file because golden plans and divided plans are made on the same ones.
 * Changes when: a plan depends on something more of the host. */
#ifndef TEST_MADE_UP_HOST_H
#define TEST_MADE_UP_HOST_H

#include "plan/plan_internal.h"

#include <stdio.h>

__attribute__((unused)) static struct bj_host modern_root(void)
{
    struct bj_host host = {.kernel = 6 << 16 | 18 << 8,
                           .root = true,
                           .id_first = 1610612736,
                           .id_count = 16777216,
                           .user_namespace = true,
                           .time_namespace = true,
                           .cgroup_namespace = true,
                           .landlock_abi = 7,
                           .seccomp_notify = true,
                           .seccomp_wait_killable = true,
                           .nosymfollow = true,
                           .proc_subset = true};
    (void)snprintf(host.cgroup.unified, sizeof(host.cgroup.unified), "/sys/fs/cgroup/own");
    host.cgroup.unified_memory = host.cgroup.unified_pids = host.cgroup.unified_cpu = host.cgroup.unified_kill =
        true;
    (void)snprintf(host.apparmor_problem, sizeof(host.apparmor_problem), "not in this kernel");
    return host;
}

__attribute__((unused)) static struct bj_host modern_user(void)
{
    struct bj_host host = modern_root();
    host.root = false;
    host.uid = host.gid = 4711;
    memset(&host.cgroup, 0, sizeof(host.cgroup));
    (void)snprintf(host.cgroup.problem, sizeof(host.cgroup.problem), "not delegated");
    return host;
}

#endif
