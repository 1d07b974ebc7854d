/* What the host's walls are made of, tried for real in short-lived children, and what a refusal means.
 * Its own file because a trial makes processes: only the doctor and the full probe may afford that.
 * Changes when: a jail needs something more of the kernel that a container may refuse. */
#ifndef BJ_TRIAL_H
#define BJ_TRIAL_H

#include "host/host.h"

enum bj_trial {
    BJ_TRIAL_USER,
    BJ_TRIAL_MOUNT,
    BJ_TRIAL_PID,
    BJ_TRIAL_IPC,
    BJ_TRIAL_UTS,
    BJ_TRIAL_CGROUP,
    BJ_TRIAL_NET,
    BJ_TRIAL_TIME,
    /* in one child that has them all, in this order: */
    BJ_TRIAL_ALL,         /* all namespaces together */
    BJ_TRIAL_MAP,         /* one id in the new user namespace */
    BJ_TRIAL_PRIVATE,     /* mount --make-rprivate / */
    BJ_TRIAL_BIND,        /* open_tree */
    BJ_TRIAL_TMPFS,       /* fsopen, fsmount */
    BJ_TRIAL_NOSYMFOLLOW, /* mount_setattr */
    BJ_TRIAL_PROC,        /* fsmount of proc */
    BJ_TRIAL_PIVOT,       /* move_mount, pivot_root */
    /* and in one that has none: */
    BJ_TRIAL_KEYRING,
    BJ_TRIAL_LANDLOCK,
    BJ_TRIAL_LISTENER,
    BJ_TRIAL_FILTER,
    BJ_TRIAL__COUNT
};

struct bj_host_trial {
    int result[BJ_TRIAL__COUNT]; /* 0: it works; a positive errno; -1: not tried, something before it failed */
};

/* Leaves nothing behind. -errno when not even a plain child could be made. */
int bj__host_trial(const struct bj_host *host, struct bj_host_trial *ret_trial);

/* trial_why.c: "why; fix: command" for the first thing that user namespaces lack; 0 when they work. */
int bj__trial_why_userns(const struct bj_host *host, const struct bj_host_trial *trial, char *text,
                         size_t size);
/* The same for one trial; text is "" when it works. */
void bj__trial_why(const struct bj_host_trial *trial, enum bj_trial which, char *text, size_t size);
/* Is this process under a seccomp filter of somebody else's (a container's)? */
bool bj__under_filter(void);

#endif
