/* belljar run, exec and eval: makes the plan, starts it, relays, waits, reports.
 * Its own file because nothing else starts anything.
 * Changes when: a run is reported in another way. */
#include "cli/cli.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/collect.h"
#include "cli/drive.h"
#include "cli/facts.h"
#include "cli/interrupt.h"
#include "cli/relay.h"
#include "cli/units.h"

/* Everything that a run holds open. */
struct session {
    const struct options *options;
    struct bj_spec *spec;
    struct bj_plan *plan;
    struct bj_run *run;
    struct bj_result *result;
    struct relay relay;
    int stdin_fd;  /* -1: the program's stdin is what the spec says */
    int stdin_own; /* the one that was opened for --stdin, or -1 */
    int collect_fd;
    int meta_fd;
    int status_fd; /* the caller's */
};

static void done(struct session *session)
{
    bj_result_free(session->result);
    bj_run_free(session->run);
    bj_plan_free(session->plan);
    bj_spec_free(session->spec);
    bj__relay_done(&session->relay);
    bj__fd_close(&session->stdin_own);
    bj__fd_close(&session->collect_fd);
    bj__fd_close(&session->meta_fd);
}

static const char *find_setting(const struct options *options, const char *beginning)
{
    for (size_t i = 0; i < options->setting_count; i++)
        if (!strncmp(options->settings[i].row->name, beginning, strlen(beginning)))
            return options->settings[i].row->name;
    return NULL;
}

/* Options that only make sense together. */
static int check_options(const struct options *options, struct bj_error *err)
{
    bool collects = options->spec_file || find_setting(options, "collect");

    if (find_setting(options, "trace") && !options->json)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--trace",
                         "says nothing about where the steps go; add --json");
    if (options->quiet && options->verbose)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--quiet",
                         "contradicts --verbose; leave one of them out");
    if (options->stderr_to_stdout && options->stderr_file)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--stderr",
                         "contradicts --stderr-to-stdout; leave one of them out");
    if (collects && !options->spec_file && !options->collect_to && !options->json)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--collect",
                         "says nothing about where the files go; add --collect-to DIR or --json");
    if (options->collect_to && !collects && !options->profile)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--collect-to",
                         "says nothing about which files; add --collect PATTERN");
    return 0;
}

static int open_status_fd(struct session *session, struct bj_error *err)
{
    const char *text = session->options->status_fd;
    uint64_t number = 0;

    if (!text)
        return 0;
    if (bj__units_count(text, &number) < 0 || number > INT_MAX)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--status-fd", "\"%s\" is not a descriptor's number",
                         text);
    int mode = fcntl((int)number, F_GETFL);
    if (mode < 0 || (mode & O_ACCMODE) == O_RDONLY)
        return bj__error(err, BJ_ERROR_INVALID, EBADF, "--status-fd",
                         "descriptor %s is not open for writing; in a shell write: --status-fd 3 3>FILE", text);
    if (number > STDERR_FILENO && fcntl((int)number, F_SETFD, FD_CLOEXEC) < 0)
        return bj__error_system(err, errno, "--status-fd", "cannot use descriptor %s", text);
    session->status_fd = (int)number;
    return 0;
}

static int open_for_writing(const char *option, const char *path, int *ret_fd, struct bj_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);

    if (fd < 0)
        return bj__error_system(err, errno, option, "cannot open \"%s\"", path);
    *ret_fd = fd;
    return 0;
}

static int open_sink(const char *option, const char *path, int inherited, struct sink *sink,
                     struct bj_error *err)
{
    sink->fd = inherited;
    if (!path)
        return 0;
    int r = open_for_writing(option, path, &sink->fd, err);
    sink->owned = r == 0;
    return r;
}

/* After the plan is known to be good, so that a mistake elsewhere truncates no file. */
static int open_streams(struct session *session, struct bj_error *err)
{
    const struct options *options = session->options;
    int quiet = -1; /* with --json the output is in the result */
    int r = open_sink("--stdout", options->stdout_file, options->json ? quiet : STDOUT_FILENO,
                      &session->relay.out, err);

    if (r == 0)
        r = open_sink("--stderr", options->stderr_file, options->json ? quiet : STDERR_FILENO,
                      &session->relay.err, err);
    session->relay.merged = options->stderr_to_stdout;
    session->relay.raw = options->raw_output;
    if (r == 0 && options->collect_to)
        r = bj__collect_open(options->collect_to, &session->collect_fd, err);
    if (r < 0 || options->spec_file)
        return r;
    session->stdin_fd = STDIN_FILENO;
    if (options->stdin_file) {
        session->stdin_own = open(options->stdin_file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (session->stdin_own < 0)
            return bj__error_system(err, errno, "--stdin", "cannot open \"%s\"", options->stdin_file);
        session->stdin_fd = session->stdin_own;
    }
    return 0;
}

static int prepare(struct session *session, struct bj_error *err)
{
    const struct options *options = session->options;
    int r = check_options(options, err);

    if (r == 0)
        r = open_status_fd(session, err);
    if (r == 0 && options->meta_file)
        r = open_for_writing("--meta", options->meta_file, &session->meta_fd, err);
    if (r == 0)
        r = bj__make_spec(options, true, &session->spec, err);
    if (r == 0)
        r = bj_plan_new(session->spec, &session->plan, err);
    if (r == 0)
        r = open_streams(session, err);
    if (r == 0 && options->timing)
        bj_plan_set_timing(session->plan, 1);
    return r;
}

static int execute(struct session *session, struct bj_error *err)
{
    int r;

    bj__interrupt_catch();
    r = session->stdin_fd >= 0 ? bj_run_start_stdin(session->plan, session->stdin_fd, &session->run, err)
                               : bj_run_start(session->plan, &session->run, err);
    if (r < 0)
        return r;
    if (session->status_fd >= 0)
        (void)bj__status_write_start(session->status_fd, bj_run_pid(session->run));
    return bj__drive(session->run, &session->relay, &session->result, err);
}

static bool report_lost_output(const char *name, const struct sink *sink)
{
    if (!sink->failed || sink->failed == EPIPE)
        return false;
    bj__say("belljar: run: output was lost: cannot write to %s: %s", name, strerror(sink->failed));
    return true;
}

/* Output or files that could not be delivered are our failure, whatever the program did: true if there are. */
static bool deliver(struct session *session)
{
    bool lost = report_lost_output("stdout", &session->relay.out);

    lost = report_lost_output("stderr", &session->relay.err) || lost;
    if (session->collect_fd >= 0 && bj__collect_write(session->result, session->collect_fd) > 0)
        lost = true;
    if (session->options->json) {
        BJ_FREE char *json = bj_result_json(session->result);
        if (!json)
            bj__say("belljar: run: out of memory for the result");
        if (!json || bj__print(session->options->command, json) != 0)
            lost = true;
    } else if (bj__snippet_print(session->options, session->result) != 0) {
        lost = true;
    }
    return lost;
}

static int exit_status(const struct session *session, bool lost)
{
    int status = bj_result_exit_status(session->result);

    if (bj_result_status(session->result) == BJ_STATUS_CANCELLED) {
        if (bj__interrupt_signal())
            return 128 + bj__interrupt_signal();
        if (bj__drive_is_unheard(&session->relay))
            return 128 + SIGPIPE;
    }
    return lost && status == 0 ? CLI_FAILED : status;
}

static bool wants_summary(const struct session *session)
{
    const struct options *options = session->options;

    if (options->verbose)
        return true;
    if (options->quiet || options->json || bj_result_status(session->result) == BJ_STATUS_OK)
        return false;
    return isatty(STDERR_FILENO);
}

static int report(struct session *session)
{
    const struct options *options = session->options;
    bool lost = deliver(session);
    int status = exit_status(session, lost);
    bool resultless =
        bj_result_status(session->result) == BJ_STATUS_EXIT && bj_result_exit_code(session->result) == 0;
    bool failed = bj_result_status(session->result) == BJ_STATUS_JAIL_ERROR || status == 126 || status == 127 ||
                  resultless;
    bool summary = wants_summary(session);
    struct facts facts = {0};

    if (session->status_fd >= 0)
        (void)bj__status_write_end(session->status_fd, bj_status_name(bj_result_status(session->result)),
                                   status);
    if (!summary && !failed && !options->timing && session->meta_fd < 0)
        return status;
    if (bj__facts_read(session->result, status, &facts) < 0) {
        bj__say("belljar: run: out of memory for the report");
        return status ? status : CLI_FAILED;
    }
    if (summary)
        bj__summary_print(&facts);
    else if (failed && (facts.error || facts.status == BJ_STATUS_JAIL_ERROR))
        bj__say("belljar: %s: %s", bj__command_name(options->command),
                facts.error ? facts.error : "the jail failed");
    if (options->timing && !options->json)
        bj__summary_print_timing(&facts);
    if (session->meta_fd >= 0 && bj__meta_write(session->meta_fd, &facts, NULL) < 0) {
        bj__say("belljar: run: --meta: cannot write to \"%s\"", options->meta_file);
        status = status ? status : CLI_FAILED;
    }
    bj__facts_done(&facts);
    return status;
}

int bj__cmd_run(const struct options *options)
{
    BJ_CLEANUP(done)
    struct session session = {
        .options = options, .stdin_fd = -1, .stdin_own = -1, .collect_fd = -1, .meta_fd = -1, .status_fd = -1};
    struct bj_error err = {0};
    int r;

    bj__relay_init(&session.relay);
    r = prepare(&session, &err);
    if (r == 0)
        r = execute(&session, &err);
    if (r == 0)
        return report(&session);
    bj__say_error(options->command, &err);
    if (session.meta_fd >= 0)
        (void)bj__meta_write(session.meta_fd, NULL, &err); /* the message above is the report that counts */
    if (session.status_fd >= 0)
        (void)bj__status_write_end(session.status_fd, bj_status_name(BJ_STATUS_JAIL_ERROR), CLI_FAILED);
    return CLI_FAILED;
}
