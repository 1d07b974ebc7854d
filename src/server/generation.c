/* One configuration at work: what comes of its processes.
 * Its own file because every way in which one of them can end is answered here.
 * Changes when: the end of a process has another consequence.
 *
 * A front that ends is started again, with a new socket to the same broker. A broker that ends takes its front along, because what it
 * ran has ended with it, and both are started anew. Who drains is started no more. */
#include "server/generation.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/names.h"
#include "broker/seats.h"

#define QUIET_US      10000000ull  /* who ran for that long has not failed at once */
#define BACKOFF_US    100000ull    /* after the second failure; doubles with each */
#define BACKOFF_MOST  400000ull    /* the service is back within a second, however often it is made to fall */
#define READY_US      120000000ull /* a zygote of each profile is started before */
#define CLEANING_US   2000000ull   /* that a broker has to remove what it made */
#define LINES_AT_ONCE 256          /* of the front's log, before others are looked after */

uint64_t bj__generation_backoff_us(unsigned failures)
{
    if (failures < 2)
        return 0;
    return failures > 4 ? BACKOFF_MOST : BACKOFF_US << (failures - 2);
}

/* ---- begin and end -------------------------------------------------------------------------------- */

/* Nobody can change it once it has been checked, and each reader finds it whole. */
static int seal_text(const struct bj_config *config, struct bj_error *err)
{
    BJ_FREE char *text = bj__config_text(config);
    if (!text)
        return bj__error_memory(err);
    BJ_FD int fd = memfd_create("belljard.json", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    size_t length = strlen(text);
    if (fd < 0 || write(fd, text, length) != (ssize_t)length ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return bj__error_system(err, errno, "", "cannot hand on the configuration");
    return bj__fd_take(&fd);
}

struct bj_generation *bj__generation_new(unsigned number, struct bj_config *config,
                                         const struct bj_listen_set *listening, struct bj_log *log,
                                         struct bj_error *err)
{
    struct bj_generation *generation = calloc(1, sizeof(*generation));
    int config_fd = generation ? seal_text(config, err) : bj__error_memory(err);
    if (!generation || config_fd < 0) {
        free(generation);
        bj__config_free(config);
        return NULL;
    }
    *generation = (struct bj_generation){.number = number,
                                         .config = config,
                                         .config_fd = config_fd,
                                         .broker_fd = -1,
                                         .log_fd = -1,
                                         .log = log,
                                         .listening = listening,
                                         .kill_at_us = UINT64_MAX};
    bj__child_init(&generation->broker);
    bj__child_init(&generation->front);
    bj__log_init(&generation->heard, log->fd, "front");
    return generation;
}

static void wait_for(struct bj_child *child)
{
    int status;
    struct pollfd ended = {.fd = child->pidfd, .events = POLLIN};
    bj__child_signal(child, SIGKILL);
    while (child->pid && !bj__child_reap(child, &status))
        (void)poll(&ended, 1, 1000);
}

void bj__generation_free(struct bj_generation *generation)
{
    if (!generation)
        return;
    wait_for(&generation->front);
    wait_for(&generation->broker);
    bj__fd_close(&generation->broker_fd);
    bj__fd_close(&generation->log_fd);
    bj__fd_close(&generation->config_fd);
    bj__config_free(generation->config);
    free(generation);
}

static void tell_broker(const struct bj_generation *generation, enum bj_keeper_word said)
{
    const char word = (char)said;
    if (generation->broker_fd >= 0)
        (void)send(generation->broker_fd, &word, 1,
                   MSG_DONTWAIT | MSG_NOSIGNAL); /* gone: nothing is left to be said */
}

void bj__generation_stay(const struct bj_generation *generation)
{
    tell_broker(generation, BJ_KEEPER_STAY);
}

/* The broker is told only when the front is gone: until then a run may still wait its turn. */
void bj__generation_drain(struct bj_generation *generation, uint64_t until_us)
{
    if (generation->state == BJ_GENERATION_DRAINING || generation->state == BJ_GENERATION_GONE)
        return;
    generation->state = BJ_GENERATION_DRAINING;
    generation->kill_at_us = until_us;
    generation->start_at_us = UINT64_MAX;
    generation->ready_by_us = UINT64_MAX;
    if (generation->front.pid)
        bj__child_signal(&generation->front, SIGTERM);
    else
        tell_broker(generation, BJ_KEEPER_DRAIN);
    if (!generation->front.pid && !generation->broker.pid)
        generation->state = BJ_GENERATION_GONE;
}

void bj__generation_kill(struct bj_generation *generation)
{
    bj__generation_drain(generation, 0);
    generation->kill_at_us = 0;
}

/* ---- starting ------------------------------------------------------------------------------------- */

static void log_started(struct bj_generation *generation, const char *event, const struct bj_child *child)
{
    struct bj_log_line line;
    bj__log_begin(&line, generation->log, BJ_LOG_INFO, event);
    bj__log_number(&line, "generation", generation->number);
    bj__log_number(&line, "pid", child->pid);
    bj__log_end(generation->log, &line);
}

static void schedule(struct bj_generation *generation)
{
    generation->failures++;
    generation->start_at_us = bj__now_us() + bj__generation_backoff_us(generation->failures);
}

static void start_missing(struct bj_generation *generation)
{
    struct bj_error err = {0};
    int r = 0;
    generation->start_at_us = UINT64_MAX;
    if (!generation->broker.pid) {
        r = bj__generation_start_broker(generation, &err);
        if (r == 0)
            log_started(generation, "broker_started", &generation->broker);
    }
    if (r == 0 && !generation->front.pid) {
        r = bj__generation_start_front(generation, &err);
        if (r == 0)
            log_started(generation, "front_started", &generation->front);
        generation->ready_by_us = bj__now_us() + READY_US;
    }
    if (r < 0) {
        bj__log_problem(generation->log, BJ_LOG_ERROR, "start_failed", &err);
        schedule(generation);
    }
}

/* ---- ends ----------------------------------------------------------------------------------------- */

/* What a confined process was made to do may have killed it, so a crash is told as what it may be. */
static void log_end(struct bj_generation *generation, const char *event, const struct bj_child *child,
                    int status)
{
    struct bj_log_line line;
    bool by_us = child->told_to_end && WIFSIGNALED(status) &&
                 (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGKILL);
    bool crashed = WIFSIGNALED(status) && !by_us;
    bool good = by_us || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (crashed)
        generation->crashes++;
    bj__log_begin(&line, generation->log, crashed ? BJ_LOG_ERROR : good ? BJ_LOG_INFO : BJ_LOG_WARNING, event);
    bj__log_number(&line, "generation", generation->number);
    if (WIFSIGNALED(status)) {
        const char *name = bj__signal_name(WTERMSIG(status));
        bj__log_text(&line, "signal", name ? name : "another");
    } else {
        bj__log_number(&line, "exit_code", WEXITSTATUS(status));
    }
    if (crashed) {
        bj__log_flag(&line, "security", true);
        bj__log_number(&line, "crashes", generation->crashes);
    }
    bj__log_end(generation->log, &line);
}

/* What it has said before its end is still heard. */
static void hear_front(struct bj_generation *generation);

static void front_ended(struct bj_generation *generation, const struct bj_child *was, int status)
{
    hear_front(generation);
    bj__fd_close(&generation->log_fd);
    generation->ready_by_us = UINT64_MAX;
    log_end(generation, "front_ended", was, status);
    if (generation->state == BJ_GENERATION_DRAINING)
        tell_broker(generation, BJ_KEEPER_DRAIN);
    else
        generation->kill_at_us = UINT64_MAX;
}

static void broker_ended(struct bj_generation *generation, const struct bj_child *was, int status)
{
    uint64_t until_us = bj__now_us() + BJ_GENERATION_FAREWELL_US;
    bj__fd_close(&generation->broker_fd);
    log_end(generation, "broker_ended", was, status);
    if (!generation->front.pid)
        return;
    bj__child_signal(&generation->front, SIGTERM);
    if (until_us < generation->kill_at_us)
        generation->kill_at_us = until_us;
}

/* A front alone is started again at once; a broker waits for its front's end. */
static void after_end(struct bj_generation *generation, const struct bj_child *was)
{
    if (generation->state == BJ_GENERATION_DRAINING) {
        if (!generation->broker.pid && !generation->front.pid)
            generation->state = BJ_GENERATION_GONE;
        return;
    }
    if (bj__now_us() - was->started_us > QUIET_US)
        generation->failures = 0;
    if (!generation->front.pid)
        schedule(generation);
}

static void reap(struct bj_generation *generation)
{
    struct bj_child was = generation->broker;
    int status;
    if (bj__child_reap(&generation->broker, &status)) {
        broker_ended(generation, &was, status);
        after_end(generation, &was);
    }
    was = generation->front;
    if (bj__child_reap(&generation->front, &status)) {
        front_ended(generation, &was, status);
        after_end(generation, &was);
    }
}

/* ---- the front's log ------------------------------------------------------------------------------ */

static void hear_word(struct bj_generation *generation, const struct bj_log_heard *heard)
{
    if (strcmp(heard->event, "ready") == 0) {
        generation->ready_by_us = UINT64_MAX;
        if (generation->state == BJ_GENERATION_STARTING)
            generation->state = BJ_GENERATION_SERVING;
    } else if (strcmp(heard->event, "self_test") == 0) {
        generation->self_test_heard = true;
        generation->self_test_ok = heard->ok;
        (void)snprintf(generation->self_test, sizeof(generation->self_test), "%s", heard->text);
    }
}

/* Words count whether there is room for their line or not. */
static void hear_line(struct bj_generation *generation, const char *bytes, size_t length)
{
    struct bj_log_line line;
    struct bj_log_heard heard;
    uint64_t refused;
    if (bj__log_rewrite(&generation->heard, bytes, length, &line, &heard) == 0)
        hear_word(generation, &heard);
    if (!bj__log_gate_pass(&generation->gate, bj__now_us(), &refused))
        return;
    bj__log_end(&generation->heard, &line);
    if (refused == 0)
        return;
    bj__log_begin(&line, generation->log, BJ_LOG_WARNING, "front_log_dropped");
    bj__log_number(&line, "lines", (int64_t)refused);
    bj__log_end(generation->log, &line);
}

/* An end of file, or a message of no bytes? */
static bool is_closed(int fd)
{
    struct pollfd peer = {.fd = fd, .events = POLLRDHUP};
    return poll(&peer, 1, 0) > 0 && peer.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

static void hear_front(struct bj_generation *generation)
{
    char bytes[BJ_LOG_MAX];
    for (int n = 0; generation->log_fd >= 0 && n < LINES_AT_ONCE; n++) {
        ssize_t length = recv(generation->log_fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (length < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (length < 0 || (length == 0 && is_closed(generation->log_fd))) {
            bj__fd_close(&generation->log_fd);
            return;
        }
        if (length > 0)
            hear_line(generation, bytes, (size_t)length);
    }
}

/* ---- loop ----------------------------------------------------------------------------------------- */

size_t bj__generation_polls(const struct bj_generation *generation, struct pollfd polls[BJ_GENERATION_POLLS])
{
    const int fds[BJ_GENERATION_POLLS] = {generation->broker.pidfd, generation->front.pidfd,
                                          generation->log_fd};
    size_t count = 0;
    for (size_t n = 0; n < BJ_GENERATION_POLLS; n++)
        if (fds[n] >= 0)
            polls[count++] = (struct pollfd){.fd = fds[n], .events = POLLIN};
    return count;
}

/* A broker whose keeper is gone ends its jails and removes their control groups; only if it does not is it killed. */
static void kill_now(struct bj_generation *generation, uint64_t now)
{
    generation->kill_at_us = UINT64_MAX;
    bj__child_signal(&generation->front, SIGKILL);
    if (generation->state != BJ_GENERATION_DRAINING)
        return;
    if (generation->broker_fd < 0) {
        bj__child_signal(&generation->broker, SIGKILL);
        return;
    }
    bj__fd_close(&generation->broker_fd);
    generation->kill_at_us = now + CLEANING_US;
}

static void do_what_is_due(struct bj_generation *generation, uint64_t now)
{
    if (now >= generation->ready_by_us && generation->front.pid) {
        generation->ready_by_us = UINT64_MAX;
        bj__log_say(generation->log, BJ_LOG_ERROR, "front_not_ready", "it is ended after %llu seconds",
                    READY_US / 1000000ull);
        bj__child_signal(&generation->front, SIGKILL);
    }
    if (now >= generation->kill_at_us && generation->state != BJ_GENERATION_GONE)
        kill_now(generation, now);
    if (now >= generation->start_at_us)
        start_missing(generation);
}

void bj__generation_step(struct bj_generation *generation)
{
    if (generation->state == BJ_GENERATION_GONE)
        return;
    hear_front(generation);
    reap(generation);
    do_what_is_due(generation, bj__now_us());
}

uint64_t bj__generation_next_us(const struct bj_generation *generation)
{
    uint64_t next = generation->start_at_us;
    if (generation->front.pid && generation->ready_by_us < next)
        next = generation->ready_by_us;
    if (generation->kill_at_us < next)
        next = generation->kill_at_us;
    return generation->state == BJ_GENERATION_GONE ? UINT64_MAX : next;
}
