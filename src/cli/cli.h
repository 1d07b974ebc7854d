/* What the files of the command line share: the options as parsed, and one function for each sub-command.
 * Its own file because opts.def, its parser and every sub-command must agree on one struct.
 * Changes when: a sub-command is added, or something new can be said on the command line. */
#ifndef BJ_CLI_H
#define BJ_CLI_H

#include "base/base.h"

/* Exit status for everything that is Belljar's own failure; nothing was started. */
#define CLI_FAILED 125

/* X(ENUM, name, arguments behind the options, one line of help) */
#define CLI_COMMAND_LIST(X)                                                                                    \
    X(RUN, "run", "[options] [--] COMMAND [ARGUMENT...]", "run a program in a jail")                           \
    X(EXEC, "exec", "[options] [--] FILE|-", "run a Python script in a jail")                                  \
    X(EVAL, "eval", "[options] [--] EXPRESSION",                                                               \
      "evaluate a Python expression in a jail, and print its value as JSON")                                   \
    X(REPL, "repl", "[options]", "speak with a Python in a jail, which keeps its variables, line by line")     \
    X(CGI, "cgi", "[options]", "answer the request of a web server (CGI): run what it brings in a jail")       \
    X(PLAN, "plan", "[options] [--] COMMAND [ARGUMENT...]", "print what run would do, and do nothing")         \
    X(EXPLAIN, "explain", "[options] syscall NAME | path PATH",                                                \
      "say whether a system call or a path would be allowed, and by which layer")                              \
    X(DOCTOR, "doctor", "[options]", "say which layers this host can give, and how to get the others")         \
    X(PROFILES, "profiles", "[options] [NAME]", "list the profiles, or print one")                             \
    X(TOP, "top", "[options]", "show runs, parked jails and rates of a running belljard")                      \
    X(HELP, "help", "[options] [COMMAND]", "print this, or the options of a command")

enum cli_command {
#define X(name, text, arguments, help) CLI_##name,
    CLI_COMMAND_LIST(X)
#undef X
        CLI__COUNT
};

struct opt_row;

/* One option that was given and that changes the spec: applied once the profile is loaded. */
struct setting {
    const struct opt_row *row;
    const char *value;
    const char *second; /* target of --bind and its kin */
};

/* Strings belong to argv. */
struct options {
    enum cli_command command;
    const char *profile;
    const char *spec_file;
    struct setting *settings; /* owned */
    size_t setting_count;
    char **words;            /* as they came, the sub-command's name first */
    const char *const *rest; /* what stands behind the options, NULL-terminated */
    size_t rest_count;

    const char *stdin_file;
    const char *stdout_file;
    const char *stderr_file;
    const char *status_fd;
    const char *meta_file;
    const char *collect_to;
    const char *completion;
    const char *session_file;
    const char *socket;
    const char *interval;
    const char *hosts;
    const char *allow_origin;
    const char *body_limit;
    bool stderr_to_stdout;
    bool raw_output;
    bool json;
    bool timing;
    bool once;
    bool quiet;
    bool verbose;
    bool help;
};

/* How an option's value is kept: in struct options, or applied to the spec later. */
enum opt_kind { OPT_FLAG, OPT_TEXT, OPT_SPEC };

struct opt_row {
    const char *name;
    char letter;          /* 0: none */
    const char *argument; /* NULL: none; "SOURCE TARGET": two, or one with ":/" in it */
    unsigned commands;    /* 1u << enum cli_command */
    enum opt_kind kind;
    size_t offset; /* OPT_FLAG, OPT_TEXT: in struct options */
    int (*apply)(struct bj_spec *spec, const struct setting *setting, struct bj_error *err); /* OPT_SPEC */
    const char *data;                                                                        /* for apply */
    const char *help;
};

/* opts.c */
extern const struct opt_row bj__opts_rows[];
extern const size_t bj__opts_count;
/* argv[0] is the sub-command's name. A failure leaves a message in err. */
int bj__opts_parse(enum cli_command command, int argc, char **argv, struct options *ret_options,
                   struct bj_error *err);
void bj__opts_done(struct options *options);
const char *bj__command_name(enum cli_command command);
int bj__command_from_name(const char *name, enum cli_command *ret_command);
/* The nearest of what there is, or NULL when nothing is near. */
const char *bj__suggest_command(const char *name);
const char *bj__suggest_option(enum cli_command command, const char *name);

/* make_spec.c: profile or --spec, then the settings, then the command or the snippet. for_command: one must be given. */
int bj__make_spec(const struct options *options, bool for_command, struct bj_spec **ret_spec,
                  struct bj_error *err);

/* The same: all of a file, or of standard input for "-"; as much as a request may be. field: for the message. */
struct bj_buf;
int bj__read_file(const char *field, const char *name, struct bj_buf *ret_buf, struct bj_error *err);
/* All that is left of an open one. The buffer's maximum is BJ_READ_PIECE more than what may be read. */
#define BJ_READ_PIECE 65536u
int bj__read_all(int fd, const char *field, const char *name, struct bj_buf *buf, struct bj_error *err);

/* snippet.c: for exec and eval. */
int bj__snippet_set(const struct options *options, struct bj_spec *spec, struct bj_error *err);
/* The traceback to stderr, the value to stdout. Returns an exit status, 0 or CLI_FAILED. */
int bj__snippet_print(const struct options *options, const struct bj_result *result);
/* A value, as a result tells it, to stdout: escaped for a terminal. The same exit status. */
int bj__snippet_print_value(const struct options *options, const char *value);
/* An exception, as a result tells it, to stderr. */
void bj__snippet_print_exception(const char *exception);

/* say.c: whole lines, control characters escaped, in one write(2) each. */
void bj__say(const char *format, ...) BJ_PRINTF(1, 2); /* to stderr */
/* "belljar: run: FIELD: MESSAGE" for an error of the library or of an option. */
void bj__say_error(enum cli_command command, const struct bj_error *err);
/* All of it, retried on EINTR and short writes. 0 or -errno. */
int bj__write_all(int fd, const void *bytes, size_t length);
/* Text and a newline if it lacks one; to stdout. Returns an exit status, 0 or CLI_FAILED. */
int bj__print(enum cli_command command, const char *text);

/* cmd_*.c: the exit status. */
int bj__cmd_run(const struct options *options);
int bj__cmd_repl(const struct options *options);
int bj__cmd_cgi(const struct options *options);
/* cmd_cgi.c: true, and the request is refused, when a web server has made our command line, or the end of it, of the
 * words of a query (RFC 3875, 4.4): options are the operator's. command: the first argument. */
bool bj__cgi_refuse_words(const char *command);
int bj__cmd_plan(const struct options *options);
int bj__cmd_explain(const struct options *options);
int bj__cmd_doctor(const struct options *options);
int bj__cmd_profiles(const struct options *options);
int bj__cmd_top(const struct options *options);
int bj__cmd_help(const struct options *options);
/* complete.c */
int bj__print_completion(const char *shell);

#endif
