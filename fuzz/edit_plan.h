/* Damage to a good plan, one decision at a time: what a mistake in a builder, or a stray write, would make of it.
 * Its own file because the kinds of damage are a list that grows, and the fuzzer of plan_check.c only applies it.
 * Changes when: an operation gets another argument, or another kind of damage is thought of. */
#ifndef FUZZ_EDIT_PLAN_H
#define FUZZ_EDIT_PLAN_H

#include "../tests/support/choices.h"

#include "plan/plan_internal.h"

static inline void edit_arguments(struct choices *choices, const struct bj_plan *plan, struct bj_op *op)
{
    static const char *const texts[] = {NULL,   "",          "/",      "..",  "../x",
                                        "a/..", "/box/../x", "/box/x", "usr", "dev/null"};
    const struct bj_op *other = &plan->ops[below(choices, 256) % plan->op_count];
    switch (below(choices, 9)) {
    case 0:
        op->code = (uint16_t)below(choices, BJ_OP__COUNT + 1);
        break;
    case 1:
        op->flags ^= (uint16_t)(1u << below(choices, 6));
        break;
    case 2:
        op->slot = (int32_t)below(choices, 256) - 100;
        break;
    case 3:
        op->slot = other->slot;
        break;
    case 4:
        op->text = texts[below(choices, BJ_COUNT(texts))];
        break;
    case 5:
        op->text2 = texts[below(choices, BJ_COUNT(texts))];
        break;
    case 6:
        op->value ^= 1ull << below(choices, 64);
        break;
    case 7:
        op->value2 ^= 1ull << below(choices, 64);
        break;
    default:
        *op = *other;
        break;
    }
}

/* plan->ops has room for BJ_MAX_OPS and may be written to. */
static inline void edit_plan(struct choices *choices, struct bj_plan *plan)
{
    struct bj_op *ops = plan->ops;
    uint32_t at = below(choices, 256) % plan->op_count;
    uint32_t to = below(choices, 256) % plan->op_count;
    struct bj_op op = ops[at];
    switch (below(choices, 6)) {
    case 0: /* dropped */
        memmove(&ops[at], &ops[at + 1], (--plan->op_count - at) * sizeof(op));
        plan->program.payload_first -= at < plan->program.payload_first;
        break;
    case 1: /* done twice */
        memmove(&ops[to + 1], &ops[to], (plan->op_count++ - to) * sizeof(op));
        ops[to] = op;
        plan->program.payload_first += to < plan->program.payload_first;
        break;
    case 2: /* in another order */
        ops[at] = ops[to];
        ops[to] = op;
        break;
    case 3:
        plan->clone_flags &= ~(1ull << below(choices, 32));
        break;
    case 4:
        plan->program.payload_first = at;
        break;
    default:
        edit_arguments(choices, plan, &ops[at]);
        break;
    }
    plan->program.op_count = plan->op_count;
}

#endif
