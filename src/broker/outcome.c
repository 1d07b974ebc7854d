/* A result as records: see outcome.h.
 * Its own file because both directions must agree on every record.
 * Changes when: an asker needs to know something more without reading JSON. */
#include "broker/outcome.h"
#include "supervise/result.h"

#include <stdio.h>

#define NONE 0xffffu /* of an exit code, which a record cannot have below zero */

/* ---- out ------------------------------------------------------------------------------------------ */

int bj__outcome_encode_files(const struct bj_result *result, struct bj_buf *body)
{
    int r = 0;
    for (size_t n = 0; r == 0 && n < result->file_count; n++) {
        const struct bj_collected *file = &result->files[n];
        size_t start;
        r = bj__tlv_open(body, BJ_FIELD_FILE, &start);
        if (r == 0)
            r = bj__tlv_add_text(body, BJ_FIELD_PATH, file->path);
        if (r == 0)
            r = file->bytes ? bj__tlv_add(body, BJ_FIELD_BYTES, file->bytes, file->length)
                            : bj__tlv_add_text(body, BJ_FIELD_TEXT, file->why);
        if (r == 0)
            r = bj__tlv_close(body, start);
    }
    return r;
}

static int add_parts(const struct bj_result *result, struct bj_buf *body)
{
    const struct bj_buf *out = &result->output[BJ_STDOUT];
    const struct bj_buf *err = &result->output[BJ_STDERR];
    uint64_t truncated = (result->output_total[BJ_STDOUT] > out->length ? 1u << BJ_STDOUT : 0) |
                         (result->output_total[BJ_STDERR] > err->length ? 1u << BJ_STDERR : 0);
    int code = bj_result_exit_code(result);
    int r = bj__tlv_add_number(body, BJ_FIELD_EXIT_CODE, code < 0 ? NONE : (uint64_t)code);
    if (r == 0)
        r = bj__tlv_add_number(body, BJ_FIELD_SIGNAL, (uint64_t)bj_result_signal(result));
    if (r == 0)
        r = bj__tlv_add_text(body, BJ_FIELD_LIMIT, bj_result_limit(result));
    if (r == 0)
        r = bj__tlv_add_text(body, BJ_FIELD_ERROR, result->error[0] ? result->error : NULL);
    if (r == 0)
        r = bj__tlv_add_number(body, BJ_FIELD_TRUNCATED, truncated);
    if (r == 0)
        r = bj__tlv_add(body, BJ_FIELD_STDOUT, out->bytes, out->length);
    if (r == 0)
        r = bj__tlv_add(body, BJ_FIELD_STDERR, err->bytes, err->length);
    if (r == 0)
        r = bj__tlv_add_text(body, BJ_FIELD_VALUE, bj_result_value(result));
    if (r == 0)
        r = bj__tlv_add_text(body, BJ_FIELD_GLOBALS, bj_result_globals(result));
    if (r == 0)
        r = bj__tlv_add_text(body, BJ_FIELD_EXCEPTION, bj_result_exception(result));
    return r < 0 ? r : bj__outcome_encode_files(result, body);
}

static int add_json(const struct bj_result *result, struct bj_buf *body)
{
    BJ_FREE char *json = bj_result_json(result);
    return json ? bj__tlv_add(body, BJ_FIELD_JSON, json, strlen(json)) : -ENOMEM;
}

int bj__outcome_encode(const struct bj_result *result, bool parts, struct bj_buf *body)
{
    const struct {
        enum bj_field tag;
        uint64_t number;
    } figures[] = {{BJ_FIELD_STATUS, (uint64_t)bj_result_status(result)},
                   {BJ_FIELD_EXIT_STATUS, (uint64_t)bj_result_exit_status(result)},
                   {BJ_FIELD_WALL_US, result->wall_us},
                   {BJ_FIELD_CPU_US, result->cpu_us},
                   {BJ_FIELD_MEMORY_BYTES, result->memory_peak_bytes}};
    int r = 0;
    for (size_t n = 0; r == 0 && n < BJ_COUNT(figures); n++)
        r = bj__tlv_add_number(body, (uint16_t)figures[n].tag, figures[n].number);
    if (r < 0)
        return r;
    return parts ? add_parts(result, body) : add_json(result, body);
}

int bj__refusal_encode(const struct bj_error *err, struct bj_buf *body)
{
    int r = bj__tlv_add_number(body, BJ_FIELD_CODE, (uint64_t)err->code);
    if (r == 0)
        r = bj__tlv_add_number(body, BJ_FIELD_ERRNO, (uint64_t)err->err);
    if (r == 0)
        r = bj__tlv_add_text(body, BJ_FIELD_FIELD, err->field);
    return r < 0 ? r : bj__tlv_add_text(body, BJ_FIELD_TEXT, err->message);
}

/* ---- in ------------------------------------------------------------------------------------------- */

static int read_figure(const struct bj_tlv *record, struct bj_outcome *outcome)
{
    static const uint64_t most[BJ_FIELD__COUNT] = {[BJ_FIELD_STATUS] = BJ_STATUS__COUNT - 1,
                                                   [BJ_FIELD_EXIT_STATUS] = 255,
                                                   [BJ_FIELD_EXIT_CODE] = NONE,
                                                   [BJ_FIELD_SIGNAL] = 64,
                                                   [BJ_FIELD_TRUNCATED] = 7,
                                                   [BJ_FIELD_WALL_US] = UINT64_MAX,
                                                   [BJ_FIELD_CPU_US] = UINT64_MAX,
                                                   [BJ_FIELD_MEMORY_BYTES] = UINT64_MAX};
    uint64_t number = 0;
    if (bj__tlv_number(record, most[record->tag], &number) < 0)
        return -EBADMSG;
    if (record->tag == BJ_FIELD_STATUS)
        outcome->status = (enum bj_status)number;
    else if (record->tag == BJ_FIELD_EXIT_STATUS)
        outcome->exit_status = (int)number;
    else if (record->tag == BJ_FIELD_EXIT_CODE)
        outcome->exit_code = number == NONE ? -1 : (int)number;
    else if (record->tag == BJ_FIELD_SIGNAL)
        outcome->signal = (int)number;
    else if (record->tag == BJ_FIELD_WALL_US)
        outcome->wall_us = number;
    else if (record->tag == BJ_FIELD_CPU_US)
        outcome->cpu_us = number;
    else if (record->tag == BJ_FIELD_MEMORY_BYTES)
        outcome->memory_bytes = number;
    for (enum bj_stream stream = BJ_STDOUT; record->tag == BJ_FIELD_TRUNCATED && stream <= BJ_STDERR; stream++)
        outcome->truncated[stream] = number >> stream & 1;
    return 0;
}

static int read_part(const struct bj_tlv *record, struct bj_outcome *outcome)
{
    const struct {
        enum bj_field tag;
        const char **slot;
    } texts[] = {{BJ_FIELD_LIMIT, &outcome->limit},
                 {BJ_FIELD_ERROR, &outcome->error},
                 {BJ_FIELD_VALUE, &outcome->value},
                 {BJ_FIELD_GLOBALS, &outcome->globals},
                 {BJ_FIELD_EXCEPTION, &outcome->exception}};
    for (size_t n = 0; n < BJ_COUNT(texts); n++)
        if (texts[n].tag == record->tag)
            return bj__tlv_text(record, texts[n].slot);
    enum bj_stream stream = record->tag == BJ_FIELD_STDERR ? BJ_STDERR : BJ_STDOUT;
    switch (record->tag) {
    case BJ_FIELD_JSON:
        outcome->json = (const char *)record->bytes;
        outcome->json_length = record->length;
        return 0;
    case BJ_FIELD_STDOUT:
    case BJ_FIELD_STDERR:
        outcome->output[stream] = record->bytes;
        outcome->output_length[stream] = record->length;
        return 0;
    case BJ_FIELD_FILE:
        outcome->file_count++;
        return 0;
    default:
        return read_figure(record, outcome);
    }
}

int bj__outcome_decode(const struct bj_message *message, struct bj_outcome *ret_outcome)
{
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    int r;
    *ret_outcome = (struct bj_outcome){.exit_code = -1};
    bj__tlv_start(&reader, message->body, message->length);
    while ((r = bj__tlv_next(&reader, &record)) > 0)
        if (record.tag >= BJ_FIELD__COUNT || read_part(&record, ret_outcome) < 0)
            return -EBADMSG;
    return r;
}

static int read_file(const struct bj_tlv *file, struct bj_outcome_file *ret_file)
{
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    int r;
    *ret_file = (struct bj_outcome_file){0};
    bj__tlv_start(&reader, file->bytes, file->length);
    while ((r = bj__tlv_next(&reader, &record)) > 0) {
        if (record.tag == BJ_FIELD_PATH)
            r = bj__tlv_text(&record, &ret_file->path);
        else if (record.tag == BJ_FIELD_TEXT)
            r = bj__tlv_text(&record, &ret_file->why);
        else if (record.tag != BJ_FIELD_BYTES)
            r = -EBADMSG;
        if (r < 0)
            return r;
        if (record.tag == BJ_FIELD_BYTES) {
            ret_file->bytes = record.bytes;
            ret_file->length = record.length;
        }
    }
    return r < 0 || !ret_file->path ? -EBADMSG : 0;
}

int bj__outcome_file(const struct bj_message *message, size_t n, struct bj_outcome_file *ret_file)
{
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    int r;
    bj__tlv_start(&reader, message->body, message->length);
    while ((r = bj__tlv_next(&reader, &record)) > 0)
        if (record.tag == BJ_FIELD_FILE && n-- == 0)
            return read_file(&record, ret_file);
    return r < 0 ? r : -ENOENT;
}

int bj__refusal_decode(const struct bj_message *message, struct bj_error *ret_err)
{
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    uint64_t number = 0;
    const char *text;
    int r;
    *ret_err = (struct bj_error){0};
    bj__tlv_start(&reader, message->body, message->length);
    while ((r = bj__tlv_next(&reader, &record)) > 0) {
        bool is_text = record.tag == BJ_FIELD_FIELD || record.tag == BJ_FIELD_TEXT;
        r = is_text
                ? bj__tlv_text(&record, &text)
                : bj__tlv_number(&record, record.tag == BJ_FIELD_CODE ? BJ_ERROR__COUNT - 1 : 4095, &number);
        if (r < 0)
            return -EBADMSG;
        if (record.tag == BJ_FIELD_CODE)
            ret_err->code = (int32_t)number;
        else if (record.tag == BJ_FIELD_ERRNO)
            ret_err->err = (int32_t)number;
        else if (is_text)
            (void)snprintf(record.tag == BJ_FIELD_FIELD ? ret_err->field : ret_err->message,
                           record.tag == BJ_FIELD_FIELD ? sizeof(ret_err->field) : sizeof(ret_err->message),
                           "%s", text);
    }
    return r;
}
