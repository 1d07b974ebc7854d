/* What this kernel and host offer, in microseconds; in full mode also tried for real.
 * Its own file because it is the only one that fills struct bj_host.
 * Changes when: a plan depends on something more of the host. */
#include "host/apparmor.h"
#include "host/host.h"
#include "host/id_range.h"
#include "host/kernel.h"
#include "host/trial.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* 5.19 */
#endif

#define SAY(to, ...) ((void)snprintf((to), sizeof(to), __VA_ARGS__))

static void probe_landlock(struct bj_host *host)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi > 0)
        host->landlock_abi = abi > INT32_MAX ? INT32_MAX : (int)abi;
    else if (errno == EOPNOTSUPP)
        SAY(host->landlock_problem, "disabled at boot; fix: add landlock to lsm= on the kernel's command line");
    else if (errno == EPERM)
        SAY(host->landlock_problem, "refused by the seccomp filter of a container; fix: docker run "
                                    "--security-opt seccomp=unconfined, or a newer Docker (23.0)");
    else
        SAY(host->landlock_problem, "not in this kernel; fix: Linux 5.13 or later with "
                                    "CONFIG_SECURITY_LANDLOCK=y");
}

/* The flags are checked before the program is read: with a NULL program EFAULT means that they are known. */
static bool knows_filter_flags(unsigned long flags)
{
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno == EFAULT;
}

static void probe_seccomp(struct bj_host *host)
{
    unsigned long listener = SECCOMP_FILTER_FLAG_NEW_LISTENER;
    host->seccomp_wait_killable = knows_filter_flags(listener | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    host->seccomp_notify = host->seccomp_wait_killable || knows_filter_flags(listener);
    if (!host->seccomp_notify)
        SAY(host->notify_problem, "no seccomp listeners: Linux 5.0 or later is needed, and a container must "
                                  "allow seccomp(2); denials are enforced but not counted");
}

/* 1 or 0; or -errno: it is not known. What is not known is no reason to run a guest under the caller's own id. */
static int has_capabilities(uint32_t need)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    return (data[0].effective & need) == need;
}

/* The same. No such file: no user namespaces in this kernel, or no /proc, which is said later. */
static int is_mapped(const struct bj_host *host, const char *path)
{
    char map[1024];
    int r = bj__small_read(AT_FDCWD, path, map, sizeof(map));
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return bj__id_range_mapped(map, host->id_first, host->id_count);
}

static int are_mapped(const struct bj_host *host)
{
    int r = is_mapped(host, "/proc/self/uid_map");
    return r > 0 ? is_mapped(host, "/proc/self/gid_map") : r;
}

/* A process with all capabilities in a user namespace that lacks the ids of the range (unshare -Ur, rootless
 * containers) can no more than an ordinary user: its runs get its own id. One that may set ids but has no
 * CAP_SYS_ADMIN (root in a container) can write the maps of its runs all the same (user_namespaces(7)), and must:
 * its own id is the host's root, whom RLIMIT_NPROC does not bind (kernel/fork.c, INIT_USER). */
static int probe_root(struct bj_host *host, struct bj_error *err)
{
    const char *range = getauxval(AT_SECURE) ? NULL : getenv("BELLJAR_ID_RANGE");
    uint64_t pid_max = BJ_PID_MAX_LIMIT;
    if (range && *range == 0)
        range = NULL;
    int r = has_capabilities(1u << CAP_SETUID | 1u << CAP_SETGID);
    if (r < 0)
        return bj__error_system(err, -r, "layers.user", "cannot ask for the caller's capabilities");
    if (r == 0)
        return 0;
    if (range && bj__small_number(AT_FDCWD, "/proc/sys/kernel/pid_max", &pid_max) < 0)
        pid_max = BJ_PID_MAX_LIMIT;
    r = bj__id_range_parse(range, pid_max, &host->id_first, &host->id_count, err);
    if (r < 0)
        return r;
    int mapped = are_mapped(host);
    if (mapped < 0)
        return bj__error_system(err, -mapped, "layers.user",
                                "cannot read which ids are mapped (/proc/self/uid_map, gid_map)");
    int admin = has_capabilities(1u << CAP_SYS_ADMIN);
    if (admin < 0)
        return bj__error_system(err, -admin, "layers.user", "cannot ask for the caller's capabilities");
    host->root = mapped && admin;
    host->maps_ids = mapped && !host->root;
    if (!mapped && range)
        return bj__error(
            err, BJ_ERROR_INVALID, EPERM, "BELLJAR_ID_RANGE",
            "%u:%u is not mapped in this user namespace (/proc/self/uid_map, gid_map); unset it, or "
            "map these ids",
            host->id_first, host->id_count);
    if (!mapped)
        host->id_first = host->id_count = 0;
    return 0;
}

static bool is_zero(const char *sysctl)
{
    uint64_t value;
    return bj__small_number(AT_FDCWD, sysctl, &value) == 0 && value == 0;
}

/* Ubuntu's restriction is on programs without a profile; /usr/bin/belljar has one (packaging/apparmor). */
static bool is_restricted_by_apparmor(void)
{
    char profile[64];
    if (!bj__apparmor_restricts_userns())
        return false;
    bj__apparmor_current(profile, sizeof(profile));
    return strcmp(profile, "unconfined") == 0;
}

static void judge_user_namespace(struct bj_host *host)
{
    char *problem = host->user_namespace_problem;
    size_t size = sizeof(host->user_namespace_problem);
    bool in_kernel = host->root || access("/proc/self/uid_map", F_OK) == 0; /* as root it has been read */
    if (!in_kernel && access("/proc/self/stat", F_OK) < 0)
        (void)snprintf(problem, size, "/proc is not mounted; fix: mount -t proc proc /proc");
    else if (!in_kernel)
        (void)snprintf(problem, size, "not in this kernel; fix: a kernel with CONFIG_USER_NS=y");
    else if (is_zero("/proc/sys/user/max_user_namespaces"))
        (void)snprintf(problem, size,
                       "no user namespaces may be made; fix: sysctl -w "
                       "user.max_user_namespaces=15000 (on the host, if this is a container)");
    else if (!host->root && is_zero("/proc/sys/kernel/unprivileged_userns_clone"))
        (void)snprintf(problem, size,
                       "only root may make user namespaces; fix: sysctl -w "
                       "kernel.unprivileged_userns_clone=1 (on the host, if this is a container)");
    else if (!host->root && is_restricted_by_apparmor())
        (void)snprintf(problem, size,
                       "AppArmor gives unprivileged user namespaces no capabilities; fix: "
                       "apparmor_parser -r /etc/apparmor.d/belljar, then run /usr/bin/belljar");
    host->user_namespace = problem[0] == 0;
}

/* What the sysctls allow may still be refused by a container or a security module. */
static void judge_by_trial(struct bj_host *host)
{
    struct bj_host_trial trial;
    if (bj__host_trial(host, &trial) < 0)
        return;
    if (host->user_namespace && bj__trial_why_userns(host, &trial, host->user_namespace_problem,
                                                     sizeof(host->user_namespace_problem)) != BJ_CAUSE_NONE)
        host->user_namespace = false;
    host->time_namespace = host->time_namespace && trial.outcome[BJ_TRIAL_TIME].error == 0;
    host->cgroup_namespace = host->cgroup_namespace && trial.outcome[BJ_TRIAL_CGROUP].error == 0;
    host->nosymfollow = host->nosymfollow && trial.outcome[BJ_TRIAL_NOSYMFOLLOW].error == 0;
    if (host->seccomp_notify && trial.outcome[BJ_TRIAL_LISTENER].error == EBUSY) {
        host->seccomp_notify = host->seccomp_wait_killable = false;
        SAY(host->notify_problem,
            "a container around this process has a seccomp listener, and there can be only "
            "one; denials are enforced but not counted");
    }
}

int bj__host_probe(bool quick, struct bj_host *ret_host, struct bj_error *err)
{
    struct bj_host *host = ret_host; /* filled in place: it is half a page of stack */
    struct utsname name;
    if (uname(&name) < 0)
        return bj__error_system(err, errno, "", "uname");
    *host = (struct bj_host){.uid = geteuid(), .gid = getegid()};
    host->kernel = bj__kernel_version(name.release);
    int r = probe_root(host, err);
    if (r < 0)
        return r;
    judge_user_namespace(host);
    /* As with uid_map: there if and only if the kernel has that namespace, and cheaper than its link in ns/. */
    host->time_namespace = access("/proc/self/timens_offsets", F_OK) == 0;
    host->nosymfollow = host->kernel >= KERNEL_VERSION(5, 14, 0);
    host->proc_subset = host->kernel >= KERNEL_VERSION(5, 8, 0);
    probe_landlock(host);
    probe_seccomp(host);
    host->apparmor = bj__apparmor_probe(host->apparmor_problem, sizeof(host->apparmor_problem)) > 0;
    if (host->apparmor)
        SAY(host->apparmor_profile, "%s", BJ_APPARMOR_PROFILE);
    r = bj__host_probe_cgroup(&host->cgroup);
    if (r < 0)
        return bj__error_system(err, -r, "", "probing control groups");
    host->cgroup_namespace = r > 0; /* every kernel with clone3(2) that has the groups has the namespace */
    if (!quick)
        judge_by_trial(host);
    return 0;
}
