/* belljar cgi: one request of a web server, run in a jail, and answered.
 * Its own file because it alone puts request, spec, run and answer together.
 * Changes when: another kind of request is run, or a run is answered in another way. */
#include "cli/cli.h"

#include <poll.h>
#include <unistd.h>

#include "cli/cgi/answer.h"
#include "cli/cgi/ask.h"
#include "cli/cgi/form.h"
#include "cli/facts.h"
#include "cli/interrupt.h"
#include "cli/relay.h"
#include "cli/units.h"
#include "spec/spec.h"

#define BODY_LIMIT     (1u << 20)
#define ANSWER_MAXIMUM (SIZE_MAX / 4)

struct session {
    const struct options *options;
    struct cgi_request request;
    struct cgi_refusal refusal;
    struct bj_spec *spec;
    struct bj_plan *plan;
    struct bj_run *run;
    struct bj_result *result;
    bool body_read;
    struct relay relay; /* of the answer: whoever reads it may be slow, or gone */
};

static void done(struct session *session)
{
    bj_result_free(session->result);
    bj_run_free(session->run);
    bj_plan_free(session->plan);
    bj_spec_free(session->spec);
    bj__relay_done(&session->relay);
}

static const char *of_environment(const void *user, const char *name)
{
    return user ? NULL : getenv(name);
}
static const struct cgi_variables environment = {of_environment, NULL};

/* At the end of everything: there was an answer, or there is nobody to have one. */
static void drop_body(const struct session *session)
{
    const char *length = bj__cgi_variable(&environment, "CONTENT_LENGTH");
    const char *method = bj__cgi_variable(&environment, "REQUEST_METHOD");

    if (!session->body_read && (length || (method && !strcmp(method, "POST"))))
        bj__cgi_drop_body(length);
}

/* ---- answers -------------------------------------------------------------------------------------- */

/* All of the answer, unless a signal comes first or nobody reads it. The exit status. */
static int write_answer(struct session *session, const struct bj_buf *answer)
{
    struct relay *relay = &session->relay;
    struct pollfd polls[2];

    relay->out.fd = STDOUT_FILENO;
    relay->raw = true;
    bj__relay_output(relay, BJ_STDOUT, answer->bytes, answer->length);
    bj__interrupt_hold();
    while (!bj__relay_flush(relay) && !bj__interrupt_signal())
        bj__interrupt_poll(polls, bj__relay_poll(relay, polls));
    if (relay->out.failed)
        bj__say("belljar: cgi: the answer cannot be written: %s", strerror(relay->out.failed));
    return relay->out.failed || relay->out.sent < relay->out.waiting.length ? CLI_FAILED : 0;
}

static int answer_refusal(struct session *session)
{
    BJ_BUF struct bj_buf out;

    bj__buf_init(&out, ANSWER_MAXIMUM);
    if (bj__cgi_answer_problem(&out, &session->refusal, session->request.origin,
                               session->request.method != CGI_HEAD) == 0)
        return write_answer(session, &out);
    bj__say("belljar: cgi: out of memory for the answer");
    return CLI_FAILED;
}

/* ---- run ------------------------------------------------------------------------------------------ */

/* A mistake in a request, or this host's? Of the host's files the request knows nothing, unless the profile lets it name them. */
static bool is_of_request(const struct session *session, const struct bj_error *err)
{
    bool source = !strncmp(err->field, "files", 5) || !strncmp(err->field, "mounts", 6);

    if (session->request.body != CGI_JSON || (source && session->spec->mount_sources.count == 0))
        return false;
    return err->code == BJ_ERROR_INVALID || (source && err->code == BJ_ERROR_NOT_FOUND);
}

/* The web server closes its end when its client goes away, and may be slow to kill us. */
static bool is_alone(void)
{
    struct pollfd poll_fd = {.fd = STDOUT_FILENO};

    return poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & (POLLERR | POLLHUP);
}

static int step_to_the_end(struct session *session, struct bj_error *err)
{
    bool killed = false;
    int r;

    bj__interrupt_hold();
    while ((r = bj_run_step(session->run, 0, err)) == 0) {
        struct pollfd polls[] = {{.fd = bj_run_fd(session->run), .events = POLLIN}, {.fd = STDOUT_FILENO}};
        if (!killed && (bj__interrupt_signal() || is_alone())) {
            bj_run_kill(session->run);
            killed = true;
            continue;
        }
        bj__interrupt_poll(polls, killed ? 1 : BJ_COUNT(polls));
    }
    return r < 0 ? r : bj_run_result(session->run, &session->result, err);
}

static int execute(struct session *session)
{
    struct bj_error err = {0};
    int r = bj_plan_new(session->spec, &session->plan, &err);

    if (r < 0 && is_of_request(session, &err))
        return bj__cgi_refuse_request(&session->refusal, 422, &err);
    bj__interrupt_catch();
    if (r == 0)
        r = bj_run_start(session->plan, &session->run, &err);
    if (r < 0)
        return bj__cgi_refuse_all(&session->refusal, 503, "the jail cannot be had", &err);
    r = step_to_the_end(session, &err);
    if (r < 0)
        return bj__cgi_refuse_all(&session->refusal, 500, "what came of the run is not known", &err);
    return 0;
}

/* ---- what came of it ------------------------------------------------------------------------------ */

/* Ours, never the guest's: the operator is told why. */
static int answer_failure(struct session *session)
{
    struct facts facts = {0};

    if (bj__facts_read(session->result, 0, &facts) == 0 && facts.error)
        bj__say("belljar: cgi: %s", facts.error);
    bj__facts_done(&facts);
    (void)bj__cgi_refuse(&session->refusal, 500, "the jail failed; the reason is in the log of the server");
    return answer_refusal(session);
}

static int answer_run(struct session *session)
{
    BJ_BUF struct bj_buf out;
    const char *origin = session->request.origin;
    enum bj_status status = bj_result_status(session->result);

    bj__buf_init(&out, ANSWER_MAXIMUM);
    if (status == BJ_STATUS_CANCELLED) /* on request, or because nobody is there to be answered */
        return bj__interrupt_signal() ? 128 + bj__interrupt_signal() : CLI_FAILED;
    if (status == BJ_STATUS_JAIL_ERROR)
        return answer_failure(session);
    int r = session->request.body == CGI_JSON
                ? bj__cgi_answer_json(&out, session->result, origin)
                : bj__cgi_answer_text(&out, session->result, session->spec, origin);
    if (r == 0)
        return write_answer(session, &out);
    (void)bj__cgi_refuse(&session->refusal, 503, "there is no memory for the answer");
    return answer_refusal(session);
}

/* OPTIONS runs nothing, and nor does HEAD: it is asked by what looks at links. */
static int answer_head(struct session *session)
{
    BJ_BUF struct bj_buf out;
    const char *origin = session->request.origin;

    bj__buf_init(&out, ANSWER_MAXIMUM);
    int r = session->request.method == CGI_OPTIONS ? bj__cgi_answer_options(&out, origin)
                                                   : bj__cgi_answer_head(&out, 200, CGI_TEXT, origin);
    return r < 0 ? CLI_FAILED : write_answer(session, &out);
}

/* ---- the command ---------------------------------------------------------------------------------- */

/* Of a copied variable the value would be the client's. */
static int check_variables(const struct options *options, struct bj_error *err)
{
    for (size_t i = 0; i < options->setting_count; i++)
        if (!strcmp(options->settings[i].row->name, "env") && !strchr(options->settings[i].value, '='))
            return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--env",
                             "\"%s\": nothing is copied from what a web server hands over; write %s=VALUE",
                             options->settings[i].value, options->settings[i].value);
    return 0;
}

static int make_rules(const struct options *options, struct cgi_rules *ret_rules, struct bj_error *err)
{
    const char *limit = options->body_limit;
    const char *wrong = bj__cgi_origin_wrong(options->allow_origin);
    struct cgi_rules rules = {options->hosts, options->allow_origin, BODY_LIMIT};

    if (wrong)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--allow-origin",
                         "\"%.80s\" is not what a browser calls a site; write https://example.org, or *",
                         wrong);
    if (limit && (bj__units_size(limit, &rules.body_limit) < 0 || rules.body_limit > BJ_MAX_SPEC_JSON))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--body-limit", "\"%s\" is not a size of at most %uM",
                         limit, BJ_MAX_SPEC_JSON >> 20);
    /* The path of a script whose first line is "#!/usr/bin/env -S belljar cgi" stands there; words of a query never do. */
    if (options->rest_count > 1)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "\"%s\": takes no such word", options->rest[1]);
    if (!bj__cgi_variable(&environment, "REQUEST_METHOD"))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "REQUEST_METHOD",
                         "is not in the environment; a web server starts this command");
    *ret_rules = rules;
    return check_variables(options, err);
}

bool bj__cgi_refuse_words(const char *command)
{
    BJ_CLEANUP(done) struct session session = {0};
    const char *query = bj__cgi_variable(&environment, "QUERY_STRING");
    bool server =
        bj__cgi_variable(&environment, "GATEWAY_INTERFACE") || bj__cgi_variable(&environment, "REQUEST_METHOD");

    if (!server || !query || !bj__form_is_words(query))
        return false;
    if (strcmp(command, bj__command_name(CLI_CGI)) != 0 && !bj__form_begins_with(query, command))
        return false;
    bj__relay_init(&session.relay);
    bj__say("belljar: a web server handed over the words of a query as arguments; they are no options of mine");
    (void)bj__cgi_refuse(&session.refusal, 400, "the query is not of the form " CGI_FIELD "=...");
    (void)answer_refusal(&session);
    drop_body(&session);
    return true;
}

/* The exit status. */
static int answer(struct session *session, const struct cgi_rules *rules)
{
    struct cgi_request *request = &session->request;
    int r = bj__cgi_request_read(&environment, rules, request, &session->refusal);

    if (r == 0 && request->method == CGI_OPTIONS)
        return answer_head(session);
    if (r == 0) {
        session->body_read = request->method == CGI_POST;
        r = bj__cgi_spec(session->options, request, &session->spec, &session->refusal);
    }
    if (r == 0 && request->method == CGI_HEAD)
        return answer_head(session);
    if (r == 0)
        r = execute(session);
    return r < 0 ? answer_refusal(session) : answer_run(session);
}

int bj__cmd_cgi(const struct options *options)
{
    BJ_CLEANUP(done) struct session session = {.options = options};
    struct cgi_rules rules = {0};
    struct bj_error err = {0};

    bj__relay_init(&session.relay);
    if (make_rules(options, &rules, &err) < 0) {
        bj__say_error(CLI_CGI, &err);
        return CLI_FAILED;
    }
    int status = answer(&session, &rules);
    drop_body(&session);
    return status;
}
