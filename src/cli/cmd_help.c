/* belljar help: the options of a sub-command, out of the table.
 * Its own file because it is the one reader of the help texts.
 * Changes when: the help should look different. */
#include "cli/cli.h"

#include <stdio.h>

#include "base/buf.h"

static const char *const arguments[] = {
#define X(name, text, arguments, help) arguments,
    CLI_COMMAND_LIST(X)
#undef X
};

static const char *const helps[] = {
#define X(name, text, arguments, help) help,
    CLI_COMMAND_LIST(X)
#undef X
};

enum { MAX_HELP = 65536, HELP_COLUMN = 34 };

static void add_commands(struct bj_buf *out)
{
    (void)bj__buf_printf(out,
                         "belljar: run a program that you do not trust, and be told exactly what happened\n\n"
                         "usage: belljar COMMAND [OPTION...] [ARGUMENT...]\n\n");
    for (unsigned i = 0; i < CLI__COUNT; i++)
        (void)bj__buf_printf(out, "  %-10s %s\n", bj__command_name((enum cli_command)i), helps[i]);
    (void)bj__buf_printf(out,
                         "\nbelljar help COMMAND lists its options; belljar --version prints the version.\n"
                         "Try: belljar run -- echo hello\n");
}

static void add_option(struct bj_buf *out, const struct opt_row *row)
{
    char left[80];
    char letter[5] = "    ";

    if (row->letter)
        (void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    int width = snprintf(left, sizeof(left), "  %s--%s%s%s", letter, row->name, row->argument ? " " : "",
                         row->argument ? row->argument : "");
    if (width >= HELP_COLUMN)
        (void)bj__buf_printf(out, "%s\n%*s%s\n", left, HELP_COLUMN, "", row->help);
    else
        (void)bj__buf_printf(out, "%-*s%s\n", HELP_COLUMN, left, row->help);
}

static void add_options(struct bj_buf *out, enum cli_command command)
{
    (void)bj__buf_printf(out, "usage: belljar %s %s\n\n%s\n\n", bj__command_name(command), arguments[command],
                         helps[command]);
    for (size_t i = 0; i < bj__opts_count; i++)
        if (bj__opts_rows[i].commands & 1u << command)
            add_option(out, &bj__opts_rows[i]);
    if (command == CLI_RUN || command == CLI_PLAN || command == CLI_REPL)
        (void)bj__buf_printf(out,
                             "\nSIZE is bytes or a number with K, M, G or T (1024-based). SECONDS may have a "
                             "fraction or end in us, ms, s, m or h.\n"
                             "See belljar(1), belljar-profiles(5) and belljar-spec(5).\n");
}

int bj__cmd_help(const struct options *options)
{
    BJ_BUF struct bj_buf out;
    enum cli_command command = options->command;

    if (options->completion)
        return bj__print_completion(options->completion);
    if (options->rest_count > 1 ||
        (options->rest_count == 1 && bj__command_from_name(options->rest[0], &command) < 0)) {
        bj__say("belljar: help: \"%s\" is not a command; see belljar help",
                options->rest[options->rest_count - 1]);
        return CLI_FAILED;
    }
    bj__buf_init(&out, MAX_HELP);
    if (options->rest_count)
        add_options(&out, command);
    else
        add_commands(&out);
    return bj__print(CLI_HELP, out.length ? (const char *)out.bytes : "belljar: help: out of memory");
}
