/* Runs a seccomp program on one call, as the kernel would.
 * Its own file because tests and the fuzzer need the kernel's meaning of a program without loading it.
 * Changes when: the kernel accepts another instruction in seccomp programs.
 *
 * Strict: what seccomp(2) would refuse to load (kernel/seccomp.c seccomp_check_filter, net/core/filter.c
 * bpf_check_classic) is refused here as well, whether or not the call would reach it. */
#include "filter/filter.h"

struct machine {
    uint32_t a, x;
    uint32_t memory[BPF_MEMWORDS];
};

static bool is_known_alu(uint16_t code)
{
    switch (code) {
    case BPF_ALU | BPF_ADD | BPF_K:
    case BPF_ALU | BPF_ADD | BPF_X:
    case BPF_ALU | BPF_SUB | BPF_K:
    case BPF_ALU | BPF_SUB | BPF_X:
    case BPF_ALU | BPF_MUL | BPF_K:
    case BPF_ALU | BPF_MUL | BPF_X:
    case BPF_ALU | BPF_DIV | BPF_K:
    case BPF_ALU | BPF_DIV | BPF_X:
    case BPF_ALU | BPF_AND | BPF_K:
    case BPF_ALU | BPF_AND | BPF_X:
    case BPF_ALU | BPF_OR | BPF_K:
    case BPF_ALU | BPF_OR | BPF_X:
    case BPF_ALU | BPF_XOR | BPF_K:
    case BPF_ALU | BPF_XOR | BPF_X:
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_LSH | BPF_X:
    case BPF_ALU | BPF_RSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_X:
    case BPF_ALU | BPF_NEG:
        return true;
    default:
        return false;
    }
}

static bool is_loadable_alu(const struct sock_filter *in)
{
    if (!is_known_alu(in->code))
        return false;
    if (in->code == (BPF_ALU | BPF_DIV | BPF_K))
        return in->k != 0;
    if (in->code == (BPF_ALU | BPF_LSH | BPF_K) || in->code == (BPF_ALU | BPF_RSH | BPF_K))
        return in->k < 32;
    return true;
}

/* left: instructions behind this one. */
static bool is_loadable_jump(const struct sock_filter *in, size_t left)
{
    switch (in->code) {
    case BPF_JMP | BPF_JA:
        return in->k < left;
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JEQ | BPF_X:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_X:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_X:
    case BPF_JMP | BPF_JSET | BPF_K:
    case BPF_JMP | BPF_JSET | BPF_X:
        return in->jt < left && in->jf < left;
    default:
        return false;
    }
}

static bool is_loadable(const struct sock_filter *in, size_t left)
{
    switch (in->code) {
    case BPF_LD | BPF_W | BPF_ABS:
        return in->k < sizeof(struct seccomp_data) && in->k % 4 == 0;
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
        return true;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
        return in->k < BPF_MEMWORDS;
    default:
        return is_loadable_jump(in, left) || is_loadable_alu(in);
    }
}

/* As check_load_and_stores: on every way to a load from scratch memory, the word must have been stored. Jumps
 * only go forward, so one pass sees every way in. valid[i]: the words stored on all ways to instruction i. */
static bool are_loads_initialised(const struct sock_filter *program, size_t count, uint16_t *valid)
{
    memset(valid, 0xff, count * sizeof(*valid));
    uint16_t stored = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sock_filter *in = &program[i];
        stored &= valid[i];
        if (in->code == BPF_ST || in->code == BPF_STX)
            stored |= (uint16_t)(1u << in->k);
        else if ((in->code == (BPF_LD | BPF_MEM) || in->code == (BPF_LDX | BPF_MEM)) && !(stored >> in->k & 1))
            return false;
        if (BPF_CLASS(in->code) != BPF_JMP)
            continue;
        if (in->code == (BPF_JMP | BPF_JA)) {
            valid[i + 1 + in->k] &= stored;
        } else {
            valid[i + 1 + in->jt] &= stored;
            valid[i + 1 + in->jf] &= stored;
        }
        stored = 0xffff;
    }
    return true;
}

static bool would_load(const struct sock_filter *program, size_t count)
{
    if (!program || count == 0 || count > BPF_MAXINSNS)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!is_loadable(&program[i], count - i - 1))
            return false;
    if (BPF_CLASS(program[count - 1].code) != BPF_RET)
        return false;
    uint16_t valid[BPF_MAXINSNS];
    return are_loads_initialised(program, count, valid);
}

/* Kernel since 4.15: a division by zero ends the program with 0, that is SECCOMP_RET_KILL_THREAD. */
static bool divides_by_zero(const struct machine *m, const struct sock_filter *in)
{
    return in->code == (BPF_ALU | BPF_DIV | BPF_X) && m->x == 0;
}

static void run_alu(struct machine *m, const struct sock_filter *in)
{
    uint32_t operand = BPF_SRC(in->code) == BPF_X ? m->x : in->k;
    switch (BPF_OP(in->code)) {
    case BPF_ADD:
        m->a += operand;
        break;
    case BPF_SUB:
        m->a -= operand;
        break;
    case BPF_MUL:
        m->a *= operand;
        break;
    case BPF_DIV:
        m->a /= operand;
        break;
    case BPF_AND:
        m->a &= operand;
        break;
    case BPF_OR:
        m->a |= operand;
        break;
    case BPF_XOR:
        m->a ^= operand;
        break;
    case BPF_LSH:
        m->a <<= operand & 31;
        break;
    case BPF_RSH:
        m->a >>= operand & 31;
        break;
    default:
        m->a = 0u - m->a;
        break; /* BPF_NEG */
    }
}

static size_t jump_length(const struct machine *m, const struct sock_filter *in)
{
    uint32_t operand = BPF_SRC(in->code) == BPF_X ? m->x : in->k;
    switch (BPF_OP(in->code)) {
    case BPF_JA:
        return in->k;
    case BPF_JEQ:
        return m->a == operand ? in->jt : in->jf;
    case BPF_JGE:
        return m->a >= operand ? in->jt : in->jf;
    case BPF_JGT:
        return m->a > operand ? in->jt : in->jf;
    default:
        return m->a & operand ? in->jt : in->jf; /* BPF_JSET */
    }
}

static uint32_t load(const struct machine *m, const struct sock_filter *in, const struct seccomp_data *data)
{
    uint32_t word = 0;
    switch (BPF_MODE(in->code)) {
    case BPF_ABS:
        memcpy(&word, (const unsigned char *)data + in->k, sizeof(word));
        return word;
    case BPF_LEN:
        return sizeof(*data);
    case BPF_MEM:
        return m->memory[in->k];
    default:
        return in->k; /* BPF_IMM */
    }
}

static void step(struct machine *m, const struct sock_filter *in, const struct seccomp_data *data)
{
    switch (BPF_CLASS(in->code)) {
    case BPF_LD:
        m->a = load(m, in, data);
        break;
    case BPF_LDX:
        m->x = load(m, in, data);
        break;
    case BPF_ST:
        m->memory[in->k] = m->a;
        break;
    case BPF_STX:
        m->memory[in->k] = m->x;
        break;
    case BPF_ALU:
        run_alu(m, in);
        break;
    default: /* BPF_MISC */
        if (in->code == (BPF_MISC | BPF_TAX))
            m->x = m->a;
        else
            m->a = m->x;
        break;
    }
}

int bj__bpf_run(const struct sock_filter *program, size_t count, const struct seccomp_data *data,
                uint32_t *ret_action)
{
    if (!would_load(program, count))
        return -EINVAL;
    struct machine m = {0};
    for (size_t at = 0; at < count; at++) {
        const struct sock_filter *in = &program[at];
        if (BPF_CLASS(in->code) == BPF_RET) {
            *ret_action = in->code == (BPF_RET | BPF_A) ? m.a : in->k;
            return 0;
        }
        if (divides_by_zero(&m, in)) {
            *ret_action = SECCOMP_RET_KILL_THREAD;
            return 0;
        }
        if (BPF_CLASS(in->code) == BPF_JMP)
            at += jump_length(&m, in);
        else
            step(&m, in, data);
    }
    return -EINVAL;
}
