/* The front's end of the socket to the broker: what was asked, and who waits for the answer.
 * Its own file because numbers of asks are given out and taken back here, and nowhere else.
 * Changes when: the broker is asked in another way. */
#ifndef BJ_SERVER_LINK_H
#define BJ_SERVER_LINK_H

#include "broker/channel.h"
#include "server/loop.h"

/* Called with each message about an ask; the number is free again after the last (broker/wire.h). The message is gone afterwards,
 * unless its mapping was taken. */
typedef void (*bj_told_fn)(void *user, struct bj_message *message);

struct bj_asker {
    bj_told_fn told; /* NULL: nobody waits any more */
    void *user;
};

struct bj_broker_link {
    struct bj_source source;
    struct bj_loop *loop;
    struct bj_channel *channel; /* owned */
    struct bj_asker unasked;    /* hears messages that are about no ask */
    struct bj_asker *askers;    /* owned; that of number n stands at n - 1 */
    bool *open;                 /* owned; the same */
    uint32_t ask_most;
    uint32_t *free_numbers; /* owned */
    uint32_t free_count;
    bool writing;
    int broken; /* 0, or -errno: the broker is gone, or says what it must not */
};

/* Takes the descriptor. ask_most: at the same time. */
int bj__link_init(struct bj_broker_link *link, struct bj_loop *loop, int *fd, uint32_t ask_most);
void bj__link_done(struct bj_broker_link *link);
/* -ENOBUFS, -ENOMEM: as much is asked already as can be. */
int bj__link_ask(struct bj_broker_link *link, uint16_t type, const struct bj_buf *body, struct bj_asker asker,
                 uint32_t *ret_number);
/* Something about an ask that is under way: CANCEL. */
int bj__link_say(struct bj_broker_link *link, uint16_t type, uint32_t number, const struct bj_buf *body);
/* Nobody waits for the answer any more; the number is taken until it has come. */
void bj__link_leave(struct bj_broker_link *link, uint32_t number);

#endif
