/* The trials: each namespace on its own, then all that a jail does first, in a child that ends at once.
 * Its own file because its children run raw system calls only: the caller may have threads, whose locks a
 * child would wait for in vain (malloc, stdio, set*id).
 * Changes when: a jail needs something more of the kernel that a container may refuse. */
#include "host/trial.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef MS_PRIVATE
#define MS_PRIVATE (1 << 18)
#endif
#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

#define ALL_NAMESPACES                                                                                         \
    (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET)

static const struct {
    enum bj_trial which;
    uint64_t flag;
} namespaces[] = {
    {BJ_TRIAL_MOUNT, CLONE_NEWNS},      {BJ_TRIAL_PID, CLONE_NEWPID}, {BJ_TRIAL_IPC, CLONE_NEWIPC},
    {BJ_TRIAL_UTS, CLONE_NEWUTS},       {BJ_TRIAL_NET, CLONE_NEWNET}, {BJ_TRIAL_TIME, CLONE_NEWTIME},
    {BJ_TRIAL_CGROUP, CLONE_NEWCGROUP},
};

/* What the children need, made before them; result is in memory that they share with the caller. */
struct trial {
    struct bj_outcome *outcome;
    bool root;
    char uid_map[32], gid_map[32];
};

/* Every call that a trial makes, with arguments that the kernel refuses as such (EINVAL, EFAULT, ...) before it
 * asks any security module. Whoever answers these as before has not looked at the arguments: a seccomp filter. */
enum call {
    CALL_CLONE3,
    CALL_OPEN_TREE,
    CALL_FSOPEN,
    CALL_FSCONFIG,
    CALL_FSMOUNT,
    CALL_MOUNT_SETATTR,
    CALL_MOVE_MOUNT,
    CALL_PIVOT_ROOT,
    CALL_UMOUNT2,
    CALL_SETHOSTNAME,
    CALL_SETDOMAINNAME,
    CALL_UNSHARE,
    CALL_KEYCTL,
    CALL_KCMP,
    CALL_LANDLOCK_CREATE_RULESET,
    CALL_LANDLOCK_RESTRICT_SELF,
    CALL_SECCOMP,
};

#define NONSENSE (-1L)

static const struct {
    const char *name;
    long number;
    long arguments[5];
} calls[] = {
    [CALL_CLONE3] = {"clone3", SYS_clone3, {0, 0}},
    [CALL_OPEN_TREE] = {"open_tree", SYS_open_tree, {-1, 0, NONSENSE}},
    [CALL_FSOPEN] = {"fsopen", SYS_fsopen, {0, NONSENSE}},
    [CALL_FSCONFIG] = {"fsconfig", SYS_fsconfig, {-1, NONSENSE, 0, 0, 0}},
    [CALL_FSMOUNT] = {"fsmount", SYS_fsmount, {-1, NONSENSE, 0}},
    [CALL_MOUNT_SETATTR] = {"mount_setattr", SYS_mount_setattr, {-1, 0, NONSENSE, 0, 0}},
    [CALL_MOVE_MOUNT] = {"move_mount", SYS_move_mount, {-1, 0, -1, 0, NONSENSE}},
    [CALL_PIVOT_ROOT] = {"pivot_root", SYS_pivot_root, {0, 0}},
    [CALL_UMOUNT2] = {"umount2", SYS_umount2, {0, NONSENSE}},
    [CALL_SETHOSTNAME] = {"sethostname", SYS_sethostname, {0, NONSENSE}},
    [CALL_SETDOMAINNAME] = {"setdomainname", SYS_setdomainname, {0, NONSENSE}},
    [CALL_UNSHARE] = {"unshare", SYS_unshare, {NONSENSE}},
    [CALL_KEYCTL] = {"keyctl", SYS_keyctl, {NONSENSE, 0, 0, 0, 0}},
    [CALL_KCMP] = {"kcmp", SYS_kcmp, {0, 0, NONSENSE, 0, 0}},
    [CALL_LANDLOCK_CREATE_RULESET] = {"landlock_create_ruleset", SYS_landlock_create_ruleset, {0, 0, 0}},
    [CALL_LANDLOCK_RESTRICT_SELF] = {"landlock_restrict_self", SYS_landlock_restrict_self, {-1, NONSENSE}},
    [CALL_SECCOMP] = {"seccomp", SYS_seccomp, {NONSENSE, 0, 0}},
};

/* Writes down what a call gave, and gives it back. */
static long note(struct bj_outcome *outcome, enum call call, long r)
{
    const long *a = calls[call].arguments;
    outcome->error = r < 0 ? errno : 0;
    if (r >= 0)
        return r;
    outcome->call = calls[call].name;
    outcome->filtered =
        syscall(calls[call].number, a[0], a[1], a[2], a[3], a[4]) < 0 && errno == outcome->error;
    return r;
}

static long clone_with(uint64_t flags)
{
    struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
    return syscall(SYS_clone3, &args, sizeof(args));
}

static int reap(long pid)
{
    int status = 0;
    while (syscall(SYS_wait4, pid, &status, __WALL, NULL) < 0)
        if (errno != EINTR)
            return -errno;
    return status;
}

static void __attribute__((noreturn)) leave(void)
{
    for (;;)
        (void)syscall(SYS_exit_group, 0);
}

static void try_namespace(struct bj_outcome *outcome, uint64_t flags)
{
    long pid = clone_with(flags);
    if (pid == 0)
        leave();
    if (note(outcome, CALL_CLONE3, pid) > 0)
        (void)reap(pid); /* it only ever exits */
}

static int write_text(const char *path, const char *text)
{
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int error = syscall(SYS_write, fd, text, strlen(text)) < 0 ? errno : 0;
    (void)syscall(SYS_close, fd);
    return error;
}

static int try_map(const struct trial *trial)
{
    int error = write_text("/proc/self/setgroups", "deny");
    if (error == 0)
        error = write_text("/proc/self/uid_map", trial->uid_map);
    if (error == 0)
        error = write_text("/proc/self/gid_map", trial->gid_map);
    return error;
}

/* A detached mount of a file system: its descriptor, or -1. */
static long make_mount(struct bj_outcome *outcome, const char *type)
{
    long context = note(outcome, CALL_FSOPEN, syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
    if (context < 0 ||
        note(outcome, CALL_FSCONFIG, syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0)) < 0)
        return -1;
    return note(outcome, CALL_FSMOUNT, syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0));
}

static void try_attribute(struct bj_outcome *outcome, long mount, uint64_t attribute)
{
    struct mount_attr attributes = {.attr_set = attribute};
    (void)note(outcome, CALL_MOUNT_SETATTR,
               syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)));
}

static void try_pivot(struct bj_outcome *outcome, long tmpfs)
{
    /* onto /proc because it exists wherever a trial can be made at all */
    long r = note(outcome, CALL_MOVE_MOUNT,
                  syscall(SYS_move_mount, tmpfs, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH));
    if (r == 0 && syscall(SYS_fchdir, tmpfs) == 0)
        r = note(outcome, CALL_PIVOT_ROOT, syscall(SYS_pivot_root, ".", "."));
    if (r == 0)
        (void)note(outcome, CALL_UMOUNT2, syscall(SYS_umount2, ".", MNT_DETACH));
}

static void try_mounts(struct bj_outcome *outcome)
{
    struct mount_attr private = {.propagation = MS_PRIVATE};
    (void)note(&outcome[BJ_TRIAL_PRIVATE], CALL_MOUNT_SETATTR,
               syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &private, sizeof(private)));
    (void)note(&outcome[BJ_TRIAL_BIND], CALL_OPEN_TREE,
               syscall(SYS_open_tree, AT_FDCWD, "/usr", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    long tmpfs = make_mount(&outcome[BJ_TRIAL_TMPFS], "tmpfs");
    (void)make_mount(&outcome[BJ_TRIAL_PROC], "proc");
    if (tmpfs < 0)
        return;
    try_attribute(&outcome[BJ_TRIAL_READ_ONLY], tmpfs, MOUNT_ATTR_NODEV);
    try_attribute(&outcome[BJ_TRIAL_NOSYMFOLLOW], tmpfs, MOUNT_ATTR_NOSYMFOLLOW);
    try_pivot(&outcome[BJ_TRIAL_PIVOT], tmpfs);
}

static void try_names(struct bj_outcome *outcome)
{
    struct bj_outcome *name = &outcome[BJ_TRIAL_HOST_NAME];
    if (note(name, CALL_SETHOSTNAME, syscall(SYS_sethostname, "x", 1)) == 0)
        (void)note(name, CALL_SETDOMAINNAME, syscall(SYS_setdomainname, "x", 1));
    (void)note(&outcome[BJ_TRIAL_UNSHARE], CALL_UNSHARE, syscall(SYS_unshare, CLONE_NEWCGROUP));
}

static void try_filters(struct bj_outcome *outcome)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = 1, .filter = &allow};
    struct landlock_ruleset_attr rules = {.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE};
    (void)syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* 3.5; the next lines fail without it */
    (void)note(&outcome[BJ_TRIAL_KEYRING], CALL_KEYCTL,
               syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0));
    long self = syscall(SYS_getpid);
    (void)note(&outcome[BJ_TRIAL_COMPARE], CALL_KCMP, syscall(SYS_kcmp, self, self, KCMP_VM, 0, 0));
    struct bj_outcome *landlock = &outcome[BJ_TRIAL_LANDLOCK];
    long ruleset = note(landlock, CALL_LANDLOCK_CREATE_RULESET,
                        syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules.handled_access_fs), 0));
    if (ruleset >= 0)
        (void)note(landlock, CALL_LANDLOCK_RESTRICT_SELF, syscall(SYS_landlock_restrict_self, ruleset, 0));
    (void)note(&outcome[BJ_TRIAL_LISTENER], CALL_SECCOMP,
               syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
    (void)note(&outcome[BJ_TRIAL_FILTER], CALL_SECCOMP,
               syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static void try_together(const struct trial *trial, uint64_t user)
{
    long pid = clone_with(ALL_NAMESPACES | user);
    if (pid == 0) {
        trial->outcome[BJ_TRIAL_MAP].error = user ? try_map(trial) : 0;
        try_mounts(trial->outcome);
        try_names(trial->outcome);
        leave();
    }
    (void)note(&trial->outcome[BJ_TRIAL_ALL], CALL_CLONE3, pid);
    if (pid > 0)
        (void)reap(pid); /* what it did not get to stays "not tried" */
}

static void __attribute__((noreturn)) run_trials(const struct trial *trial)
{
    try_namespace(&trial->outcome[BJ_TRIAL_USER], CLONE_NEWUSER);
    /* Root can do without a user namespace where there is none. */
    uint64_t user = trial->root && trial->outcome[BJ_TRIAL_USER].error != 0 ? 0 : CLONE_NEWUSER;
    for (size_t i = 0; i < BJ_COUNT(namespaces); i++)
        try_namespace(&trial->outcome[namespaces[i].which], namespaces[i].flag | user);
    try_together(trial, user);
    try_filters(trial->outcome); /* in this child: they need no namespace, and cannot be taken back */
    leave();
}

static void unmap(struct bj_outcome **shared)
{
    if (*shared)
        (void)munmap(*shared, sizeof(**shared) * BJ_TRIAL__COUNT);
}

/* A child of its own, so that nothing tried here can change the caller. It has no exit signal: the caller's
 * SIGCHLD handler and wait loop never hear of it. */
static int run_in_child(const struct trial *trial)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before); /* no handler of the caller may run in the child */
    long pid = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (pid == 0)
        run_trials(trial);
    int error = pid < 0 ? errno : 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid > 0)
        (void)reap(pid);
    return -error;
}

int bj__host_trial(const struct bj_host *host, struct bj_host_trial *ret_trial)
{
    BJ_CLEANUP(unmap) struct bj_outcome *shared = NULL;
    struct trial trial = {.root = host->root};
    size_t size = sizeof(ret_trial->outcome);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -errno;
    trial.outcome = shared = memory;
    for (int i = 0; i < BJ_TRIAL__COUNT; i++)
        shared[i].error = -1;
    (void)snprintf(trial.uid_map, sizeof(trial.uid_map), "1000 %u 1", (unsigned)host->uid);
    (void)snprintf(trial.gid_map, sizeof(trial.gid_map), "1000 %u 1", (unsigned)host->gid);
    int r = run_in_child(&trial);
    if (r < 0)
        return r;
    memcpy(ret_trial->outcome, shared, size); /* the texts in it are of this program: the child was a copy */
    bj__look_around(&ret_trial->around);
    ret_trial->around.no_unprivileged = ret_trial->around.no_unprivileged && !host->root;
    return 0;
}
