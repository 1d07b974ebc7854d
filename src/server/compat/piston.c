/* Runs for clients of Piston: POST /api/v2/execute, GET /api/v2/runtimes.
 * Its own file because it is how a run of theirs goes, and how it is told.
 * Changes when: Piston answers in another way.
 *
 * What is compiled is compiled in one jail and run in another one, each with limits of its own; the program crosses as a file. */
#include "server/compat/piston.h"
#include "base/names.h"
#include "server/api.h"
#include "server/compat/compat.h"
#include "spec/json_read.h"

#include <stdio.h>

struct piston {
    struct bj_exchange *exchange;
    struct bj_job *job;
    struct bj_piston_ask ask;
    enum bj_piston_stage stage;
    struct bj_buf output; /* both streams as they came */
    json_t *compiled;     /* owned: how that stage went; NULL: there was none */
};

json_t *bj__piston_tell(const struct bj_refusal *refusal, unsigned *status)
{
    json_t *problem = json_object();
    *status = bj__compat_status(*status);
    bj__compat_put(problem, "message",
                   json_string(refusal->kind == BJ_REFUSAL_MEDIA_TYPE
                                   ? "requests must be of type application/json"
                                   : refusal->error.message));
    return problem;
}

static void drop(struct piston *piston)
{
    json_decref(piston->ask.root);
    json_decref(piston->compiled);
    bj__buf_done(&piston->output);
    free(piston);
}

/* ---- out ------------------------------------------------------------------------------------------- */

struct verdict {
    const char *status; /* NULL: it went well */
    char message[160];
    int signal;
    bool has_code;
};

static void judge(const struct bj_outcome *outcome, struct verdict *ret)
{
    const char *status = outcome->exit_code == 0 ? NULL : "RE";
    bool cpu = outcome->limit && strcmp(outcome->limit, "cpu") == 0;
    bool errors = outcome->truncated[BJ_STDERR] && !outcome->truncated[BJ_STDOUT];
    *ret = (struct verdict){.has_code = outcome->exit_code >= 0, .signal = outcome->signal};
    if (outcome->status == BJ_STATUS_TIME_LIMIT || outcome->status == BJ_STATUS_OUTPUT_LIMIT ||
        outcome->status == BJ_STATUS_MEMORY_LIMIT || outcome->status == BJ_STATUS_DENIED) {
        ret->has_code = false;
        ret->signal =
            outcome->status == BJ_STATUS_DENIED && outcome->signal > 0 ? outcome->signal : 9; /* SIGKILL */
    }
    if (outcome->status == BJ_STATUS_JAIL_ERROR) {
        ret->status = "XX";
        (void)snprintf(ret->message, sizeof(ret->message), "%.150s",
                       outcome->error ? outcome->error : "internal error");
    } else if (outcome->status == BJ_STATUS_TIME_LIMIT) {
        ret->status = "TO";
        (void)snprintf(ret->message, sizeof(ret->message), "Time limit exceeded%s", cpu ? "" : " (wall clock)");
    } else if (outcome->status == BJ_STATUS_OUTPUT_LIMIT) {
        ret->status = errors ? "EL" : "OL";
        (void)snprintf(ret->message, sizeof(ret->message), "%s length exceeded", errors ? "stderr" : "stdout");
    } else if (ret->signal > 0) {
        ret->status = "SG";
        (void)snprintf(ret->message, sizeof(ret->message), "Caught fatal signal %d", ret->signal);
    } else if (status) {
        ret->status = status;
        (void)snprintf(ret->message, sizeof(ret->message), "Exited with error status %d", outcome->exit_code);
    }
}

static json_t *number_or_null(bool known, uint64_t number)
{
    return known ? json_integer((json_int_t)number) : json_null();
}

static json_t *tell_stage(const struct bj_outcome *outcome, const struct bj_buf *output)
{
    json_t *stage = json_object();
    struct verdict verdict;
    judge(outcome, &verdict);
    const char *name = verdict.signal > 0 ? bj__signal_name(verdict.signal) : NULL;
    bj__compat_put(stage, "stdout",
                   bj__compat_text(outcome->output[BJ_STDOUT], outcome->output_length[BJ_STDOUT]));
    bj__compat_put(stage, "stderr",
                   bj__compat_text(outcome->output[BJ_STDERR], outcome->output_length[BJ_STDERR]));
    bj__compat_put(stage, "output", bj__compat_text(output->bytes, output->length));
    bj__compat_put(stage, "code", number_or_null(verdict.has_code, (uint64_t)outcome->exit_code));
    bj__compat_put(stage, "signal", name ? json_string(name) : json_null());
    bj__compat_put(stage, "message", verdict.status ? json_string(verdict.message) : json_null());
    bj__compat_put(stage, "status", verdict.status ? json_string(verdict.status) : json_null());
    bj__compat_put(stage, "cpu_time", number_or_null(outcome->cpu_us != UINT64_MAX, outcome->cpu_us / 1000));
    bj__compat_put(stage, "wall_time", number_or_null(true, outcome->wall_us / 1000));
    bj__compat_put(stage, "memory", number_or_null(outcome->memory_bytes != UINT64_MAX, outcome->memory_bytes));
    return stage;
}

/* Takes the stage. What could not be compiled was run as badly. */
static void answer(struct piston *piston, json_t *stage)
{
    struct bj_exchange *exchange = piston->exchange;
    json_t *whole = json_object();
    if (piston->stage == BJ_PISTON_COMPILE)
        piston->compiled = json_incref(stage);
    bj__compat_put(whole, "run", stage);
    if (piston->compiled)
        bj__compat_put(whole, "compile", json_incref(piston->compiled));
    bj__compat_put(whole, "language", json_string(piston->ask.runtime->language));
    bj__compat_put(whole, "version", json_string(piston->ask.version));
    bj__api_answer_json(exchange, 200, whole);
    drop(piston);
}

/* ---- stages ---------------------------------------------------------------------------------------- */

static bool start(struct piston *piston, const struct bj_outcome_file *binary);

static void on_output(void *user, enum bj_stream stream, const void *bytes, size_t length)
{
    struct piston *piston = user;
    (void)stream;
    (void)bj__buf_add(&piston->output, bytes, length); /* what does not fit stands in stdout and stderr */
}

static void on_done(void *user, struct bj_message *message, const struct bj_outcome *outcome)
{
    struct piston *piston = user;
    struct bj_outcome_file binary = {0};
    piston->exchange->gone = NULL;
    json_t *stage = tell_stage(outcome, &piston->output);
    bool made = piston->stage == BJ_PISTON_COMPILE && outcome->status == BJ_STATUS_OK &&
                bj__outcome_file(message, 0, &binary) == 0 && binary.bytes;
    if (!made) {
        answer(piston, stage);
        return;
    }
    piston->compiled = stage;
    piston->stage = BJ_PISTON_RUN;
    bj__buf_done(&piston->output);
    bj__buf_init(&piston->output, 2 * (size_t)BJ_MAX_OUTPUT);
    if (!start(piston, &binary))
        drop(piston);
}

static void on_refused(void *user, const struct bj_refusal *refusal)
{
    struct piston *piston = user;
    piston->exchange->gone = NULL;
    bj__answer_refusal(piston->exchange, refusal);
    drop(piston);
}

static void on_gone(struct bj_exchange *exchange)
{
    struct piston *piston = exchange->own;
    bj__job_cancel(piston->job);
    drop(piston);
}

static const struct bj_job_events events = {.output = on_output, .done = on_done, .refused = on_refused};

/* false: the exchange was answered with why not. */
static bool start(struct piston *piston, const struct bj_outcome_file *binary)
{
    struct bj_exchange *exchange = piston->exchange;
    struct bj_request request = {0};
    struct bj_refusal refusal;
    struct bj_job_order order = {.request = &request, .stream = true, .events = &events, .user = piston};
    bool started = false;
    if (!bj__piston_request(&piston->ask, piston->stage, binary, &request, &refusal))
        bj__answer_refusal(exchange, &refusal);
    else
        started = bj__compat_start(exchange, &order, &piston->job);
    bj__request_done(&request);
    if (started) {
        exchange->own = piston;
        exchange->gone = on_gone;
    }
    return started;
}

void bj__piston_execute(struct bj_exchange *exchange)
{
    struct bj_refusal refusal;
    BJ_JSON json_t *root = NULL;
    if (!bj__piston_read(exchange, &root, &refusal)) {
        bj__answer_refusal(exchange, &refusal);
        return;
    }
    if (!bj__runtimes_known(exchange, json_string_value(json_object_get(root, "language")), bj__piston_execute))
        return;
    struct piston *piston = calloc(1, sizeof(*piston));
    if (!piston) {
        (void)bj__refuse(&refusal, BJ_REFUSAL_BUFFERS, "there is no memory for it now");
        bj__answer_refusal(exchange, &refusal);
        return;
    }
    *piston = (struct piston){.exchange = exchange, .ask = {.root = json_incref(root)}};
    bj__buf_init(&piston->output, 2 * (size_t)BJ_MAX_OUTPUT);
    bool chosen = bj__piston_choose(exchange, &piston->ask, &refusal);
    if (!chosen)
        bj__answer_refusal(exchange, &refusal);
    else
        piston->stage = piston->ask.runtime->compile[0] ? BJ_PISTON_COMPILE : BJ_PISTON_RUN;
    if (!chosen || !start(piston, NULL))
        drop(piston);
}

/* ---- runtimes -------------------------------------------------------------------------------------- */

void bj__piston_runtimes(struct bj_exchange *exchange)
{
    const struct bj_runtime *runtime = NULL;
    const char *version = NULL;
    if (!bj__runtimes_known(exchange, NULL, bj__piston_runtimes))
        return;
    json_t *list = json_array();
    while ((runtime = bj__runtime_next(exchange, runtime, &version))) {
        json_t *item = json_object();
        json_t *aliases = json_array();
        for (const char *const *alias = runtime->aliases; *alias; alias++)
            (void)json_array_append_new(aliases, json_string(*alias));
        bj__compat_put(item, "language", json_string(runtime->language));
        bj__compat_put(item, "version", json_string(version));
        bj__compat_put(item, "aliases", aliases);
        if (runtime->runtime)
            bj__compat_put(item, "runtime", json_string(runtime->runtime));
        (void)json_array_append_new(list, item);
    }
    bj__api_answer_json(exchange, 200, list);
}
