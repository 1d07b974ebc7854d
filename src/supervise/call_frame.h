/* A call of a function of the host's, as the guest writes it: taken together out of pieces, and judged.
 * Its own file because it reads bytes of a guest: pure, bounded before anything is kept, fuzzed on its own.
 * Changes when: base/reply.h does. */
#ifndef BJ_CALL_FRAME_H
#define BJ_CALL_FRAME_H

#include "base/buf.h"
#include "base/reply.h"
#include "spec/spec.h"

/* What a call has to keep to. */
struct bj_call_rules {
    const struct bj_strings *names; /* of the functions that there are */
    uint32_t number;                /* that it must have */
    uint64_t max_bytes;             /* of arguments and keywords together */
};

struct bj_call_frame {
    struct bj_call_head head;
    size_t head_length; /* that is there by now */
    struct bj_buf body; /* name, arguments, keywords, each with its zero */
};

enum bj_call_outcome {
    BJ_CALL_MORE,  /* of it something is missing */
    BJ_CALL_WHOLE, /* it is there, and keeps to the rules; its texts may be read */
    BJ_CALL_NONE   /* it is no call, and nothing behind it can be one */
};

void bj__call_frame_init(struct bj_call_frame *frame);
/* For the next one. */
void bj__call_frame_reset(struct bj_call_frame *frame);
void bj__call_frame_done(struct bj_call_frame *frame);
/* How many bytes it takes at most now; never more than belong to it. Not 0 before it is whole. */
size_t bj__call_frame_wants(const struct bj_call_frame *frame);
/* Takes that many or fewer. -ENOMEM, or 0 with the outcome. */
int bj__call_frame_add(struct bj_call_frame *frame, const struct bj_call_rules *rules, const void *bytes,
                       size_t length, enum bj_call_outcome *ret_outcome);
/* Of a whole one. */
const char *bj__call_frame_name(const struct bj_call_frame *frame);
const char *bj__call_frame_arguments(const struct bj_call_frame *frame);
const char *bj__call_frame_keywords(const struct bj_call_frame *frame);

#endif
