/* The policy's tables, laid out by the preprocessor, and the names of its sets.
 * Its own file because nothing else may define a rule.
 * Changes when: the form of sets.def or refused.def changes. */
#include "filter/syscall_numbers.h"
#include "filter/table.h"

static const struct bj_filter_set_row set_rows[] = {
#define BJ_SET(name, errnum, why) {errnum, #name, why},
#include "filter/sets.def"
};
_Static_assert(BJ_SET__COUNT <= 64, "a policy is a word of bits");

#define IS(n, symbol)                                                                                          \
    {                                                                                                          \
        n, 0xffffffffu, BJ_SYMBOL_##symbol                                                                     \
    }
#define NONE_OF(n, bits)                                                                                       \
    {                                                                                                          \
        n, BJ_SYMBOL_##bits, 0                                                                                 \
    }
#define BITS(n, mask, value)                                                                                   \
    {                                                                                                          \
        n, BJ_SYMBOL_##mask, BJ_SYMBOL_##value                                                                 \
    }
static const struct bj_filter_rule rules[] = {
#define BJ_ALLOW(set, syscall, ...) {BJ_NR_##syscall, BJ_SET_##set, #syscall, {__VA_ARGS__}},
#include "filter/sets.def"
};

enum refusal_class {
#define BJ_CLASS(name, errnum, quiet, why) CLASS_##name,
#include "filter/refused.def"
};

static const struct refusal_class_row {
    int errnum;
    bool quiet;
    char why[112];
} classes[] = {
#define BJ_CLASS(name, errnum, quiet, why) {errnum, quiet, why},
#include "filter/refused.def"
};

static const struct refused_row {
    int16_t number;
    uint8_t class;
    bool never;
    char name[24];
} refused[] = {
#define BJ_REFUSE(class, syscall) {BJ_NR_##syscall, CLASS_##class, false, #syscall},
#define BJ_NEVER(class, syscall)  {BJ_NR_##syscall, CLASS_##class, true, #syscall},
#include "filter/refused.def"
};

const struct bj_filter_rule *bj__filter_rules(size_t *ret_count)
{
    *ret_count = BJ_COUNT(rules);
    return rules;
}

const struct bj_filter_set_row *bj__filter_set_row(unsigned set)
{
    return &set_rows[set];
}

const char *bj__filter_refused(size_t n, int *ret_number)
{
    if (n >= BJ_COUNT(refused))
        return NULL;
    *ret_number = refused[n].number;
    return refused[n].name;
}

bool bj__filter_is_never(int syscall_number)
{
    for (size_t i = 0; i < BJ_COUNT(refused); i++)
        if (syscall_number >= 0 && refused[i].number == syscall_number)
            return refused[i].never;
    return false;
}

void bj__filter_answer(int syscall_number, struct bj_filter_answer *ret_answer)
{
    *ret_answer = (struct bj_filter_answer){.errnum = ENOSYS};
    if (syscall_number < 0) /* also keeps out the rows of calls that this architecture lacks */
        return;
    for (size_t i = 0; i < BJ_COUNT(refused); i++) {
        if (refused[i].number == syscall_number) {
            const struct refusal_class_row *class = &classes[refused[i].class];
            *ret_answer = (struct bj_filter_answer){class->errnum, class->quiet, true, class->why};
            return;
        }
    }
    for (size_t i = 0; i < BJ_COUNT(rules); i++) {
        if (rules[i].number == syscall_number) {
            *ret_answer = (struct bj_filter_answer){set_rows[rules[i].set].errnum, false, true, NULL};
            return;
        }
    }
}

bool bj__filter_condition_holds(const struct bj_filter_condition *condition, const uint64_t args[6])
{
    return ((uint32_t)args[condition->argument] & condition->mask) == condition->value;
}

bool bj__filter_rule_holds(const struct bj_filter_rule *rule, const uint64_t args[6])
{
    for (unsigned i = 0; i < BJ_CONDITIONS && rule->conditions[i].mask; i++)
        if (!args || !bj__filter_condition_holds(&rule->conditions[i], args))
            return false;
    return true;
}

const char *bj__filter_set_name(unsigned set)
{
    return set < BJ_SET__COUNT ? set_rows[set].name : NULL;
}

const char *bj__filter_set_why(unsigned set)
{
    return set < BJ_SET__COUNT ? set_rows[set].why : NULL;
}
