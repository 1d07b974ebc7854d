/* Sessions: opened, branched, looked into, closed.
 * Its own file because a session outlives the runs in it.
 * Changes when: a session can do something more for its owner. */
#include "broker/broker.h"
#include "broker/outcome.h"
#include "spec/spec_wire.h"
#include "supervise/result.h"
#include "supervise/session.h"

#include <sys/epoll.h>

struct bj_kept_session *bj__session_find(struct bj_broker *broker, const struct bj_peer *peer, uint64_t number)
{
    for (unsigned n = 0; n < BJ_BROKER_SESSIONS; n++) {
        struct bj_kept_session *session = broker->sessions[n];
        if (session && session->peer == peer && session->number == number)
            return session;
    }
    return NULL;
}

static struct bj_kept_session *new_session(struct bj_broker *broker, struct bj_peer *peer)
{
    unsigned index = 0;
    while (index < BJ_BROKER_SESSIONS && broker->sessions[index])
        index++;
    struct bj_kept_session *session = index < BJ_BROKER_SESSIONS ? calloc(1, sizeof(*session)) : NULL;
    if (!session)
        return NULL;
    session->index = index;
    session->key = bj__broker_key(broker, BJ_EVENT_SESSION, index);
    session->number = ++broker->session_number;
    session->peer = peer;
    session->start_us = bj__now_us();
    broker->sessions[index] = session;
    broker->sessions_open++;
    return session;
}

void bj__session_end(struct bj_broker *broker, struct bj_kept_session *session)
{
    struct bj_error error = {0};
    (void)bj__error(&error, BJ_ERROR_STATE, ESRCH, "session", "the session was closed");
    for (unsigned n = 0; n < BJ_BROKER_TASKS; n++) {
        struct bj_task *task = broker->tasks[n];
        if (!task || task->session != session)
            continue;
        bj__peer_refuse(broker, task->peer, task->id, &error);
        bj__task_free(broker, task);
    }
    bj_session_free(session->session);
    bj_spec_free(session->spec);
    broker->sessions[session->index] = NULL;
    broker->sessions_open--;
    free(session);
}

static void tell_number(struct bj_peer *peer, enum bj_message_type type, uint32_t id, enum bj_field field,
                        uint64_t number)
{
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, 64);
    if (bj__tlv_add_number(&body, (uint16_t)field, number) < 0)
        peer->broken = true;
    bj__peer_tell(peer, type, id, &body);
}

/* It has ended by itself: runs in it have found their own ends. */
void bj__session_event(struct bj_broker *broker, struct bj_kept_session *session)
{
    tell_number(session->peer, BJ_TOLD_ENDED, 0, BJ_FIELD_SESSION, session->number);
    bj__session_end(broker, session);
}

static int open_session(struct bj_broker *broker, struct bj_kept_session *session, const struct bj_asked *asked,
                        struct bj_error *err)
{
    session->stock = bj__task_stock(broker, asked, err);
    if (!session->stock)
        return -ENOENT;
    int r = bj__task_spec(asked, session->stock->spec, true, &session->spec, err);
    if (r == 0)
        r = bj_session_new(session->spec, &session->session, err);
    if (r < 0)
        return r;
    bj_spec_free(session->spec);
    session->spec = NULL;
    r = bj_session_spec(session->session, &session->spec, err);
    if (r == 0 && (r = bj__broker_watch(broker, bj_session_fd(session->session), EPOLLIN, session->key)) < 0)
        return bj__error_system(err, -r, "", "cannot watch the session");
    return r;
}

int bj__session_open(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message)
{
    struct bj_error error = {0};
    struct bj_asked asked;
    struct bj_kept_session *session = NULL;
    int r = bj__asked_read(message, &asked);
    if (r < 0 || !asked.have[BJ_FIELD_REQUEST])
        return -EBADMSG;
    if (!broker->ready || broker->draining)
        r = bj__error(&error, BJ_ERROR_STATE, ESHUTDOWN, "", "nothing runs here: %s",
                      broker->draining ? "the service ends" : broker->unready);
    else if (broker->sessions_open >= broker->session_capacity)
        r = bj__error(&error, BJ_ERROR_STATE, EAGAIN, "", "%u sessions are as many as there may be",
                      broker->session_capacity);
    else if (!(session = new_session(broker, peer)))
        r = bj__error_memory(&error);
    if (session && r == 0)
        r = open_session(broker, session, &asked, &error);
    if (session && r == 0) {
        tell_number(peer, BJ_TOLD_OPENED, message->id, BJ_FIELD_SESSION, session->number);
        return 0;
    }
    bj__peer_refuse(broker, peer, message->id, &error);
    if (session)
        bj__session_end(broker, session);
    return 0;
}

static int branch(struct bj_session *session, unsigned action, unsigned from, unsigned *number,
                  struct bj_error *err)
{
    switch ((enum bj_branch_action)action) {
    case BJ_BRANCH_FORK:
        return bj_session_fork(session, *number, number, err);
    case BJ_BRANCH_SNAPSHOT:
        return bj_session_snapshot(session, *number, number, err);
    case BJ_BRANCH_RESTORE:
        return bj_session_restore(session, *number, from, err);
    case BJ_BRANCH_DROP:
    default:
        return bj_session_drop(session, *number, err);
    }
}

int bj__session_branch(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message)
{
    struct bj_error error = {0};
    struct bj_asked asked;
    uint64_t number;
    uint64_t action;
    uint64_t from;
    uint64_t of;
    int r = bj__asked_read(message, &asked);
    if (r < 0 || !asked.have[BJ_FIELD_SESSION] || !asked.have[BJ_FIELD_ACTION] ||
        bj__asked_number(&asked, BJ_FIELD_SESSION, UINT32_MAX, 0, &of) < 0 ||
        bj__asked_number(&asked, BJ_FIELD_ACTION, BJ_BRANCH_DROP, 0, &action) < 0 ||
        bj__asked_number(&asked, BJ_FIELD_BRANCH, UINT32_MAX, 1, &number) < 0 ||
        bj__asked_number(&asked, BJ_FIELD_FROM, UINT32_MAX, 0, &from) < 0)
        return -EBADMSG;
    struct bj_kept_session *session = bj__session_find(broker, peer, of);
    unsigned made = (unsigned)number;
    if (!session)
        r = bj__error(&error, BJ_ERROR_NOT_FOUND, ENOENT, "session", "there is no such session");
    else
        r = branch(session->session, (unsigned)action, (unsigned)from, &made, &error);
    if (r < 0)
        bj__peer_refuse(broker, peer, message->id, &error);
    else
        tell_number(peer, BJ_TOLD_BRANCHED, message->id, BJ_FIELD_BRANCH, made);
    return 0;
}

int bj__session_close(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message)
{
    struct bj_asked asked;
    uint64_t number;
    int r = bj__asked_read(message, &asked);
    if (r < 0 || !asked.have[BJ_FIELD_SESSION] ||
        bj__asked_number(&asked, BJ_FIELD_SESSION, UINT32_MAX, 0, &number) < 0)
        return -EBADMSG;
    struct bj_kept_session *session = bj__session_find(broker, peer, number);
    if (session)
        bj__session_end(broker, session);
    bj__peer_tell(peer, BJ_TOLD_CLOSED, message->id, NULL);
    return 0;
}

static int collect(const struct bj_kept_session *session, const struct bj_asked *asked, struct bj_buf *body,
                   struct bj_error *err)
{
    const struct bj_tlv *record = &asked->records[BJ_FIELD_REQUEST];
    struct bj_request request = {0};
    BJ_CLEANUP(bj__spec_free_pointer) struct bj_spec *spec = NULL;
    struct bj_result *result = calloc(1, sizeof(*result));
    int r = result ? bj__request_decode(record->bytes, record->length, &request, err) : bj__error_memory(err);
    if (r == 0)
        r = bj__spec_tighten(session->spec, &request, &spec, err); /* checks the patterns */
    if (r == 0 && (r = bj__collect(result, session->session->jail.box_fd, &request.spec->collect)) < 0)
        (void)bj__error_system(err, -r, "collect", "cannot look at the files");
    if (r == 0 && (r = bj__outcome_encode_files(result, body)) < 0)
        (void)bj__error_system(err, -r, "collect", "cannot tell of the files");
    bj__request_done(&request);
    bj_result_free(result);
    return r;
}

int bj__session_files(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message)
{
    struct bj_error error = {0};
    struct bj_asked asked;
    uint64_t number;
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, BJ_BODY_MAX);
    int r = bj__asked_read(message, &asked);
    if (r < 0 || !asked.have[BJ_FIELD_SESSION] || !asked.have[BJ_FIELD_REQUEST] ||
        bj__asked_number(&asked, BJ_FIELD_SESSION, UINT32_MAX, 0, &number) < 0)
        return -EBADMSG;
    const struct bj_kept_session *session = bj__session_find(broker, peer, number);
    if (!session)
        r = bj__error(&error, BJ_ERROR_NOT_FOUND, ENOENT, "session", "there is no such session");
    else
        r = collect(session, &asked, &body, &error);
    if (r < 0)
        bj__peer_refuse(broker, peer, message->id, &error);
    else
        bj__peer_tell(peer, BJ_TOLD_FILES, message->id, &body);
    return 0;
}
