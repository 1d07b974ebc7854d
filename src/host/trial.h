/* What the host's walls are made of, tried for real in short-lived children, and what a refusal means.
 * Its own file because a trial makes processes: only the doctor and the full probe may afford that.
 * Changes when: a jail needs something more of the kernel that a container may refuse. */
#ifndef BJ_TRIAL_H
#define BJ_TRIAL_H

#include "host/around.h"
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
    BJ_TRIAL_PRIVATE,     /* mount_setattr, as mount --make-rprivate / */
    BJ_TRIAL_BIND,        /* open_tree */
    BJ_TRIAL_TMPFS,       /* fsopen, fsconfig, fsmount */
    BJ_TRIAL_READ_ONLY,   /* mount_setattr */
    BJ_TRIAL_NOSYMFOLLOW, /* the same, with an attribute that not every kernel has */
    BJ_TRIAL_PROC,        /* fsmount of proc */
    BJ_TRIAL_PIVOT,       /* move_mount, pivot_root, umount2 */
    BJ_TRIAL_HOST_NAME,   /* sethostname, setdomainname */
    BJ_TRIAL_UNSHARE,     /* unshare, of the cgroup namespace: runs in v1 groups need it */
    /* and in one that has none: */
    BJ_TRIAL_KEYRING,
    BJ_TRIAL_COMPARE, /* kcmp: the supervisor's, where no control group counts memory */
    BJ_TRIAL_LANDLOCK,
    BJ_TRIAL_LISTENER,
    BJ_TRIAL_FILTER,
    BJ_TRIAL__COUNT
};

struct bj_outcome {
    int error;        /* 0: it works; a positive errno; -1: not tried, something before it failed */
    const char *call; /* the system call that failed */
    bool filtered;    /* ... with the same errno for arguments that the kernel itself answers otherwise */
};

struct bj_host_trial {
    struct bj_around around;
    struct bj_outcome outcome[BJ_TRIAL__COUNT];
};

/* Leaves nothing behind. -errno when not even a plain child could be made. */
int bj__host_trial(const struct bj_host *host, struct bj_host_trial *ret_trial);

/* trial_why.c, pure. "why; fix: command", and who refuses; text is "" and the cause none when it works. */
enum bj_cause bj__trial_why(const struct bj_host_trial *trial, enum bj_trial which, char *text, size_t size);
/* The same for the first thing that user namespaces lack. */
enum bj_cause bj__trial_why_userns(const struct bj_host *host, const struct bj_host_trial *trial, char *text,
                                   size_t size);
/* Of the first thing that any jail lacks. */
enum bj_cause bj__trial_why_jail(const struct bj_host *host, const struct bj_host_trial *trial, char *text,
                                 size_t size);

#endif
