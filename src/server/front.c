/* belljar-front: speaks with clients, and asks the broker for what they want.
 * Its own file because it is the one loop of the process that reads what strangers write.
 * Changes when: the front is started or ended in another way.
 *
 * usage: belljar-front [--take-over] KIND=FD ...
 * Descriptors: broker/seats.h. One thread; before the first byte of a client's is read the walls stand (confine.h). */
#include "broker/seats.h"
#include "server/confine.h"
#include "server/http.h"
#include "server/lines.h"
#include "server/sessions.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SPARE_FILES 128 /* besides a descriptor for each connection */

static volatile sig_atomic_t told_to_end;

static void on_signal(int number)
{
    (void)number;
    told_to_end = 1;
}

struct front {
    struct bj_config *config;
    struct bj_loop loop;
    struct bj_service service;
    struct bj_http http;
    struct bj_lines lines;
    struct bj_confine_state walls;
    char layers[BJ_CONFINE__COUNT * 96]; /* the same as JSON */
    uint64_t drain_end_us;               /* 0: it serves */
    bool take_over; /* another front serves: this one does only if the walls of its jails hold */
    bool ready_told;
};

/* ---- start ---------------------------------------------------------------------------------------- */

static int read_config(struct bj_config **ret_config, struct bj_error *err)
{
    BJ_FD int fd = BJ_FRONT_SEAT_CONFIG;
    struct stat status;
    if (fstat(fd, &status) < 0)
        return bj__error_system(err, errno, "", "no configuration was handed over");
    if (status.st_size <= 0 || status.st_size > (off_t)BJ_CONFIG_BYTES_MAX)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "the configuration that was handed over is none");
    size_t length = (size_t)status.st_size;
    BJ_FREE char *text = malloc(length + 1);
    if (!text)
        return bj__error_memory(err);
    if (pread(fd, text, length, 0) != (ssize_t)length)
        return bj__error_system(err, errno, "", "the configuration cannot be read");
    text[length] = 0;
    return bj__config_parse(text, length, ret_config, err);
}

static int catch_signals(struct bj_error *err)
{
    struct sigaction end = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t blocked;
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigaddset(&blocked, SIGINT);
    if (sigaction(SIGTERM, &end, NULL) < 0 || sigaction(SIGINT, &end, NULL) < 0 ||
        sigaction(SIGPIPE, &ignore, NULL) < 0 || sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
        return bj__error_system(err, errno, "", "cannot set how signals are met");
    return 0;
}

/* What libraries would look up later, when they no longer can. */
static int warm_up(struct bj_error *err)
{
    size_t seed = 0;
    struct tm broken_down;
    time_t now = time(NULL);
    tzset();
    if (!gmtime_r(&now, &broken_down))
        return bj__error_system(err, errno, "", "there is no time");
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        return bj__error_system(err, errno, "", "there is no chance");
    json_object_seed(seed ? seed : 1);
    return 0;
}

/* "http=6" */
static int listen_on(struct front *front, const char *argument, struct bj_error *err)
{
    const char *equals = strchr(argument, '=');
    const char *digits = equals ? equals + 1 : argument;
    uint64_t number = 0;
    for (unsigned kind = 0; equals && kind < BJ_LISTENER__COUNT; kind++) {
        const char *name = bj__listener_kind_name((enum bj_listener_kind)kind);
        if (strlen(name) != (size_t)(equals - argument) || strncmp(name, argument, strlen(name)) != 0)
            continue;
        if (bj__digits(&digits, &number) < 0 || *digits || number < BJ_FRONT_SEAT_LISTENERS ||
            number > INT32_MAX)
            break;
        int fd = (int)number;
        if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
            return bj__error_system(err, errno, "", "%s is not open", argument);
        static const struct bj_line_kind *const lines[BJ_LISTENER__COUNT] = {
            [BJ_LISTENER_NUL] = &bj__line_nul, [BJ_LISTENER_JSON] = &bj__line_json};
        int r = lines[kind] ? bj__lines_listen(&front->lines, lines[kind], &fd)
                            : bj__http_listen(&front->http, (enum bj_listener_kind)kind, &fd);
        return r < 0 ? bj__error_system(err, -r, "", "cannot listen on %s", argument) : 0;
    }
    return bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "%.60s is no listener", argument);
}

static int start(struct front *front, char **arguments, struct bj_error *err)
{
    struct bj_confine_user user;
    BJ_FD int broker_fd = BJ_FRONT_SEAT_BROKER;
    int r = read_config(&front->config, err);
    if (r == 0)
        r = catch_signals(err);
    if (r == 0)
        r = warm_up(err);
    if (r == 0)
        r = bj__confine_user(front->config->user, &user, err);
    if (r < 0)
        return r;
    if ((r = bj__loop_init(&front->loop)) < 0 ||
        (r = bj__service_init(&front->service, front->config, &front->loop, &broker_fd)) < 0 ||
        (r = bj__http_init(&front->http, &front->service, &front->loop)) < 0)
        return bj__error_system(err, -r, "", "cannot begin");
    bj__lines_init(&front->lines, &front->service, &front->loop);
    bj__log_init(&front->service.log, BJ_FRONT_SEAT_LOG, NULL);
    front->service.layers = front->layers;
    for (; r == 0 && *arguments; arguments++)
        r = listen_on(front, *arguments, err);
    if (r == 0)
        r = bj__confine(&user, front->config->connections + SPARE_FILES, &front->walls, err);
    bj__confine_json(&front->walls, front->layers, sizeof(front->layers));
    if (r == 0 && (r = bj__service_greet(&front->service)) < 0)
        return bj__error_system(err, -r, "", "the broker does not listen");
    return r;
}

/* ---- turn ----------------------------------------------------------------------------------------- */

/* Nobody new is let in. Who is in already can ask, and has what it asked for, also if it has to wait for it: another front is at work
 * only for those who come later. How long each may take to ask is its protocol's matter; drain_end_us ends all of them. */
static void begin_drain(struct front *front)
{
    front->service.draining = true;
    front->drain_end_us = bj__now_us() + front->config->drain_us;
    bj__http_drain(&front->http);
    bj__lines_drain(&front->lines);
    bj__log_say(&front->service.log, BJ_LOG_INFO, "draining", "%llu runs",
                (unsigned long long)front->service.jobs.running);
}

/* Everything was answered that was asked, and nobody is there who may still ask. */
static bool is_over(const struct front *front, uint64_t now_us)
{
    if (front->drain_end_us == 0)
        return false;
    return now_us >= front->drain_end_us || (!bj__http_busy(&front->http) && !bj__lines_busy(&front->lines));
}

/* Nobody is let in before it is known what can be run: whoever has woken the service, or comes while one configuration takes over from
 * another, waits in the listener's queue or is met by the front that serves. That one goes on where the walls of this one's jails do not
 * hold: the keeper has heard so in the log, and ends this one. */
static int open_when_ready(struct front *front, struct bj_error *err)
{
    bool complete = front->service.welcome && front->service.profile_count >= front->config->profile_count;
    if (front->ready_told || front->drain_end_us > 0 || !complete ||
        (front->take_over && !front->service.tests_held))
        return 0;
    int r = bj__http_open(&front->http);
    if (r == 0)
        r = bj__lines_open(&front->lines);
    if (r < 0)
        return bj__error_system(err, -r, "", "cannot take connections");
    struct bj_log_line line;
    front->ready_told = true;
    bj__log_begin(&line, &front->service.log, BJ_LOG_INFO, "ready");
    for (unsigned layer = 0; layer < BJ_CONFINE__COUNT; layer++)
        bj__log_text(&line, bj__confine_name((enum bj_confine_layer)layer), front->walls.text[layer]);
    bj__log_end(&front->service.log, &line);
    return 0;
}

static int serve(struct front *front, struct bj_error *err)
{
    sigset_t unblocked;
    (void)sigemptyset(&unblocked);
    for (;;) {
        uint64_t now_us = bj__now_us();
        if (told_to_end && front->drain_end_us == 0)
            begin_drain(front);
        uint64_t until_us = bj__http_tend(&front->http, now_us);
        uint64_t lines_us = bj__lines_tend(&front->lines, now_us);
        until_us = until_us < lines_us ? until_us : lines_us;
        bj__jobs_log(&front->service);
        uint64_t expires_us = bj__jobs_expire(&front->service, now_us);
        until_us = until_us < expires_us ? until_us : expires_us;
        if (is_over(front, now_us))
            break;
        if (front->drain_end_us > 0 && until_us > front->drain_end_us)
            until_us = front->drain_end_us;
        int r = bj__loop_turn(&front->loop, until_us, &unblocked);
        if (r < 0)
            return bj__error_system(err, -r, "", "cannot wait");
        if (front->service.link.broken)
            return bj__error_system(err, -front->service.link.broken, "", "the broker is gone");
        if ((r = open_when_ready(front, err)) < 0)
            return r;
    }
    bj__sessions_close_all(&front->service);
    bj__jobs_log(&front->service);
    return 0;
}

static int finish(struct front *front, int r, const struct bj_error *err)
{
    if (r < 0)
        bj__log_problem(&front->service.log, BJ_LOG_ERROR, "front_ended", err);
    bj__lines_done(&front->lines);
    bj__http_done(&front->http);
    bj__service_done(&front->service);
    bj__loop_done(&front->loop);
    bj__config_free(front->config);
    return r < 0 ? 1 : 0;
}

#ifdef __SANITIZE_ADDRESS__
/* The search for leaks at the end is a clone that traces this process: the walls let it make none. */
__attribute__((visibility("default"))) int
__lsan_is_turned_off(void); /* NOLINT(bugprone-reserved-identifier) */

int __lsan_is_turned_off(void) /* NOLINT(bugprone-reserved-identifier): the sanitizer asks by this name */
{
    return 1;
}
#endif

int main(int argc, char **argv)
{
    struct bj_error error = {0};
    static struct front front; /* large; only main() knows it */
    bj__log_init(&front.service.log, BJ_FRONT_SEAT_LOG, NULL);
    front.loop.epoll_fd = -1;
    front.take_over = argc > 1 && strcmp(argv[1], "--take-over") == 0;
    int first = front.take_over ? 2 : 1; /* of the listeners */
    if (close_range(BJ_FRONT_SEAT_LISTENERS + (unsigned)(argc > first ? argc - first : 0), ~0u, 0) < 0)
        (void)bj__error_system(&error, errno, "", "cannot close what was handed over by mistake");
    if (fcntl(BJ_FRONT_SEAT_CONFIG, F_GETFD) < 0) { /* listeners there may be none of: a self-test */
        (void)bj__error(&error, BJ_ERROR_INVALID, EINVAL, "", "belljar-front is started by belljard");
        return finish(&front, -EINVAL, &error);
    }
    int r = start(&front, argv + (argc > first ? first : argc), &error);
    if (r == 0)
        r = serve(&front, &error);
    return finish(&front, r, &error);
}
