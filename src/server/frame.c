/* Where a request begins and ends in a stream of bytes.
 * Its own file because it counts what strangers claim, and is tested alone.
 * Changes when: requests are framed in another way. */
#include "server/frame.h"

void bj__frame_init(struct bj_frame *frame, enum bj_frame_form form, size_t maximum)
{
    *frame = (struct bj_frame){.form = form};
    bj__buf_init(&frame->body, maximum);
}

void bj__frame_reset(struct bj_frame *frame)
{
    frame->head_length = 0;
    bj__buf_done(&frame->body);
}

bool bj__frame_begun(const struct bj_frame *frame)
{
    return frame->head_length > 0 || frame->body.length > 0;
}

uint32_t bj__frame_length(const struct bj_frame *frame)
{
    const unsigned char *head = frame->head;
    if (frame->head_length < BJ_FRAME_HEAD)
        return 0;
    return (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
}

void bj__frame_write_head(unsigned char head[BJ_FRAME_HEAD], uint32_t length)
{
    for (unsigned n = 0; n < BJ_FRAME_HEAD; n++)
        head[n] = (unsigned char)(length >> (24 - 8 * n));
}

size_t bj__frame_wants(const struct bj_frame *frame)
{
    if (frame->form == BJ_FRAME_NUL)
        return SIZE_MAX;
    if (frame->head_length < BJ_FRAME_HEAD)
        return BJ_FRAME_HEAD - frame->head_length;
    return bj__frame_length(frame) - frame->body.length;
}

/* Memory grows with what has come, never with what was announced. */
static enum bj_frame_state add(struct bj_frame *frame, const void *bytes, size_t length)
{
    int r = bj__buf_add(&frame->body, bytes, length);
    if (r == 0)
        return BJ_FRAME_MORE;
    return r == -ENOBUFS ? BJ_FRAME_TOO_LARGE : BJ_FRAME_NO_MEMORY;
}

static enum bj_frame_state take_until_nul(struct bj_frame *frame, const unsigned char *bytes, size_t length)
{
    const unsigned char *end = length > 0 ? memchr(bytes, 0, length) : NULL;
    enum bj_frame_state state = add(frame, bytes, end ? (size_t)(end - bytes) : length);
    return state == BJ_FRAME_MORE && end ? BJ_FRAME_WHOLE : state;
}

enum bj_frame_state bj__frame_take(struct bj_frame *frame, const void *bytes, size_t length)
{
    const unsigned char *from = bytes;
    size_t wants = bj__frame_wants(frame);
    size_t taken = length < wants ? length : wants;
    if (frame->form == BJ_FRAME_NUL)
        return take_until_nul(frame, from, taken);
    if (frame->head_length < BJ_FRAME_HEAD) {
        if (taken > 0)
            memcpy(frame->head + frame->head_length, from, taken);
        frame->head_length += taken;
        if (frame->head_length < BJ_FRAME_HEAD)
            return BJ_FRAME_MORE;
        if (bj__frame_length(frame) > frame->body.maximum)
            return BJ_FRAME_TOO_LARGE;
        taken = 0;
    }
    enum bj_frame_state state = add(frame, from, taken);
    return state == BJ_FRAME_MORE && bj__frame_wants(frame) == 0 ? BJ_FRAME_WHOLE : state;
}
