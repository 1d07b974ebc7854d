/* A program whose tree is planted anew: it does what it did, and is shorter.
 * Its own file because any program will do for that, and policies are no help.
 * Changes when: another shape of tree is planted. */
#include "filter/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define PROGRAMS   100
#define LAST       600u
#define ACTIONS    5u
#define TAIL_EVERY 7u
#define LOAD(what) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, what))
#define TEST(operation, value, jt, jf)                                                                         \
    BPF_JUMP(BPF_JMP | (operation) | BPF_K, (uint32_t)(value), (uint8_t)(jt), (uint8_t)(jf))
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(value))

struct program {
    struct sock_filter code[BPF_MAXINSNS];
    size_t count;
};

static void add(struct program *program, struct sock_filter instruction)
{
    assert_true(program->count < BPF_MAXINSNS);
    program->code[program->count++] = instruction;
}

static void begin(struct program *program)
{
    program->count = 0;
    add(program, (struct sock_filter)LOAD(arch));
    add(program, (struct sock_filter)TEST(BPF_JEQ, BJ_FILTER_ARCH, 1, 0));
    add(program, (struct sock_filter)ANSWER(0x80000000));
    add(program, (struct sock_filter)LOAD(nr));
}

/* "Is it this number?", one after the other, and now and then a look at an argument. */
static void make_any(struct program *program, unsigned seed)
{
    srand(seed); /* NOLINT(cert-msc32-c,cert-msc51-cpp): the same ones each time */
    unsigned last = (unsigned)rand() % LAST;
    begin(program);
    for (unsigned number = 0; number < last; number += 1 + (unsigned)rand() % 3) {
        if ((unsigned)rand() % TAIL_EVERY == 0) {
            add(program, (struct sock_filter)TEST(BPF_JEQ, number, 0, 4));
            add(program, (struct sock_filter)LOAD(args[1]));
            add(program, (struct sock_filter)TEST(BPF_JSET, 1 + (unsigned)rand() % 7, 0, 1));
            add(program, (struct sock_filter)ANSWER((unsigned)rand() % ACTIONS));
            add(program, (struct sock_filter)ANSWER((unsigned)rand() % ACTIONS));
        } else {
            add(program, (struct sock_filter)TEST(BPF_JEQ, number, 0, 1));
            add(program, (struct sock_filter)ANSWER(0x10 + (unsigned)rand() % ACTIONS));
        }
    }
    add(program, (struct sock_filter)TEST(BPF_JGT, last + 3, 0, 1));
    add(program, (struct sock_filter)ANSWER(0x22));
    add(program, (struct sock_filter)TEST(BPF_JGE, last + 2, 0, 1));
    add(program, (struct sock_filter)ANSWER(0x20));
    add(program, (struct sock_filter)ANSWER(0x21));
}

static uint32_t answer_of(const struct program *program, const struct seccomp_data *call)
{
    uint32_t action = 0;
    assert_int_equal(bj__bpf_run(program->code, program->count, call, &action), 0);
    return action;
}

static void compare(const struct program *before, const struct program *after, uint32_t arch, uint32_t number)
{
    for (uint64_t argument = 0; argument < 8; argument++) {
        const struct seccomp_data call = {.nr = (int)number, .arch = arch, .args = {0, argument}};
        if (answer_of(before, &call) != answer_of(after, &call))
            fail_msg("call %u(0, %u) of architecture 0x%x has another answer: 0x%x, now 0x%x", number,
                     (unsigned)argument, arch, answer_of(before, &call), answer_of(after, &call));
    }
}

static void plant(const struct program *before, struct program *after)
{
    *after = *before;
    int count = bj__filter_plant(after->code, after->count);
    assert_in_range(count, 1, before->count);
    after->count = (size_t)count;
}

static void it_does_what_it_did(void **state)
{
    static struct program before, after;
    size_t counts[2] = {0, 0};
    (void)state;
    for (unsigned seed = 1; seed <= PROGRAMS; seed++) {
        make_any(&before, seed);
        plant(&before, &after);
        for (uint32_t number = 0; number < LAST + 10; number++)
            compare(&before, &after, BJ_FILTER_ARCH, number);
        for (uint32_t number = 0xffffffe0u; number != 0; number++)
            compare(&before, &after, BJ_FILTER_ARCH, number);
        compare(&before, &after, BJ_FILTER_ARCH, 0x40000000u);
        compare(&before, &after, ~BJ_FILTER_ARCH, 1);
        counts[0] += before.count;
        counts[1] += after.count;
    }
    assert_true(counts[1] < counts[0] * 9 / 10);
}

/* Every step-th number has another answer than the rest. Returns how long the new program is. */
static size_t plant_steps(unsigned first, unsigned end, unsigned step)
{
    static struct program before, after;
    begin(&before);
    for (unsigned number = first; number < end; number += step) {
        add(&before, (struct sock_filter)TEST(BPF_JEQ, number, 0, 1));
        add(&before, (struct sock_filter)ANSWER(1));
    }
    add(&before, (struct sock_filter)ANSWER(2));
    plant(&before, &after);
    for (uint32_t number = 0; number < end + 10; number++)
        compare(&before, &after, BJ_FILTER_ARCH, number);
    return after.count;
}

static void numbers_side_by_side_are_one_test(void **state)
{
    (void)state;
    /* two loads, is it ours?, two ends of the interval, three answers */
    assert_int_equal(plant_steps(100, 200, 1), 8);
}

static void a_single_number_is_one_test(void **state)
{
    (void)state;
    /* two loads, is it ours?, three numbers, three answers */
    assert_int_equal(plant_steps(10, 16, 2), 9);
}

static void what_cannot_be_shorter_stays(void **state)
{
    static struct program before, after;
    (void)state;
    begin(&before);
    add(&before, (struct sock_filter)ANSWER(2));
    plant(&before, &after);
    compare(&before, &after, BJ_FILTER_ARCH, 7);
    compare(&before, &after, ~BJ_FILTER_ARCH, 7);
}

static void other_architectures_rules_are_refused(void **state)
{
    struct sock_filter code[] = {
        LOAD(arch), TEST(BPF_JEQ, 0x40000028, 0, 1), ANSWER(1), LOAD(nr), TEST(BPF_JEQ, 1, 0, 1), ANSWER(1),
        ANSWER(2),
    };
    (void)state;
    assert_int_equal(bj__filter_plant(code, BJ_COUNT(code)), -ENOTSUP);
}

static void too_many_intervals_are_refused(void **state)
{
    static struct program program;
    (void)state;
    begin(&program);
    for (unsigned number = 0; number < 1000; number++) {
        add(&program, (struct sock_filter)TEST(BPF_JEQ, 3 * number, 0, 1));
        add(&program, (struct sock_filter)ANSWER(number));
    }
    add(&program, (struct sock_filter)ANSWER(5000));
    assert_int_equal(bj__filter_plant(program.code, program.count), -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_does_what_it_did),
        cmocka_unit_test(numbers_side_by_side_are_one_test),
        cmocka_unit_test(a_single_number_is_one_test),
        cmocka_unit_test(what_cannot_be_shorter_stays),
        cmocka_unit_test(other_architectures_rules_are_refused),
        cmocka_unit_test(too_many_intervals_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
