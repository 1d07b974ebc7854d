/* What this kernel and this host offer.
 * Its own file because plans are made from it (and, in tests, from a made-up one), so it must be plain data.
 * Changes when: a plan depends on something more of the host. */
#ifndef BJ_HOST_H
#define BJ_HOST_H

#include "base/base.h"

#include <sys/types.h>

#define BJ_WHY_SIZE 360 /* a sentence, and a fix in the words of three engines */

/* Where this process stands in the control group hierarchies, and in which it may make leaves. Paths are of
 * directories that exist; "" when there is none. Kept so that a leaf is always below the caller's own group. */
struct bj_host_cgroup {
    char unified[256]; /* v2 directory that may be written */
    /* Controllers that a child of it would have; not looked for where v1 has both memory and pids. */
    bool unified_memory, unified_pids, unified_cpu;
    bool unified_kill; /* cgroup.kill (5.14) */
    char v1_memory[256], v1_pids[256], v1_cpuacct[256];
    bool v1_swap;      /* memory.memsw.limit_in_bytes exists */
    int error;         /* errno of looking for a group that may be written, 0 */
    char problem[200]; /* why there is no (or only a partial) control group; "" when all is well */
};

struct bj_host {
    uint32_t kernel; /* KERNEL_VERSION(a, b, c) */
    uid_t uid;       /* effective ids of this process */
    gid_t gid;
    bool root;     /* CAP_SYS_ADMIN, CAP_SETUID and CAP_SETGID where the range is mapped */
    bool maps_ids; /* only the latter two (root in a container): enough with a user namespace for each run */
    uint32_t id_first;   /* as root, or maps_ids: outside ids that runs may use, two for each run */
    uint32_t id_count;   /*   (BELLJAR_ID_RANGE=first:count, default 1610612736:16777216) */
    bool user_namespace; /* may be made by this process */
    bool time_namespace, cgroup_namespace;
    int landlock_abi;           /* 0: none */
    bool seccomp_notify;        /* SECCOMP_RET_USER_NOTIF with a listener */
    bool seccomp_wait_killable; /* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (5.19) */
    bool nosymfollow;           /* MOUNT_ATTR_NOSYMFOLLOW (5.14) */
    bool proc_subset;           /* proc with subset=pid, hidepid=invisible (5.8) */
    bool apparmor;              /* enabled, and the profile below is loaded */
    char apparmor_profile[64];
    struct bj_host_cgroup cgroup;
    /* For each, when false: why, and the command or sysctl that would change it. "" otherwise. */
    char user_namespace_problem[BJ_WHY_SIZE], landlock_problem[BJ_WHY_SIZE], apparmor_problem[BJ_WHY_SIZE],
        notify_problem[BJ_WHY_SIZE];
};

/* Read-only probes; nothing is left behind. Cheap ones only when quick (what a plan needs, in microseconds:
 * no process is made, user_namespace is judged from sysctls); otherwise also tried for real in children. On
 * failure *ret_host is of no use. */
int bj__host_probe(bool quick, struct bj_host *ret_host, struct bj_error *err);
/* host_cgroup.c: 1, or 0 when the kernel has no control groups, or -errno. */
int bj__host_probe_cgroup(struct bj_host_cgroup *ret_cgroup);
/* The v2 group that the caller stands in. ret_ours: it was given to the caller, who may divide it. -ENOENT: there is none. */
int bj__host_own_group(char ret_directory[256], bool *ret_ours);

#endif
