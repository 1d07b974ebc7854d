/* belljar plan: prints what run would do.
 * Its own file because a plan must be visible to people who never start it.
 * Changes when: plans can be printed in another way. */
#include "cli/cli.h"

int bj__cmd_plan(const struct options *options)
{
    struct bj_spec *spec = NULL;
    struct bj_plan *plan = NULL;
    struct bj_error err = {0};
    int status = CLI_FAILED;
    int r = bj__make_spec(options, true, &spec, &err);

    if (r == 0)
        r = bj_plan_new(spec, &plan, &err);
    if (r == 0) {
        BJ_FREE char *text = options->json ? bj_plan_json(plan) : bj_plan_text(plan);
        if (text)
            status = bj__print(CLI_PLAN, text);
        else
            bj__say("belljar: plan: out of memory");
    } else {
        bj__say_error(CLI_PLAN, &err);
    }
    bj_plan_free(plan);
    bj_spec_free(spec);
    return status;
}
