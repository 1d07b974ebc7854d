/* simple_pysandbox: runs its argument as Python in a jail, and prints what it wrote as one JSON object.
 * Its own file because it is a program of its own, for whoever calls the script of that name.
 * Changes when: its limits or the keys of its object change. */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/drive.h"
#include "cli/interrupt.h"
#include "cli/safeexec/replace.h"
#include "cli/safeexec/safeexec.h"

/* Of the script; the wall clock and the output are ours, because it had none of either. */
static const struct {
    const char *field;
    uint64_t value;
} limits[] = {
    {"memory_bytes", 200000000}, {"address_space_bytes", 200000000}, {"cpu_us", 5000000}, {"wall_us", 20000000},
    {"file_bytes", 0},           {"output_bytes", 4u << 20},
};

struct session {
    struct bj_spec *spec;
    struct bj_plan *plan;
    struct bj_run *run;
    struct bj_result *result;
    struct relay relay;
    json_t *object;
};

static void done(struct session *session)
{
    bj_result_free(session->result);
    bj_run_free(session->run);
    bj_plan_free(session->plan);
    bj_spec_free(session->spec);
    bj__relay_done(&session->relay);
    json_decref(session->object);
}

static int execute(struct session *session, const char *code, struct bj_error *err)
{
    int r = bj_spec_from_profile("python", &session->spec, err);

    for (size_t i = 0; r == 0 && i < BJ_COUNT(limits); i++)
        r = bj_spec_set_limit(session->spec, limits[i].field, limits[i].value, err);
    if (r == 0)
        r = bj_spec_set_code(session->spec, code, err);
    if (r == 0)
        r = bj_plan_new(session->spec, &session->plan, err);
    if (r < 0)
        return r;
    bj__interrupt_catch();
    r = bj_run_start_stdin(session->plan, STDIN_FILENO, &session->run, err);
    return r < 0 ? r : bj__drive(session->run, &session->relay, &session->result, err);
}

static int set_text(struct session *session, const char *key, const struct bj_buf *text)
{
    json_t *value = json_stringn(text->length ? (const char *)text->bytes : "", text->length);

    return value && json_object_set_new(session->object, key, value) == 0 ? 0 : -ENOMEM;
}

static int add_output(struct bj_buf *out, const struct bj_result *result, enum bj_stream stream)
{
    size_t length = 0;
    const void *bytes = bj_result_output(result, stream, &length);

    return length ? bj__replace_add(out, bytes, length) : 0;
}

/* What ends a line of its own. */
static int add_line(struct bj_buf *out, const char *text, size_t length)
{
    int r = out->length && out->bytes[out->length - 1] != '\n' ? bj__buf_add(out, "\n", 1) : 0;

    if (r == 0)
        r = bj__replace_add(out, text, length);
    return r == 0 && length && text[length - 1] != '\n' ? bj__buf_add(out, "\n", 1) : r;
}

static int add_traceback(struct bj_buf *out, const char *exception)
{
    json_t *object = exception ? json_loads(exception, JSON_ALLOW_NUL, NULL) : NULL;
    const json_t *traceback = json_object_get(object, "traceback");
    int r = traceback ? add_line(out, json_string_value(traceback), json_string_length(traceback)) : 0;

    json_decref(object);
    return r;
}

/* The last line, where it was not the code that ended the run, or not all of its output is here. */
static int add_verdict(struct bj_buf *out, const struct bj_result *result)
{
    struct facts facts;
    char verdict[96];
    char line[512];
    int r = bj__facts_read(result, 0, &facts);

    if (r < 0)
        return r;
    bool whole = !facts.stdout_truncated && !facts.stderr_truncated && !facts.error;
    bool own = whole && (facts.status == BJ_STATUS_OK || facts.status == BJ_STATUS_EXIT ||
                         facts.status == BJ_STATUS_EXCEPTION ||
                         (facts.status == BJ_STATUS_PROCESS_LIMIT && facts.exit_code >= 0));
    if (!own) {
        bj__safeexec_verdict(&facts, bj__interrupt_signal(), verdict, sizeof(verdict));
        int length = snprintf(line, sizeof(line), "%s%s%s%s%s%s", verdict, facts.limit ? " (" : "",
                              facts.limit ? facts.limit : "", facts.limit ? ")" : "", facts.error ? ": " : "",
                              facts.error ? facts.error : "");
        r = add_line(out, line, (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
    }
    bj__facts_done(&facts);
    return r;
}

/* stdout and stderr of the code, and why there is no more of them. */
static int tell_result(struct session *session)
{
    BJ_BUF struct bj_buf out;
    BJ_BUF struct bj_buf errors;

    bj__buf_init(&out, SIZE_MAX / 4);
    bj__buf_init(&errors, SIZE_MAX / 4);
    int r = add_output(&out, session->result, BJ_STDOUT);
    if (r == 0)
        r = add_output(&errors, session->result, BJ_STDERR);
    if (r == 0)
        r = add_traceback(&errors, bj_result_exception(session->result));
    if (r == 0)
        r = add_verdict(&errors, session->result);
    if (r == 0)
        r = set_text(session, "user_stdout", &out);
    return r < 0 ? r : set_text(session, "user_stderr", &errors);
}

/* There was no run: the object says so, too, for whoever reads nothing else. */
static int tell_error(struct session *session, const struct bj_error *err)
{
    BJ_BUF struct bj_buf errors;
    const struct bj_buf nothing = {.length = 0};

    bj__buf_init(&errors, 4096);
    (void)bj__buf_printf(&errors, "Internal Error: ");
    int r = bj__replace_add(&errors, err->message, strlen(err->message));
    bj__safeexec_say_error(err);
    if (r == 0)
        r = set_text(session, "user_stdout", &nothing);
    return r < 0 ? r : set_text(session, "user_stderr", &errors);
}

static int print(const struct session *session)
{
    BJ_FREE char *text = json_dumps(session->object, JSON_ENSURE_ASCII);
    int r = text ? bj__write_all(STDOUT_FILENO, text, strlen(text)) : -ENOMEM;

    return r < 0 ? r : bj__write_all(STDOUT_FILENO, "\n", 1);
}

int main(int argc, char **argv)
{
    BJ_CLEANUP(done) struct session session = {.object = json_object()};
    BJ_BUF struct bj_buf code;
    struct bj_error err = {0};

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
            return SAFEEXEC_FAILED;
    bj__relay_init(&session.relay);
    bj__buf_init(&code, SIZE_MAX / 4);
    if (argc != 2) {
        bj__say("usage: simple_pysandbox CODE");
        return SAFEEXEC_FAILED;
    }
    int r = bj__replace_add(&code, argv[1], strlen(argv[1]));
    if (r == 0)
        r = set_text(&session, "code", &code);
    int ran = r == 0 ? execute(&session, code.length ? (const char *)code.bytes : "", &err) : -1;
    if (r == 0)
        r = ran == 0 ? tell_result(&session) : tell_error(&session, &err);
    if (r == 0)
        r = print(&session);
    if (r < 0)
        bj__say("simple_pysandbox: the result cannot be told: %s", strerror(-r));
    bool failed = ran < 0 || bj_result_status(session.result) == BJ_STATUS_JAIL_ERROR;
    return r < 0 || failed ? SAFEEXEC_FAILED : 0;
}
