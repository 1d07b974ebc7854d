/* HTTP/1.1: listeners and connections.
 * Its own file because what libmicrohttpd calls, and what it is asked to do when, is here; what a request means is not.
 * Changes when: libmicrohttpd does, or connections are kept in another way. */
#include "server/http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTION_MEMORY 32768 /* of its head and of one piece of its body */
#define SPARE_CONNECTIONS 64    /* that may stand while those that make room for them are being closed */
#define PROGRESS_BYTES    65536 /* of a body: so many count as a sign of life */
#define TICK_US           1000000
#define LAST_US           1000000 /* that a client has to say what it has come for, once nobody new is let in */

void bj__connection_turn(struct bj_connection *connection, enum bj_turn turn)
{
    struct bj_http *http = connection->listener->http;
    TAILQ_REMOVE(&http->turns[connection->turn], connection, entry);
    connection->turn = turn;
    connection->since_us = bj__now_us();
    connection->body_bytes = 0;
    TAILQ_INSERT_TAIL(&http->turns[turn], connection, entry);
}

static void on_hang_up(struct bj_source *source, uint32_t events)
{
    struct bj_connection *connection = (struct bj_connection *)source;
    (void)events;
    connection->hung_up = true;
    if (connection->exchange)
        bj__exchange_abandon(connection->exchange);
}

/* ---- connections ---------------------------------------------------------------------------------- */

/* The address that the client has reached us by: a name for this service that nobody else can have. */
static void note_own_address(struct bj_connection *connection)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.any.sa_family = AF_UNSPEC};
    socklen_t length = sizeof(address);
    char *text = connection->own_address;
    if (getsockname(connection->fd, &address.any, &length) < 0)
        return;
    if (address.any.sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof(connection->own_address));
    else if (address.any.sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof(connection->own_address));
    if (strncmp(text, "::ffff:", 7) == 0 && strchr(text, '.'))
        memmove(text, text + 7, strlen(text + 7) + 1);
}

static uint64_t longest_since(const struct bj_crowd *crowd, enum bj_turn turn)
{
    const struct bj_connection *oldest = TAILQ_FIRST(&((const struct bj_http *)crowd)->turns[turn]);
    return oldest ? oldest->since_us : UINT64_MAX;
}

/* libmicrohttpd sees it when it reads. */
static void shut(struct bj_connection *connection)
{
    (void)shutdown(connection->fd, SHUT_RDWR);
    bj__connection_turn(connection, BJ_TURN_OURS);
    if (connection->exchange)
        bj__pace_end(connection->exchange);
}

static void end_longest(struct bj_crowd *crowd, enum bj_turn turn)
{
    struct bj_connection *oldest = TAILQ_FIRST(&((struct bj_http *)crowd)->turns[turn]);
    if (oldest)
        shut(oldest);
}

static struct bj_connection *connection_new(struct bj_listener *listener, struct MHD_Connection *mhd)
{
    struct bj_http *http = listener->http;
    struct bj_connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        return NULL;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    *connection = (struct bj_connection){.source.ready = on_hang_up, .listener = listener, .mhd = mhd};
    connection->fd = info->connect_fd;
    connection->since_us = bj__now_us();
    if (!listener->is_unix)
        note_own_address(connection);
    TAILQ_INSERT_TAIL(&http->turns[BJ_TURN_CLIENT], connection, entry);
    http->service->metrics.connections++;
    http->service->metrics.connections_total++;
    /* Edge-triggered: bytes that arrive do not wake us, only the end does. */
    if (bj__loop_add(http->loop, connection->fd, EPOLLRDHUP | EPOLLET, &connection->source) < 0)
        (void)shutdown(connection->fd, SHUT_RDWR);
    if (http->service->metrics.connections > http->service->config->connections)
        (void)bj__service_make_room(http->service); /* none can go: libmicrohttpd's own limit holds */
    return connection;
}

static void on_connection(void *user, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct bj_listener *listener = user;
    struct bj_connection *connection = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = connection_new(listener, mhd);
        return;
    }
    if (!connection)
        return;
    TAILQ_REMOVE(&listener->http->turns[connection->turn], connection, entry);
    bj__loop_forget(listener->http->loop, &connection->source);
    listener->http->service->metrics.connections--;
    free(connection);
    *context = NULL;
}

static struct bj_connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* ---- requests ------------------------------------------------------------------------------------- */

static void *on_target(void *user, const char *target, struct MHD_Connection *mhd)
{
    struct bj_connection *connection = connection_of(mhd);
    (void)user;
    return connection ? bj__exchange_new(connection, target) : NULL;
}

static void on_completed(void *user, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct bj_exchange *exchange = *context;
    (void)user;
    (void)mhd;
    (void)code;
    if (!exchange)
        return;
    bj__connection_turn(exchange->connection, BJ_TURN_CLIENT);
    bj__exchange_free(exchange);
    *context = NULL;
}

/* It takes bodies: those that arrive at a crawl stay as old as they are. */
static void note_progress(struct bj_connection *connection, size_t bytes)
{
    uint64_t had = connection->body_bytes;
    if (had / PROGRESS_BYTES == (had + bytes) / PROGRESS_BYTES) {
        connection->body_bytes += bytes;
        return;
    }
    bj__connection_turn(connection, BJ_TURN_CLIENT);
    connection->body_bytes = had + bytes;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *mhd, const char *url, const char *method,
                                  const char *version, const char *bytes, size_t *length, void **context)
{
    struct bj_exchange *exchange = *context;
    bool go_on = false;
    (void)user;
    (void)mhd;
    if (!exchange || exchange->abandoned)
        return MHD_NO;
    switch (exchange->phase) {
    case BJ_PHASE_HEAD:
        bj__connection_turn(exchange->connection, BJ_TURN_CLIENT);
        go_on = bj__exchange_begin(exchange, url, method, version);
        break;
    case BJ_PHASE_BODY:
        if (*length == 0) {
            go_on = bj__exchange_handle(exchange);
            break;
        }
        note_progress(exchange->connection, *length);
        go_on = bj__exchange_take(exchange, bytes, *length);
        if (go_on && exchange->refusal.kind == BJ_REFUSAL_NONE)
            bj__pace_body(exchange, *length);
        *length = 0;
        break;
    case BJ_PHASE_HANDLED:
        go_on = bj__exchange_answer(exchange);
        break;
    }
    return go_on ? MHD_YES : MHD_NO;
}

/* What is decoded is decoded by who needs it: "%2e" is no dot before the route is known. */
static size_t keep_as_it_is(void *user, struct MHD_Connection *mhd, char *text)
{
    (void)user;
    (void)mhd;
    return strlen(text);
}

/* ---- life ----------------------------------------------------------------------------------------- */

int bj__http_init(struct bj_http *http, struct bj_service *service, struct bj_loop *loop)
{
    const struct bj_config *config = service->config;
    *http = (struct bj_http){.service = service, .loop = loop};
    http->crowd = (struct bj_crowd){.longest_since = longest_since, .end_longest = end_longest};
    TAILQ_INSERT_TAIL(&service->crowds, &http->crowd, entry);
    for (size_t n = 0; n < BJ_COUNT(http->turns); n++)
        TAILQ_INIT(&http->turns[n]);
    bj__pace_init(&http->pace, config->upload_bytes_per_second);
    http->hosts = calloc(config->host_count + 1, sizeof(*http->hosts));
    if (!http->hosts)
        return -ENOMEM;
    for (size_t n = 0; n < config->host_count; n++)
        http->hosts[n] = config->hosts[n];
    return 0;
}

static void run_daemon(struct bj_listener *listener)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 1;
    listener->due = false;
    (void)MHD_run(listener->daemon); /* fails only when it is being stopped */
    if (MHD_get_timeout(listener->daemon, &wait_ms) == MHD_YES && wait_ms == 0)
        listener->due = true;
}

static void on_daemon(struct bj_source *source, uint32_t events)
{
    (void)events;
    run_daemon((struct bj_listener *)source);
}

int bj__http_listen(struct bj_http *http, enum bj_listener_kind kind, int *fd)
{
    const struct bj_config *config = http->service->config;
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof(address);
    if (http->listener_count == BJ_CONFIG_LISTENERS)
        return -E2BIG;
    if (getsockname(*fd, (struct sockaddr *)&address, &length) < 0)
        return -errno;
    struct bj_listener *listener = &http->listeners[http->listener_count++];
    *listener = (struct bj_listener){.source.ready = on_daemon, .http = http, .kind = kind};
    listener->is_unix = address.ss_family == AF_UNIX;
    unsigned seconds = (unsigned)((config->idle_us + 999999) / 1000000);
    listener->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, listener,
        MHD_OPTION_LISTEN_SOCKET, *fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)config->connections + SPARE_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, listener, MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, listener, MHD_OPTION_UNESCAPE_CALLBACK, keep_as_it_is, listener,
#if MHD_VERSION >= 0x00097600
        MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1, /* later releases see themselves what exchange.c looks for */
#endif
        MHD_OPTION_END);
    if (!listener->daemon)
        return -EIO;
    (void)bj__fd_take(fd); /* closed with the daemon */
    return 0;
}

int bj__http_open(struct bj_http *http)
{
    int r = 0;
    for (size_t n = 0; r == 0 && n < http->listener_count; n++) {
        struct bj_listener *listener = &http->listeners[n];
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        r = info ? bj__loop_add(http->loop, info->epoll_fd, EPOLLIN, &listener->source) : -EIO;
    }
    return r;
}

static void end_connection(struct bj_connection *connection, const char *answer)
{
    if (connection->exchange)
        (void)send(connection->fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
    shut(connection);
}

void bj__http_say_too_large(const struct bj_connection *connection)
{
    static const char too_large[] =
        "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    (void)send(connection->fd, too_large, sizeof(too_large) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(connection->fd, SHUT_WR);
}

/* A client that has said something is told why. */
static void end_late(struct bj_connection *connection)
{
    connection->listener->http->service->metrics.timed_out += !connection->listener->http->draining;
    end_connection(connection,
                   "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}

/* Whose body has made no progress for longest; not the one that needs the room. */
static struct bj_connection *oldest_body(const struct bj_http *http, const struct bj_exchange *needs)
{
    struct bj_connection *connection;
    TAILQ_FOREACH(connection, &http->turns[BJ_TURN_CLIENT], entry)
    if (connection->exchange && connection->exchange != needs && connection->exchange->held > 0)
        return connection;
    return NULL;
}

bool bj__http_hold(struct bj_exchange *exchange, size_t bytes)
{
    struct bj_service *service = exchange->service;
    struct bj_connection *oldest;
    while (!bj__service_hold(service, bytes)) {
        if (bytes > service->config->buffered_bytes || !(oldest = oldest_body(exchange->http, exchange)))
            return false;
        service->metrics.evicted++;
        bj__exchange_drop(oldest->exchange);
        end_connection(oldest, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
                               "Content-Length: 0\r\n\r\n");
    }
    return true;
}

uint64_t bj__http_tend(struct bj_http *http, uint64_t now_us)
{
    struct bj_connection *first;
    uint64_t idle_us = http->service->config->idle_us;
    uint64_t next_us = UINT64_MAX;
    if (http->draining && idle_us > LAST_US)
        idle_us = LAST_US;
    const struct bj_connection *reader = TAILQ_FIRST(&http->turns[BJ_TURN_ANSWER]);
    bool slow = reader && reader->since_us + TICK_US <= now_us; /* it is libmicrohttpd's to give him up */
    while ((first = TAILQ_FIRST(&http->turns[BJ_TURN_CLIENT])) && first->since_us + idle_us <= now_us)
        end_late(first);
    bj__pace_tend(&http->pace, now_us);
    for (size_t n = 0; n < http->listener_count; n++)
        if (http->listeners[n].daemon && (http->listeners[n].due || slow))
            run_daemon(&http->listeners[n]);
    first = TAILQ_FIRST(&http->turns[BJ_TURN_CLIENT]);
    if (first)
        next_us = first->since_us + idle_us;
    if (!TAILQ_EMPTY(&http->turns[BJ_TURN_ANSWER]) && next_us > now_us + TICK_US)
        next_us = now_us + TICK_US;
    uint64_t paced_us = bj__pace_due(&http->pace); /* also of who waits only since this turn */
    next_us = next_us < paced_us ? next_us : paced_us;
    for (size_t n = 0; n < http->listener_count; n++)
        if (http->listeners[n].due)
            next_us = now_us;
    return next_us;
}

void bj__http_drain(struct bj_http *http)
{
    http->draining = true;
    for (size_t n = 0; n < http->listener_count; n++) {
        int fd = http->listeners[n].daemon ? MHD_quiesce_daemon(http->listeners[n].daemon) : -1;
        bj__fd_close(&fd);
    }
}

bool bj__http_busy(const struct bj_http *http)
{
    return http->exchanges > 0 || !TAILQ_EMPTY(&http->turns[BJ_TURN_CLIENT]);
}

void bj__http_done(struct bj_http *http)
{
    bj__pace_done(&http->pace);
    for (size_t n = 0; n < http->listener_count; n++) {
        struct bj_connection *connection;
        /* It must not meet one that is suspended. */
        TAILQ_FOREACH(connection, &http->turns[BJ_TURN_OURS], entry)
        if (connection->listener == &http->listeners[n] && connection->exchange)
            bj__exchange_abandon(connection->exchange);
        if (http->listeners[n].daemon)
            MHD_stop_daemon(http->listeners[n].daemon);
        http->listeners[n].daemon = NULL;
    }
    free(http->hosts);
    http->hosts = NULL;
}
