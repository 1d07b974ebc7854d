/* A front without walls between a few clients and a broker, both of whom do what the input says, at any time.
 * Its own file because both protocols without HTTP are tried in the same world.
 * Changes when: lines.h does, or a client can do something more.
 *
 * The input: steps of two bytes. The first says what (its low half) and which client (its high half), the second how many of the bytes
 * behind it belong to the step. */
#ifndef FUZZ_LINE_WORLD_H
#define FUZZ_LINE_WORLD_H

#include "broker/channel.h"
#include "fuzz.h"
#include "server/lines.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS 4
#define ASKS    8

struct world {
    struct bj_config config;
    struct bj_loop loop;
    struct bj_service service;
    struct bj_lines lines;
    struct bj_channel *broker; /* its end */
    uint32_t asks[ASKS];       /* that it has not answered; 0: none */
    struct sockaddr_un address;
    socklen_t address_length;
    struct client {
        int fd; /* -1: none */
        struct bj_buf read;
    } clients[CLIENTS];
    int null_fd;
};

/* What a client has read is looked at after each piece of it. ended: nothing will follow. */
typedef void (*judge_fn)(const struct bj_buf *read, bool ended);

static inline void open_world(struct world *world, const struct bj_line_kind *kind)
{
    int pair[2];
    *world = (struct world){.config = {.default_profile = "python",
                                       .request_bytes = 1000,
                                       .buffered_bytes = 20000,
                                       .connections = CLIENTS - 1,
                                       .concurrent_runs = 2,
                                       .queued_runs = 1,
                                       .queue_us = 1000000,
                                       .idle_us = 1000000},
                            .address.sun_family = AF_UNIX};
    fuzz_must(bj__loop_init(&world->loop) == 0, "no loop", "");
    fuzz_must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0, "no sockets",
              "");
    world->broker = bj__channel_new(&pair[1], 1u << 20);
    fuzz_must(world->broker && bj__service_init(&world->service, &world->config, &world->loop, &pair[0]) == 0,
              "no service", "");
    world->service.ready = true;
    world->service.jobs.capacity = 2;
    world->service.profile_count = 1;
    world->service.profiles[0] = (struct bj_profile_known){
        strdup("python"), strdup("{}"), json_loads("{\"limits\": {\"wall_seconds\": 9}}", 0, NULL), 0};
    world->null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    bj__log_init(&world->service.log, world->null_fd, NULL);
    bj__lines_init(&world->lines, &world->service, &world->loop);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    world->address_length = sizeof(sa_family_t); /* any abstract name: unix(7) */
    fuzz_must(bind(fd, (struct sockaddr *)&world->address, world->address_length) == 0 && listen(fd, 64) == 0,
              "no listener", "");
    world->address_length = sizeof(world->address);
    (void)getsockname(fd, (struct sockaddr *)&world->address, &world->address_length);
    fuzz_must(bj__lines_listen(&world->lines, kind, &fd) == 0 && bj__lines_open(&world->lines) == 0,
              "no listener", "");
    for (int n = 0; n < CLIENTS; n++) {
        world->clients[n].fd = -1;
        bj__buf_init(&world->clients[n].read, SIZE_MAX / 4);
    }
}

static inline void turn(struct world *world, uint64_t later_us)
{
    struct bj_message message = {0};
    fuzz_must(bj__loop_turn(&world->loop, 0, NULL) == 0, "the loop fell", "");
    (void)bj__lines_tend(&world->lines, bj__now_us() + later_us);
    (void)bj__jobs_expire(&world->service, bj__now_us() + later_us);
    bj__jobs_log(&world->service);
    while (bj__channel_receive(world->broker, &message) == 1) {
        for (int n = 0; message.type == BJ_ASK_RUN && n < ASKS; n++)
            if (world->asks[n] == 0) {
                world->asks[n] = message.id;
                break;
            }
        bj__message_done(&message);
    }
    fuzz_must(!world->service.link.broken, "the link broke", "");
}

static inline void read_all(struct client *client, judge_fn judge)
{
    unsigned char bytes[4096];
    ssize_t n = client->fd < 0 ? -1 : recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    for (; n > 0; n = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT))
        fuzz_must(bj__buf_add(&client->read, bytes, (size_t)n) == 0, "out of memory", "");
    if (client->fd >= 0)
        judge(&client->read, n == 0);
}

static inline void leave(struct client *client)
{
    bj__fd_close(&client->fd);
    bj__buf_done(&client->read);
}

/* What the broker says of the first that it was asked. number: what kind of end, or of output. */
static inline void tell(struct world *world, uint16_t type, unsigned number, const uint8_t *bytes, size_t size)
{
    BJ_BUF struct bj_buf body = {.maximum = 1u << 16};
    struct bj_error error = {.code = BJ_ERROR_INVALID, .err = EINVAL, .message = "no", .field = "code"};
    uint32_t id = world->asks[0];
    int r = 0;
    if (id == 0)
        return;
    if (type == BJ_TOLD_OUTPUT) {
        r |= bj__tlv_add_number(&body, BJ_FIELD_STREAM, 1 + number % 2);
        r |= bj__tlv_add(&body, BJ_FIELD_BYTES, bytes, size);
    } else if (type == BJ_TOLD_RESULT) {
        r |= bj__tlv_add_number(&body, BJ_FIELD_STATUS, number % BJ_STATUS__COUNT);
        r |= bj__tlv_add_number(&body, BJ_FIELD_TRUNCATED, number & 6);
        r |= bj__tlv_add(&body, BJ_FIELD_JSON, "{}", 2);
        r |= bj__tlv_add_text(&body, BJ_FIELD_EXCEPTION, number & 1 ? "{\"traceback\": \"a\\u0000b\"}" : NULL);
    } else {
        r |= bj__refusal_encode(&error, &body);
    }
    fuzz_must(r == 0, "no message", "");
    if (type != BJ_TOLD_OUTPUT) {
        memmove(world->asks, world->asks + 1, sizeof(world->asks) - sizeof(world->asks[0]));
        world->asks[ASKS - 1] = 0;
    }
    fuzz_must(bj__channel_send(world->broker, type, id, &body) == 0, "no message", "");
}

static inline void step(struct world *world, unsigned what, const uint8_t *bytes, size_t size, judge_fn judge)
{
    struct client *client = &world->clients[(what >> 4) % CLIENTS];
    switch (what & 15) {
    case 0:
        leave(client);
        client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        fuzz_must(connect(client->fd, (struct sockaddr *)&world->address, world->address_length) == 0,
                  "nobody listens", "");
        break;
    case 1:
        leave(client);
        break;
    case 2:
        if (client->fd >= 0)
            (void)shutdown(client->fd, SHUT_WR);
        break;
    case 3:
        read_all(client, judge);
        break;
    case 4:
        tell(world, BJ_TOLD_OUTPUT, what >> 4, bytes, size);
        break;
    case 5:
        tell(world, BJ_TOLD_RESULT, size > 0 ? bytes[0] : 0, bytes, size);
        break;
    case 6:
        tell(world, BJ_TOLD_REFUSED, 0, bytes, size);
        break;
    case 7:
        turn(world, 2000000); /* all that is late is */
        break;
    default:
        if (client->fd >= 0)
            (void)!send(client->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
    }
    turn(world, 0);
}

/* When all have gone nothing is left of them. */
static inline void close_world(struct world *world, judge_fn judge)
{
    bj__lines_done(&world->lines);
    for (int n = 0; n < CLIENTS; n++) {
        read_all(&world->clients[n], judge);
        leave(&world->clients[n]);
    }
    turn(world, 0);
    while (world->asks[0] != 0)
        tell(world, BJ_TOLD_RESULT, 0, NULL, 0);
    turn(world, 0);
    fuzz_must(world->service.buffered == 0, "bytes of nobody are counted", "");
    fuzz_must(world->service.metrics.connections == 0, "connections of nobody are counted", "");
    fuzz_must(world->service.jobs.running == 0 && world->service.jobs.waiting == 0, "runs of nobody", "");
    bj__service_done(&world->service);
    bj__channel_free(world->broker);
    bj__loop_done(&world->loop);
    bj__fd_close(&world->null_fd);
}

static inline int fuzz_lines(const struct bj_line_kind *kind, judge_fn judge, const uint8_t *bytes, size_t size)
{
    static struct world world; /* large */
    size_t steps = 0;
    open_world(&world, kind);
    while (size >= 2 && steps++ < 200) {
        size_t length = bytes[1] < size - 2 ? bytes[1] : size - 2;
        step(&world, bytes[0], bytes + 2, length, judge);
        bytes += 2 + length;
        size -= 2 + length;
    }
    close_world(&world, judge);
    return 0;
}

#endif
