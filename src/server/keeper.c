/* The keeper: one loop over signals, and over the generations of broker and front.
 * Its own file because it decides when a configuration takes over from another, and nothing else does.
 * Changes when: the service is started, changed or ended in another way. */
#include "server/keeper.h"

#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "server/config_host.h"
#include "server/generation.h"
#include "server/notify.h"
#include "server/protect.h"

#define GENERATIONS    8 /* one that serves, one that comes, and those that drain */
#define START_ATTEMPTS 5 /* of the first; afterwards there is no end to them */
#define NEXT_ATTEMPTS  3
#define TRIAL_TEXT     370 /* of what it says of a wall that does not hold: the rest of the line has room */
#define LOG_WAIT_MS    200 /* so that a front which fills the log does not keep the keeper's own lines out of it */

struct keeper {
    const struct bj_keeper_options *options;
    struct bj_log log;
    struct bj_listen_set listening;
    struct bj_generation *current; /* NULL only at the end */
    struct bj_generation *next;    /* takes over when it is ready */
    struct bj_generation *draining[GENERATIONS - 2];
    size_t draining_count;
    unsigned numbers;
    int signal_fd;
    uint64_t watchdog_us, watchdog_at_us;
    bool reload_asked, ready_told, stopping;
    int status;
};

int bj__keeper_read(const struct bj_keeper_options *options, struct bj_config **ret_config,
                    struct bj_error *err)
{
    struct bj_config *config = NULL;
    int r = options->config_optional && access(options->config_path, F_OK) < 0 && errno == ENOENT
                ? bj__config_parse("{}", 2, &config, err)
                : bj__config_read(options->config_path, &config, err);
    if (r == 0 && options->self_test) {
        config->listener_count = 0;
        config->control_socket = NULL;
    }
    if (r == 0)
        r = bj__config_check_host(config, err);
    if (r < 0)
        bj__config_free(config);
    else
        *ret_config = config;
    return r;
}

/* ---- generations ---------------------------------------------------------------------------------- */

/* Of the configuration's file as it is now. */
static int make_generation(struct keeper *keeper, struct bj_generation **ret_generation, struct bj_error *err)
{
    struct bj_config *config = NULL;
    int r = bj__keeper_read(keeper->options, &config, err);
    if (r < 0)
        return r;
    r = bj__listen_open(&keeper->listening, config, err);
    if (r < 0) {
        bj__config_free(config);
        return r;
    }
    *ret_generation = bj__generation_new(++keeper->numbers, config, &keeper->listening, &keeper->log, err);
    return *ret_generation ? 0 : -err->err;
}

static void log_advice(const char *text, void *user)
{
    bj__log_say(user, BJ_LOG_WARNING, "advice", "%s", text);
}

static void log_listeners(struct keeper *keeper, const struct bj_config *config)
{
    for (size_t n = 0; n < config->listener_count; n++) {
        struct bj_log_line line;
        bj__log_begin(&line, &keeper->log, BJ_LOG_INFO, "listening");
        bj__log_text(&line, "kind", bj__listener_kind_name(config->listeners[n].kind));
        bj__log_text(&line, "address", config->listeners[n].address);
        bj__log_end(&keeper->log, &line);
    }
    if (!keeper->options->self_test)
        bj__config_advise(config, log_advice, &keeper->log);
}

/* With the file, because most problems are corrected there, and who reads the log may not know it. */
static void log_problem(struct keeper *keeper, const char *event, const struct bj_error *err)
{
    struct bj_log_line line;
    bj__log_begin(&line, &keeper->log, BJ_LOG_ERROR, event);
    bj__log_text(&line, "config", keeper->options->config_path);
    if (err->field[0])
        bj__log_text(&line, "field", err->field);
    bj__log_text(&line, "text", err->message);
    bj__log_end(&keeper->log, &line);
}

/* The oldest gives way where there are too many. */
static void put_away(struct keeper *keeper, struct bj_generation *generation)
{
    if (keeper->draining_count == BJ_COUNT(keeper->draining)) {
        bj__generation_free(keeper->draining[0]);
        keeper->draining_count--;
        memmove(&keeper->draining[0], &keeper->draining[1],
                keeper->draining_count * sizeof(keeper->draining[0]));
    }
    keeper->draining[keeper->draining_count++] = generation;
}

static void drain(struct bj_generation *generation)
{
    /* At drain_us the front itself ends what still runs, and tells who waits for it. */
    bj__generation_drain(generation, bj__now_us() + generation->config->drain_us + BJ_GENERATION_FAREWELL_US);
}

/* Whatever of the new one was begun is gone or going. status: for systemd, which must hear that the reload is over and does not know of
 * one that has failed: READY=1, and why in words. */
static void stay(struct keeper *keeper, const struct bj_error *err, const char *status)
{
    log_problem(keeper, "reload_failed", err);
    bj__listen_keep(&keeper->listening, keeper->current->config);
    bj__generation_stay(keeper->current);
    bj__notify(status);
}

static void reload(struct keeper *keeper)
{
    struct bj_error err = {0};
    keeper->reload_asked =
        keeper->next != NULL; /* once more when that is settled: the file may be another by now */
    if (keeper->next || keeper->stopping)
        return;
    bj__notify_reloading();
    bj__log_say(&keeper->log, BJ_LOG_INFO, "reloading", "%s", keeper->options->config_path);
    if (make_generation(keeper, &keeper->next, &err) == 0) {
        keeper->next->takes_over = true;
        log_listeners(keeper, keeper->next->config);
        return;
    }
    stay(keeper, &err, "READY=1\nSTATUS=the new configuration is not good, the old one stays: see the log");
}

static void take_over(struct keeper *keeper, struct bj_generation *next)
{
    drain(keeper->current);
    put_away(keeper, keeper->current);
    keeper->current = next;
    next->takes_over = false; /* from nobody any more: a front that is started again serves in any case */
    bj__listen_keep(&keeper->listening, next->config);
    bj__log_say(&keeper->log, BJ_LOG_INFO, "reloaded", "generation %u serves", next->number);
    bj__notify("READY=1\nSTATUS=serving");
}

static void give_up(struct keeper *keeper, struct bj_generation *next, bool fell)
{
    struct bj_error err = {0};
    drain(next);
    put_away(keeper, next);
    if (!fell) {
        (void)bj__error(&err, BJ_ERROR_STATE, ECHILD, "",
                        "generation %u did not come up; the old configuration stays", next->number);
        stay(keeper, &err,
             "READY=1\nSTATUS=the new configuration did not come up, the old one stays: see the log");
        return;
    }
    (void)bj__error(&err, BJ_ERROR_STATE, EPERM, "profiles",
                    "its walls did not hold: %.*s; the old configuration stays", TRIAL_TEXT,
                    next->self_test_heard ? next->self_test : "it does not say that they did");
    stay(keeper, &err,
         "READY=1\nSTATUS=the walls of the new configuration did not hold, the old one stays: see the log");
}

/* The next one serves, or will not. One whose walls do not hold would refuse everybody, and one that does not say so is none. */
static void settle(struct keeper *keeper)
{
    struct bj_generation *next = keeper->next;
    if (!next)
        return;
    bool serves = next->state == BJ_GENERATION_SERVING;
    bool fell = next->self_test_heard ? !next->self_test_ok : serves;
    if (!fell && !serves && next->failures < NEXT_ATTEMPTS)
        return;
    keeper->next = NULL;
    if (serves && !fell)
        take_over(keeper, next);
    else
        give_up(keeper, next, fell);
    if (keeper->reload_asked)
        reload(keeper);
}

static void stop(struct keeper *keeper)
{
    if (keeper->stopping)
        return;
    keeper->stopping = true;
    bj__notify("STOPPING=1");
    bj__log_say(&keeper->log, BJ_LOG_INFO, "stopping", "what runs has %.15g seconds to end",
                (double)keeper->current->config->drain_us / 1e6);
    if (keeper->next) {
        drain(keeper->next);
        put_away(keeper, keeper->next);
        keeper->next = NULL;
    }
    drain(keeper->current);
}

static void kill_all(struct keeper *keeper)
{
    bj__generation_kill(keeper->current);
    for (size_t n = 0; n < keeper->draining_count; n++)
        bj__generation_kill(keeper->draining[n]);
}

/* ---- what the current one says -------------------------------------------------------------------- */

static void end_self_test(struct keeper *keeper, bool ok, const char *text)
{
    (void)printf("%s%s", text, text[0] && text[strlen(text) - 1] != '\n' ? "\n" : "");
    (void)fflush(stdout);
    keeper->status = ok ? 0 : 1;
    stop(keeper); /* nothing runs, so it takes no time */
}

static const char *self_test_text(const struct bj_generation *generation)
{
    if (generation->self_test[0])
        return generation->self_test;
    return generation->self_test_ok ? "every wall that was tried held, in a jail of each profile"
                                    : "a wall did not hold: the log says which";
}

static void look_at_current(struct keeper *keeper)
{
    const struct bj_generation *current = keeper->current;
    if (keeper->stopping)
        return;
    if (keeper->options->self_test && current->self_test_heard) {
        end_self_test(keeper, current->self_test_ok, self_test_text(current));
    } else if (current->state == BJ_GENERATION_STARTING && current->failures >= START_ATTEMPTS) {
        bj__log_say(&keeper->log, BJ_LOG_ERROR, "failed",
                    "broker or front do not start; the lines before say why");
        keeper->status = 1;
        stop(keeper);
    } else if (current->state == BJ_GENERATION_SERVING && !keeper->ready_told) {
        keeper->ready_told = true;
        bj__log_say(&keeper->log, BJ_LOG_INFO, "ready", "belljard " BJ_VERSION " serves");
        bj__notify("READY=1\nSTATUS=serving");
    }
}

/* ---- loop ----------------------------------------------------------------------------------------- */

static void handle_signal(struct keeper *keeper)
{
    struct signalfd_siginfo info;
    if (read(keeper->signal_fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGHUP)
        reload(keeper);
    else if (keeper->stopping) /* told twice: at once */
        kill_all(keeper);
    else
        stop(keeper);
}

static int timeout_ms(const struct keeper *keeper)
{
    uint64_t now = bj__now_us();
    uint64_t next = bj__generation_next_us(keeper->current);
    if (keeper->next && bj__generation_next_us(keeper->next) < next)
        next = bj__generation_next_us(keeper->next);
    for (size_t n = 0; n < keeper->draining_count; n++)
        if (bj__generation_next_us(keeper->draining[n]) < next)
            next = bj__generation_next_us(keeper->draining[n]);
    if (keeper->watchdog_us && keeper->watchdog_at_us < next)
        next = keeper->watchdog_at_us;
    if (next <= now)
        return 0;
    return next - now > 60000000u ? 60000 : (int)((next - now + 999) / 1000);
}

static void wait_for_events(struct keeper *keeper)
{
    struct pollfd polls[1 + GENERATIONS * BJ_GENERATION_POLLS] = {{.fd = keeper->signal_fd, .events = POLLIN}};
    size_t count = 1;
    count += bj__generation_polls(keeper->current, polls + count);
    if (keeper->next)
        count += bj__generation_polls(keeper->next, polls + count);
    for (size_t n = 0; n < keeper->draining_count; n++)
        count += bj__generation_polls(keeper->draining[n], polls + count);
    if (poll(polls, count, timeout_ms(keeper)) > 0 && polls[0].revents)
        handle_signal(keeper);
}

static void step_all(struct keeper *keeper)
{
    bj__generation_step(keeper->current);
    if (keeper->next)
        bj__generation_step(keeper->next);
    for (size_t n = keeper->draining_count; n-- > 0;) {
        bj__generation_step(keeper->draining[n]);
        if (keeper->draining[n]->state != BJ_GENERATION_GONE)
            continue;
        bj__generation_free(keeper->draining[n]);
        keeper->draining_count--;
        memmove(&keeper->draining[n], &keeper->draining[n + 1],
                (keeper->draining_count - n) * sizeof(keeper->draining[0]));
    }
}

/* That this loop turns is what the watchdog is told: its processes have the keeper for that. */
static void feed_watchdog(struct keeper *keeper)
{
    uint64_t now = bj__now_us();
    if (!keeper->watchdog_us || now < keeper->watchdog_at_us)
        return;
    bj__notify("WATCHDOG=1");
    keeper->watchdog_at_us = now + keeper->watchdog_us / 2;
}

static void loop(struct keeper *keeper)
{
    for (;;) {
        step_all(keeper);
        look_at_current(keeper);
        if (!keeper->stopping)
            settle(keeper);
        if (keeper->current->state == BJ_GENERATION_GONE && keeper->draining_count == 0)
            return;
        feed_watchdog(keeper);
        wait_for_events(keeper);
    }
}

/* ---- start and end -------------------------------------------------------------------------------- */

static int catch_signals(struct keeper *keeper, struct bj_error *err)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || sigaction(SIGPIPE, &ignore, NULL) < 0 ||
        (keeper->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return bj__error_system(err, errno, "", "cannot take signals");
    return 0;
}

static int start(struct keeper *keeper, struct bj_error *err)
{
    int r = catch_signals(keeper, err);
    if (r == 0 && !keeper->options->self_test)
        r = bj__listen_take(&keeper->listening, err);
    if (r >= 0)
        r = make_generation(keeper, &keeper->current, err);
    if (r < 0)
        return r;
    log_listeners(keeper, keeper->current->config);
    bj__protect(&keeper->log);
    keeper->watchdog_us = bj__notify_watchdog_us();
    return 0;
}

int bj__keeper_run(const struct bj_keeper_options *options)
{
    struct keeper keeper = {.options = options, .signal_fd = -1};
    struct bj_error err = {0};
    bj__log_init(&keeper.log, STDERR_FILENO, "keeper");
    keeper.log.wait_ms = LOG_WAIT_MS;
    bj__listen_init(&keeper.listening);
    int r = start(&keeper, &err);
    if (r < 0) {
        log_problem(&keeper, "failed", &err);
        keeper.status = 1;
    } else {
        loop(&keeper);
    }
    bj__generation_free(keeper.current);
    bj__listen_done(&keeper.listening);
    bj__fd_close(&keeper.signal_fd);
    if (r == 0)
        bj__log_say(&keeper.log, BJ_LOG_INFO, "stopped", "exit status %d", keeper.status);
    return keeper.status;
}
