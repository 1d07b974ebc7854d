/* The policy read straight out of its tables, one "if" a row: no structs, no masks, no compiler, no shrinking.
 * Its own file because it is the judge of src/filter, and shares nothing with it but the tables and the numbers.
 * Changes when: the form of sets.def or refused.def changes. */
#ifndef FUZZ_NAIVE_FILTER_H
#define FUZZ_NAIVE_FILTER_H

#include "filter/syscall_numbers.h"
#include "filter/table.h"

#include <linux/audit.h>

#if defined(__x86_64__)
#define NATIVE_ARCH    AUDIT_ARCH_X86_64
#define IS_FOREIGN(nr) ((nr) < -1 || (nr) >= 0x40000000) /* the numbers of x32; -1 is a tracer's */
#else
#define NATIVE_ARCH    AUDIT_ARCH_AARCH64
#define IS_FOREIGN(nr) false
#endif

#define LOW(n)              ((uint32_t)data->args[n])
#define IS(n, symbol)       (LOW(n) == (uint32_t)BJ_SYMBOL_##symbol)
#define NONE_OF(n, symbol)  ((LOW(n) & (uint32_t)BJ_SYMBOL_##symbol) == 0)
#define BITS(n, mask, want) ((LOW(n) & (uint32_t)BJ_SYMBOL_##mask) == (uint32_t)BJ_SYMBOL_##want)

/* Of up to three conditions. Without a branch, here and below: analyzers follow every path through a thousand rows. */
#define ALL_OF(a, b, c, d, ...) ((a) & (b) & (c) & (d))
_Static_assert(BJ_CONDITIONS == 3, "ALL_OF takes as many");

static inline bool naive_allows(uint64_t sets, const struct seccomp_data *data)
{
    bool allowed = false;
#define BJ_ALLOW(set, call, ...)                                                                               \
    allowed |= (data->nr == BJ_NR_##call) & (bool)(sets >> BJ_SET_##set & 1) &                                 \
               ALL_OF(true, ##__VA_ARGS__, true, true, true);
#include "filter/sets.def"
    return allowed;
}

/* The errno of a refused call, with bit 16 when the supervisor is not asked. What is refused on purpose says it first. */
static inline uint32_t naive_errno(int nr)
{
    enum {
#define BJ_SET(name, errnum, why) SET_ERRNO_##name = (errnum),
#include "filter/sets.def"
#define BJ_CLASS(name, errnum, quiet, why) CLASS_ERRNO_##name = (errnum) | (quiet) << 16,
#include "filter/refused.def"
    };
    uint32_t answer = 0;
#define ANSWER(call, errnum)   answer |= (uint32_t)((answer == 0) & (nr == BJ_NR_##call)) * (uint32_t)(errnum);
#define BJ_REFUSE(class, call) ANSWER(call, CLASS_ERRNO_##class)
#include "filter/refused.def"
#define BJ_ALLOW(set, call, ...) ANSWER(call, SET_ERRNO_##set)
#include "filter/sets.def"
    return answer ? answer : ENOSYS;
}

/* What the kernel must be told. */
static inline uint32_t naive_filter(uint64_t sets, bool notify, const struct seccomp_data *data)
{
    if (data->arch != NATIVE_ARCH || IS_FOREIGN(data->nr))
        return notify ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_KILL_PROCESS;
    if (data->nr >= 0 && naive_allows(sets, data))
        return SECCOMP_RET_ALLOW;
    uint32_t errnum = data->nr >= 0 ? naive_errno(data->nr) : ENOSYS;
    if (notify && !(errnum >> 16))
        return SECCOMP_RET_USER_NOTIF;
    return SECCOMP_RET_ERRNO | (errnum & 0xffff);
}

/* The second filter takes nothing away that the first one gives. */
static inline bool is_backstop_in_keeping(uint64_t sets, const struct seccomp_data *data)
{
    size_t count = 0;
    uint32_t action = 0;
    const struct bj_filter_policy policy = {.sets = sets};
    const struct sock_filter *program = bj__filter_backstop(&policy, &count);
    return bj__bpf_run(program, count, data, &action) == 0 &&
           (action == SECCOMP_RET_ALLOW || naive_filter(sets, false, data) != SECCOMP_RET_ALLOW);
}

#endif
