/* Any bytes as a guest's output: the result's JSON holds them, whole and valid, and a terminal gets nothing that drives it.
 * Its own file because each fuzzer is one property.
 * Changes when: output is shown in another way. */
#include "fuzz.h"
#include "shown_bytes.h"

static void check_terminal(const uint8_t *bytes, size_t size, size_t cut)
{
    struct escape escape = {0};
    BJ_BUF struct bj_buf shown;
    bj__buf_init(&shown, SIZE_MAX / 4);
    int r = bj__escape_add(&escape, &shown, bytes, cut);
    r |= bj__escape_add(&escape, &shown, bytes + cut, size - cut);
    r |= bj__escape_end(&escape, &shown);
    fuzz_must(r == 0, "it was not shown", "");
    fuzz_must(shown.length == 0 || is_tame(shown.bytes, shown.length), "it drives a terminal", "");
    fuzz_must(unescapes_to(&shown, bytes, size), "something was lost on the way to the terminal", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    BJ_CLEANUP(drop_result) struct bj_result *result = made_up_result(bytes, size);
    BJ_FREE char *text = bj_result_json(result);
    fuzz_must(text != NULL, "a result without JSON", "");
    json_t *json = json_loads(text, JSON_ALLOW_NUL, NULL);
    fuzz_must(json != NULL, "no JSON", text);
    fuzz_must(holds_output(json, bytes, size), "the output is not in it", text);
    fuzz_must(json_is_string(json_object_get(json, "error")) || !result->error[0], "the error is not in it",
              text);
    json_decref(json);
    check_terminal(bytes, size, size ? bytes[0] % (size + 1) : 0);
    return 0;
}
