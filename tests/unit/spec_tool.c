/* spec-tool profile|request < TEXT: what the parser says of a text, as one line of JSON.
 * Its own file because tests in Python ask it, and the command line asks only for whole runs.
 * Changes when: a test must know more of an answer. */
#include "base/buf.h"
#include "spec/json_read.h"

#include <stdio.h>
#include <unistd.h>

static int read_all(struct bj_buf *buf)
{
    for (;;) {
        int r = bj__buf_reserve(buf, 65536);
        ssize_t n = r < 0 ? r : read(STDIN_FILENO, buf->bytes + buf->length, 65536);
        if (n <= 0)
            return (int)n;
        buf->length += (size_t)n;
    }
}

int main(int argc, char **argv)
{
    BJ_BUF struct bj_buf text;
    bj__buf_init(&text, BJ_MAX_SPEC_JSON);
    if (argc != 2 || read_all(&text) < 0)
        return 2;
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    int r = strcmp(argv[1], "profile") == 0
                ? bj__spec_parse_profile("tool", (const char *)text.bytes, text.length, &spec, &err)
                : bj_spec_from_json((const char *)text.bytes, text.length, &spec, &err);
    BJ_JSON json_t *answer = json_pack("{s:b, s:s, s:s, s:s}", "ok", r >= 0, "code", bj_error_name(err.code),
                                       "field", err.field, "message", err.message);
    BJ_FREE char *printed = spec ? bj_spec_json(spec) : NULL;
    if (printed)
        json_object_set_new(answer, "spec", json_loads(printed, JSON_ALLOW_NUL, NULL));
    bj_spec_free(spec);
    return answer && json_dumpf(answer, stdout, JSON_COMPACT) == 0 && puts("") >= 0 ? 0 : 2;
}
