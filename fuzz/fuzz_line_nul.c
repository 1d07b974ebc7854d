/* Any clients and any broker: an answer has one NUL and that is its end, and nothing stays behind of who has gone. Its own file because
 * each fuzzer is one property.
 * Changes when: server/line_nul.c does. */
#include "line_world.h"

static void judge(const struct bj_buf *read, bool ended)
{
    const unsigned char *nul = read->length > 0 ? memchr(read->bytes, 0, read->length) : NULL;
    (void)ended;
    fuzz_must(!nul || nul == read->bytes + read->length - 1, "something follows the NUL", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return fuzz_lines(&bj__line_nul, judge, bytes, size);
}
