/* From the errno of a trial to its cause on this host, and the command that removes the cause.
 * Its own file because the causes are a list of distributions' and containers' habits that grows by experience.
 * Changes when: another host is found that refuses something in its own way. */
#include "host/apparmor.h"
#include "host/small.h"
#include "host/trial.h"

#include <fcntl.h>
#include <stdio.h>

#define SECCOMP_FIX "; fix: docker or podman run --security-opt seccomp=unconfined"

bool bj__under_filter(void)
{
    char status[4096];
    if (bj__small_read(AT_FDCWD, "/proc/self/status", status, sizeof(status)) < 0)
        return false;
    const char *line = strstr(status, "\nSeccomp:");
    return line && line[9] == '\t' && line[10] == '2';
}

/* The name for people of a trial that failed. */
static const char *name_of(enum bj_trial which)
{
    static const char *const names[] = {
        [BJ_TRIAL_USER] = "user namespaces",
        [BJ_TRIAL_MOUNT] = "mount namespaces",
        [BJ_TRIAL_PID] = "pid namespaces",
        [BJ_TRIAL_IPC] = "ipc namespaces",
        [BJ_TRIAL_UTS] = "uts namespaces",
        [BJ_TRIAL_CGROUP] = "cgroup namespaces",
        [BJ_TRIAL_NET] = "network namespaces",
        [BJ_TRIAL_TIME] = "time namespaces",
        [BJ_TRIAL_ALL] = "all namespaces together",
        [BJ_TRIAL_MAP] = "writing /proc/PID/uid_map",
        [BJ_TRIAL_PRIVATE] = "mount(2)",
        [BJ_TRIAL_BIND] = "open_tree(2)",
        [BJ_TRIAL_TMPFS] = "mounting a tmpfs",
        [BJ_TRIAL_NOSYMFOLLOW] = "mount_setattr(2) with nosymfollow",
        [BJ_TRIAL_PROC] = "mounting /proc",
        [BJ_TRIAL_PIVOT] = "pivot_root(2)",
        [BJ_TRIAL_KEYRING] = "a session keyring",
        [BJ_TRIAL_LANDLOCK] = "landlock_restrict_self(2)",
        [BJ_TRIAL_LISTENER] = "a seccomp listener",
        [BJ_TRIAL_FILTER] = "a seccomp filter",
    };
    _Static_assert(BJ_COUNT(names) == BJ_TRIAL__COUNT, "one name per trial");
    return names[which];
}

/* The first kernel with the call that a trial stands on. */
static const char *kernel_of(enum bj_trial which)
{
    switch (which) {
    case BJ_TRIAL_NOSYMFOLLOW:
        return "5.14";
    case BJ_TRIAL_BIND:
    case BJ_TRIAL_TMPFS:
    case BJ_TRIAL_PROC:
    case BJ_TRIAL_PIVOT:
        return "5.12"; /* fsopen, open_tree are 5.2, mount_setattr 5.12: a jail needs all */
    case BJ_TRIAL_LANDLOCK:
        return "5.13";
    case BJ_TRIAL_LISTENER:
        return "5.0";
    case BJ_TRIAL_TIME:
        return "6.3"; /* the namespace is of 5.6, but clone3 refused its flag until 6.3 and 6.1.16 (a402f1e35313) */
    case BJ_TRIAL_USER:
    case BJ_TRIAL_MOUNT:
    case BJ_TRIAL_PID:
    case BJ_TRIAL_IPC:
    case BJ_TRIAL_UTS:
    case BJ_TRIAL_CGROUP:
    case BJ_TRIAL_NET:
    case BJ_TRIAL_ALL:
        return "5.3"; /* clone3 */
    case BJ_TRIAL_MAP:
    case BJ_TRIAL_PRIVATE:
    case BJ_TRIAL_KEYRING:
    case BJ_TRIAL_FILTER:
    case BJ_TRIAL__COUNT:
    default:
        break;
    }
    return "3.8";
}

static void explain_refusal(enum bj_trial which, const char **why, const char **fix)
{
    char profile[64];
    bj__apparmor_current(profile, sizeof(profile));
    if (which == BJ_TRIAL_PROC) {
        /* fs/namespace.c:mount_too_revealing: parts of the /proc seen here are mounted over */
        *why = "the container's own /proc is masked";
        *fix = "; fix: docker run --security-opt systempaths=unconfined, podman --security-opt unmask=ALL";
    } else if (bj__under_filter()) {
        *why = "a seccomp filter around this process (a container's) refuses it";
        *fix = SECCOMP_FIX;
    } else if (profile[0] && !strstr(profile, "unconfined")) {
        *why = "the AppArmor profile of this process (a container's) refuses it";
        *fix = "; fix: docker or podman run --security-opt apparmor=unconfined";
    } else if (bj__apparmor_restricts_userns()) {
        *why = "AppArmor gives unprivileged user namespaces no capabilities";
        *fix = "; fix: apparmor_parser -r /etc/apparmor.d/belljar";
    } else {
        *why = "not permitted here (a chroot, or a security module)";
        *fix = "; fix: run it outside of the chroot; see the kernel's log for a security module";
    }
}

void bj__trial_why(const struct bj_host_trial *trial, enum bj_trial which, char *text, size_t size)
{
    int error = trial->result[which];
    const char *why = strerror(error);
    const char *fix = "";
    char kernel[64];
    text[0] = 0;
    if (error == 0)
        return;
    if (error < 0) {
        (void)snprintf(text, size, "%s: could not be tried", name_of(which));
        return;
    }
    if (error == EPERM || error == EACCES || (error == ENOSYS && bj__under_filter())) {
        explain_refusal(which, &why, &fix);
    } else if (error == ENOSYS || error == EINVAL || error == ENODEV) {
        (void)snprintf(kernel, sizeof(kernel), "; fix: Linux %s or later with it built in", kernel_of(which));
        why = "not in this kernel";
        fix = kernel;
    } else if (error == ENOSPC && which != BJ_TRIAL_TMPFS) {
        why = "the limit of namespaces is reached";
        fix = trial->result[BJ_TRIAL_USER] == ENOSPC ? "; fix: sysctl -w user.max_user_namespaces=15000"
                                                     : "; fix: raise the sysctls user.max_*_namespaces";
    } else if (error == EBUSY && which == BJ_TRIAL_LISTENER) {
        why = "a container around this process has the only listener there can be";
    }
    if (which == BJ_TRIAL_PIVOT && error == EINVAL) {
        why = "the root is the initial ramfs";
        fix = "; fix: switch_root(8) to another file system first";
    }
    (void)snprintf(text, size, "%s: %s%s", name_of(which), why, fix);
}

int bj__trial_why_userns(const struct bj_host *host, const struct bj_host_trial *trial, char *text, size_t size)
{
    static const enum bj_trial steps[] = {BJ_TRIAL_USER, BJ_TRIAL_MOUNT, BJ_TRIAL_ALL, BJ_TRIAL_MAP};
    for (size_t i = 0; i < BJ_COUNT(steps); i++) {
        if (trial->result[steps[i]] == 0)
            continue;
        /* as root only the user namespace itself is this layer's */
        if (host->root && steps[i] != BJ_TRIAL_USER && steps[i] != BJ_TRIAL_MAP)
            continue;
        bj__trial_why(trial, steps[i], text, size);
        return trial->result[steps[i]];
    }
    return 0;
}
