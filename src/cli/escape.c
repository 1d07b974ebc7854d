/* Text of unknown origin, made harmless for a terminal.
 * Its own file because relayed output, summaries and messages need the same rule.
 * Changes when: another character turns out to be able to drive a terminal. */
#include "cli/escape.h"

#include <stdio.h>

static int add_hex(struct bj_buf *out, const unsigned char *bytes, size_t count)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++)
        r = bj__buf_printf(out, "\\x%02x", bytes[i]);
    return r;
}

/* Bytes in the sequence that this byte begins; 0: it begins none. */
static unsigned sequence_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    if (first >= 0xf0 && first <= 0xf4)
        return 4;
    return 0;
}

/* A whole, well-formed sequence: may a terminal see it? */
static bool is_harmless(const unsigned char *bytes, unsigned count)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t code = count == 1 ? bytes[0] : bytes[0] & (0xffu >> (count + 1));

    for (unsigned i = 1; i < count; i++)
        code = code << 6 | (bytes[i] & 0x3fu);
    if (code < smallest[count] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return false;
    if (code < 0x20)
        return code == '\n' || code == '\t' || code == '\r';
    if (code >= 0x7f && code <= 0x9f)
        return false;
    /* Overrides of the direction can make text read as what it is not (CVE-2021-42574). */
    return !(code >= 0x202a && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069);
}

static int flush_pending(struct escape *escape, struct bj_buf *out)
{
    unsigned count = escape->pending_count;

    escape->pending_count = 0;
    return add_hex(out, escape->pending, count);
}

static int add_byte(struct escape *escape, struct bj_buf *out, unsigned char byte)
{
    int r = 0;

    if (escape->pending_count && (byte & 0xc0) != 0x80)
        r = flush_pending(escape, out);
    if (r < 0)
        return r;
    escape->pending[escape->pending_count++] = byte;

    unsigned length = sequence_length(escape->pending[0]);
    if (length == 0)
        return flush_pending(escape, out);
    if (escape->pending_count < length)
        return 0;
    if (!is_harmless(escape->pending, length))
        return flush_pending(escape, out);
    escape->pending_count = 0;
    return bj__buf_add(out, escape->pending, length);
}

int bj__escape_add(struct escape *escape, struct bj_buf *out, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    int r = 0;

    for (size_t i = 0; r == 0 && i < length;) {
        size_t plain = i;
        while (plain < length && at[plain] >= 0x20 && at[plain] < 0x7f)
            plain++;
        if (plain > i && !escape->pending_count) {
            r = bj__buf_add(out, at + i, plain - i);
            i = plain;
        } else {
            r = add_byte(escape, out, at[i++]);
        }
    }
    return r;
}

int bj__escape_end(struct escape *escape, struct bj_buf *out)
{
    return flush_pending(escape, out);
}
