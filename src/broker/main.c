/* belljar-broker: makes jails for those who may not.
 * Its own file because it is the one loop of a program that must be small.
 * Changes when: the broker is started or ended in another way.
 *
 * usage: belljar-broker --concurrent-runs N --sessions N [--control] --profile NAME:JAILS ...
 * Descriptors: broker/seats.h. One thread; no JSON, no HTTP, no Python of a client's is read here. */
#include "broker/broker.h"
#include "broker/seats.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 64
#define LEISURE_MS     2 /* without any event: what runs takes longer than making a jail */

static volatile sig_atomic_t told_to_end;

static void on_signal(int number)
{
    (void)number;
    told_to_end = 1;
}

/* ---- keeper --------------------------------------------------------------------------------------- */

/* One word, with a front's socket where it says so. false: the keeper is gone. */
static bool hear_keeper(struct bj_broker *broker)
{
    union {
        struct cmsghdr head;
        unsigned char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char word = 0;
    struct iovec part = {&word, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    BJ_FD int fd = -1;
    ssize_t n = recvmsg(broker->keeper_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(head), sizeof(int));
    if (n == 1 && word == BJ_KEEPER_FRONT && fd >= 0 && bj__peer_add(broker, &fd, BJ_PEER_FRONT) < 0)
        bj__log_say(&broker->log, BJ_LOG_ERROR, "front_refused", "there is no room for another one");
    if (n == 1 && word == BJ_KEEPER_DRAIN) {
        broker->draining = true;
        bj__fd_close(&broker->control_fd); /* the next broker may be listening there already */
    }
    if (n == 1 && word == BJ_KEEPER_STAY)
        broker->reloads_failed++;
    return n == 1;
}

/* The socket's file says who may watch. */
static void accept_watcher(struct bj_broker *broker)
{
    BJ_FD int fd = accept4(broker->control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        (void)bj__peer_add(broker, &fd, BJ_PEER_WATCHER); /* no room: it is closed */
}

/* ---- loop ----------------------------------------------------------------------------------------- */

static bool handle(struct bj_broker *broker, const struct epoll_event *event)
{
    uint64_t key = event->data.u64;
    unsigned index = (unsigned)(key & 0xffffffffu);
    switch ((enum bj_event_kind)(key >> 56)) {
    case BJ_EVENT_KEEPER:
        return hear_keeper(broker);
    case BJ_EVENT_CONTROL:
        accept_watcher(broker);
        break;
    case BJ_EVENT_PEER:
        if (broker->peers[index] && broker->peers[index]->key == key)
            bj__peer_event(broker, broker->peers[index], event->events);
        break;
    case BJ_EVENT_TASK:
        if (broker->tasks[index] && broker->tasks[index]->key == key)
            bj__task_event(broker, broker->tasks[index]);
        break;
    case BJ_EVENT_LEAVING:
        bj__leaving_event(broker, index, key);
        break;
    case BJ_EVENT_SESSION:
    default:
        if (broker->sessions[index] && broker->sessions[index]->key == key)
            bj__session_event(broker, broker->sessions[index]);
        break;
    }
    return true;
}

/* Those that have broken a rule go, with all that they asked for; the others are told when their sockets have room. */
static void look_after_peers(struct bj_broker *broker)
{
    for (unsigned n = 0; n < BJ_BROKER_PEERS; n++) {
        struct bj_peer *peer = broker->peers[n];
        if (!peer)
            continue;
        if (peer->broken) {
            bj__peer_drop(broker, peer);
            continue;
        }
        bool writing = bj__channel_has_queued(peer->channel);
        struct epoll_event event = {.events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.u64 = peer->key};
        if (writing != peer->writing &&
            epoll_ctl(broker->epoll_fd, EPOLL_CTL_MOD, peer->channel->fd, &event) == 0)
            peer->writing = writing;
    }
}

/* How long to wait for the next event: jails are made when nobody waits for an answer, and those who wait are few. */
static int look_after_stocks(struct bj_broker *broker, bool at_leisure)
{
    int timeout_ms = -1;
    for (size_t n = 0; n < broker->stock_count; n++) {
        int next_ms = bj__stock_fill(&broker->stocks[n], at_leisure, &broker->log);
        if (next_ms == 0 && (broker->tasks_running > 0 || !at_leisure))
            next_ms = LEISURE_MS;
        if (next_ms >= 0 && (timeout_ms < 0 || next_ms < timeout_ms))
            timeout_ms = next_ms;
    }
    return timeout_ms;
}

static bool is_over(const struct bj_broker *broker)
{
    return broker->draining && broker->tasks_running == 0;
}

static int loop(struct bj_broker *broker)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    bool goes_on = true;
    int count = 0;
    while (goes_on && !is_over(broker)) {
        bj__leaving_tidy(broker, count == 0);
        int timeout_ms = look_after_stocks(broker, count == 0);
        if (broker->standing > 0 && (timeout_ms < 0 || timeout_ms > LEISURE_MS))
            timeout_ms = LEISURE_MS;
        count = epoll_wait(broker->epoll_fd, events, EVENTS_AT_ONCE, timeout_ms);
        if (count < 0 && errno != EINTR)
            return -errno;
        broker->draining = broker->draining || told_to_end;
        for (int n = 0; goes_on && n < count; n++)
            goes_on = handle(broker, &events[n]);
        look_after_peers(broker);
    }
    return 0;
}

/* ---- start ---------------------------------------------------------------------------------------- */

static int usage(struct bj_broker *broker, const char *what)
{
    bj__log_say(&broker->log, BJ_LOG_ERROR, "usage",
                "%s; belljard starts this program: --concurrent-runs N --sessions N [--control] --profile "
                "NAME:JAILS ...",
                what);
    return 2;
}

static bool read_number(const char *text, uint64_t most, unsigned *ret_number)
{
    uint64_t number;
    if (!text || bj__digits(&text, &number) < 0 || *text || number > most)
        return false;
    *ret_number = (unsigned)number;
    return true;
}

static int profile_failed(struct bj_broker *broker, const char *name, const struct bj_error *error)
{
    bj__log_say(&broker->log, BJ_LOG_ERROR, "profile_failed", "%s: %s%s%s", name, error->field,
                error->field[0] ? ": " : "", error->message);
    return 1;
}

static int settle_stocks(struct bj_broker *broker)
{
    struct bj_error error = {0};
    for (size_t n = 0; n < broker->stock_count; n++)
        if (bj__stock_settle(&broker->stocks[n], &error) < 0)
            return profile_failed(broker, broker->stocks[n].name, &error);
    return 0;
}

static int add_stock(struct bj_broker *broker, const char *text)
{
    struct bj_error error = {0};
    char name[64];
    unsigned jails;
    const char *colon = text ? strchr(text, ':') : NULL;
    if (!colon || (size_t)(colon - text) >= sizeof(name) || broker->stock_count >= BJ_BROKER_STOCKS ||
        !read_number(colon + 1, BJ_POOL_MAX, &jails))
        return usage(broker, "--profile needs NAME:JAILS");
    (void)snprintf(name, sizeof(name), "%.*s", (int)(colon - text), text);
    if (bj__stock_make(&broker->stocks[broker->stock_count], name, jails, &error) < 0)
        return profile_failed(broker, name, &error);
    broker->stock_count++;
    return 0;
}

static int read_arguments(struct bj_broker *broker, char **argv)
{
    int r = 0;
    for (; r == 0 && *argv; argv++) {
        if (strcmp(*argv, "--control") == 0) {
            broker->control_fd = BJ_BROKER_SEAT_CONTROL;
            continue;
        }
        const char *name = *argv;
        const char *value = argv[1];
        if (strcmp(name, "--profile") == 0)
            r = add_stock(broker, value);
        else if (strcmp(name, "--concurrent-runs") == 0)
            r = read_number(value, BJ_BROKER_TASKS, &broker->capacity) ? 0 : usage(broker, name);
        else if (strcmp(name, "--sessions") == 0)
            r = read_number(value, BJ_BROKER_SESSIONS, &broker->session_capacity) ? 0 : usage(broker, name);
        else
            r = usage(broker, name);
        argv += value != NULL;
    }
    return r == 0 && (broker->capacity == 0 || broker->stock_count == 0) ? usage(broker, "nothing could be run")
                                                                         : r;
}

static void end(struct bj_broker *broker)
{
    for (unsigned n = 0; n < BJ_BROKER_PEERS; n++)
        if (broker->peers[n])
            bj__peer_drop(broker, broker->peers[n]);
    bj__leaving_end(broker);
    for (size_t n = 0; n < broker->stock_count; n++)
        bj__stock_done(&broker->stocks[n]);
    bj__fd_close(&broker->epoll_fd);
}

static int open_loop(struct bj_broker *broker)
{
    int r = 0;
    broker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (broker->epoll_fd < 0 || fcntl(broker->keeper_fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    r = bj__broker_watch(broker, broker->keeper_fd, EPOLLIN, (uint64_t)BJ_EVENT_KEEPER << 56);
    if (r == 0 && broker->control_fd >= 0 && fcntl(broker->control_fd, F_SETFD, FD_CLOEXEC) < 0)
        r = -errno;
    if (r == 0 && broker->control_fd >= 0)
        r = bj__broker_watch(broker, broker->control_fd, EPOLLIN, (uint64_t)BJ_EVENT_CONTROL << 56);
    return r;
}

int main(int argc, char **argv)
{
    static struct bj_broker broker = {.epoll_fd = -1, .keeper_fd = BJ_BROKER_SEAT_KEEPER, .control_fd = -1};
    const struct sigaction action = {.sa_handler = on_signal};
    (void)argc;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN); /* a terminal's is the keeper's matter */
    (void)sigaction(SIGTERM, &action, NULL);
    bj__log_init(&broker.log, STDERR_FILENO, "broker");
    broker.start_us = bj__now_us();
    int status = read_arguments(&broker, argv + 1);
    if (status == 0)
        status = settle_stocks(&broker);
    int r = status == 0 ? open_loop(&broker) : 0;
    if (status == 0 && r == 0) {
        bj__self_test(&broker);
        r = loop(&broker);
    }
    if (r < 0)
        bj__log_say(&broker.log, BJ_LOG_ERROR, "failed", "%s", strerror(-r));
    end(&broker);
    return status != 0 ? status : r < 0;
}
