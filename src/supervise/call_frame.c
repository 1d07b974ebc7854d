/* Calls out of bytes that the guest wrote.
 * Its own file because it is pure, and neither knows descriptors nor who is called.
 * Changes when: base/reply.h does. */
#include "supervise/call_frame.h"

#include "base/json_scan.h"

void bj__call_frame_init(struct bj_call_frame *frame)
{
    *frame = (struct bj_call_frame){.head_length = 0};
    bj__buf_init(&frame->body, 0);
}

void bj__call_frame_done(struct bj_call_frame *frame)
{
    bj__buf_done(&frame->body);
}

void bj__call_frame_reset(struct bj_call_frame *frame)
{
    bj__call_frame_done(frame);
    bj__call_frame_init(frame);
}

/* Of a head that keeps to the rules. */
static size_t body_length(const struct bj_call_head *head)
{
    return (size_t)head->name_length + head->arguments_length + head->keywords_length + 3;
}

size_t bj__call_frame_wants(const struct bj_call_frame *frame)
{
    if (frame->head_length < sizeof(frame->head))
        return sizeof(frame->head) - frame->head_length;
    return body_length(&frame->head) - frame->body.length;
}

/* As far as it is there. Each number is looked at by itself, so that no sum of them can be more than it seems. */
static bool is_head(const struct bj_call_frame *frame, const struct bj_call_rules *rules)
{
    const struct bj_call_head *head = &frame->head;
    if (frame->head_length >= sizeof(head->magic) && head->magic != BJ_CALL_MAGIC)
        return false;
    if (frame->head_length < sizeof(*head))
        return true;
    return head->number == rules->number && head->name_length > 0 && head->name_length <= BJ_MAX_CALL_NAME &&
           head->arguments_length <= rules->max_bytes && head->keywords_length <= rules->max_bytes &&
           (uint64_t)head->arguments_length + head->keywords_length <= rules->max_bytes;
}

const char *bj__call_frame_name(const struct bj_call_frame *frame)
{
    return (const char *)frame->body.bytes;
}

const char *bj__call_frame_arguments(const struct bj_call_frame *frame)
{
    return (const char *)frame->body.bytes + frame->head.name_length + 1;
}

const char *bj__call_frame_keywords(const struct bj_call_frame *frame)
{
    return bj__call_frame_arguments(frame) + frame->head.arguments_length + 1;
}

/* A function's name is found among those that there are, or it is none. No text holds a zero: neither names nor JSON do. */
static bool is_body(const struct bj_call_frame *frame, const struct bj_call_rules *rules)
{
    const struct bj_call_head *head = &frame->head;
    const char *name = bj__call_frame_name(frame);
    const char *arguments = bj__call_frame_arguments(frame);
    const char *keywords = bj__call_frame_keywords(frame);
    bool known = false;
    for (size_t i = 0; i < rules->names->count; i++)
        known |= strlen(rules->names->items[i]) == head->name_length &&
                 memcmp(rules->names->items[i], name, head->name_length) == 0;
    return known && name[head->name_length] == 0 && arguments[head->arguments_length] == 0 &&
           keywords[head->keywords_length] == 0 && arguments[0] == '[' && keywords[0] == '{' &&
           bj__json_is_valid(arguments, head->arguments_length, BJ_REPLY_DEPTH) &&
           bj__json_is_valid(keywords, head->keywords_length, BJ_REPLY_DEPTH);
}

int bj__call_frame_add(struct bj_call_frame *frame, const struct bj_call_rules *rules, const void *bytes,
                       size_t length, enum bj_call_outcome *ret_outcome)
{
    *ret_outcome = BJ_CALL_MORE;
    if (frame->head_length < sizeof(frame->head)) {
        memcpy((char *)&frame->head + frame->head_length, bytes, length);
        frame->head_length += length;
        if (!is_head(frame, rules))
            *ret_outcome = BJ_CALL_NONE;
        else if (frame->head_length == sizeof(frame->head))
            frame->body.maximum = body_length(&frame->head);
        return 0;
    }
    int r = bj__buf_add(&frame->body, bytes, length);
    if (r == 0 && frame->body.length == frame->body.maximum)
        *ret_outcome = is_body(frame, rules) ? BJ_CALL_WHOLE : BJ_CALL_NONE;
    return r;
}
