/* One end of a socket to or from the broker: whole messages in and out, without waiting.
 * Its own file because the broker and its askers send and receive alike.
 * Changes when: messages travel in another way. */
#ifndef BJ_BROKER_CHANNEL_H
#define BJ_BROKER_CHANNEL_H

#include "broker/wire.h"

struct bj_outgoing;

struct bj_channel {
    int fd;                            /* owned */
    struct bj_outgoing *first, **last; /* what the socket had no room for */
    size_t queued_bytes, queued_most;
    unsigned char buffer[BJ_MESSAGE_MAX]; /* of the message that was received last */
};

/* Takes the descriptor: a SOCK_SEQPACKET socket. queued_most: bytes that may wait to be sent. NULL: out of memory; it is closed then, too. */
struct bj_channel *bj__channel_new(int *fd, size_t queued_most);
void bj__channel_free(struct bj_channel *channel);

/* Body: records. -ENOBUFS: the other end does not read; -EPIPE: it is gone. */
int bj__channel_send(struct bj_channel *channel, uint16_t type, uint32_t id, const struct bj_buf *body);
bool bj__channel_has_queued(const struct bj_channel *channel);
/* When the socket can be written to. As bj__channel_send. */
int bj__channel_flush(struct bj_channel *channel);
/* 1: *ret_message. 0: nothing has come. -ECONNRESET: the other end is gone. -EBADMSG: what came is no message; what was wrong is
 * told nowhere. */
int bj__channel_receive(struct bj_channel *channel, struct bj_message *ret_message);

#endif
