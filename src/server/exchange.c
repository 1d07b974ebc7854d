/* A request: judged, taken in, handed to who serves it.
 * Its own file because the order in which a stranger's request is judged must be readable from top to bottom.
 * Changes when: a request must show something more before it is served. */
#include "server/http.h"
#include "server/stream.h"

#include <microhttpd.h>
#include <stdio.h>

#define POLITE_BYTES 65536   /* of a refused request's body: read, so that the connection can stay */
#define PASSED_BYTES 1048576 /* of a body that was too large: read, so that the client can see its answer */

struct bj_exchange *bj__exchange_new(struct bj_connection *connection, const char *target)
{
    struct bj_exchange *exchange = calloc(1, sizeof(*exchange));
    if (!exchange)
        return NULL;
    exchange->http = connection->listener->http;
    exchange->service = exchange->http->service;
    exchange->connection = connection;
    exchange->target = target;
    exchange->target_length = target ? strlen(target) : 0;
    exchange->started_us = bj__now_us();
    bj__buf_init(&exchange->body, (size_t)exchange->service->config->request_bytes);
    bj__pace_begin(&exchange->paced);
    connection->exchange = exchange;
    exchange->http->exchanges++;
    return exchange;
}

static void tell_gone(struct bj_exchange *exchange)
{
    void (*gone)(struct bj_exchange *) = exchange->gone;
    exchange->gone = NULL;
    if (gone)
        gone(exchange);
}

void bj__exchange_free(struct bj_exchange *exchange)
{
    tell_gone(exchange);
    bj__pace_forget(exchange);
    if (exchange->status > 0)
        bj__metrics_request(&exchange->service->metrics, exchange->route ? exchange->route->pattern : "",
                            exchange->status, bj__now_us() - exchange->started_us);
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    bj__service_release(exchange->service, exchange->held);
    bj__buf_done(&exchange->body);
    bj__stream_free(exchange->stream);
    exchange->connection->exchange = NULL;
    exchange->http->exchanges--;
    free(exchange);
}

void bj__exchange_wake(struct bj_exchange *exchange)
{
    if (!exchange->suspended)
        return;
    exchange->suspended = false;
    exchange->connection->listener->due = true;
    MHD_resume_connection(exchange->connection->mhd);
}

void bj__exchange_abandon(struct bj_exchange *exchange)
{
    if (exchange->phase != BJ_PHASE_HANDLED || exchange->abandoned)
        return; /* libmicrohttpd reads from it, and sees it */
    exchange->abandoned = true;
    tell_gone(exchange);
    bj__exchange_wake(exchange);
}

static void drop_body(struct bj_exchange *exchange)
{
    bj__service_release(exchange->service, exchange->held);
    bj__buf_done(&exchange->body);
    exchange->held = 0;
}

void bj__exchange_drop(struct bj_exchange *exchange)
{
    exchange->abandoned = true;
    drop_body(exchange);
}

const char *bj__exchange_query(const struct bj_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection->mhd, MHD_GET_ARGUMENT_KIND, name);
}

const char *bj__exchange_header(const struct bj_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection->mhd, MHD_HEADER_KIND, name);
}

/* ---- head ----------------------------------------------------------------------------------------- */

static enum MHD_Result take_header(void *user, enum MHD_ValueKind kind, const char *name, size_t name_length,
                                   const char *value, size_t value_length)
{
    (void)kind;
    bj__head_take(user, name, name_length, value, value_length);
    return MHD_YES;
}

/* libmicrohttpd 0.9 ends strings with NUL in the very buffer that it received. So each piece has a place where it must end, if
 * nothing is hidden behind it: a NUL, a bare line feed, a second blank, a folded line. Later releases refuse these themselves. */
static void read_head(struct bj_exchange *exchange, const char *method, const char *version,
                      struct bj_head *head)
{
    struct MHD_Connection *mhd = exchange->connection->mhd;
    bool in_place = MHD_VERSION < 0x00097600 && exchange->target && version[0];
    *head = (struct bj_head){.next = in_place ? version + strlen(version) + 2 : NULL};
    (void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, take_header, head);
    if (!in_place) {
        head->gap = head->gap && MHD_VERSION < 0x00097600;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (exchange->target != method + strlen(method) + 1 ||
        exchange->target + exchange->target_length + 1 != version)
        head->gap = true;
    if (!info || head->next + 2 != method + info->header_size)
        head->gap = true;
}

static bool find_client(struct bj_exchange *exchange, const struct bj_head *head)
{
    struct bj_service *service = exchange->service;
    const char *token;
    size_t length;
    bool well = bj__head_token(head, &token, &length);
    if (well && token)
        exchange->client = bj__clients_find(&service->clients, token, length);
    else if (well && (exchange->connection->listener->is_unix || service->config->anonymous))
        exchange->client = bj__clients_anonymous(&service->clients);
    if (exchange->client)
        return true;
    bj__answer_header(exchange, "WWW-Authenticate", "Bearer realm=\"belljar\"");
    return bj__refuse(&exchange->refusal, BJ_REFUSAL_UNAUTHORIZED, "%s",
                      head->authorization ? "the token is not known here"
                                          : "Authorization: Bearer and a token");
}

static bool find_route(struct bj_exchange *exchange, const char *path, const char *method)
{
    unsigned allowed;
    exchange->is_head = strcmp(method, "HEAD") == 0;
    exchange->route =
        bj__route_find(exchange->connection->listener->kind, method, path, exchange->parts, &allowed);
    if (exchange->route)
        return true;
    if (!allowed)
        return bj__refuse(&exchange->refusal, BJ_REFUSAL_NOT_FOUND, "nothing is served at this path");
    bj__route_allowed(allowed, exchange->allowed);
    bj__answer_header(exchange, "Allow", exchange->allowed);
    return bj__refuse(&exchange->refusal, BJ_REFUSAL_METHOD, "only %s", exchange->allowed);
}

/* From what concerns the connection to what concerns the route; *ret_length: of the body. */
static bool judge(struct bj_exchange *exchange, const struct bj_head *head, const char *const line[3],
                  uint64_t *ret_length)
{
    const struct bj_connection *connection = exchange->connection;
    struct bj_head_rules rules = {.check_host = !connection->listener->is_unix,
                                  .hosts = exchange->http->hosts,
                                  .own_address = connection->own_address};
    exchange->must_close = true;
    if (!bj__head_frame(head, line[2], line[0], &exchange->refusal))
        return false;
    exchange->must_close = false;
    if (!bj__head_host(head, &rules, line[2], &exchange->refusal) || !find_route(exchange, line[0], line[1]))
        return false;
    if (exchange->route->token && !find_client(exchange, head))
        return false;
    if (exchange->route->body != BJ_ROUTE_NO_BODY)
        rules.body_most = exchange->service->config->request_bytes;
    rules.form = exchange->route->body == BJ_ROUTE_FORM;
    rules.json = !rules.form && exchange->route->body != BJ_ROUTE_BYTES;
    rules.python = exchange->route->body == BJ_ROUTE_JSON_OR_PYTHON;
    exchange->events = bj__head_accepts_events(head);
    return bj__head_body(head, &rules, &exchange->form, ret_length, &exchange->refusal);
}

/* Of a body that will not be read: may it pass by, so that the connection can stay? */
static bool may_pass(const struct bj_head *head)
{
    const char *text = head->content_length;
    uint64_t length = 0;
    if (head->transfer_encoding || head->expect)
        return false;
    return !text || (bj__digits(&text, &length) == 0 && length <= POLITE_BYTES);
}

bool bj__exchange_begin(struct bj_exchange *exchange, const char *path, const char *method, const char *version)
{
    const char *line[3] = {path, method, version};
    struct bj_head head;
    uint64_t length = 0;
    read_head(exchange, method, version, &head);
    exchange->phase = BJ_PHASE_BODY;
    if (judge(exchange, &head, line, &length))
        return true;
    if (!exchange->must_close && may_pass(&head))
        return true;
    exchange->must_close = true;
    return bj__exchange_handle(exchange);
}

/* ---- body ----------------------------------------------------------------------------------------- */

/* Of a body that is refused. One in pieces has no length, and who has been told that it is too long need not go on. */
static bool pass_by(struct bj_exchange *exchange, size_t length)
{
    if (exchange->refusal.kind != BJ_REFUSAL_TOO_LARGE)
        return true;
    exchange->passed += length;
    return exchange->passed <= PASSED_BYTES;
}

bool bj__exchange_take(struct bj_exchange *exchange, const char *bytes, size_t length)
{
    if (exchange->refusal.kind != BJ_REFUSAL_NONE)
        return pass_by(exchange, length);
    if (length > exchange->body.maximum - exchange->body.length) {
        (void)bj__refuse(&exchange->refusal, BJ_REFUSAL_TOO_LARGE, "at most %zu bytes are read here",
                         exchange->body.maximum);
        exchange->must_close = true;
        exchange->status = bj__refusal_status(BJ_REFUSAL_TOO_LARGE);
        drop_body(exchange);
        bj__http_say_too_large(exchange->connection);
        return true;
    }
    if (!bj__http_hold(exchange, length)) {
        (void)bj__refuse(&exchange->refusal, BJ_REFUSAL_BUFFERS, "too many bodies are being read");
        return true;
    }
    exchange->held += length;
    return bj__buf_add(&exchange->body, bytes, length) == 0;
}

bool bj__exchange_handle(struct bj_exchange *exchange)
{
    struct bj_connection *connection = exchange->connection;
    exchange->phase = BJ_PHASE_HANDLED;
    bj__connection_turn(connection, BJ_TURN_OURS);
    if (exchange->refusal.kind != BJ_REFUSAL_NONE)
        bj__answer_refusal(exchange, &exchange->refusal);
    else
        exchange->route->handler(exchange);
    if (exchange->response)
        return bj__exchange_answer(exchange);
    if (connection->hung_up)
        bj__exchange_abandon(exchange);
    if (exchange->abandoned)
        return false;
    exchange->suspended = true;
    MHD_suspend_connection(connection->mhd);
    return true;
}

bool bj__exchange_answer(struct bj_exchange *exchange)
{
    struct MHD_Response *response = exchange->response;
    if (!response)
        return true; /* woken for nothing */
    exchange->response = NULL;
    bj__connection_turn(exchange->connection, BJ_TURN_ANSWER);
    enum MHD_Result queued = MHD_queue_response(exchange->connection->mhd, exchange->status, response);
    MHD_destroy_response(response);
    return queued == MHD_YES;
}
