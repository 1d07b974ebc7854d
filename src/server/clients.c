/* Who asks, and how much of it.
 * Its own file because the comparison of secrets and the counting of what is left must be readable in one piece.
 * Changes when: clients prove who they are in another way, or another thing is rationed. */
#include "server/clients.h"

#include "server/token.h"

#define MINUTE_US 60000000u

static uint64_t interval_of(const struct bj_config_quota *quota)
{
    uint64_t interval = MINUTE_US / quota->runs_per_minute;
    return interval > 0 ? interval : 1;
}

static uint64_t burst_of(const struct bj_config_quota *quota)
{
    return quota->runs_burst > 0 ? quota->runs_burst : quota->runs_per_minute;
}

uint64_t bj__bucket_left(const struct bj_bucket *bucket, const struct bj_config_quota *quota, uint64_t now_us)
{
    if (quota->runs_per_minute == 0)
        return UINT64_MAX;
    uint64_t interval = interval_of(quota);
    uint64_t missing_us = bucket->full_us > now_us ? bucket->full_us - now_us : 0;
    uint64_t missing = (missing_us + interval - 1) / interval;
    return missing < burst_of(quota) ? burst_of(quota) - missing : 0;
}

bool bj__bucket_take(struct bj_bucket *bucket, const struct bj_config_quota *quota, uint64_t now_us,
                     uint64_t *ret_wait_us)
{
    *ret_wait_us = 0;
    if (quota->runs_per_minute == 0)
        return true;
    uint64_t interval = interval_of(quota);
    uint64_t from = bucket->full_us > now_us ? bucket->full_us : now_us;
    uint64_t room = burst_of(quota) * interval;
    if (from + interval > now_us + room) {
        *ret_wait_us = from + interval - now_us - room;
        return false;
    }
    bucket->full_us = from + interval;
    return true;
}

int bj__clients_init(struct bj_clients *clients, const struct bj_config *config)
{
    *clients = (struct bj_clients){.config = config};
    clients->items = calloc(config->token_count + 1, sizeof(*clients->items));
    if (!clients->items)
        return -ENOMEM;
    for (size_t n = 0; n <= config->token_count; n++) {
        bool anonymous = n == config->token_count;
        struct bj_client *client = &clients->items[n];
        client->name = anonymous ? "anonymous" : config->tokens[n].name;
        client->quota = anonymous ? &config->anonymous_quota : &config->tokens[n].quota;
        TAILQ_INIT(&client->waiting);
    }
    return 0;
}

void bj__clients_done(struct bj_clients *clients)
{
    free(clients->items);
    clients->items = NULL;
}

struct bj_client *bj__clients_anonymous(const struct bj_clients *clients)
{
    return &clients->items[clients->config->token_count];
}

struct bj_client *bj__clients_find(const struct bj_clients *clients, const char *token, size_t length)
{
    unsigned char hash[BJ_TOKEN_HASH];
    struct bj_client *found = NULL;
    bj__token_hash(token, length, hash);
    /* All of them are compared, to the end. */
    for (size_t n = 0; n < clients->config->token_count; n++)
        if (bj__token_same(hash, clients->config->tokens[n].sha256))
            found = &clients->items[n];
    return found;
}

bool bj__client_may_use(const struct bj_client *client, const char *profile)
{
    if (!client->quota->profiles)
        return true;
    for (size_t n = 0; n < client->quota->profile_count; n++)
        if (strcmp(client->quota->profiles[n], profile) == 0)
            return true;
    return false;
}
