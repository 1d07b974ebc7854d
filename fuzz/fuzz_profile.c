/* Any file as a profile: refused with one line that names it, or a spec that a request without wishes leaves as it is, and
 * whose plan, where one can be made, has what it must have. Its own file because each fuzzer is one property.
 * Changes when: profiles are read in another way. */
#include "../tests/support/random_host.h"
#include "fuzz.h"
#include "must_haves.h"
#include "profile_file.h"

static void check_accepted(struct bj_spec *profile, struct choices *choices)
{
    static const char *const command[] = {"true", NULL};
    struct bj_host host = random_host(choices);
    struct bj_plan *plan = NULL;
    struct bj_error err = {0};
    FUZZ_SPEC *spec = NULL;
    BJ_CLEANUP(bj__request_done) struct bj_request nothing = {0};
    fuzz_must(bj__spec_parse_request("{}", 2, &nothing, &err) == 0, "a request without wishes", err.message);
    fuzz_must(bj__spec_tighten(profile, &nothing, &spec, &err) == 0, "no wishes are refused", err.message);
    BJ_FREE char *before = bj_spec_json(profile);
    BJ_FREE char *after = bj_spec_json(spec);
    fuzz_must(before && after && strcmp(before, after) == 0, "no wishes change something", before);
    if ((spec->command.count > 0 || bj_spec_set_command(spec, command, NULL) == 0) &&
        plan_on_host(spec, &host, &plan, &err) < 0)
        fuzz_must(err.err != EPROTO, "a plan that is not one", err.message);
    fuzz_must(!plan || !missing_must_have(plan), "a plan lacks something", before);
    bj_plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct choices choices = {.bytes = size ? bytes : (const uint8_t *)"", .size = size < 24 ? size : 24};
    FUZZ_SPEC *spec = NULL;
    if (load_profile(bytes, size, &spec))
        check_accepted(spec, &choices);
    return 0;
}
