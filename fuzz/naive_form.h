/* A second reader of forms: copies each piece before it looks at it, and decodes by way of strtoul(3).
 * Its own file because it must share no line with the one that is tested.
 * Changes when: forms are sent in another way. */
#ifndef FUZZ_NAIVE_FORM_H
#define FUZZ_NAIVE_FORM_H

#include <ctype.h>

#include "base/buf.h"

static inline void naive_decode(struct bj_buf *out, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char number[3] = {0};
        char c = bytes[i] == '+' ? ' ' : bytes[i];
        if (bytes[i] == '%' && i + 2 < length && isxdigit((unsigned char)bytes[i + 1]) &&
            isxdigit((unsigned char)bytes[i + 2])) {
            memcpy(number, bytes + i + 1, 2);
            c = (char)strtoul(number, NULL, 16);
            i += 2;
        }
        (void)bj__buf_add(out, &c, 1);
    }
}

static inline bool naive_is_named(const char *bytes, size_t length, const char *name)
{
    BJ_BUF struct bj_buf decoded;

    bj__buf_init(&decoded, SIZE_MAX / 4);
    naive_decode(&decoded, bytes, length);
    return decoded.length == strlen(name) && (!decoded.length || !memcmp(decoded.bytes, name, decoded.length));
}

static inline int naive_form_find(const char *form, size_t length, const char *name, struct bj_buf *ret_value)
{
    int count = 0;
    size_t start = 0;

    for (size_t i = 0; i <= length; i++) {
        if (i < length && form[i] != '&')
            continue;
        size_t equals = start;
        while (equals < i && form[equals] != '=')
            equals++;
        if (equals < i && naive_is_named(form + start, equals - start, name) && count++ == 0)
            naive_decode(ret_value, form + equals + 1, i - equals - 1);
        start = i + 1;
    }
    return count;
}

#endif
