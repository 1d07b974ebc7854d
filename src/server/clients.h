/* Who asks, and how much of it: tokens and what each may have.
 * Its own file because the comparison of secrets and the counting of what is left must be readable in one piece.
 * Changes when: clients prove who they are in another way, or another thing is rationed. */
#ifndef BJ_SERVER_CLIENTS_H
#define BJ_SERVER_CLIENTS_H

#include "server/config.h"

#include <sys/queue.h>

struct bj_job;
TAILQ_HEAD(bj_job_list, bj_job);

/* A bucket of permits that is filled evenly (GCRA): full_us is when it will be full again. All zero: full. */
struct bj_bucket {
    uint64_t full_us;
};

/* Takes one of at most burst, of which per_minute come in a minute. False: there is none, the next one comes in *ret_wait_us.
 * per_minute 0: there are always some. */
bool bj__bucket_take(struct bj_bucket *bucket, const struct bj_config_quota *quota, uint64_t now_us,
                     uint64_t *ret_wait_us);
uint64_t bj__bucket_left(const struct bj_bucket *bucket, const struct bj_config_quota *quota, uint64_t now_us);

struct bj_client {
    const char *name; /* for the log; "anonymous" */
    const struct bj_config_quota *quota;
    struct bj_bucket bucket;
    uint64_t runs;     /* that wait or run */
    uint64_t sessions; /* open, or being opened */
    struct bj_job_list waiting;
    TAILQ_ENTRY(bj_client) turn; /* among those that have some waiting */
};
TAILQ_HEAD(bj_client_list, bj_client);

struct bj_clients {
    const struct bj_config *config;
    struct bj_client *items; /* one for each token, and the anonymous one behind them; owned */
};

int bj__clients_init(struct bj_clients *clients, const struct bj_config *config);
void bj__clients_done(struct bj_clients *clients);
struct bj_client *bj__clients_anonymous(const struct bj_clients *clients);
/* Whose token it is; NULL: nobody's. How long it takes tells nothing but the token's length. */
struct bj_client *bj__clients_find(const struct bj_clients *clients, const char *token, size_t length);
bool bj__client_may_use(const struct bj_client *client, const char *profile);

#endif
