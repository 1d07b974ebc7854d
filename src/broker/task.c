/* Runs: from what was asked to what came of it.
 * Its own file because this is the one path from a stranger's request to a jail.
 * Changes when: a run is started or told of in another way. */
#include "broker/broker.h"
#include "broker/outcome.h"
#include "spec/spec_wire.h"
#include "supervise/result.h"
#include "supervise/run.h"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- what is asked -------------------------------------------------------------------------------- */

struct bj_stock *bj__task_stock(struct bj_broker *broker, const struct bj_asked *asked, struct bj_error *err)
{
    const struct bj_tlv *request = &asked->records[BJ_FIELD_REQUEST];
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    const char *name = NULL;
    bj__tlv_start(&reader, request->bytes, request->length);
    while (!name && bj__tlv_next(&reader, &record) > 0)
        if (record.tag == BJ_REQUEST_PROFILE && bj__tlv_text(&record, &name) < 0)
            break;
    struct bj_stock *stock = name ? bj__broker_stock(broker, name) : NULL;
    if (!stock)
        (void)bj__error(err, BJ_ERROR_NOT_FOUND, ENOENT, "profile", "\"%.80s\" is not served here",
                        name ? name : "");
    return stock;
}

static int narrow(struct bj_request *request, const struct bj_spec *base, bool for_session,
                  struct bj_spec **ret_spec, struct bj_error *err)
{
    const struct bj_spec *asked = request->spec;
    if (for_session && (asked->command.count > 0 || asked->code || asked->expression))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, asked->code ? "code" : "expression",
                         "a session is made before it is known what runs in it; run that in the session");
    int r = bj__spec_tighten(base, request, ret_spec, err);
    if (r == 0 && !for_session)
        r = bj__spec_check_snippet(*ret_spec, err);
    return r;
}

int bj__task_spec(const struct bj_asked *asked, const struct bj_spec *base, bool for_session,
                  struct bj_spec **ret_spec, struct bj_error *err)
{
    const struct bj_tlv *record = &asked->records[BJ_FIELD_REQUEST];
    struct bj_request request = {0};
    struct bj_spec *spec = NULL;
    int r = bj__request_decode(record->bytes, record->length, &request, err);
    if (r == 0)
        r = narrow(&request, base, for_session, &spec, err);
    bj__request_done(&request);
    if (r < 0)
        bj_spec_free(spec);
    else
        *ret_spec = spec;
    return r;
}

/* ---- start ---------------------------------------------------------------------------------------- */

/* What a parked jail's program reads comes from outside of its spec. */
static int take_stdin(struct bj_spec *spec, const struct bj_spec *parked, int *ret_fd)
{
    if (spec->stdin_bytes == parked->stdin_bytes || spec->stdin_length == 0)
        return 0;
    BJ_FD int fd = memfd_create("belljar-stdin", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    const unsigned char *bytes = spec->stdin_bytes;
    for (size_t written = 0; written < spec->stdin_length;) {
        ssize_t n = pwrite(fd, bytes + written, spec->stdin_length - written, (off_t)written);
        if (n < 0 && errno != EINTR)
            return -errno;
        written += n > 0 ? (size_t)n : 0;
    }
    spec->stdin_bytes = parked->stdin_bytes;
    spec->stdin_length = parked->stdin_length;
    *ret_fd = bj__fd_take(&fd);
    return 0;
}

/* Parked jails have no place any more where a program could be put. */
static bool brings_program(const struct bj_spec *spec)
{
    for (size_t n = 0; n < spec->file_count; n++)
        if (spec->files[n].executable && !spec->scratch_executable)
            return true;
    return false;
}

static bool fits_parked(const struct bj_stock *stock, const struct bj_spec *spec)
{
    struct bj_spec compared = *spec;
    if (!bj__stock_has_jails(stock) || spec->command.count > 0 || brings_program(spec))
        return false;
    compared.stdin_bytes = stock->parked->stdin_bytes; /* that one is moved */
    compared.stdin_length = stock->parked->stdin_length;
    return bj__pool_misfit(stock->pool->pool, &compared) == NULL;
}

static int start_parked(struct bj_task *task, struct bj_spec *spec, struct bj_error *err)
{
    int r = take_stdin(spec, task->stock->parked, &task->stdin_fd);
    if (r < 0)
        return bj__error_system(err, -r, "stdin", "cannot keep it");
    task->pool = task->stock->pool;
    task->pool->users++;
    r = bj_pool_start_stdin(task->pool->pool, spec, task->stdin_fd, &task->run, err);
    task->stock->parked_runs += r == 0;
    return r;
}

static int start_other(struct bj_task *task, const struct bj_spec *spec, struct bj_error *err)
{
    int r = bj_plan_new(spec, &task->plan, err);
    task->stock->other_runs++;
    return r < 0 ? r : bj_run_start(task->plan, &task->run, err);
}

static int start_in_session(struct bj_task *task, const struct bj_asked *asked, struct bj_spec *spec,
                            struct bj_error *err)
{
    uint64_t branch;
    if (bj__asked_number(asked, BJ_FIELD_BRANCH, UINT32_MAX, 1, &branch) < 0)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "branch", "is no number of a branch");
    int r = take_stdin(spec, task->session->spec, &task->stdin_fd);
    if (r < 0)
        return bj__error_system(err, -r, "stdin", "cannot keep it");
    return bj_session_start_stdin(task->session->session, (unsigned)branch, spec, task->stdin_fd, &task->run,
                                  err);
}

/* ---- what comes of it ----------------------------------------------------------------------------- */

static void tell_output(void *user, enum bj_stream stream, const void *bytes, size_t length)
{
    const struct bj_task *task = user;
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, BJ_BODY_MAX);
    if (bj__tlv_add_number(&body, BJ_FIELD_STREAM, (uint64_t)stream) < 0 ||
        bj__tlv_add(&body, BJ_FIELD_BYTES, bytes, length) < 0)
        task->peer->broken = true;
    bj__peer_tell(task->peer, BJ_TOLD_OUTPUT, task->id, &body);
}

static void tell_started(const struct bj_task *task)
{
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, 64);
    if (bj__tlv_add_number(&body, BJ_FIELD_PID, (uint64_t)bj_run_pid(task->run)) < 0)
        task->peer->broken = true;
    bj__peer_tell(task->peer, BJ_TOLD_STARTED, task->id, &body);
}

static void count(struct bj_stock *stock, const struct bj_result *result)
{
    stock->ended[bj_result_status(result)]++;
    for (size_t n = 0; n < result->denial_count; n++)
        stock->denials += result->denials[n].count;
    stock->denials += result->denials_unnamed;
}

static void tell_result(struct bj_broker *broker, const struct bj_task *task)
{
    struct bj_error error = {0};
    struct bj_result *result = NULL;
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, BJ_BODY_MAX);
    int r = bj_run_result(task->run, &result, &error);
    if (r == 0 && (r = bj__outcome_encode(result, task->parts, &body)) < 0)
        (void)bj__error(&error, BJ_ERROR_SYSTEM, -r, "", "the result is larger than can be told");
    if (result)
        count(task->stock, result);
    bj_result_free(result);
    if (r < 0)
        bj__peer_refuse(broker, task->peer, task->id, &error);
    else
        bj__peer_tell(task->peer, BJ_TOLD_RESULT, task->id, &body);
}

void bj__task_free(struct bj_broker *broker, struct bj_task *task)
{
    bool parked = task->run && task->pool && !task->plan;
    if (parked) {
        bj__leave(broker, task->run, task->pool);
    } else {
        bj_run_free(task->run);
        bj__shared_pool_leave(task->pool);
    }
    bj_plan_free(task->plan);
    bj__fd_close(&task->stdin_fd);
    broker->tasks[task->index] = NULL;
    broker->tasks_running--;
    free(task);
}

void bj__task_event(struct bj_broker *broker, struct bj_task *task)
{
    struct bj_error error = {0};
    int r = bj_run_step(task->run, 0, &error);
    if (r == 0)
        return;
    if (r < 0)
        bj__peer_refuse(broker, task->peer, task->id, &error); /* what came of it is not known */
    else
        tell_result(broker, task);
    bj__task_free(broker, task);
}

/* ---- handlers ------------------------------------------------------------------------------------- */

static struct bj_task *find(const struct bj_broker *broker, const struct bj_peer *peer, uint32_t id)
{
    for (unsigned n = 0; n < BJ_BROKER_TASKS; n++)
        if (broker->tasks[n] && broker->tasks[n]->peer == peer && broker->tasks[n]->id == id)
            return broker->tasks[n];
    return NULL;
}

static struct bj_task *new_task(struct bj_broker *broker, struct bj_peer *peer, uint32_t id)
{
    unsigned index = 0;
    while (index < BJ_BROKER_TASKS && broker->tasks[index])
        index++;
    struct bj_task *task = index < BJ_BROKER_TASKS ? calloc(1, sizeof(*task)) : NULL;
    if (!task)
        return NULL;
    task->index = index;
    task->key = bj__broker_key(broker, BJ_EVENT_TASK, index);
    task->peer = peer;
    task->id = id;
    task->stdin_fd = -1;
    task->start_us = bj__now_us();
    broker->tasks[index] = task;
    broker->tasks_running++;
    return task;
}

static int may_start(const struct bj_broker *broker, struct bj_error *err)
{
    if (!broker->ready)
        return bj__error(err, BJ_ERROR_STATE, EPERM, "", "nothing runs here: %s", broker->unready);
    if (broker->draining)
        return bj__error(err, BJ_ERROR_STATE, ESHUTDOWN, "", "the service ends");
    if (broker->tasks_running >= broker->capacity)
        return bj__error(err, BJ_ERROR_STATE, EAGAIN, "", "%u runs at once are as many as there may be",
                         broker->capacity);
    return 0;
}

/* A parked jail may have died, and its zygote too: nothing of the request has run then, and a jail of its own is as good. */
static int start_alone(struct bj_broker *broker, struct bj_task *task, struct bj_spec *spec,
                       struct bj_error *err)
{
    const struct bj_spec asked = *spec;
    if (!fits_parked(task->stock, spec))
        return start_other(task, spec, err);
    int r = start_parked(task, spec, err);
    if (r >= 0 || !err || err->code == BJ_ERROR_INVALID)
        return r;
    bj__log_say(&broker->log, BJ_LOG_WARNING, "parked_failed", "%s: %s", task->stock->name, err->message);
    spec->stdin_bytes = asked.stdin_bytes;
    spec->stdin_length = asked.stdin_length;
    return start_other(task, spec, err);
}

static int start(struct bj_broker *broker, struct bj_task *task, const struct bj_asked *asked,
                 struct bj_error *err)
{
    BJ_CLEANUP(bj__spec_free_pointer) struct bj_spec *spec = NULL;
    task->stock = task->session ? task->session->stock : bj__task_stock(broker, asked, err);
    if (!task->stock)
        return -ENOENT;
    int r = bj__task_spec(asked, task->session ? task->session->spec : task->stock->spec, false, &spec, err);
    if (r < 0 || !spec)
        return r < 0 ? r : -EINVAL;
    spec->merged = task->merged;
    r = task->session ? start_in_session(task, asked, spec, err) : start_alone(broker, task, spec, err);
    if (r == 0 && (r = bj__broker_watch(broker, bj_run_fd(task->run), EPOLLIN, task->key)) < 0)
        return bj__error_system(err, -r, "", "cannot watch the run");
    return r;
}

/* What stands beside the request. */
struct wishes {
    uint64_t stream, parts, session;
};

static int read_wishes(const struct bj_asked *asked, struct wishes *ret_wishes)
{
    int r = asked->have[BJ_FIELD_REQUEST] ? 0 : -EBADMSG;
    if (r == 0)
        r = bj__asked_number(asked, BJ_FIELD_STREAM, 2, 0, &ret_wishes->stream);
    if (r == 0)
        r = bj__asked_number(asked, BJ_FIELD_PARTS, 1, 0, &ret_wishes->parts);
    return r < 0 ? r : bj__asked_number(asked, BJ_FIELD_SESSION, UINT32_MAX, 0, &ret_wishes->session);
}

static int start_new(struct bj_broker *broker, struct bj_task *task, const struct bj_asked *asked,
                     const struct wishes *wishes, struct bj_error *err)
{
    task->stream = wishes->stream > 0;
    task->merged = wishes->stream == 2;
    task->parts = wishes->parts;
    if (wishes->session > 0 && !(task->session = bj__session_find(broker, task->peer, wishes->session)))
        return bj__error(err, BJ_ERROR_NOT_FOUND, ENOENT, "session", "there is no such session");
    int r = start(broker, task, asked, err);
    if (r == 0 && task->stream) {
        tell_started(task);
        bj_run_on_output(task->run, tell_output, task);
    }
    return r;
}

int bj__task_run(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message)
{
    struct bj_error error = {0};
    struct bj_asked asked;
    struct wishes wishes = {0};
    struct bj_task *task = NULL;
    if (bj__asked_read(message, &asked) < 0 || read_wishes(&asked, &wishes) < 0 ||
        find(broker, peer, message->id))
        return -EBADMSG;
    int r = may_start(broker, &error);
    if (r == 0) {
        task = new_task(broker, peer, message->id);
        r = task ? start_new(broker, task, &asked, &wishes, &error) : bj__error_memory(&error);
    }
    if (r < 0)
        bj__peer_refuse(broker, peer, message->id, &error);
    if (r < 0 && task)
        bj__task_free(broker, task);
    return 0;
}

int bj__task_cancel(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message)
{
    struct bj_task *task = find(broker, peer, message->id);
    if (task) /* it may have ended a moment ago */
        bj_run_kill(task->run);
    return 0;
}
