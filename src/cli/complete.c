/* Completion scripts for shells, out of the table.
 * Its own file because the rest of it is written in the shells' languages.
 * Changes when: another shell is served, or an argument can be completed in another way. */
#include "cli/cli.h"

#include <stdio.h>

#include "base/buf.h"

enum { MAX_SCRIPT = 65536 };

static void add_bash_options(struct bj_buf *out)
{
    for (unsigned c = 0; c < CLI__COUNT; c++) {
        (void)bj__buf_printf(out, "        %s) options='", bj__command_name((enum cli_command)c));
        for (size_t i = 0; i < bj__opts_count; i++)
            if (bj__opts_rows[i].commands & 1u << c)
                (void)bj__buf_printf(out, "--%s ", bj__opts_rows[i].name);
        (void)bj__buf_printf(out, "' ;;\n");
    }
}

/* "none|loopback|host": the words are all there is; anything in capitals is a file or free text. */
static bool is_choice(const struct opt_row *row)
{
    return row->argument && strchr(row->argument, '|') && row->argument[0] >= 'a';
}

static void add_choice(struct bj_buf *out, const char *argument)
{
    for (; *argument; argument++)
        (void)bj__buf_printf(out, "%c", *argument == '|' ? ' ' : *argument);
}

static void add_bash_choices(struct bj_buf *out)
{
    for (size_t i = 0; i < bj__opts_count; i++)
        if (is_choice(&bj__opts_rows[i])) {
            (void)bj__buf_printf(out, "        --%s) words='", bj__opts_rows[i].name);
            add_choice(out, bj__opts_rows[i].argument);
            (void)bj__buf_printf(out, "' ;;\n");
        }
}

/* Options that take a value other than a path offer nothing; the rest falls back to file names. */
static void add_bash_plain(struct bj_buf *out)
{
    const char *bar = "        ";

    for (size_t i = 0; i < bj__opts_count; i++) {
        const struct opt_row *row = &bj__opts_rows[i];
        if (!row->argument || is_choice(row) || strstr(row->argument, "FILE") || strstr(row->argument, "DIR") ||
            strstr(row->argument, "SOURCE") || strstr(row->argument, "PATH"))
            continue;
        (void)bj__buf_printf(out, "%s--%s", bar, row->name);
        bar = "|";
    }
    (void)bj__buf_printf(out, ") return ;;\n");
}

static void add_bash(struct bj_buf *out)
{
    (void)bj__buf_printf(out,
                         "# bash completion for belljar; made from its option table.\n"
                         "_belljar()\n{\n"
                         "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
                         "    local options= words= i\n"
                         "    COMPREPLY=()\n"
                         "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                         "        COMPREPLY=($(compgen -W '");
    for (unsigned c = 0; c < CLI__COUNT; c++)
        (void)bj__buf_printf(out, "%s ", bj__command_name((enum cli_command)c));
    (void)bj__buf_printf(
        out,
        "--version --help' -- \"$current\"))\n        return\n    fi\n"
        "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
        "        [ \"${COMP_WORDS[i]}\" = -- ] && { COMPREPLY=($(compgen -cf -- \"$current\")); return; }\n"
        "    done\n"
        "    case ${COMP_WORDS[1]} in\n");
    add_bash_options(out);
    (void)bj__buf_printf(out,
                         "    esac\n    case $previous in\n"
                         "        -P|--profile) words=$(belljar profiles 2>/dev/null | cut -d' ' -f1) ;;\n");
    add_bash_choices(out);
    add_bash_plain(out);
    (void)bj__buf_printf(
        out, "    esac\n"
             "    if [ -n \"$words\" ]; then\n"
             "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
             "    elif [ \"${COMP_WORDS[1]}\" = help ] && [ \"${current:0:1}\" != - ]; then\n"
             "        COMPREPLY=($(compgen -W 'run exec eval repl cgi plan explain doctor profiles' -- "
             "\"$current\"))\n"
             "    elif [ \"${COMP_WORDS[1]}\" = profiles ] && [ \"${current:0:1}\" != - ]; then\n"
             "        COMPREPLY=($(compgen -W \"$(belljar profiles 2>/dev/null | cut -d' ' -f1)\" -- "
             "\"$current\"))\n"
             "    elif [ \"${current:0:1}\" = - ]; then\n"
             "        COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
             "    else\n"
             "        COMPREPLY=($(compgen -cf -- \"$current\"))\n"
             "    fi\n}\ncomplete -o filenames -F _belljar belljar\n");
}

/* zsh reads "[", "]", ":" and "\" of a description as its own; and it stands between single quotes. */
static void add_zsh_text(struct bj_buf *out, const char *text)
{
    for (; *text; text++)
        if (*text == '\'')
            (void)bj__buf_printf(out, "'\\''");
        else
            (void)bj__buf_printf(out, strchr("[]:\\", *text) ? "\\%c" : "%c", *text);
}

static void add_zsh_option(struct bj_buf *out, const struct opt_row *row)
{
    (void)bj__buf_printf(out, " \\\n            '*--%s[", row->name);
    add_zsh_text(out, row->help);
    (void)bj__buf_printf(out, "]");
    if (row->argument && is_choice(row)) {
        (void)bj__buf_printf(out, ":value:(");
        add_choice(out, row->argument);
        (void)bj__buf_printf(out, ")");
    } else if (row->argument) {
        (void)bj__buf_printf(out, ":");
        add_zsh_text(out, row->argument);
        (void)bj__buf_printf(out, ":_files");
    }
    (void)bj__buf_printf(out, "'");
}

static void add_zsh(struct bj_buf *out)
{
    (void)bj__buf_printf(out, "#compdef belljar\n# zsh completion for belljar; made from its option table.\n"
                              "if (( CURRENT == 2 )); then\n    compadd -- ");
    for (unsigned c = 0; c < CLI__COUNT; c++)
        (void)bj__buf_printf(out, "%s ", bj__command_name((enum cli_command)c));
    (void)bj__buf_printf(out, "--version --help\n    return\nfi\ncase ${words[2]} in\n");
    for (unsigned c = 0; c < CLI__COUNT; c++) {
        (void)bj__buf_printf(out, "    %s)\n        shift words; (( CURRENT-- ))\n        _arguments -S",
                             bj__command_name((enum cli_command)c));
        for (size_t i = 0; i < bj__opts_count; i++)
            if (bj__opts_rows[i].commands & 1u << c)
                add_zsh_option(out, &bj__opts_rows[i]);
        (void)bj__buf_printf(out, " \\\n            '*::command:_normal' ;;\n");
    }
    (void)bj__buf_printf(out, "esac\n");
}

int bj__print_completion(const char *shell)
{
    BJ_BUF struct bj_buf out;

    bj__buf_init(&out, MAX_SCRIPT);
    if (!strcmp(shell, "bash"))
        add_bash(&out);
    else if (!strcmp(shell, "zsh"))
        add_zsh(&out);
    else {
        bj__say("belljar: help: --completion: \"%s\" is not a shell that is known; write bash or zsh", shell);
        return CLI_FAILED;
    }
    return bj__print(CLI_HELP, out.length ? (const char *)out.bytes : "");
}
