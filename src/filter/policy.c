/* From names to a policy, and from a policy and a call to a decision.
 * Its own file because this is what the filter means; the program only has to agree (tests/bpf proves that).
 * Changes when: a decision says more. */
#include "filter/table.h"

static int find_set(const char *name)
{
    for (unsigned set = 0; set < BJ_SET__COUNT; set++)
        if (strcmp(name, bj__filter_set_row(set)->name) == 0)
            return (int)set;
    return -1;
}

static int refuse_name(const char *name, struct bj_error *err)
{
    char known[256] = "";
    size_t used = 0;
    for (unsigned set = 0; set < BJ_SET__COUNT; set++) {
        size_t length = strlen(bj__filter_set_row(set)->name);
        if (used + length + 3 > sizeof(known))
            break;
        if (used) {
            memcpy(known + used, ", ", 2);
            used += 2;
        }
        memcpy(known + used, bj__filter_set_row(set)->name, length + 1);
        used += length;
    }
    return bj__error(err, BJ_ERROR_INVALID, EINVAL, "syscalls",
                     "\"%.64s\" is not a set of system calls; there are: %s", name, known);
}

int bj__filter_policy_from_names(const char *const *names, size_t count, struct bj_filter_policy *ret_policy,
                                 struct bj_error *err)
{
    uint64_t sets = 0;
    for (size_t i = 0; i < count; i++) {
        int set = names[i] ? find_set(names[i]) : -1;
        if (set < 0)
            return refuse_name(names[i] ? names[i] : "", err);
        sets |= UINT64_C(1) << set;
    }
    ret_policy->sets = sets;
    return 0;
}

/* The x32 numbers carry the same architecture value as x86_64 (firejail issue 87). No program of a jail uses
 * them, most kernels have none, and whoever calls one is looking for a gap: killed, like the other foreign
 * tables. Only -1 is spared: a tracer on the host skips a call by setting that number. */
static bool is_foreign_number(int syscall_number)
{
#ifdef __x86_64__
    return (uint32_t)syscall_number >= 0x40000000u && syscall_number != -1;
#else
    (void)syscall_number;
    return false;
#endif
}

static void refuse(int syscall_number, int set, struct bj_filter_decision *ret_decision)
{
    struct bj_filter_answer answer;
    bj__filter_answer(syscall_number, &answer);
    *ret_decision = (struct bj_filter_decision){.action = BJ_FILTER_ERRNO,
                                                .errnum = answer.errnum,
                                                .silent = answer.quiet,
                                                .set = set >= 0 ? bj__filter_set_name((unsigned)set) : NULL,
                                                .why = answer.why};
    if (set >= 0)
        ret_decision->why = bj__filter_set_why((unsigned)set);
    else if (!answer.known)
        ret_decision->why = "nobody has judged this call yet; the C library falls back to older ones";
    else if (!answer.why)
        ret_decision->why = "these arguments are in no set";
}

void bj__filter_decide(const struct bj_filter_policy *policy, int syscall_number, const uint64_t args[6],
                       struct bj_filter_decision *ret_decision)
{
    if (is_foreign_number(syscall_number)) {
        *ret_decision = (struct bj_filter_decision){.action = BJ_FILTER_KILL,
                                                    .why = "a number of the x32 table, which is closed"};
        return;
    }
    size_t count = 0;
    const struct bj_filter_rule *rules = bj__filter_rules(&count);
    int would = -1;
    for (size_t i = 0; i < count && syscall_number >= 0; i++) {
        if (rules[i].number != syscall_number || !bj__filter_rule_holds(&rules[i], args))
            continue;
        if (policy->sets >> rules[i].set & 1) {
            *ret_decision = (struct bj_filter_decision){.action = BJ_FILTER_ALLOW,
                                                        .set = bj__filter_set_name(rules[i].set),
                                                        .why = bj__filter_set_why(rules[i].set)};
            return;
        }
        if (would < 0)
            would = rules[i].set;
    }
    refuse(syscall_number, would, ret_decision);
}
