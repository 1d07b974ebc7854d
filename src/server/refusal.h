/* Why something that a client asked for was not done, whatever it was asked in.
 * Its own file because every protocol of the front tells the same reasons in its own words.
 * Changes when: there is another reason. */
#ifndef BJ_SERVER_REFUSAL_H
#define BJ_SERVER_REFUSAL_H

#include "base/base.h"

#include <jansson.h>

/* X(ENUM, word, status of HTTP, title) */
#define BJ_REFUSAL_LIST(X)                                                                                     \
    X(BAD_REQUEST, "bad_request", 400, "The request is malformed")                                             \
    X(BAD_JSON, "bad_json", 400, "The body is no JSON")                                                        \
    X(UNAUTHORIZED, "unauthorized", 401, "A token is needed")                                                  \
    X(FORBIDDEN, "forbidden", 403, "Not allowed")                                                              \
    X(NOT_FOUND, "not_found", 404, "There is no such thing")                                                   \
    X(METHOD, "method", 405, "Not by this method")                                                             \
    X(TIMEOUT, "timeout", 408, "The request took too long")                                                    \
    X(BUSY, "busy", 409, "It is busy")                                                                         \
    X(LENGTH_REQUIRED, "length_required", 411, "The body's length must be said")                               \
    X(TOO_LARGE, "too_large", 413, "The body is too large")                                                    \
    X(MEDIA_TYPE, "media_type", 415, "Not in this form")                                                       \
    X(EXPECTATION, "expectation", 417, "What is expected cannot be met")                                       \
    X(MISDIRECTED, "misdirected", 421, "Not this host")                                                        \
    X(INVALID, "invalid", 422, "A value is not acceptable")                                                    \
    X(WIDENS, "widens", 422, "More than the profile gives")                                                    \
    X(RATE, "rate", 429, "Too many runs")                                                                      \
    X(CONCURRENCY, "concurrency", 429, "Too many runs at once")                                                \
    X(SESSIONS, "sessions", 429, "Too many sessions")                                                          \
    X(INTERNAL, "internal", 500, "The service failed")                                                         \
    X(NOT_IMPLEMENTED, "not_implemented", 501, "Not done here yet")                                            \
    X(QUEUE_FULL, "queue_full", 503, "Too much is waiting")                                                    \
    X(QUEUE_TIMEOUT, "queue_timeout", 503, "It waited too long")                                               \
    X(NOT_READY, "not_ready", 503, "The service is not ready")                                                 \
    X(DRAINING, "draining", 503, "The service is ending")                                                      \
    X(BUFFERS, "buffers", 503, "Too much is held in memory")                                                   \
    X(UNAVAILABLE, "unavailable", 503, "The jail could not be made")                                           \
    X(VERSION, "version", 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here")

enum bj_refusal_kind {
    BJ_REFUSAL_NONE,
#define X(name, word, status, title) BJ_REFUSAL_##name,
    BJ_REFUSAL_LIST(X)
#undef X
        BJ_REFUSAL__COUNT
};

struct bj_refusal {
    enum bj_refusal_kind kind;
    uint64_t retry_us;     /* when it may be tried again; 0: soon */
    struct bj_error error; /* message and field */
};

const char *bj__refusal_word(enum bj_refusal_kind kind);
unsigned bj__refusal_status(enum bj_refusal_kind kind);
const char *bj__refusal_title(enum bj_refusal_kind kind);
/* As RFC 9457 has it: type, title, status, detail, and field where there is one. What memory lacks for is missing; NULL: all of it. */
json_t *bj__refusal_problem(const struct bj_refusal *refusal);
/* When it may be tried again; 0: that would not help. */
uint64_t bj__refusal_retry_seconds(const struct bj_refusal *refusal);
/* Fills it and returns false, so that a failing check ends in one line. */
bool bj__refuse(struct bj_refusal *refusal, enum bj_refusal_kind kind, const char *format, ...) BJ_PRINTF(3, 4);
bool bj__refuse_field(struct bj_refusal *refusal, enum bj_refusal_kind kind, const char *field,
                      const char *format, ...) BJ_PRINTF(4, 5);
/* What the library or the broker said of it. */
bool bj__refuse_error(struct bj_refusal *refusal, const struct bj_error *err);

#endif
