/* What is around this process: a container's engine, a seccomp filter, a security module, a masked /proc.
 * Its own file because the doctor must tell apart who refuses, and all of that is read once, as plain data.
 * Changes when: another engine, module or sysctl turns out to refuse namespaces or mounts. */
#ifndef BJ_AROUND_H
#define BJ_AROUND_H

#include "base/base.h"

/* Whose words a fix is in. */
enum bj_engine {
    BJ_ENGINE_NONE,    /* no container seen */
    BJ_ENGINE_UNKNOWN, /* a container of whatever kind: crun or runc alone, lxc, ... */
    BJ_ENGINE_DOCKER,
    BJ_ENGINE_PODMAN,
    BJ_ENGINE_KUBERNETES,
    BJ_ENGINE__COUNT
};

struct bj_around {
    enum bj_engine engine;
    uint32_t kernel;      /* KERNEL_VERSION(a, b, c) */
    bool filter;          /* this process came with a seccomp filter */
    bool proc_masked;     /* something is mounted over parts of /proc */
    bool no_userns;       /* user.max_user_namespaces is 0 */
    bool no_unprivileged; /* kernel.unprivileged_userns_clone is 0 (Debian, Arch), and this is not root */
    bool apparmor_strict; /* kernel.apparmor_restrict_unprivileged_userns (Ubuntu) */
    bool selinux;         /* enforcing */
    char profile[64];     /* the AppArmor profile that confines this process, "" for none */
};

/* Never fails: what cannot be read is not there. */
void bj__look_around(struct bj_around *ret_around);
const char *bj__engine_name(enum bj_engine engine); /* NULL for none */

/* ---- pure, for tests ---- */

struct bj_engine_marks {
    const char *kubernetes;                /* $KUBERNETES_SERVICE_HOST */
    const char *container;                 /* $container, as Podman, LXC and systemd-nspawn set it */
    bool dockerenv, containerenv, secrets; /* /.dockerenv, /run/.containerenv, /var/run/secrets/kubernetes.io */
    bool own_pids;                         /* its pid namespace is not the first one */
    bool proc_masked;
};

enum bj_engine bj__engine_of(const struct bj_engine_marks *marks);
/* Is this line of /proc/self/mountinfo a mount over a part of /proc that hides something? */
bool bj__masks_proc(const char *line);

/* ---- causes.c ---- */

/* Who or what refuses. The names are a part of the doctor's JSON: they only grow. */
#define BJ_CAUSE_LIST(X)                                                                                       \
    X(SECCOMP, "seccomp")                                                                                      \
    X(APPARMOR, "apparmor")                                                                                    \
    X(SELINUX, "selinux")                                                                                      \
    X(MASKED_PROC, "masked_proc")                                                                              \
    X(CGROUP_READ_ONLY, "cgroup_read_only")                                                                    \
    X(CGROUP_ABSENT, "cgroup_absent")                                                                          \
    X(USERNS_LIMIT, "max_user_namespaces")                                                                     \
    X(USERNS_CLONE, "unprivileged_userns_clone")                                                               \
    X(USERNS_APPARMOR, "apparmor_restrict_unprivileged_userns")                                                \
    X(KERNEL, "kernel")                                                                                        \
    X(OTHER, "other")

enum bj_cause {
    BJ_CAUSE_NONE,
#define X(name, text) BJ_CAUSE_##name,
    BJ_CAUSE_LIST(X)
#undef X
        BJ_CAUSE__COUNT
};

const char *bj__cause_name(enum bj_cause cause); /* NULL for none */
/* What to do about it, in the words of whoever made the container; "" when that depends on more. */
const char *bj__cause_fix(enum bj_cause cause, enum bj_engine engine);

#endif
