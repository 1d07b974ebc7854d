/* See json_out.h.
 * Its own file because how JSON is escaped and indented is nobody else's business.
 * Changes when: another kind of value is written. */
#include "base/json_out.h"

#include <stdio.h>

#define INDENT 2

int bj__json_add_string(struct bj_buf *buf, const void *text, size_t length)
{
    const unsigned char *bytes = text;
    size_t plain = 0;
    int r = bj__buf_add(buf, "\"", 1);
    for (size_t n = 0; r == 0 && n < length; n++) {
        if (bytes[n] >= 0x20 && bytes[n] != '"' && bytes[n] != '\\' && bytes[n] != 0x7f)
            continue;
        r = bj__buf_add(buf, bytes + plain, n - plain);
        if (r == 0)
            r = bytes[n] == '\n'                      ? bj__buf_add(buf, "\\n", 2)
                : bytes[n] == '"' || bytes[n] == '\\' ? bj__buf_printf(buf, "\\%c", bytes[n])
                                                      : bj__buf_printf(buf, "\\u%04x", bytes[n]);
        plain = n + 1;
    }
    if (r == 0)
        r = bj__buf_add(buf, bytes + plain, length - plain);
    return r < 0 ? r : bj__buf_add(buf, "\"", 1);
}

static void add(struct bj_json_out *out, const char *text, size_t length)
{
    out->failed = out->failed || bj__buf_add(&out->buf, text, length) < 0;
}

static void add_line(struct bj_json_out *out)
{
    static const char blanks[] = "                ";
    add(out, "\n", 1);
    for (unsigned left = out->depth * INDENT; left > 0 && !out->failed;) {
        unsigned part = left < sizeof(blanks) - 1 ? left : (unsigned)sizeof(blanks) - 1;
        add(out, blanks, part);
        left -= part;
    }
}

static void begin(struct bj_json_out *out, const char *key)
{
    if (out->filled)
        add(out, ",", 1);
    if (out->depth > 0)
        add_line(out);
    if (key) {
        add(out, "\"", 1);
        add(out, key, strlen(key));
        add(out, "\": ", 3);
    }
    out->filled = true;
}

static void add_word(struct bj_json_out *out, const char *key, const char *word)
{
    begin(out, key);
    add(out, word, strlen(word));
}

void bj__out_init(struct bj_json_out *out)
{
    *out = (struct bj_json_out){.depth = 0};
    bj__buf_init(&out->buf, SIZE_MAX / 4);
}

void bj__out_open(struct bj_json_out *out, const char *key, char bracket)
{
    begin(out, key);
    add(out, &bracket, 1);
    out->depth++;
    out->filled = false;
}

void bj__out_close(struct bj_json_out *out, char bracket)
{
    out->depth--;
    if (out->filled)
        add_line(out);
    add(out, &bracket, 1);
    out->filled = true;
}

void bj__out_text(struct bj_json_out *out, const char *key, const void *text, size_t length)
{
    begin(out, key);
    out->failed = out->failed || bj__json_add_string(&out->buf, text, length) < 0;
}

void bj__out_string(struct bj_json_out *out, const char *key, const char *text)
{
    if (text)
        bj__out_text(out, key, text, strlen(text));
    else
        add_word(out, key, "null");
}

void bj__out_number(struct bj_json_out *out, const char *key, uint64_t number)
{
    char digits[24];
    (void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    add_word(out, key, digits);
}

void bj__out_bool(struct bj_json_out *out, const char *key, bool value)
{
    add_word(out, key, value ? "true" : "false");
}

void bj__out_seconds(struct bj_json_out *out, const char *key, uint64_t us)
{
    char digits[32];
    (void)snprintf(digits, sizeof(digits), "%llu.%06llu", (unsigned long long)us / 1000000u,
                   (unsigned long long)us % 1000000u);
    add_word(out, key, digits);
}

void bj__out_json(struct bj_json_out *out, const char *key, const char *json)
{
    add_word(out, key, json ? json : "null");
}

char *bj__out_take(struct bj_json_out *out)
{
    if (!out->failed)
        return bj__buf_take(&out->buf);
    bj__buf_done(&out->buf);
    return NULL;
}
