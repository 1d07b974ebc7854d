/* Text of unknown origin, made harmless for a terminal.
 * Its own file because relayed output, summaries and messages need the same rule.
 * Changes when: another character turns out to be able to drive a terminal. */
#ifndef BJ_CLI_ESCAPE_H
#define BJ_CLI_ESCAPE_H

#include "base/buf.h"

/* The beginning of a UTF-8 sequence whose end has not arrived yet. All zero at the start. */
struct escape {
    unsigned char pending[4];
    unsigned pending_count;
};

/* Appends bytes to out. Newline, tab, carriage return and printable UTF-8 pass; other control characters (C0,
 * DEL, C1), direction overrides and bytes that are not UTF-8 become \xNN. -ENOBUFS, -ENOMEM. */
int bj__escape_add(struct escape *escape, struct bj_buf *out, const void *bytes, size_t length);
/* No more will come: what is pending was not UTF-8. */
int bj__escape_end(struct escape *escape, struct bj_buf *out);

#endif
