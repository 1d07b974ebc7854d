/* Requests and results as JSON, each behind its length: a listener of the kind "json".
 * Its own file because what is said there is a promise of its own: belljard(8), FRAMES OF JSON.
 * Changes when: that does. */
#include "server/lines.h"
#include "server/read_request.h"
#include "spec/json_text.h"

static const char no_memory[] = "{\"error\":{\"title\":\"Too much is held in memory\",\"status\":503}}";

static bool say_frame(struct bj_line *line, const void *json, size_t length)
{
    struct bj_service *service = line->lines->service;
    unsigned char head[BJ_FRAME_HEAD];
    /* Asked for as a whole: an answer is not begun that cannot be ended. */
    if (!bj__service_hold(service, sizeof(head) + length))
        return false;
    bj__service_release(service, sizeof(head) + length);
    bj__frame_write_head(head, (uint32_t)length);
    if (bj__line_say(line, head, sizeof(head), SIZE_MAX) < 0 || bj__line_say(line, json, length, SIZE_MAX) < 0)
        bj__line_drop(line);
    bj__line_answered(line);
    return true;
}

static void refused(struct bj_line *line, const struct bj_refusal *refusal)
{
    json_t *root = json_object();
    json_t *problem = bj__refusal_problem(refusal);
    uint64_t seconds = bj__refusal_retry_seconds(refusal);
    line->job = NULL;
    if (seconds > 0)
        (void)json_object_set_new(problem, "retry_seconds", json_integer((json_int_t)seconds));
    (void)json_object_set_new(root, "error", problem);
    BJ_FREE char *text = bj__json_dump(root, JSON_COMPACT);
    json_decref(root);
    if (!say_frame(line, text ? text : no_memory, text ? strlen(text) : sizeof(no_memory) - 1))
        bj__line_drop(line);
}

static void on_refused(void *user, const struct bj_refusal *refusal)
{
    refused(user, refusal);
}

static void on_done(void *user, struct bj_message *message, const struct bj_outcome *outcome)
{
    struct bj_line *line = user;
    struct bj_refusal refusal;
    (void)message;
    line->job = NULL;
    if (say_frame(line, outcome->json, outcome->json_length))
        return;
    (void)bj__refuse(&refusal, BJ_REFUSAL_BUFFERS, "too many answers are waiting to be read");
    refused(line, &refusal);
}

static const struct bj_job_events events = {.done = on_done, .refused = on_refused};

static bool start(struct bj_line *line, struct bj_refusal *refusal)
{
    struct bj_service *service = line->lines->service;
    struct bj_client *client = bj__clients_anonymous(&service->clients);
    struct bj_request request = {0};
    struct bj_job_order order = {.client = client,
                                 .request = &request,
                                 .admitted = true,
                                 .via = "json",
                                 .events = &events,
                                 .user = line};
    if (!bj__job_admit(service, client, refusal) || !bj__read_json(&line->frame.body, NULL, &request, refusal))
        return false;
    const char *name = request.spec->profile ? NULL : service->config->default_profile;
    bool well =
        bj__name_profile(&request, name, refusal) && bj__job_start(service, &order, &line->job, refusal);
    bj__request_done(&request);
    return well;
}

static void asked(struct bj_line *line)
{
    struct bj_refusal refusal;
    if (!start(line, &refusal))
        refused(line, &refusal);
}

const struct bj_line_kind bj__line_json = {
    .form = BJ_FRAME_LENGTH, .again = true, .asked = asked, .refused = refused};
