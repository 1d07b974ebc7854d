/* Plants the tree of a program anew: libseccomp makes a leaf of every number, we one of every interval of numbers that have
 * the same fate, less the few within it that have another. That is two fifths of our programs, and the kernel compiles
 * them at every start.
 * Its own file because it asks the program itself what becomes of a number, and knows nothing of policies.
 * Changes when: another shape of tree is shorter.
 *
 * A number's fate is the instruction at which a call of it has either its answer or the first look at an argument. It can
 * only change where the program compares with something, so these few numbers stand for all. What follows upon a look at
 * arguments is taken over as it is.
 * Jumps go forward, and not far. So the new program is written from its end: where a jump goes to is there before it. */
#include "filter/table.h"

#include <stddef.h>
#include <stdlib.h>

#define MAX_INTERVALS 512u
#define EXCEPTIONS    3u /* of a leaf: a call goes by all of them */
#define LOAD          (BPF_LD | BPF_W | BPF_ABS)
#define RETURN        (BPF_RET | BPF_K)

struct interval {
    uint32_t first;
    uint16_t fate; /* an instruction of the old program */
};

/* Numbers from first on have its fate, but for the exceptions. Each of these is followed by one that has it again. */
struct leaf {
    uint32_t first;
    uint16_t fate;
    unsigned exception_count;
    struct interval exceptions[EXCEPTIONS];
};

struct planting {
    const struct sock_filter *program;
    size_t count;
    uint16_t foreign; /* fate of another architecture's calls */
    struct interval intervals[MAX_INTERVALS];
    unsigned interval_count;
    struct leaf leaves[MAX_INTERVALS];
    unsigned leaf_count;
    uint32_t limits[2 * BPF_MAXINSNS + 1];
    size_t limit_count;
    /* Places are counted from the end. */
    struct sock_filter backwards[BPF_MAXINSNS];
    size_t length;
    uint16_t place[BPF_MAXINSNS]; /* of what was taken over */
    bool failed;                  /* there was no room for an instruction; nothing is added after it */
};

/* ---- what becomes of a number ----------------------------------------------------------------------------- */

static size_t taken(const struct sock_filter *jump, uint32_t accumulator)
{
    switch (BPF_OP(jump->code)) {
    case BPF_JA:
        return jump->k;
    case BPF_JEQ:
        return accumulator == jump->k ? jump->jt : jump->jf;
    case BPF_JGT:
        return accumulator > jump->k ? jump->jt : jump->jf;
    case BPF_JGE:
        return accumulator >= jump->k ? jump->jt : jump->jf;
    default: /* BPF_JSET */
        return accumulator & jump->k ? jump->jt : jump->jf;
    }
}

/* Of the same answers, the first one. */
static uint16_t same_answer(const struct planting *planting, size_t at)
{
    const struct sock_filter *program = planting->program;
    for (size_t i = 0; i < at && program[at].code == RETURN; i++)
        if (program[i].code == RETURN && program[i].k == program[at].k)
            return (uint16_t)i;
    return (uint16_t)at;
}

static uint16_t fate_of(const struct planting *planting, uint32_t arch, uint32_t number)
{
    uint32_t accumulator = 0;
    for (size_t at = 0;; at++) {
        const struct sock_filter *in = &planting->program[at];
        if (BPF_CLASS(in->code) == BPF_JMP)
            at += taken(in, accumulator);
        else if (in->code == LOAD && in->k == offsetof(struct seccomp_data, arch))
            accumulator = arch;
        else if (in->code == LOAD && in->k == offsetof(struct seccomp_data, nr))
            accumulator = number;
        else
            return same_answer(planting, at);
    }
}

/* It is asked first, and for nothing but this machine's. */
static int look_at_arch(struct planting *planting)
{
    const struct sock_filter *program = planting->program;
    for (size_t i = 0; i < planting->count; i++)
        if (program[i].code == LOAD && program[i].k == offsetof(struct seccomp_data, arch) &&
            (i > 0 || program[1].code != (BPF_JMP | BPF_JEQ | BPF_K) || program[1].k != BJ_FILTER_ARCH))
            return -ENOTSUP;
    planting->foreign = fate_of(planting, ~BJ_FILTER_ARCH, 0);
    return program[planting->foreign].code == RETURN ? 0 : -ENOTSUP;
}

/* ---- intervals and leaves --------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Numbers that can have another fate than the one before. */
static void find_limits(struct planting *planting)
{
    planting->limits[planting->limit_count++] = 0;
    for (size_t i = 0; i < planting->count; i++) {
        const struct sock_filter *in = &planting->program[i];
        if (BPF_CLASS(in->code) != BPF_JMP || BPF_OP(in->code) == BPF_JA)
            continue;
        planting->limits[planting->limit_count++] = in->k;
        planting->limits[planting->limit_count++] =
            in->k + 1; /* behind the last number there is the first one */
    }
    qsort(planting->limits, planting->limit_count, sizeof(*planting->limits), by_value);
}

static int cut(struct planting *planting)
{
    find_limits(planting);
    for (size_t i = 0; i < planting->limit_count; i++) {
        uint16_t fate = fate_of(planting, BJ_FILTER_ARCH, planting->limits[i]);
        if (i > 0 && fate == planting->intervals[planting->interval_count - 1].fate)
            continue;
        if (planting->interval_count == MAX_INTERVALS)
            return -E2BIG;
        planting->intervals[planting->interval_count++] = (struct interval){planting->limits[i], fate};
    }
    return 0;
}

/* Is there a single number of another fate from here on, and then this fate again? */
static bool is_exception(const struct planting *planting, unsigned at, uint16_t fate)
{
    const struct interval *interval = &planting->intervals[at];
    return at + 1 < planting->interval_count && interval[1].first - interval[0].first == 1 &&
           interval[1].fate == fate;
}

static void group(struct planting *planting)
{
    for (unsigned at = 0; at < planting->interval_count; at++) {
        const struct interval *interval = &planting->intervals[at];
        struct leaf *leaf = &planting->leaves[planting->leaf_count++];
        *leaf = (struct leaf){.first = interval->first, .fate = interval->fate};
        for (; leaf->exception_count < EXCEPTIONS && is_exception(planting, at + 1, leaf->fate); at += 2)
            leaf->exceptions[leaf->exception_count++] = planting->intervals[at + 1];
    }
}

/* ---- what is taken over ----------------------------------------------------------------------------------- */

static void reach(const struct sock_filter *program, size_t at, uint16_t *reached)
{
    const struct sock_filter *in = &program[at];
    reached[at] = 1;
    if (in->code == RETURN)
        return;
    if (BPF_CLASS(in->code) != BPF_JMP) {
        reached[at + 1] = 1;
    } else if (in->code == (BPF_JMP | BPF_JA)) {
        reached[at + 1 + in->k] = 1;
    } else {
        reached[at + 1 + in->jt] = 1;
        reached[at + 1 + in->jf] = 1;
    }
}

static void add(struct planting *planting, struct sock_filter instruction)
{
    if (planting->length == BPF_MAXINSNS)
        planting->failed = true;
    else
        planting->backwards[planting->length++] = instruction;
}

/* From the next instruction that is added to a place. */
static size_t distance(const struct planting *planting, size_t place)
{
    return planting->length - place - 1;
}

/* Distances only get shorter, so every offset that was possible still is. */
static void take_over_one(struct planting *planting, size_t at)
{
    struct sock_filter in = planting->program[at];
    if (in.code == (BPF_JMP | BPF_JA)) {
        in.k = (uint32_t)distance(planting, planting->place[at + 1 + in.k]);
    } else if (BPF_CLASS(in.code) == BPF_JMP) {
        in.jt = (uint8_t)distance(planting, planting->place[at + 1 + in.jt]);
        in.jf = (uint8_t)distance(planting, planting->place[at + 1 + in.jf]);
    }
    planting->place[at] = (uint16_t)planting->length;
    add(planting, in);
}

/* Fates, and what comes after them. Jumps only go forward, so one pass finds it, and another from the end moves it. */
static void take_over(struct planting *planting)
{
    uint16_t *reached = planting->place;
    memset(reached, 0, sizeof(planting->place));
    reached[planting->foreign] = 1;
    for (unsigned i = 0; i < planting->interval_count; i++)
        reached[planting->intervals[i].fate] = 1;
    for (size_t at = 0; at < planting->count; at++)
        if (reached[at])
            reach(planting->program, at, reached);
    for (size_t at = planting->count; at-- > 0;)
        if (reached[at])
            take_over_one(planting, at);
}

/* ---- the tree --------------------------------------------------------------------------------------------- */

/* Where to jump in order to arrive at a place: there, or at an answer or a jump nearby, which is added. */
static size_t near(struct planting *planting, size_t place)
{
    if (distance(planting, place) < UINT8_MAX) /* less one: something else may still be added before the jump */
        return place;
    struct sock_filter in = planting->backwards[place];
    if (in.code != RETURN)
        in = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)distance(planting, place));
    add(planting, in);
    return planting->length - 1;
}

static size_t near_fate(struct planting *planting, uint16_t fate)
{
    planting->place[fate] = (uint16_t)near(planting, planting->place[fate]);
    return planting->place[fate];
}

/* Returns where it is. */
static size_t add_test(struct planting *planting, uint16_t operation, uint32_t value, size_t when_true,
                       size_t when_false)
{
    when_true = near(planting, when_true);
    when_false = near(planting, when_false);
    add(planting,
        (struct sock_filter)BPF_JUMP(BPF_JMP | operation | BPF_K, value, (uint8_t)distance(planting, when_true),
                                     (uint8_t)distance(planting, when_false)));
    return planting->length - 1;
}

static size_t add_leaf(struct planting *planting, const struct leaf *leaf)
{
    size_t place = near_fate(planting, leaf->fate);
    for (unsigned i = leaf->exception_count; i-- > 0;)
        place = add_test(planting, BPF_JEQ, leaf->exceptions[i].first,
                         near_fate(planting, leaf->exceptions[i].fate), place);
    return place;
}

/* Its depth is the logarithm of the number of leaves. NOLINTNEXTLINE(misc-no-recursion) */
static size_t add_tree(struct planting *planting, const struct leaf *leaves, unsigned count)
{
    unsigned half = count / 2;
    if (half == 0)
        return add_leaf(planting, leaves);
    size_t above = add_tree(planting, leaves + half, count - half);
    size_t below = add_tree(planting, leaves, half);
    return add_test(planting, BPF_JGE, leaves[half].first, above, below);
}

static void add_all(struct planting *planting)
{
    size_t tree = add_tree(planting, planting->leaves, planting->leaf_count);
    if (distance(planting, tree) > 0) /* a single leaf */
        add(planting, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)distance(planting, tree)));
    add(planting, (struct sock_filter)BPF_STMT(LOAD, offsetof(struct seccomp_data, nr)));
    (void)add_test(planting, BPF_JEQ, BJ_FILTER_ARCH, planting->length - 1, planting->place[planting->foreign]);
    add(planting, (struct sock_filter)BPF_STMT(LOAD, offsetof(struct seccomp_data, arch)));
}

static int plant(struct planting *planting)
{
    int r = look_at_arch(planting);
    if (r == 0)
        r = cut(planting);
    if (r < 0)
        return r;
    group(planting);
    take_over(planting);
    add_all(planting);
    return planting->failed ? -E2BIG : 0;
}

int bj__filter_plant(struct sock_filter *program, size_t count)
{
    struct planting *planting = calloc(1, sizeof(*planting));
    if (!planting)
        return -ENOMEM;
    planting->program = program;
    planting->count = count;
    int r = plant(planting);
    size_t length = r == 0 && planting->length < count ? planting->length : count;
    for (size_t i = 0; r == 0 && length < count && i < length; i++)
        program[i] = planting->backwards[length - 1 - i];
    free(planting);
    return r < 0 ? r : (int)length;
}
