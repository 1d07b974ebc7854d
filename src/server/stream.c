/* An answer in events.
 * Its own file because framing and the limit of what a slow reader may pile up belong together, and are tested alone.
 * Changes when: events are framed in another way. */
#include "server/stream.h"

#include "base/json_out.h"
#include "base/utf8.h"
#include "spec/base64.h"

#include <stdio.h>

struct bj_stream_out {
    struct bj_service *service;
    struct bj_buf waiting;
    size_t sent; /* of what waits */
    size_t held;
    bool ended;
    struct {
        unsigned char bytes[4];
        size_t length;
    } cut[BJ_STDERR + 1]; /* a character that has only begun, by enum bj_stream */
};

int bj__stream_frame(struct bj_buf *buf, const char *event, const char *data, size_t length)
{
    int r = bj__buf_printf(buf, "event: %s\n", event);
    size_t at = 0;
    do {
        size_t end = at;
        while (end < length && data[end] != '\n' && data[end] != '\r')
            end++;
        if (r == 0)
            r = bj__buf_add(buf, "data: ", 6);
        if (r == 0)
            r = bj__buf_add(buf, data + at, end - at);
        if (r == 0)
            r = bj__buf_add(buf, "\n", 1);
        at = end + 1 + (end + 1 < length && data[end] == '\r' && data[end + 1] == '\n');
    } while (at <= length && r == 0);
    return r < 0 ? r : bj__buf_add(buf, "\n", 1);
}

int bj__stream_output(struct bj_buf *buf, const void *bytes, size_t length, bool *ret_base64)
{
    *ret_base64 = !bj__utf8_valid(bytes, length);
    if (!*ret_base64)
        return bj__json_add_string(buf, bytes, length);
    size_t encoded = BJ_BASE64_ENCODED(length);
    int r = bj__buf_add(buf, "\"", 1);
    if (r == 0)
        r = bj__buf_reserve(buf, encoded + 2);
    if (r < 0)
        return r;
    bj__base64_encode(bytes, length, (char *)buf->bytes + buf->length);
    buf->length += encoded;
    return bj__buf_add(buf, "\"", 1);
}

struct bj_stream_out *bj__stream_new(struct bj_service *service)
{
    struct bj_stream_out *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return NULL;
    stream->service = service;
    bj__buf_init(&stream->waiting, BJ_BODY_MAX);
    return stream;
}

void bj__stream_free(struct bj_stream_out *stream)
{
    if (!stream)
        return;
    bj__service_release(stream->service, stream->held);
    bj__buf_done(&stream->waiting);
    free(stream);
}

bool bj__stream_event(struct bj_stream_out *stream, const char *event, const void *data, size_t length)
{
    struct bj_buf *waiting = &stream->waiting;
    if (waiting->length - stream->sent > BJ_STREAM_MOST)
        return false;
    if (stream->sent >= BJ_STREAM_BLOCK) { /* what was sent leaves, or a steady reader would fill memory */
        memmove(waiting->bytes, waiting->bytes + stream->sent, waiting->length - stream->sent);
        waiting->length -= stream->sent;
        stream->held -= stream->sent;
        bj__service_release(stream->service, stream->sent);
        stream->sent = 0;
    }
    size_t had = waiting->length;
    if (bj__stream_frame(waiting, event, data, length) < 0)
        return false;
    size_t more = waiting->length - had;
    if (!bj__service_hold(stream->service, more))
        return false;
    stream->held += more;
    return true;
}

void bj__stream_end(struct bj_stream_out *stream)
{
    stream->ended = true;
}

bool bj__stream_ended(const struct bj_stream_out *stream)
{
    return stream->ended;
}

size_t bj__stream_read(struct bj_stream_out *stream, char *bytes, size_t most)
{
    struct bj_buf *waiting = &stream->waiting;
    size_t length = waiting->length - stream->sent;
    length = length < most ? length : most;
    if (length > 0)
        memcpy(bytes, waiting->bytes + stream->sent, length);
    stream->sent += length;
    if (stream->sent == waiting->length) {
        waiting->length = stream->sent = 0;
        bj__service_release(stream->service, stream->held);
        stream->held = 0;
    }
    return length;
}

/* ---- output --------------------------------------------------------------------------------------- */

size_t bj__stream_cut(const unsigned char *bytes, size_t length)
{
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        unsigned char c = bytes[length - back];
        size_t whole = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 0;
        if (whole > 0)
            return whole > back ? back : 0;
        if (c < 0x80)
            return 0;
    }
    return 0;
}

static bool tell_piece(struct bj_stream_out *stream, enum bj_stream which, const void *bytes, size_t length)
{
    static const char *const names[][2] = {
        [BJ_STDOUT] = {"stdout", "stdout_base64"}, [BJ_STDERR] = {"stderr", "stderr_base64"}};
    BJ_BUF struct bj_buf text;
    bool base64;
    bj__buf_init(&text, BJ_BODY_MAX);
    return length == 0 || (bj__stream_output(&text, bytes, length, &base64) == 0 &&
                           bj__stream_event(stream, names[which][base64], text.bytes, text.length));
}

bool bj__stream_piece(struct bj_stream_out *stream, enum bj_stream which, const void *bytes, size_t length)
{
    BJ_BUF struct bj_buf joined;
    size_t cut;
    size_t had = stream->cut[which].length;
    bj__buf_init(&joined, BJ_BODY_MAX);
    if (had > 0) {
        if (bj__buf_add(&joined, stream->cut[which].bytes, had) < 0 || bj__buf_add(&joined, bytes, length) < 0)
            return false;
        bytes = joined.bytes;
        length = joined.length;
    }
    cut = bj__stream_cut(bytes, length);
    memcpy(stream->cut[which].bytes, (const unsigned char *)bytes + length - cut, cut);
    stream->cut[which].length = cut;
    return tell_piece(stream, which, bytes, length - cut);
}

bool bj__stream_flush(struct bj_stream_out *stream)
{
    for (enum bj_stream which = BJ_STDOUT; which <= BJ_STDERR; which++) {
        size_t length = stream->cut[which].length;
        stream->cut[which].length = 0;
        if (!tell_piece(stream, which, stream->cut[which].bytes, length))
            return false;
    }
    return true;
}
