/* Bytes as UTF-8, in the manner of Python's errors="replace".
 * Its own file because it is pure, and fed with hostile bytes.
 * Changes when: Python replaces in another way. */
#include "cli/safeexec/replace.h"

/* First bytes, what may follow each at once, and how long such a sequence is (Unicode 15, table 3-7). */
static const struct {
    unsigned char first, last;
    unsigned char next_first, next_last;
    size_t length;
} sequences[] = {
    {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* How many bytes belong together; *ret_valid: they are a character. */
static size_t measure(const unsigned char *bytes, size_t left, bool *ret_valid)
{
    size_t row = 0;
    size_t n = 1;

    while (row < BJ_COUNT(sequences) && (bytes[0] < sequences[row].first || bytes[0] > sequences[row].last))
        row++;
    *ret_valid = false;
    if (row == BJ_COUNT(sequences))
        return 1;
    for (; n < sequences[row].length && n < left; n++) {
        unsigned char least = n == 1 ? sequences[row].next_first : 0x80;
        unsigned char most = n == 1 ? sequences[row].next_last : 0xbf;
        if (bytes[n] < least || bytes[n] > most)
            break;
    }
    *ret_valid = n == sequences[row].length;
    return n;
}

int bj__replace_add(struct bj_buf *out, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    size_t start = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < length;) {
        bool valid;
        size_t step = measure(at + i, length - i, &valid);
        if (!valid) {
            r = bj__buf_add(out, at + start, i - start);
            if (r == 0)
                r = bj__buf_add(out, "\xef\xbf\xbd", 3);
            start = i + step;
        }
        i += step;
    }
    return r < 0 ? r : bj__buf_add(out, at + start, length - start);
}
