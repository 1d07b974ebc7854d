/* A Python program and a NUL; what it writes and a NUL: a listener of the kind "nul".
 * Its own file because what is said there is a promise of its own, to clients of remote_exec.py: belljard(8), A PROGRAM AND A NUL.
 * Changes when: that does. */
#include "server/lines.h"
#include "server/read_request.h"
#include "spec/json_read.h"
#include "spec/limits.h"

#include <stdio.h>

#define WALL_US   6000000u   /* the protocol's own limit */
#define MOST      (4u << 20) /* bytes of output that may wait for who reads them slowly */
#define GAVE_UP   "Six seconds of execution passed, giving up"
#define SIGNALLED "Signal received"

enum {
#define X(field, name, unit, least, most) LIMIT_##field,
    BJ_LIMIT_LIST(X)
#undef X
};

/* ---- out ------------------------------------------------------------------------------------------ */

/* Too much is waiting: the client does not read. Half of an output would be a lie, so there is no end of it either. */
static void say(struct bj_line *line, const void *bytes, size_t length)
{
    if (bj__line_say(line, bytes, length, MOST) < 0)
        bj__line_drop(line);
}

/* On a line of its own; NULL: nothing. And the end. */
static void end(struct bj_line *line, const char *text)
{
    if (text && line->tail && line->tail != '\n')
        say(line, "\n", 1);
    say(line, text ? text : "", (text ? strlen(text) : 0) + 1);
    bj__line_answered(line);
}

static void refused(struct bj_line *line, const struct bj_refusal *refusal)
{
    char text[sizeof(refusal->error.message) + sizeof(refusal->error.field) + 96];
    const struct bj_error *error = &refusal->error;
    line->job = NULL;
    (void)snprintf(text, sizeof(text), "%s: %s%s%s", bj__refusal_title(refusal->kind), error->field,
                   error->field[0] ? ": " : "", error->message);
    end(line, refusal->kind == BJ_REFUSAL_DRAINING ? SIGNALLED : text);
}

static void on_refused(void *user, const struct bj_refusal *refusal)
{
    refused(user, refusal);
}

/* A NUL is the end and nothing else: those of the program are shown as what cannot be shown. */
static void say_guests(struct bj_line *line, const char *bytes, size_t length)
{
    BJ_BUF struct bj_buf text = {.maximum = MOST};
    int r = 0;
    if (length == 0 || !memchr(bytes, 0, length)) {
        say(line, bytes, length);
        return;
    }
    for (size_t n = 0; r == 0 && n < length; n++)
        r = bytes[n] ? bj__buf_add(&text, bytes + n, 1) : bj__buf_add(&text, "\xef\xbf\xbd", 3);
    if (r < 0)
        bj__line_drop(line);
    else
        say(line, text.bytes, text.length);
}

static void on_output(void *user, enum bj_stream stream, const void *bytes, size_t length)
{
    (void)stream;
    say_guests(user, bytes, length);
}

/* A snippet's exception is told beside its output; Python's own program writes it to stderr, and so it was here. */
static void say_exception(struct bj_line *line, const char *exception)
{
    BJ_JSON json_t *object = exception ? json_loads(exception, JSON_ALLOW_NUL, NULL) : NULL;
    const json_t *traceback = json_object_get(object, "traceback");
    if (json_string_length(traceback) > 0)
        say_guests(line, json_string_value(traceback), json_string_length(traceback));
}

/* What the program cannot have said itself. */
static const char *last_words(const struct bj_outcome *outcome)
{
    static const char *const texts[BJ_STATUS__COUNT] = {
        [BJ_STATUS_MEMORY_LIMIT] = "The limit of memory was reached",
        [BJ_STATUS_PROCESS_LIMIT] = "The limit of processes was reached",
        [BJ_STATUS_OUTPUT_LIMIT] = "The limit of output was reached",
        [BJ_STATUS_DISK_LIMIT] = "The limit of disk space was reached",
        [BJ_STATUS_DENIED] = "The program did what is not allowed, and was ended",
        [BJ_STATUS_CANCELLED] = SIGNALLED,
    };
    static const bool may_be_said[BJ_STATUS__COUNT] = {
        [BJ_STATUS_MEMORY_LIMIT] = true, [BJ_STATUS_PROCESS_LIMIT] = true, [BJ_STATUS_DISK_LIMIT] = true};
    if (outcome->exception && may_be_said[outcome->status])
        return NULL;
    if (outcome->status == BJ_STATUS_JAIL_ERROR)
        return outcome->error ? outcome->error : "The service failed";
    if (outcome->status == BJ_STATUS_TIME_LIMIT)
        return outcome->limit && strcmp(outcome->limit, "cpu") == 0 ? "The limit of processor time was reached"
                                                                    : GAVE_UP;
    if (!texts[outcome->status] && (outcome->truncated[BJ_STDOUT] || outcome->truncated[BJ_STDERR]))
        return texts[BJ_STATUS_OUTPUT_LIMIT];
    return texts[outcome->status];
}

static void on_done(void *user, struct bj_message *message, const struct bj_outcome *outcome)
{
    struct bj_line *line = user;
    (void)message;
    line->job = NULL;
    say_exception(line, outcome->exception);
    end(line, last_words(outcome));
}

static const struct bj_job_events events = {.output = on_output, .done = on_done, .refused = on_refused};

/* ---- in ------------------------------------------------------------------------------------------- */

/* Six seconds, unless the profile gives less. */
static void limit_wall(const struct bj_service *service, struct bj_request *request)
{
    const struct bj_profile_known *profile = bj__service_profile(service, request->spec->profile);
    const json_t *seconds =
        json_object_get(json_object_get(profile ? profile->tree : NULL, "limits"), "wall_seconds");
    if (json_is_number(seconds) && json_number_value(seconds) * 1e6 <= WALL_US)
        return;
    request->spec->limits.wall_us = WALL_US;
    request->limit_keys |= 1u << LIMIT_wall_us;
    request->keys |= 1u << BJ_KEY_LIMITS;
}

static bool start(struct bj_line *line, struct bj_refusal *refusal)
{
    struct bj_service *service = line->lines->service;
    struct bj_client *client = bj__clients_anonymous(&service->clients);
    struct bj_request request = {0};
    struct bj_job_order order = {.client = client,
                                 .request = &request,
                                 .admitted = true,
                                 .stream = true,
                                 .merged = true,
                                 .parts = true,
                                 .via = "nul",
                                 .events = &events,
                                 .user = line};
    if (!bj__job_admit(service, client, refusal) || !bj__read_script(&line->frame.body, &request, refusal))
        return false;
    bool well = bj__name_profile(&request, service->config->default_profile, refusal);
    if (well) {
        limit_wall(service, &request);
        well = bj__job_start(service, &order, &line->job, refusal);
    }
    bj__request_done(&request);
    return well;
}

/* No program at all is one that does nothing. */
static void asked(struct bj_line *line)
{
    struct bj_refusal refusal;
    if (line->frame.body.length == 0)
        end(line, NULL);
    else if (!start(line, &refusal))
        refused(line, &refusal);
}

const struct bj_line_kind bj__line_nul = {
    .form = BJ_FRAME_NUL, .again = false, .asked = asked, .refused = refused};
