/* What is typed behind a colon: no Python begins with one.
 * Its own file because it is a table of words and what they do.
 * Changes when: another word is understood. */
#include <ctype.h>

#include "cli/repl/repl.h"

static const char help[] =
    "What is typed is Python, run in the jail; variables are kept. Besides there are\n"
    "  :snapshot NAME   remember all variables as they are now\n"
    "  :restore NAME    go back to that; files stay as they are\n"
    "  :reset           go back to the beginning\n"
    "  :help            this\n"
    "Ctrl-C interrupts a snippet, and ends it when it is typed again; Ctrl-D or exit() leaves.\n"
    "A snippet that meets a limit is undone: variables are as they were before it.\n";

static int do_help(struct repl *repl, const char *name, struct bj_error *err)
{
    (void)repl;
    (void)name;
    (void)err;
    (void)bj__print(CLI_REPL, help);
    return 0;
}

static int do_reset(struct repl *repl, const char *name, struct bj_error *err)
{
    (void)name;
    return bj__state_reset(repl, err);
}

static const struct {
    const char *word;
    int (*act)(struct repl *repl, const char *name, struct bj_error *err);
    bool named;
    bool kept;
} commands[] = {
    {":snapshot", bj__state_snapshot, true, true},
    {":restore", bj__state_restore, true, true},
    {":reset", do_reset, false, true},
    {":help", do_help, false, false},
};

/* Its row, or that of none; *ret_rest is what stands behind the word. */
static size_t find(const char *line, const char **ret_rest)
{
    size_t length = strcspn(line, " \t");
    size_t i = 0;

    while (i < BJ_COUNT(commands) &&
           (strlen(commands[i].word) != length || strncmp(commands[i].word, line, length) != 0))
        i++;
    *ret_rest = line + length + strspn(line + length, " \t");
    return i;
}

bool bj__command_is_kept(const char *line)
{
    const char *rest;
    size_t row = find(line, &rest);

    return row < BJ_COUNT(commands) && commands[row].kept;
}

/* One word of letters, digits, "_", "-" and "."; spaces behind it are dropped. False: it is none. */
static bool read_name(const char *text, char name[NAME_BYTES])
{
    size_t length = 0;

    while (isalnum((unsigned char)text[length]) || (text[length] && strchr("_-.", text[length])))
        length++;
    if (length == 0 || length >= NAME_BYTES || text[length + strspn(text + length, " \t")])
        return false;
    memcpy(name, text, length);
    name[length] = 0;
    return true;
}

int bj__command_do(struct repl *repl, const char *line, struct bj_error *err)
{
    char name[NAME_BYTES] = "";
    const char *rest;
    size_t row = find(line, &rest);

    if (row == BJ_COUNT(commands))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "\"%.60s\" is not known here; :help lists what is",
                         line);
    if (commands[row].named && !read_name(rest, name))
        return bj__error(
            err, BJ_ERROR_INVALID, EINVAL, commands[row].word,
            "\"%.60s\" is not a name; give one word of up to %u letters, digits, \"_\", \"-\" and \".\"", rest,
            NAME_BYTES - 1);
    if (!commands[row].named && *rest)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, commands[row].word, "\"%.60s\": nothing may follow it",
                         rest);
    return commands[row].act(repl, name, err);
}
