/* The front's filter of system calls, and the trials of all its walls.
 * Its own file because what a fallen front could still ask of the kernel must be one table.
 * Changes when: the C library or libmicrohttpd needs another call, or can do without one. */
#include "server/confine.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* X(call, argument that is looked at, bits of it that must not be set). -1: none is. */
#define ALLOWED(X)                                                                                             \
    /* sockets and the like that are there already, and those that accept gives */                             \
    X(read, -1, 0)                                                                                             \
    X(write, -1, 0)                                                                                            \
    X(readv, -1, 0)                                                                                            \
    X(writev, -1, 0)                                                                                           \
    X(pread64, -1, 0)                                                                                          \
    X(recvfrom, -1, 0)                                                                                         \
    X(recvmsg, -1, 0)                                                                                          \
    X(sendto, -1, 0)                                                                                           \
    X(sendmsg, -1, 0)                                                                                          \
    X(accept4, -1, 0)                                                                                          \
    X(shutdown, -1, 0)                                                                                         \
    X(close, -1, 0)                                                                                            \
    X(getsockname, -1, 0)                                                                                      \
    X(getpeername, -1, 0)                                                                                      \
    X(getsockopt, -1, 0)                                                                                       \
    X(setsockopt, -1, 0)                                                                                       \
    X(epoll_wait, -1, 0)                                                                                       \
    X(epoll_pwait, -1, 0)                                                                                      \
    X(epoll_ctl, -1, 0)                                                                                        \
    /* memory that is never executed */                                                                        \
    X(brk, -1, 0)                                                                                              \
    X(munmap, -1, 0)                                                                                           \
    X(mremap, -1, 0)                                                                                           \
    X(madvise, -1, 0)                                                                                          \
    X(mmap, 2, PROT_EXEC)                                                                                      \
    X(mprotect, 2, PROT_EXEC)                                                                                  \
    /* bodies to and from the broker: sealed memory */                                                         \
    X(memfd_create, -1, 0)                                                                                     \
    X(fstat, -1, 0)                                                                                            \
    X(newfstatat, -1, 0)                                                                                       \
    X(ftruncate, -1, 0)                                                                                        \
    /* clocks, chance, itself */                                                                               \
    X(clock_gettime, -1, 0)                                                                                    \
    X(gettimeofday, -1, 0)                                                                                     \
    X(time, -1, 0)                                                                                             \
    X(getrandom, -1, 0)                                                                                        \
    X(getpid, -1, 0)                                                                                           \
    X(futex, -1, 0)                                                                                            \
    X(restart_syscall, -1, 0)                                                                                  \
    X(rt_sigprocmask, -1, 0)                                                                                   \
    X(rt_sigreturn, -1, 0)                                                                                     \
    X(exit_group, -1, 0)                                                                                       \
    X(exit, -1, 0)

static const struct {
    const char *call;
    int argument;
    uint64_t without;
} allowed[] = {
#define X(name, number, bits) {#name, number, bits},
    ALLOWED(X)
#undef X
};

static const int controls[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_ADD_SEALS, F_GET_SEALS};

static int add_rules(scmp_filter_ctx filter)
{
    int r = 0;
    for (size_t n = 0; r == 0 && n < BJ_COUNT(allowed); n++) {
        int number = seccomp_syscall_resolve_name(allowed[n].call);
        if (number == __NR_SCMP_ERROR || number < 0)
            continue; /* not a call of this processor */
        if (allowed[n].argument < 0)
            r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
        else
            r = seccomp_rule_add(
                filter, SCMP_ACT_ALLOW, number, 1,
                SCMP_CMP((unsigned)allowed[n].argument, SCMP_CMP_MASKED_EQ, allowed[n].without, 0));
    }
    /* Only the low half is compared: the kernel looks at no more of it. */
    for (size_t n = 0; r == 0 && n < BJ_COUNT(controls); n++)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                             SCMP_CMP(1, SCMP_CMP_MASKED_EQ, 0xffffffffu, (uint64_t)controls[n]));
    return r;
}

int bj__confine_filter(struct bj_error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return bj__error_memory(err);
    int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (r == 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE,
                             2); /* as a tree: each request makes a dozen calls */
    if (r == 0)
        r = add_rules(filter);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r < 0 ? bj__error_system(err, -r, "seccomp", "the filter of system calls cannot be loaded") : 0;
}

/* ---- trials --------------------------------------------------------------------------------------- */

static long try_open(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_CLOEXEC, 0);
}

static long try_create(void)
{
    return syscall(SYS_openat, AT_FDCWD, "x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long try_execute(void)
{
    char *const none[] = {NULL};
    return syscall(SYS_execve, "/bin/true", none, none);
}

static long try_fork(void)
{
    long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return pid;
}

static long try_socket(void)
{
    return syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long try_local_socket(void)
{
    return syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long try_connect(void)
{
    return syscall(SYS_connect, -1, NULL, 0);
}

static long try_executable_memory(void)
{
    return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 ? -1
                                                                                                          : 0;
}

static long try_trace(void)
{
    return syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
}

static long try_namespace(void)
{
    return syscall(SYS_unshare, CLONE_NEWUSER);
}

static long try_signal(void)
{
    return syscall(SYS_kill, 1, 0);
}

static long try_identity(void)
{
    return syscall(SYS_setuid, 0);
}

/* That what must now be impossible is: EPERM, which of some of these only the filter answers. */
int bj__confine_prove(struct bj_error *err)
{
    static const struct {
        const char *what;
        long (*try)(void);
    } trials[] = {
        {"open a directory", try_open},     {"make a file", try_create},
        {"execute a program", try_execute}, {"make a process", try_fork},
        {"make a socket", try_socket},      {"make a local socket", try_local_socket},
        {"connect", try_connect},           {"execute memory of its own", try_executable_memory},
        {"be traced", try_trace},           {"make a namespace", try_namespace},
        {"signal another", try_signal},     {"become root", try_identity},
    };
    for (size_t n = 0; n < BJ_COUNT(trials); n++) {
        errno = 0;
        if (trials[n].try() >= 0 || errno != EPERM)
            return bj__error(err, BJ_ERROR_SETUP, EPROTO, "seccomp", "it could still %s; nothing is served",
                             trials[n].what);
    }
    return 0;
}
