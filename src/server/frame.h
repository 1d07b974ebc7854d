/* Where a request begins and ends in a stream of bytes.
 * Its own file because it counts what strangers claim, and is tested alone.
 * Changes when: requests are framed in another way. */
#ifndef BJ_SERVER_FRAME_H
#define BJ_SERVER_FRAME_H

#include "base/buf.h"

#define BJ_FRAME_HEAD 4u /* bytes: the length, in network order */

/* Up to a NUL; or a length, and so many bytes. */
enum bj_frame_form { BJ_FRAME_NUL, BJ_FRAME_LENGTH };

enum bj_frame_state { BJ_FRAME_MORE, BJ_FRAME_WHOLE, BJ_FRAME_TOO_LARGE, BJ_FRAME_NO_MEMORY };

struct bj_frame {
    enum bj_frame_form form;
    unsigned char head[BJ_FRAME_HEAD];
    size_t head_length; /* of head, as far as it has come */
    struct bj_buf body; /* neither head nor NUL */
};

/* maximum: of the body. */
void bj__frame_init(struct bj_frame *frame, enum bj_frame_form form, size_t maximum);
/* What it has taken is gone: the next one begins. */
void bj__frame_reset(struct bj_frame *frame);
/* How many bytes can still be of this one; SIZE_MAX: nobody knows. 0: it is whole. */
size_t bj__frame_wants(const struct bj_frame *frame);
/* At most as many as it wants. What stands behind a NUL is of no request, and dropped. After anything but BJ_FRAME_MORE it takes
 * nothing until it is reset. */
enum bj_frame_state bj__frame_take(struct bj_frame *frame, const void *bytes, size_t length);
/* Has any of it come? */
bool bj__frame_begun(const struct bj_frame *frame);
/* What the head says; 0 until it is complete. */
uint32_t bj__frame_length(const struct bj_frame *frame);
void bj__frame_write_head(unsigned char head[BJ_FRAME_HEAD], uint32_t length);

#endif
