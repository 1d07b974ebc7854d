/* Base64 (RFC 4648, section 4), strict: padding required, no white space, no stray bits.
 * Its own file because requests bring files in by it and results bring them out.
 * Changes when: never, one hopes. */
#ifndef BJ_BASE64_H
#define BJ_BASE64_H

#include "base/base.h"

/* Bytes that text of this length decodes to at most. */
#define BJ_BASE64_DECODED(length) ((length) / 4 * 3)
/* Characters that so many bytes are encoded in, without a NUL; length must be below SIZE_MAX / 2. */
#define BJ_BASE64_ENCODED(length) (((length) + 2) / 3 * 4)

/* Decodes into bytes (at least BJ_BASE64_DECODED(length) of them). -EINVAL when text is not canonical. */
int bj__base64_decode(const char *text, size_t length, unsigned char *bytes, size_t *ret_length);
/* text: BJ_BASE64_ENCODED(length) + 1 characters. */
void bj__base64_encode(const void *bytes, size_t length, char *text);

#endif
