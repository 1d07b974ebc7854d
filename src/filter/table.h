/* The policy's tables as C data, for the files of this folder only.
 * Its own file because decisions, descriptions and the compiler must read the very same rows.
 * Changes when: a rule can say something new. */
#ifndef BJ_FILTER_TABLE_H
#define BJ_FILTER_TABLE_H

#include "filter/filter.h"

enum bj_filter_symbol {
#define BJ_SYMBOL(kind, name, value) BJ_SYMBOL_##name = (value),
#include "filter/symbols.def"
    BJ_SYMBOL__END = 0
};

enum bj_filter_set {
#define BJ_SET(name, errnum, why) BJ_SET_##name,
#include "filter/sets.def"
    BJ_SET__COUNT
};

#define BJ_CONDITIONS 3u /* of one rule at most */

/* Holds when (low half of args[argument] & mask) == value. A mask of 0 ends the list. */
struct bj_filter_condition {
    uint32_t argument, mask, value;
};

/* The tables hold no pointers: in a position-independent program each would be a page to relocate at start. */
struct bj_filter_rule {
    int16_t number; /* -1: this architecture has no such call */
    uint16_t set;
    char name[24];
    struct bj_filter_condition conditions[BJ_CONDITIONS];
};

struct bj_filter_set_row {
    int errnum;
    char name[20];
    char why[104];
};

/* What a refused call is answered. Depends on nothing but its number, so that a program can do it as well. */
struct bj_filter_answer {
    int errnum;
    bool quiet;      /* answered by the program itself, never reported */
    bool known;      /* false: in no table */
    const char *why; /* NULL when only the set's own reason applies */
};

const struct bj_filter_rule *bj__filter_rules(size_t *ret_count);
const struct bj_filter_set_row *bj__filter_set_row(unsigned set); /* set < BJ_SET__COUNT */
void bj__filter_answer(int syscall_number, struct bj_filter_answer *ret_answer);
/* The n-th refused call: its number (-1: not on this architecture) and name; NULL beyond the last. */
const char *bj__filter_refused(size_t n, int *ret_number);
/* Is it a BJ_NEVER row of refused.def? */
bool bj__filter_is_never(int syscall_number);
bool bj__filter_condition_holds(const struct bj_filter_condition *condition, const uint64_t args[6]);
/* Does every condition hold? With args NULL only a rule without conditions does. */
bool bj__filter_rule_holds(const struct bj_filter_rule *rule, const uint64_t args[6]);

/* compile.c: policy to program, with libseccomp. Appends to program. */
int bj__filter_compile(const struct bj_filter_policy *policy, bool notify, struct bj_buf *program,
                       struct bj_error *err);
/* shrink.c: the same program, in which nothing arrives at empty tests any more. Both take a program that the kernel would
 * load, without scratch memory. */
void bj__filter_shrink(struct sock_filter *program, size_t count);
/* tree.c: a shorter program that does the same, in the place of the old one. Returns its count, -ENOMEM, -ENOTSUP for a program
 * that asks for other architectures than this one, -E2BIG for one that has more intervals than any of ours. */
int bj__filter_plant(struct sock_filter *program, size_t count);
/* The program made at build time for a policy, or NULL. */
const struct sock_filter *bj__filter_shipped(uint64_t sets, bool notify, size_t *ret_count);
const struct sock_filter *bj__filter_shipped_backstop(bool inet, size_t *ret_count);
/* backstop.c: the program of bj__filter_backstop, while building. inet: with sockets of AF_INET and AF_INET6. */
int bj__filter_backstop_make(bool inet, struct bj_buf *program);

#endif
