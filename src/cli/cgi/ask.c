/* From a request of a web server to what is to be run.
 * Its own file because the command runs it without knowing where it comes from.
 * Changes when: another kind of request is run. */
#include "cli/cgi/ask.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "cli/cgi/form.h"
#include "spec/spec.h"

#define DROP_US 2000000u  /* for what is not wanted */
#define BODY_US 60000000u /* for the whole body; the web server has a limit of its own, and may wait longer */

struct ask {
    const struct options *options;
    const struct cgi_request *request;
    struct cgi_refusal *refusal;
    struct bj_buf body;
    struct bj_spec *spec; /* the operator's, later the request's */
};

static void done(struct ask *ask)
{
    bj__buf_done(&ask->body);
    bj_spec_free(ask->spec);
}

int bj__cgi_refuse_request(struct cgi_refusal *ret_refusal, int status, const struct bj_error *err)
{
    (void)bj__cgi_refuse(ret_refusal, status, "%s", err->message);
    (void)snprintf(ret_refusal->field, sizeof(ret_refusal->field), "%s", err->field);
    return -EINVAL;
}

int bj__cgi_refuse_all(struct cgi_refusal *ret_refusal, int status, const char *detail,
                       const struct bj_error *err)
{
    bj__say_error(CLI_CGI, err);
    return bj__cgi_refuse(ret_refusal, status, "%s; the reason is in the log of the server", detail);
}

static int refuse_memory(struct ask *ask)
{
    return bj__cgi_refuse(ask->refusal, 503, "there is no memory for the request");
}

/* ---- the body ------------------------------------------------------------------------------------- */

/* What there is now, or nothing: then the deadline has passed. */
static int wait_for_body(uint64_t deadline)
{
    struct pollfd poll_fd = {.fd = STDIN_FILENO, .events = POLLIN};
    uint64_t now = bj__now_us();

    return now < deadline ? poll(&poll_fd, 1, (int)((deadline - now) / 1000) + 1) : 0;
}

/* As many bytes as were announced: a server need not end the stream behind them (RFC 3875, 4.2). */
static int read_body(struct ask *ask)
{
    uint64_t deadline = bj__now_us() + BODY_US;
    struct bj_buf *body = &ask->body;
    size_t length = ask->request->length;

    bj__buf_init(body, length);
    if (bj__buf_reserve(body, length) < 0)
        return refuse_memory(ask);
    while (body->length < length) {
        int ready = wait_for_body(deadline);
        if (ready == 0)
            return bj__cgi_refuse(ask->refusal, 408, "the body did not come");
        ssize_t got = ready > 0 ? read(STDIN_FILENO, body->bytes + body->length, length - body->length) : -1;
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return bj__cgi_refuse(ask->refusal, 400, "the body ends after %zu of %zu bytes", body->length,
                                  length);
        body->length += (size_t)got;
    }
    return 0;
}

void bj__cgi_drop_body(const char *length)
{
    char room[8192];
    uint64_t deadline = bj__now_us() + DROP_US;
    uint64_t left = 0;

    if (!length || bj__digits(&length, &left) < 0)
        left = UINT64_MAX;
    while (left > 0 && wait_for_body(deadline) > 0) {
        ssize_t got = read(STDIN_FILENO, room, left < sizeof(room) ? (size_t)left : sizeof(room));
        if (got <= 0)
            return;
        left -= (uint64_t)got;
    }
}

/* ---- a form --------------------------------------------------------------------------------------- */

/* A form that is posted may have fields in its address, too. */
static int find_script(struct ask *ask, struct bj_buf *script)
{
    const char *query = ask->request->query;
    int count = bj__form_find(query, strlen(query), CGI_FIELD, script);
    int more = 0;

    if (count >= 0 && ask->request->body == CGI_FORM)
        more = bj__form_find((const char *)ask->body.bytes, ask->body.length, CGI_FIELD, script);
    if (count < 0 || more < 0)
        return refuse_memory(ask);
    if (count + more != 1 || script->length == 0)
        return bj__cgi_refuse(ask->refusal, 400, CGI_FIELD " is %s; write: ?" CGI_FIELD "=print(6*7)",
                              count + more > 1   ? "given more than once"
                              : count + more > 0 ? "empty"
                                                 : "missing");
    if (memchr(script->bytes, 0, script->length) || !bj__utf8_valid(script->bytes, script->length))
        return bj__cgi_refuse(ask->refusal, 400, CGI_FIELD " is no UTF-8, or has a NUL in it");
    return 0;
}

static int take_script(struct ask *ask)
{
    BJ_BUF struct bj_buf script;
    struct bj_error err = {0};

    bj__buf_init(&script, SIZE_MAX / 4);
    int r = find_script(ask, &script);
    if (r < 0)
        return r;
    r = bj_spec_set_code(ask->spec, (const char *)script.bytes, &err);
    return r == -ENOMEM ? refuse_memory(ask) : r < 0 ? bj__cgi_refuse_request(ask->refusal, 422, &err) : 0;
}

/* ---- JSON ----------------------------------------------------------------------------------------- */

/* The profile is the operator's choice, and limits and walls of the command line are part of it. */
static int check_profile(const struct ask *ask, const char *asked, struct bj_error *err)
{
    if (!asked || !strcmp(asked, ask->spec->profile))
        return 0;
    return bj__error(err, BJ_ERROR_WIDENS, EPERM, "profile", "\"%.63s\" is not what is run here; leave it out",
                     asked);
}

static int narrow(struct ask *ask, const struct bj_request *request, struct bj_error *err)
{
    struct bj_spec *narrowed = NULL;
    int r = check_profile(ask, request->spec->profile, err);

    if (r == 0)
        r = bj__spec_tighten(ask->spec, request, &narrowed, err);
    if (r < 0)
        return r;
    bj_spec_free(ask->spec);
    ask->spec = narrowed;
    return bj__spec_check(narrowed, true, err);
}

static int take_json(struct ask *ask)
{
    BJ_CLEANUP(bj__request_done) struct bj_request request = {0};
    const char *text = ask->body.length ? (const char *)ask->body.bytes : "";
    struct bj_error err = {0};

    int r = bj__spec_parse_request(text, ask->body.length, &request, &err);
    bool no_json = r < 0 && !err.field[0];
    if (r == 0)
        r = narrow(ask, &request, &err);
    if (r == -ENOMEM)
        return refuse_memory(ask);
    return r < 0 ? bj__cgi_refuse_request(ask->refusal, no_json ? 400 : 422, &err) : 0;
}

int bj__cgi_spec(const struct options *options, const struct cgi_request *request, struct bj_spec **ret_spec,
                 struct cgi_refusal *ret_refusal)
{
    BJ_CLEANUP(done) struct ask ask = {.options = options, .request = request, .refusal = ret_refusal};
    struct bj_error err = {0};

    int r = read_body(&ask);
    if (r < 0)
        return r;
    if (bj__make_spec(options, false, &ask.spec, &err) < 0)
        return bj__cgi_refuse_all(ret_refusal, 500, "this service is not set up well", &err);
    r = request->body == CGI_JSON ? take_json(&ask) : take_script(&ask);
    if (r < 0)
        return r;
    *ret_spec = ask.spec;
    ask.spec = NULL;
    return 0;
}
