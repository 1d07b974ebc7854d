/* Any request on any profile on any host: the spec that comes of it, and its plan, are nowhere weaker than the profile's.
 * Its own file because each fuzzer is one property; tests/unit/test_never_weaker.c tries the specs by luck.
 * Changes when: "weaker" means something more (tests/support). */
#include "../tests/support/never_weaker.h"
#include "../tests/support/random_host.h"
#include "../tests/support/random_spec.h"
#include "../tests/support/weaker_plan.h"
#include "fuzz.h"

static void compare(struct bj_spec *profile, struct bj_spec *spec, const struct bj_host *host,
                    const char *request)
{
    struct bj_plan *plans[2] = {NULL, NULL};
    const char *weaker = weaker_spec(profile, spec);
    bool snippet = spec->code || spec->expression;
    bool runs = give_program(spec, snippet, spec->limits.branches & 1) == 0 &&
                give_program(profile, snippet, spec->session) == 0;
    if (!weaker && runs && plan_on_host(profile, host, &plans[0], NULL) == 0 &&
        plan_on_host(spec, host, &plans[1], NULL) == 0)
        weaker = weaker_plan(plans[0], plans[1]);
    fuzz_must(!weaker, weaker ? weaker : "", request);
    bj_plan_free(plans[0]);
    bj_plan_free(plans[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct choices choices = {.bytes = size ? bytes : (const uint8_t *)"", .size = size};
    struct bj_host host = random_host(&choices);
    BJ_FREE char *profile_text = random_text(&choices, false);
    BJ_FREE char *request_text = random_text(&choices, true);
    BJ_CLEANUP(bj__request_done) struct bj_request request = {0};
    FUZZ_SPEC *profile = NULL;
    FUZZ_SPEC *spec = NULL;
    if (bj__spec_parse_profile("fuzz", profile_text, strlen(profile_text), &profile, NULL) == 0 &&
        bj__spec_parse_request(request_text, strlen(request_text), &request, NULL) == 0 &&
        bj__spec_tighten(profile, &request, &spec, NULL) == 0)
        compare(profile, spec, &host, request_text);
    return 0;
}
