/* What the front knows of the service, whatever protocol is spoken: profiles, clients, runs, sessions.
 * Its own file because protocols share it and know nothing of each other.
 * Changes when: the front knows something more. */
#ifndef BJ_SERVER_SERVICE_H
#define BJ_SERVER_SERVICE_H

#include "base/log.h"
#include "server/jobs.h"
#include "server/metrics.h"

#include <jansson.h>

struct bj_profile_known {
    char *name;   /* owned */
    char *json;   /* owned; the whole profile, as the broker told it */
    json_t *tree; /* owned; the same */
    uint64_t parked;
};

struct bj_session_known {
    char id[33];     /* 128 random bits */
    uint64_t number; /* the broker's; 0: it is being opened */
    struct bj_client *client;
    char profile[64];
    uint64_t opened_us, used_us;
    uint64_t runs;
    bool taken; /* is this slot in use? */
};

#define BJ_SERVICE_RUNTIMES 8u

/* Of a connection: who waits for whom. */
enum bj_turn { BJ_TURN_CLIENT, BJ_TURN_OURS, BJ_TURN_ANSWER };

/* The connections of one way to speak to clients. They share config->connections with the others. */
struct bj_crowd {
    TAILQ_ENTRY(bj_crowd) entry;
    /* Since when the one has been in this turn that has been for longest; UINT64_MAX: none is. */
    uint64_t (*longest_since)(const struct bj_crowd *crowd, enum bj_turn turn);
    void (*end_longest)(struct bj_crowd *crowd, enum bj_turn turn);
};
TAILQ_HEAD(bj_crowd_list, bj_crowd);

struct bj_service {
    const struct bj_config *config;
    struct bj_loop *loop;
    struct bj_broker_link link;
    struct bj_clients clients;
    struct bj_jobs jobs;
    struct bj_metrics metrics;
    struct bj_crowd_list crowds;
    struct bj_profile_known profiles[BJ_CONFIG_PROFILES];
    size_t profile_count;
    struct bj_session_known *sessions; /* owned; config->sessions slots */
    bool welcome, tests_held;          /* what the broker has said of itself */
    bool ready, draining;
    char unready[384]; /* why it is not ready */
    uint64_t buffered; /* bytes of bodies and answers that are held */
    struct bj_log log;
    uint64_t start_us;
    char runtime_versions[BJ_SERVICE_RUNTIMES][32]; /* compat/runtimes.c: "" is not known yet */
    const char *layers;                             /* JSON: what the front itself is confined by */
};

int bj__service_init(struct bj_service *service, const struct bj_config *config, struct bj_loop *loop,
                     int *broker_fd);
/* Says HELLO: after the walls stand. */
int bj__service_greet(struct bj_service *service);
void bj__service_done(struct bj_service *service);
/* May there be so many bytes more? Then they are counted; give them back with release. */
bool bj__service_hold(struct bj_service *service, size_t bytes);
void bj__service_release(struct bj_service *service, size_t bytes);
/* One more connection has come than there may be: the client that has owed us something for longest goes; if none does, the one that
 * has read slowest. False: all of them wait for us. */
bool bj__service_make_room(struct bj_service *service);
/* NULL: not served here. */
const struct bj_profile_known *bj__service_profile(const struct bj_service *service, const char *name);
/* Random text of hexadecimal digits: digits of them and a NUL. */
void bj__service_random_id(char *text, size_t digits);

/* sessions.c: one that ended by itself, or was closed. */
void bj__sessions_ended(struct bj_service *service, uint64_t number);

#endif
