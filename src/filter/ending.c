/* A program that tells its listener of the end, too.
 * Its own file because it adds a line to a program that is made already, whatever made it.
 * Changes when: a guest's end is told by another call.
 *
 * exit_group(2) is allowed by every policy; here the listener is told of it (SECCOMP_RET_USER_NOTIF goes before the ALLOW of
 * everything else, seccomp(2)), and the caller stands still in it. It is one refusal more and no permission. */
#include "filter/table.h"

#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>

int bj__filter_tell_end(const struct sock_filter *program, size_t count, struct bj_buf *ret_program)
{
    static const struct sock_filter first[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BJ_FILTER_ARCH, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    };
    if (count + BJ_COUNT(first) > BPF_MAXINSNS)
        return -E2BIG;
    int r = bj__buf_add(ret_program, first, sizeof(first));
    return r < 0 ? r : bj__buf_add(ret_program, program, count * sizeof(*program));
}
