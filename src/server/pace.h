/* Large bodies are read at an even rate.
 * Its own file because exchange.h's readers need its fields, and only http.c and exchange.c its functions.
 * Changes when: what is left to small requests is shared out in another way. */
#ifndef BJ_SERVER_PACE_H
#define BJ_SERVER_PACE_H

#include "base/base.h"

#include <sys/queue.h>

struct bj_exchange;

/* Of all bodies. */
struct bj_pace {
    uint64_t grant_us;                              /* that a grant takes at the rate */
    uint64_t next_us;                               /* the next grant may be given; bj__now_us() */
    TAILQ_HEAD(bj_paced_list, bj_exchange) waiting; /* the one that began first, first */
};

/* Of one body. */
struct bj_paced {
    size_t left; /* bytes that are read before it needs a grant */
    bool waits;  /* its connection is suspended */
    TAILQ_ENTRY(bj_exchange) entry;
};

void bj__pace_init(struct bj_pace *pace, uint64_t bytes_per_second);
void bj__pace_begin(struct bj_paced *paced);
/* length bytes were read of it, inside of libmicrohttpd's call: it may have to wait. */
void bj__pace_body(struct bj_exchange *exchange, size_t length);
/* Gives the grants that are due. */
void bj__pace_tend(struct bj_pace *pace, uint64_t now_us);
/* When it must be called again; UINT64_MAX: nobody waits. */
uint64_t bj__pace_due(const struct bj_pace *pace);
/* It waits no more: its connection is being closed. */
void bj__pace_end(struct bj_exchange *exchange);
/* It ends. libmicrohttpd ends also one that waits, when what it had received already is not to be had. */
void bj__pace_forget(struct bj_exchange *exchange);
/* None waits. */
void bj__pace_done(struct bj_pace *pace);

#endif
