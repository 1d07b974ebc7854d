/* statmount(2) for one path.
 * Its own file because headers of today's distributions do not have it, so the kernel's interface is written
 * down here.
 * Changes when: more must be known of a mount. */
#include "host/mount_at.h"

#include <fcntl.h>
#include <linux/stat.h> /* struct statx, which not every libc has */
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SYS_STATMOUNT 457     /* 6.8; the same on every architecture */
#define UNIQUE_ID     0x4000u /* STATX_MNT_ID_UNIQUE, 6.8 */

/* linux/mount.h: struct mnt_id_req in its first version, and the answer. */
struct request {
    uint32_t size;
    uint32_t spare;
    uint64_t mount_id;
    uint64_t mask;
};

#define MASK_SUPER   0x1u
#define MASK_ROOT    0x8u
#define MASK_OPTIONS 0x80u /* 6.11; not in the answer when there are none */

struct answer {
    uint32_t size;
    uint32_t options; /* as root: where in text it begins */
    uint64_t mask;
    uint32_t device[2];
    uint64_t magic;
    uint32_t flags;
    uint32_t type;
    uint64_t ids[3];
    uint64_t propagation[5];
    uint32_t root;
    uint32_t point;
    uint64_t spare[50];
    char text[];
};

_Static_assert(offsetof(struct answer, root) == 104 && offsetof(struct answer, text) == 512,
               "the kernel's struct statmount");

/* The last byte of what the kernel fills is a NUL; a place in it cannot be beyond that. */
static const char *text_at(const struct answer *answer, size_t size, uint32_t place)
{
    return place < size - offsetof(struct answer, text) ? answer->text + place : "";
}

int bj__mount_at(const char *path, struct bj_mount_at *ret_mount)
{
    struct statx status;
    if (syscall(SYS_statx, AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, UNIQUE_ID, &status) < 0)
        return -errno;
    if (!(status.stx_mask & UNIQUE_ID))
        return -ENOSYS;
    /* The root of a mount: 5.8, so every kernel that has the rest. */
    if (!(status.stx_attributes & STATX_ATTR_MOUNT_ROOT))
        return -EINVAL;
    const struct request request = {
        .size = sizeof(request), .mount_id = status.stx_mnt_id, .mask = MASK_SUPER | MASK_ROOT | MASK_OPTIONS};
    struct answer *answer = (struct answer *)(void *)ret_mount->room;
    size_t size = sizeof(ret_mount->room);
    memset(ret_mount->room, 0, sizeof(*answer));
    if (syscall(SYS_STATMOUNT, &request, answer, size - 1, 0) < 0)
        return -errno;
    ((char *)ret_mount->room)[size - 1] = 0;
    if ((answer->mask & (MASK_SUPER | MASK_ROOT)) != (MASK_SUPER | MASK_ROOT))
        return -ENOSYS;
    ret_mount->magic = answer->magic;
    ret_mount->root = text_at(answer, size, answer->root);
    ret_mount->options = answer->mask & MASK_OPTIONS ? text_at(answer, size, answer->options) : "";
    return 0;
}
