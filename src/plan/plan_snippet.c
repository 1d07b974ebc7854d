/* Python snippets: the program that runs them, and what it is asked.
 * Its own file because a snippet is a command of ours, made here and nowhere else.
 * Changes when: a snippet can be run in another way. */
#include "base/request_wire.h"
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

/* As long as the record of its steps may be. */
static uint64_t trace_bytes(const struct bj_spec *spec)
{
    uint64_t room = spec->limits.output_bytes;
    return spec->trace.max_bytes > 0 && spec->trace.max_bytes < room ? spec->trace.max_bytes : room;
}

static json_t *list_texts(const struct bj_strings *texts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < texts->count; i++)
        if (json_array_append_new(list, json_string(texts->items[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static int add_text(struct bj_buf *request, const char *text, uint64_t *ret_length)
{
    *ret_length = text ? strlen(text) : 0;
    return bj__buf_add(request, text, *ret_length);
}

/* Nothing of an empty one. Takes the reference. */
static int add_list(struct bj_buf *request, json_t *list, uint64_t *ret_length)
{
    BJ_FREE char *text = json_array_size(list) > 0 ? bj__json_dump(list, JSON_COMPACT) : NULL;
    bool lost = !list || (json_array_size(list) > 0 && !text);
    json_decref(list);
    return lost ? -ENOMEM : add_text(request, text, ret_length);
}

static int add_parts(const struct bj_spec *spec, const struct bj_sources *sources, struct bj_buf *request,
                     uint64_t lengths[BJ_REQUEST__PARTS])
{
    int r = add_text(request, spec->expression ? spec->expression : spec->code, &lengths[BJ_REQUEST_SOURCE]);
    if (r == 0)
        r = add_text(request, spec->globals, &lengths[BJ_REQUEST_GLOBALS]);
    if (r == 0)
        r = add_text(request, spec->views, &lengths[BJ_REQUEST_VIEWS]);
    if (r == 0 && spec->args.count > 0)
        r = add_list(request, list_texts(&spec->args), &lengths[BJ_REQUEST_ARGV]);
    if (r == 0 && spec->python_path.count > 0)
        r = add_list(request, list_texts(&spec->python_path), &lengths[BJ_REQUEST_PATH]);
    if (r == 0)
        r = add_text(request, spec->policy, &lengths[BJ_REQUEST_POLICY]);
    if (r == 0 && spec->calls.count > 0)
        r = add_list(request, list_texts(&spec->calls), &lengths[BJ_REQUEST_CALLS]);
    if (r == 0 && sources)
        r = add_list(request, list_files(sources), &lengths[BJ_REQUEST_FILES]);
    for (size_t i = 0; r == 0 && sources && i < sources->entry_count; i++)
        if (!sources->entries[i].directory)
            r = bj__buf_add(request, sources->entries[i].bytes, sources->entries[i].length);
    return r;
}

int bj__snippet_request(const struct bj_spec *spec, const struct bj_sources *sources, struct bj_buf *request)
{
    struct bj_request_head head = {
        .magic = BJ_REQUEST_MAGIC,
        .flags = (spec->expression ? BJ_REQUEST_EXPRESSION : 0) | (spec->display ? BJ_REQUEST_DISPLAY : 0) |
                 (spec->check ? BJ_REQUEST_CHECK : 0) | (spec->session ? BJ_REQUEST_SESSION : 0) |
                 (spec->calls.items ? BJ_REQUEST_ANSWERS : 0) | (spec->merged ? BJ_REQUEST_MERGED : 0),
        .reply_bytes = spec->limits.output_bytes,
        .trace_steps = spec->trace.max_steps,
        .trace_bytes = trace_bytes(spec),
        .calls = spec->limits.calls,
        .call_bytes = spec->limits.call_bytes};
    bj__buf_init(request, SIZE_MAX / 4);
    int r = bj__buf_add(request, &head, sizeof(head)); /* its lengths are known behind its parts */
    if (r == 0)
        r = add_parts(spec, sources, request, head.lengths);
    if (r == 0)
        memcpy(request->bytes, &head, sizeof(head));
    return r < 0 ? -ENOMEM : 0;
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
    plan->program.calls = build->spec->calls.items && !build->spec->session;
    plan->deterministic = build->spec->deterministic.on;
    plan->request_length = request.length;
    plan->request = bj__arena_copy(&plan->arena, request.bytes, request.length);
    return plan->request ? 0 : bj__error_memory(build->err);
}
