/* What became of a guest's bytes, judged without the code that did it: jansson and a few lines decide what UTF-8 is.
 * Its own file because the judge must not share a mistake with src/base/utf8.c and src/cli/escape.c.
 * Changes when: output is shown in another way. */
#ifndef FUZZ_SHOWN_BYTES_H
#define FUZZ_SHOWN_BYTES_H

#include "cli/escape.h"
#include "spec/base64.h"
#include "supervise/result.h"

#include <jansson.h>

/* bytes are the output, and as far as they fit the error and the name of a file, which end at a NUL. */
static inline struct bj_result *made_up_result(const uint8_t *bytes, size_t size)
{
    struct bj_result *result = calloc(1, sizeof(*result));
    struct bj_collected *file = calloc(1, sizeof(*file));
    if (!result || !file)
        abort();
    result->memory_source = "none";
    result->files = file;
    result->file_count = 1;
    file->path = strndup(size ? (const char *)bytes : "", size);
    file->why = "made up";
    size_t length = size < sizeof(result->error) - 1 ? size : sizeof(result->error) - 1;
    for (int stream = 1; stream <= 2; stream++) {
        bj__buf_init(&result->output[stream], SIZE_MAX / 4);
        if (bj__buf_add(&result->output[stream], size ? bytes : (const uint8_t *)"", size) < 0)
            abort();
        result->output_total[stream] = size;
    }
    memcpy(result->error, size ? bytes : (const uint8_t *)"", length);
    return result;
}

static inline void drop_result(struct bj_result **result)
{
    bj_result_free(*result);
}

static inline bool is_valid(const void *bytes, size_t size)
{
    json_t *string = json_stringn(bytes, size); /* NULL for what is not UTF-8 */
    bool valid = size == 0 || string != NULL;
    json_decref(string);
    return valid;
}

/* As text if it is UTF-8; otherwise in base64, to the last byte. */
static inline bool holds_output(const json_t *json, const uint8_t *bytes, size_t size)
{
    const json_t *text = json_object_get(json, "stdout");
    const json_t *encoded = json_object_get(json, "stdout_base64");
    if (!json_is_string(text) || is_valid(bytes, size) != !encoded)
        return false;
    if (!encoded)
        return json_string_length(text) == size && memcmp(json_string_value(text), bytes, size) == 0;
    BJ_FREE char *again = malloc(BJ_BASE64_ENCODED(size) + 1);
    if (!again)
        return false;
    bj__base64_encode(bytes, size, again);
    return strncmp(json_string_value(encoded), again, BJ_BASE64_ENCODED(size)) == 0;
}

/* UTF-8 without control characters (but newline, tab, carriage return), C1, and what turns the direction of text. */
static inline bool is_tame(const unsigned char *bytes, size_t length)
{
    if (!is_valid(bytes, length))
        return false;
    for (size_t i = 0; i < length; i++) {
        const unsigned char *at = bytes + i;
        if ((at[0] < 0x20 && !strchr("\n\t\r", at[0])) || at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0))
            return false;
        if (at[0] == 0xe2 && ((at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae) ||
                              (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9)))
            return false;
    }
    return true;
}

/* Each byte stands there as itself, or as \xNN. */
static inline bool unescapes_to(const struct bj_buf *shown, const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < size; i++) {
        char hex[5];
        (void)snprintf(hex, sizeof(hex), "\\x%02x", bytes[i]);
        if (at < shown->length && shown->bytes[at] == bytes[i])
            at++;
        else if (at + 4 <= shown->length && memcmp(shown->bytes + at, hex, 4) == 0)
            at += 4;
        else
            return false;
    }
    return at == shown->length;
}

#endif
