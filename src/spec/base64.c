/* Base64 (RFC 4648, section 4), strict.
 * Its own file because requests bring files in by it and results bring them out.
 * Changes when: never, one hopes. */
#include "spec/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, of which the last `padding` are '='. */
static int decode_group(const char *text, size_t padding, unsigned char *bytes)
{
    uint32_t value = 0;
    for (size_t n = 0; n < 4; n++) {
        int d = n < 4 - padding ? digit(text[n]) : 0;
        if (d < 0)
            return -EINVAL;
        value = value << 6 | (uint32_t)d;
    }
    /* Bits that belong to no byte must be zero, or two texts would stand for the same bytes. */
    if (padding > 0 && (value & (padding == 2 ? 0xffffu : 0xffu)) != 0)
        return -EINVAL;
    for (size_t n = 0; n < 3 - padding; n++)
        bytes[n] = (unsigned char)(value >> (16 - 8 * n));
    return 0;
}

int bj__base64_decode(const char *text, size_t length, unsigned char *bytes, size_t *ret_length)
{
    if (length % 4 != 0)
        return -EINVAL;
    size_t padding = 0;
    if (length > 0 && text[length - 1] == '=')
        padding = text[length - 2] == '=' ? 2 : 1;
    for (size_t n = 0; n < length; n += 4)
        if (decode_group(text + n, n + 4 == length ? padding : 0, bytes + n / 4 * 3) < 0)
            return -EINVAL;
    *ret_length = length / 4 * 3 - padding;
    return 0;
}

void bj__base64_encode(const void *bytes, size_t length, char *text)
{
    const unsigned char *in = bytes;
    for (size_t n = 0; n < length; n += 3) {
        size_t left = length - n;
        uint32_t value = (uint32_t)in[n] << 16;
        value |= left > 1 ? (uint32_t)in[n + 1] << 8 : 0;
        value |= left > 2 ? (uint32_t)in[n + 2] : 0;
        *text++ = alphabet[value >> 18];
        *text++ = alphabet[value >> 12 & 63];
        *text++ = '=';
        *text++ = '=';
        if (left > 1)
            text[-2] = alphabet[value >> 6 & 63];
        if (left > 2)
            text[-1] = alphabet[value & 63];
    }
    *text = 0;
}
