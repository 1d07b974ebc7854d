/* Those who ask: their sockets, and what becomes of all that they asked for when they are gone.
 * Its own file because a peer may break any rule at any moment, and must take nobody along.
 * Changes when: peers are connected in another way. */
#include "broker/broker.h"
#include "broker/outcome.h"

#include <sys/epoll.h>

#define QUEUED_FRONT     (64u << 20) /* bytes that a front may leave unread */
#define QUEUED_WATCHER   (1u << 20)
#define MESSAGES_AT_ONCE 16 /* then others are heard */

int bj__peer_add(struct bj_broker *broker, int *fd, enum bj_peer_role role)
{
    unsigned index = 0;
    while (index < BJ_BROKER_PEERS && broker->peers[index])
        index++;
    struct bj_peer *peer = index < BJ_BROKER_PEERS ? calloc(1, sizeof(*peer)) : NULL;
    if (!peer) {
        bj__fd_close(fd);
        return -ENOMEM;
    }
    peer->index = index;
    peer->role = role;
    peer->key = bj__broker_key(broker, BJ_EVENT_PEER, index);
    peer->channel = bj__channel_new(fd, role == BJ_PEER_FRONT ? QUEUED_FRONT : QUEUED_WATCHER);
    int r = peer->channel ? bj__broker_watch(broker, peer->channel->fd, EPOLLIN, peer->key) : -ENOMEM;
    if (r < 0) {
        bj__channel_free(peer->channel);
        free(peer);
        return r;
    }
    broker->peers[index] = peer;
    broker->peers_count++;
    return 0;
}

void bj__peer_drop(struct bj_broker *broker, struct bj_peer *peer)
{
    for (unsigned n = 0; n < BJ_BROKER_TASKS; n++)
        if (broker->tasks[n] && broker->tasks[n]->peer == peer)
            bj__task_free(broker, broker->tasks[n]);
    for (unsigned n = 0; n < BJ_BROKER_SESSIONS; n++)
        if (broker->sessions[n] && broker->sessions[n]->peer == peer)
            bj__session_end(broker, broker->sessions[n]);
    bj__channel_free(peer->channel); /* closing takes it out of epoll */
    broker->peers[peer->index] = NULL;
    broker->peers_count--;
    free(peer);
}

void bj__peer_tell(struct bj_peer *peer, enum bj_message_type type, uint32_t id, const struct bj_buf *body)
{
    if (!peer->broken && bj__channel_send(peer->channel, (uint16_t)type, id, body) < 0)
        peer->broken = true;
}

void bj__peer_refuse(struct bj_broker *broker, struct bj_peer *peer, uint32_t id, const struct bj_error *err)
{
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, BJ_MESSAGE_MAX);
    broker->refused++;
    if (bj__refusal_encode(err, &body) < 0)
        peer->broken = true;
    bj__peer_tell(peer, BJ_TOLD_REFUSED, id, &body);
}

static void hear(struct bj_broker *broker, struct bj_peer *peer)
{
    for (int n = 0; n < MESSAGES_AT_ONCE && !peer->broken; n++) {
        struct bj_message message = {0};
        int r = bj__channel_receive(peer->channel, &message);
        if (r == 0)
            return;
        if (r > 0) {
            r = bj__permit_dispatch(broker, peer, &message);
            bj__message_done(&message);
        }
        if (r >= 0)
            continue;
        peer->broken = true;
        if (r == -ECONNRESET)
            return;
        broker->dropped++; /* a confined process that breaks a rule has fallen: a security event */
        bj__log_say(&broker->log, BJ_LOG_WARNING, "peer_broke_rule", "%s: message %u: %s",
                    peer->role == BJ_PEER_FRONT ? "front" : "watcher", message.type, strerror(-r));
    }
}

void bj__peer_event(struct bj_broker *broker, struct bj_peer *peer, uint32_t events)
{
    if (events & EPOLLOUT && bj__channel_flush(peer->channel) < 0)
        peer->broken = true;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        hear(broker, peer);
}
