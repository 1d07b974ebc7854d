/* The table of system calls and their errnos, by name: which numbers exist differs between architectures.
 * Its own file because it grows with the calls that Belljar makes.
 * Changes when: Belljar makes a system call that fails in a way of its own. */
#include "calls.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each from its manual page: one that a loaded host gives, one that a filter or a security module gives, and
 * EINTR where a signal may come. Not among them: ENOENT and the like, which are news of the host and no faults.
 * */
static const struct {
    const char *names;
    int errnos[CALL_ERRNOS];
} failures[] = {
    {"read pread64 readv recvmsg recvfrom", {EINTR, EIO, ENOMEM}},
    {"write writev sendto sendmsg", {EINTR, ENOBUFS, EPERM}},
    {"poll ppoll epoll_wait epoll_pwait", {EINTR, ENOMEM, EINVAL}},
    {"nanosleep clock_nanosleep", {EINTR, EINVAL}},
    {"waitid wait4", {EINTR, ECHILD, EPERM}},
    {"open openat openat2 open_tree", {EMFILE, EINTR, EACCES}},
    {"close", {EINTR, EIO}},
    {"fcntl dup3 pipe2 socketpair memfd_create epoll_create1 timerfd_create signalfd4",
     {EMFILE, ENOMEM, EPERM}},
    {"clone clone3 fork vfork", {EAGAIN, ENOMEM, EPERM}},
    {"mmap mprotect brk mremap", {ENOMEM, EAGAIN, EPERM}},
    {"setresuid setresgid", {EAGAIN, EPERM, EINVAL}},
    {"prctl", {EPERM, EINVAL, ENOSYS}},
    {"keyctl", {EDQUOT, EPERM, ENOSYS}},
    {"execve execveat", {ENOMEM, EACCES, EAGAIN}},
    {"ioctl", {EINTR, EPERM, ENOTTY}},
    {"statx stat newfstatat fstat access faccessat faccessat2", {EACCES, ENOMEM, EINTR}},
    {"mkdir mkdirat", {ENOSPC, ENOMEM, EPERM}},
    {"rmdir unlinkat", {EBUSY, EPERM, ENOMEM}},
    {"getpid gettid getppid getpgrp getuid geteuid getgid getegid umask exit exit_group rt_sigreturn "
     "set_tid_address restart_syscall sched_yield",
     {0}},
};
static const int otherwise[CALL_ERRNOS] = {ENOMEM, EPERM, ENOSYS};

static const struct {
    const char *names;
    int argument;
} paths[] = {
    {"open stat access mkdir rmdir chdir chroot execve", 0},
    {"openat openat2 open_tree statx newfstatat faccessat faccessat2 mkdirat unlinkat mount_setattr fchmodat "
     "fchownat "
     "execveat",
     1},
    {"symlinkat", 2},
    {"move_mount", 3},
};

static int has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == 0 || at[length] == ' '))
            return 1;
    return 0;
}

const char *bj_call_name(long number, char *text, size_t size)
{
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)number);
    if (name)
        (void)snprintf(text, size, "%s", name);
    else if (number == 457)
        (void)snprintf(text, size, "statmount"); /* newer than libseccomp 2.5 */
    else
        (void)snprintf(text, size, "call%ld", number);
    free(name);
    return text;
}

size_t bj_call_errnos(long number, int ret_errnos[CALL_ERRNOS])
{
    char name[64];
    const int *errnos = otherwise;
    size_t count = 0;
    (void)bj_call_name(number, name, sizeof(name));
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        if (has_word(failures[i].names, name))
            errnos = failures[i].errnos;
    for (; count < CALL_ERRNOS && errnos[count] > 0; count++)
        ret_errnos[count] = errnos[count];
    return count;
}

int bj_call_path_argument(long number)
{
    char name[64];
    (void)bj_call_name(number, name, sizeof(name));
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (has_word(paths[i].names, name))
            return paths[i].argument;
    return -1;
}

long bj_call_number(const char *name)
{
    return seccomp_syscall_resolve_name(name);
}
