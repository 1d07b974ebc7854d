/* Python snippets: the program that runs them, and what it is asked.
 * Its own file because a snippet is a command of ours, made here and nowhere else.
 * Changes when: a snippet can be run in another way. */
#include "plan/plan_internal.h"
#include "spec/json_text.h"

#include <jansson.h>

const char *const bj__snippet_program = "/.belljar/python";

/* [path, length, mode]; a directory has no length. Their bytes stand behind the text, one after the other. */
static json_t *list_files(const struct bj_sources *sources)
{
    json_t *list = json_array();
    for (size_t i = 0; sources && i < sources->entry_count; i++) {
        const struct bj_source_entry *entry = &sources->entries[i];
        json_int_t length = entry->directory ? -1 : (json_int_t)entry->length;
        int mode = entry->directory || entry->executable ? 0755 : 0644;
        if (json_array_append_new(list, json_pack("[s,I,i]", entry->path, length, mode)) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* null, or how much of a record is wanted. */
static json_t *trace_json(const struct bj_spec *spec)
{
    if (spec->trace.max_steps == 0)
        return json_null();
    uint64_t room = spec->limits.output_bytes;
    uint64_t most = spec->trace.max_bytes > 0 && spec->trace.max_bytes < room ? spec->trace.max_bytes : room;
    return json_pack("{s:I, s:I}", "max_steps", (json_int_t)spec->trace.max_steps, "max_bytes",
                     (json_int_t)most);
}

static json_t *texts_json(const struct bj_strings *texts)
{
    json_t *array = json_array();
    for (size_t i = 0; i < texts->count; i++)
        if (json_array_append_new(array, json_string(texts->items[i])) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static char *request_text(const struct bj_spec *spec, const struct bj_sources *sources)
{
    json_t *globals = spec->globals ? json_loads(spec->globals, 0, NULL) : json_object();
    json_t *policy = spec->policy ? json_loads(spec->policy, 0, NULL) : json_null();
    json_t *request = json_pack("{s:s?, s:s?, s:o, s:o, s:I, s:b, s:b, s:b}", "code", spec->code, "expression",
                                spec->expression, "globals", globals, "policy", policy, "reply_bytes",
                                (json_int_t)spec->limits.output_bytes, "session", spec->session, "display",
                                spec->display, "check", spec->check);
    const struct {
        const char *key;
        json_t *value;
    } parts[] = {{"argv", texts_json(&spec->args)},
                 {"path", texts_json(&spec->python_path)},
                 {"files", list_files(sources)},
                 {"trace", trace_json(spec)}};
    int r = 0;
    for (size_t n = 0; n < BJ_COUNT(parts); n++)
        r |= json_object_set_new(request, parts[n].key, parts[n].value);
    char *text = request && r == 0 ? bj__json_dump(request, JSON_COMPACT) : NULL;
    json_decref(request);
    return text;
}

int bj__snippet_request(const struct bj_spec *spec, const struct bj_sources *sources, struct bj_buf *request)
{
    BJ_FREE char *text = request_text(spec, sources);
    if (!text)
        return -ENOMEM;
    bj__buf_init(request, strlen(text) + 1 + (sources ? sources->total_bytes : 0));
    int r = bj__buf_add(request, text, strlen(text) + 1);
    for (size_t i = 0; r == 0 && sources && i < sources->entry_count; i++)
        if (!sources->entries[i].directory)
            r = bj__buf_add(request, sources->entries[i].bytes, sources->entries[i].length);
    return r;
}

int bj__plan_snippet(struct bj_build *build)
{
    struct bj_plan *plan = build->plan;
    if (!build->sources->guest)
        return 0;
    BJ_BUF struct bj_buf request;
    if (bj__snippet_request(build->spec, NULL, &request) < 0)
        return bj__error_memory(build->err);
    plan->program.guest = true;
    plan->deterministic = build->spec->deterministic.on;
    plan->request_length = request.length;
    plan->request = bj__arena_copy(&plan->arena, request.bytes, request.length);
    return plan->request ? 0 : bj__error_memory(build->err);
}
