/* Any call under any policy: the program that the kernel would run, and the decision that the supervisor would take,
 * agree. And any bytes as a program: the simulator stays within its bounds.
 * Changes when: filters are built in another way. */
#include "filter/filter.h"

#include <linux/audit.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#else
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void compare(uint64_t sets, const struct seccomp_data *data)
{
    const struct bj_filter_policy policy = {.sets = sets};
    struct bj_filter_decision decision;
    uint64_t args[6];
    uint32_t action = 0;
    BJ_BUF struct bj_buf program;
    bj__buf_init(&program, BPF_MAXINSNS * sizeof(struct sock_filter));
    if (bj__filter_build(&policy, true, &program, NULL) < 0)
        return;
    memcpy(args, data->args, sizeof(args));
    bj__filter_decide(&policy, data->nr, args, &decision);
    size_t count = program.length / sizeof(struct sock_filter);
    if (bj__bpf_run((const struct sock_filter *)(const void *)program.bytes, count, data, &action) < 0)
        abort();
    if ((action == SECCOMP_RET_ALLOW) != (decision.action == BJ_FILTER_ALLOW))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint64_t policies[] = {1, 7, 15, 31}; /* the first sets of sets.def; most are compiled at build time */
    struct seccomp_data data = {.arch = NATIVE_ARCH};
    uint32_t action;
    if (size < sizeof(int) + sizeof(data.args) + 1)
        return 0;
    memcpy(&data.nr, bytes, sizeof(int));
    memcpy(data.args, bytes + sizeof(int), sizeof(data.args));
    compare(policies[bytes[sizeof(int) + sizeof(data.args)] % BJ_COUNT(policies)], &data);
    struct sock_filter program[64];
    size_t count = size / sizeof(program[0]) < 64 ? size / sizeof(program[0]) : 64;
    memcpy(program, bytes, count * sizeof(program[0]));
    (void)bj__bpf_run(program, count, &data, &action); /* refused or run: both are fine */
    return 0;
}
