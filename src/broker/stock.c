/* Profiles that are served, and their parked jails.
 * Its own file because a zygote may break while runs that came from it go on.
 * Changes when: jails are kept ready by another rule. */
#include "broker/broker.h"
#include "supervise/run.h"

#include <stdio.h>

#define RETRY_MS    500  /* a profile whose zygote cannot start must not keep the broker busy */
#define IMPORT_MS   2    /* between two looks at a zygote that imports its modules */
#define PATIENCE_MS 1000 /* others wait meanwhile */

void bj__shared_pool_leave(struct bj_shared_pool *pool)
{
    if (!pool || --pool->users > 0)
        return;
    bj_pool_free(pool->pool);
    free(pool);
}

static int make_pool(struct bj_stock *stock, struct bj_error *err)
{
    struct bj_shared_pool *shared = calloc(1, sizeof(*shared));
    if (!shared)
        return bj__error_memory(err);
    shared->users = 1;
    int r = bj__pool_begin(stock->spec, stock->jails, &shared->pool, err);
    if (r < 0) {
        free(shared);
        return r;
    }
    bj__pool_set_patience(shared->pool, PATIENCE_MS);
    stock->pool = shared;
    stock->zygotes++;
    return 0;
}

int bj__stock_make(struct bj_stock *stock, const char *name, unsigned jails, struct bj_error *err)
{
    *stock = (struct bj_stock){.jails = jails};
    (void)snprintf(stock->name, sizeof(stock->name), "%s", name);
    int r = bj_spec_from_profile(name, &stock->spec, err);
    if (r == 0 && jails > 0)
        r = bj__spec_template(stock->spec, "pool", &stock->parked, err);
    if (r == 0 && jails > 0)
        r = make_pool(stock, err);
    if (r < 0)
        bj__stock_done(stock);
    return r;
}

int bj__stock_settle(struct bj_stock *stock, struct bj_error *err)
{
    return stock->pool ? bj_pool_fill(stock->pool->pool, err) : 0;
}

bool bj__stock_has_jails(const struct bj_stock *stock)
{
    return stock->pool && bj__pool_is_ready(stock->pool->pool);
}

void bj__stock_done(struct bj_stock *stock)
{
    bj__shared_pool_leave(stock->pool);
    bj_spec_free(stock->parked);
    bj_spec_free(stock->spec);
    stock->pool = NULL;
    stock->spec = stock->parked = NULL;
}

static void replace_pool(struct bj_stock *stock, struct bj_log *log)
{
    struct bj_error error = {0};
    uint64_t now = bj__now_us();
    if (stock->jails == 0 || stock->pool || now < stock->retry_us)
        return;
    stock->retry_us = now + RETRY_MS * 1000;
    if (make_pool(stock, &error) < 0)
        bj__log_say(log, BJ_LOG_ERROR, "zygote_failed", "%s: %s", stock->name, error.message);
    else
        bj__log_say(log, BJ_LOG_INFO, "zygote_started", "%s", stock->name);
}

int bj__stock_fill(struct bj_stock *stock, bool at_leisure, struct bj_log *log)
{
    struct bj_error error = {0};
    struct bj_pool *pool = stock->pool ? stock->pool->pool : NULL;
    bool few = pool && bj_pool_parked(pool) <= stock->jails / 4;
    int r = pool && (few || at_leisure) ? bj_pool_fill_one(pool, &error) : 0;
    if (r < 0) {
        bj__log_say(log, BJ_LOG_WARNING, "zygote_ended", "%s: %s", stock->name, error.message);
        bj__shared_pool_leave(stock->pool);
        stock->pool = NULL;
    }
    replace_pool(stock, log);
    if (stock->jails == 0)
        return -1;
    if (!stock->pool)
        return RETRY_MS;
    if (!bj__stock_has_jails(stock))
        return IMPORT_MS;
    return bj_pool_parked(stock->pool->pool) < stock->jails ? 0 : -1;
}
