/* Waiting for several descriptors at once.
 * Its own file because everything that the front does begins here, and nothing here knows what it is.
 * Changes when: the front waits for another kind of thing. */
#ifndef BJ_SERVER_LOOP_H
#define BJ_SERVER_LOOP_H

#include "base/base.h"

#include <signal.h>
#include <sys/epoll.h>

#define BJ_LOOP_BATCH 64

struct bj_source {
    void (*ready)(struct bj_source *source, uint32_t events);
};

struct bj_loop {
    int epoll_fd; /* owned */
    struct epoll_event batch[BJ_LOOP_BATCH];
    int count;
};

int bj__loop_init(struct bj_loop *loop);
void bj__loop_done(struct bj_loop *loop);
/* The descriptor and the source stay the caller's. events: of epoll_ctl(2). 0 or -errno. */
int bj__loop_add(struct bj_loop *loop, int fd, uint32_t events, struct bj_source *source);
int bj__loop_change(struct bj_loop *loop, int fd, uint32_t events, struct bj_source *source);
/* A descriptor that is still open elsewhere does not leave with its close. */
int bj__loop_remove(struct bj_loop *loop, int fd, const struct bj_source *source);
/* Before a source is freed: nothing of this turn is delivered to it any more. The descriptor leaves with its last close. */
void bj__loop_forget(struct bj_loop *loop, const struct bj_source *source);
/* One turn: waits until until_us (UINT64_MAX: for ever) or until a signal of unblocked comes, then calls those that are ready. */
int bj__loop_turn(struct bj_loop *loop, uint64_t until_us, const sigset_t *unblocked);

#endif
