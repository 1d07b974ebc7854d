/* From the outcome of a trial to its cause on this host, and what removes the cause.
 * Its own file because the causes are a list of distributions' and containers' habits that grows by experience;
 * it is pure, so a test can make up any host.
 * Changes when: another host is found that refuses something in its own way. */
#include "host/kernel.h"
#include "host/trial.h"

#include <stdio.h>

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
        [BJ_TRIAL_PRIVATE] = "private mounts",
        [BJ_TRIAL_BIND] = "bind mounts",
        [BJ_TRIAL_TMPFS] = "mounting a tmpfs",
        [BJ_TRIAL_READ_ONLY] = "attributes of mounts",
        [BJ_TRIAL_NOSYMFOLLOW] = "mounts with nosymfollow",
        [BJ_TRIAL_PROC] = "mounting /proc",
        [BJ_TRIAL_PIVOT] = "a root directory of its own",
        [BJ_TRIAL_HOST_NAME] = "a host name of its own",
        [BJ_TRIAL_UNSHARE] = "a cgroup namespace in a v1 group",
        [BJ_TRIAL_KEYRING] = "a session keyring",
        [BJ_TRIAL_COMPARE] = "memory shared by vfork(2) counts twice",
        [BJ_TRIAL_LANDLOCK] = "Landlock",
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
    case BJ_TRIAL_READ_ONLY:
    case BJ_TRIAL_PRIVATE:
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
    case BJ_TRIAL_HOST_NAME:
    case BJ_TRIAL_UNSHARE:
    case BJ_TRIAL_KEYRING:
    case BJ_TRIAL_COMPARE:
    case BJ_TRIAL_FILTER:
    case BJ_TRIAL__COUNT:
    default:
        break;
    }
    return "3.8";
}

static bool is_refusal(int error)
{
    return error == EPERM || error == EACCES;
}

/* Some calls ask for the capability before they look at their arguments. Where a security module takes all
 * capabilities away, these look as if they were filtered; mount_setattr(2) does not. */
static bool is_filtered(const struct bj_host_trial *trial, const struct bj_outcome *outcome)
{
    const struct bj_outcome *private = &trial->outcome[BJ_TRIAL_PRIVATE];
    bool without_rights = is_refusal(private->error) && !private->filtered && is_refusal(outcome->error);
    return outcome->filtered && trial->around.filter && !without_rights;
}

/* Who refuses with EPERM or EACCES, when it is not a filter. */
static enum bj_cause cause_of_refusal(const struct bj_around *around, enum bj_trial which)
{
    bool makes_namespace = which <= BJ_TRIAL_ALL;
    if (which == BJ_TRIAL_PROC && around->proc_masked)
        return BJ_CAUSE_MASKED_PROC; /* fs/namespace.c:mount_too_revealing */
    if (makes_namespace && around->no_unprivileged)
        return BJ_CAUSE_USERNS_CLONE;
    if (around->profile[0])
        return BJ_CAUSE_APPARMOR;
    if (around->apparmor_strict)
        return BJ_CAUSE_USERNS_APPARMOR;
    return around->selinux ? BJ_CAUSE_SELINUX : BJ_CAUSE_OTHER;
}

static enum bj_cause cause_of(const struct bj_host_trial *trial, enum bj_trial which)
{
    const struct bj_outcome *outcome = &trial->outcome[which];
    const char *need = kernel_of(which);
    bool old = trial->around.kernel < bj__kernel_version(need);
    if (is_filtered(trial, outcome) && !(outcome->error == ENOSYS && old))
        return BJ_CAUSE_SECCOMP;
    if (is_refusal(outcome->error))
        return cause_of_refusal(&trial->around, which);
    if (outcome->error == ENOSPC && which <= BJ_TRIAL_ALL)
        return BJ_CAUSE_USERNS_LIMIT;
    if (which == BJ_TRIAL_PIVOT && outcome->error == EINVAL)
        return BJ_CAUSE_OTHER;
    return outcome->error == ENOSYS || outcome->error == EINVAL || outcome->error == ENODEV ? BJ_CAUSE_KERNEL
                                                                                            : BJ_CAUSE_OTHER;
}

static void explain_other(const struct bj_outcome *outcome, enum bj_trial which, const char **why,
                          const char **fix)
{
    *why = strerror(outcome->error);
    *fix = "";
    if (is_refusal(outcome->error)) {
        *why = "not permitted here (a chroot, or a security module)";
        *fix = "run it outside of the chroot; see the kernel's log for a security module";
    } else if (which == BJ_TRIAL_PIVOT && outcome->error == EINVAL) {
        *why = "the root is the initial ramfs";
        *fix = "switch_root(8) to another file system first";
    } else if (which == BJ_TRIAL_LISTENER && outcome->error == EBUSY) {
        *why = "a container around this process has the only listener there can be";
    }
}

static void explain(const struct bj_host_trial *trial, enum bj_trial which, enum bj_cause cause, char *why,
                    size_t size)
{
    const struct bj_outcome *outcome = &trial->outcome[which];
    const char *call = outcome->call ? outcome->call : "it";
    if (cause == BJ_CAUSE_SECCOMP)
        (void)snprintf(why, size, "the seccomp filter around this process refuses %s(2)", call);
    else if (cause == BJ_CAUSE_APPARMOR)
        (void)snprintf(why, size, "the AppArmor profile around this process, %.40s, refuses %s",
                       trial->around.profile, call);
    else if (cause == BJ_CAUSE_SELINUX)
        (void)snprintf(why, size, "SELinux refuses %s", call);
    else if (cause == BJ_CAUSE_MASKED_PROC)
        (void)snprintf(why, size, "parts of the /proc in here are masked");
    else if (cause == BJ_CAUSE_USERNS_CLONE)
        (void)snprintf(why, size, "only root may make user namespaces");
    else if (cause == BJ_CAUSE_USERNS_APPARMOR)
        (void)snprintf(why, size, "AppArmor gives unprivileged user namespaces no capabilities");
    else if (cause == BJ_CAUSE_USERNS_LIMIT)
        (void)snprintf(why, size, "%s",
                       trial->around.no_userns ? "no user namespaces may be made"
                                               : "the limit of namespaces is reached");
    else
        (void)snprintf(why, size, "not in this kernel");
}

enum bj_cause bj__trial_why(const struct bj_host_trial *trial, enum bj_trial which, char *text, size_t size)
{
    const struct bj_outcome *outcome = &trial->outcome[which];
    text[0] = 0;
    if (outcome->error == 0)
        return BJ_CAUSE_NONE;
    if (outcome->error < 0 && which == BJ_TRIAL_PROC && trial->around.proc_masked) {
        (void)snprintf(text, size, "%s: parts of the /proc in here are masked; fix: %s", name_of(which),
                       bj__cause_fix(BJ_CAUSE_MASKED_PROC, trial->around.engine));
        return BJ_CAUSE_MASKED_PROC; /* to be seen without a trial */
    }
    if (outcome->error < 0) {
        (void)snprintf(text, size, "%s: could not be tried", name_of(which));
        return BJ_CAUSE_OTHER;
    }
    enum bj_cause cause = cause_of(trial, which);
    const char *fix = bj__cause_fix(cause, trial->around.engine);
    char made[160];
    const char *why = made;
    char kernel[64];
    if (cause == BJ_CAUSE_OTHER)
        explain_other(outcome, which, &why, &fix);
    else
        explain(trial, which, cause, made, sizeof(made));
    if (cause == BJ_CAUSE_KERNEL) {
        (void)snprintf(kernel, sizeof(kernel), "Linux %s or later with it built in", kernel_of(which));
        fix = kernel;
    }
    if (cause == BJ_CAUSE_USERNS_LIMIT && !trial->around.no_userns)
        fix = "raise the sysctls user.max_*_namespaces";
    (void)snprintf(text, size, "%s: %s%s%s", name_of(which), why, *fix ? "; fix: " : "", fix);
    return cause;
}

static enum bj_cause why_first(const struct bj_host_trial *trial, const enum bj_trial *steps, size_t count,
                               char *text, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (trial->outcome[steps[i]].error != 0)
            return bj__trial_why(trial, steps[i], text, size);
    text[0] = 0;
    return BJ_CAUSE_NONE;
}

enum bj_cause bj__trial_why_userns(const struct bj_host *host, const struct bj_host_trial *trial, char *text,
                                   size_t size)
{
    static const enum bj_trial steps[] = {BJ_TRIAL_USER, BJ_TRIAL_MOUNT, BJ_TRIAL_ALL, BJ_TRIAL_MAP};
    static const enum bj_trial roots[] = {BJ_TRIAL_USER, BJ_TRIAL_MAP}; /* the others are other layers' */
    return host->root ? why_first(trial, roots, BJ_COUNT(roots), text, size)
                      : why_first(trial, steps, BJ_COUNT(steps), text, size);
}

enum bj_cause bj__trial_why_jail(const struct bj_host *host, const struct bj_host_trial *trial, char *text,
                                 size_t size)
{
    static const enum bj_trial steps[] = {
        BJ_TRIAL_USER,    BJ_TRIAL_MOUNT,  BJ_TRIAL_PID,   BJ_TRIAL_IPC,       BJ_TRIAL_UTS,
        BJ_TRIAL_NET,     BJ_TRIAL_CGROUP, BJ_TRIAL_ALL,   BJ_TRIAL_MAP,       BJ_TRIAL_PRIVATE,
        BJ_TRIAL_BIND,    BJ_TRIAL_TMPFS,  BJ_TRIAL_PIVOT, BJ_TRIAL_READ_ONLY, BJ_TRIAL_HOST_NAME,
        BJ_TRIAL_KEYRING, BJ_TRIAL_FILTER};
    size_t skip = host->root ? 1 : 0; /* it can do without a user namespace */
    return why_first(trial, steps + skip, BJ_COUNT(steps) - skip, text, size);
}
