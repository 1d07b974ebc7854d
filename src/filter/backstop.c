/* The second program: a handful of things that no jail ever needs, refused by a list of what is bad, where the first
 * program has a list of what is good.
 * Its own file because it must not share the first one's mistakes: other rows (BJ_NEVER of refused.def), another
 * way to a program (no libseccomp, no shrinking), and nothing in it depends on the profile but "has a network".
 * Changes when: there is something else that no jail of any profile may ever do.
 *
 * Numbers are cut into intervals that share a fate; a balanced tree of "at least?" finds the interval, in which a
 * small piece of program returns. Only "load", "equal", "at least" and "any of these bits": what the kernel can
 * judge once for all calls of a number when it loads the program (seccomp_cache_prepare, 5.11). */
#include "filter/syscall_numbers.h"
#include "filter/table.h"

#include <stddef.h>

#define NAMESPACES    0x7e020000u /* CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET */
#define LAST_NUMBER   511         /* what is above is nobody's yet, or x32's */
#define MAX_INTERVALS 100u

enum fate { FREE, NEVER, FAMILY, CLONE };

struct interval {
    uint32_t first;
    enum fate fate;
};

struct exit {
    size_t from;
    bool when_true;
    enum fate fate; /* FREE or NEVER */
};

struct writer {
    struct bj_buf *program;
    struct interval intervals[MAX_INTERVALS];
    unsigned count;
    struct exit exits[2 * MAX_INTERVALS];
    unsigned exit_count;
    bool inet;
    int failed; /* -errno of the first instruction that had no room; nothing is added after it */
};

static void add(struct writer *writer, uint16_t code, uint32_t value)
{
    const struct sock_filter instruction = {.code = code, .k = value};
    if (writer->failed == 0)
        writer->failed = bj__buf_add(writer->program, &instruction, sizeof(instruction));
}

static void add_load(struct writer *writer, size_t offset)
{
    add(writer, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static size_t count_of(const struct writer *writer)
{
    return writer->program->length / sizeof(struct sock_filter);
}

/* A jump's way from an instruction to the next one that will be added. */
static void land(struct writer *writer, size_t from, bool when_true)
{
    size_t distance = count_of(writer) - from - 1;
    if (writer->failed == 0 && distance > UINT8_MAX)
        writer->failed = -E2BIG;
    if (writer->failed < 0)
        return;
    struct sock_filter *jump = (struct sock_filter *)(void *)writer->program->bytes + from;
    *(when_true ? &jump->jt : &jump->jf) = (uint8_t)distance;
}

/* Two returns for all: a jump that leads to one is remembered until they are there. */
static void leave(struct writer *writer, size_t from, bool when_true, enum fate fate)
{
    if (writer->exit_count == BJ_COUNT(writer->exits))
        writer->failed = -E2BIG;
    else
        writer->exits[writer->exit_count++] = (struct exit){from, when_true, fate};
}

static void add_returns(struct writer *writer)
{
    static const struct {
        enum fate fate;
        uint32_t action;
    } returns[] = {{FREE, SECCOMP_RET_ALLOW}, {NEVER, SECCOMP_RET_TRACE}};
    for (size_t i = 0; i < BJ_COUNT(returns); i++) {
        for (unsigned n = 0; n < writer->exit_count; n++)
            if (writer->exits[n].fate == returns[i].fate)
                land(writer, writer->exits[n].from, writer->exits[n].when_true);
        add(writer, BPF_RET | BPF_K, returns[i].action);
    }
}

static void add_families(struct writer *writer)
{
    static const uint32_t families[] = {BJ_SYMBOL_AF_UNIX, BJ_SYMBOL_AF_INET, BJ_SYMBOL_AF_INET6};
    unsigned count = writer->inet ? BJ_COUNT(families) : 1;
    add_load(writer, offsetof(struct seccomp_data, args[0]));
    for (unsigned i = 0; i < count; i++) {
        leave(writer, count_of(writer), true, FREE);
        if (i + 1 == count)
            leave(writer, count_of(writer), false, NEVER);
        add(writer, BPF_JMP | BPF_JEQ | BPF_K, families[i]);
    }
}

static void add_clone(struct writer *writer)
{
    add_load(writer, offsetof(struct seccomp_data, args[0]));
    leave(writer, count_of(writer), true, NEVER);
    leave(writer, count_of(writer), false, FREE);
    add(writer, BPF_JMP | BPF_JSET | BPF_K, NAMESPACES);
}

static void add_tree(struct writer *writer, unsigned first, unsigned last);

/* One side of a jump: a return, or what is added next. NOLINTNEXTLINE(misc-no-recursion) */
static void add_side(struct writer *writer, size_t from, bool when_true, const unsigned range[2])
{
    enum fate fate = writer->intervals[range[0]].fate;
    if (range[0] == range[1] && (fate == FREE || fate == NEVER)) {
        leave(writer, from, when_true, fate);
        return;
    }
    land(writer, from, when_true);
    add_tree(writer, range[0], range[1]);
}

/* The tree over intervals [first, last]; its depth is the logarithm of their number. NOLINTNEXTLINE(misc-no-recursion) */
static void add_tree(struct writer *writer, unsigned first, unsigned last)
{
    if (first == last) {
        if (writer->intervals[first].fate == FAMILY)
            add_families(writer);
        else
            add_clone(writer);
        return;
    }
    unsigned middle = (first + last + 1) / 2;
    size_t fork = count_of(writer);
    add(writer, BPF_JMP | BPF_JGE | BPF_K, writer->intervals[middle].first);
    add_side(writer, fork, false, (const unsigned[]){first, middle - 1});
    add_side(writer, fork, true, (const unsigned[]){middle, last});
}

/* A number that neither table has belongs to whatever stands before it: the first program refuses it. */
static enum fate fate_of(int number, enum fate before)
{
    if (bj__filter_is_never(number))
        return NEVER;
    if (number == BJ_NR_socket || number == BJ_NR_socketpair)
        return FAMILY;
    if (number == BJ_NR_clone)
        return CLONE;
    struct bj_filter_answer answer;
    bj__filter_answer(number, &answer);
    return answer.known || before != NEVER ? FREE : NEVER;
}

static int cut(struct writer *writer)
{
    enum fate before = NEVER;
    for (int number = 0; number <= LAST_NUMBER; number++) {
        enum fate fate = fate_of(number, before);
        if (number > 0 && fate == before)
            continue;
        if (writer->count == MAX_INTERVALS - 2)
            return -E2BIG;
        writer->intervals[writer->count++] = (struct interval){(uint32_t)number, fate};
        before = fate;
    }
    writer->intervals[writer->count++] = (struct interval){LAST_NUMBER + 1, NEVER};
    /* -1: a tracer on the host that skips a call, and has set its result. */
    writer->intervals[writer->count++] = (struct interval){UINT32_MAX, FREE};
    return 0;
}

int bj__filter_backstop_make(bool inet, struct bj_buf *program)
{
    struct writer writer = {.program = program, .inet = inet};
    int r = cut(&writer);
    if (r < 0)
        return r;
    add_load(&writer, offsetof(struct seccomp_data, arch));
    leave(&writer, count_of(&writer), false, NEVER);
    add(&writer, BPF_JMP | BPF_JEQ | BPF_K, BJ_FILTER_ARCH);
    add_load(&writer, offsetof(struct seccomp_data, nr));
    add_tree(&writer, 0, writer.count - 1);
    add_returns(&writer);
    return writer.failed;
}
