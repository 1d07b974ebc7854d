/* A zygote: a jailed interpreter that is warm, and only forks. And its forks: parked jails.
 * Its own file because a pool keeps these, while a run only knows a jail.
 * Changes when: something more is asked of a zygote. */
#ifndef BJ_ZYGOTE_H
#define BJ_ZYGOTE_H

#include "jail/jail.h"

struct bj_zygote {
    const struct bj_warm *warm;
    int init_fd;          /* the program of every fork's pid 1 */
    bool ready;           /* to fork */
    uint64_t ready_by_us; /* or it is taken for stuck */
    struct bj_leaves leaves;
    struct bj_jail
        jail; /* streams.reply_fd: the socket that it is asked over; no control group, no pid namespace */
};

/* Starts it; it imports what it shall while the caller goes on. On failure everything is undone; *err has its last words. */
int bj__zygote_start(struct bj_zygote *zygote, const struct bj_warm *warm, struct bj_error *err);
/* Has it imported that? Waits so long to hear it. 1: it is ready, 0: not yet; on failure the caller ends it. */
int bj__zygote_await(struct bj_zygote *zygote, int timeout_ms, struct bj_error *err);
void bj__zygote_done(struct bj_zygote *zygote);

/* Asks for a fork. It makes its jail while the caller goes on. On failure everything of it is undone. */
int bj__jail_park(struct bj_jail *jail, struct bj_zygote *zygote, struct bj_error *err);
/* Once it is parked, which means that everything is in force: hands it the request (bj__snippet_request), and sets its clock. Once;
 * on failure the caller ends it. */
int bj__jail_hand_over(struct bj_jail *jail, const struct bj_buf *request, uint64_t wall_us,
                       struct bj_error *err);
/* Starts it, after all else: on a busy host it may take our processor at once. */
int bj__jail_unpark(const struct bj_jail *jail, struct bj_error *err);

#endif
