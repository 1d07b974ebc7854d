/* What the summary and the meta file tell about a result, read once from its JSON.
 * Its own file because both say the same things in different words.
 * Changes when: a report tells something more. */
#include "cli/facts.h"

#include "supervise/result.h"

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_number_value(value) : -1;
}

static json_int_t whole(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* "error" is a text or an object with a "message". */
static const char *error_text(const json_t *root)
{
    const json_t *error = json_object_get(root, "error");

    if (json_is_object(error))
        error = json_object_get(error, "message");
    return json_string_value(error);
}

int bj__facts_read(const struct bj_result *result, int exit_status, struct facts *ret_facts)
{
    BJ_FREE char *text = bj__result_figures(result);
    json_t *root = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;

    if (!root)
        return -ENOMEM;
    const json_t *usage = json_object_get(root, "usage");
    *ret_facts = (struct facts){
        .root = root,
        .status = bj_result_status(result),
        .status_name = bj_status_name(bj_result_status(result)),
        .limit = bj_result_limit(result),
        .error = error_text(root),
        .exit_code = bj_result_exit_code(result),
        .signal = bj_result_signal(result),
        .exit_status = exit_status,
        .wall_seconds = number(usage, "wall_seconds"),
        .cpu_seconds = number(usage, "cpu_seconds"),
        .memory_peak_bytes = whole(usage, "memory_peak_bytes"),
        .processes_peak = whole(usage, "processes_peak"),
        .memory_source = json_string_value(json_object_get(usage, "memory_source")),
        .stdout_truncated = json_is_true(json_object_get(root, "stdout_truncated")),
        .stderr_truncated = json_is_true(json_object_get(root, "stderr_truncated")),
    };
    return 0;
}

void bj__facts_done(struct facts *facts)
{
    json_decref(facts->root);
    facts->root = NULL;
}
