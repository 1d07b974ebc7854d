/* Calls of the caller's functions: read, handed on, answered.
 * Its own file because it is the only place where a guest makes its host do something, and waits for it.
 * Changes when: a call can be answered in another way.
 *
 * The guest may write anything, at any time, and read nothing. So there is one call at a time: while it is under way nothing more is
 * read, what is kept is one call and one answer, both bounded, and no write waits for anybody. What is no call in its turn ends the
 * listening: it is taken for a part of the reply, which is none then. */
#include "supervise/calls.h"

#include "base/json_scan.h"
#include "base/utf8.h"
#include "spec/build.h"
#include "spec/json_text.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#define AT_ONCE       8u    /* calls, then the others have their turn */
#define MAX_EXCEPTION 4096u /* bytes of its message that are told */
#define ARENA         ((size_t)BJ_MAX_CALLS * 128)

int bj__calls_start(struct bj_run *run, const struct bj_strings *names, struct bj_error *err)
{
    if (names->count == 0)
        return 0;
    struct bj_calls *calls = calloc(1, sizeof(*calls));
    if (!calls)
        return bj__error_memory(err);
    run->calls = calls;
    bj__arena_init(&calls->arena, ARENA);
    bj__call_frame_init(&calls->frame);
    bj__buf_init(&calls->answer, sizeof(struct bj_answer_head) + BJ_MAX_CALL);
    return bj__strings_copy(&calls->arena, names, &calls->names) < 0 ? bj__error_memory(err) : 0;
}

void bj__calls_free(struct bj_run *run)
{
    if (!run->calls)
        return;
    bj__call_frame_done(&run->calls->frame);
    bj__buf_done(&run->calls->answer);
    bj__arena_done(&run->calls->arena);
    free(run->calls);
    run->calls = NULL;
}

void bj_run_on_call(struct bj_run *run, bj_call_fn fn, void *user)
{
    if (!run->calls)
        return;
    run->calls->fn = fn;
    run->calls->user = user;
}

/* ---- answers -------------------------------------------------------------------------------------- */

static void listen_again(struct bj_run *run)
{
    struct bj_calls *calls = run->calls;
    bj__buf_done(&calls->answer);
    calls->state = BJ_CALLS_HEAR;
    if (calls->inside)
        return;
    int r = run->streams.reply_fd >= 0 ? bj__watch(run, run->streams.reply_fd, BJ_WATCH_REPLY, EPOLLIN) : 0;
    if (r < 0)
        bj__run_fail(run, -r, "watch the snippet's calls");
}

void bj__calls_write(struct bj_run *run)
{
    struct bj_calls *calls = run->calls;
    if (calls->state != BJ_CALLS_ANSWER)
        return;
    while (calls->answered < calls->answer.length) {
        ssize_t n = bj__write_quietly(run->streams.answer_fd, calls->answer.bytes + calls->answered,
                                      calls->answer.length - calls->answered);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            int r = bj__watch(run, run->streams.answer_fd, BJ_WATCH_ANSWER, EPOLLOUT);
            if (r < 0)
                bj__run_fail(run, -r, "watch the snippet's answers");
            return;
        }
        if (n < 0) /* EPIPE: the guest has closed it, which is its right */
            break;
        calls->answered += (size_t)n;
    }
    bj__unwatch(run, run->streams.answer_fd);
    listen_again(run);
}

static int answer(struct bj_run *run, enum bj_answer_kind kind, const char *text, size_t length)
{
    struct bj_calls *calls = run->calls;
    const struct bj_answer_head head = {BJ_ANSWER_MAGIC, calls->number, kind, (uint32_t)length};
    bj__buf_done(&calls->answer);
    int r = bj__buf_add(&calls->answer, &head, sizeof(head));
    if (r == 0)
        r = bj__buf_add(&calls->answer, text, length);
    if (r < 0)
        return r;
    calls->used_us += bj__now_us() - calls->begun_us;
    run->next_call_check_us = UINT64_MAX;
    calls->state = BJ_CALLS_ANSWER;
    calls->answered = 0;
    bj__calls_write(run);
    return 0;
}

/* Text of any bytes, cut to fit. A reference. */
static json_t *text_json(const char *text)
{
    BJ_BUF struct bj_buf clean;
    size_t length = strnlen(text, MAX_EXCEPTION);
    bj__buf_init(&clean, 3 * (size_t)MAX_EXCEPTION);
    return bj__utf8_add(&clean, (const unsigned char *)text, length) < 0
               ? NULL
               : json_stringn((const char *)clean.bytes, clean.length);
}

static int answer_exception(struct bj_run *run, const char *type, const char *message)
{
    json_t *object = json_pack("{s:o, s:o}", "type", text_json(type), "message", text_json(message));
    BJ_FREE char *text = object ? bj__json_dump(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return text ? answer(run, BJ_ANSWER_EXCEPTION, text, strlen(text)) : -ENOMEM;
}

static bool is_time_over(const struct bj_run *run)
{
    const struct bj_calls *calls = run->calls;
    uint64_t limit = run->limits.call_us;
    return limit > 0 && calls->used_us + (bj__now_us() - calls->begun_us) >= limit;
}

/* -ENOMEM ends the run: the guest would wait in vain. */
static void refuse_for_time(struct bj_run *run)
{
    char text[120];
    (void)snprintf(text, sizeof(text),
                   "the host's functions have had their %.15g seconds (limits.call_seconds)",
                   (double)run->limits.call_us / 1e6);
    int r = answer_exception(run, "TimeoutError", text);
    if (r < 0)
        bj__run_fail(run, -r, "answer the snippet's call");
}

void bj__calls_time_out(struct bj_run *run)
{
    run->next_call_check_us = UINT64_MAX;
    if (run->calls && run->calls->state == BJ_CALLS_HELD)
        refuse_for_time(run);
}

/* The caller's function has held up the loop, and with it the clock: what is due is looked at before the guest goes on. */
static void look_at_the_clock(struct bj_run *run)
{
    uint64_t now = bj__now_us();
    if (now >= run->wall_deadline_us || now >= run->next_cpu_check_us)
        bj__clocks_check(run);
}

/* 1: it waits for this answer, and gets another one or none: its time is over. */
static int check_call(struct bj_run *run, uint32_t call, struct bj_error *err)
{
    const struct bj_calls *calls = run->calls;
    if (run->over || !calls || calls->state != BJ_CALLS_HELD || calls->number != call)
        return bj__error(err, BJ_ERROR_STATE, ESRCH, "call",
                         "call %u waits for no answer: it has one, its time is over, or its run is", call);
    look_at_the_clock(run);
    if (run->killed != BJ_KILL_NONE || calls->state != BJ_CALLS_HELD)
        return 1;
    if (!is_time_over(run))
        return 0;
    bj__calls_time_out(run);
    return 1;
}

static int answered(int r, struct bj_error *err)
{
    return r < 0 ? bj__error_memory(err) : 0;
}

int bj_run_answer(struct bj_run *run, uint32_t call, const char *value, struct bj_error *err)
{
    size_t length = value ? strlen(value) : 0;
    int r = check_call(run, call, err);
    if (r != 0)
        return r < 0 ? r : 0;
    uint64_t most = run->limits.call_bytes;
    if (length > most)
        return bj__error(err, BJ_ERROR_INVALID, E2BIG, "limits.call_bytes",
                         "the value has %zu bytes as JSON; at most %llu are answered", length,
                         (unsigned long long)most);
    if (!value || !bj__json_is_valid(value, length, BJ_REPLY_DEPTH))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "value",
                         "is no JSON text that is nested %d times at most", BJ_REPLY_DEPTH);
    return answered(answer(run, BJ_ANSWER_VALUE, value, length), err);
}

int bj_run_answer_error(struct bj_run *run, uint32_t call, const char *type, const char *message,
                        struct bj_error *err)
{
    int r = check_call(run, call, err);
    if (r != 0)
        return r < 0 ? r : 0;
    return answered(answer_exception(run, type ? type : "Exception", message ? message : ""), err);
}

/* ---- calls ---------------------------------------------------------------------------------------- */

/* The time that is left is looked at by the clock only if the caller's function has not answered at once. */
static void hold(struct bj_run *run)
{
    struct bj_calls *calls = run->calls;
    bj__unwatch(run, run->streams.reply_fd);
    if (calls->state != BJ_CALLS_HELD || run->limits.call_us == 0)
        return;
    uint64_t limit = run->limits.call_us;
    uint64_t left = calls->used_us < limit ? limit - calls->used_us : 0;
    run->next_call_check_us = calls->begun_us + left;
    bj__clocks_arm(run);
}

static void hand_on(struct bj_run *run)
{
    struct bj_calls *calls = run->calls;
    const struct bj_call_frame *frame = &calls->frame;
    calls->number++;
    calls->begun_us = bj__now_us();
    calls->state = BJ_CALLS_HELD;
    calls->inside = true;
    if (is_time_over(run))
        refuse_for_time(run);
    else if (!calls->fn)
        (void)answer_exception(run, "LookupError", "the host has nobody who answers"); /* checked below */
    else
        calls->fn(calls->user, calls->number, bj__call_frame_name(frame), bj__call_frame_arguments(frame),
                  bj__call_frame_keywords(frame));
    calls->inside = false;
    bj__call_frame_reset(&calls->frame);
    if (calls->state == BJ_CALLS_HELD && !calls->fn)
        bj__run_fail(run, ENOMEM, "answer the snippet's call");
    if (calls->state != BJ_CALLS_HEAR)
        hold(run);
}

/* Its first bytes have been read already. */
static void give_up(struct bj_run *run)
{
    struct bj_calls *calls = run->calls;
    calls->state = BJ_CALLS_DEAF;
    int r = bj__buf_add(&run->reply, &calls->frame.head, calls->frame.head_length);
    if (r == -ENOBUFS)
        bj__run_end(run, BJ_KILL_OUTPUT);
    else if (r < 0)
        bj__run_fail(run, -r, "keep the snippet's reply");
    bj__call_frame_reset(&calls->frame);
}

/* Whoever is about to end, or dead, makes nobody work. */
static void drop(struct bj_calls *calls)
{
    calls->number++;
    bj__call_frame_reset(&calls->frame);
}

/* It is not whole yet. */
static bool take(struct bj_run *run, const unsigned char *bytes, size_t length)
{
    struct bj_calls *calls = run->calls;
    const struct bj_call_rules rules = {
        .names = &calls->names, .number = calls->number + 1, .max_bytes = run->limits.call_bytes};
    enum bj_call_outcome outcome = BJ_CALL_MORE;
    int r = bj__call_frame_add(&calls->frame, &rules, bytes, length, &outcome);
    if (r < 0) {
        bj__run_fail(run, -r, "keep the snippet's call");
        outcome = BJ_CALL_NONE;
    }
    bool over_count = calls->number >= run->limits.calls; /* an honest guest counts as well */
    if (outcome == BJ_CALL_NONE || (outcome == BJ_CALL_WHOLE && over_count))
        give_up(run);
    else if (outcome == BJ_CALL_WHOLE && (calls->over || run->killed != BJ_KILL_NONE))
        drop(calls);
    else if (outcome == BJ_CALL_WHOLE)
        hand_on(run);
    return outcome == BJ_CALL_MORE;
}

bool bj__calls_read(struct bj_run *run)
{
    struct bj_calls *calls = run->calls;
    unsigned char bytes[8192];
    for (unsigned whole = 0; whole < AT_ONCE && calls->state == BJ_CALLS_HEAR && run->streams.reply_fd >= 0;) {
        size_t wants = bj__call_frame_wants(&calls->frame);
        ssize_t n = read(run->streams.reply_fd, bytes, wants < sizeof(bytes) ? wants : sizeof(bytes));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n <= 0) {
            give_up(run); /* what it is, is said where the reply is read */
            return true;
        }
        whole += !take(run, bytes, (size_t)n);
    }
    return calls->state == BJ_CALLS_DEAF;
}

void bj__calls_finish(struct bj_run *run)
{
    struct bj_calls *calls = run->calls;
    calls->over = true;
    if (calls->state != BJ_CALLS_DEAF)
        calls->state = BJ_CALLS_HEAR;
}
