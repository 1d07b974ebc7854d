/* Read, check, run, say what came of it: until somebody leaves.
 * Its own file because it is what the program does.
 * Changes when: something else happens between two lines. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/facts.h"
#include "cli/interrupt.h"
#include "cli/repl/repl.h"
#include "spec/limits.h"

/* What is typed until it is whole. */
struct statement {
    struct bj_buf text;
    bool begun;
};

static void leave(struct repl *repl, int status)
{
    if (!repl->leaving)
        repl->status = status;
    repl->leaving = true;
}

/* That the session is over ends everything; nothing else does. */
static void complain(struct repl *repl, const struct bj_error *err)
{
    bj__say_error(CLI_REPL, err);
    if (bj__state_is_over(err))
        leave(repl, err->err == ETIME ? 124 : repl->status ? repl->status : CLI_FAILED);
}

/* ---- what came of a snippet ------------------------------------------------------------------------ */

static bool wants_to_leave(const struct bj_result *result)
{
    const char *exception = bj_result_exception(result);
    json_t *object = exception ? json_loads(exception, JSON_ALLOW_NUL, NULL) : NULL;
    const char *type = json_string_value(json_object_get(object, "type"));
    bool wants = type && !strcmp(type, "SystemExit");

    json_decref(object);
    return wants;
}

static void print_why(const struct bj_result *result, bool lost)
{
    struct facts facts = {0};

    if (bj__facts_read(result, 0, &facts) < 0) {
        bj__say("belljar: repl: out of memory for the report");
        return;
    }
    bj__summary_print_why(&facts, lost ? "; all is as it was before" : "");
    bj__facts_done(&facts);
}

static void print_result(const struct repl *repl, const struct bj_result *result)
{
    if (bj_result_exception(result))
        bj__snippet_print_exception(bj_result_exception(result));
    if (bj_result_value(result) && repl->expressions)
        (void)bj__snippet_print_value(repl->options, bj_result_value(result)); /* said if it cannot be */
}

/* ---- one statement --------------------------------------------------------------------------------- */

/* The branch stands again, whatever has become of the snippet. */
static int settle(struct repl *repl, const struct bj_result *result, bool *ret_lost, struct bj_error *err)
{
    int r = repl->leaving ? 0 : bj__state_settle(repl, ret_lost, err);

    if (r < 0 && result)
        repl->status = bj_result_exit_status(result); /* should the session be over */
    if (result)
        print_why(result, *ret_lost);
    if (r < 0)
        complain(repl, err);
    return r;
}

/* True: it did not fail. */
static bool run_statement(struct repl *repl, enum ask how, const char *text, struct bj_error *err)
{
    struct bj_result *result = NULL;
    bool lost = false;
    int r = bj__ask(repl, how, text, &result, err);
    bool good = r == 0 && bj_result_status(result) == BJ_STATUS_OK;

    if (r == 0 && wants_to_leave(result)) {
        leave(repl, bj_result_exit_code(result));
        good = false;
    } else {
        if (r == 0)
            print_result(repl, result);
        else
            complain(repl, err);
        good = settle(repl, result, &lost, err) == 0 && good && !lost;
    }
    bj_result_free(result);
    return good;
}

/* 1: it is whole, or nothing can make it so and that was said (*ret_good: false); 0: it goes on. */
static int is_whole(struct repl *repl, const char *text, bool *ret_good)
{
    struct bj_result *result = NULL;
    struct bj_error err = {0};
    int r = bj__ask(repl, ASK_WHETHER_WHOLE, text, &result, &err);
    const char *value = r == 0 ? bj_result_value(result) : NULL;
    bool whole = !value || !strcmp(value, "true");
    bool spent = r < 0 || (!value && bj_result_status(result) != BJ_STATUS_EXCEPTION);

    *ret_good = value != NULL;
    if (r < 0) {
        complain(repl, &err);
    } else if (!value) {
        print_result(repl, result);
        print_why(result, false);
    }
    if (spent && !repl->leaving && bj__state_renew_checker(repl, &err) < 0)
        complain(repl, &err);
    bj_result_free(result);
    return whole;
}

static void do_line(struct repl *repl, const char *text)
{
    struct bj_error err = {0};
    bool good = true;

    if (text[0] == ':') {
        int r = bj__command_do(repl, text, &err);
        good = r == 0 && bj__command_is_kept(text);
        if (r < 0)
            complain(repl, &err);
    } else {
        good = run_statement(repl, ASK_ALOUD, text, &err);
    }
    if (good && bj__keep_write(&repl->keep, text, &err) < 0)
        complain(repl, &err);
}

static void drop(struct statement *statement)
{
    bj__buf_done(&statement->text);
    bj__buf_init(&statement->text, BJ_MAX_SPEC_JSON);
    statement->begun = false;
}

/* At the end of a file nothing more can come: what is there is run as it is. */
static void take_line(struct repl *repl, struct statement *statement, const char *line)
{
    bool good = true;

    if (!statement->begun && (line[0] == ':' || !line[strspn(line, " \t\f")])) {
        if (line[0] == ':')
            do_line(repl, line);
        return;
    }
    if ((statement->begun && bj__buf_add(&statement->text, "\n", 1) < 0) ||
        bj__buf_add(&statement->text, line, strlen(line)) < 0) {
        bj__say("belljar: repl: this is longer than %u bytes; it is dropped", BJ_MAX_SPEC_JSON);
        drop(statement);
        return;
    }
    statement->begun = true;
    if (!is_whole(repl, (const char *)statement->text.bytes, &good))
        return;
    if (good && !repl->leaving)
        do_line(repl, (const char *)statement->text.bytes);
    drop(statement);
}

/* ---- from the beginning to the end ----------------------------------------------------------------- */

static int replay(struct repl *repl, const struct bj_buf *content, struct bj_error *err)
{
    const char *at = (const char *)content->bytes;
    const char *end = at + content->length;
    char *text = NULL;
    int r;

    for (unsigned number = 1; (r = bj__keep_next(&at, end, &text)) > 0; number++) {
        bool good =
            text[0] == ':' ? bj__command_do(repl, text, err) == 0 : run_statement(repl, ASK_QUIETLY, text, err);
        if (!good && text[0] == ':')
            bj__say_error(CLI_REPL, err);
        free(text);
        if (!good)
            return bj__error(err, BJ_ERROR_STATE, ECANCELED, "--session",
                             "statement %u of \"%s\" fails now; correct it or delete its line", number,
                             repl->keep.path);
    }
    if (r == -EINVAL)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--session",
                         "byte %zu of \"%s\": the line before it is no JSON string; correct it or delete it",
                         (size_t)(at - (const char *)content->bytes), repl->keep.path);
    return r < 0 ? bj__error_memory(err) : 0;
}

static int open_all(struct repl *repl, struct bj_error *err)
{
    BJ_BUF struct bj_buf content = {.maximum = 0};
    int r = 0;

    if (repl->options->rest_count > 0)
        r = bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "\"%s\": what is run is typed; leave it out",
                      repl->options->rest[0]);
    if (r == 0 && repl->options->session_file)
        r = bj__keep_open(repl->options->session_file, &repl->keep, &content, err);
    if (r == 0)
        r = bj__state_open(repl, err);
    if (r == 0 && content.length > 0)
        r = replay(repl, &content, err);
    return r;
}

static void end_of_lines(struct repl *repl, enum heard heard)
{
    struct bj_error err = {0};
    unsigned snapshot;

    if (heard == HEARD_END)
        leave(repl, 0);
    else if (heard == HEARD_INTERRUPT && !repl->terminal)
        leave(repl, 128 + SIGINT);
    else if (heard == HEARD_SIGNAL)
        leave(repl, 128 + bj__interrupt_signal());
    else if (heard == HEARD_OVER && bj_session_snapshot(repl->session, BRANCH, &snapshot, &err) < 0)
        complain(repl, &err); /* why stands in every answer */
    else if (heard == HEARD_FAILED) {
        bj__say("belljar: repl: cannot read what is typed: %s",
                errno == EILSEQ ? "a line holds a NUL byte; it is no Python" : strerror(errno));
        leave(repl, CLI_FAILED);
    }
}

static void listen_to(struct repl *repl, struct source *source)
{
    struct statement statement = {.begun = false};

    drop(&statement);
    while (!repl->leaving) {
        const char *line = NULL;
        enum heard heard = bj__source_line(source, statement.begun ? "... " : ">>> ", &line);
        if (heard == HEARD_LINE) {
            take_line(repl, &statement, line);
            continue;
        }
        if (heard == HEARD_END && statement.begun)
            do_line(repl, (const char *)statement.text.bytes);
        drop(&statement);
        end_of_lines(repl, heard);
    }
    bj__buf_done(&statement.text);
}

int bj__repl_loop(struct repl *repl)
{
    struct bj_error err = {0};
    struct source *source = NULL;
    int r = open_all(repl, &err);

    if (r == 0 && !repl->leaving) {
        source = bj__source_new(repl->terminal, bj_session_fd(repl->session));
        r = source ? 0 : bj__error_memory(&err);
    }
    if (r < 0) {
        bj__say_error(CLI_REPL, &err);
        leave(repl, CLI_FAILED);
    }
    if (source && repl->terminal && !repl->options->quiet)
        (void)bj__print(CLI_REPL, "Python in a jail. :help says what else can be typed here; Ctrl-D leaves.");
    if (source)
        listen_to(repl, source);
    bj__source_free(source);
    bj__state_close(repl);
    bj__keep_close(&repl->keep);
    return repl->status;
}
