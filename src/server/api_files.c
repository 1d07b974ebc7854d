/* Files of a session over HTTP.
 * Its own file because only here a path comes from a client as part of an address.
 * Changes when: files of a session are listed, read or written in another way. */
#include "server/api.h"
#include "server/sessions.h"
#include "spec/base64.h"
#include "spec/build.h"

#include <stdio.h>

#define PATH_SIZE 2048 /* with each character quoted it must fit into an ask for files */

static void put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) < 0)
        (void)json_object_clear(object);
}

static void on_gone(struct bj_exchange *exchange)
{
    bj__session_ask_leave(exchange->own);
}

static struct bj_session_known *find_session(struct bj_exchange *exchange, struct bj_refusal *refusal)
{
    char id[40];
    struct bj_session_known *session = NULL;
    if (bj__path_decode(&exchange->parts[0], id, sizeof(id)) == 0)
        session = bj__sessions_find(exchange->service, exchange->client, id);
    if (!session)
        (void)bj__refuse(refusal, BJ_REFUSAL_NOT_FOUND, "there is no such session");
    return session;
}

/* The path below /box, as a request's files and patterns have it. */
static bool read_path(const struct bj_exchange *exchange, char path[PATH_SIZE], struct bj_refusal *refusal)
{
    struct bj_error error = {0};
    if (bj__path_decode(&exchange->parts[1], path, PATH_SIZE) < 0)
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "the path of the file cannot be read");
    return bj__spec_check_path("path", path, &error) == 0 || bj__refuse_error(refusal, &error);
}

/* ---- out ------------------------------------------------------------------------------------------ */

static void on_listed(void *user, const struct bj_refusal *refusal, uint64_t number, struct bj_message *message)
{
    struct bj_exchange *exchange = user;
    struct bj_outcome_file file;
    (void)number;
    exchange->gone = NULL;
    if (refusal) {
        bj__answer_refusal(exchange, refusal);
        return;
    }
    json_t *list = json_array();
    for (size_t n = 0; bj__outcome_file(message, n, &file) == 0; n++) {
        json_t *item = json_object();
        put(item, "path", json_string(file.path));
        if (file.bytes)
            put(item, "bytes", json_integer((json_int_t)file.length));
        else
            put(item, "error", json_string(file.why));
        if (json_array_append_new(list, item) < 0)
            break;
    }
    json_t *answer = json_object();
    put(answer, "files", list);
    bj__api_answer_json(exchange, 200, answer);
}

static void on_fetched(void *user, const struct bj_refusal *refusal, uint64_t number,
                       struct bj_message *message)
{
    struct bj_exchange *exchange = user;
    struct bj_outcome_file file;
    struct bj_refusal missing;
    (void)number;
    exchange->gone = NULL;
    if (!refusal && (bj__outcome_file(message, 0, &file) < 0 || !file.bytes)) {
        (void)bj__refuse(&missing, BJ_REFUSAL_NOT_FOUND, "there is no such file");
        refusal = &missing;
    }
    if (refusal)
        bj__answer_refusal(exchange, refusal);
    else
        bj__answer_message(exchange, "application/octet-stream", message, file.bytes, file.length);
}

/* A name in which '*' and the like stand for themselves. */
static bool quote_pattern(const char *path, char *pattern, size_t size)
{
    size_t length = 0;
    for (; *path; path++) {
        if (strchr("*?[]\\", *path) && length + 1 < size)
            pattern[length++] = '\\';
        if (length + 1 >= size)
            return false;
        pattern[length++] = *path;
    }
    pattern[length] = 0;
    return true;
}

static bool ask_for(struct bj_exchange *exchange, const char *const *patterns, bj_session_fn done,
                    struct bj_refusal *refusal)
{
    const struct bj_session_known *session = find_session(exchange, refusal);
    struct bj_request request = {.keys = 1u << BJ_KEY_COLLECT};
    struct bj_session_ask *ask;
    if (!session || !bj__job_admit(exchange->service, exchange->client, refusal))
        return false;
    request.spec = bj__spec_new_empty();
    int r = request.spec ? 0 : -ENOMEM;
    for (; r == 0 && *patterns; patterns++)
        r = bj__strings_add(&request.spec->arena, &request.spec->collect, *patterns);
    if (r < 0)
        (void)bj__refuse(refusal, BJ_REFUSAL_BUFFERS, "there is no memory for it now");
    bool asked = r == 0 && bj__sessions_files(exchange->service, session, &request, &ask, refusal);
    bj__request_done(&request);
    if (!asked)
        return false;
    bj__session_ask_then(ask, done, exchange);
    exchange->own = ask;
    exchange->gone = on_gone;
    return true;
}

void bj__api_session_files(struct bj_exchange *exchange)
{
    static const char *const all[] = {"*", "*/*", "*/*/*", "*/*/*/*", NULL};
    struct bj_refusal refusal;
    if (!ask_for(exchange, all, on_listed, &refusal))
        bj__answer_refusal(exchange, &refusal);
}

void bj__api_session_file(struct bj_exchange *exchange)
{
    char path[PATH_SIZE];
    char pattern[2 * PATH_SIZE];
    const char *const patterns[] = {pattern, NULL};
    struct bj_refusal refusal;
    bool well = read_path(exchange, path, &refusal);
    if (well && !quote_pattern(path, pattern, sizeof(pattern)))
        well = bj__refuse(&refusal, BJ_REFUSAL_INVALID, "the path is too long");
    if (!well || !ask_for(exchange, patterns, on_fetched, &refusal))
        bj__answer_refusal(exchange, &refusal);
}

/* ---- in ------------------------------------------------------------------------------------------- */

static void on_put(void *user, struct bj_message *message, const struct bj_outcome *outcome)
{
    struct bj_exchange *exchange = user;
    struct bj_refusal refusal;
    (void)message;
    exchange->gone = NULL;
    if (outcome->status == BJ_STATUS_OK) {
        bj__answer_empty(exchange, 204);
        return;
    }
    (void)bj__refuse(&refusal, BJ_REFUSAL_UNAVAILABLE, "the file could not be put there: %s",
                     outcome->error ? outcome->error : bj_status_name(outcome->status));
    bj__answer_refusal(exchange, &refusal);
}

static void on_put_refused(void *user, const struct bj_refusal *refusal)
{
    struct bj_exchange *exchange = user;
    exchange->gone = NULL;
    bj__answer_refusal(exchange, refusal);
}

static const struct bj_job_events put_events = {.done = on_put, .refused = on_put_refused};

static void on_put_gone(struct bj_exchange *exchange)
{
    bj__job_cancel(exchange->own);
}

/* A run of nothing that brings the file along: who writes into /box is the guest's own user, within its limits. */
static bool start_put(struct bj_exchange *exchange, const struct bj_session_known *session, const char *path,
                      struct bj_refusal *refusal)
{
    struct bj_request request = {.keys = 1u << BJ_KEY_CODE | 1u << BJ_KEY_FILES, .spec = bj__spec_new_empty()};
    struct bj_job_order order = {.client = exchange->client,
                                 .request = &request,
                                 .parts = true,
                                 .session = session->number,
                                 .branch = 1,
                                 .via = exchange->route->what,
                                 .events = &put_events,
                                 .user = exchange};
    struct bj_job *job = NULL;
    struct bj_file *file = request.spec ? bj__spec_new_file(request.spec) : NULL;
    bool started = false;
    if (file && bj__copy_text(&request.spec->arena, path, &file->path) == 0 &&
        bj__copy_text(&request.spec->arena, "", &request.spec->code) == 0 &&
        bj__copy_text(&request.spec->arena, session->profile, &request.spec->profile) == 0) {
        file->bytes = exchange->body.bytes ? exchange->body.bytes : (const unsigned char *)"";
        file->length = exchange->body.length;
        started = bj__job_start(exchange->service, &order, &job, refusal);
    } else {
        (void)bj__refuse(refusal, BJ_REFUSAL_BUFFERS, "there is no memory for it now");
    }
    bj__request_done(&request);
    if (started) {
        exchange->own = job;
        exchange->gone = on_put_gone;
    }
    return started;
}

void bj__api_session_put(struct bj_exchange *exchange)
{
    char path[PATH_SIZE];
    struct bj_refusal refusal;
    const struct bj_session_known *session = find_session(exchange, &refusal);
    if (!session || !read_path(exchange, path, &refusal) || !start_put(exchange, session, path, &refusal))
        bj__answer_refusal(exchange, &refusal);
}
