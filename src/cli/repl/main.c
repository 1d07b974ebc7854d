/* belljar-repl: what belljar repl becomes.
 * Its own file because main only wires.
 * Changes when: another thing has to be there before the first line is read. */
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/repl/repl.h"

/* What is typed is UTF-8, as Python is, also where nobody has said so. */
static void set_locale(void)
{
    (void)setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv)
{
    struct options options;
    struct bj_error err = {0};
    BJ_FREE struct repl *repl = calloc(1, sizeof(*repl));

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
            return CLI_FAILED;
    if (argc < 1 || bj__opts_parse(CLI_REPL, argc, argv, &options, &err) < 0) {
        bj__say_error(CLI_REPL, &err);
        return CLI_FAILED;
    }
    if (!repl) {
        bj__say("belljar: repl: out of memory");
        return CLI_FAILED;
    }
    repl->options = &options;
    repl->keep.fd = -1;
    set_locale();
    bj__interrupt_catch();
    bj__interrupt_hold();
    repl->terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    int status = bj__repl_loop(repl);
    bj__opts_done(&options);
    return status;
}
