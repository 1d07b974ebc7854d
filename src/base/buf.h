/* Byte buffers with a maximum that is fixed when they are made.
 * Its own file because every size that a guest or a user controls ends up in one of these.
 * Changes when: buffers need another way to be filled. */
#ifndef BJ_BUF_H
#define BJ_BUF_H

#include "base/base.h"

struct bj_buf {
    unsigned char *bytes; /* owned; one NUL is always kept behind length once something was added */
    size_t length;
    size_t capacity;
    size_t maximum; /* length never passes this */
};

void bj__buf_init(struct bj_buf *buf, size_t maximum);
void bj__buf_done(struct bj_buf *buf);
/* All or nothing: -ENOBUFS when the maximum would be passed, -ENOMEM. */
int bj__buf_add(struct bj_buf *buf, const void *bytes, size_t length);
int bj__buf_printf(struct bj_buf *buf, const char *format, ...) BJ_PRINTF(2, 3);
/* Makes room for at least length bytes behind the end; -ENOBUFS, -ENOMEM. */
int bj__buf_reserve(struct bj_buf *buf, size_t length);
/* Moves the bytes out, NUL-terminated, never NULL unless out of memory; the buffer is empty afterwards. */
char *bj__buf_take(struct bj_buf *buf);
#define BJ_BUF BJ_CLEANUP(bj__buf_done)

#endif
