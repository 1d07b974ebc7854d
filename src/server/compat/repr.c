/* JSON as Python shows it.
 * Its own file because two interfaces have such messages.
 * Changes when: a message shows something else. */
#include "server/compat/repr.h"
#include "spec/json_read.h"

static void add(struct bj_buf *buf, const char *text)
{
    (void)bj__buf_add(buf, text, strlen(text));
}

static void show_text(struct bj_buf *buf, const char *text, size_t length)
{
    char quote = memchr(text, '\'', length) && !memchr(text, '"', length) ? '"' : '\'';
    (void)bj__buf_add(buf, &quote, 1);
    for (size_t n = 0; n < length; n++) {
        unsigned char c = (unsigned char)text[n];
        if (c == '\\' || c == (unsigned char)quote)
            (void)bj__buf_printf(buf, "\\%c", c);
        else if (c == '\n' || c == '\t' || c == '\r')
            (void)bj__buf_printf(buf, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else if (c < 0x20 || c == 0x7f)
            (void)bj__buf_printf(buf, "\\x%02x", c);
        else
            (void)bj__buf_add(buf, &c, 1);
    }
    (void)bj__buf_add(buf, &quote, 1);
}

static void show(struct bj_buf *buf, const json_t *value);

/* NOLINTNEXTLINE(misc-no-recursion): bounded by the parser */
static void show_many(struct bj_buf *buf, const json_t *value)
{
    size_t n = 0;
    const char *key;
    json_t *item;
    add(buf, json_is_object(value) ? "{" : "[");
    if (json_is_array(value)) {
        json_array_foreach(value, n, item)
        {
            add(buf, n > 0 ? ", " : "");
            show(buf, item);
        }
    } else {
        json_object_foreach((json_t *)(uintptr_t)value, key, item)
        {
            add(buf, n++ > 0 ? ", " : "");
            show_text(buf, key, strlen(key));
            add(buf, ": ");
            show(buf, item);
        }
    }
    add(buf, json_is_object(value) ? "}" : "]");
}

static void show(struct bj_buf *buf, const json_t *value) /* NOLINT(misc-no-recursion): bounded by the parser */
{
    if (json_is_object(value) || json_is_array(value)) {
        show_many(buf, value);
    } else if (json_is_string(value)) {
        show_text(buf, json_string_value(value), json_string_length(value));
    } else if (json_is_number(value)) {
        BJ_FREE char *text = json_dumps(value, JSON_ENCODE_ANY);
        add(buf, text ? text : "");
    } else {
        add(buf, json_is_true(value) ? "True" : json_is_false(value) ? "False" : "None");
    }
}

void bj__repr(struct bj_buf *buf, const json_t *value)
{
    show(buf, value);
}
