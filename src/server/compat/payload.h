/* What codejail's clients ask for: the JSON of the field "payload".
 * Its own file because it is judged as that service judges it, in its words, and its variables must not be read on the way.
 * Changes when: that payload has another member. */
#ifndef BJ_COMPAT_PAYLOAD_H
#define BJ_COMPAT_PAYLOAD_H

#include "base/buf.h"

#include <jansson.h>

struct bj_payload {
    json_t *code, *python_path, *context, *unsafely; /* owned; NULL: not there */
    const char *globals; /* in the text, as it stands there: NaN is a number in it */
    size_t globals_length;
};

/* -EINVAL: *message is what to answer. Pure. */
int bj__payload_read(const char *text, size_t length, struct bj_payload *ret_payload, struct bj_buf *message);
void bj__payload_done(struct bj_payload *payload);
#define BJ_PAYLOAD BJ_CLEANUP(bj__payload_done)

/* Appends bytes as Python shows them: b'...'. */
int bj__payload_show_bytes(struct bj_buf *buf, const void *bytes, size_t length);

#endif
