/* Runs of a pool that repeat exactly.
 * Its own file because what is compared is one fork of a zygote with another, whatever was run and parked between them.
 * Changes when: something else has to repeat. */
#include "pool_help.h"

/* Into a text of 512 bytes. */
static void run_into(struct bj_pool *pool, const char *code, char *text)
{
    size_t length = 0;
    struct bj_result *result = finish(start(pool, code));
    const void *output = bj_result_output(result, BJ_STDOUT, &length);
    if (bj_result_status(result) != BJ_STATUS_OK || length >= 512)
        fail_msg("%s", bj_result_json(result));
    memcpy(text, output, length);
    text[length] = 0;
    bj_result_free(result);
}

static struct bj_pool *make_repeating_pool(const char *const *modules, unsigned jails, unsigned seed)
{
    struct bj_error err = {0};
    struct bj_spec *spec = template_spec();
    if (modules)
        assert_int_equal(bj_spec_set_preload(spec, modules, &err), 0);
    assert_int_equal(bj_spec_set_deterministic(spec, seed, NULL, &err), 0);
    return make_pool(spec, jails);
}

/* Whether a jail was parked early or late, and whatever ran before: the runs of one pool print the same, addresses too.
 * What is preloaded changes no chance. */
static void runs_of_a_pool_repeat(void **state)
{
    (void)state;
    static const char *const modules[] = {"random", "uuid", "tempfile", NULL};
    static const char chance[] = "import random, uuid, time\n"
                                 "print(random.random(), hash('x'), {str(i) for i in range(9)})\n"
                                 "print(time.time(), time.monotonic())\n";
    static const char places[] = "import uuid, os, time\nclass A: pass\n"
                                 "print(id(object()), {A() for i in range(5)}, uuid.uuid4(), os.urandom(8))\n"
                                 "print(time.time(), os.getpid())\n";
    char seen[4][512];
    for (int warm = 0; warm < 2; warm++) {
        struct bj_pool *pool = make_repeating_pool(warm ? modules : NULL, 2, 5);
        run_into(pool, chance, seen[warm]);
        run_into(pool, places, seen[2]);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(bj_pool_fill(pool, NULL), 0);
            run_into(pool, places, seen[3]);
            assert_string_equal(seen[2], seen[3]);
        }
        run_into(pool, chance, seen[3]);
        assert_string_equal(seen[warm], seen[3]);
        bj_pool_free(pool);
    }
    seen[0][strcspn(seen[0], "\n")] = seen[1][strcspn(seen[1], "\n")] = 0; /* imports read the clock */
    assert_string_equal(seen[0], seen[1]);
    struct bj_pool *pool = make_repeating_pool(modules, 1, 6);
    run_into(pool, chance, seen[3]);
    seen[3][strcspn(seen[3], "\n")] = 0;
    assert_string_not_equal(seen[0], seen[3]);
    bj_pool_free(pool);
}

/* A container's filter may refuse what runs that repeat need besides. */
static int host_lacks_fixed_addresses(struct bj_error *err)
{
    struct bj_pool *pool = NULL;
    struct bj_spec *spec = template_spec();
    int r = bj_spec_set_deterministic(spec, 0, NULL, err);
    r = r < 0 ? r : bj_pool_new(spec, 1, &pool, err);
    bj_spec_free(spec);
    bj_pool_free(pool);
    return r < 0 && strcmp(err->field, "fixed_addresses") == 0;
}

int main(void)
{
    struct bj_error err = {0};
    find_guest();
    if (host_lacks(&err))
        return printf("1..0 # SKIP host lacks what a pool needs: %s\n", err.message) < 0;
    if (host_lacks_fixed_addresses(&err))
        return printf("1..0 # SKIP host lacks personality(2) with ADDR_NO_RANDOMIZE: %s\n", err.message) < 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_of_a_pool_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
