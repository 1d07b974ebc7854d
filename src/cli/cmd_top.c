/* belljar top: runs, parked jails and rates of a service, as they change.
 * Its own file because it is the one command that looks at somebody else's runs.
 * Changes when: something more of a service is shown. */
#include "broker/channel.h"
#include "cli/cli.h"
#include "cli/top.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS     5000
#define SHOWN_RUNS    30
#define SYSTEM_SOCKET "/run/belljar/control.sock"

/* ---- asking --------------------------------------------------------------------------------------- */

static int find_socket(const struct options *options, struct sockaddr_un *ret_address, struct bj_error *err)
{
    const char *own = getenv("XDG_RUNTIME_DIR"); /* NOLINT(concurrency-mt-unsafe): one thread */
    char path[sizeof(ret_address->sun_path) + 1];
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (options->socket)
        (void)snprintf(path, sizeof(path), "%s", options->socket);
    else if (geteuid() != 0 && own && access(SYSTEM_SOCKET, W_OK) < 0)
        (void)snprintf(path, sizeof(path), "%s/belljar/control.sock", own);
    else
        (void)snprintf(path, sizeof(path), "%s", SYSTEM_SOCKET);
    if (strlen(path) >= sizeof(ret_address->sun_path))
        return bj__error(err, BJ_ERROR_INVALID, ENAMETOOLONG, "socket",
                         "\"%.100s\" is too long for a socket's path", path);
    (void)snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "%s", path);
    return 0;
}

static int open_channel(const struct options *options, struct bj_channel **ret_channel, struct bj_error *err)
{
    struct sockaddr_un address;
    BJ_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int r = fd < 0 ? bj__error_system(err, errno, "socket", "cannot make one")
                   : find_socket(options, &address, err);
    if (r < 0)
        return r;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return bj__error(err, BJ_ERROR_NOT_FOUND, errno, "socket",
                         "%s: %s; is belljard running, and does its configuration have this control_socket?",
                         address.sun_path, strerror(errno));
    *ret_channel = bj__channel_new(&fd, BJ_MESSAGE_MAX);
    return *ret_channel ? 0 : bj__error_memory(err);
}

/* Asks, and waits for the answer of that kind. */
static int ask(struct bj_channel *channel, uint16_t type, const struct bj_buf *body, uint16_t answer,
               struct bj_message *ret_message)
{
    struct pollfd waiting = {.fd = channel->fd, .events = POLLIN};
    int r = bj__channel_send(channel, type, 1, body);
    while (r == 0) {
        if (poll(&waiting, 1, ANSWER_MS) <= 0)
            return -ETIMEDOUT;
        r = bj__channel_receive(channel, ret_message);
        if (r > 0 && ret_message->type != answer) {
            bj__message_done(ret_message);
            r = 0;
        }
    }
    return r < 0 ? r : 0;
}

static int greet(struct bj_channel *channel)
{
    struct bj_message message;
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, 64);
    int r = bj__tlv_add_number(&body, BJ_FIELD_VERSION, BJ_BROKER_VERSION);
    if (r == 0)
        r = ask(channel, BJ_ASK_HELLO, &body, BJ_TOLD_WELCOME, &message);
    if (r == 0)
        bj__message_done(&message);
    return r;
}

static int look(struct bj_channel *channel, struct top_state *ret_state)
{
    struct bj_message message;
    int r = ask(channel, BJ_ASK_WATCH, NULL, BJ_TOLD_STATE, &message);
    if (r < 0)
        return r;
    r = bj__top_read(&message, ret_state);
    bj__message_done(&message);
    return r;
}

/* ---- showing -------------------------------------------------------------------------------------- */

static double per_second(uint64_t now, uint64_t before, double seconds)
{
    return seconds > 0 && now >= before ? (double)(now - before) / seconds : 0;
}

static int show_profile(struct bj_buf *text, const struct top_profile *now, const struct top_profile *before,
                        double seconds)
{
    uint64_t runs = bj__top_runs(now);
    double rate =
        per_second(runs, before && strcmp(before->name, now->name) == 0 ? bj__top_runs(before) : 0, seconds);
    char parked[48];
    (void)snprintf(parked, sizeof(parked), "%" PRIu64 "/%" PRIu64, now->parked, now->jails);
    return bj__buf_printf(text,
                          "%-20.20s %9s %10" PRIu64 " %8.1f %10" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
                          " %8" PRIu64 " %8" PRIu64 "\n",
                          now->name, parked, runs, before ? rate : 0.0, now->ended[BJ_STATUS_OK],
                          now->ended[BJ_STATUS_TIME_LIMIT], now->ended[BJ_STATUS_MEMORY_LIMIT],
                          now->ended[BJ_STATUS_JAIL_ERROR], now->denials,
                          now->zygotes > 0 ? now->zygotes - 1 : 0);
}

static int show_runs(struct bj_buf *text, const struct top_state *now)
{
    int r = now->run_count > 0
                ? bj__buf_printf(text, "\n%10s %-20s %10s %8s\n", "PID", "PROFILE", "SECONDS", "SESSION")
                : 0;
    for (size_t n = 0; r >= 0 && n < now->run_count && n < SHOWN_RUNS; n++) {
        const struct top_run *run = &now->runs[n];
        r = bj__buf_printf(text, "%10" PRIu64 " %-20.20s %10.2f", run->pid, run->profile,
                           (double)run->wall_us / 1e6);
        if (r >= 0)
            r = run->session ? bj__buf_printf(text, " %8" PRIu64 "\n", run->session)
                             : bj__buf_printf(text, "\n");
    }
    return r;
}

static int show(struct bj_buf *text, const struct top_state *now, const struct top_state *before,
                double seconds)
{
    uint64_t up = now->uptime_us / 1000000u;
    int r =
        bj__buf_printf(text,
                       "up %" PRIu64 ":%02u:%02u   runs %" PRIu64 "/%" PRIu64 "   sessions %" PRIu64 "/%" PRIu64
                       "   refused %" PRIu64 "   fallen %" PRIu64 "   %s\n\n",
                       up / 3600, (unsigned)(up / 60 % 60), (unsigned)(up % 60), now->running, now->capacity,
                       now->sessions, now->session_capacity, now->refused, now->peers_dropped,
                       now->draining ? "draining"
                       : now->ready  ? "ready"
                                     : "NOT READY: its own tests failed");
    if (r >= 0)
        r = bj__buf_printf(text, "%-20s %9s %10s %8s %10s %8s %8s %8s %8s %8s\n", "PROFILE", "PARKED", "RUNS",
                           "RUNS/S", "OK", "TIME", "MEMORY", "ERRORS", "DENIALS", "RESTARTS");
    for (size_t n = 0; r >= 0 && n < now->profile_count; n++)
        r = show_profile(text, &now->profiles[n], before ? &before->profiles[n] : NULL, seconds);
    return r < 0 ? r : show_runs(text, now);
}

/* Names of profiles and of statuses need no escapes. */
static int show_json(struct bj_buf *text, const struct top_state *now)
{
    int r =
        bj__buf_printf(text,
                       "{\"uptime_seconds\": %.3f, \"running\": %" PRIu64 ", \"capacity\": %" PRIu64
                       ", \"sessions\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"ready\": %s, \"profiles\": [",
                       (double)now->uptime_us / 1e6, now->running, now->capacity, now->sessions, now->refused,
                       now->ready ? "true" : "false");
    for (size_t n = 0; r >= 0 && n < now->profile_count; n++) {
        const struct top_profile *profile = &now->profiles[n];
        r = bj__buf_printf(text,
                           "%s{\"profile\": \"%s\", \"parked\": %" PRIu64 ", \"jails\": %" PRIu64
                           ", \"denials\": %" PRIu64 ", \"runs\": {",
                           n ? ", " : "", profile->name, profile->parked, profile->jails, profile->denials);
        for (int status = 0; r >= 0 && status < BJ_STATUS__COUNT; status++)
            r = bj__buf_printf(text, "%s\"%s\": %" PRIu64, status ? ", " : "",
                               bj_status_name((enum bj_status)status), profile->ended[status]);
        if (r >= 0)
            r = bj__buf_printf(text, "}}");
    }
    return r < 0 ? r : bj__buf_printf(text, "]}\n");
}

/* ---- loop ----------------------------------------------------------------------------------------- */

static int draw(const struct options *options, const struct top_state *now, const struct top_state *before,
                double seconds)
{
    BJ_BUF struct bj_buf text;
    bj__buf_init(&text, 1u << 20);
    bool clears = !options->json && !options->once && isatty(STDOUT_FILENO);
    int r = clears ? bj__buf_printf(&text, "\033[H\033[J") : 0;
    if (r >= 0)
        r = options->json ? show_json(&text, now) : show(&text, now, before, seconds);
    return r < 0 ? r : bj__write_all(STDOUT_FILENO, text.bytes, text.length);
}

static int follow(const struct options *options, struct bj_channel *channel, double seconds)
{
    static struct top_state states[2];
    const struct timespec pause = {.tv_sec = (time_t)seconds,
                                   .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    int r = greet(channel);
    for (unsigned n = 0; r == 0; n++) {
        r = look(channel, &states[n % 2]);
        if (r == 0)
            r = draw(options, &states[n % 2], n > 0 ? &states[(n + 1) % 2] : NULL, seconds);
        if (r < 0 || options->once || (!options->interval && !isatty(STDOUT_FILENO)))
            break;
        (void)nanosleep(&pause, NULL);
    }
    return r;
}

int bj__cmd_top(const struct options *options)
{
    struct bj_error err = {0};
    struct bj_channel *channel = NULL;
    char *end = NULL;
    double seconds = options->interval ? strtod(options->interval, &end) : 1;
    int r = 0;
    if (options->rest_count)
        r = bj__error(&err, BJ_ERROR_INVALID, EINVAL, options->rest[0],
                      "takes no such word; see belljar help top");
    else if (options->interval && (*end || end == options->interval || !(seconds >= 0.1 && seconds <= 3600)))
        r = bj__error(&err, BJ_ERROR_INVALID, EINVAL, "interval",
                      "\"%.40s\" is no time from 0.1 to 3600 seconds", options->interval);
    if (r == 0)
        r = open_channel(options, &channel, &err);
    if (r == 0 && channel && (r = follow(options, channel, seconds)) < 0 && r != -EPIPE)
        (void)bj__error(&err, BJ_ERROR_SYSTEM, -r, "socket", "the broker does not answer any more: %s",
                        strerror(-r));
    bj__channel_free(channel);
    if (err.code)
        bj__say_error(CLI_TOP, &err);
    return r < 0 ? CLI_FAILED : 0;
}
