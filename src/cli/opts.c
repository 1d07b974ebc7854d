/* The parser: a loop over getopt_long(3) whose tables are made from the rows of opts.def.
 * Its own file because it knows the shape of an option, and none of them by name.
 * Changes when: options can take another shape. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>

#include "cli/apply.h"
#include "spec/names.h"

#define SCRIPTS  (1u << CLI_EXEC)
#define SNIPPETS (SCRIPTS | 1u << CLI_EVAL)
#define REPL     (1u << CLI_REPL)
#define CGI      (1u << CLI_CGI)
#define PYTHON   (SNIPPETS | REPL | CGI)
#define COMMANDS (1u << CLI_RUN | 1u << CLI_PLAN | 1u << CLI_EXPLAIN) /* these know requests */
#define RUN      (1u << CLI_RUN | SNIPPETS)
#define PLAN     (1u << CLI_PLAN)
#define DOCTOR   (1u << CLI_DOCTOR)
#define TOP      (1u << CLI_TOP)
#define PROFILES (1u << CLI_PROFILES)
#define HELP     (1u << CLI_HELP)
#define MAKERS   (RUN | REPL | CGI | PLAN | 1u << CLI_EXPLAIN)
#define ALL      ((1u << CLI__COUNT) - 1)

#define FIELD(field) offsetof(struct options, field)
#define FLAG(name, letter, argument, commands, field, help)                                                    \
    {name, letter, argument, commands, OPT_FLAG, FIELD(field), NULL, NULL, help},
#define TEXT(name, letter, argument, commands, field, help)                                                    \
    {name, letter, argument, commands, OPT_TEXT, FIELD(field), NULL, NULL, help},
#define SPEC(name, letter, argument, commands, apply, data, help)                                              \
    {name, letter, argument, commands, OPT_SPEC, 0, apply, data, help},
const struct opt_row bj__opts_rows[] = {
#include "cli/opts.def"
};
#undef FLAG
#undef TEXT
#undef SPEC

enum { ROWS = BJ_COUNT(bj__opts_rows) };
const size_t bj__opts_count = ROWS;

static const char *const command_names[] = {
#define X(name, text, arguments, help) text,
    CLI_COMMAND_LIST(X)
#undef X
};

const char *bj__command_name(enum cli_command command)
{
    return command_names[command];
}

int bj__command_from_name(const char *name, enum cli_command *ret_command)
{
    for (unsigned i = 0; i < CLI__COUNT; i++)
        if (!strcmp(name, bj__command_name((enum cli_command)i))) {
            *ret_command = (enum cli_command)i;
            return 0;
        }
    return -ENOENT;
}

const char *bj__suggest_command(const char *name)
{
    return bj__nearest(name, command_names, CLI__COUNT);
}

const char *bj__suggest_option(enum cli_command command, const char *name)
{
    const char *names[ROWS];
    size_t count = 0;

    for (size_t i = 0; i < ROWS; i++)
        if (bj__opts_rows[i].commands & 1u << command)
            names[count++] = bj__opts_rows[i].name;
    return bj__nearest(name, names, count);
}

/* "+" stops at the first word that is no option; ":" tells a missing argument from an unknown option. */
static void make_letters(char *letters)
{
    *letters++ = '+';
    *letters++ = ':';
    for (size_t i = 0; i < ROWS; i++)
        if (bj__opts_rows[i].letter) {
            *letters++ = bj__opts_rows[i].letter;
            if (bj__opts_rows[i].argument)
                *letters++ = ':';
        }
    *letters = '\0';
}

/* A position in this table is the same row's position in ours. */
static void make_names(struct option *names)
{
    for (size_t i = 0; i < ROWS; i++)
        names[i] = (struct option){bj__opts_rows[i].name,
                                   bj__opts_rows[i].argument ? required_argument : no_argument, NULL, 0};
    names[ROWS] = (struct option){NULL, 0, NULL, 0};
}

static const struct opt_row *find_letter(int letter)
{
    for (size_t i = 0; i < ROWS; i++)
        if (bj__opts_rows[i].letter && bj__opts_rows[i].letter == letter)
            return &bj__opts_rows[i];
    return NULL;
}

static const struct opt_row *find_name(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (!strcmp(bj__opts_rows[i].name, name))
            return &bj__opts_rows[i];
    return NULL;
}

struct parse {
    struct options *options;
    int argc;
    char **argv;
    const char *token; /* the word that getopt is at */
    char letters[2 * ROWS + 3];
    struct option names[ROWS + 1];
    struct bj_error *err;
};

/* The name in a long option's token, without "--" and "=VALUE". */
static void copy_name(const char *token, char *name, size_t size)
{
    size_t length = strcspn(token + 2, "=");

    (void)snprintf(name, size, "%.*s", (int)(length < size ? length : size - 1), token + 2);
}

static int fail_unknown(const struct parse *parse)
{
    char name[64];
    char field[72];
    const char *help = bj__command_name(parse->options->command);

    if (strncmp(parse->token, "--", 2) != 0) {
        (void)snprintf(field, sizeof(field), "-%c", optopt);
        return bj__error(parse->err, BJ_ERROR_INVALID, EINVAL, field,
                         "there is no such option; see belljar help %s", help);
    }
    copy_name(parse->token, name, sizeof(name));
    (void)snprintf(field, sizeof(field), "--%s", name);

    if (find_name(name)) /* known, so getopt's complaint was about "=VALUE" */
        return bj__error(parse->err, BJ_ERROR_INVALID, EINVAL, field,
                         "takes no value; leave out what stands behind the \"=\"");
    const char *near = bj__suggest_option(parse->options->command, name);
    if (near)
        return bj__error(parse->err, BJ_ERROR_INVALID, EINVAL, field,
                         "there is no such option; did you mean --%s?", near);
    return bj__error(parse->err, BJ_ERROR_INVALID, EINVAL, field,
                     "there is no such option; see belljar help %s", help);
}

static int fail_missing(const struct parse *parse, const struct opt_row *row)
{
    char field[72];

    (void)snprintf(field, sizeof(field), "--%s", row->name);
    return bj__error(parse->err, BJ_ERROR_INVALID, EINVAL, field, "a value is missing; write --%s %s",
                     row->name, row->argument);
}

/* "--bind SOURCE TARGET" or "--bind SOURCE:TARGET"; a target is absolute, so ":/" tells them apart. */
static int take_second(struct parse *parse, const struct opt_row *row, struct setting *setting)
{
    if (!row->argument || !strchr(row->argument, ' ') || strstr(setting->value, ":/"))
        return 0;
    if (optind >= parse->argc)
        return fail_missing(parse, row);
    setting->second = parse->argv[optind++];
    return 0;
}

static int keep(struct parse *parse, const struct opt_row *row)
{
    struct options *options = parse->options;
    char *field = (char *)options + row->offset;

    if (!(row->commands & 1u << options->command)) {
        char name[72];
        (void)snprintf(name, sizeof(name), "--%s", row->name);
        return bj__error(parse->err, BJ_ERROR_INVALID, EINVAL, name,
                         "is not an option of %s; see belljar help %s", bj__command_name(options->command),
                         bj__command_name(options->command));
    }
    if (row->kind == OPT_FLAG) {
        *(bool *)field = true;
        return 0;
    }
    if (row->kind == OPT_TEXT) {
        memcpy(field, &optarg, sizeof(optarg));
        return 0;
    }
    struct setting *setting = &options->settings[options->setting_count++];
    *setting = (struct setting){.row = row, .value = optarg};
    return take_second(parse, row, setting);
}

/* getopt_long accepts any unambiguous beginning; a script that relies on one breaks with the next option. */
static bool is_abbreviated(const struct parse *parse, const struct opt_row *row)
{
    return strcspn(parse->token + 2, "=") != strlen(row->name);
}

/* One option. 1: there is another; 0: no more. */
static int parse_one(struct parse *parse)
{
    int at = -1;
    int before = optind ? optind : 1;

    parse->token = before < parse->argc ? parse->argv[before] : "";
    int letter = getopt_long(parse->argc, parse->argv, parse->letters, parse->names, &at);
    if (letter == -1)
        return 0;

    const struct opt_row *row = letter == 0 ? &bj__opts_rows[at] : find_letter(letter == ':' ? optopt : letter);
    if (letter == 0 && is_abbreviated(parse, row))
        return fail_unknown(parse);
    if (letter == ':') {
        char name[64] = "";
        if (!row && !strncmp(parse->token, "--", 2))
            copy_name(parse->token, name, sizeof(name));
        row = row ? row : find_name(name);
        return row ? fail_missing(parse, row) : fail_unknown(parse);
    }
    if (letter == '?' || !row)
        return fail_unknown(parse);
    int r = keep(parse, row);
    return r < 0 ? r : 1;
}

/* A snippet is one word, so options may also stand behind it: "eval x --name x=1". A command's words are its own. */
static bool put_operand_last(const struct parse *parse)
{
    int last = parse->argc - 1;
    char *operand = parse->argv[optind];

    if (!(1u << parse->options->command & SNIPPETS) || optind >= last || parse->argv[optind + 1][0] != '-' ||
        !strcmp(parse->argv[optind - 1], "--"))
        return false;
    memmove(&parse->argv[optind], &parse->argv[optind + 1], (size_t)(last - optind) * sizeof(operand));
    parse->argv[last] = operand;
    return true;
}

int bj__opts_parse(enum cli_command command, int argc, char **argv, struct options *ret_options,
                   struct bj_error *err)
{
    struct options options = {.command = command, .words = argv};
    struct parse parse = {.options = &options, .argc = argc, .argv = argv, .err = err};
    int r;

    options.settings = calloc((size_t)argc + 1, sizeof(*options.settings));
    if (!options.settings)
        return bj__error_memory(err);
    make_letters(parse.letters);
    make_names(parse.names);
    optind = 0; /* makes GNU getopt start over */
    opterr = 0;
    while ((r = parse_one(&parse)) > 0)
        ;
    if (r == 0 && put_operand_last(&parse))
        while ((r = parse_one(&parse)) > 0)
            ;
    if (r < 0) {
        bj__opts_done(&options);
        return r;
    }
    options.rest = (const char *const *)(argv + optind);
    options.rest_count = (size_t)(argc - optind);
    *ret_options = options;
    return 0;
}

void bj__opts_done(struct options *options)
{
    free(options->settings);
    options->settings = NULL;
}
