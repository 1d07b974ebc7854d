/* Any text as a request and as a profile: refused with a message, or accepted, printed, and accepted again.
 * Changes when: specs are read in another way. */
#include "spec/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct bj_error err = {0};
    struct bj_spec *spec = NULL;
    struct bj_spec *again = NULL;
    if (bj_spec_from_json((const char *)bytes, size, &spec, &err) < 0 && !err.message[0])
        abort(); /* an error without a word */
    bj_spec_free(spec);
    spec = NULL;
    if (bj__spec_parse_profile("fuzz", (const char *)bytes, size, &spec, &err) < 0)
        return 0;
    BJ_FREE char *text = bj_spec_json(spec);
    if (text && bj__spec_check(spec, false, &err) == 0 &&
        bj__spec_parse_profile("fuzz", text, strlen(text), &again, &err) < 0)
        abort(); /* what was accepted and printed is refused */
    bj_spec_free(again);
    bj_spec_free(spec);
    return 0;
}
