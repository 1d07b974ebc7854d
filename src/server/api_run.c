/* A run for one request: /v1/run, /v1/exec, /v1/eval.
 * Its own file because what a client may put into a body, and what it gets back, is decided here.
 * Changes when: a run is asked for, or answered, in another form. */
#include "server/api.h"
#include "server/read_request.h"

#include <stdio.h>

#define PROGRAMS (1u << BJ_KEY_COMMAND | 1u << BJ_KEY_CODE | 1u << BJ_KEY_EXPRESSION)

/* ---- in ------------------------------------------------------------------------------------------- */

/* Which profile it is of: said, or the service's. */
static bool name_profile(const struct bj_exchange *exchange, struct bj_request *request,
                         struct bj_refusal *refusal)
{
    const char *name = exchange->form == BJ_BODY_PYTHON ? bj__exchange_query(exchange, "profile") : NULL;
    if (!name && !request->spec->profile)
        name = exchange->service->config->default_profile;
    return bj__name_profile(request, name, refusal);
}

bool bj__api_read_request(struct bj_exchange *exchange, uint64_t *ret_branch, struct bj_request *ret_request,
                          struct bj_refusal *refusal)
{
    bool well = exchange->form == BJ_BODY_PYTHON
                    ? bj__read_script(&exchange->body, ret_request, refusal)
                    : bj__read_json(&exchange->body, ret_branch, ret_request, refusal);
    bool in_session = ret_branch != NULL; /* which has its profile already */
    if (well && !in_session && !name_profile(exchange, ret_request, refusal)) {
        bj__request_done(ret_request);
        return false;
    }
    return well;
}

/* Each route has programs of its own. */
bool bj__api_check_program(const struct bj_exchange *exchange, const struct bj_request *request,
                           struct bj_refusal *refusal)
{
    const char *what = exchange->route->what;
    unsigned given = request->keys & PROGRAMS;
    if (strcmp(what, "exec") == 0 && given != 1u << BJ_KEY_CODE)
        return bj__refuse_field(refusal, BJ_REFUSAL_INVALID, "code", "is what runs here, and nothing besides");
    if (strcmp(what, "eval") == 0 && given != 1u << BJ_KEY_EXPRESSION)
        return bj__refuse_field(refusal, BJ_REFUSAL_INVALID, "expression",
                                "is what runs here, and nothing besides");
    return true;
}

/* ---- out ------------------------------------------------------------------------------------------ */

static void on_gone(struct bj_exchange *exchange)
{
    bj__job_cancel(exchange->own);
}

static void on_done(void *user, struct bj_message *message, const struct bj_outcome *outcome)
{
    struct bj_exchange *exchange = user;
    exchange->gone = NULL;
    bj__answer_message(exchange, "application/json", message, outcome->json, outcome->json_length);
}

static void on_refused(void *user, const struct bj_refusal *refusal)
{
    struct bj_exchange *exchange = user;
    exchange->gone = NULL;
    bj__answer_refusal(exchange, refusal);
}

/* In events: the answer begins with the run, so that what was refused before has a status of its own. */
static void on_started(void *user)
{
    struct bj_exchange *exchange = user;
    (void)bj__answer_stream(exchange);
}

static void on_output(void *user, enum bj_stream stream, const void *bytes, size_t length)
{
    struct bj_exchange *exchange = user;
    if (exchange->stream)
        (void)bj__answer_output(exchange, stream, bytes, length);
}

static void on_streamed(void *user, struct bj_message *message, const struct bj_outcome *outcome)
{
    struct bj_exchange *exchange = user;
    (void)message;
    exchange->gone = NULL;
    if (!exchange->stream && !bj__answer_stream(exchange))
        return;
    if (bj__answer_event(exchange, "result", outcome->json, outcome->json_length))
        bj__answer_end(exchange);
}

static void on_broken_off(void *user, const struct bj_refusal *refusal)
{
    struct bj_exchange *exchange = user;
    exchange->gone = NULL;
    if (!exchange->stream)
        bj__answer_refusal(exchange, refusal);
    else
        bj__exchange_abandon(exchange);
}

static const struct bj_job_events whole = {.done = on_done, .refused = on_refused};
static const struct bj_job_events in_events = {
    .started = on_started, .output = on_output, .done = on_streamed, .refused = on_broken_off};

/* ---- start ---------------------------------------------------------------------------------------- */

static void tell_rate(struct bj_exchange *exchange)
{
    const struct bj_client *client = exchange->client;
    char text[32];
    if (client->quota->runs_per_minute == 0)
        return;
    (void)snprintf(text, sizeof(text), "%llu",
                   (unsigned long long)bj__bucket_left(&client->bucket, client->quota, bj__now_us()));
    bj__answer_header(exchange, "RateLimit-Remaining", text);
}

void bj__api_start(struct bj_exchange *exchange, struct bj_job_order *order)
{
    struct bj_refusal refusal;
    struct bj_job *job;
    order->client = exchange->client;
    order->stream = exchange->events;
    order->events = exchange->events ? &in_events : &whole;
    order->user = exchange;
    order->via = exchange->route->what;
    bool started = bj__job_start(exchange->service, order, &job, &refusal);
    tell_rate(exchange);
    if (!started) {
        bj__answer_refusal(exchange, &refusal);
        return;
    }
    bj__answer_header(exchange, "Belljar-Run-Id", job->id);
    exchange->own = job;
    exchange->gone = on_gone;
}

void bj__api_run(struct bj_exchange *exchange)
{
    struct bj_request request = {0};
    struct bj_refusal refusal;
    struct bj_job_order order = {.request = &request, .admitted = true};
    if (!bj__job_admit(exchange->service, exchange->client, &refusal) ||
        !bj__api_read_request(exchange, NULL, &request, &refusal)) {
        bj__answer_refusal(exchange, &refusal);
        return;
    }
    if (bj__api_check_program(exchange, &request, &refusal))
        bj__api_start(exchange, &order);
    else
        bj__answer_refusal(exchange, &refusal);
    bj__request_done(&request);
}
