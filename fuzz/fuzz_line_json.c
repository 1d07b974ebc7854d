/* Any clients and any broker: what comes back is whole frames of JSON, and nothing stays behind of who has gone. Its own file because each
 * fuzzer is one property.
 * Changes when: server/line_json.c does. */
#include "line_world.h"

/* All answers of this world are so short that a socket takes them whole. */
static void judge(const struct bj_buf *read, bool ended)
{
    size_t at = 0;
    (void)ended;
    while (read->length - at >= BJ_FRAME_HEAD) {
        struct bj_frame frame;
        bj__frame_init(&frame, BJ_FRAME_LENGTH, 1u << 20);
        (void)bj__frame_take(&frame, read->bytes + at, BJ_FRAME_HEAD);
        size_t length = bj__frame_length(&frame);
        bj__frame_reset(&frame);
        at += BJ_FRAME_HEAD;
        fuzz_must(length <= read->length - at, "a frame is cut short", "");
        json_t *root = json_loadb((const char *)read->bytes + at, length, 0, NULL);
        fuzz_must(json_is_object(root), "a frame is no JSON", "");
        json_decref(root);
        at += length;
    }
    fuzz_must(at == read->length, "bytes between frames", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return fuzz_lines(&bj__line_json, judge, bytes, size);
}
