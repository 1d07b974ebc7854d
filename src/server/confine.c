/* The walls around the front, in order: a root that is empty, ids, capabilities, limits, Landlock, the filter; then the trials.
 * Its own file because what parses strangers' bytes must first have nothing to lose.
 * Changes when: the front needs more, or can do with less. */
#include "server/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail/child/sys.h"

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

const char *bj__confine_name(enum bj_confine_layer layer)
{
    static const char *const names[] = {
#define X(name, text) text,
        BJ_CONFINE_LIST(X)
#undef X
    };
    return names[layer];
}

static BJ_PRINTF(3, 4) void note(struct bj_confine_state *state, enum bj_confine_layer layer,
                                 const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(state->text[layer], sizeof(state->text[layer]), format, arguments); /* cut to fit */
    va_end(arguments);
}

void bj__confine_json(const struct bj_confine_state *state, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "{");
    for (unsigned layer = 0; layer < BJ_CONFINE__COUNT && length < size; layer++)
        length += (size_t)snprintf(text + length, size - length, "%s\"%s\":\"%s\"", layer ? "," : "",
                                   bj__confine_name((enum bj_confine_layer)layer), state->text[layer]);
    if (length < size)
        (void)snprintf(text + length, size - length, "}");
}

int bj__confine_user(const char *name, struct bj_confine_user *ret_user, struct bj_error *err)
{
    *ret_user = (struct bj_confine_user){.drop = geteuid() == 0, .uid = getuid(), .gid = getgid()};
    if (!ret_user->drop)
        return 0;
    errno = 0;
    const struct passwd *entry = name ? getpwnam(name) : NULL;
    if (!entry || entry->pw_uid == 0)
        return bj__error(err, BJ_ERROR_NOT_FOUND, ENOENT, "user",
                         "\"%.60s\" must be a user of this host other than root", name ? name : "");
    ret_user->uid = entry->pw_uid;
    ret_user->gid = entry->pw_gid;
    return 0;
}

/* ---- a root of its own ----------------------------------------------------------------------------- */

static int write_text(const char *path, const char *text)
{
    BJ_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;
}

/* An ordinary user: root of a namespace in which nobody else is anybody. */
static int enter_user_namespace(uid_t uid, gid_t gid)
{
    char map[64];
    if (unshare(CLONE_NEWUSER) < 0)
        return -errno;
    (void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
    int r = write_text("/proc/self/uid_map", map);
    (void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
    if (r == 0)
        r = write_text("/proc/self/setgroups", "deny");
    return r < 0 ? r : write_text("/proc/self/gid_map", map);
}

static int make_empty_mount(void)
{
    BJ_FD int fs = (int)syscall(SYS_fsopen, "tmpfs", BJ_FSOPEN_CLOEXEC);
    if (fs < 0)
        return -errno;
    if (syscall(SYS_fsconfig, fs, BJ_FSCONFIG_SET_STRING, "size", "4096", 0) < 0 ||
        syscall(SYS_fsconfig, fs, BJ_FSCONFIG_SET_STRING, "nr_inodes", "2", 0) < 0 ||
        syscall(SYS_fsconfig, fs, BJ_FSCONFIG_SET_STRING, "mode", "0555", 0) < 0 ||
        syscall(SYS_fsconfig, fs, BJ_FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    int fd = (int)syscall(SYS_fsmount, fs, BJ_FSMOUNT_CLOEXEC, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
    return fd < 0 ? -errno : fd;
}

/* The old root is not only out of sight: nothing of it is mounted any more. */
static int enter_empty_root(void)
{
    BJ_FD int fd = make_empty_mount();
    if (fd < 0)
        return fd;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        syscall(SYS_move_mount, fd, "", AT_FDCWD, "/", BJ_MOVE_MOUNT_F_EMPTY_PATH) < 0 || fchdir(fd) < 0)
        return -errno;
    if (syscall(SYS_pivot_root, ".", ".") < 0) {
        /* Where the root is the kernel's first one, which cannot be put away. */
        return chroot(".") < 0 || chdir("/") < 0 ? -errno : 0;
    }
    return umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ? -errno : 0;
}

/* What is not to be had here is said, and Landlock and the filter stand in. */
static void leave_host(const struct bj_confine_user *user, struct bj_confine_state *state)
{
    int r = user->drop ? 0 : enter_user_namespace(user->uid, user->gid);
    if (r < 0)
        note(state, BJ_CONFINE_USER, "unavailable: %s", strerror(-r));
    if (r == 0 && unshare(NAMESPACES) < 0)
        r = -errno;
    if (r < 0) {
        note(state, BJ_CONFINE_NAMESPACES, "unavailable: %s", strerror(-r));
        note(state, BJ_CONFINE_ROOT, "unavailable: %s", strerror(-r));
        return;
    }
    note(state, BJ_CONFINE_NAMESPACES, "on");
    if (!user->drop)
        note(state, BJ_CONFINE_USER, "on");
    r = enter_empty_root();
    if (r < 0)
        note(state, BJ_CONFINE_ROOT, "unavailable: %s", strerror(-r));
    else
        note(state, BJ_CONFINE_ROOT, "on");
}

/* ---- ids and powers -------------------------------------------------------------------------------- */

static int drop_bounding_set(void)
{
    for (unsigned long capability = 0; capability < 64; capability++)
        if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1 &&
            prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 &&
            errno != EPERM) /* without CAP_SETPCAP; no_new_privs stands in */
            return -errno;
    return 0;
}

/* In a namespace that knows only one id there is no other to become. */
static int drop_ids(const struct bj_confine_user *user, struct bj_confine_state *state)
{
    if (!user->drop)
        return 0;
    if (setgroups(0, NULL) < 0 && errno != EPERM)
        return -errno;
    if (setresgid(user->gid, user->gid, user->gid) < 0 || setresuid(user->uid, user->uid, user->uid) < 0) {
        if (errno != EINVAL)
            return -errno;
        note(state, BJ_CONFINE_USER, "unavailable: no such id in this namespace");
        return 0;
    }
    note(state, BJ_CONFINE_USER, "on");
    return setuid(0) == 0 || setgid(0) == 0 ? -EPROTO : 0;
}

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[2] = {{0}};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
        return -errno;
    if (syscall(SYS_capset, &header, none) < 0)
        return -errno;
    struct __user_cap_data_struct left[2] = {{0}};
    if (syscall(SYS_capget, &header, left) < 0)
        return -errno;
    for (size_t n = 0; n < BJ_COUNT(left); n++)
        if (left[n].effective || left[n].permitted || left[n].inheritable)
            return -EPROTO;
    return 0;
}

static int set_limits(void)
{
    static const int none_of[] = {RLIMIT_NPROC, RLIMIT_CORE, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE};
    const struct rlimit none = {0, 0};
    for (size_t n = 0; n < BJ_COUNT(none_of); n++)
        if (setrlimit((__rlimit_resource_t)none_of[n], &none) < 0)
            return -errno;
    return 0;
}

/* As many as may be: a client more than there are descriptors is not accepted, and nothing else happens. */
static int raise_files(uint64_t wanted, struct bj_confine_state *state)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return -errno;
    if (files.rlim_max < wanted && geteuid() == 0) {
        const struct rlimit more = {wanted, wanted};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            files = more;
    }
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    files.rlim_max = files.rlim_cur;
    note(state, BJ_CONFINE_RLIMITS, "on: %llu files", (unsigned long long)files.rlim_cur);
    return setrlimit(RLIMIT_NOFILE, &files) < 0 ? -errno : 0;
}

/* ---- Landlock -------------------------------------------------------------------------------------- */

/* Everything that this kernel's Landlock knows is handled, and nothing of it allowed. */
static int enter_landlock(struct bj_confine_state *state)
{
    static const struct {
        int abi;
        uint64_t fs, net, scoped;
    } known[] = {{1, 0x1fff, 0, 0}, {2, 0x2000, 0, 0}, {3, 0x4000, 0, 0},
                 {4, 0, 3, 0},      {5, 0x8000, 0, 0}, {6, 0, 0, 3}};
    struct bj_landlock_ruleset_attr attr = {0};
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
    if (abi < 1) {
        note(state, BJ_CONFINE_LANDLOCK, "unavailable: %s", strerror(errno));
        return 0;
    }
    for (size_t n = 0; n < BJ_COUNT(known) && known[n].abi <= abi; n++) {
        attr.handled_access_fs |= known[n].fs;
        attr.handled_access_net |= known[n].net;
        attr.scoped |= known[n].scoped;
    }
    BJ_FD int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, abi >= 6 ? 24 : abi >= 4 ? 16 : 8, 0);
    if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0)
        return -errno;
    note(state, BJ_CONFINE_LANDLOCK, "abi %d", abi);
    return 0;
}

/* ---- all of it ------------------------------------------------------------------------------------- */

/* Files are behind one wall at least, besides the filter. */
static int prove_without_filter(struct bj_error *err)
{
    static const char *const paths[] = {"/etc/passwd", "/proc/self/status", "/dev/null", "/usr/bin/env"};
    for (size_t n = 0; n < BJ_COUNT(paths); n++) {
        BJ_FD int fd = open(paths[n], O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            return bj__error(err, BJ_ERROR_SETUP, EPROTO, "root",
                             "%s could still be opened: neither an empty root nor Landlock can be had here",
                             paths[n]);
    }
    return 0;
}

int bj__confine(const struct bj_confine_user *user, uint64_t open_files, struct bj_confine_state *state,
                struct bj_error *err)
{
    *state = (struct bj_confine_state){0};
    int r = raise_files(open_files, state);
    leave_host(user, state);
    if (r == 0)
        r = drop_bounding_set();
    if (r == 0)
        r = drop_ids(user, state);
    if (r == 0)
        r = drop_capabilities();
    if (r == 0)
        r = set_limits();
    if (r == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
        r = -errno;
    if (r == 0)
        r = enter_landlock(state);
    if (r < 0)
        return bj__error_system(err, -r, "", "a wall could not be put up");
    note(state, BJ_CONFINE_CAPABILITIES, "on");
    note(state, BJ_CONFINE_NO_NEW_PRIVS, "on");
    r = prove_without_filter(err);
    if (r == 0)
        r = bj__confine_filter(err);
    if (r == 0)
        r = bj__confine_prove(err);
    note(state, BJ_CONFINE_SECCOMP, "on");
    return r;
}
