/* belljar explain: would this system call or path be allowed, and which layer says so?
 * Its own file because questions have a form of their own: words, joined.
 * Changes when: another kind of question can be asked. */
#include "cli/cli.h"

#include "base/buf.h"

int bj__cmd_explain(const struct options *options)
{
    BJ_BUF struct bj_buf question;
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    int status = CLI_FAILED;
    int r = 0;

    bj__buf_init(&question, 8192);
    if (!options->rest_count)
        r = bj__error(
            &err, BJ_ERROR_INVALID, EINVAL, "",
            "there is no question; write: belljar explain syscall NAME, or: belljar explain path PATH");
    for (size_t i = 0; r == 0 && i < options->rest_count; i++)
        if (bj__buf_printf(&question, "%s%s", i ? " " : "", options->rest[i]) < 0)
            r = bj__error(&err, BJ_ERROR_INVALID, E2BIG, "", "the question is too long");
    if (r == 0)
        r = bj__make_spec(options, false, &spec, &err);
    if (r == 0) {
        BJ_FREE char *answer = bj_explain(spec, (const char *)question.bytes, &err);
        if (answer)
            status = bj__print(CLI_EXPLAIN, answer);
        else
            r = -EINVAL;
    }
    if (r < 0)
        bj__say_error(CLI_EXPLAIN, &err);
    bj_spec_free(spec);
    return status;
}
