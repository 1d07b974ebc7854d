/* Asks the host why the kernel refused what it has: a container, a security module, a sysctl.
 * Its own file because it makes processes, which only a run that has failed already may afford.
 * Changes when: another operation is refused by containers. */
#include "host/trial.h"
#include "jail/jail.h"

#include <stdio.h>

static const struct {
    uint16_t op;
    enum bj_trial trial;
} trials[] = {
    {BJ_OP_JOIN_CGROUP, BJ_TRIAL_UNSHARE},
    {BJ_OP_OPEN_TREE, BJ_TRIAL_BIND},
    {BJ_OP_MOUNT_ATTR, BJ_TRIAL_READ_ONLY},
    {BJ_OP_PRIVATE, BJ_TRIAL_PRIVATE},
    {BJ_OP_TMPFS, BJ_TRIAL_TMPFS},
    {BJ_OP_ENTER, BJ_TRIAL_PIVOT},
    {BJ_OP_BIND, BJ_TRIAL_BIND},
    {BJ_OP_ATTACH, BJ_TRIAL_PIVOT},
    {BJ_OP_PROC, BJ_TRIAL_PROC},
    {BJ_OP_HOSTNAME, BJ_TRIAL_HOST_NAME},
    {BJ_OP_ROOT_ATTR, BJ_TRIAL_READ_ONLY},
    {BJ_OP_PIVOT, BJ_TRIAL_PIVOT},
    {BJ_OP_KEYRING, BJ_TRIAL_KEYRING},
    {BJ_OP_LANDLOCK, BJ_TRIAL_LANDLOCK},
    {BJ_OP_LANDLOCK_ENFORCE, BJ_TRIAL_LANDLOCK},
    {BJ_OP_BACKSTOP, BJ_TRIAL_FILTER},
    {BJ_OP_SECCOMP, BJ_TRIAL_FILTER},
};

/* Those that a host gives where it refuses to let somebody have something at all. */
static bool is_refusal(int err)
{
    return err == EPERM || err == EACCES || err == ENOSYS || err == ENOSPC || err == EUSERS;
}

static bool ask(struct bj_host *host, struct bj_host_trial *trial)
{
    return bj__host_probe(true, host, NULL) == 0 && bj__host_trial(host, trial) == 0;
}

int bj__refused_clone(const struct bj_plan *plan, int errnum, struct bj_error *err)
{
    unsigned long long flags = plan->clone_flags;
    struct bj_host host;
    struct bj_host_trial trial;
    char why[BJ_WHY_SIZE];
    if (err && is_refusal(errnum) && ask(&host, &trial) && bj__trial_why_jail(&host, &trial, why, sizeof(why)))
        return bj__error(err, BJ_ERROR_UNAVAILABLE, errnum, "",
                         "cannot make a process with namespaces 0x%llx: %s", flags, why);
    return bj__error_system(err, errnum, "", "cannot make a process with namespaces 0x%llx", flags);
}

void bj__refused_op(struct bj_error *err)
{
    struct bj_host host;
    struct bj_host_trial trial;
    char why[BJ_WHY_SIZE];
    for (size_t i = 0; err && is_refusal(err->err) && i < BJ_COUNT(trials); i++) {
        if (trials[i].op != err->op || !ask(&host, &trial))
            continue;
        if (bj__trial_why(&trial, trials[i].trial, why, sizeof(why)) != BJ_CAUSE_NONE)
            (void)snprintf(err->message, sizeof(err->message), "operation %u, %s, failed: %s", err->index,
                           bj_op_name(err->op), why);
        return;
    }
}
