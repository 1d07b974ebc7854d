/* How a service stands, as its broker tells it.
 * Its own file because reading it is one thing and showing it another.
 * Changes when: something more can be seen of a service. */
#ifndef BJ_TOP_H
#define BJ_TOP_H

#include "broker/wire.h"

#define TOP_PROFILES 64
#define TOP_RUNS     1024

struct top_profile {
    char name[64];
    uint64_t parked, jails, zygotes, parked_runs, other_runs, denials;
    uint64_t ended[BJ_STATUS__COUNT];
};

struct top_run {
    char profile[64];
    uint64_t wall_us, pid, session; /* session 0: none */
};

struct top_state {
    uint64_t uptime_us, running, capacity, sessions, session_capacity, refused, peers_dropped, ready, draining;
    struct top_profile profiles[TOP_PROFILES];
    size_t profile_count;
    struct top_run runs[TOP_RUNS];
    size_t run_count;
};

uint64_t bj__top_runs(const struct top_profile *profile); /* that have ended */
/* The body of STATE. -EBADMSG. What this program does not know is left out. */
int bj__top_read(const struct bj_message *message, struct top_state *ret_state);

#endif
