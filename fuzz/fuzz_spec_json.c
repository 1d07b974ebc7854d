/* Any text as a request: refused with a message that says something, or a spec that passes its own check, may be printed,
 * and is the same when read again. Its own file because each fuzzer is one property.
 * Changes when: specs are read in another way. */
#include "../tests/support/never_weaker.h"
#include "fuzz.h"

static void check_printed(const struct bj_spec *spec)
{
    struct bj_error err = {0};
    FUZZ_SPEC *again = NULL;
    BJ_FREE char *text = bj_spec_json(spec);
    fuzz_must(text != NULL, "a spec cannot be printed", "");
    if (bj__spec_parse_profile(spec->profile, text, strlen(text), &again, &err) < 0)
        fuzz_must(false, "what was printed is refused", err.message);
    BJ_FREE char *text_again = bj_spec_json(again);
    fuzz_must(text_again && strcmp(text, text_again) == 0, "what was printed is printed as something else",
              text);
    fuzz_must(!weaker_spec(spec, again) && !weaker_spec(again, spec), "what was printed is something else",
              text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct bj_error err = {0};
    BJ_CLEANUP(bj__request_done) struct bj_request request = {0};
    FUZZ_SPEC *spec = NULL;
    if (bj__spec_parse_request((const char *)bytes, size, &request, &err) < 0 ||
        bj__spec_tighten(fuzz_profile(size % 8), &request, &spec, &err) < 0) {
        fuzz_must_say(&err);
        return 0;
    }
    fuzz_must(bj__spec_check(spec, false, &err) == 0, "a tightened spec is not good", err.message);
    check_printed(spec);
    return 0;
}
