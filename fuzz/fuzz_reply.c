/* Any bytes as a snippet's reply: what is taken from it is JSON by jansson's judgement too (which knows no NaN), told once and in
 * order, and the result's own JSON stays whole around it. Its own file because each fuzzer is one property.
 * Changes when: base/reply.h does. */
#include "fuzz.h"
#include "shown_bytes.h"
#include "told_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    BJ_CLEANUP(drop_result) struct bj_result *result = made_up_result((const uint8_t *)"", 0);
    BJ_BUF struct bj_buf reply;
    bool memory;
    bj__buf_init(&reply, SIZE_MAX / 4);
    fuzz_must(bj__buf_add(&reply, size ? bytes : (const uint8_t *)"", size) == 0, "out of memory", "");
    const char *why = bj__reply_parse(&reply, &result->snippet, &memory);
    for (unsigned kind = 0; kind < BJ_COUNT(result->snippet.parts); kind++) {
        const char *part = result->snippet.parts[kind];
        if (!part)
            continue;
        fuzz_must(!why, "a reply that is none has a part", part);
        fuzz_must(is_told_json(part), "what was taken is no JSON", part);
        fuzz_must(memmem(bytes, size, part, strlen(part)), "what was taken was never told", part);
    }
    BJ_FREE char *text = bj_result_json(result);
    fuzz_must(text && is_told_json(text), "the result is no JSON", text ? text : "");
    return 0;
}
