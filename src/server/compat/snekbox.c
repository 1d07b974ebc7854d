/* Runs for clients of snekbox: POST /eval.
 * Its own file because it is how a run of theirs goes, and how it is told.
 * Changes when: snekbox answers in another way. */
#include "server/compat/snekbox.h"
#include "base/utf8.h"
#include "server/api.h"
#include "server/compat/compat.h"
#include "spec/base64.h"
#include "spec/json_read.h"

#define FILES_MAX 100u /* that are handed out */

struct snekbox {
    struct bj_exchange *exchange;
    struct bj_job *job;
    struct bj_request request; /* kept: files that it brought are not told of, unless they changed */
    struct bj_buf output;      /* both streams as they came */
};

json_t *bj__snekbox_tell(const struct bj_refusal *refusal, unsigned *status)
{
    json_t *problem = json_object();
    bool media = refusal->kind == BJ_REFUSAL_MEDIA_TYPE;
    /* A title of the request's own stands in "field". */
    bool own = refusal->kind == BJ_REFUSAL_BAD_REQUEST && refusal->error.field[0];
    *status = bj__compat_status(*status);
    bj__compat_put(problem, "title",
                   json_string(media ? "415 Unsupported Media Type"
                               : own ? refusal->error.field
                                     : bj__refusal_title(refusal->kind)));
    if (refusal->error.message[0])
        bj__compat_put(problem, "description", json_string(refusal->error.message));
    return problem;
}

static void drop(struct snekbox *run)
{
    bj__request_done(&run->request);
    bj__buf_done(&run->output);
    free(run);
}

/* ---- out ------------------------------------------------------------------------------------------- */

/* As a shell has it. 143: more output than is kept. */
static int return_code(const struct bj_outcome *outcome)
{
    if (outcome->status == BJ_STATUS_JAIL_ERROR)
        return 255;
    if (outcome->status == BJ_STATUS_TIME_LIMIT || outcome->status == BJ_STATUS_MEMORY_LIMIT)
        return 137;
    if (outcome->status == BJ_STATUS_OUTPUT_LIMIT || outcome->truncated[BJ_STDOUT] ||
        outcome->truncated[BJ_STDERR])
        return 143;
    if (outcome->signal > 0)
        return 128 + outcome->signal;
    if (outcome->status == BJ_STATUS_EXCEPTION)
        return 1;
    return outcome->exit_code >= 0 ? outcome->exit_code : 137;
}

static bool is_told(const struct snekbox *run, const struct bj_outcome_file *file)
{
    const struct bj_spec *spec = run->request.spec;
    const char *name = strrchr(file->path, '/');
    name = name ? name + 1 : file->path;
    if (!file->bytes || name[0] == '_' || file->path[0] == '.' || strstr(file->path, "/."))
        return false;
    for (size_t n = 0; n < spec->file_count; n++)
        if (strcmp(spec->files[n].path, file->path) == 0)
            return spec->files[n].length != file->length ||
                   (file->length > 0 && memcmp(spec->files[n].bytes, file->bytes, file->length) != 0);
    return true;
}

static json_t *tell_file(const struct bj_outcome_file *file)
{
    json_t *item = json_object();
    BJ_FREE char *content = malloc(BJ_BASE64_ENCODED(file->length) + 1);
    if (content)
        bj__base64_encode(file->bytes, file->length, content);
    bj__compat_put(item, "path", json_string(file->path));
    bj__compat_put(item, "size", json_integer((json_int_t)file->length));
    bj__compat_put(item, "content", content ? json_string(content) : NULL);
    return item;
}

static json_t *tell_files(const struct snekbox *run, const struct bj_message *message)
{
    struct bj_outcome_file file;
    json_t *list = json_array();
    for (size_t n = 0; json_array_size(list) < FILES_MAX && bj__outcome_file(message, n, &file) == 0; n++)
        if (is_told(run, &file) && json_array_append_new(list, tell_file(&file)) < 0)
            break;
    return list;
}

static void on_output(void *user, enum bj_stream stream, const void *bytes, size_t length)
{
    struct snekbox *run = user;
    (void)stream;
    (void)bj__buf_add(&run->output, bytes, length);
}

static void on_done(void *user, struct bj_message *message, const struct bj_outcome *outcome)
{
    struct snekbox *run = user;
    struct bj_exchange *exchange = run->exchange;
    static const char no_text[] = "UnicodeDecodeError: invalid Unicode in output pipe";
    json_t *answer = json_object();
    exchange->gone = NULL;
    (void)bj__compat_add_traceback(outcome, &run->output); /* without one it is as well an answer */
    bool is_text = run->output.length == 0 || bj__utf8_valid(run->output.bytes, run->output.length);
    int code = return_code(outcome);
    if (is_text || code == 143) { /* which may have been cut in a character */
        bj__compat_put(answer, "stdout", bj__compat_text(run->output.bytes, run->output.length));
        bj__compat_put(answer, "returncode", json_integer(code));
        bj__compat_put(answer, "files", tell_files(run, message));
    } else {
        bj__compat_put(answer, "stdout", json_string(no_text));
        bj__compat_put(answer, "returncode", json_null());
        bj__compat_put(answer, "files", json_array());
    }
    bj__api_answer_json(exchange, 200, answer);
    drop(run);
}

static void on_refused(void *user, const struct bj_refusal *refusal)
{
    struct snekbox *run = user;
    run->exchange->gone = NULL;
    bj__answer_refusal(run->exchange, refusal);
    drop(run);
}

static void on_gone(struct bj_exchange *exchange)
{
    struct snekbox *run = exchange->own;
    bj__job_cancel(run->job);
    drop(run);
}

static const struct bj_job_events events = {.output = on_output, .done = on_done, .refused = on_refused};

/* ---- in -------------------------------------------------------------------------------------------- */

static const char *choose_profile(const struct bj_exchange *exchange)
{
    static const char *const usual[] = {"snekbox", "python"};
    for (size_t n = 0; n < BJ_COUNT(usual); n++)
        if (bj__compat_profile(exchange, usual[n]))
            return usual[n];
    return exchange->service->config->default_profile;
}

void bj__snekbox_eval(struct bj_exchange *exchange)
{
    struct bj_refusal refusal;
    const char *profile = choose_profile(exchange);
    struct snekbox *run = calloc(1, sizeof(*run));
    struct bj_job_order order = {.stream = true, .events = &events, .user = run};
    bool well = false;
    if (!run)
        (void)bj__refuse(&refusal, BJ_REFUSAL_BUFFERS, "there is no memory for it now");
    else if (!profile)
        (void)bj__refuse(&refusal, BJ_REFUSAL_NOT_READY, "no profile is served for it");
    else
        well = bj__snekbox_read(exchange, profile, &run->request, &refusal);
    if (!well) {
        bj__answer_refusal(exchange, &refusal);
        free(run);
        return;
    }
    run->exchange = exchange;
    bj__buf_init(&run->output, 3 * (size_t)BJ_MAX_OUTPUT);
    order.request = &run->request;
    if (bj__compat_start(exchange, &order, &run->job)) {
        exchange->own = run;
        exchange->gone = on_gone;
    } else {
        drop(run);
    }
}
