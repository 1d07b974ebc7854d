/* JSON as Python shows it, for messages in the words of Python's libraries.
 * Its own file because two interfaces have such messages.
 * Changes when: a message shows something else. */
#ifndef BJ_COMPAT_REPR_H
#define BJ_COMPAT_REPR_H

#include "base/buf.h"

#include <jansson.h>

/* Appends; what does not fit is left out. */
void bj__repr(struct bj_buf *buf, const json_t *value);

#endif
