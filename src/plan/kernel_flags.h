/* Numbers of the kernel that plans hold: mount attributes, clone flags and a personality, which older headers lack.
 * Its own file because the builders write them and the child half passes them on, and neither may include the
 * other.
 * Changes when: a plan uses another one. */
#ifndef BJ_KERNEL_FLAGS_H
#define BJ_KERNEL_FLAGS_H

/* mount_setattr(2), Linux 5.12; nosymfollow 5.14 */
#define BJ_MOUNT_ATTR_RDONLY      0x1
#define BJ_MOUNT_ATTR_NOSUID      0x2
#define BJ_MOUNT_ATTR_NODEV       0x4
#define BJ_MOUNT_ATTR_NOEXEC      0x8
#define BJ_MOUNT_ATTR_NOSYMFOLLOW 0x200000

/* clone(2) and clone3(2) */
#define BJ_CLONE_VM            0x100ull
#define BJ_CLONE_CLEAR_SIGHAND 0x100000000ull
#define BJ_CLONE_INTO_CGROUP   0x200000000ull
#define BJ_CLONE_PIDFD         0x1000ull
#define BJ_CLONE_NEWTIME       0x80ull
#define BJ_CLONE_NEWNS         0x20000ull
#define BJ_CLONE_NEWCGROUP     0x2000000ull
#define BJ_CLONE_NEWUTS        0x4000000ull
#define BJ_CLONE_NEWIPC        0x8000000ull
#define BJ_CLONE_NEWUSER       0x10000000ull
#define BJ_CLONE_NEWPID        0x20000000ull
#define BJ_CLONE_NEWNET        0x40000000ull

/* personality(2) */
#define BJ_ADDR_NO_RANDOMIZE 0x0040000ull

#endif
