/* pid 1 of a jail: reaps, reports how the payload ended, and ends with it, when the supervisor is gone, or when
 * the limit on wall clock time is long over.
 * Its own file, and its own static program without libc, because pid 1 is an attack surface: it is exec'd
 * clean, holds two descriptors, no environment, no capability, and runs under a filter of six calls.
 * Changes when: what the supervisor is told of an end changes. Embedded in the library as bytes. */
#include "jail/child/child.h"

#include "jail/child/sys.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#define STATUS_FD 0
#define CLOCK_FD  1
#define HOLD_FD   2 /* the payload waits for a byte from it before it execs */

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#else
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

#define ALLOW(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static const struct sock_filter filter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4 /* arch */),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0 /* nr */),
    ALLOW(SYS_ppoll),
    ALLOW(SYS_read),
    ALLOW(SYS_waitid),
    ALLOW(SYS_write),
    ALLOW(SYS_close),
    ALLOW(SYS_exit_group),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

/* The capabilities were needed until the payload was made; nothing needs them now. */
static long confine(void)
{
    struct {
        uint32_t version;
        int32_t pid;
    } header = {0x20080522 /* _LINUX_CAPABILITY_VERSION_3 */, 0};
    uint32_t none[6] = {0};
    struct {
        uint16_t length;
        const struct sock_filter *filter;
    } program = {sizeof(filter) / sizeof(filter[0]), filter};
    long r = sys2(SYS_prctl, PR_SET_DUMPABLE, 0);
    if (r >= 0)
        r = sys2(SYS_capset, SYS_ARG(&header), SYS_ARG(none));
    if (r >= 0)
        r = sys5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (r >= 0)
        r = sys3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, SYS_ARG(&program));
    return r;
}

/* The program may start. An end of file would not do: it also comes when pid 1 dies, a moment before the kernel
 * kills the namespace (kernel/exit.c, do_exit: files first). */
static long let_go(void)
{
    long r;
    do {
        r = sys_write(HOLD_FD, "", 1);
    } while (r == -EINTR);
    (void)sys_close(HOLD_FD);
    return r;
}

/* If nobody reads it goes unsaid: pid 1 has to reap. */
static void report(const siginfo_t *info)
{
    const struct bj_status_message message = {
        .magic = BJ_STATUS_MAGIC, .code = info->si_code, .status = info->si_status, .pid = info->si_pid};
    (void)sys_write(STATUS_FD, &message, sizeof(message)); /* the parent also sees our own end */
}

/* Reaps all that can be reaped; true once the payload was among them and has been reported. */
static int reap(int session)
{
    for (;;) {
        siginfo_t info;
        info.si_pid = 0;
        long r = sys5(SYS_waitid, P_ALL, 0, SYS_ARG(&info), WEXITED | WNOHANG | __WALL, 0);
        if (r == -EINTR)
            continue;
        if (r < 0)
            return 1; /* cannot be: the payload is our child until it is reaped here. An end without a report is known */
        if (info.si_pid == 0)
            return 0;
        if (session || info.si_pid == BJ_PAYLOAD_PID)
            report(&info);
        if (info.si_pid == BJ_PAYLOAD_PID)
            return 1;
    }
}

/* arguments: how many there are, its own name among them (execve(2), the new stack). Of a session there are two. */
__attribute__((used)) _Noreturn void bj_init_main(const long *arguments);
_Noreturn void bj_init_main(const long *arguments)
{
    int session = *arguments > 1;
    uint64_t mask = ~0ull;
    uint64_t children = 1ull << (SIGCHLD - 1);
    (void)sys4(SYS_rt_sigprocmask, SIG_SETMASK, SYS_ARG(&mask), 0, sizeof(mask));
    long signals = sys4(SYS_signalfd4, -1, SYS_ARG(&children), sizeof(children), SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0 || confine() < 0 || let_go() < 0)
        sys_exit(125);
    struct pollfd watched[3] = {{.fd = STATUS_FD, .events = POLLIN},
                                {.fd = CLOCK_FD, .events = POLLIN},
                                {.fd = (int)signals, .events = POLLIN}};
    while (!reap(session)) {
        (void)sys5(SYS_ppoll, SYS_ARG(watched), 3, 0, 0, sizeof(uint64_t));
        if (watched[0].revents) /* nothing is ever sent to us: this is the end of file */
            break;
        if (watched[1].revents)
            sys_exit(BJ_INIT_TIMED_OUT);
        struct signalfd_siginfo ignored;
        if (watched[2].revents)
            (void)sys_read((int)signals, &ignored, sizeof(ignored));
    }
    sys_exit(0); /* ends every other process of the namespace */
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall bj_init_main\n");
#else
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tmov x0, sp\n\tb bj_init_main\n");
#endif
