/* Parked jails: made ahead of time, each for one run.
 * Its own file because a run that starts here only differs in where its jail comes from.
 * Changes when: jails are kept in another way. */
#include "jail/zygote.h"
#include "supervise/calls.h"

#define AWAIT_MS 1000

struct bj_pool {
    struct bj_warm *warm;
    struct bj_zygote zygote;
    struct bj_spec *spec; /* what all its runs share */
    unsigned count;       /* jails to be kept */
    unsigned parked;      /* of them, in runs[] from first on */
    unsigned first;
    struct bj_run **runs; /* owned; not started */
};

static struct bj_run *take_first(struct bj_pool *pool)
{
    struct bj_run *run = pool->runs[pool->first];
    pool->first = pool->first + 1 < pool->count ? pool->first + 1 : 0;
    pool->parked--;
    return run;
}

/* Now, and not when somebody waits for a result. */
static int prepare_first(struct bj_pool *pool, struct bj_error *err)
{
    int r = bj__run_prepare_parked(pool->runs[pool->first], err);
    if (r < 0)
        bj_run_free(take_first(pool));
    return r;
}

static int park_one(struct bj_pool *pool, struct bj_error *err)
{
    int r = bj__run_park(&pool->zygote, &pool->runs[(pool->first + pool->parked) % pool->count], err);
    if (r == 0)
        pool->parked++;
    return r;
}

/* Again and again: a signal of the caller's may break the wait off. */
static int await_zygote(struct bj_pool *pool, struct bj_error *err)
{
    int r;
    do {
        r = bj__zygote_await(&pool->zygote, AWAIT_MS, err);
    } while (r == 0);
    return r < 0 ? r : 0;
}

static int fill(struct bj_pool *pool, struct bj_error *err)
{
    int r = await_zygote(pool, err);
    while (r == 0 && pool->parked < pool->count)
        r = park_one(pool, err);
    return r < 0 ? r : prepare_first(pool, err);
}

int bj_pool_fill_one(struct bj_pool *pool, struct bj_error *err)
{
    int r = bj__zygote_await(&pool->zygote, 0, err);
    if (r <= 0)
        return r < 0 ? r : 1;
    r = pool->parked < pool->count ? park_one(pool, err) : 0;
    if (r == 0)
        r = prepare_first(pool, err);
    return r < 0 ? r : pool->parked < pool->count;
}

int bj__pool_begin(const struct bj_spec *spec, unsigned jails, struct bj_pool **ret_pool, struct bj_error *err)
{
    if (jails == 0 || jails > BJ_POOL_MAX)
        return bj__error(err, BJ_ERROR_INVALID, ERANGE, "jails", "%u jails cannot be kept ready; 1 to %u can",
                         jails, BJ_POOL_MAX);
    struct bj_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return bj__error_memory(err);
    pool->count = jails;
    pool->runs = calloc(jails, sizeof(struct bj_run *));
    bj__jail_init(&pool->zygote.jail);
    pool->zygote.init_fd = -1;
    int r = pool->runs ? bj__spec_template(spec, "pool", &pool->spec, err) : bj__error_memory(err);
    if (r == 0)
        r = bj__warm_new(pool->spec, &pool->warm, err);
    if (r == 0)
        r = bj__zygote_start(&pool->zygote, pool->warm, err);
    if (r < 0) {
        bj_pool_free(pool);
        return r;
    }
    *ret_pool = pool;
    return 0;
}

int bj_pool_new(const struct bj_spec *spec, unsigned jails, struct bj_pool **ret_pool, struct bj_error *err)
{
    struct bj_pool *pool = NULL;
    int r = bj__pool_begin(spec, jails, &pool, err);
    if (r == 0)
        r = fill(pool, err);
    if (r < 0) {
        bj_pool_free(pool);
        return r;
    }
    *ret_pool = pool;
    return 0;
}

bool bj__pool_is_ready(const struct bj_pool *pool)
{
    return pool->zygote.ready;
}

void bj__pool_set_patience(struct bj_pool *pool, int patience_ms)
{
    pool->zygote.jail.patience_ms = patience_ms;
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

const char *bj__pool_misfit(const struct bj_pool *pool, const struct bj_spec *spec)
{
    const char *other = bj__spec_differs(spec, pool->spec);
    /* Where no control group counts, a limit of each process stands in, which the parked ones have already. */
    const struct bj_plan *plan = &pool->warm->fork;
    bool counted = plan->cgroup && (plan->cgroup_parents.v1_memory[0] || plan->cgroup_parents.unified_memory);
    bool lower = spec->limits.memory_bytes != pool->spec->limits.memory_bytes;
    return !other && lower && !counted ? "limits" : other;
}

static int check_snippet(const struct bj_pool *pool, const struct bj_spec *spec, struct bj_error *err)
{
    const char *other = bj__pool_misfit(pool, spec); /* of the rest the pool's has been checked */
    if (other)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, other,
                         "is not what the pool's jails were made for; take the spec from bj_pool_spec and "
                         "change nothing but "
                         "code, expression, globals, views, trace, files, collect, a policy where it has none, "
                         "and lower limits "
                         "of time, input, output, memory and calls, or make another pool");
    if (spec->calls.count > 0 && !pool->spec->calls.items)
        return bj__error(
            err, BJ_ERROR_INVALID, EINVAL, "calls",
            "the pool's jails were made without a way to call; name functions, or an empty list of "
            "them, in the pool's spec");
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
    struct bj_run *run = take_first(pool);
    r = bj__run_narrow(run, spec, err);
    if (r == 0)
        r = bj__calls_start(run, &spec->calls, err);
    if (r == 0)
        return bj__run_start_parked(run, &request, stdin_fd, ret_run, err);
    bj_run_free(run);
    return r;
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
    while (pool->runs && pool->parked > 0)
        bj_run_free(take_first(pool));
    bj__zygote_done(&pool->zygote);
    bj__warm_free(pool->warm);
    bj_spec_free(pool->spec);
    free(pool->runs);
    free(pool);
}
