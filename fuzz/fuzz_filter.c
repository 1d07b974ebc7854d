/* Any call under any policy: the program that the kernel would run and a naive reading of the tables agree. And any bytes
 * as a program: the simulator stays within its bounds. Its own file because each fuzzer is one property.
 * Changes when: filters are built in another way. */
#include "fuzz.h"
#include "naive_filter.h"

/* Compiling takes a thousand times as long as asking. */
static const struct bj_buf *program_of(uint64_t sets, bool notify)
{
    static struct bj_buf programs[2][1u << BJ_SET__COUNT];
    struct bj_buf *program = &programs[notify][sets];
    const struct bj_filter_policy policy = {.sets = sets};
    if (program->length == 0) {
        bj__buf_init(program, BPF_MAXINSNS * sizeof(struct sock_filter));
        fuzz_must(bj__filter_build(&policy, notify, program, NULL) == 0, "a policy was not compiled", "");
    }
    return program;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct {
        struct seccomp_data data;
        uint16_t sets;
        uint8_t foreign;
    } input = {0};
    uint32_t action = 0;
    memcpy(&input, bytes, size < sizeof(input) ? size : sizeof(input));
    (void)bj__bpf_run((const void *)bytes, size / sizeof(struct sock_filter), &input.data, &action);
    input.data.arch = input.foreign % 8 ? NATIVE_ARCH : input.data.arch;
    for (int notify = 0; notify < 2; notify++) {
        const struct bj_buf *program = program_of(input.sets % (1u << BJ_SET__COUNT), notify);
        size_t count = program->length / sizeof(struct sock_filter);
        fuzz_must(bj__bpf_run((const void *)program->bytes, count, &input.data, &action) == 0, "loads", "");
        fuzz_must(action == naive_filter(input.sets, notify, &input.data), "another answer",
                  notify ? "asking" : "errno");
    }
    fuzz_must(is_backstop_in_keeping(input.sets, &input.data), "the backstop stops what is allowed", "");
    return 0;
}
