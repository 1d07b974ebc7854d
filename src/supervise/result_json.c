/* The result as JSON (schema/result.schema.json).
 * Its own file because the format is a contract.
 * Changes when: a field is added to the result. */
#include "base/json_out.h"
#include "base/names.h"
#include "base/reply.h"
#include "base/utf8.h"
#include "spec/base64.h"
#include "spec/json_text.h"
#include "supervise/result.h"

#include <jansson.h>
#include <stdio.h>

static void put_number_or_null(struct bj_json_out *out, const char *key, uint64_t value)
{
    if (value == UINT64_MAX)
        bj__out_string(out, key, NULL);
    else
        bj__out_number(out, key, value);
}

static void put_seconds_or_null(struct bj_json_out *out, const char *key, uint64_t us)
{
    if (us == UINT64_MAX)
        bj__out_string(out, key, NULL);
    else
        bj__out_seconds(out, key, us);
}

/* Names come from callers and guests, and a message may end in the middle of a character. */
static void put_clean(struct bj_json_out *out, const char *key, const void *bytes, size_t length)
{
    struct bj_buf BJ_BUF clean;
    bj__buf_init(&clean, SIZE_MAX / 4);
    if (bj__utf8_valid(bytes, length)) {
        bj__out_text(out, key, bytes, length);
        return;
    }
    out->failed |= bj__utf8_add(&clean, bytes, length) < 0;
    bj__out_text(out, key, clean.bytes ? clean.bytes : (const unsigned char *)"", clean.length);
}

static void put_text_or_null(struct bj_json_out *out, const char *key, const char *text)
{
    if (text && text[0])
        put_clean(out, key, text, strlen(text));
    else
        bj__out_string(out, key, NULL);
}

static void put_base64(struct bj_json_out *out, const char *key, const unsigned char *bytes, size_t length)
{
    char BJ_FREE *text = malloc(BJ_BASE64_ENCODED(length) + 1);
    out->failed |= !text;
    if (!text)
        return;
    bj__base64_encode(bytes, length, text);
    bj__out_text(out, key, text, BJ_BASE64_ENCODED(length));
}

static void put_output(struct bj_json_out *out, const struct bj_result *result, enum bj_stream stream,
                       bool whole)
{
    static const char *const keys[][4] = {
        {"", "", "", ""},
        {"stdout", "stdout_base64", "stdout_truncated", "stdout_total_bytes"},
        {"stderr", "stderr_base64", "stderr_truncated", "stderr_total_bytes"}};
    const struct bj_buf *output = &result->output[stream];
    const unsigned char *bytes = output->bytes ? output->bytes : (const unsigned char *)"";
    if (whole) {
        put_clean(out, keys[stream][0], bytes, output->length);
        if (!bj__utf8_valid(bytes, output->length))
            put_base64(out, keys[stream][1], bytes, output->length);
    }
    bj__out_bool(out, keys[stream][2], result->output_total[stream] > output->length);
    bj__out_number(out, keys[stream][3], result->output_total[stream]);
}

static void put_files(struct bj_json_out *out, const struct bj_result *result, bool whole)
{
    bj__out_open(out, "files", '[');
    for (size_t i = 0; whole && i < result->file_count; i++) {
        const struct bj_collected *file = &result->files[i];
        bj__out_open(out, NULL, '{');
        put_clean(out, "path", file->path, strlen(file->path));
        if (file->why) {
            bj__out_string(out, "error", file->why);
        } else {
            bj__out_number(out, "bytes", file->length);
            put_base64(out, "base64", file->bytes, file->length);
        }
        bj__out_close(out, '}');
    }
    bj__out_close(out, ']');
}

static void put_usage(struct bj_json_out *out, const struct bj_result *result)
{
    bj__out_open(out, "usage", '{');
    put_seconds_or_null(out, "wall_seconds", result->wall_us);
    put_seconds_or_null(out, "cpu_seconds", result->cpu_us);
    put_number_or_null(out, "memory_peak_bytes", result->memory_peak_bytes);
    bj__out_string(out, "memory_source", result->memory_source);
    put_number_or_null(out, "processes_peak", result->processes_peak);
    bj__out_close(out, '}');
}

/* What the snippet's process told of its policy; its form was checked. NULL: nothing, or no memory. */
static json_t *told_of_policy(struct bj_json_out *out, const struct bj_result *result)
{
    const char *text = result->snippet.parts[BJ_REPLY_POLICY];
    json_t *told = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;
    out->failed |= text && !told;
    return told;
}

static void put_policy_denials(struct bj_json_out *out, const struct bj_result *result)
{
    json_t *told = told_of_policy(out, result);
    const json_t *denials = json_object_get(told, "denials");
    for (size_t i = 0; i < json_array_size(denials); i++) {
        const json_t *denial = json_array_get(denials, i);
        const json_t *what = json_object_get(denial, "what");
        const json_t *feature = json_object_get(denial, "feature");
        bj__out_open(out, NULL, '{');
        bj__out_string(out, "layer", "policy");
        bj__out_text(out, "what", json_string_value(what), json_string_length(what));
        if (json_string_length(feature) > 0)
            bj__out_text(out, "feature", json_string_value(feature), json_string_length(feature));
        bj__out_number(out, "count", (uint64_t)json_integer_value(json_object_get(denial, "count")));
        bj__out_close(out, '}');
    }
    json_decref(told);
}

/* Of the level "restricted". */
static void put_policy(struct bj_json_out *out, const struct bj_result *result)
{
    json_t *told = told_of_policy(out, result);
    bool restricted = told && !json_is_null(json_object_get(told, "names"));
    (void)json_object_del(told, "denials");
    char BJ_FREE *text = restricted ? bj__json_dump(told, 0) : NULL;
    out->failed |= restricted && !text;
    bj__out_json(out, "policy", text);
    json_decref(told);
}

static void put_denial(struct bj_json_out *out, const char *layer, const char *what, uint64_t count)
{
    bj__out_open(out, NULL, '{');
    bj__out_string(out, "layer", layer);
    bj__out_string(out, "what", what);
    bj__out_number(out, "count", count);
    bj__out_close(out, '}');
}

static void put_denials(struct bj_json_out *out, const struct bj_result *result)
{
    bj__out_open(out, "denials", '[');
    for (size_t i = 0; i < result->denial_count; i++)
        put_denial(out, result->denials[i].layer, result->denials[i].what, result->denials[i].count);
    if (result->denials_unnamed > 0)
        put_denial(out, "seccomp", "others", result->denials_unnamed);
    put_policy_denials(out, result);
    bj__out_close(out, ']');
}

static void put_layers(struct bj_json_out *out, const struct bj_result *result)
{
    bj__out_open(out, "layers", '{');
    for (enum bj_layer layer = 0; layer < BJ_LAYER__COUNT; layer++) {
        const struct bj_plan_layer *state = &result->layers[layer];
        const char *text = state->detail[0] ? state->detail : state->on ? "on" : "off";
        put_clean(out, bj__layer_name(layer), text, strlen(text));
    }
    bj__out_close(out, '}');
}

static void put_timing(struct bj_json_out *out, const struct bj_result *result)
{
    bj__out_open(out, "timing", '{');
    bj__out_number(out, "queue_us", 0);
    bj__out_number(out, "setup_us", result->setup_us);
    bj__out_number(out, "run_us", result->run_us);
    if (result->timing) {
        bj__out_open(out, "operations", '[');
        for (size_t i = 0; i < result->timing_count; i++) {
            bj__out_open(out, NULL, '{');
            bj__out_string(out, "op", bj_op_name(result->timing[i].op));
            bj__out_number(out, "us", result->timing[i].us);
            bj__out_close(out, '}');
        }
        bj__out_close(out, ']');
    }
    bj__out_close(out, '}');
}

static void put_signal(struct bj_json_out *out, int number)
{
    char text[24];
    const char *name = number ? bj__signal_name(number) : NULL;
    (void)snprintf(text, sizeof(text), "SIG%d", number);
    bj__out_string(out, "signal", !number ? NULL : name ? name : text);
}

static void put_verdict(struct bj_json_out *out, const struct bj_result *result)
{
    const struct bj_verdict *verdict = &result->verdict;
    bj__out_string(out, "status", bj_status_name(verdict->status));
    put_text_or_null(out, "limit", verdict->limit);
    put_number_or_null(out, "exit_code", verdict->exit_code >= 0 ? (uint64_t)verdict->exit_code : UINT64_MAX);
    put_signal(out, verdict->signal);
    put_text_or_null(out, "error", result->error);
}

/* whole: with what the guest wrote. What a snippet told is put in as it is, because it may hold numbers that strict JSON has no
 * word for; its form was checked (reply.c). */
static char *dump(const struct bj_result *result, bool whole)
{
    struct bj_json_out out;
    const char *none[BJ_REPLY_END + 1] = {NULL};
    const char *const *told = whole ? (const char *const *)result->snippet.parts : none;
    bj__out_init(&out);
    bj__out_open(&out, NULL, '{');
    put_verdict(&out, result);
    put_output(&out, result, BJ_STDOUT, whole);
    put_output(&out, result, BJ_STDERR, whole);
    bj__out_json(&out, "value", told[BJ_REPLY_VALUE]);
    bj__out_json(&out, "globals", told[BJ_REPLY_GLOBALS]);
    bj__out_json(&out, "exception", told[BJ_REPLY_EXCEPTION]);
    put_policy(&out, result);
    bj__out_json(&out, "trace", told[BJ_REPLY_TRACE]);
    put_files(&out, result, whole);
    put_usage(&out, result);
    put_denials(&out, result);
    put_layers(&out, result);
    put_timing(&out, result);
    bj__out_close(&out, '}');
    return bj__out_take(&out);
}

char *bj__result_figures(const struct bj_result *result)
{
    return dump(result, false);
}

char *bj_result_json(const struct bj_result *result)
{
    return dump(result, true);
}
