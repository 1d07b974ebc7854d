/* Sessions that clients have open.
 * Its own file because a session belongs to who made it, and to nobody else: whatever the protocol.
 * Changes when: a session can do something more for its owner. */
#include "server/sessions.h"
#include "spec/spec_wire.h"

#include <stdio.h>

struct bj_session_ask {
    struct bj_service *service;
    struct bj_session_known *session; /* of OPEN: the slot that is kept for it; otherwise NULL */
    bj_session_fn done;               /* NULL: nobody waits */
    void *user;
    uint32_t number;
};

struct bj_session_known *bj__sessions_find(struct bj_service *service, const struct bj_client *client,
                                           const char *id)
{
    for (size_t n = 0; n < service->config->sessions; n++) {
        struct bj_session_known *session = &service->sessions[n];
        if (session->taken && session->number > 0 && session->client == client && strcmp(session->id, id) == 0)
            return session;
    }
    return NULL;
}

static void release(struct bj_service *service, struct bj_session_known *session, const char *how)
{
    struct bj_log_line line;
    bj__log_begin(&line, &service->log, BJ_LOG_INFO, how);
    bj__log_number(&line, "session", (int64_t)session->number);
    bj__log_text(&line, "client", session->client->name);
    bj__log_text(&line, "profile", session->profile);
    bj__log_end(&service->log, &line);
    session->client->sessions--;
    *session = (struct bj_session_known){0};
}

void bj__sessions_ended(struct bj_service *service, uint64_t number)
{
    for (size_t n = 0; n < service->config->sessions; n++)
        if (service->sessions[n].taken && service->sessions[n].number == number)
            release(service, &service->sessions[n], "session_ended");
}

/* ---- what is told --------------------------------------------------------------------------------- */

static void close_unowned(struct bj_service *service, uint64_t number)
{
    uint32_t ask;
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, 64);
    if (bj__tlv_add_number(&body, BJ_FIELD_SESSION, number) == 0)
        (void)bj__link_ask(&service->link, BJ_ASK_CLOSE, &body, (struct bj_asker){0},
                           &ask); /* or it idles to its end */
}

static uint64_t number_in(const struct bj_message *message, enum bj_field field)
{
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    uint64_t number = 0;
    bj__tlv_start(&reader, message->body, message->length);
    while (message->type != BJ_TOLD_FILES && bj__tlv_next(&reader, &record) > 0)
        if (record.tag == field && bj__tlv_number(&record, UINT64_MAX, &number) < 0)
            return 0;
    return number;
}

static void on_opened(struct bj_session_ask *ask, uint64_t number)
{
    struct bj_session_known *session = ask->session;
    session->number = number;
    if (!ask->done) {
        close_unowned(ask->service, number);
        release(ask->service, session, "session_left");
        return;
    }
    struct bj_log_line line;
    bj__log_begin(&line, &ask->service->log, BJ_LOG_INFO, "session_opened");
    bj__log_number(&line, "session", (int64_t)number);
    bj__log_text(&line, "client", session->client->name);
    bj__log_text(&line, "profile", session->profile);
    bj__log_end(&ask->service->log, &line);
}

static void on_told(void *user, struct bj_message *message)
{
    struct bj_session_ask *ask = user;
    struct bj_refusal refusal;
    struct bj_error error = {0};
    bool refused = message->type == BJ_TOLD_REFUSED;
    uint64_t number = number_in(message, message->type == BJ_TOLD_OPENED ? BJ_FIELD_SESSION : BJ_FIELD_BRANCH);
    if (refused && bj__refusal_decode(message, &error) == 0)
        (void)bj__refuse_error(&refusal, &error);
    else if (refused)
        (void)bj__refuse(&refusal, BJ_REFUSAL_INTERNAL, "the refusal cannot be read");
    if (message->type == BJ_TOLD_OPENED)
        on_opened(ask, number);
    if (ask->done)
        ask->done(ask->user, refused ? &refusal : NULL, number, message);
    if (refused && ask->session)
        release(ask->service, ask->session, "session_refused");
    free(ask);
}

/* ---- what is asked -------------------------------------------------------------------------------- */

static bool send_ask(struct bj_service *service, uint16_t type, const struct bj_buf *body,
                     struct bj_session_ask **ret_ask, struct bj_refusal *refusal)
{
    struct bj_session_ask *ask = calloc(1, sizeof(*ask));
    if (ask)
        ask->service = service;
    if (!ask || bj__link_ask(&service->link, type, body, (struct bj_asker){on_told, ask}, &ask->number) < 0) {
        free(ask);
        (void)bj__refuse(refusal, BJ_REFUSAL_BUFFERS, "there is no room for it now");
        return false;
    }
    *ret_ask = ask;
    return true;
}

void bj__session_ask_then(struct bj_session_ask *ask, bj_session_fn done, void *user)
{
    ask->done = done;
    ask->user = user;
}

const struct bj_session_known *bj__session_ask_session(const struct bj_session_ask *ask)
{
    return ask->session;
}

void bj__session_ask_leave(struct bj_session_ask *ask)
{
    ask->done = NULL;
}

static bool may_open(struct bj_service *service, const struct bj_client *client, const char *profile,
                     struct bj_refusal *refusal)
{
    if (!service->ready)
        return bj__refuse(refusal, BJ_REFUSAL_NOT_READY, "%s", service->unready);
    if (service->draining)
        return bj__refuse(refusal, BJ_REFUSAL_DRAINING, "the service ends; ask another one");
    if (!bj__service_profile(service, profile))
        return bj__refuse_field(refusal, BJ_REFUSAL_INVALID, "profile",
                                "\"%.80s\" is not served here; /v1/profiles has those that are", profile);
    if (!bj__client_may_use(client, profile))
        return bj__refuse_field(refusal, BJ_REFUSAL_FORBIDDEN, "profile", "this token may not use \"%.80s\"",
                                profile);
    if (client->quota->sessions > 0 && client->sessions >= client->quota->sessions)
        return bj__refuse(refusal, BJ_REFUSAL_SESSIONS, "%llu sessions are as many as this client may have",
                          (unsigned long long)client->quota->sessions);
    return true;
}

static struct bj_session_known *free_slot(struct bj_service *service)
{
    for (size_t n = 0; n < service->config->sessions; n++)
        if (!service->sessions[n].taken)
            return &service->sessions[n];
    return NULL;
}

static int add_request(struct bj_buf *body, const struct bj_request *request)
{
    size_t start;
    int r = bj__tlv_open(body, BJ_FIELD_REQUEST, &start);
    if (r == 0)
        r = bj__request_encode(request, body);
    return r < 0 ? r : bj__tlv_close(body, start);
}

bool bj__sessions_open(struct bj_service *service, struct bj_client *client, struct bj_request *request,
                       struct bj_session_ask **ret_ask, struct bj_refusal *refusal)
{
    const char *profile = request->spec->profile;
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, BJ_BODY_MAX);
    if (!may_open(service, client, profile, refusal))
        return false;
    struct bj_session_known *session = free_slot(service);
    if (!session) {
        (void)bj__refuse(refusal, BJ_REFUSAL_QUEUE_FULL, "%llu sessions are as many as there may be",
                         (unsigned long long)service->config->sessions);
        return false;
    }
    if (add_request(&body, request) < 0)
        return bj__refuse(refusal, BJ_REFUSAL_TOO_LARGE, "what is asked is too large");
    if (!send_ask(service, BJ_ASK_OPEN, &body, ret_ask, refusal))
        return false;
    *session = (struct bj_session_known){
        .client = client, .taken = true, .opened_us = bj__now_us(), .used_us = bj__now_us()};
    bj__service_random_id(session->id, sizeof(session->id) - 1);
    (void)snprintf(session->profile, sizeof(session->profile), "%s", profile); /* of a name that is served */
    client->sessions++;
    (*ret_ask)->session = session;
    return true;
}

bool bj__sessions_branch(struct bj_service *service, const struct bj_session_known *session,
                         const struct bj_branch_wish *wish, struct bj_session_ask **ret_ask,
                         struct bj_refusal *refusal)
{
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, 256);
    int r = bj__tlv_add_number(&body, BJ_FIELD_SESSION, session->number);
    if (r == 0)
        r = bj__tlv_add_number(&body, BJ_FIELD_ACTION, (uint64_t)wish->action);
    if (r == 0)
        r = bj__tlv_add_number(&body, BJ_FIELD_BRANCH, wish->branch);
    if (r == 0 && wish->action == BJ_BRANCH_RESTORE)
        r = bj__tlv_add_number(&body, BJ_FIELD_FROM, wish->snapshot);
    if (r < 0)
        return bj__refuse(refusal, BJ_REFUSAL_BUFFERS, "there is no memory for it now");
    return send_ask(service, BJ_ASK_BRANCH, &body, ret_ask, refusal);
}

bool bj__sessions_files(struct bj_service *service, const struct bj_session_known *session,
                        const struct bj_request *request, struct bj_session_ask **ret_ask,
                        struct bj_refusal *refusal)
{
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, BJ_MESSAGE_MAX);
    int r = bj__tlv_add_number(&body, BJ_FIELD_SESSION, session->number);
    if (r == 0)
        r = add_request(&body, request);
    if (r < 0)
        return bj__refuse(refusal, BJ_REFUSAL_TOO_LARGE, "what is asked is too large");
    return send_ask(service, BJ_ASK_FILES, &body, ret_ask, refusal);
}

bool bj__sessions_close(struct bj_service *service, const struct bj_session_known *session,
                        struct bj_session_ask **ret_ask, struct bj_refusal *refusal)
{
    uint64_t number = session->number;
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, 64);
    if (bj__tlv_add_number(&body, BJ_FIELD_SESSION, number) < 0)
        return bj__refuse(refusal, BJ_REFUSAL_BUFFERS, "there is no memory for it now");
    if (!send_ask(service, BJ_ASK_CLOSE, &body, ret_ask, refusal))
        return false;
    bj__sessions_ended(service, number);
    return true;
}

void bj__sessions_close_all(struct bj_service *service)
{
    for (size_t n = 0; n < service->config->sessions; n++) {
        uint64_t number = service->sessions[n].taken ? service->sessions[n].number : 0;
        if (number == 0)
            continue;
        close_unowned(service, number);
        bj__sessions_ended(service, number);
    }
}
