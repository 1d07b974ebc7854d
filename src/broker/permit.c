/* Who may say what to the broker, and who hears it.
 * Its own file because a reviewer of what a fallen front can do wants one table.
 * Changes when: something more can be asked of the broker. */
#include "broker/broker.h"

enum { ONCE_FIRST = 1, AFTER_HELLO = 2 };

static int on_hello(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message);

static const struct permit {
    bool front, watcher; /* may say it */
    int when;
    uint32_t most; /* bytes of its body */
    int (*hear)(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message);
} permits[BJ_ASK__COUNT] = {
    [BJ_ASK_HELLO] = {true, true, ONCE_FIRST, 64, on_hello},
    [BJ_ASK_RUN] = {true, false, AFTER_HELLO, BJ_BODY_MAX, bj__task_run},
    [BJ_ASK_CANCEL] = {true, false, AFTER_HELLO, 0, bj__task_cancel},
    [BJ_ASK_OPEN] = {true, false, AFTER_HELLO, BJ_BODY_MAX, bj__session_open},
    [BJ_ASK_BRANCH] = {true, false, AFTER_HELLO, 128, bj__session_branch},
    [BJ_ASK_CLOSE] = {true, false, AFTER_HELLO, 64, bj__session_close},
    [BJ_ASK_FILES] = {true, false, AFTER_HELLO, 8192, bj__session_files},
    [BJ_ASK_WATCH] = {true, true, AFTER_HELLO, 0, bj__state_watch},
};

static int tell_profiles(struct bj_broker *broker, struct bj_peer *peer)
{
    int r = 0;
    for (size_t n = 0; r == 0 && n < broker->stock_count; n++) {
        const struct bj_stock *stock = &broker->stocks[n];
        BJ_BUF struct bj_buf body;
        BJ_FREE char *json = bj_spec_json(stock->spec);
        bj__buf_init(&body, BJ_BODY_MAX);
        r = json ? bj__tlv_add_text(&body, BJ_FIELD_NAME, stock->name) : -ENOMEM;
        if (r == 0)
            r = bj__tlv_add(&body, BJ_FIELD_JSON, json, strlen(json));
        if (r == 0)
            r = bj__tlv_add_number(&body, BJ_FIELD_PARKED, stock->jails);
        if (r == 0)
            bj__peer_tell(peer, BJ_TOLD_PROFILE, 0, &body);
    }
    return r;
}

static int on_hello(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message)
{
    struct bj_asked asked;
    uint64_t version = 0;
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, BJ_MESSAGE_MAX);
    int r = bj__asked_read(message, &asked);
    if (r == 0)
        r = bj__asked_number(&asked, BJ_FIELD_VERSION, BJ_BROKER_VERSION, 0, &version);
    if (r < 0 || version != BJ_BROKER_VERSION)
        return -EPROTO;
    peer->greeted = true;
    r = bj__tlv_add_number(&body, BJ_FIELD_VERSION, BJ_BROKER_VERSION);
    if (r == 0)
        r = bj__tlv_add_number(&body, BJ_FIELD_CAPACITY, broker->capacity);
    if (r == 0)
        r = bj__tlv_add_number(&body, BJ_FIELD_READY, broker->ready);
    if (r == 0)
        r = bj__tlv_add_text(&body, BJ_FIELD_TEXT, broker->unready);
    if (r < 0)
        return r;
    bj__peer_tell(peer, BJ_TOLD_WELCOME, message->id, &body);
    return peer->role == BJ_PEER_FRONT ? tell_profiles(broker, peer) : 0;
}

int bj__permit_dispatch(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message)
{
    if (message->type == 0 || message->type >= BJ_ASK__COUNT)
        return -EPERM;
    const struct permit *permit = &permits[message->type];
    bool may = peer->role == BJ_PEER_FRONT ? permit->front : permit->watcher;
    if (!may || !permit->hear || message->length > permit->most)
        return -EPERM;
    if ((permit->when == ONCE_FIRST) == peer->greeted)
        return -EPERM;
    return permit->hear(broker, peer, message);
}

int bj__asked_read(const struct bj_message *message, struct bj_asked *ret_asked)
{
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    int r;
    memset(ret_asked, 0, sizeof(*ret_asked));
    bj__tlv_start(&reader, message->body, message->length);
    while ((r = bj__tlv_next(&reader, &record)) > 0) {
        if (record.tag == 0 || record.tag >= BJ_FIELD__COUNT || ret_asked->have[record.tag])
            return -EBADMSG;
        ret_asked->have[record.tag] = true;
        ret_asked->records[record.tag] = record;
    }
    return r;
}

int bj__asked_number(const struct bj_asked *asked, enum bj_field field, uint64_t most, uint64_t otherwise,
                     uint64_t *ret_number)
{
    if (asked->have[field])
        return bj__tlv_number(&asked->records[field], most, ret_number);
    *ret_number = otherwise;
    return 0;
}
