/* safeexec: runs a program in a jail, by the options and with the report of the set-uid program of that name.
 * Its own file because main only wires: options, report's place, spec, run, report.
 * Changes when: a step is added. */
#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/drive.h"
#include "cli/interrupt.h"
#include "cli/safeexec/safeexec.h"

struct session {
    struct safeexec request;
    int report_fd;  /* -1: no report */
    int report_own; /* that of --report_file, or -1 */
    struct bj_spec *spec;
    struct bj_plan *plan;
    struct bj_run *run;
    struct bj_result *result;
    struct relay relay;
};

static void done(struct session *session)
{
    bj_result_free(session->result);
    bj_run_free(session->run);
    bj_plan_free(session->plan);
    bj_spec_free(session->spec);
    bj__relay_done(&session->relay);
    bj__fd_close(&session->report_own);
}

static int open_report(struct session *session, struct bj_error *err)
{
    const char *path = session->request.texts[SAFEEXEC_REPORT_FILE];
    uint64_t number = session->request.numbers[SAFEEXEC_REPORT_FD];

    session->report_fd = session->request.flags[SAFEEXEC_SILENT] ? -1 : STDERR_FILENO;
    if (path && number != ABSENT)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--report_fd",
                         "contradicts --report_file; leave one of them out");
    if (path) {
        session->report_own = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
        if (session->report_own < 0)
            return bj__error_system(err, errno, "--report_file", "cannot open \"%s\"", path);
        session->report_fd = session->report_own;
    }
    if (number != ABSENT) {
        int mode = fcntl((int)number, F_GETFL);
        if (mode < 0 || (mode & O_ACCMODE) == O_RDONLY)
            return bj__error(err, BJ_ERROR_INVALID, EBADF, "--report_fd",
                             "descriptor %d is not open for writing; in a shell write: --report_fd 3 3>FILE",
                             (int)number);
        session->report_fd = (int)number;
    }
    if (session->request.flags[SAFEEXEC_SILENT])
        session->report_fd = -1;
    return 0;
}

static int execute(struct session *session, struct bj_error *err)
{
    int r = bj__safeexec_spec(&session->request, &session->spec, err);

    if (r == 0)
        r = bj_plan_new(session->spec, &session->plan, err);
    if (r < 0)
        return r;
    session->relay.out.fd = STDOUT_FILENO;
    session->relay.err.fd = STDERR_FILENO;
    bj__interrupt_catch();
    r = bj_run_start_stdin(session->plan, STDIN_FILENO, &session->run, err);
    return r < 0 ? r : bj__drive(session->run, &session->relay, &session->result, err);
}

static bool write_report(const struct session *session, const struct bj_buf *report)
{
    int r = session->report_fd < 0 ? 0 : bj__write_all(session->report_fd, report->bytes, report->length);

    if (r < 0)
        bj__say("safeexec: the report was lost: %s", strerror(-r));
    return r == 0;
}

/* The reason of a failure that is not the program's: execve's in the old words, or the jail's. */
static void say_reason(const struct facts *facts)
{
    const char *error = facts->error ? facts->error : "the jail failed";
    const char *text = strrchr(error, ':');
    int number = 0;

    if (facts->status == BJ_STATUS_JAIL_ERROR) {
        bj__say("safeexec: %s", error);
        return;
    }
    for (int i = 1; text && i < 134 && !number; i++)
        number = !strcmp(strerror(i), text + 2) ? i : 0;
    bj__say("error %d (%s): execve error", number, number ? strerror(number) : error);
}

static bool lost_output(const struct sink *sink, const char *name)
{
    if (!sink->failed || sink->failed == EPIPE)
        return false;
    bj__say("safeexec: output was lost: cannot write to %s: %s", name, strerror(sink->failed));
    return true;
}

static int report(struct session *session)
{
    BJ_BUF struct bj_buf out;
    struct facts facts;

    bj__buf_init(&out, 4096);
    if (bj__facts_read(session->result, 0, &facts) < 0) {
        bj__say("safeexec: out of memory for the report");
        return SAFEEXEC_FAILED;
    }
    bool lost = lost_output(&session->relay.out, "stdout");
    lost = lost_output(&session->relay.err, "stderr") || lost;
    if (lost && facts.status == BJ_STATUS_OK)
        facts.status = BJ_STATUS_JAIL_ERROR;
    if (facts.error || (facts.status == BJ_STATUS_JAIL_ERROR && !lost))
        say_reason(&facts);
    bool good = bj__safeexec_report_add(&out, &facts, (double)session->request.numbers[SAFEEXEC_CPU],
                                        bj__interrupt_signal());
    bj__facts_done(&facts);
    return write_report(session, &out) && good ? 0 : SAFEEXEC_FAILED;
}

/* Nothing was started, or its end is not known. */
static int report_error(const struct session *session, const struct bj_error *err)
{
    unsigned char line[] = "Internal Error\n";
    const struct bj_buf out = {.bytes = line, .length = sizeof(line) - 1};

    bj__safeexec_say_error(err);
    (void)write_report(session, &out);
    return SAFEEXEC_FAILED;
}

int main(int argc, char **argv)
{
    BJ_CLEANUP(done) struct session session = {.report_fd = -1, .report_own = -1};
    struct bj_error err = {0};

    (void)argc;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
            return SAFEEXEC_FAILED;
    bj__relay_init(&session.relay);
    if (bj__safeexec_parse(argv, &session.request) < 0)
        return SAFEEXEC_FAILED;
    int r = open_report(&session, &err);
    if (r == 0)
        r = execute(&session, &err);
    return r < 0 ? report_error(&session, &err) : report(&session);
}
