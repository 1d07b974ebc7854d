/* Answers: what every one of them has, and how each kind is made.
 * Its own file because headers that protect clients must be on all of them.
 * Changes when: answers have another form, or another header. */
#include "server/http.h"
#include "server/stream.h"
#include "spec/json_text.h"

#include <microhttpd.h>
#include <stdio.h>

void bj__answer_header(struct bj_exchange *exchange, const char *name, const char *value)
{
    size_t n = exchange->header_count;
    if (n == BJ_ANSWER_HEADERS || strlen(value) >= sizeof(exchange->headers[n].value))
        return;
    for (const char *c = value; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
            return;
    exchange->headers[n].name = name;
    (void)snprintf(exchange->headers[n].value, sizeof(exchange->headers[n].value), "%s", value); /* it fits */
    exchange->header_count++;
}

/* Takes the response. NULL: there was no memory for it. */
static void finish(struct bj_exchange *exchange, unsigned status, const char *type,
                   struct MHD_Response *response)
{
    if (!response || exchange->response || exchange->abandoned) {
        if (response)
            MHD_destroy_response(response);
        exchange->abandoned = exchange->abandoned || !exchange->response;
        bj__exchange_wake(exchange);
        return;
    }
    enum MHD_Result all = MHD_add_response_header(response, "Cache-Control", "no-store");
    all &= MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (type)
        all &= MHD_add_response_header(response, "Content-Type", type);
    for (size_t n = 0; n < exchange->header_count; n++)
        all &= MHD_add_response_header(response, exchange->headers[n].name, exchange->headers[n].value);
    if (exchange->must_close || exchange->service->draining)
        all &= MHD_add_response_header(response, "Connection", "close");
    exchange->status = status;
    exchange->response = response;
    if (all != MHD_YES)
        exchange->abandoned = true;
    bj__exchange_wake(exchange);
}

static bool hold_answer(struct bj_exchange *exchange, size_t length)
{
    struct bj_refusal refusal;
    /* What came in is not needed any more. */
    bj__service_release(exchange->service, exchange->held);
    bj__buf_done(&exchange->body);
    exchange->held = 0;
    if (bj__http_hold(exchange, length)) {
        exchange->held = length;
        return true;
    }
    (void)bj__refuse(&refusal, BJ_REFUSAL_BUFFERS, "too many answers are waiting to be read");
    bj__answer_refusal(exchange, &refusal);
    return false;
}

void bj__answer_text(struct bj_exchange *exchange, unsigned status, const char *type, char *text, size_t length)
{
    if (text && !hold_answer(exchange, length)) {
        free(text);
        return;
    }
    struct MHD_Response *response =
        text ? MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!response)
        free(text);
    finish(exchange, status, type, response);
}

static void free_message(void *user)
{
    struct bj_message *message = user;
    bj__message_done(message);
    free(message);
}

void bj__answer_message(struct bj_exchange *exchange, const char *type, struct bj_message *message,
                        const void *bytes, size_t length)
{
    if (!message->mapping) { /* it stands in the buffer of the channel */
        char *copy = malloc(length + 1);
        if (copy)
            memcpy(copy, bytes, length);
        bj__answer_text(exchange, MHD_HTTP_OK, type, copy, length);
        return;
    }
    if (!hold_answer(exchange, length))
        return;
    struct bj_message *kept = malloc(sizeof(*kept));
    struct MHD_Response *response = NULL;
    if (kept) {
        *kept = *message;
        message->mapping = NULL;
        response = MHD_create_response_from_buffer_with_free_callback_cls(length, (void *)(uintptr_t)bytes,
                                                                          free_message, kept);
    }
    if (kept && !response)
        free_message(kept);
    finish(exchange, MHD_HTTP_OK, type, response);
}

void bj__answer_static(struct bj_exchange *exchange, unsigned status, const char *type, const void *bytes,
                       size_t length)
{
    finish(exchange, status, type,
           MHD_create_response_from_buffer(length, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT));
}

void bj__answer_empty(struct bj_exchange *exchange, unsigned status)
{
    bj__answer_static(exchange, status, NULL, "", 0);
}

/* ---- refusals: RFC 9457 --------------------------------------------------------------------------- */

void bj__answer_refusal(struct bj_exchange *exchange, const struct bj_refusal *refusal)
{
    char text[32];
    unsigned status = bj__refusal_status(refusal->kind);
    uint64_t seconds = bj__refusal_retry_seconds(refusal);
    bool in_words_of_its_own = exchange->route && exchange->route->tell;
    json_t *problem =
        in_words_of_its_own ? exchange->route->tell(refusal, &status) : bj__refusal_problem(refusal);
    if (seconds > 0) {
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)seconds);
        bj__answer_header(exchange, "Retry-After", text);
    }
    char *body = bj__json_dump(problem, JSON_COMPACT);
    json_decref(problem);
    /* Small, and told all the more when there is no room for more: it is not counted. */
    size_t length = body ? strlen(body) : 0;
    struct MHD_Response *response =
        body ? MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!response)
        free(body);
    finish(exchange, status, in_words_of_its_own ? "application/json" : "application/problem+json", response);
}

/* ---- piece by piece -------------------------------------------------------------------------------- */

/* When there is nothing to send the connection sleeps, until there is. */
static ssize_t read_stream(void *user, uint64_t position, char *bytes, size_t most)
{
    struct bj_exchange *exchange = user;
    struct bj_stream_out *stream = exchange->stream;
    (void)position;
    if (exchange->abandoned)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t length = bj__stream_read(stream, bytes, most);
    if (length > 0)
        return (ssize_t)length;
    if (bj__stream_ended(stream))
        return MHD_CONTENT_READER_END_OF_STREAM;
    exchange->suspended = true;
    bj__connection_turn(exchange->connection, BJ_TURN_OURS);
    MHD_suspend_connection(exchange->connection->mhd);
    return 0;
}

bool bj__answer_stream(struct bj_exchange *exchange)
{
    exchange->stream = bj__stream_new(exchange->service);
    struct MHD_Response *response =
        exchange->stream
            ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BJ_STREAM_BLOCK, read_stream, exchange, NULL)
            : NULL;
    bj__answer_header(exchange, "X-Accel-Buffering", "no");
    finish(exchange, MHD_HTTP_OK, "text/event-stream", response);
    return response != NULL && !exchange->abandoned;
}

static bool wake_reader(struct bj_exchange *exchange, bool well)
{
    if (!well) {
        bj__exchange_abandon(exchange);
        return false;
    }
    if (exchange->suspended)
        bj__connection_turn(exchange->connection, BJ_TURN_ANSWER);
    bj__exchange_wake(exchange);
    return true;
}

bool bj__answer_event(struct bj_exchange *exchange, const char *event, const void *data, size_t length)
{
    return wake_reader(exchange, bj__stream_flush(exchange->stream) &&
                                     bj__stream_event(exchange->stream, event, data, length));
}

bool bj__answer_output(struct bj_exchange *exchange, enum bj_stream which, const void *bytes, size_t length)
{
    return wake_reader(exchange, bj__stream_piece(exchange->stream, which, bytes, length));
}

void bj__answer_end(struct bj_exchange *exchange)
{
    bj__stream_end(exchange->stream);
    exchange->gone = NULL;
    bj__exchange_wake(exchange);
}
