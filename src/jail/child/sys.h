/* Raw system calls: errno comes back as a negative number, nothing of libc is touched.
 * Its own file because between clone and exec (DESIGN section 3) nothing else may be called, and because the
 * constants that older headers lack are defined here and nowhere else.
 * Changes when: an operation needs another system call, or another architecture is supported. */
#ifndef BJ_SYS_H
#define BJ_SYS_H

#include "plan/kernel_flags.h"

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static inline long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
static inline long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#else
#error "no system call convention for this architecture"
#endif

#define SYS_ARG(x)              ((long)(uintptr_t)(x))
#define sys0(nr)                sys6(nr, 0, 0, 0, 0, 0, 0)
#define sys1(nr, a)             sys6(nr, a, 0, 0, 0, 0, 0)
#define sys2(nr, a, b)          sys6(nr, a, b, 0, 0, 0, 0)
#define sys3(nr, a, b, c)       sys6(nr, a, b, c, 0, 0, 0)
#define sys4(nr, a, b, c, d)    sys6(nr, a, b, c, d, 0, 0)
#define sys5(nr, a, b, c, d, e) sys6(nr, a, b, c, d, e, 0)

/* New in Linux 5.2 to 5.13, the same on every architecture. */
#ifndef SYS_open_tree
#define SYS_open_tree  428
#define SYS_move_mount 429
#define SYS_fsopen     430
#define SYS_fsconfig   431
#define SYS_fsmount    432
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

#define BJ_AT_FDCWD            (-100)
#define BJ_AT_EMPTY_PATH       0x1000
#define BJ_AT_RECURSIVE        0x8000
#define BJ_AT_SYMLINK_NOFOLLOW 0x100

#define BJ_OPEN_TREE_CLONE         1
#define BJ_OPEN_TREE_CLOEXEC       02000000
#define BJ_MOVE_MOUNT_F_EMPTY_PATH 0x4
#define BJ_FSOPEN_CLOEXEC          1
#define BJ_FSMOUNT_CLOEXEC         1
#define BJ_FSCONFIG_SET_FLAG       0
#define BJ_FSCONFIG_SET_STRING     1
#define BJ_FSCONFIG_CMD_CREATE     6

struct bj_mount_attr {
    uint64_t attr_set;
    uint64_t attr_clr;
    uint64_t propagation;
    uint64_t userns_fd;
};

struct bj_landlock_ruleset_attr {
    uint64_t handled_access_fs;
    uint64_t handled_access_net; /* ABI 4 */
    uint64_t scoped;             /* ABI 6 */
};

struct bj_landlock_path_attr {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define BJ_RESOLVE_NO_MAGICLINKS 0x02
#define BJ_RESOLVE_NO_SYMLINKS   0x04
struct bj_open_how {
    uint64_t flags, mode, resolve;
};

struct bj_clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    uint64_t set_tid, set_tid_size; /* 5.5 */
    uint64_t cgroup;                /* 5.7 */
};

/* clone(2) with a stack of its own: fn(argument) runs in the child and must not return. Needs assembly, because
 * the child comes back from the system call with nothing but registers. In clone.c. */
long bj__clone_vm(unsigned long flags, void *stack_top, void (*fn)(void *), void *argument);

static inline long sys_close(int fd)
{
    return sys1(SYS_close, fd);
}

static inline long sys_write(int fd, const void *bytes, size_t length)
{
    return sys3(SYS_write, fd, SYS_ARG(bytes), (long)length);
}

static inline long sys_read(int fd, void *bytes, size_t length)
{
    return sys3(SYS_read, fd, SYS_ARG(bytes), (long)length);
}

static inline long sys_openat(int dirfd, const char *path, int flags, unsigned mode)
{
    return sys4(SYS_openat, dirfd, SYS_ARG(path), flags, mode);
}

static inline _Noreturn void sys_exit(int code)
{
    for (;;)
        (void)sys1(SYS_exit_group, code);
}

#endif
