/* A tightened spec is nowhere weaker than its profile: random profiles, random requests.
 * Its own file because it needs no jail and no cleverness: luck, thousands of times. fuzz/fuzz_never_weaker.c searches.
 * Changes when: the property changes. $BELLJAR_TEST_SEED repeats a run. */
#include "../support/never_weaker.h"
#include "../support/random_spec.h"
#include "spec_help.h"

#include <time.h>

/* 1 narrowed, 0 refused, -1 the random profile itself was not good. */
static int try_random(struct choices *choices)
{
    char *profile_text = random_text(choices, false);
    char *request_text = random_text(choices, true);
    struct bj_spec *profile = NULL, *spec = NULL;
    struct bj_request request = {0};
    struct bj_error err = {0};
    int outcome = -1;
    if (bj__spec_parse_profile("random", profile_text, strlen(profile_text), &profile, &err) == 0) {
        if (bj__spec_parse_request(request_text, strlen(request_text), &request, &err) != 0)
            fail_msg("%s\n%s: %s", request_text, err.field, err.message);
        int r = bj__spec_tighten(profile, &request, &spec, &err);
        outcome = r == 0;
        const char *weaker = r == 0 ? weaker_spec(profile, spec) : NULL;
        if (weaker || (r == 0 && bj__spec_check(spec, false, &err) != 0))
            fail_msg("weaker in %s\nprofile %s\nrequest %s", weaker ? weaker : err.message, profile_text,
                     request_text);
        if (r < 0)
            assert_true(err.code == BJ_ERROR_WIDENS || err.code == BJ_ERROR_INVALID);
    }
    bj_spec_free(spec);
    bj_spec_free(profile);
    bj__request_done(&request);
    free(profile_text);
    free(request_text);
    return outcome;
}

static void run_random(uint64_t seed, unsigned count)
{
    unsigned outcomes[3] = {0};
    struct choices choices = {.seed = seed ? seed : 1};
    print_message("# seed %llu\n", (unsigned long long)seed);
    for (unsigned n = 0; n < count; n++)
        outcomes[try_random(&choices) + 1]++;
    print_message("# %u not good, %u refused, %u narrowed\n", outcomes[0], outcomes[1], outcomes[2]);
    /* A property that is hardly ever put to the test proves nothing. */
    assert_true(outcomes[1] > count / 20 && outcomes[2] > count / 20);
}

static void never_weaker_with_a_fixed_seed(void **state)
{
    run_random(20240229, 4000);
}

static void never_weaker_with_a_new_seed(void **state)
{
    const char *given = getenv("BELLJAR_TEST_SEED");
    run_random(given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL), 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_weaker_with_a_fixed_seed),
        cmocka_unit_test(never_weaker_with_a_new_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
