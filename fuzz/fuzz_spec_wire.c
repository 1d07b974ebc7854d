/* Any bytes as the records of a request: refused with a message, or a request that a profile can only be narrowed by, and that is the
 * same when it is written and read again. Its own file because each fuzzer is one property.
 * Changes when: spec/spec_wire.h does. */
#include "../tests/support/never_weaker.h"
#include "fuzz.h"
#include "spec/spec_wire.h"

static void check_again(const struct bj_request *request, const struct bj_spec *profile,
                        const struct bj_spec *spec)
{
    struct bj_error err = {0};
    BJ_CLEANUP(bj__request_done) struct bj_request again = {0};
    FUZZ_SPEC *same = NULL;
    BJ_BUF struct bj_buf wire;
    bj__buf_init(&wire, SIZE_MAX / 4);
    fuzz_must(bj__request_encode(request, &wire) == 0, "what was read cannot be written", "");
    fuzz_must(bj__request_decode(wire.bytes, wire.length, &again, &err) == 0, "what was written is refused",
              err.message);
    fuzz_must(bj__spec_tighten(profile, &again, &same, &err) == 0, "what was accepted is refused", err.message);
    fuzz_must(!weaker_spec(spec, same) && !weaker_spec(same, spec), "what was written is something else", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct bj_error err = {0};
    const struct bj_spec *profile = fuzz_profile(size % 8);
    BJ_CLEANUP(bj__request_done) struct bj_request request = {0};
    FUZZ_SPEC *spec = NULL;
    if (bj__request_decode(bytes, size, &request, &err) < 0 ||
        bj__spec_tighten(profile, &request, &spec, &err) < 0) {
        fuzz_must_say(&err);
        return 0;
    }
    fuzz_must(!weaker_spec(profile, spec), "a request has widened its profile", "");
    check_again(&request, profile, spec);
    return 0;
}
