/* What could fix an operation that failed.
 * Its own file because hints are text that grows with experience, and are tested as a pure function.
 * Changes when: a user meets a failure that the message did not explain. */
#include "jail/jail.h"

static const struct {
    uint16_t op;
    int err; /* 0: any */
    const char *hint;
} hints[] = {
    {BJ_OP_OPEN_TREE, EACCES, "the source cannot be reached with your rights"},
    {BJ_OP_OPEN_TREE, EPERM,
     "mounting is refused here: inside a container, allow the mount system calls in its seccomp profile"},
    {BJ_OP_OPEN_TREE, ENOENT, "the source does not exist; make it, or mark the mount optional"},
    {BJ_OP_OPEN_TREE, ENOSYS, "this needs Linux 5.12 or later"},
    {BJ_OP_MOUNT_ATTR, ENOSYS, "this needs Linux 5.12 or later"},
    {BJ_OP_TMPFS, EPERM,
     "mounting is refused here: inside a container, allow the mount system calls in its seccomp profile"},
    {BJ_OP_PROC, EPERM,
     "parts of /proc are masked here, as in a container; set \"proc\" to \"none\" or unmask /proc"},
    {BJ_OP_ATTACH, ENOENT, "the target does not exist in the mount that it is in; mount somewhere else"},
    {BJ_OP_MKDIR, EROFS, "the target is in a read-only mount; mount somewhere else"},
    {BJ_OP_MKDIR, ENOSPC, "raise limits.disk_bytes or limits.files"},
    {BJ_OP_PROGRAM, ENOSPC, "raise limits.disk_bytes"},
    {BJ_OP_GUEST_FILE, ENOSPC, "the files handed in do not fit: raise limits.disk_bytes or limits.files"},
    {BJ_OP_GUEST_FILE, EEXIST, "two files have the same path"},
    {BJ_OP_GUEST_DIR, ENOSPC, "raise limits.files"},
    {BJ_OP_FIXED_ADDRESSES, 0,
     "addresses cannot be fixed here: in a container, allow personality(2) with ADDR_NO_RANDOMIZE (0x40000) in "
     "its "
     "seccomp profile, or do without \"deterministic\""},
    {BJ_OP_CHDIR, ENOENT, "\"directory\" does not exist in the jail"},
    {BJ_OP_CHDIR, EACCES, "\"directory\" is not open to the guest"},
    {BJ_OP_KEYRING, EDQUOT, "the user's key quota is used up (kernel.keys.maxkeys)"},
    {BJ_OP_SECCOMP, EBUSY,
     "a filter with a listener is already in force here (a container's); \"--off denial_report\""},
    {BJ_OP_LANDLOCK, EOPNOTSUPP, "Landlock is off: add \"landlock\" to the kernel's lsm= parameter"},
    {BJ_OP_HAND_OVER, ESRCH, "the jail's first process ended before it was confined"},
    {BJ_OP_APPARMOR, 0, "load the profile with apparmor_parser -r, or \"--off apparmor\""},
};

const char *bj__op_hint(uint32_t op, int err)
{
    for (size_t i = 0; i < BJ_COUNT(hints); i++)
        if (hints[i].op == op && (hints[i].err == err || hints[i].err == 0))
            return hints[i].hint;
    return "";
}
