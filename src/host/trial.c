/* The trials: each namespace on its own, then all that a jail does first, in a child that ends at once.
 * Its own file because its children run raw system calls only: the caller may have threads, whose locks a
 * child would wait for in vain (malloc, stdio, set*id).
 * Changes when: a jail needs something more of the kernel that a container may refuse. */
#include "host/trial.h"

#include <fcntl.h>
#include <linux/filter.h>
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
#ifndef MS_REC
#define MS_REC     16384
#define MS_PRIVATE (1 << 18)
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
    int *result;
    bool root;
    char uid_map[32], gid_map[32];
};

static int outcome(long r)
{
    return r < 0 ? errno : 0;
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

static int try_namespace(uint64_t flags)
{
    long pid = clone_with(flags);
    if (pid == 0)
        leave();
    if (pid < 0)
        return errno;
    (void)reap(pid); /* it only ever exits */
    return 0;
}

static int write_text(const char *path, const char *text)
{
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int error = outcome(syscall(SYS_write, fd, text, strlen(text)));
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

/* A detached mount of a file system: its descriptor, or -1 with errno. */
static long make_mount(const char *type)
{
    long context = syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
    if (context < 0)
        return -1;
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    return syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
}

static void try_mounts(int *result)
{
    result[BJ_TRIAL_PRIVATE] = outcome(syscall(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    result[BJ_TRIAL_BIND] =
        outcome(syscall(SYS_open_tree, AT_FDCWD, "/usr", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    long tmpfs = make_mount("tmpfs");
    result[BJ_TRIAL_TMPFS] = outcome(tmpfs);
    result[BJ_TRIAL_PROC] = outcome(make_mount("proc"));
    if (tmpfs < 0)
        return;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSYMFOLLOW};
    result[BJ_TRIAL_NOSYMFOLLOW] =
        outcome(syscall(SYS_mount_setattr, tmpfs, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)));
    /* onto /proc because it exists wherever a trial can be made at all */
    long r = syscall(SYS_move_mount, tmpfs, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH);
    if (r == 0)
        r = syscall(SYS_fchdir, tmpfs);
    if (r == 0)
        r = syscall(SYS_pivot_root, ".", ".");
    result[BJ_TRIAL_PIVOT] = outcome(r);
}

static void try_filters(int *result)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = 1, .filter = &allow};
    struct landlock_ruleset_attr rules = {.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE};
    (void)syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* 3.5; the next lines fail without it */
    result[BJ_TRIAL_KEYRING] = outcome(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0));
    long ruleset = syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules.handled_access_fs), 0);
    result[BJ_TRIAL_LANDLOCK] =
        outcome(ruleset < 0 ? ruleset : syscall(SYS_landlock_restrict_self, ruleset, 0));
    result[BJ_TRIAL_LISTENER] =
        outcome(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
    result[BJ_TRIAL_FILTER] = outcome(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static void try_together(const struct trial *trial, uint64_t user)
{
    long pid = clone_with(ALL_NAMESPACES | user);
    if (pid == 0) {
        trial->result[BJ_TRIAL_MAP] = user ? try_map(trial) : 0;
        try_mounts(trial->result);
        leave();
    }
    trial->result[BJ_TRIAL_ALL] = outcome(pid);
    if (pid > 0)
        (void)reap(pid); /* what it did not get to stays "not tried" */
}

static void __attribute__((noreturn)) run_trials(const struct trial *trial)
{
    trial->result[BJ_TRIAL_USER] = try_namespace(CLONE_NEWUSER);
    /* Root can do without a user namespace where there is none. */
    uint64_t user = trial->root && trial->result[BJ_TRIAL_USER] != 0 ? 0 : CLONE_NEWUSER;
    for (size_t i = 0; i < BJ_COUNT(namespaces); i++)
        trial->result[namespaces[i].which] = try_namespace(namespaces[i].flag | user);
    try_together(trial, user);
    try_filters(trial->result); /* in this child: they need no namespace, and cannot be taken back */
    leave();
}

static void unmap(int **result)
{
    if (*result)
        (void)munmap(*result, sizeof(int) * BJ_TRIAL__COUNT);
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
    int error = outcome(pid);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid > 0)
        (void)reap(pid);
    return -error;
}

int bj__host_trial(const struct bj_host *host, struct bj_host_trial *ret_trial)
{
    BJ_CLEANUP(unmap) int *shared = NULL;
    struct trial trial = {.root = host->root};
    size_t size = sizeof(int) * BJ_TRIAL__COUNT;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -errno;
    trial.result = shared = memory;
    for (int i = 0; i < BJ_TRIAL__COUNT; i++)
        shared[i] = -1;
    (void)snprintf(trial.uid_map, sizeof(trial.uid_map), "1000 %u 1", (unsigned)host->uid);
    (void)snprintf(trial.gid_map, sizeof(trial.gid_map), "1000 %u 1", (unsigned)host->gid);
    int r = run_in_child(&trial);
    if (r < 0)
        return r;
    memcpy(ret_trial->result, shared, size);
    return 0;
}
