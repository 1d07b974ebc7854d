/* HTTP/1.1: listeners, connections, and exchanges, each a request and its answer.
 * Its own file because handlers see requests by this header and none of libmicrohttpd's.
 * Changes when: a handler needs to know more of a request, or can answer in another way. */
#ifndef BJ_SERVER_HTTP_H
#define BJ_SERVER_HTTP_H

#include "server/head.h"
#include "server/pace.h"
#include "server/routes.h"
#include "server/service.h"

struct MHD_Connection;
struct MHD_Daemon;
struct MHD_Response;
struct bj_http;

struct bj_listener {
    struct bj_source source;
    struct bj_http *http;
    struct MHD_Daemon *daemon; /* owned */
    enum bj_listener_kind kind;
    bool is_unix;
    bool due; /* it has something to do without anything happening */
};

struct bj_connection {
    struct bj_source source; /* the client hangs up */
    TAILQ_ENTRY(bj_connection) entry;
    struct bj_listener *listener;
    struct bj_exchange *exchange; /* NULL: none is under way */
    struct MHD_Connection *mhd;
    int fd; /* libmicrohttpd's */
    enum bj_turn turn;
    uint64_t since_us; /* of the turn, or of its last piece of progress */
    uint64_t body_bytes;
    bool hung_up;
    char own_address[48]; /* "": a unix socket */
};
TAILQ_HEAD(bj_connection_list, bj_connection);

struct bj_http {
    struct bj_crowd crowd;
    struct bj_service *service;
    struct bj_loop *loop;
    struct bj_listener listeners[BJ_CONFIG_LISTENERS];
    size_t listener_count;
    const char **hosts;                 /* owned; NULL ends them */
    struct bj_connection_list turns[3]; /* by enum bj_turn; the one that waits for longest first */
    struct bj_pace pace;
    uint64_t exchanges; /* under way */
    bool draining;      /* nobody new is let in */
};

enum bj_phase { BJ_PHASE_HEAD, BJ_PHASE_BODY, BJ_PHASE_HANDLED };

#define BJ_ANSWER_HEADERS 4

struct bj_exchange {
    /* For handlers. */
    struct bj_http *http;
    struct bj_service *service;
    const struct bj_route *route; /* NULL: none was found */
    struct bj_path_part parts[BJ_ROUTE_PARTS];
    struct bj_client *client; /* NULL: the route needs none */
    enum bj_body_form form;
    struct bj_buf body;
    bool events;  /* text/event-stream is accepted */
    bool is_head; /* HEAD */
    void (*gone)(
        struct bj_exchange *exchange); /* the client is: whatever was started for it ends. Set with own */
    void *own;                         /* the handler's */

    /* For http.c, exchange.c and answer.c. */
    struct bj_connection *connection;
    enum bj_phase phase;
    const char *target; /* as it stood in the request's first line */
    size_t target_length;
    struct bj_refusal refusal; /* of the head; told when the body is in, or at once */
    char allowed[40];          /* for 405 */
    bool must_close, suspended, abandoned;
    struct bj_paced paced;
    size_t passed; /* bytes of a body that was too large, since that was told */
    size_t held;   /* bytes that are counted in service->buffered */
    uint64_t started_us;
    unsigned status;
    struct MHD_Response *response; /* ready; owned until it is handed over */
    struct {
        const char *name;
        char value[160];
    } headers[BJ_ANSWER_HEADERS]; /* besides those that all answers have */
    size_t header_count;
    struct bj_stream_out *stream; /* owned */
};

/* ---- answers: exactly one for each exchange (answer.c) ---------------------------------------------- */

/* Before the answer. Values with control characters are not sent. */
void bj__answer_header(struct bj_exchange *exchange, const char *name, const char *value);
/* Takes the text, which free() will take. type: application/json and the like. */
void bj__answer_text(struct bj_exchange *exchange, unsigned status, const char *type, char *text,
                     size_t length);
/* Bytes inside of a message, which is kept for as long as they are sent. */
void bj__answer_message(struct bj_exchange *exchange, const char *type, struct bj_message *message,
                        const void *bytes, size_t length);
void bj__answer_static(struct bj_exchange *exchange, unsigned status, const char *type, const void *bytes,
                       size_t length);
void bj__answer_empty(struct bj_exchange *exchange, unsigned status);
void bj__answer_refusal(struct bj_exchange *exchange, const struct bj_refusal *refusal);

/* An answer that comes piece by piece: text/event-stream. false: the client reads too slowly, or memory is short; the exchange
 * is ended, and gone was called. */
bool bj__answer_stream(struct bj_exchange *exchange);
bool bj__answer_event(struct bj_exchange *exchange, const char *event, const void *data, size_t length);
/* Of a run's output, as events. */
bool bj__answer_output(struct bj_exchange *exchange, enum bj_stream which, const void *bytes, size_t length);
void bj__answer_end(struct bj_exchange *exchange);

/* "?name=value"; NULL: it is not there. */
const char *bj__exchange_query(const struct bj_exchange *exchange, const char *name);
/* The same, of a header that the head was judged by. */
const char *bj__exchange_header(const struct bj_exchange *exchange, const char *name);

/* ---- http.c ------------------------------------------------------------------------------------------ */

int bj__http_init(struct bj_http *http, struct bj_service *service, struct bj_loop *loop);
/* Takes the descriptor, a listening socket; whoever connects waits until bj__http_open(). */
int bj__http_listen(struct bj_http *http, enum bj_listener_kind kind, int *fd);
/* From now on connections are taken. Once. */
int bj__http_open(struct bj_http *http);
/* What is due, and what has waited for too long. Returns when it must be called again. */
uint64_t bj__http_tend(struct bj_http *http, uint64_t now_us);
/* No new connection is taken. Who is there has a second to ask: it may have connected just before, and what it has come for is on its
 * way. Each answer from now on is the last of its connection. */
void bj__http_drain(struct bj_http *http);
/* Is anything asked and not answered, or may it still come? */
bool bj__http_busy(const struct bj_http *http);
void bj__http_done(struct bj_http *http);

/* ---- between http.c, exchange.c and answer.c ---------------------------------------------------------- */

void bj__connection_turn(struct bj_connection *connection, enum bj_turn turn);
/* Counts bytes for it, as bj__service_hold; bodies that have not arrived for longest make room. */
bool bj__http_hold(struct bj_exchange *exchange, size_t bytes);
struct bj_exchange *bj__exchange_new(struct bj_connection *connection, const char *target);
void bj__exchange_free(struct bj_exchange *exchange);
/* The client has hung up while it was our turn. */
void bj__exchange_abandon(struct bj_exchange *exchange);
/* 413, while it still sends: libmicrohttpd would answer only behind the body. */
void bj__http_say_too_large(const struct bj_connection *connection);
/* Its body, which has not arrived, is not waited for any more. */
void bj__exchange_drop(struct bj_exchange *exchange);
/* An answer is ready, or more of it is: libmicrohttpd looks again. */
void bj__exchange_wake(struct bj_exchange *exchange);
/* The next step of a request. False: the connection is to be closed. */
bool bj__exchange_begin(struct bj_exchange *exchange, const char *path, const char *method,
                        const char *version);
bool bj__exchange_take(struct bj_exchange *exchange, const char *bytes, size_t length);
bool bj__exchange_handle(struct bj_exchange *exchange);
/* Hands the answer over to libmicrohttpd. */
bool bj__exchange_answer(struct bj_exchange *exchange);

#endif
