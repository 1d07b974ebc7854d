/* Reads the marks of containers, filters and security modules.
 * Its own file because each mark is some program's habit, and none is a promise.
 * Changes when: a container manager marks its containers otherwise. */
#include "host/around.h"

#include "host/apparmor.h"
#include "host/kernel.h"
#include "host/small.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

/* linux/nsfs.h: the inode number of the first pid namespace, the same in every kernel since 3.8. */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

static bool is_zero(const char *sysctl)
{
    uint64_t value;
    return bj__small_number(AT_FDCWD, sysctl, &value) == 0 && value == 0;
}

static bool is_filtered(void)
{
    char status[4096];
    if (bj__small_read(AT_FDCWD, "/proc/self/status", status, sizeof(status)) < 0)
        return false;
    const char *line = strstr(status, "\nSeccomp:");
    return line && line[9] == '\t' && line[10] == '2';
}

bool bj__masks_proc(const char *line)
{
    /* Directories that the kernel keeps empty for a mount: fs/namespace.c:mount_too_revealing lets these pass. */
    static const char *const usual[] = {"/proc/sys/fs/binfmt_misc ", "/proc/fs/nfsd ", "/proc/xen "};
    for (int field = 0; field < 4; field++) { /* proc(5): the mount point is the fifth */
        line = strchr(line, ' ');
        if (!line)
            return false;
        line++;
    }
    for (size_t i = 0; i < BJ_COUNT(usual); i++)
        if (strncmp(line, usual[i], strlen(usual[i])) == 0)
            return false;
    return strncmp(line, "/proc/", 6) == 0;
}

static bool is_proc_masked(void)
{
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    char line[4096];
    bool masked = false;
    if (!mounts)
        return false;
    while (!masked && fgets(line, sizeof(line), mounts))
        masked = bj__masks_proc(line);
    (void)fclose(mounts); /* it was only read */
    return masked;
}

static bool has_own_pids(void)
{
    char link[64];
    ssize_t length = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);
    if (length <= 0)
        return false;
    link[length] = 0;
    return strcmp(link, FIRST_PID_NAMESPACE) != 0;
}

enum bj_engine bj__engine_of(const struct bj_engine_marks *marks)
{
    const char *container = marks->container ? marks->container : "";
    /* Kubernetes first: CRI-O leaves Podman's file, Docker its own. */
    if (marks->kubernetes || marks->secrets)
        return BJ_ENGINE_KUBERNETES;
    if (marks->containerenv || strcmp(container, "podman") == 0)
        return BJ_ENGINE_PODMAN;
    if (marks->dockerenv || strcmp(container, "docker") == 0)
        return BJ_ENGINE_DOCKER;
    return container[0] || marks->own_pids || marks->proc_masked ? BJ_ENGINE_UNKNOWN : BJ_ENGINE_NONE;
}

const char *bj__engine_name(enum bj_engine engine)
{
    static const char *const names[] = {[BJ_ENGINE_UNKNOWN] = "unknown",
                                        [BJ_ENGINE_DOCKER] = "docker",
                                        [BJ_ENGINE_PODMAN] = "podman",
                                        [BJ_ENGINE_KUBERNETES] = "kubernetes"};
    _Static_assert(BJ_COUNT(names) == BJ_ENGINE__COUNT, "one name per engine");
    return names[engine];
}

/* 1 at least when the policy is enforced (selinuxfs, "enforce"); the file is hidden from many containers, whose
 * processes then have a label all the same. */
static bool is_under_selinux(void)
{
    char label[128];
    uint64_t enforced;
    if (bj__small_number(AT_FDCWD, "/sys/fs/selinux/enforce", &enforced) == 0)
        return enforced == 1;
    return bj__small_read(AT_FDCWD, "/proc/self/attr/current", label, sizeof(label)) > 0 &&
           strstr(label, ":container_t:") != NULL;
}

void bj__look_around(struct bj_around *ret_around)
{
    struct utsname name;
    *ret_around = (struct bj_around){
        .filter = is_filtered(),
        .proc_masked = is_proc_masked(),
        .no_userns = is_zero("/proc/sys/user/max_user_namespaces"),
        .no_unprivileged = is_zero("/proc/sys/kernel/unprivileged_userns_clone"),
        .apparmor_strict = bj__apparmor_restricts_userns(),
        .selinux = is_under_selinux(),
    };
    if (uname(&name) == 0)
        ret_around->kernel = bj__kernel_version(name.release);
    bj__apparmor_current(ret_around->profile, sizeof(ret_around->profile));
    if (strstr(ret_around->profile, "unconfined")) /* by name or by mode */
        ret_around->profile[0] = 0;
    const struct bj_engine_marks marks = {
        .kubernetes = getenv("KUBERNETES_SERVICE_HOST"),
        .container = getenv("container"),
        .dockerenv = access("/.dockerenv", F_OK) == 0,
        .containerenv = access("/run/.containerenv", F_OK) == 0,
        .secrets = access("/var/run/secrets/kubernetes.io", F_OK) == 0,
        .own_pids = has_own_pids(),
        .proc_masked = ret_around->proc_masked,
    };
    ret_around->engine = bj__engine_of(&marks);
}
