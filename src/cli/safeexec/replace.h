/* Bytes as UTF-8, in the manner of Python's errors="replace".
 * Its own file because it is pure, and fed with hostile bytes.
 * Changes when: Python replaces in another way. */
#ifndef BJ_CLI_REPLACE_H
#define BJ_CLI_REPLACE_H

#include "base/buf.h"

/* Appends, with one U+FFFD for each longest beginning of a sequence that does not go on. 0 or -errno. */
int bj__replace_add(struct bj_buf *out, const void *bytes, size_t length);

#endif
