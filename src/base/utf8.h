/* Guest bytes as valid UTF-8.
 * Its own file because it is small, pure, and fed with hostile bytes.
 * Changes when: the replacement rule changes. */
#ifndef BJ_UTF8_H
#define BJ_UTF8_H

#include "base/buf.h"

/* Length of the valid sequence at bytes (1 to 4), or 0: overlong, surrogate, beyond U+10FFFF, or cut short. */
size_t bj__utf8_length(const unsigned char *bytes, size_t left);
bool bj__utf8_valid(const unsigned char *bytes, size_t length);
/* Appends, with U+FFFD for each byte that is not part of a valid sequence. 0 or -errno. */
int bj__utf8_add(struct bj_buf *out, const unsigned char *bytes, size_t length);

#endif
