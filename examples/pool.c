/* Parked jails in one page: each line of the input is a Python expression, and is answered out of a jail of its own.
 * Its own file because people copy it.
 * Changes when: the public interface does.
 *
 *   cc -o pool pool.c $(pkg-config --cflags --libs belljar)
 *   printf '6 * 7\n1 / 0\n' | ./pool */
#include <belljar.h>
#include <stdio.h>
#include <string.h>

static int make_pool(struct bj_pool **pool, struct bj_error *err)
{
    struct bj_spec *spec = NULL;
    int r = bj_spec_from_profile("python", &spec, err);

    if (r == 0)
        r = bj_spec_set_limit(spec, "wall_us", 2 * 1000 * 1000, err);
    if (r == 0)
        r = bj_pool_new(spec, 4, pool, err);
    bj_spec_free(spec);
    return r;
}

static int run(struct bj_run *run, struct bj_result **result, struct bj_error *err)
{
    int r;

    do
        r = bj_run_step(run, -1, err);
    while (r == 0);
    if (r > 0)
        r = bj_run_result(run, result, err);
    bj_run_free(run);
    return r;
}

/* The jails in the place of those that were used are made while the answer is read. */
static int answer(struct bj_pool *pool, const char *expression, struct bj_error *err)
{
    struct bj_spec *spec = NULL;
    struct bj_run *started = NULL;
    struct bj_result *result = NULL;
    int r = bj_pool_spec(pool, &spec, err);

    if (r == 0)
        r = bj_spec_set_expression(spec, expression, err);
    if (r == 0)
        r = bj_pool_start(pool, spec, &started, err);
    if (r == 0)
        r = run(started, &result, err);
    if (r == 0)
        printf("%s: %s\n", bj_status_name(bj_result_status(result)),
               bj_result_value(result) ? bj_result_value(result) : "-");
    if (r == 0)
        r = bj_pool_fill(pool, err);
    bj_result_free(result);
    bj_spec_free(spec);
    return r;
}

int main(void)
{
    char line[4096];
    struct bj_pool *pool = NULL;
    struct bj_error err;
    int r = make_pool(&pool, &err);

    while (r == 0 && fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = 0;
        r = answer(pool, line, &err);
    }
    if (r < 0)
        fprintf(stderr, "pool: %s: %s\n", err.field, err.message);
    bj_pool_free(pool);
    return r < 0;
}
