/* What Jansson leaves out when memory is short: dump.c ignores a key that does not fit (do_dump), load.c a character
 * (lex_save). A command, a path or a result would go on without it.
 * Its own file because both are one defect of a library, met at its edges.
 * Changes when: Jansson does. */
#include "spec/json_text.h"

#include "base/buf.h"

struct sink {
    struct bj_buf buf;
    bool failed;
};

static int take(const char *bytes, size_t length, void *user)
{
    struct sink *sink = user;
    sink->failed = sink->failed || bj__buf_add(&sink->buf, bytes, length) < 0;
    return sink->failed ? -1 : 0;
}

char *bj__json_dump(const json_t *root, size_t flags)
{
    struct sink sink = {.failed = false};
    bj__buf_init(&sink.buf, SIZE_MAX / 4);
    if (json_dump_callback(root, take, &sink, flags) < 0 || sink.failed) {
        bj__buf_done(&sink.buf);
        return NULL;
    }
    return bj__buf_take(&sink.buf);
}

/* Bytes of UTF-8 of \uXXXX at "at"; *ret_used: characters of the text. Two surrogates are one character of four bytes. */
static size_t unicode_bytes(const char *at, size_t *ret_used)
{
    char digits[5] = {at[2], at[3], at[4], at[5], 0};
    unsigned long value = strtoul(digits, NULL, 16);
    bool surrogate = value >= 0xd800 && value <= 0xdbff;
    *ret_used = surrogate ? 12 : 6;
    return surrogate ? 4 : value < 0x80 ? 1 : value < 0x800 ? 2 : 3;
}

/* Of all strings in the text, keys too. */
static size_t bytes_in_text(const char *text, size_t length)
{
    size_t bytes = 0;
    bool inside = false;
    for (size_t i = 0, used = 1; i < length; i += used) {
        used = 1;
        if (text[i] == '"') {
            inside = !inside;
        } else if (inside && text[i] == '\\' && text[i + 1] == 'u') {
            bytes += unicode_bytes(text + i, &used);
        } else if (inside) {
            used = text[i] == '\\' ? 2 : 1;
            bytes++;
        }
    }
    return bytes;
}

/* As deep as the text is nested, which was bounded before it was read. NOLINTNEXTLINE(misc-no-recursion) */
static size_t bytes_in_value(const json_t *value)
{
    size_t bytes = json_is_string(value) ? json_string_length(value) : 0;
    for (size_t i = 0; i < json_array_size(value); i++)
        bytes += bytes_in_value(json_array_get(value, i));
    /* The iterators take no const, and change nothing. */
    json_t *object = (json_t *)(uintptr_t)value;
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at))
        bytes += strlen(json_object_iter_key(at)) + bytes_in_value(json_object_iter_value(at));
    return bytes;
}

bool bj__json_is_whole(const json_t *root, const char *text, size_t length)
{
    return bytes_in_text(text, length) == bytes_in_value(root);
}
