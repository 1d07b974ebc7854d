/* Any text as a service's configuration: refused with a message that says something, or the same when written out and read again.
 * Its own file because each fuzzer is one property.
 * Changes when: the configuration is read in another way. */
#include "fuzz.h"
#include "server/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct bj_error err = {0};
    struct bj_config *config = NULL;
    struct bj_config *again = NULL;
    if (bj__config_parse((const char *)bytes, size, &config, &err) < 0) {
        fuzz_must_say(&err);
        return 0;
    }
    BJ_FREE char *text = bj__config_text(config);
    fuzz_must(text != NULL, "a configuration cannot be written out", "");
    if (bj__config_parse(text, strlen(text), &again, &err) < 0)
        fuzz_must(false, "what was written out is refused", err.message);
    BJ_FREE char *text_again = bj__config_text(again);
    fuzz_must(text_again && strcmp(text, text_again) == 0, "what was written out is another one", text);
    bj__config_free(config);
    bj__config_free(again);
    return 0;
}
