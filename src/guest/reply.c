/* The reply, part by part.
 * Its own file because it is one side of the wire.
 * Changes when: base/reply.h does. */
#include "guest.h"

#include <errno.h>
#include <unistd.h>

void guest_reply_init(struct reply *reply, size_t maximum)
{
    *reply = (struct reply){.process = getpid()};
    bj__buf_init(&reply->bytes, maximum);
}

size_t guest_reply_room(const struct reply *reply)
{
    size_t room = reply->bytes.maximum - reply->bytes.length;
    size_t heads = 2 * sizeof(struct bj_reply_head); /* the end has one as well */
    return room > heads ? room - heads : 0;
}

void guest_reply_add(struct reply *reply, enum bj_reply_kind kind, const struct bj_buf *text)
{
    struct bj_reply_head head = {BJ_REPLY_MAGIC, kind, (uint32_t)text->length};
    if (text->length > guest_reply_room(reply)) {
        reply->truncated = true;
        return;
    }
    if (bj__buf_add(&reply->bytes, &head, sizeof(head)) < 0 ||
        bj__buf_add(&reply->bytes, text->bytes, text->length) < 0)
        reply->truncated = true; /* out of memory in the middle: none of it is told */
}

static void put_excuse(struct reply *reply)
{
    static unsigned char text[] =
        "{\"type\": \"OverflowError\", \"message\": \"the result is larger than the limit on output\", "
        "\"traceback\": \"\"}";
    const struct bj_buf excuse = {.bytes = text, .length = sizeof(text) - 1};
    reply->bytes.length = 0;
    reply->bytes.maximum = 4096; /* the supervisor has room for that whatever the limit is */
    guest_reply_add(reply, BJ_REPLY_EXCEPTION, &excuse);
}

void guest_reply_send(struct reply *reply)
{
    struct bj_reply_head head = {BJ_REPLY_MAGIC, BJ_REPLY_END, 0};
    size_t sent = 0;
    if (reply->process != getpid())
        return;
    guest_end_calls();
    if (reply->truncated)
        put_excuse(reply);
    if (bj__buf_add(&reply->bytes, &head, sizeof(head)) < 0)
        return; /* without its end it counts for nothing, which is the truth */
    while (sent < reply->bytes.length) {
        ssize_t n = write(BJ_GUEST_REPLY, reply->bytes.bytes + sent, reply->bytes.length - sent);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        sent += (size_t)n;
    }
    (void)close(BJ_GUEST_REPLY);
}
