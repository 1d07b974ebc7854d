/* A good plan, damaged in any way: the checker refuses it, with a reason, or it still has everything that a jail must have.
 * Its own file because each fuzzer is one property.
 * Changes when: plans are checked in another way. */
#include "../tests/support/random_host.h"
#include "edit_plan.h"
#include "fuzz.h"
#include "must_haves.h"

static void check_damaged(struct choices *choices, const struct bj_plan *plan)
{
    static struct bj_op ops[BJ_MAX_OPS];
    struct bj_plan damaged = *plan;
    struct bj_error err = {0};
    memcpy(ops, plan->ops, plan->op_count * sizeof(*ops));
    damaged.ops = ops;
    for (int left = 8; left > 0 && choices->at < choices->size && damaged.op_count > 0; left--)
        edit_plan(choices, &damaged);
    if (bj__plan_check(&damaged, &err) < 0)
        fuzz_must_say(&err);
    else
        fuzz_must(missing_must_have(&damaged) == NULL, "a plan was accepted that lacks",
                  missing_must_have(&damaged));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct choices choices = {.bytes = size ? bytes : (const uint8_t *)"", .size = size};
    struct bj_host host = random_host(&choices);
    struct bj_plan *plan = NULL;
    FUZZ_SPEC *spec = NULL;
    if (bj__spec_copy(fuzz_profile(below(&choices, 8)), &spec, NULL) < 0 ||
        give_program(spec, below(&choices, 2), below(&choices, 2)) < 0 ||
        plan_on_host(spec, &host, &plan, NULL) < 0)
        return 0;
    fuzz_must(missing_must_have(plan) == NULL, "a good plan lacks", missing_must_have(plan));
    check_damaged(&choices, plan);
    bj_plan_free(plan);
    return 0;
}
