/* Parked jails: made ahead of time, each for one run.
 * Its own file because a run that starts here only differs in where its jail comes from.
 * Changes when: jails are kept in another way. */
#include "jail/zygote.h"
#include "spec/policy.h"
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

/* What a pool's jails are made for; the code comes with each run. */
static int make_template(const struct bj_spec *spec, struct bj_spec **ret_spec, struct bj_error *err)
{
    if (spec->command.count > 0 || spec->code || spec->expression)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL,
                         spec->code         ? "code"
                         : spec->expression ? "expression"
                                            : "command",
                         "a pool is made before it is known what runs in it; give it to bj_pool_start");
    int r = bj__spec_copy(spec, ret_spec, err);
    if (r == 0 && spec->policy && bj__policy_is_of_expressions(spec->policy))
        return bj_spec_set_expression(*ret_spec, "None", err);
    return r < 0 ? r : bj_spec_set_code(*ret_spec, "", err);
}

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
    int r = pool->jails ? make_template(spec, &pool->spec, err) : bj__error_memory(err);
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

/* Files are written by the program that runs snippets, as the guest: in /box nothing that it can write may be run. */
static int read_sources(const struct bj_spec *spec, struct bj_sources *ret_sources, struct bj_error *err)
{
    int r = bj__sources_read(spec, ret_sources, err);
    for (size_t i = 0; r == 0 && i < ret_sources->entry_count; i++)
        if (ret_sources->entries[i].executable && !spec->scratch_executable)
            r = bj__error(err, BJ_ERROR_INVALID, EINVAL, "files",
                          "\"%.200s\" is to be run, and a parked jail has no place for programs any more; run "
                          "it in a jail of "
                          "its own",
                          ret_sources->entries[i].path);
    if (r < 0)
        bj__sources_done(ret_sources);
    return r;
}

static int make_request(const struct bj_spec *spec, struct bj_buf *request, struct bj_error *err)
{
    struct bj_sources sources;
    int r = 0;
    if (spec->file_count > 0 && (r = read_sources(spec, &sources, err)) < 0)
        return r;
    r = bj__snippet_request(spec, spec->file_count > 0 ? &sources : NULL, request);
    if (spec->file_count > 0)
        bj__sources_done(&sources);
    return r < 0 ? bj__error_memory(err) : 0;
}

int bj_pool_start_stdin(struct bj_pool *pool, const struct bj_spec *spec, int stdin_fd, struct bj_run **ret_run,
                        struct bj_error *err)
{
    BJ_BUF struct bj_buf request = {.maximum = 0};
    int r = check_snippet(pool, spec, err);
    if (r == 0)
        r = make_request(spec, &request, err);
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
