/* Any bytes as calls of the host's functions, in any pieces: what is taken is a call of a function that was named, in JSON by jansson's
 * judgement too, of bounded length, and the same whatever the pieces are. Its own file because each fuzzer is one property.
 * Changes when: base/reply.h does. */
#include "fuzz.h"
#include "supervise/call_frame.h"
#include "told_json.h"

#define MOST 4096u

/* How many calls there are before something that is none. */
static unsigned take_all(const uint8_t *bytes, size_t size, size_t piece)
{
    static const char *listed[] = {"lookup", "f", NULL};
    static const struct bj_strings names = {listed, 2};
    struct bj_call_rules rules = {.names = &names, .number = 1, .max_bytes = MOST};
    struct bj_call_frame frame;
    enum bj_call_outcome outcome = BJ_CALL_MORE;
    unsigned count = 0;
    bj__call_frame_init(&frame);
    while (size > 0 && outcome != BJ_CALL_NONE) {
        size_t n = bj__call_frame_wants(&frame);
        fuzz_must(n > 0 && n <= sizeof(frame.head) + MOST + BJ_MAX_CALL_NAME + 3, "it wants too much", "");
        n = n < piece ? n : piece;
        n = n < size ? n : size;
        fuzz_must(bj__call_frame_add(&frame, &rules, bytes, n, &outcome) == 0, "out of memory", "");
        bytes += n;
        size -= n;
        if (outcome != BJ_CALL_WHOLE)
            continue;
        const char *name = bj__call_frame_name(&frame);
        fuzz_must(strcmp(name, "lookup") == 0 || strcmp(name, "f") == 0, "nobody has named it", name);
        fuzz_must(is_told_json(bj__call_frame_arguments(&frame)), "no JSON", bj__call_frame_arguments(&frame));
        fuzz_must(is_told_json(bj__call_frame_keywords(&frame)), "no JSON", bj__call_frame_keywords(&frame));
        bj__call_frame_reset(&frame);
        rules.number++;
        count++;
    }
    bj__call_frame_done(&frame);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    size_t piece = size ? bytes[0] % 32u + 1u : 1;
    unsigned count = take_all(bytes, size, SIZE_MAX);
    fuzz_must(take_all(bytes, size, piece) == count, "other pieces are other calls", "");
    return 0;
}
