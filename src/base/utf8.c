/* Guest bytes as valid UTF-8 (RFC 3629).
 * Its own file because it is small, pure, and fed with hostile bytes.
 * Changes when: the replacement rule changes. */
#include "base/utf8.h"

size_t bj__utf8_length(const unsigned char *bytes, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = bytes[0];
    size_t length = first < 0x80   ? 1
                    : first < 0xc0 ? 0
                    : first < 0xe0 ? 2
                    : first < 0xf0 ? 3
                    : first < 0xf8 ? 4
                                   : 0;
    if (length <= 1 || length > left)
        return length > left ? 0 : length;
    uint32_t code = first & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (bytes[i] & 0x3fu);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least[length] || surrogate || code > 0x10ffff ? 0 : length;
}

bool bj__utf8_valid(const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t step = bj__utf8_length(bytes + i, length - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

int bj__utf8_add(struct bj_buf *out, const unsigned char *bytes, size_t length)
{
    size_t start = 0;
    for (size_t i = 0; i < length;) {
        size_t step = bj__utf8_length(bytes + i, length - i);
        if (step > 0) {
            i += step;
            continue;
        }
        int r = bj__buf_add(out, bytes + start, i - start);
        if (r == 0)
            r = bj__buf_add(out, "\xef\xbf\xbd", 3);
        if (r < 0)
            return r;
        start = ++i;
    }
    return bj__buf_add(out, bytes + start, length - start);
}
