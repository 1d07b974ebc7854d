/* Guest output becomes valid UTF-8, whatever it is, and what was valid stays as it was.
 * Changes when: output is shown in another way. */
#include "supervise/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    BJ_BUF struct bj_buf out;
    bj__buf_init(&out, SIZE_MAX / 4);
    if (bj__utf8_add(&out, bytes, size) < 0)
        return 0;
    if (out.length > 0 && !bj__utf8_valid(out.bytes, out.length))
        abort();
    if (size > 0 && bj__utf8_valid(bytes, size) && (out.length != size || memcmp(out.bytes, bytes, size) != 0))
        abort();
    return 0;
}
