/* The result as JSON (schema/result.schema.json).
 * Its own file because the format is a contract.
 * Changes when: a field is added to the result. */
#include "base/names.h"
#include "base/reply.h"
#include "spec/base64.h"
#include "spec/json_text.h"
#include "supervise/result.h"
#include "supervise/utf8.h"

#include <jansson.h>
#include <stdio.h>

/* json_object_set_new takes NULL and a failed value alike: one sum tells whether all went well. */
struct writer {
    json_t *object;
    int failed;
};

static void set(struct writer *writer, const char *key, json_t *value)
{
    writer->failed |= json_object_set_new(writer->object, key, value);
}

/* The object; or NULL, and nothing of it is left. */
static json_t *finished(struct writer *writer)
{
    if (!writer->failed)
        return writer->object;
    json_decref(writer->object);
    return NULL;
}

static json_t *number_or_null(uint64_t value)
{
    return value == UINT64_MAX ? json_null() : json_integer((json_int_t)value);
}

static json_t *seconds_or_null(uint64_t us)
{
    return us == UINT64_MAX ? json_null() : json_real((double)us / 1e6);
}

/* Names come from callers and guests, and a message may end in the middle of a character. */
static json_t *clean_string(const char *text)
{
    struct bj_buf BJ_BUF clean;
    bj__buf_init(&clean, SIZE_MAX / 4);
    if (bj__utf8_add(&clean, (const unsigned char *)text, strlen(text)) < 0)
        return NULL;
    return json_stringn((const char *)clean.bytes, clean.length);
}

static json_t *text_or_null(const char *text)
{
    return text && text[0] ? clean_string(text) : json_null();
}

static json_t *encoded(const unsigned char *bytes, size_t length)
{
    char BJ_FREE *text = malloc(BJ_BASE64_ENCODED(length) + 1);
    if (!text)
        return NULL;
    bj__base64_encode(bytes, length, text);
    return json_stringn(text, BJ_BASE64_ENCODED(length));
}

static void set_output(struct writer *writer, const struct bj_result *result, enum bj_stream stream, bool whole)
{
    static const char *const keys[][4] = {
        {"", "", "", ""},
        {"stdout", "stdout_base64", "stdout_truncated", "stdout_total_bytes"},
        {"stderr", "stderr_base64", "stderr_truncated", "stderr_total_bytes"}};
    const struct bj_buf *output = &result->output[stream];
    const unsigned char *bytes = output->bytes ? output->bytes : (const unsigned char *)"";
    struct bj_buf BJ_BUF text;
    bj__buf_init(&text, SIZE_MAX / 4);
    if (whole) {
        writer->failed |= bj__utf8_add(&text, bytes, output->length);
        set(writer, keys[stream][0], json_stringn(text.bytes ? (const char *)text.bytes : "", text.length));
        if (!bj__utf8_valid(bytes, output->length))
            set(writer, keys[stream][1], encoded(bytes, output->length));
    }
    set(writer, keys[stream][2], json_boolean(result->output_total[stream] > output->length));
    set(writer, keys[stream][3], json_integer((json_int_t)result->output_total[stream]));
}

static json_t *files_json(const struct bj_result *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->file_count; i++) {
        const struct bj_collected *file = &result->files[i];
        struct writer entry = {json_object(), 0};
        set(&entry, "path", clean_string(file->path));
        if (file->why) {
            set(&entry, "error", json_string(file->why));
        } else {
            set(&entry, "bytes", json_integer((json_int_t)file->length));
            set(&entry, "base64", encoded(file->bytes, file->length));
        }
        if (json_array_append_new(array, finished(&entry)) < 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *usage_json(const struct bj_result *result)
{
    struct writer usage = {json_object(), 0};
    set(&usage, "wall_seconds", seconds_or_null(result->wall_us));
    set(&usage, "cpu_seconds", seconds_or_null(result->cpu_us));
    set(&usage, "memory_peak_bytes", number_or_null(result->memory_peak_bytes));
    set(&usage, "memory_source", json_string(result->memory_source));
    set(&usage, "processes_peak", number_or_null(result->processes_peak));
    return finished(&usage);
}

/* What the snippet's process told of its policy; its form was checked. NULL: nothing, or no memory. */
static json_t *told_of_policy(const struct bj_result *result)
{
    const char *text = result->snippet.parts[BJ_REPLY_POLICY];
    return text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;
}

static int add_policy_denials(json_t *array, const struct bj_result *result)
{
    json_t *told = told_of_policy(result);
    const json_t *denials = json_object_get(told, "denials");
    int failed = told || !result->snippet.parts[BJ_REPLY_POLICY] ? 0 : -1;
    for (size_t i = 0; i < json_array_size(denials); i++) {
        json_t *denial = json_incref(json_array_get(denials, i));
        const char *feature = json_string_value(json_object_get(denial, "feature"));
        if (!feature || !*feature)
            (void)json_object_del(denial, "feature");
        failed |= json_object_set_new(denial, "layer", json_string("policy"));
        failed |= json_array_append_new(array, denial);
    }
    json_decref(told);
    return failed;
}

/* Of the level "restricted". */
static json_t *policy_json(const struct bj_result *result)
{
    json_t *told = told_of_policy(result);
    if (!told || json_is_null(json_object_get(told, "names"))) {
        json_decref(told);
        return json_null();
    }
    (void)json_object_del(told, "denials");
    return told;
}

static json_t *denials_json(const struct bj_result *result)
{
    json_t *array = json_array();
    int failed = 0;
    for (size_t i = 0; i < result->denial_count; i++)
        failed |= json_array_append_new(array, json_pack("{s:s, s:s, s:I}", "layer", result->denials[i].layer,
                                                         "what", result->denials[i].what, "count",
                                                         (json_int_t)result->denials[i].count));
    if (result->denials_unnamed > 0)
        failed |=
            json_array_append_new(array, json_pack("{s:s, s:s, s:I}", "layer", "seccomp", "what", "others",
                                                   "count", (json_int_t)result->denials_unnamed));
    failed |= add_policy_denials(array, result);
    if (failed) {
        json_decref(array);
        return NULL;
    }
    return array;
}

static json_t *layers_json(const struct bj_result *result)
{
    struct writer layers = {json_object(), 0};
    for (enum bj_layer layer = 0; layer < BJ_LAYER__COUNT; layer++) {
        const struct bj_plan_layer *state = &result->layers[layer];
        set(&layers, bj__layer_name(layer),
            clean_string(state->detail[0] ? state->detail
                         : state->on      ? "on"
                                          : "off"));
    }
    return finished(&layers);
}

static json_t *timing_json(const struct bj_result *result)
{
    struct writer timing = {json_object(), 0};
    set(&timing, "queue_us", json_integer(0));
    set(&timing, "setup_us", json_integer((json_int_t)result->setup_us));
    set(&timing, "run_us", json_integer((json_int_t)result->run_us));
    if (result->timing) {
        json_t *operations = json_array();
        for (size_t i = 0; i < result->timing_count; i++)
            timing.failed |= json_array_append_new(operations, json_pack("{s:s, s:I}", "op",
                                                                         bj_op_name(result->timing[i].op), "us",
                                                                         (json_int_t)result->timing[i].us));
        set(&timing, "operations", operations);
    }
    return finished(&timing);
}

static const char *signal_name(int number, char *text, size_t size)
{
    const char *name = bj__signal_name(number);
    if (name)
        return name;
    (void)snprintf(text, size, "SIG%d", number);
    return text;
}

/* What a snippet told is put in as it is, because it may hold numbers that strict JSON has no word for. In an indented text
 * such a line stands for a key of the outermost object and nothing else: no string of ours holds a line feed. */
static char *put_in(char *text, const char *key, const char *told)
{
    char line[32];
    (void)snprintf(line, sizeof(line), "\n  \"%s\": ", key);
    char *at = text && told ? strstr(text, line) : NULL;
    if (!at)
        return text;
    at += strlen(line);
    struct bj_buf whole;
    bj__buf_init(&whole, SIZE_MAX / 4);
    int r = bj__buf_add(&whole, text, (size_t)(at - text));
    r |= bj__buf_add(&whole, told, strlen(told));
    r |= bj__buf_add(&whole, at + strlen("null"), strlen(at + strlen("null")));
    free(text);
    if (r < 0)
        bj__buf_done(&whole);
    return r < 0 ? NULL : bj__buf_take(&whole);
}

/* whole: with what the guest wrote. */
static char *dump(const struct bj_result *result, bool whole)
{
    char name[24];
    struct writer writer = {json_object(), 0};
    const struct bj_verdict *verdict = &result->verdict;
    set(&writer, "status", json_string(bj_status_name(verdict->status)));
    set(&writer, "limit", text_or_null(verdict->limit));
    set(&writer, "exit_code", verdict->exit_code >= 0 ? json_integer(verdict->exit_code) : json_null());
    set(&writer, "signal",
        verdict->signal ? json_string(signal_name(verdict->signal, name, sizeof(name))) : json_null());
    set(&writer, "error", text_or_null(result->error));
    set_output(&writer, result, BJ_STDOUT, whole);
    set_output(&writer, result, BJ_STDERR, whole);
    set(&writer, "value", json_null());
    set(&writer, "globals", json_null());
    set(&writer, "exception", json_null());
    set(&writer, "policy", policy_json(result));
    set(&writer, "trace", json_null());
    set(&writer, "files", whole ? files_json(result) : json_array());
    set(&writer, "usage", usage_json(result));
    set(&writer, "denials", denials_json(result));
    set(&writer, "layers", layers_json(result));
    set(&writer, "timing", timing_json(result));
    char *text = writer.failed ? NULL : bj__json_dump(writer.object, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(writer.object);
    return text;
}

char *bj__result_figures(const struct bj_result *result)
{
    return dump(result, false);
}

char *bj_result_json(const struct bj_result *result)
{
    char *text = dump(result, true);
    /* The last key first: what was told may have lines of its own that look like a key's, and stands behind the key that is looked
     * for as long as that one comes before it. */
    text = put_in(text, "trace", result->snippet.parts[BJ_REPLY_TRACE]);
    text = put_in(text, "exception", result->snippet.parts[BJ_REPLY_EXCEPTION]);
    text = put_in(text, "globals", result->snippet.parts[BJ_REPLY_GLOBALS]);
    return put_in(text, "value", result->snippet.parts[BJ_REPLY_VALUE]);
}
