/* The command line of safeexec: rows of options.def, their ranges, the usage.
 * Its own file because texts and exit statuses of bad options are a contract with scripts that are not ours.
 * Changes when: the old command turns out to have said something else. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/safeexec/safeexec.h"
#include "cli/units.h"

enum rule { BOUND, BETWEEN };

struct number_row {
    const char *name;
    const char *unit;
    uint64_t otherwise;
    uint64_t least;
    uint64_t most;
    enum rule rule;
    const char *noun;
};

static const struct number_row numbers[] = {
#define NUMBER(id, name, unit, otherwise, least, most, rule, noun, help)                                       \
    {name, unit, otherwise, least, most, rule, noun},
#define TEXT(...)
#define FLAG(...)
#include "cli/safeexec/options.def"
#undef NUMBER
#undef TEXT
#undef FLAG
};

static const char *const texts[] = {
#define NUMBER(...)
#define TEXT(id, name, argument, help) name,
#define FLAG(...)
#include "cli/safeexec/options.def"
#undef NUMBER
#undef TEXT
#undef FLAG
};

static const char *const flags[] = {
#define NUMBER(...)
#define TEXT(...)
#define FLAG(id, name, help) name,
#include "cli/safeexec/options.def"
#undef NUMBER
#undef TEXT
#undef FLAG
};

/* In the order of the list, whatever their kind. */
static const struct {
    const char *name;
    const char *argument;
    const char *help;
} lines[] = {
#define NUMBER(id, name, unit, otherwise, least, most, rule, noun, help) {name, unit, help},
#define TEXT(id, name, argument, help)                                   {name, argument, help},
#define FLAG(id, name, help)                                             {name, "", help},
#include "cli/safeexec/options.def"
#undef NUMBER
#undef TEXT
#undef FLAG
};

static const struct number_row *find_number(const char *name)
{
    for (size_t i = 0; i < BJ_COUNT(numbers); i++)
        if (!strcmp(numbers[i].name, name))
            return &numbers[i];
    return NULL;
}

static void say_usage(void)
{
    BJ_BUF struct bj_buf out;

    bj__buf_init(&out, 16384);
    (void)bj__buf_printf(&out, "usage: safeexec [OPTION]... --exec COMMAND [ARGUMENT]...\n");
    for (size_t i = 0; i < BJ_COUNT(lines); i++) {
        const struct number_row *row = find_number(lines[i].name);
        char left[48];
        (void)snprintf(left, sizeof(left), "--%s %s", lines[i].name, lines[i].argument);
        (void)bj__buf_printf(&out, "  %-20s  %s", left, lines[i].help);
        if (row && row->otherwise != ABSENT)
            (void)bj__buf_printf(&out, " (default: %llu)", (unsigned long long)row->otherwise);
        (void)bj__buf_printf(&out, "\n");
    }
    (void)bj__write_all(STDERR_FILENO, out.bytes, out.length); /* there is nowhere to complain to */
}

static int refuse(const char *problem, const char *dashes, const char *name)
{
    bj__say("error: %s%s%s", problem, dashes, name);
    say_usage();
    return -EINVAL;
}

void bj__safeexec_say_error(const struct bj_error *err)
{
    bj__say("error %d (%s): %s%s%s", (int)err->err, strerror((int)err->err), err->field,
            err->field[0] ? ": " : "", err->message);
}

static int say_range(const struct number_row *row, uint64_t value)
{
    char rule[64];

    if (row->rule == BETWEEN)
        (void)snprintf(rule, sizeof(rule), "between %llu and %llu", (unsigned long long)row->least,
                       (unsigned long long)row->most);
    else if (value < row->least)
        (void)snprintf(rule, sizeof(rule), "greater than zero");
    else
        (void)snprintf(rule, sizeof(rule), "smaller than %llu", (unsigned long long)row->most + 1);
    bj__say("error %d (%s): %s must be %s", EINVAL, strerror(EINVAL), row->noun, rule);
    return -EINVAL;
}

/* After all were read, as ever: a word that is no option is told first. */
static int check_ranges(const struct safeexec *request)
{
    for (size_t i = 0; i < BJ_COUNT(numbers); i++) {
        uint64_t value = request->numbers[i];
        bool absent = value == ABSENT && numbers[i].otherwise == ABSENT;
        if (!absent && (value < numbers[i].least || value > numbers[i].most))
            return say_range(&numbers[i], value);
    }
    return 0;
}

/* 1: it is one of these; 0: it is none; -EINVAL. *at moves on to an argument. */
static int read_number(char ***at, struct safeexec *request)
{
    const struct number_row *row = find_number(**at + 2);

    if (!row)
        return 0;
    if (!(*at)[1] || bj__units_count((*at)[1], &request->numbers[row - numbers]) < 0)
        return refuse("Failed to match the numeric argument for ", "--", row->name);
    ++*at;
    return 1;
}

static int read_text(char ***at, struct safeexec *request)
{
    for (size_t i = 0; i < BJ_COUNT(texts); i++) {
        if (strcmp(texts[i], **at + 2) != 0)
            continue;
        if (!(*at)[1])
            return refuse("There is no argument for ", "--", texts[i]);
        request->texts[i] = *++*at;
        return 1;
    }
    return 0;
}

static int read_flag(char ***at, struct safeexec *request)
{
    for (size_t i = 0; i < BJ_COUNT(flags); i++)
        if (!strcmp(flags[i], **at + 2)) {
            request->flags[i] = true;
            return 1;
        }
    return 0;
}

static int read_option(char ***at, struct safeexec *request)
{
    int r = strncmp(**at, "--", 2) != 0 ? 0 : read_number(at, request);

    if (r == 0 && !strncmp(**at, "--", 2))
        r = read_text(at, request);
    if (r == 0 && !strncmp(**at, "--", 2))
        r = read_flag(at, request);
    return r == 0 ? refuse("Invalid option: ", "", **at) : r;
}

int bj__safeexec_parse(char **argv, struct safeexec *ret_request)
{
    *ret_request = (struct safeexec){0};
    for (size_t i = 0; i < BJ_COUNT(numbers); i++)
        ret_request->numbers[i] = numbers[i].otherwise;
    if (!argv[0] || !argv[1]) {
        say_usage();
        return -EINVAL;
    }
    for (char **at = argv + 1; *at; at++) {
        if (!strcmp(*at, "--exec")) {
            ret_request->command = at + 1;
            break;
        }
        int r = read_option(&at, ret_request);
        if (r < 0)
            return r;
    }
    if (!ret_request->command || !ret_request->command[0])
        return refuse("There is no command; write it behind ", "--", "exec");
    return check_ranges(ret_request);
}
