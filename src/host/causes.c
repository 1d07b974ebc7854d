/* From who refuses to what to type, in the words of Docker, Podman and Kubernetes.
 * Its own file because these words are other programs' and change with their releases. docs/CONTAINERS.md says
 * which were tried and how.
 * Changes when: one of them renames a flag or gets one. */
#include "host/around.h"

#define PROFILE  "belljar-seccomp.json"
#define SEE_DOCS " (docs/CONTAINERS.md says how to make it)"

static const char *const names[] = {NULL,
#define X(name, text) text,
                                    BJ_CAUSE_LIST(X)
#undef X
};
_Static_assert(BJ_COUNT(names) == BJ_CAUSE__COUNT, "one name per cause");

struct words {
    const char *none, *unknown, *docker, *podman,
        *kubernetes; /* as in enum bj_engine; NULL: nothing of its own */
};

static const struct words fixes[BJ_CAUSE__COUNT] = {
    [BJ_CAUSE_SECCOMP] =
        {
            .none = "run it outside of that filter (in a systemd unit, without SystemCallFilter= and "
                    "RestrictNamespaces=)",
            .unknown = "docker or podman run --security-opt seccomp=" PROFILE
                       ", kubernetes seccompProfile: {type: Localhost, localhostProfile: " PROFILE "}" SEE_DOCS,
            .docker = "docker run --security-opt seccomp=" PROFILE SEE_DOCS ", or seccomp=unconfined",
            .podman = "podman run --security-opt seccomp=" PROFILE SEE_DOCS ", or seccomp=unconfined",
            .kubernetes = "securityContext: {seccompProfile: {type: Localhost, localhostProfile: " PROFILE
                          "}}" SEE_DOCS ", or type: Unconfined",
        },
    [BJ_CAUSE_APPARMOR] =
        {
            .none = "let its profile allow userns, mount and pivot_root",
            .unknown = "docker or podman run --security-opt apparmor=unconfined, kubernetes appArmorProfile: "
                       "{type: Unconfined}",
            .docker = "docker run --security-opt apparmor=unconfined",
            .podman = "podman run --security-opt apparmor=unconfined",
            .kubernetes = "securityContext: {appArmorProfile: {type: Unconfined}}",
        },
    [BJ_CAUSE_SELINUX] =
        {
            .none = "see the audit log: ausearch -m avc",
            .unknown = "docker or podman run --security-opt label=disable, kubernetes seLinuxOptions: {type: "
                       "spc_t}",
            .docker = "docker run --security-opt label=disable",
            .podman = "podman run --security-opt label=disable",
            .kubernetes = "securityContext: {seLinuxOptions: {type: spc_t}}",
        },
    [BJ_CAUSE_MASKED_PROC] =
        {
            .none = "umount what is mounted below /proc",
            .unknown =
                "docker run --security-opt systempaths=unconfined, podman run --security-opt unmask=ALL, "
                "kubernetes procMount: Unmasked with hostUsers: false",
            .docker = "docker run --security-opt systempaths=unconfined",
            .podman = "podman run --security-opt unmask=ALL",
            .kubernetes = "securityContext: {procMount: Unmasked}, and hostUsers: false in the pod",
        },
    [BJ_CAUSE_CGROUP_READ_ONLY] =
        {
            .none = "mount -o remount,rw /sys/fs/cgroup",
            .unknown = "docker run --security-opt writable-cgroups=true, podman run --security-opt "
                       "unmask=/sys/fs/cgroup",
            .docker = "docker run --security-opt writable-cgroups=true (Docker 28)",
            .podman = "podman run --security-opt unmask=/sys/fs/cgroup",
            .kubernetes =
                "no field of a pod gives it; cgroup_writable = true in the node's containerd (2.1), see "
                "docs/CONTAINERS.md",
        },
    [BJ_CAUSE_CGROUP_ABSENT] =
        {
            .none = "mount -t cgroup2 none /sys/fs/cgroup",
            .unknown = "let the runtime mount it: a mount of type cgroup at /sys/fs/cgroup, without ro, in "
                       "config.json",
        },
    [BJ_CAUSE_USERNS_LIMIT] =
        {
            .none = "sysctl -w user.max_user_namespaces=15000",
            .unknown = "on the host: sysctl -w user.max_user_namespaces=15000",
        },
    [BJ_CAUSE_USERNS_CLONE] =
        {
            .none = "sysctl -w kernel.unprivileged_userns_clone=1",
            .unknown = "on the host: sysctl -w kernel.unprivileged_userns_clone=1",
        },
    [BJ_CAUSE_USERNS_APPARMOR] =
        {
            .none = "apparmor_parser -r /etc/apparmor.d/belljar, then run /usr/bin/belljar",
            .unknown = "on the host: apparmor_parser -r /etc/apparmor.d/belljar; in here run /usr/bin/belljar",
        },
};

const char *bj__cause_name(enum bj_cause cause)
{
    return names[cause];
}

static const char *words_for(const struct words *words, enum bj_engine engine)
{
    switch (engine) {
    case BJ_ENGINE_DOCKER:
        return words->docker;
    case BJ_ENGINE_PODMAN:
        return words->podman;
    case BJ_ENGINE_KUBERNETES:
        return words->kubernetes;
    case BJ_ENGINE_NONE:
        return words->none;
    case BJ_ENGINE_UNKNOWN:
    case BJ_ENGINE__COUNT:
    default:
        return words->unknown;
    }
}

const char *bj__cause_fix(enum bj_cause cause, enum bj_engine engine)
{
    const char *fix = words_for(&fixes[cause], engine);
    if (!fix) /* nothing to type, but something to do on the host */
        fix = fixes[cause].unknown;
    return fix ? fix : "";
}
