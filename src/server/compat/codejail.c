/* Runs for clients of codejail-service (Open edX).
 * Its own file because it is the whole of that interface, but for how its payload reads.
 * Changes when: that service asks or answers in another way.
 *
 * Variables are never read here: the payload's go to Python as they stand, and Python's come back as they stand, NaN and all. A
 * client's python_lib.zip becomes a file of the jail's, and Python imports from it as it is. */
#include "server/api.h"
#include "server/compat/compat.h"
#include "server/compat/form.h"
#include "server/compat/payload.h"
#include "spec/json_read.h"
#include "spec/json_text.h"

#include <stdio.h>

#define LIBRARY "python_lib.zip" /* the only file, and the only place to import from */

/* safe_exec: the code has variables of its own, and they come back only when it came to its end: exit(0) is none. */
static const char jailed_code[] = "def jailed_code(space):\n"
                                  "    told = space.pop('__codejail__')\n"
                                  "    exec(told['code'], told['globals_dict'])\n"
                                  "    space.clear()\n"
                                  "    space.update(told['globals_dict'])\n"
                                  "    space['__codejail__'] = True\n"
                                  "jailed_code(globals())\n";
static const char end_mark[] = "\"__codejail__\": true}"; /* of the variables that come back then */

struct codejail {
    struct bj_exchange *exchange;
    struct bj_job *job;
    const char *globals; /* in the exchange's body: what comes back when the code fails */
    size_t globals_length;
};

/* ---- answers --------------------------------------------------------------------------------------- */

json_t *bj__codejail_tell(const struct bj_refusal *refusal, unsigned *status)
{
    json_t *problem = json_object();
    bool unready = refusal->kind == BJ_REFUSAL_NOT_READY;
    *status = unready ? 500 : bj__compat_status(*status);
    bj__compat_put(
        problem, "error",
        json_string(unready ? "Codejail service is not correctly configured" : refusal->error.message));
    return problem;
}

static void answer_error(struct bj_exchange *exchange, const char *text)
{
    json_t *answer = json_object();
    bj__compat_put(answer, "error", json_string(text));
    bj__api_answer_json(exchange, 400, answer);
}

/* emsg NULL: it went well. */
static void answer_globals(struct bj_exchange *exchange, const char *globals, size_t length, const char *emsg)
{
    BJ_BUF struct bj_buf text;
    bj__buf_init(&text, BJ_BODY_MAX);
    int r = bj__buf_printf(&text, "{\"globals_dict\": ");
    if (r == 0)
        r = bj__buf_add(&text, globals, length);
    if (r == 0 && emsg) {
        BJ_JSON json_t *shown = json_string(emsg);
        BJ_FREE char *dumped = shown ? bj__json_dump(shown, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
        r = dumped ? bj__buf_printf(&text, ", \"emsg\": %s", dumped) : -ENOMEM;
    }
    if (r == 0)
        r = bj__buf_printf(&text, "}");
    size_t whole = text.length;
    bj__answer_text(exchange, 200, "application/json", r == 0 ? bj__buf_take(&text) : NULL, whole);
}

/* ---- out ------------------------------------------------------------------------------------------- */

static int status_code(const struct bj_outcome *outcome)
{
    if (outcome->status == BJ_STATUS_JAIL_ERROR)
        return -9;
    if (outcome->status == BJ_STATUS_TIME_LIMIT)
        return outcome->limit && strcmp(outcome->limit, "cpu") == 0 ? -24 : -9; /* SIGXCPU, SIGKILL */
    if (outcome->signal > 0)
        return -outcome->signal;
    if (outcome->status == BJ_STATUS_EXCEPTION)
        return 1;
    return outcome->exit_code >= 0 ? outcome->exit_code : -9;
}

/* What the code printed is nobody's, as ever: safe_exec gives it a stdout that keeps nothing. */
static int describe_failure(const struct bj_outcome *outcome, struct bj_buf *text)
{
    BJ_BUF struct bj_buf errors;
    bj__buf_init(&errors, BJ_BODY_MAX);
    int r = bj__buf_add(&errors, outcome->output[BJ_STDERR] ? outcome->output[BJ_STDERR] : "",
                        outcome->output_length[BJ_STDERR]);
    if (r == 0)
        r = bj__compat_add_traceback(outcome, &errors);
    if (r == 0)
        r = bj__buf_printf(text, "Couldn't execute jailed code: stdout: b'', stderr: ");
    if (r == 0)
        r = bj__payload_show_bytes(text, errors.bytes, errors.length);
    return r < 0 ? r : bj__buf_printf(text, " with status code: %d", status_code(outcome));
}

/* Without the mark. False: there is none. */
static bool answer_success(struct bj_exchange *exchange, const char *globals)
{
    size_t length = globals ? strlen(globals) : 0;
    BJ_BUF struct bj_buf text;
    bj__buf_init(&text, BJ_BODY_MAX);
    if (length < sizeof(end_mark) - 1 || strcmp(globals + length - (sizeof(end_mark) - 1), end_mark) != 0)
        return false;
    length -= sizeof(end_mark) - 1;
    if (length >= 2 && memcmp(globals + length - 2, ", ", 2) == 0)
        length -= 2;
    int r = bj__buf_add(&text, globals, length);
    if (r == 0)
        r = bj__buf_printf(&text, "}");
    if (r == 0)
        answer_globals(exchange, (const char *)text.bytes, text.length, NULL);
    return r == 0;
}

static void on_done(void *user, struct bj_message *message, const struct bj_outcome *outcome)
{
    struct codejail *run = user;
    struct bj_exchange *exchange = run->exchange;
    BJ_BUF struct bj_buf emsg;
    (void)message;
    exchange->gone = NULL;
    bj__buf_init(&emsg, BJ_BODY_MAX);
    if (outcome->status == BJ_STATUS_OK && answer_success(exchange, outcome->globals)) {
        free(run);
        return;
    }
    if (status_code(outcome) == 0) /* it ended by itself */
        answer_globals(exchange, run->globals, run->globals_length,
                       "Sandboxed code produced corrupted stdout.");
    else if (outcome->status == BJ_STATUS_JAIL_ERROR || describe_failure(outcome, &emsg) < 0)
        answer_globals(exchange, run->globals, run->globals_length,
                       "Couldn't execute sandboxed code: See logs.");
    else
        answer_globals(exchange, run->globals, run->globals_length, (const char *)emsg.bytes);
    free(run);
}

static void on_refused(void *user, const struct bj_refusal *refusal)
{
    struct codejail *run = user;
    run->exchange->gone = NULL;
    bj__answer_refusal(run->exchange, refusal);
    free(run);
}

static void on_gone(struct bj_exchange *exchange)
{
    struct codejail *run = exchange->own;
    bj__job_cancel(run->job);
    free(run);
}

static const struct bj_job_events events = {.done = on_done, .refused = on_refused};

/* ---- in -------------------------------------------------------------------------------------------- */

/* "codejail-CONTEXT" if there is one, in small letters and with '-' for what names do not have; "codejail"; "python"; the service's
 * own. */
static const char *choose_profile(const struct bj_exchange *exchange, const json_t *context)
{
    static const char *const usual[] = {"codejail", "python"};
    const struct bj_profile_known *profile = NULL;
    char name[64];
    const char *text = context ? json_string_value(context) : NULL;
    if (text && strlen(text) <= sizeof(name) - sizeof("codejail-")) {
        (void)snprintf(name, sizeof(name), "codejail-%s", text); /* it fits */
        for (char *c = name; *c; c++) {
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c - 'A' + 'a');
            if (!(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9'))
                *c = '-';
        }
        profile = bj__compat_profile(exchange, name);
    }
    for (size_t n = 0; !profile && n < BJ_COUNT(usual); n++)
        profile = bj__compat_profile(exchange, usual[n]);
    return profile ? profile->name : exchange->service->config->default_profile;
}

static int add_library(struct bj_spec *spec, const struct bj_form_field *library)
{
    struct bj_file *file = bj__spec_new_file(spec);
    if (!file || bj__copy_text(&spec->arena, LIBRARY, &file->path) < 0)
        return -ENOMEM;
    file->bytes = library->bytes; /* in the exchange's body, which is there until the request was sent */
    file->length = library->length;
    return 0;
}

static int tell_code(const struct bj_payload *payload, struct bj_spec *spec)
{
    BJ_BUF struct bj_buf text;
    BJ_FREE char *code = bj__json_dump(payload->code, JSON_ENCODE_ANY);
    bj__buf_init(&text, BJ_BODY_MAX);
    static const char begin[] = "{\"__codejail__\": {\"code\": ";
    static const char middle[] = ", \"globals_dict\": ";
    int r = code ? bj__buf_add(&text, begin, sizeof(begin) - 1) : -ENOMEM;
    if (r == 0)
        r = bj__buf_add(&text, code, strlen(code));
    if (r == 0)
        r = bj__buf_add(&text, middle, sizeof(middle) - 1);
    if (r == 0)
        r = bj__buf_add(&text, payload->globals, payload->globals_length);
    if (r == 0)
        r = bj__buf_add(&text, "}}", 2);
    return r < 0 ? r : bj__copy_text(&spec->arena, (const char *)text.bytes, &spec->globals);
}

static int make_request(const struct bj_payload *payload, const struct bj_form_field *library,
                        const char *profile, struct bj_request *request)
{
    struct bj_spec *spec = request->spec = bj__spec_new_empty();
    if (!spec)
        return -ENOMEM;
    request->keys = 1u << BJ_KEY_PROFILE | 1u << BJ_KEY_CODE | 1u << BJ_KEY_GLOBALS;
    int r = tell_code(payload, spec);
    if (r == 0)
        r = bj__copy_text(&spec->arena, jailed_code, &spec->code);
    if (r == 0)
        r = bj__copy_text(&spec->arena, profile, &spec->profile);
    if (r == 0 && json_array_size(payload->python_path) > 0) {
        request->keys |= 1u << BJ_KEY_PYTHON_PATH;
        r = bj__strings_add(&spec->arena, &spec->python_path, LIBRARY);
    }
    if (r == 0 && library) {
        request->keys |= 1u << BJ_KEY_FILES;
        r = add_library(spec, library);
    }
    return r;
}

static void start(struct bj_exchange *exchange, const struct bj_payload *payload,
                  const struct bj_form_field *library)
{
    struct bj_request request = {0};
    struct bj_refusal refusal;
    const char *profile = choose_profile(exchange, payload->context);
    struct codejail *run = calloc(1, sizeof(*run));
    struct bj_job_order order = {.request = &request, .events = &events, .user = run};
    if (!profile) {
        (void)bj__refuse(&refusal, BJ_REFUSAL_NOT_READY, "no profile is served for it");
        bj__answer_refusal(exchange, &refusal);
    } else if (!run || make_request(payload, library, profile, &request) < 0) {
        (void)bj__refuse(&refusal, BJ_REFUSAL_BUFFERS, "there is no memory for it now");
        bj__answer_refusal(exchange, &refusal);
    } else {
        *run = (struct codejail){exchange, NULL, payload->globals, payload->globals_length};
        if (bj__compat_start(exchange, &order, &run->job)) {
            exchange->own = run;
            exchange->gone = on_gone;
            run = NULL;
        }
    }
    free(run);
    bj__request_done(&request);
}

static const char *refuse_files(const struct bj_form *form)
{
    for (size_t n = 0; n < form->count; n++)
        if (form->fields[n].is_file && strcmp(form->fields[n].name, LIBRARY) != 0)
            return "Only allowed name for uploaded file is 'python_lib.zip'";
    return NULL;
}

/* In that service's order. NULL: nothing is wrong. */
static const char *refuse(const struct bj_form *form, const struct bj_payload *payload)
{
    for (size_t n = 0; n < json_array_size(payload->python_path); n++) {
        const json_t *path = json_array_get(payload->python_path, n);
        if (json_string_length(path) != sizeof(LIBRARY) - 1 || strcmp(json_string_value(path), LIBRARY) != 0)
            return "Only allowed entry in 'python_path' is 'python_lib.zip'";
    }
    const char *why = refuse_files(form);
    if (!why && json_is_true(payload->unsafely))
        why = "Refusing codejail execution with unsafely=true";
    return why;
}

static void serve(struct bj_exchange *exchange, const struct bj_form *form)
{
    const struct bj_form_field *field = bj__form_find(form, "payload");
    const struct bj_form_field *library = bj__form_find(form, LIBRARY);
    BJ_PAYLOAD struct bj_payload payload = {0};
    BJ_BUF struct bj_buf message;
    bj__buf_init(&message, BJ_FIELD_SIZE + 1024);
    if (!field || field->is_file) {
        answer_error(exchange, "Missing 'payload' parameter in POST body");
        return;
    }
    if (bj__payload_read(field->bytes, field->length, &payload, &message) < 0) {
        answer_error(exchange, message.length ? (const char *)message.bytes : "Unable to parse payload JSON");
        return;
    }
    const char *why = refuse(form, &payload);
    if (why)
        answer_error(exchange, why);
    else
        start(exchange, &payload, library && library->is_file ? library : NULL);
}

void bj__codejail_exec(struct bj_exchange *exchange)
{
    struct bj_error error = {0};
    char text[512];
    struct bj_buf *body = &exchange->body;
    char nothing[] = "";
    char *bytes = body->bytes ? (char *)body->bytes : nothing;
    BJ_FREE struct bj_form *form = calloc(1, sizeof(*form));
    int r = -ENOMEM;
    if (form && exchange->form == BJ_BODY_MULTIPART)
        r = bj__form_multipart(bj__exchange_header(exchange, "Content-Type"), bytes, body->length, form,
                               &error);
    else if (form)
        r = bj__form_urlencoded(bytes, body->length, form, &error);
    if (r == 0) {
        serve(exchange, form);
        return;
    }
    (void)snprintf(text, sizeof(text), "Form parse error - %.400s", error.message); /* cut to fit */
    answer_error(exchange, text);
}

void bj__codejail_health(struct bj_exchange *exchange)
{
    bool ready = exchange->service->ready && !exchange->service->draining;
    json_t *answer = json_object();
    bj__compat_put(answer, "status", json_string(ready ? "OK" : "UNAVAILABLE"));
    bj__api_answer_json(exchange, ready ? 200 : 503, answer);
}
