/* The program of a policy: out of the table made at build time, or compiled now.
 * Its own file because the cold start of a run must not touch the compiler.
 * Changes when: programs come from somewhere else. */
#include "filter/table.h"

const struct sock_filter *bj__filter_backstop(const struct bj_filter_policy *policy, size_t *ret_count)
{
    return bj__filter_shipped_backstop(policy->sets >> BJ_SET_inet_sockets & 1, ret_count);
}

int bj__filter_build(const struct bj_filter_policy *policy, bool notify, struct bj_buf *program,
                     struct bj_error *err)
{
    size_t count = 0;
    const struct sock_filter *shipped = bj__filter_shipped(policy->sets, notify, &count);
    if (!shipped)
        return bj__filter_compile(policy, notify, program, err);
    int rc = bj__buf_add(program, shipped, count * sizeof(*shipped));
    return rc < 0 ? bj__error_system(err, -rc, "syscalls", "no room for the system call filter") : 0;
}
