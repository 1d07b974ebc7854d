/* Goes around what cannot matter: libseccomp tests the high half of every masked argument, even where the mask lets
 * nothing of it through. That is a third of our programs, and the kernel compiles them at every start; tree.c leaves behind
 * what nothing arrives at any more.
 * Its own file because it knows instructions, and nothing about policies.
 * Changes when: libseccomp writes other programs (the tests then show a larger count, never another meaning). */
#include "filter/table.h"

/* Where control really arrives that goes to at. */
static size_t follow(const struct sock_filter *program, size_t at)
{
    while (program[at].code == (BPF_JMP | BPF_JA))
        at += 1 + program[at].k;
    return at;
}

/* "load; and 0; equal to 0?" always goes one way, and nobody can miss the accumulator where it goes to a load
 * or a return. From the end, so that a chain of such tests falls together. */
static void fold_empty_tests(struct sock_filter *program, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        if (i + 2 >= count || program[i].code != (BPF_LD | BPF_W | BPF_ABS) ||
            program[i + 1].code != (BPF_ALU | BPF_AND | BPF_K) || program[i + 1].k != 0 ||
            program[i + 2].code != (BPF_JMP | BPF_JEQ | BPF_K) || program[i + 2].k != 0)
            continue;
        size_t target = follow(program, i + 3 + program[i + 2].jt);
        if (program[target].code == (BPF_LD | BPF_W | BPF_ABS) || program[target].code == (BPF_RET | BPF_K))
            program[i] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(target - i - 1));
    }
}

static uint8_t thread_offset(const struct sock_filter *program, size_t at, uint8_t offset)
{
    size_t target = follow(program, at + 1 + offset);
    return target - at - 1 <= UINT8_MAX ? (uint8_t)(target - at - 1) : offset;
}

static void thread_jumps(struct sock_filter *program, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (BPF_CLASS(program[i].code) != BPF_JMP)
            continue;
        if (program[i].code == (BPF_JMP | BPF_JA)) {
            program[i].k = (uint32_t)(follow(program, i) - i - 1);
        } else {
            program[i].jt = thread_offset(program, i, program[i].jt);
            program[i].jf = thread_offset(program, i, program[i].jf);
        }
    }
}

void bj__filter_shrink(struct sock_filter *program, size_t count)
{
    fold_empty_tests(program, count);
    thread_jumps(program, count);
}
