/* Byte buffers with a maximum.
 * Its own file because growth and its overflow checks belong in one place.
 * Changes when: the growth rule changes. */
#include "base/buf.h"

#include <stdio.h>

void bj__buf_init(struct bj_buf *buf, size_t maximum)
{
    *buf = (struct bj_buf){.maximum = maximum};
}

void bj__buf_done(struct bj_buf *buf)
{
    free(buf->bytes);
    buf->bytes = NULL;
    buf->length = buf->capacity = 0;
}

int bj__buf_reserve(struct bj_buf *buf, size_t length)
{
    if (length > buf->maximum - buf->length)
        return -ENOBUFS;
    size_t need = buf->length + length + 1; /* the NUL */
    if (need <= buf->capacity)
        return 0;
    size_t capacity = buf->capacity ? buf->capacity : 256;
    while (capacity < need)
        capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    if (capacity > buf->maximum)
        capacity = buf->maximum + 1; /* no less than need */
    unsigned char *bytes = realloc(buf->bytes, capacity);
    if (!bytes)
        return -ENOMEM;
    buf->bytes = bytes;
    buf->capacity = capacity;
    return 0;
}

int bj__buf_add(struct bj_buf *buf, const void *bytes, size_t length)
{
    int r = bj__buf_reserve(buf, length);
    if (r < 0)
        return r;
    if (length > 0)
        memcpy(buf->bytes + buf->length, bytes, length);
    buf->length += length;
    buf->bytes[buf->length] = 0;
    return 0;
}

int bj__buf_printf(struct bj_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        return -EINVAL;
    int r = bj__buf_reserve(buf, (size_t)length);
    if (r < 0)
        return r;
    va_start(args, format);
    (void)vsnprintf((char *)buf->bytes + buf->length, (size_t)length + 1, format, args);
    va_end(args);
    buf->length += (size_t)length;
    return 0;
}

char *bj__buf_take(struct bj_buf *buf)
{
    if (!buf->bytes && bj__buf_reserve(buf, 0) == 0)
        buf->bytes[0] = 0;
    char *taken = (char *)buf->bytes;
    buf->bytes = NULL;
    buf->length = buf->capacity = 0;
    return taken;
}
