/* Parked jails: made ahead of time, each for one run.
 * Its own file because a run that starts here only differs in where its jail comes from.
 * Changes when: jails are kept in another way. */
#include "jail/zygote.h"
#include "supervise/run.h"

struct bj_pool {
    struct bj_warm *warm;
    struct bj_zygote zygote;
    struct bj_spec *spec; /* what all its runs share */
    unsigned count;       /* jails to be kept */
    unsigned parked;      /* of them, in jails[] from first on */
    unsigned first;
    struct bj_jail *jails;
};

static int fill(struct bj_pool *pool, struct bj_error *err)
{
    while (pool->parked < pool->count) {
        int r = bj__jail_park(&pool->jails[(pool->first + pool->parked) % pool->count], &pool->zygote, err);
        if (r < 0)
            return r;
        pool->parked++;
    }
    return 0;
}

int bj_pool_new(const struct bj_spec *spec, unsigned jails, struct bj_pool **ret_pool, struct bj_error *err)
{
    if (jails == 0 || jails > BJ_POOL_MAX)
        return bj__error(err, BJ_ERROR_INVALID, ERANGE, "jails", "%u jails cannot be kept ready; 1 to %u can",
                         jails, BJ_POOL_MAX);
    struct bj_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return bj__error_memory(err);
    pool->count = jails;
    pool->jails = calloc(jails, sizeof(*pool->jails));
    bj__jail_init(&pool->zygote.jail);
    pool->zygote.init_fd = -1;
    int r = pool->jails ? bj__spec_template(spec, "pool", &pool->spec, err) : bj__error_memory(err);
    if (r == 0)
        r = bj__warm_new(pool->spec, &pool->warm, err);
    if (r == 0)
        r = bj__zygote_start(&pool->zygote, pool->warm, err);
    if (r == 0)
        r = fill(pool, err);
    if (r < 0) {
        bj_pool_free(pool);
        return r;
    }
    *ret_pool = pool;
    return 0;
}

int bj_pool_fill(struct bj_pool *pool, struct bj_error *err)
{
    return fill(pool, err);
}

unsigned bj_pool_parked(const struct bj_pool *pool)
{
    return pool->parked;
}

int bj_pool_spec(const struct bj_pool *pool, struct bj_spec **ret_spec, struct bj_error *err)
{
    int r = bj__spec_copy(pool->spec, ret_spec, err);
    if (r == 0)
        (*ret_spec)->code = (*ret_spec)->expression = NULL;
    return r;
}

static int check_snippet(const struct bj_pool *pool, const struct bj_spec *spec, struct bj_error *err)
{
    const char *other = bj__spec_differs(spec, pool->spec); /* of the rest the pool's has been checked */
    if (other)
        return bj__error(
            err, BJ_ERROR_INVALID, EINVAL, other,
            "is not what the pool's jails were made for; take the spec from bj_pool_spec and "
            "change nothing but "
            "code, expression, globals, trace, files and a policy where it has none, or make another pool");
    return bj__spec_check_snippet(spec, err);
}

int bj_pool_start_stdin(struct bj_pool *pool, const struct bj_spec *spec, int stdin_fd, struct bj_run **ret_run,
                        struct bj_error *err)
{
    BJ_BUF struct bj_buf request = {.maximum = 0};
    int r = check_snippet(pool, spec, err);
    if (r == 0)
        r = bj__snippet_make_request(spec, &request, err);
    if (r == 0 && pool->parked == 0)
        r = fill(pool, err);
    if (r < 0)
        return r;
    struct bj_jail *jail = &pool->jails[pool->first];
    pool->first = (pool->first + 1) % pool->count;
    pool->parked--;
    return bj__run_start_parked(jail, &request, stdin_fd, ret_run, err);
}

int bj_pool_start(struct bj_pool *pool, const struct bj_spec *spec, struct bj_run **ret_run,
                  struct bj_error *err)
{
    return bj_pool_start_stdin(pool, spec, -1, ret_run, err);
}

void bj_pool_free(struct bj_pool *pool)
{
    if (!pool)
        return;
    for (unsigned i = 0; i < pool->parked; i++)
        bj__jail_done(&pool->jails[(pool->first + i) % pool->count]);
    bj__zygote_done(&pool->zygote);
    bj__warm_free(pool->warm);
    bj_spec_free(pool->spec);
    free(pool->jails);
    free(pool);
}
