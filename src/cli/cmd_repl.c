/* belljar repl: gives way to belljar-repl, which has the same options.
 * Its own file because that program links an editor of lines, and this one is to start in a moment.
 * Changes when: the two programs divide the work in another way. */
#include "cli/cli.h"

#include <unistd.h>

#include "host/guest.h"

int bj__cmd_repl(const struct options *options)
{
    char path[PATH_MAX];
    struct bj_error err = {0};
    int r = 0;

    if (options->rest_count > 0)
        r = bj__error(&err, BJ_ERROR_INVALID, EINVAL, "",
                      "\"%s\": what is run is typed; write: belljar repl [options], or belljar exec %s",
                      options->rest[0], options->rest[0]);
    if (r == 0)
        r = bj__repl_find(path, &err);
    if (r == 0) {
        (void)execv(path, options->words);
        (void)bj__error_system(&err, errno, "", "cannot execute \"%s\"", path);
    }
    bj__say_error(CLI_REPL, &err);
    return CLI_FAILED;
}
