/* The real command, but its snippets run in parked jails: the library's functions that start a run are wrapped.
 * Its own file because a pool has no command yet, and every test of snippets must hold for parked jails as well.
 * Changes when: the command starts runs in another way. Linked by -Wl,--wrap, for tests only. */
#include "spec/spec.h"

#include <stdlib.h>

static struct bj_spec *snippet;
static struct bj_pool *pool;

int __real_bj_plan_new(const struct bj_spec *spec, struct bj_plan **ret_plan, struct bj_error *err);
int __wrap_bj_plan_new(const struct bj_spec *spec, struct bj_plan **ret_plan, struct bj_error *err);
int __wrap_bj_plan_new(const struct bj_spec *spec, struct bj_plan **ret_plan, struct bj_error *err)
{
    int r = __real_bj_plan_new(spec, ret_plan, err);
    if (r == 0 && !snippet && (spec->code || spec->expression))
        r = bj__spec_copy(spec, &snippet, err);
    return r;
}

static int make_pool(struct bj_error *err)
{
    struct bj_spec *spec = NULL;
    int r = bj__spec_copy(snippet, &spec, err);
    if (r < 0)
        return r;
    spec->code = spec->expression = spec->globals = NULL;
    spec->file_count = 0;
    r = bj_pool_new(spec, 1, &pool, err);
    bj_spec_free(spec);
    return r;
}

int __real_bj_run_start_stdin(const struct bj_plan *plan, int stdin_fd, struct bj_run **ret_run,
                              struct bj_error *err);
int __wrap_bj_run_start_stdin(const struct bj_plan *plan, int stdin_fd, struct bj_run **ret_run,
                              struct bj_error *err);
int __wrap_bj_run_start_stdin(const struct bj_plan *plan, int stdin_fd, struct bj_run **ret_run,
                              struct bj_error *err)
{
    if (!snippet)
        return __real_bj_run_start_stdin(plan, stdin_fd, ret_run, err);
    int r = make_pool(err);
    return r < 0 ? r : bj_pool_start_stdin(pool, snippet, stdin_fd, ret_run, err);
}

int __wrap_bj_run_start(const struct bj_plan *plan, struct bj_run **ret_run, struct bj_error *err);
int __wrap_bj_run_start(const struct bj_plan *plan, struct bj_run **ret_run, struct bj_error *err)
{
    return __wrap_bj_run_start_stdin(plan, -1, ret_run, err);
}

void __real_bj_run_free(struct bj_run *run);
void __wrap_bj_run_free(struct bj_run *run);
void __wrap_bj_run_free(struct bj_run *run)
{
    __real_bj_run_free(run);
    bj_pool_free(pool);
    bj_spec_free(snippet);
    pool = NULL;
    snippet = NULL;
}
