/* The belljar command: finds the sub-command, has its options parsed, calls it.
 * Its own file because main only wires.
 * Changes when: a sub-command is added. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"

static int (*const commands[])(const struct options *) = {
    [CLI_RUN] = bj__cmd_run,         [CLI_EXEC] = bj__cmd_run,      [CLI_EVAL] = bj__cmd_run,
    [CLI_REPL] = bj__cmd_repl,       [CLI_CGI] = bj__cmd_cgi,       [CLI_PLAN] = bj__cmd_plan,
    [CLI_EXPLAIN] = bj__cmd_explain, [CLI_DOCTOR] = bj__cmd_doctor, [CLI_PROFILES] = bj__cmd_profiles,
    [CLI_TOP] = bj__cmd_top,         [CLI_HELP] = bj__cmd_help,
};
_Static_assert(BJ_COUNT(commands) == CLI__COUNT, "one function for each sub-command");

/* A descriptor 0, 1 or 2 that is closed would be given to the first file that is opened, and a guest's output
 * could end up in it. */
static int fill_standard_seats(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
            return -1;
    return 0;
}

static int dispatch(enum cli_command command, int argc, char **argv)
{
    struct options options;
    struct bj_error err = {0};
    const char *const itself[] = {bj__command_name(command), NULL};

    if (bj__opts_parse(command, argc, argv, &options, &err) < 0) {
        bj__say_error(command, &err);
        return CLI_FAILED;
    }
    if (options.help) {
        options.completion = NULL;
        options.rest = itself;
        options.rest_count = command == CLI_HELP ? 0 : 1;
        command = CLI_HELP;
    }
    int status = commands[command](&options);
    bj__opts_done(&options);
    return status;
}

int main(int argc, char **argv)
{
    enum cli_command command;

    if (fill_standard_seats() < 0) {
        bj__say("belljar: descriptors 0, 1 and 2 are not open and cannot be opened: %s", strerror(errno));
        return CLI_FAILED;
    }
    if (argc < 2) {
        bj__say("belljar: a command is missing; try: belljar run -- echo hello (or: belljar help)");
        return CLI_FAILED;
    }
    if (bj__cgi_refuse_words(argv[1]))
        return CLI_FAILED;
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
        return bj__print(CLI_HELP, "belljar " BJ_VERSION);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return dispatch(CLI_HELP, 1, argv);
    if (bj__command_from_name(argv[1], &command) < 0) {
        const char *near = bj__suggest_command(argv[1]);
        bj__say("belljar: \"%s\" is not a command%s%s; see belljar help", argv[1],
                near ? "; did you mean " : "", near ? near : "");
        return CLI_FAILED;
    }
    return dispatch(command, argc - 1, argv + 1);
}
