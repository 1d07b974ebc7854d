/* Starting a broker and a front: what each is handed.
 * Its own file because it is the other side of broker/seats.h.
 * Changes when: a process is handed something more. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "broker/seats.h"
#include "server/generation.h"
#include "server/protect.h"

#define LOG_QUEUE_BYTES (256 * 1024) /* lines that may wait for the keeper */
#define BROKER_WORDS    (8 + 2 * BJ_CONFIG_PROFILES)
#define MOST_VARIABLES  8

_Static_assert(BJ_FRONT_SEAT_LISTENERS + BJ_CONFIG_LISTENERS <= BJ_CHILD_SEATS, "a seat for each listener");

static int make_pair(const char *what, int pair[2], struct bj_error *err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return bj__error_system(err, errno, "", "cannot make a socket for %s", what);
    return 0;
}

static int open_null(struct bj_error *err)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return bj__error_system(err, errno, "", "cannot open /dev/null");
    return fd;
}

/* ---- broker --------------------------------------------------------------------------------------- */

struct broker_words {
    const char *items[BROKER_WORDS];
    size_t count;
    char numbers[2][24];
    char profiles[BJ_CONFIG_PROFILES][96];
};

static void add_word(struct broker_words *words, const char *word)
{
    words->items[words->count++] = word;
}

static void add_number(struct broker_words *words, size_t slot, const char *name, uint64_t value)
{
    (void)snprintf(words->numbers[slot], sizeof(words->numbers[slot]), "%llu", (unsigned long long)value);
    add_word(words, name);
    add_word(words, words->numbers[slot]);
}

static void broker_arguments(const struct bj_config *config, struct broker_words *words)
{
    words->count = 0;
    add_word(words, "belljar-broker");
    add_number(words, 0, "--concurrent-runs", config->concurrent_runs);
    add_number(words, 1, "--sessions", config->sessions);
    if (config->control_socket)
        add_word(words, "--control");
    for (size_t n = 0; n < config->profile_count; n++) {
        (void)snprintf(words->profiles[n], sizeof(words->profiles[n]), "%s:%llu", config->profiles[n].name,
                       (unsigned long long)config->profiles[n].jails);
        add_word(words, "--profile");
        add_word(words, words->profiles[n]);
    }
    words->items[words->count] = NULL;
}

/* What the library asks for; nothing of it is a secret, and guests see none of it. */
static void broker_environment(char room[MOST_VARIABLES][BJ_CHILD_PATH],
                               const char *environment[MOST_VARIABLES + 1])
{
    static const char *const names[] = {"BELLJAR_PROFILE_PATH", "BELLJAR_GUEST",           "BELLJAR_ID_RANGE",
                                        "JOURNAL_STREAM",       "KUBERNETES_SERVICE_HOST", "container"};
    size_t count = 0;
    for (size_t n = 0; n < BJ_COUNT(names); n++) {
        const char *value = secure_getenv(names[n]);
        if (value && snprintf(room[count], BJ_CHILD_PATH, "%s=%s", names[n], value) < BJ_CHILD_PATH) {
            environment[count] = room[count];
            count++;
        }
    }
    environment[count] = NULL;
}

int bj__generation_start_broker(struct bj_generation *generation, struct bj_error *err)
{
    const struct bj_config *config = generation->config;
    char path[BJ_CHILD_PATH];
    int pair[2] = {-1, -1};
    struct broker_words words;
    BJ_FREE char *room = malloc(MOST_VARIABLES * (size_t)BJ_CHILD_PATH);
    const char *environment[MOST_VARIABLES + 1];
    if (!room)
        return bj__error_memory(err);
    int r = bj__child_find("belljar-broker", "broker", path, err);
    if (r == 0)
        r = make_pair("the broker", pair, err);
    if (r < 0)
        return r;
    BJ_FD int ours = pair[0];
    BJ_FD int theirs = pair[1];
    BJ_FD int null = open_null(err);
    if (null < 0)
        return null;
    broker_arguments(config, &words);
    broker_environment((char(*)[BJ_CHILD_PATH])room, environment);
    int control = bj__listen_fd(generation->listening, config, config->listener_count);
    const int seats[] = {null, STDERR_FILENO, STDERR_FILENO, theirs, control};
    _Static_assert(BJ_BROKER_SEAT_KEEPER == 3 && BJ_BROKER_SEAT_CONTROL == 4, "the order of seats");
    r = bj__child_start(&generation->broker,
                        &(struct bj_child_start){.path = path,
                                                 .argv = words.items,
                                                 .environment = environment,
                                                 .seats = seats,
                                                 .seat_count = config->control_socket ? 5 : 4,
                                                 .oom_score_adj = BJ_PROTECT_OOM_SCORE},
                        err);
    if (r == 0)
        generation->broker_fd = bj__fd_take(&ours);
    return r;
}

/* ---- front ---------------------------------------------------------------------------------------- */

struct front_words {
    const char *items[BJ_CONFIG_LISTENERS + 3];
    char listeners[BJ_CONFIG_LISTENERS][32];
};

/* The broker gets the other end of the front's socket. */
static int introduce(const struct bj_generation *generation, int fd, struct bj_error *err)
{
    char word = BJ_KEEPER_FRONT;
    const struct iovec message = {&word, 1};
    int r = bj__fd_send(generation->broker_fd, &message, &fd, 1, MSG_DONTWAIT);
    return r < 0 ? bj__error_system(err, -r, "", "cannot tell the broker of a front") : 0;
}

static void front_arguments(const struct bj_generation *generation, struct front_words *words, int *seats,
                            size_t *count)
{
    const struct bj_config *config = generation->config;
    size_t said = 0;
    words->items[said++] = "belljar-front";
    if (generation->takes_over)
        words->items[said++] = "--take-over";
    for (size_t n = 0; n < config->listener_count; n++) {
        (void)snprintf(words->listeners[n], sizeof(words->listeners[n]), "%s=%zu",
                       bj__listener_kind_name(config->listeners[n].kind), *count);
        words->items[said++] = words->listeners[n];
        seats[(*count)++] = bj__listen_fd(generation->listening, config, n);
    }
    words->items[said] = NULL;
}

static int start_front(struct bj_generation *generation, int broker, int log, struct bj_error *err)
{
    static const char *const nothing[] = {NULL};
    char path[BJ_CHILD_PATH];
    struct front_words words;
    int r = bj__child_find("belljar-front", "server", path, err);
    if (r < 0)
        return r;
    BJ_FD int null = open_null(err);
    if (null < 0)
        return null;
    int seats[BJ_CHILD_SEATS] = {null, log, log, broker, log, generation->config_fd};
    size_t count = BJ_FRONT_SEAT_LISTENERS;
    _Static_assert(BJ_FRONT_SEAT_BROKER == 3 && BJ_FRONT_SEAT_LOG == 4 && BJ_FRONT_SEAT_CONFIG == 5,
                   "the order of seats");
    front_arguments(generation, &words, seats, &count);
    return bj__child_start(&generation->front,
                           &(struct bj_child_start){.path = path,
                                                    .argv = words.items,
                                                    .environment = nothing,
                                                    .seats = seats,
                                                    .seat_count = count,
                                                    .oom_score_adj = 0},
                           err);
}

int bj__generation_start_front(struct bj_generation *generation, struct bj_error *err)
{
    int channel[2];
    int log[2];
    const int room = LOG_QUEUE_BYTES;
    int r = make_pair("the front", channel, err);
    if (r < 0)
        return r;
    BJ_FD int brokers = channel[0];
    BJ_FD int fronts = channel[1];
    r = make_pair("the front's log", log, err);
    if (r < 0)
        return r;
    BJ_FD int ours = log[0];
    BJ_FD int theirs = log[1];
    (void)setsockopt(theirs, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    if (lseek(generation->config_fd, 0, SEEK_SET) < 0)
        return bj__error_system(err, errno, "", "cannot rewind the configuration");
    r = introduce(generation, brokers, err);
    if (r == 0)
        r = start_front(generation, fronts, theirs, err);
    if (r < 0)
        return r;
    bj__fd_close(&generation->log_fd);
    generation->log_fd = bj__fd_take(&ours);
    bj__log_gate_init(&generation->gate, bj__now_us());
    return 0;
}
