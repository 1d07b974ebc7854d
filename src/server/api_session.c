/* Sessions over HTTP.
 * Its own file because a session outlives the request that made it, and its routes have their ids in common.
 * Changes when: a session is asked for, or answered, in another form. */
#include "server/api.h"
#include "server/sessions.h"
#include "spec/base64.h"
#include "spec/json_read.h"

#include <stdio.h>

static void put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) < 0)
        (void)json_object_clear(object);
}

/* Those of others are as if they were not there. NULL: it was answered. */
static struct bj_session_known *find_session(struct bj_exchange *exchange)
{
    char id[40];
    struct bj_refusal refusal;
    struct bj_session_known *session = NULL;
    if (bj__path_decode(&exchange->parts[0], id, sizeof(id)) == 0)
        session = bj__sessions_find(exchange->service, exchange->client, id);
    if (!session) {
        (void)bj__refuse(&refusal, BJ_REFUSAL_NOT_FOUND, "there is no such session");
        bj__answer_refusal(exchange, &refusal);
        return NULL;
    }
    session->used_us = bj__now_us();
    return session;
}

static void on_gone(struct bj_exchange *exchange)
{
    bj__session_ask_leave(exchange->own);
}

/* done becomes the answer. */
static void wait_for(struct bj_exchange *exchange, struct bj_session_ask *ask, bj_session_fn done)
{
    bj__session_ask_then(ask, done, exchange);
    exchange->own = ask;
    exchange->gone = on_gone;
}

/* ---- open, show, close ----------------------------------------------------------------------------- */

static json_t *session_json(const struct bj_session_known *session)
{
    json_t *object = json_object();
    put(object, "id", json_string(session->id));
    put(object, "profile", json_string(session->profile));
    put(object, "age_seconds", json_real((double)(bj__now_us() - session->opened_us) / 1e6));
    put(object, "runs", json_integer((json_int_t)session->runs));
    return object;
}

static void on_opened(void *user, const struct bj_refusal *refusal, uint64_t number, struct bj_message *message)
{
    struct bj_exchange *exchange = user;
    struct bj_session_ask *ask = exchange->own;
    char place[64];
    (void)number;
    (void)message;
    exchange->gone = NULL;
    if (refusal) {
        bj__answer_refusal(exchange, refusal);
        return;
    }
    const struct bj_session_known *session = bj__session_ask_session(ask);
    (void)snprintf(place, sizeof(place), "/v1/sessions/%s", session->id);
    bj__answer_header(exchange, "Location", place);
    bj__api_answer_json(exchange, 201, session_json(session));
}

void bj__api_session_open(struct bj_exchange *exchange)
{
    struct bj_request request = {0};
    struct bj_refusal refusal;
    struct bj_session_ask *ask;
    if (!bj__job_admit(exchange->service, exchange->client, &refusal) ||
        !bj__api_read_request(exchange, NULL, &request, &refusal)) {
        bj__answer_refusal(exchange, &refusal);
        return;
    }
    if (bj__sessions_open(exchange->service, exchange->client, &request, &ask, &refusal))
        wait_for(exchange, ask, on_opened);
    else
        bj__answer_refusal(exchange, &refusal);
    bj__request_done(&request);
}

void bj__api_session_show(struct bj_exchange *exchange)
{
    const struct bj_session_known *session = find_session(exchange);
    if (session)
        bj__api_answer_json(exchange, 200, session_json(session));
}

static void on_closed(void *user, const struct bj_refusal *refusal, uint64_t number, struct bj_message *message)
{
    struct bj_exchange *exchange = user;
    (void)number;
    (void)message;
    exchange->gone = NULL;
    if (refusal)
        bj__answer_refusal(exchange, refusal);
    else
        bj__answer_empty(exchange, 204);
}

void bj__api_session_close(struct bj_exchange *exchange)
{
    const struct bj_session_known *session = find_session(exchange);
    struct bj_refusal refusal;
    struct bj_session_ask *ask;
    if (!session)
        return;
    if (bj__sessions_close(exchange->service, session, &ask, &refusal))
        wait_for(exchange, ask, on_closed);
    else
        bj__answer_refusal(exchange, &refusal);
}

/* ---- runs ------------------------------------------------------------------------------------------ */

/* Which profile it is of was said when it was opened. */
static bool check_profile(const struct bj_session_known *session, struct bj_request *request,
                          struct bj_refusal *refusal)
{
    const char *asked = request->spec->profile;
    if (asked && strcmp(asked, session->profile) != 0)
        return bj__refuse_field(refusal, BJ_REFUSAL_INVALID, "profile", "of this session is \"%s\"",
                                session->profile);
    request->spec->profile = session->profile;
    return true;
}

void bj__api_session_run(struct bj_exchange *exchange)
{
    struct bj_session_known *session = find_session(exchange);
    struct bj_request request = {0};
    struct bj_refusal refusal;
    uint64_t branch = 1;
    if (!session)
        return;
    if (!bj__job_admit(exchange->service, exchange->client, &refusal) ||
        !bj__api_read_request(exchange, &branch, &request, &refusal)) {
        bj__answer_refusal(exchange, &refusal);
        return;
    }
    if (bj__api_check_program(exchange, &request, &refusal) && check_profile(session, &request, &refusal)) {
        struct bj_job_order order = {
            .request = &request, .admitted = true, .session = session->number, .branch = branch};
        session->runs++;
        bj__api_start(exchange, &order);
    } else {
        bj__answer_refusal(exchange, &refusal);
    }
    bj__request_done(&request);
}

/* ---- branches -------------------------------------------------------------------------------------- */

static bool take_number(json_t *root, const char *key, bool needed, uint64_t *number,
                        struct bj_refusal *refusal)
{
    const json_t *value = json_object_get(root, key);
    if (!value && !needed)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > UINT32_MAX)
        return bj__refuse_field(refusal, BJ_REFUSAL_INVALID, key,
                                "must be there, the number of a branch or a snapshot");
    *number = (uint64_t)json_integer_value(value);
    (void)json_object_del(root, key); /* it is there */
    return true;
}

/* What *wish is of, besides its action. */
static bool read_numbers(const struct bj_exchange *exchange, struct bj_branch_wish *wish,
                         struct bj_refusal *refusal)
{
    const struct bj_buf *body = &exchange->body;
    struct bj_error error = {0};
    BJ_JSON json_t *root = NULL;
    if (body->length == 0)
        return bj__refuse(refusal, BJ_REFUSAL_BAD_JSON, "the body is empty; {} will do");
    if (bj__json_load((const char *)body->bytes, body->length, 4096, &root, &error) < 0) {
        (void)bj__refuse_error(refusal, &error);
        refusal->kind = BJ_REFUSAL_BAD_JSON;
        return false;
    }
    wish->branch = 1;
    wish->snapshot = 0;
    if (!take_number(root, "branch", wish->action == BJ_BRANCH_DROP, &wish->branch, refusal))
        return false;
    if (wish->action == BJ_BRANCH_RESTORE && !take_number(root, "snapshot", true, &wish->snapshot, refusal))
        return false;
    void *rest = json_object_iter(root);
    return !rest || bj__refuse_field(refusal, BJ_REFUSAL_INVALID, json_object_iter_key(rest), "is no key here");
}

static void on_branched(void *user, const struct bj_refusal *refusal, uint64_t number,
                        struct bj_message *message)
{
    struct bj_exchange *exchange = user;
    (void)message;
    exchange->gone = NULL;
    if (refusal) {
        bj__answer_refusal(exchange, refusal);
        return;
    }
    bool snapshot = strcmp(exchange->route->what, "snapshot") == 0;
    json_t *answer = json_object();
    put(answer, snapshot ? "snapshot" : "branch", json_integer((json_int_t)number));
    bj__api_answer_json(exchange, 200, answer);
}

void bj__api_session_branch(struct bj_exchange *exchange)
{
    static const char *const words[] = {"fork", "snapshot", "restore", "drop"};
    const struct bj_session_known *session = find_session(exchange);
    struct bj_refusal refusal;
    struct bj_session_ask *ask;
    unsigned action = 0;
    while (strcmp(words[action], exchange->route->what) != 0)
        action++;
    if (!session)
        return;
    struct bj_branch_wish wish = {.action = (enum bj_branch_action)action};
    if (bj__job_admit(exchange->service, exchange->client, &refusal) &&
        read_numbers(exchange, &wish, &refusal) &&
        bj__sessions_branch(exchange->service, session, &wish, &ask, &refusal))
        wait_for(exchange, ask, on_branched);
    else
        bj__answer_refusal(exchange, &refusal);
}
