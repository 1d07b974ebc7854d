/* Runs on their way: who may start one, which of them waits, what is told of it.
 * Its own file because every protocol of the front starts runs through these few functions.
 * Changes when: runs wait in another order, or more is told of them. */
#ifndef BJ_SERVER_JOBS_H
#define BJ_SERVER_JOBS_H

#include "broker/outcome.h"
#include "server/clients.h"
#include "server/link.h"
#include "server/refusal.h"
#include "spec/spec.h"

struct bj_service;
struct bj_job;

/* Who is told. After done or refused there is no job any more; nothing is told of one that was cancelled. started and output may be
 * NULL, and are only called for a job with stream. */
struct bj_job_events {
    void (*started)(void *user);
    void (*output)(void *user, enum bj_stream stream, const void *bytes, size_t length);
    /* The program ran. The outcome points into the message, whose memory may be taken (mapping set to NULL). */
    void (*done)(void *user, struct bj_message *message, const struct bj_outcome *outcome);
    void (*refused)(void *user, const struct bj_refusal *refusal);
};

struct bj_job_order {
    struct bj_client *client;
    struct bj_request *request; /* what is asked; the caller's, and not needed afterwards */
    bool admitted;              /* bj__job_admit was asked already */
    bool stream;                /* tell output as it comes */
    bool merged;                /* with stream, of a snippet: its stderr is its stdout */
    bool parts;                 /* an outcome in parts instead of one as JSON */
    uint64_t session, branch;   /* 0: none */
    const char *via;            /* for the log: "exec", "piston" */
    const struct bj_job_events *events;
    void *user;
};

enum bj_job_state { BJ_JOB_WAITING, BJ_JOB_RUNNING, BJ_JOB_LEFT };

struct bj_job {
    TAILQ_ENTRY(bj_job) of_client; /* while it waits */
    TAILQ_ENTRY(bj_job) by_age;    /* the same; or among those that have ended */
    struct bj_service *service;
    struct bj_client *client;
    const struct bj_job_events *events;
    void *user;
    enum bj_job_state state;
    bool stream;
    uint32_t number; /* of the ask, when it runs */
    char id[17];     /* in the log, and told to who asked */
    const char *via;
    char profile[64];
    struct bj_buf body; /* while it waits */
    uint64_t asked_us, started_us, ended_us, wall_us;
    const char *outcome; /* for the log */
};

struct bj_jobs {
    struct bj_client_list turns; /* clients that have some waiting, next one first */
    struct bj_job_list by_age;
    struct bj_job_list ended; /* and not logged yet */
    uint64_t waiting, running;
    uint64_t capacity; /* that may be with the broker */
};

/* May the client start one now? It takes one of those that it has left, before anything is read that costs time: a request that turns
 * out to be none counts as well. */
bool bj__job_admit(struct bj_service *service, struct bj_client *client, struct bj_refusal *refusal);
/* Starts it, or lets it wait. false: *refusal, and no event will come. */
bool bj__job_start(struct bj_service *service, const struct bj_job_order *order, struct bj_job **ret_job,
                   struct bj_refusal *refusal);
/* Nobody waits for it any more: it is ended, and no event will come. NULL: nothing. */
void bj__job_cancel(struct bj_job *job);

void bj__jobs_init(struct bj_jobs *jobs);
/* Those that have waited for too long are refused. Returns when the next one will have: UINT64_MAX: none waits. */
uint64_t bj__jobs_expire(struct bj_service *service, uint64_t now_us);
/* Writes the log's lines of those that have ended: when there is nothing more urgent. */
void bj__jobs_log(struct bj_service *service);

#endif
