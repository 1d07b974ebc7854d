/* The simulator of seccomp programs: that it computes, jumps and refuses like the kernel.
 * Its own file because every statement about a filter rests on it. What the kernel would load is tried for
 * real.
 * Changes when: the simulator learns an instruction. */
#include "filter/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define S(code, k)         BPF_STMT(code, k)
#define J(code, k, jt, jf) BPF_JUMP(code, k, jt, jf)
#define RET(k)             S(BPF_RET | BPF_K, k)
#define RETA               S(BPF_RET | BPF_A, 0)
#define PROGRAM(...)                                                                                           \
    (const struct sock_filter[]){__VA_ARGS__}, BJ_COUNT(((const struct sock_filter[]){__VA_ARGS__}))

static const struct seccomp_data data = {.nr = 41,
                                         .arch = 0xc000003e,
                                         .instruction_pointer = 0x1122334455667788,
                                         .args = {0xaaaaaaaabbbbbbbb, 2, 3, 4, 5, 0xfedcba9876543210}};

static uint32_t run(const struct sock_filter *program, size_t count)
{
    uint32_t action = 0;
    assert_int_equal(bj__bpf_run(program, count, &data, &action), 0);
    return action;
}

static void loads_read_the_call(void **state)
{
    (void)state;
    assert_int_equal(run(PROGRAM(S(BPF_LD | BPF_W | BPF_ABS, 0), RETA)), 41);
    assert_int_equal(run(PROGRAM(S(BPF_LD | BPF_W | BPF_ABS, 4), RETA)), 0xc000003e);
    assert_int_equal(run(PROGRAM(S(BPF_LD | BPF_W | BPF_ABS, 16), RETA)), 0xbbbbbbbb);
    assert_int_equal(run(PROGRAM(S(BPF_LD | BPF_W | BPF_ABS, 20), RETA)), 0xaaaaaaaa);
    assert_int_equal(run(PROGRAM(S(BPF_LD | BPF_W | BPF_ABS, 60), RETA)), 0xfedcba98);
    assert_int_equal(run(PROGRAM(S(BPF_LD | BPF_W | BPF_LEN, 0), RETA)), sizeof(struct seccomp_data));
    assert_int_equal(run(PROGRAM(S(BPF_LD | BPF_IMM, 7), RETA)), 7);
    assert_int_equal(run(PROGRAM(S(BPF_LDX | BPF_IMM, 8), S(BPF_MISC | BPF_TXA, 0), RETA)), 8);
    assert_int_equal(run(PROGRAM(S(BPF_LD | BPF_IMM, 9), S(BPF_ST, 15), S(BPF_LD | BPF_IMM, 1),
                                 S(BPF_LDX | BPF_MEM, 15), S(BPF_MISC | BPF_TXA, 0), RETA)),
                     9);
}

static void arithmetic_is_of_32_bits(void **state)
{
    (void)state;
    static const struct {
        uint16_t op;
        uint32_t a, k, result;
    } rows[] = {
        {BPF_ADD, 0xffffffff, 2, 1},          {BPF_SUB, 1, 2, 0xffffffff},       {BPF_MUL, 0x80000001, 2, 2},
        {BPF_DIV, 0xfffffffe, 2, 0x7fffffff}, {BPF_AND, 0xff0f, 0xf0ff, 0xf00f}, {BPF_OR, 0xf0, 0x0f, 0xff},
        {BPF_XOR, 0xff, 0x0f, 0xf0},          {BPF_LSH, 3, 31, 0x80000000},      {BPF_RSH, 0x80000000, 31, 1}};
    for (size_t i = 0; i < BJ_COUNT(rows); i++) {
        const struct sock_filter with_k[] = {S(BPF_LD | BPF_IMM, rows[i].a),
                                             S((uint16_t)(BPF_ALU | rows[i].op | BPF_K), rows[i].k), RETA};
        const struct sock_filter with_x[] = {S(BPF_LDX | BPF_IMM, rows[i].k), S(BPF_LD | BPF_IMM, rows[i].a),
                                             S((uint16_t)(BPF_ALU | rows[i].op | BPF_X), 0), RETA};
        assert_int_equal(run(with_k, BJ_COUNT(with_k)), rows[i].result);
        assert_int_equal(run(with_x, BJ_COUNT(with_x)), rows[i].result);
    }
    assert_int_equal(run(PROGRAM(S(BPF_LD | BPF_IMM, 5), S(BPF_ALU | BPF_NEG, 0), RETA)), (uint32_t)-5);
    assert_int_equal(
        run(PROGRAM(S(BPF_LDX | BPF_IMM, 0), S(BPF_LD | BPF_IMM, 5), S(BPF_ALU | BPF_DIV | BPF_X, 0), RETA)),
        SECCOMP_RET_KILL_THREAD);
}

static void jumps_go_where_they_say(void **state)
{
    (void)state;
    static const struct {
        uint16_t op;
        uint32_t k;
        bool taken;
    } rows[] = {{BPF_JEQ, 10, true},  {BPF_JEQ, 11, false}, {BPF_JGT, 9, true},
                {BPF_JGT, 10, false}, {BPF_JGE, 10, true},  {BPF_JGE, 11, false},
                {BPF_JSET, 8, true},  {BPF_JSET, 5, false}, {BPF_JGT, 0x80000000, false}};
    for (size_t i = 0; i < BJ_COUNT(rows); i++) {
        const struct sock_filter with_k[] = {S(BPF_LD | BPF_IMM, 10),
                                             J((uint16_t)(BPF_JMP | rows[i].op | BPF_K), rows[i].k, 1, 0),
                                             RET(100), RET(200)};
        const struct sock_filter with_x[] = {S(BPF_LD | BPF_IMM, 10), S(BPF_LDX | BPF_IMM, rows[i].k),
                                             J((uint16_t)(BPF_JMP | rows[i].op | BPF_X), 0, 1, 0), RET(100),
                                             RET(200)};
        assert_int_equal(run(with_k, BJ_COUNT(with_k)), rows[i].taken ? 200 : 100);
        assert_int_equal(run(with_x, BJ_COUNT(with_x)), rows[i].taken ? 200 : 100);
    }
    assert_int_equal(run(PROGRAM(S(BPF_JMP | BPF_JA, 1), RET(1), RET(2))), 2);
}

/* Programs that must not load: out of bounds, unknown, unending, uninitialised. */
static const struct {
    struct sock_filter code[6];
    unsigned short count;
} bad[] = {
    {{RET(0)}, 0},
    {{S(BPF_LD | BPF_IMM, 1)}, 1},                  /* no return at the end */
    {{S(BPF_LD | BPF_W | BPF_ABS, 64), RET(0)}, 2}, /* behind the data */
    {{S(BPF_LD | BPF_W | BPF_ABS, 0xfffffffc), RET(0)}, 2},
    {{S(BPF_LD | BPF_W | BPF_ABS, 2), RET(0)}, 2}, /* not aligned */
    {{S(BPF_LD | BPF_H | BPF_ABS, 0), RET(0)}, 2}, /* not a word */
    {{S(BPF_LD | BPF_W | BPF_IND, 0), RET(0)}, 2}, /* not in seccomp */
    {{S(BPF_LDX | BPF_B | BPF_MSH, 0), RET(0)}, 2},
    {{S(BPF_LD | BPF_IMM, 1), S(BPF_ST, 16), RET(0)}, 3}, /* no such scratch word */
    {{S(BPF_LD | BPF_MEM, 3), RET(0)}, 2},                /* read before it was written */
    {{J(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), S(BPF_ST, 3), S(BPF_LD | BPF_MEM, 3), RET(0)},
     4},                                            /* on one way only */
    {{S(BPF_JMP | BPF_JA, 1), RET(0)}, 2},          /* jump behind the end */
    {{S(BPF_JMP | BPF_JA, 0xffffffff), RET(0)}, 2}, /* or back */
    {{J(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), RET(0)}, 2},
    {{J(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), RET(0)}, 2},
    {{S(BPF_ALU | BPF_DIV | BPF_K, 0), RET(0)}, 2},  /* division by a constant zero */
    {{S(BPF_ALU | BPF_LSH | BPF_K, 32), RET(0)}, 2}, /* shifted out */
    {{S(BPF_ALU | BPF_MOD | BPF_K, 3), RET(0)}, 2},  /* seccomp has no modulo */
    {{S(0xffff, 0), RET(0)}, 2},
    {{S(BPF_RET | BPF_X, 0)}, 1},
};

static void bad_programs_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < BJ_COUNT(bad); i++) {
        uint32_t action = 99;
        if (bj__bpf_run(bad[i].code, bad[i].count, &data, &action) != -EINVAL)
            fail_msg("bad program %zu ran", i);
        assert_int_equal(action, 99);
    }
    uint32_t action = 99;
    assert_int_equal(bj__bpf_run(NULL, 1, &data, &action), -EINVAL);
    static struct sock_filter longest[BPF_MAXINSNS + 1];
    for (size_t i = 0; i < BJ_COUNT(longest); i++)
        longest[i] = (struct sock_filter)RET(5);
    assert_int_equal(bj__bpf_run(longest, BPF_MAXINSNS, &data, &action), 0);
    assert_int_equal(bj__bpf_run(longest, BPF_MAXINSNS + 1, &data, &action), -EINVAL);
}

/* Exit status of a child that loads the program: 0 it loaded, 1 EINVAL, 2 anything else. */
static int load_for_real(const struct sock_filter *code, unsigned short count)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sock_filter copy[8];
        memcpy(copy, code, count * sizeof(*copy));
        struct sock_fprog load = {.len = count, .filter = copy};
        long r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
                     ? -2
                     : syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &load);
        /* Only exit_group is left to a child that a strange filter now rules. */
        syscall(SYS_exit_group, r == 0 ? 0 : r == -1 && errno == EINVAL ? 1 : 2);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 0; /* killed by what it loaded */
}

static void the_kernel_refuses_the_same_programs(void **state)
{
    (void)state;
    for (size_t i = 0; i < BJ_COUNT(bad); i++)
        if (load_for_real(bad[i].code, bad[i].count) != 1)
            fail_msg("the kernel does not refuse bad program %zu", i);
    assert_int_equal(load_for_real(PROGRAM(RET(SECCOMP_RET_ALLOW))), 0);
    assert_int_equal(load_for_real(PROGRAM(S(BPF_LD | BPF_IMM, 9), S(BPF_ST, 15), S(BPF_LDX | BPF_MEM, 15),
                                           RET(SECCOMP_RET_ALLOW))),
                     0);
}

/* A word that is stored on every way to its load, though not in every instruction before it. */
static void scratch_memory_follows_the_ways(void **state)
{
    (void)state;
    static const struct sock_filter code[] = {J(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2),
                                              S(BPF_ST, 3),
                                              S(BPF_JMP | BPF_JA, 1),
                                              S(BPF_JMP | BPF_JA, 1),
                                              S(BPF_LD | BPF_MEM, 3),
                                              RET(SECCOMP_RET_ALLOW)};
    assert_int_equal(run(code, BJ_COUNT(code)), SECCOMP_RET_ALLOW);
    assert_int_equal(load_for_real(code, BJ_COUNT(code)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_read_the_call),
        cmocka_unit_test(arithmetic_is_of_32_bits),
        cmocka_unit_test(jumps_go_where_they_say),
        cmocka_unit_test(bad_programs_are_refused),
        cmocka_unit_test(the_kernel_refuses_the_same_programs),
        cmocka_unit_test(scratch_memory_follows_the_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
