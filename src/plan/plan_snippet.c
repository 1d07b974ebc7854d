/* Python snippets: the program that runs them, and what it is asked.
 * Its own file because a snippet is a command of ours, made here and nowhere else.
 * Changes when: a snippet can be run in another way. */
#include "plan/plan_internal.h"
#include "spec/json_text.h"

#include <jansson.h>

const char *const bj__snippet_program = "/.belljar/python";

char *bj__snippet_request(const struct bj_spec *spec)
{
    json_t *globals = spec->globals ? json_loads(spec->globals, 0, NULL) : json_object();
    json_t *request =
        json_pack("{s:s?, s:s?, s:o, s:[], s:I}", "code", spec->code, "expression", spec->expression, "globals",
                  globals, "argv", "reply_bytes", (json_int_t)spec->limits.output_bytes);
    char *text = request ? bj__json_dump(request, JSON_COMPACT) : NULL;
    json_decref(request);
    return text;
}

int bj__plan_snippet(struct bj_build *build)
{
    struct bj_plan *plan = build->plan;
    if (!build->sources->guest)
        return 0;
    if (build->spec->policy)
        return bj__error(
            build->err, BJ_ERROR_INVALID, ENOTSUP, "policy",
            "this version has none for snippets yet; leave it out: the jail's walls do not rest on it");
    BJ_FREE char *text = bj__snippet_request(build->spec);
    if (!text)
        return bj__error_memory(build->err);
    plan->program.guest = true;
    plan->request_length = strlen(text);
    plan->request = bj__arena_copy(&plan->arena, text, plan->request_length);
    return plan->request ? 0 : bj__error_memory(build->err);
}
