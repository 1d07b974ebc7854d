/* What a run in a parked jail may have for itself: lower limits, and files that are collected.
 * Its own file because everything else of a pool's runs is as its jails were made.
 * Changes when: such a run may have something more. */
#include "pool_help.h"

#include <errno.h>

static struct bj_spec *limited(struct bj_pool *pool, const char *code, const char *limit, uint64_t value)
{
    struct bj_spec *spec = NULL;
    assert_int_equal(bj_pool_spec(pool, &spec, NULL), 0);
    assert_int_equal(bj_spec_set_code(spec, code, NULL), 0);
    assert_int_equal(bj_spec_set_limit(spec, limit, value, NULL), 0);
    return spec;
}

/* The spec is freed. */
static int start_spec(struct bj_pool *pool, struct bj_spec *spec, struct bj_run **ret_run, struct bj_error *err)
{
    int r = bj_pool_start(pool, spec, ret_run, err);
    bj_spec_free(spec);
    return r;
}

static void a_run_may_have_lower_limits(void **state)
{
    (void)state;
    static const struct {
        const char *limit;
        uint64_t value;
    } higher[] = {{"wall_us", 80000000000},
                  {"cpu_us", 80000000000},
                  {"output_bytes", 32u << 20},
                  {"memory_bytes", 1ull << 40},
                  {"processes", 4096}};
    struct bj_run *run = NULL;
    struct bj_error err = {0};
    struct bj_pool *pool = make_pool(template_spec(), 2);
    assert_int_equal(start_spec(pool, limited(pool, "while True: pass", "wall_us", 300000), &run, NULL), 0);
    struct bj_result *result = finish(run);
    assert_int_equal(bj_result_status(result), BJ_STATUS_TIME_LIMIT);
    assert_string_equal(bj_result_limit(result), "wall");
    bj_result_free(result);
    assert_int_equal(start_spec(pool, limited(pool, "while True: pass", "cpu_us", 100000), &run, NULL), 0);
    result = finish(run);
    assert_int_equal(bj_result_status(result), BJ_STATUS_TIME_LIMIT);
    assert_string_equal(bj_result_limit(result), "cpu");
    bj_result_free(result);
    assert_int_equal(start_spec(pool, limited(pool, "print('x' * 1000)", "output_bytes", 400), &run, NULL), 0);
    result = finish(run);
    size_t length = 0;
    (void)bj_result_output(result, BJ_STDOUT, &length);
    assert_int_equal(length, 400);
    bj_result_free(result);
    if (start_spec(pool, limited(pool, "x = bytearray(100 << 20)", "memory_bytes", 60 << 20), &run, &err) ==
        0) {
        result = finish(run);
        assert_int_equal(bj_result_status(result), BJ_STATUS_MEMORY_LIMIT);
        bj_result_free(result);
    } else { /* no control group counts it here */
        assert_refused(-EINVAL, &err, "limits", "bj_pool_spec");
    }
    for (size_t i = 0; i < sizeof(higher) / sizeof(higher[0]); i++)
        assert_refused(start_spec(pool, limited(pool, "1", higher[i].limit, higher[i].value), &run, &err), &err,
                       "limits", "bj_pool_spec");
    assert_prints(pool, "print(len(bytearray(100 << 20)))", "104857600\n"); /* and the next has all of them */
    bj_pool_free(pool);
}

static void a_run_may_collect(void **state)
{
    (void)state;
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    const char *path = NULL;
    const char *why = NULL;
    size_t length = 0;
    struct bj_error err = {0};
    struct bj_pool *pool = make_pool(template_spec(), 1);
    assert_int_equal(bj_pool_spec(pool, &spec, NULL), 0);
    assert_int_equal(bj_spec_set_code(spec, "open('a.txt', 'w').write('hello')", NULL), 0);
    assert_int_equal(bj_spec_add_collect(spec, "*.txt", NULL), 0);
    assert_int_equal(bj_pool_start(pool, spec, &run, &err), 0);
    struct bj_result *result = finish(run);
    assert_int_equal(bj_result_file_count(result), 1);
    const void *bytes = bj_result_file(result, 0, &path, &length, &why);
    assert_string_equal(path, "a.txt");
    assert_int_equal(length, 5);
    assert_memory_equal(bytes, "hello", 5);
    bj_result_free(result);
    bj_spec_free(spec);
    result = finish(start(pool, "open('a.txt', 'w').write('hello')"));
    assert_int_equal(bj_result_file_count(result), 0); /* who has not asked is given nothing */
    bj_result_free(result);
    bj_pool_free(pool);
}

int main(void)
{
    struct bj_error err = {0};
    find_guest();
    if (host_lacks(&err))
        return printf("1..0 # SKIP host lacks what a pool needs: %s\n", err.message) < 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_may_have_lower_limits),
        cmocka_unit_test(a_run_may_collect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
