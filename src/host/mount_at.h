/* What is mounted at a path.
 * Its own file because asking for one mount costs a tenth of reading /proc/self/mountinfo, and not every
 * kernel can be asked.
 * Changes when: more must be known of a mount. */
#ifndef BJ_MOUNT_AT_H
#define BJ_MOUNT_AT_H

#include "base/base.h"

struct bj_mount_at {
    uint64_t magic;      /* of the file system, as in statfs(2) */
    const char *root;    /* the directory of the file system that is mounted, not escaped */
    const char *options; /* of the file system, separated by commas; "" when it shows none */
    uint64_t room[128];
};

/* 0; -ENOSYS where the kernel cannot tell (before 6.8; options: 6.11); -EINVAL when path is not a mount
 * point's. */
int bj__mount_at(const char *path, struct bj_mount_at *ret_mount);

#endif
