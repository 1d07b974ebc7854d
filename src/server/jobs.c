/* Runs on their way.
 * Its own file because who waits, who is next and what becomes of whom nobody waits for is decided here alone.
 * Changes when: runs wait in another order, or more is told of them. */
#include "server/service.h"
#include "spec/spec_wire.h"

#include <stdio.h>

void bj__jobs_init(struct bj_jobs *jobs)
{
    *jobs = (struct bj_jobs){0};
    TAILQ_INIT(&jobs->turns);
    TAILQ_INIT(&jobs->by_age);
    TAILQ_INIT(&jobs->ended);
}

static void leave_line(struct bj_job *job)
{
    struct bj_jobs *jobs = &job->service->jobs;
    TAILQ_REMOVE(&jobs->by_age, job, by_age);
    TAILQ_REMOVE(&job->client->waiting, job, of_client);
    if (TAILQ_EMPTY(&job->client->waiting))
        TAILQ_REMOVE(&jobs->turns, job->client, turn);
    jobs->waiting--;
}

static void join_line(struct bj_job *job)
{
    struct bj_jobs *jobs = &job->service->jobs;
    if (TAILQ_EMPTY(&job->client->waiting))
        TAILQ_INSERT_TAIL(&jobs->turns, job->client, turn);
    TAILQ_INSERT_TAIL(&job->client->waiting, job, of_client);
    TAILQ_INSERT_TAIL(&jobs->by_age, job, by_age);
    jobs->waiting++;
}

/* ---- what is told --------------------------------------------------------------------------------- */

static void log_run(const struct bj_job *job)
{
    struct bj_log *log = &job->service->log;
    struct bj_log_line line;
    bj__log_begin(&line, log, BJ_LOG_INFO, "run");
    bj__log_text(&line, "id", job->id);
    bj__log_text(&line, "client", job->client->name);
    bj__log_text(&line, "via", job->via);
    bj__log_text(&line, "profile", job->profile);
    bj__log_text(&line, "status", job->outcome);
    bj__log_number(&line, "queue_us", job->started_us ? (int64_t)(job->started_us - job->asked_us) : 0);
    bj__log_number(&line, "wall_us", (int64_t)job->wall_us);
    bj__log_number(&line, "whole_us", (int64_t)(job->ended_us - job->asked_us));
    bj__log_end(log, &line);
}

void bj__jobs_log(struct bj_service *service)
{
    struct bj_job *job;
    while ((job = TAILQ_FIRST(&service->jobs.ended))) {
        TAILQ_REMOVE(&service->jobs.ended, job, by_age);
        log_run(job);
        bj__service_release(job->service, job->body.length);
        bj__buf_done(&job->body);
        free(job);
    }
}

/* Nothing is told of it any more but a line of the log, and that when who asked has his answer. */
static void finish(struct bj_job *job, const char *outcome)
{
    job->client->runs--;
    job->outcome = outcome;
    job->ended_us = bj__now_us();
    TAILQ_INSERT_TAIL(&job->service->jobs.ended, job, by_age);
}

static void finish_refused(struct bj_job *job, const struct bj_refusal *refusal)
{
    bool told = job->state != BJ_JOB_LEFT;
    job->service->metrics.refused[refusal->kind]++;
    finish(job, bj__refusal_word(refusal->kind));
    if (told)
        job->events->refused(job->user, refusal);
}

static void count_run(const struct bj_job *job, const struct bj_outcome *outcome)
{
    struct bj_service *service = job->service;
    size_t place = 0;
    while (place < service->profile_count && strcmp(service->profiles[place].name, job->profile) != 0)
        place++;
    if (place == service->profile_count)
        place = BJ_CONFIG_PROFILES;
    service->metrics.runs[place][outcome->status]++;
    bj__metrics_observe(&service->metrics.run_wall, outcome->wall_us);
}

static void finish_done(struct bj_job *job, struct bj_message *message)
{
    struct bj_outcome outcome;
    struct bj_refusal refusal;
    if (bj__outcome_decode(message, &outcome) < 0) {
        (void)bj__refuse(&refusal, BJ_REFUSAL_INTERNAL, "the result cannot be read");
        finish_refused(job, &refusal);
        return;
    }
    count_run(job, &outcome);
    job->wall_us = outcome.wall_us;
    finish(job, bj_status_name(outcome.status));
    if (job->state != BJ_JOB_LEFT)
        job->events->done(job->user, message, &outcome);
}

static int read_output(const struct bj_message *message, uint64_t *ret_stream, struct bj_tlv *ret_bytes)
{
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    int r;
    bool have = false;
    *ret_stream = 0;
    bj__tlv_start(&reader, message->body, message->length);
    while ((r = bj__tlv_next(&reader, &record)) > 0) {
        if (record.tag == BJ_FIELD_STREAM && bj__tlv_number(&record, BJ_STDERR, ret_stream) < 0)
            return -EBADMSG;
        if (record.tag == BJ_FIELD_BYTES) {
            *ret_bytes = record;
            have = true;
        }
    }
    return r < 0 || !have || *ret_stream < BJ_STDOUT ? -EBADMSG : 0;
}

static void start_waiting(struct bj_service *service);

static void on_told(void *user, struct bj_message *message)
{
    struct bj_job *job = user;
    struct bj_service *service = job->service;
    struct bj_refusal refusal;
    struct bj_error error;
    struct bj_tlv bytes = {0};
    uint64_t stream;
    bool told = job->state != BJ_JOB_LEFT;
    switch (message->type) {
    case BJ_TOLD_STARTED:
        if (told && job->events->started)
            job->events->started(job->user);
        return;
    case BJ_TOLD_OUTPUT:
        if (told && job->events->output && read_output(message, &stream, &bytes) == 0)
            job->events->output(job->user, (enum bj_stream)stream, bytes.bytes, bytes.length);
        return;
    case BJ_TOLD_RESULT:
        service->jobs.running--;
        finish_done(job, message);
        break;
    case BJ_TOLD_REFUSED:
        service->jobs.running--;
        if (bj__refusal_decode(message, &error) < 0)
            (void)bj__refuse(&refusal, BJ_REFUSAL_INTERNAL, "the refusal cannot be read");
        else
            (void)bj__refuse_error(&refusal, &error);
        finish_refused(job, &refusal);
        break;
    default:
        service->link.broken = -EBADMSG;
        return;
    }
    start_waiting(service);
}

/* ---- start ---------------------------------------------------------------------------------------- */

static int send_job(struct bj_job *job, const struct bj_buf *body)
{
    struct bj_service *service = job->service;
    int r = bj__link_ask(&service->link, BJ_ASK_RUN, body, (struct bj_asker){on_told, job}, &job->number);
    if (r < 0)
        return r;
    job->state = BJ_JOB_RUNNING;
    job->started_us = bj__now_us();
    service->jobs.running++;
    bj__metrics_observe(&service->metrics.queue_wait, job->started_us - job->asked_us);
    return 0;
}

/* Clients take turns, and each of them its oldest. */
static void start_waiting(struct bj_service *service)
{
    struct bj_jobs *jobs = &service->jobs;
    while (jobs->running < jobs->capacity && !TAILQ_EMPTY(&jobs->turns)) {
        struct bj_client *client = TAILQ_FIRST(&jobs->turns);
        struct bj_job *job = TAILQ_FIRST(&client->waiting);
        struct bj_refusal refusal;
        leave_line(job);
        if (!TAILQ_EMPTY(&client->waiting)) {
            TAILQ_REMOVE(&jobs->turns, client, turn);
            TAILQ_INSERT_TAIL(&jobs->turns, client, turn);
        }
        int r = send_job(job, &job->body);
        bj__service_release(service, job->body.length);
        bj__buf_done(&job->body);
        if (r < 0) {
            (void)bj__refuse(&refusal, BJ_REFUSAL_UNAVAILABLE, "the broker does not listen");
            finish_refused(job, &refusal);
        }
    }
}

static int encode(const struct bj_job_order *order, struct bj_buf *body)
{
    size_t start;
    int r = bj__tlv_open(body, BJ_FIELD_REQUEST, &start);
    if (r == 0)
        r = bj__request_encode(order->request, body);
    if (r == 0)
        r = bj__tlv_close(body, start);
    if (r == 0 && order->stream)
        r = bj__tlv_add_number(body, BJ_FIELD_STREAM, order->merged ? 2 : 1);
    if (r == 0 && order->parts)
        r = bj__tlv_add_number(body, BJ_FIELD_PARTS, 1);
    if (r == 0 && order->session)
        r = bj__tlv_add_number(body, BJ_FIELD_SESSION, order->session);
    if (r == 0 && order->branch)
        r = bj__tlv_add_number(body, BJ_FIELD_BRANCH, order->branch);
    return r;
}

/* What of the request only the front can judge. */
static bool may_ask(const struct bj_service *service, const struct bj_job_order *order,
                    struct bj_refusal *refusal)
{
    const char *profile = order->request->spec->profile;
    if (order->session)
        return true;
    if (!bj__service_profile(service, profile))
        return bj__refuse_field(refusal, BJ_REFUSAL_INVALID, "profile",
                                "\"%.80s\" is not served here; /v1/profiles has those that are", profile);
    if (!bj__client_may_use(order->client, profile))
        return bj__refuse_field(refusal, BJ_REFUSAL_FORBIDDEN, "profile", "this token may not use \"%.80s\"",
                                profile);
    return true;
}

static bool refuse(struct bj_service *service, struct bj_refusal *refusal)
{
    service->metrics.refused[refusal->kind]++;
    return false;
}

/* The bucket last of all: it takes from what the client has left. */
static bool admit(const struct bj_service *service, struct bj_client *client, struct bj_refusal *refusal)
{
    const struct bj_config_quota *quota = client->quota;
    const struct bj_jobs *jobs = &service->jobs;
    uint64_t wait_us;
    if (!service->ready)
        return bj__refuse(refusal, BJ_REFUSAL_NOT_READY, "%s", service->unready);
    if (quota->concurrent_runs > 0 && client->runs >= quota->concurrent_runs)
        return bj__refuse(refusal, BJ_REFUSAL_CONCURRENCY,
                          "%llu runs at once are as many as this client may have",
                          (unsigned long long)quota->concurrent_runs);
    if (jobs->running >= jobs->capacity && jobs->waiting >= service->config->queued_runs)
        return bj__refuse(refusal, BJ_REFUSAL_QUEUE_FULL, "%llu runs wait already",
                          (unsigned long long)jobs->waiting);
    if (bj__bucket_take(&client->bucket, quota, bj__now_us(), &wait_us))
        return true;
    (void)bj__refuse(refusal, BJ_REFUSAL_RATE, "%llu runs a minute are as many as this client may have",
                     (unsigned long long)quota->runs_per_minute);
    refusal->retry_us = wait_us;
    return false;
}

bool bj__job_admit(struct bj_service *service, struct bj_client *client, struct bj_refusal *refusal)
{
    return admit(service, client, refusal) || refuse(service, refusal);
}

/* The body is the job's own while it waits, and counted. */
static int wait_or_send(struct bj_job *job, struct bj_buf *body)
{
    struct bj_service *service = job->service;
    if (service->jobs.running < service->jobs.capacity && TAILQ_EMPTY(&service->jobs.turns))
        return send_job(job, body);
    if (!bj__service_hold(service, body->length))
        return -ENOBUFS;
    job->body = *body;
    bj__buf_init(body, 0);
    join_line(job);
    return 0;
}

static struct bj_job *new_job(struct bj_service *service, const struct bj_job_order *order)
{
    struct bj_job *job = calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    job->service = service;
    job->client = order->client;
    job->events = order->events;
    job->user = order->user;
    job->stream = order->stream;
    job->via = order->via;
    job->asked_us = bj__now_us();
    bj__buf_init(&job->body, BJ_BODY_MAX);
    bj__service_random_id(job->id, sizeof(job->id) - 1);
    const char *profile = order->request->spec->profile;
    (void)snprintf(job->profile, sizeof(job->profile), "%s", profile ? profile : ""); /* only for the log */
    return job;
}

bool bj__job_start(struct bj_service *service, const struct bj_job_order *order, struct bj_job **ret_job,
                   struct bj_refusal *refusal)
{
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, BJ_BODY_MAX);
    if (!order->admitted && !bj__job_admit(service, order->client, refusal))
        return false;
    if (!may_ask(service, order, refusal))
        return refuse(service, refusal);
    int r = encode(order, &body);
    if (r == -ENOBUFS) {
        (void)bj__refuse(refusal, BJ_REFUSAL_TOO_LARGE, "what is asked is too large");
        return refuse(service, refusal);
    }
    struct bj_job *job = r == 0 ? new_job(service, order) : NULL;
    if (job)
        r = wait_or_send(job, &body);
    if (!job || r < 0) {
        free(job);
        (void)bj__refuse(refusal, BJ_REFUSAL_BUFFERS, "there is no memory for it now");
        return refuse(service, refusal);
    }
    job->client->runs++;
    *ret_job = job;
    return true;
}

void bj__job_cancel(struct bj_job *job)
{
    if (!job)
        return;
    job->service->metrics.cancelled++;
    if (job->state == BJ_JOB_WAITING) {
        leave_line(job);
        finish(job, "cancelled");
        return;
    }
    job->state = BJ_JOB_LEFT;
    (void)bj__link_say(&job->service->link, BJ_ASK_CANCEL, job->number,
                       NULL); /* a broken link ends the front */
}

uint64_t bj__jobs_expire(struct bj_service *service, uint64_t now_us)
{
    struct bj_job *job;
    while ((job = TAILQ_FIRST(&service->jobs.by_age))) {
        uint64_t end_us = job->asked_us + service->config->queue_us;
        struct bj_refusal refusal;
        if (end_us > now_us)
            return end_us;
        (void)bj__refuse(&refusal, BJ_REFUSAL_QUEUE_TIMEOUT, "no place became free in time");
        leave_line(job);
        finish_refused(job, &refusal);
    }
    return UINT64_MAX;
}
