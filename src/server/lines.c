/* Protocols without HTTP: listeners, connections, turns.
 * Its own file because what is common to them, who waits for whom and for how long, is written once.
 * Changes when: connections are kept in another way. */
#include "server/lines.h"

#include <sys/socket.h>
#include <unistd.h>

#define PIECE          8192u /* read at once */
#define PIECES_A_TURN  16    /* then others have theirs */
#define ACCEPTS_A_TURN 16
#define PROGRESS_BYTES 65536u /* so many count as a sign of life */
#define PARTING_US     1000000u
#define REST_US        100000u
#define LAST_ASK_US    1000000u /* once nobody new is let in, for who is between two requests */

/* ---- turns ---------------------------------------------------------------------------------------- */

void bj__line_watch(struct bj_line *line)
{
    static const uint32_t wanted[BJ_LINE__TURNS] = {[BJ_LINE_CLIENT] = EPOLLIN, [BJ_LINE_PARTING] = EPOLLIN};
    if (line->turn == BJ_LINE_DEAD)
        return;
    /* Besides: EPOLLHUP and EPOLLERR, which come in any case. A half that is closed is none of them: who has asked may say so and
     * still wait for the answer. */
    uint32_t events = wanted[line->turn] | (line->out.length > 0 ? EPOLLOUT : 0);
    if (events == line->events)
        return;
    line->events = events;
    if (bj__loop_change(line->lines->loop, line->fd, events, &line->source) < 0)
        bj__line_drop(line);
}

void bj__line_turn(struct bj_line *line, enum bj_line_turn turn)
{
    struct bj_lines *lines = line->lines;
    TAILQ_REMOVE(line->turn == BJ_LINE_DEAD ? &lines->dead : &lines->turns[line->turn], line, entry);
    line->turn = turn;
    line->since_us = bj__now_us();
    line->moved = 0;
    TAILQ_INSERT_TAIL(turn == BJ_LINE_DEAD ? &lines->dead : &lines->turns[turn], line, entry);
    bj__line_watch(line);
}

void bj__line_progress(struct bj_line *line, size_t bytes)
{
    line->moved += bytes;
    if (line->moved >= PROGRESS_BYTES && line->turn != BJ_LINE_DEAD)
        bj__line_turn(line, line->turn);
}

static void release_frame(struct bj_line *line)
{
    bj__frame_reset(&line->frame);
    bj__service_release(line->lines->service, line->frame_held);
    line->frame_held = 0;
}

void bj__line_drop(struct bj_line *line)
{
    if (line->turn == BJ_LINE_DEAD)
        return;
    bj__job_cancel(line->job);
    line->job = NULL;
    release_frame(line);
    bj__line_release_out(line);
    bj__loop_forget(line->lines->loop, &line->source);
    bj__fd_close(&line->fd);
    line->lines->service->metrics.connections--;
    bj__line_turn(line, BJ_LINE_DEAD);
}

/* ---- requests ------------------------------------------------------------------------------------- */

/* Nothing that follows on this connection could be understood. */
static void refuse_last(struct bj_line *line, const struct bj_refusal *refusal)
{
    line->last = true;
    release_frame(line);
    line->lines->service->metrics.refused[refusal->kind]++;
    line->kind->refused(line, refusal);
}

static void take(struct bj_line *line, const unsigned char *bytes, size_t length)
{
    struct bj_service *service = line->lines->service;
    struct bj_refusal refusal;
    enum bj_frame_state state = BJ_FRAME_NO_MEMORY;
    if (bj__service_hold(service, length)) {
        line->frame_held += length;
        state = bj__frame_take(&line->frame, bytes, length);
    }
    switch (state) {
    case BJ_FRAME_MORE:
        bj__line_progress(line, length);
        break;
    case BJ_FRAME_WHOLE:
        bj__line_turn(line, BJ_LINE_OURS);
        line->kind->asked(line);
        release_frame(line);
        break;
    case BJ_FRAME_TOO_LARGE:
        (void)bj__refuse(&refusal, BJ_REFUSAL_TOO_LARGE, "at most %zu bytes are read here",
                         line->frame.body.maximum);
        refuse_last(line, &refusal);
        break;
    case BJ_FRAME_NO_MEMORY:
    default:
        (void)bj__refuse(&refusal, BJ_REFUSAL_BUFFERS, "too many requests are being read");
        refuse_last(line, &refusal);
        break;
    }
}

/* It says nothing more. In the middle of a request, that is told. */
static void end_of_client(struct bj_line *line)
{
    struct bj_refusal refusal;
    line->client_ended = true;
    if (line->turn != BJ_LINE_CLIENT || !bj__frame_begun(&line->frame)) {
        bj__line_drop(line);
        return;
    }
    if (line->kind->form == BJ_FRAME_NUL)
        (void)bj__refuse(&refusal, BJ_REFUSAL_BAD_REQUEST, "it does not end with a NUL");
    else
        (void)bj__refuse(&refusal, BJ_REFUSAL_BAD_REQUEST, "it ends after %zu bytes of %u",
                         line->frame.body.length, bj__frame_length(&line->frame));
    refuse_last(line, &refusal);
}

/* False: nothing more now. */
static bool read_once(struct bj_line *line)
{
    unsigned char bytes[PIECE];
    size_t wants = line->turn == BJ_LINE_CLIENT ? bj__frame_wants(&line->frame) : PIECE;
    ssize_t n = recv(line->fd, bytes, wants < PIECE ? wants : PIECE, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n < 0)
        bj__line_drop(line);
    else if (n == 0)
        end_of_client(line);
    else if (line->turn == BJ_LINE_CLIENT)
        take(line, bytes, (size_t)n);
    return n > 0 && (line->turn == BJ_LINE_CLIENT || line->turn == BJ_LINE_PARTING);
}

static void on_line(struct bj_source *source, uint32_t events)
{
    struct bj_line *line = (struct bj_line *)source;
    if (events & (EPOLLHUP | EPOLLERR)) {
        bj__line_drop(line);
        return;
    }
    if (events & EPOLLOUT)
        bj__line_flush(line);
    bool reads = (events & EPOLLIN) && (line->turn == BJ_LINE_CLIENT || line->turn == BJ_LINE_PARTING);
    for (int n = 0; reads && n < PIECES_A_TURN; n++)
        reads = read_once(line);
}

/* ---- connections ---------------------------------------------------------------------------------- */

/* Takes the descriptor. */
static void add_line(struct bj_line_listener *listener, int *fd)
{
    struct bj_lines *lines = listener->lines;
    struct bj_service *service = lines->service;
    struct bj_refusal refusal;
    struct bj_line *line = calloc(1, sizeof(*line));
    if (!line)
        return;
    *line =
        (struct bj_line){.source.ready = on_line, .lines = lines, .kind = listener->kind, .events = EPOLLIN};
    if (bj__loop_add(lines->loop, *fd, line->events, &line->source) < 0) {
        free(line);
        return;
    }
    line->fd = bj__fd_take(fd);
    line->since_us = bj__now_us();
    bj__frame_init(&line->frame, line->kind->form, (size_t)service->config->request_bytes);
    bj__buf_init(&line->out, SIZE_MAX / 4);
    bool room = service->metrics.connections < service->config->connections || bj__service_make_room(service);
    service->metrics.connections++;
    service->metrics.connections_total++;
    TAILQ_INSERT_TAIL(&lines->turns[BJ_LINE_CLIENT], line, entry);
    if (room)
        return;
    (void)bj__refuse(&refusal, BJ_REFUSAL_QUEUE_FULL, "%llu connections, and all of them are served",
                     (unsigned long long)service->config->connections);
    refuse_last(line, &refusal);
    bj__line_drop(line);
}

static void on_listener(struct bj_source *source, uint32_t events)
{
    struct bj_line_listener *listener = (struct bj_line_listener *)source;
    struct bj_lines *lines = listener->lines;
    (void)events;
    for (int n = 0; n < ACCEPTS_A_TURN; n++) {
        BJ_FD int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            add_line(listener, &fd);
            continue;
        }
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
            return; /* there is none, or it has gone again */
        lines->rest_until_us = bj__now_us() + REST_US;
        (void)bj__loop_change(lines->loop, listener->fd, 0, source);
        return;
    }
}

int bj__lines_listen(struct bj_lines *lines, const struct bj_line_kind *kind, int *fd)
{
    if (lines->listener_count == BJ_CONFIG_LISTENERS)
        return -E2BIG;
    struct bj_line_listener *listener = &lines->listeners[lines->listener_count++];
    *listener = (struct bj_line_listener){.source.ready = on_listener, .lines = lines, .kind = kind};
    listener->fd = bj__fd_take(fd);
    return 0;
}

int bj__lines_open(struct bj_lines *lines)
{
    int r = 0;
    for (size_t n = 0; r == 0 && n < lines->listener_count; n++)
        r = bj__loop_add(lines->loop, lines->listeners[n].fd, EPOLLIN, &lines->listeners[n].source);
    return r;
}

/* ---- room ----------------------------------------------------------------------------------------- */

static struct bj_line *longest_in(const struct bj_crowd *crowd, enum bj_turn turn)
{
    const struct bj_lines *lines = (const struct bj_lines *)crowd;
    if (turn == BJ_TURN_ANSWER)
        return TAILQ_FIRST(&lines->turns[BJ_LINE_ANSWER]);
    /* Those that have their answer go first. */
    struct bj_line *line = TAILQ_FIRST(&lines->turns[BJ_LINE_PARTING]);
    return line ? line : TAILQ_FIRST(&lines->turns[BJ_LINE_CLIENT]);
}

static uint64_t longest_since(const struct bj_crowd *crowd, enum bj_turn turn)
{
    const struct bj_line *line = longest_in(crowd, turn);
    return line ? line->since_us : UINT64_MAX;
}

static void end_longest(struct bj_crowd *crowd, enum bj_turn turn)
{
    struct bj_line *line = longest_in(crowd, turn);
    if (line)
        bj__line_drop(line);
}

/* ---- life ----------------------------------------------------------------------------------------- */

void bj__lines_init(struct bj_lines *lines, struct bj_service *service, struct bj_loop *loop)
{
    *lines = (struct bj_lines){.service = service, .loop = loop, .ask_until_us = UINT64_MAX};
    lines->crowd = (struct bj_crowd){.longest_since = longest_since, .end_longest = end_longest};
    for (size_t n = 0; n < BJ_LINE__TURNS; n++)
        TAILQ_INIT(&lines->turns[n]);
    TAILQ_INIT(&lines->dead);
    TAILQ_INSERT_TAIL(&service->crowds, &lines->crowd, entry);
}

/* Who has begun to say something is told why it ends. */
static void end_late(struct bj_line *line)
{
    struct bj_refusal refusal;
    line->lines->service->metrics.timed_out += line->turn != BJ_LINE_PARTING;
    if (line->turn != BJ_LINE_CLIENT || !bj__frame_begun(&line->frame)) {
        bj__line_drop(line);
        return;
    }
    (void)bj__refuse(&refusal, BJ_REFUSAL_TIMEOUT, "nothing more has come for too long");
    refuse_last(line, &refusal);
}

static void wake_listeners(struct bj_lines *lines)
{
    lines->rest_until_us = 0;
    for (size_t n = 0; n < lines->listener_count; n++)
        if (lines->listeners[n].fd >= 0)
            (void)bj__loop_change(lines->loop, lines->listeners[n].fd, EPOLLIN, &lines->listeners[n].source);
}

/* Once: nobody comes to be between two requests while the service ends. */
static void end_between_requests(struct bj_lines *lines)
{
    struct bj_line *next = TAILQ_FIRST(&lines->turns[BJ_LINE_CLIENT]);
    lines->ask_until_us = UINT64_MAX;
    while (next) {
        struct bj_line *line = next;
        next = TAILQ_NEXT(line, entry);
        if (line->answered && !bj__frame_begun(&line->frame))
            bj__line_drop(line);
    }
}

uint64_t bj__lines_tend(struct bj_lines *lines, uint64_t now_us)
{
    uint64_t idle_us = lines->service->config->idle_us;
    const uint64_t most_us[BJ_LINE__TURNS] = {[BJ_LINE_CLIENT] = idle_us,
                                              [BJ_LINE_OURS] = UINT64_MAX,
                                              [BJ_LINE_ANSWER] = idle_us,
                                              [BJ_LINE_PARTING] = PARTING_US};
    struct bj_line *line;
    if (lines->ask_until_us <= now_us)
        end_between_requests(lines);
    uint64_t next_us = lines->ask_until_us;
    if (lines->rest_until_us > 0 && lines->rest_until_us <= now_us)
        wake_listeners(lines);
    else if (lines->rest_until_us > 0)
        next_us = lines->rest_until_us < next_us ? lines->rest_until_us : next_us;
    for (size_t turn = 0; turn < BJ_LINE__TURNS; turn++) {
        if (most_us[turn] == UINT64_MAX)
            continue;
        while ((line = TAILQ_FIRST(&lines->turns[turn])) && line->since_us + most_us[turn] <= now_us)
            end_late(line);
        if (line && line->since_us + most_us[turn] < next_us)
            next_us = line->since_us + most_us[turn];
    }
    while ((line = TAILQ_FIRST(&lines->dead))) {
        TAILQ_REMOVE(&lines->dead, line, entry);
        free(line);
    }
    return next_us;
}

bool bj__lines_busy(const struct bj_lines *lines)
{
    return !TAILQ_EMPTY(&lines->turns[BJ_LINE_CLIENT]) || !TAILQ_EMPTY(&lines->turns[BJ_LINE_OURS]) ||
           !TAILQ_EMPTY(&lines->turns[BJ_LINE_ANSWER]);
}

void bj__lines_drain(struct bj_lines *lines)
{
    lines->ask_until_us = bj__now_us() + LAST_ASK_US;
    /* Only closed: the keeper has them too, and hands them on. */
    for (size_t n = 0; n < lines->listener_count; n++) {
        (void)bj__loop_remove(lines->loop, lines->listeners[n].fd, &lines->listeners[n].source);
        bj__fd_close(&lines->listeners[n].fd);
    }
}

void bj__lines_done(struct bj_lines *lines)
{
    struct bj_line *line;
    struct bj_refusal refusal;
    if (!lines->service)
        return; /* it has not begun */
    (void)bj__refuse(&refusal, BJ_REFUSAL_DRAINING, "the service ends; ask another one");
    bj__lines_drain(lines);
    while ((line = TAILQ_FIRST(&lines->turns[BJ_LINE_CLIENT]))) {
        if (bj__frame_begun(&line->frame))
            refuse_last(line, &refusal);
        else
            bj__line_drop(line);
    }
    while ((line = TAILQ_FIRST(&lines->turns[BJ_LINE_OURS]))) {
        bj__job_cancel(line->job);
        line->job = NULL;
        refuse_last(line, &refusal);
    }
    for (size_t turn = 0; turn < BJ_LINE__TURNS; turn++)
        while ((line = TAILQ_FIRST(&lines->turns[turn])))
            bj__line_drop(line);
    (void)bj__lines_tend(lines, 0);
}
