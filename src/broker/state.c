/* How the broker stands, for those who watch it.
 * Its own file because it reads everything and changes nothing.
 * Changes when: something more can be seen. */
#include "broker/broker.h"

#include <stdio.h>

static int add(struct bj_buf *body, uint64_t count, const char *name, const char *of)
{
    char text[128];
    (void)snprintf(text, sizeof(text), "%s%s%s", name, of ? "." : "", of ? of : "");
    int r = bj__tlv_add_text(body, BJ_FIELD_COUNTER, text);
    return r < 0 ? r : bj__tlv_add_number(body, BJ_FIELD_COUNT, count);
}

/* "runs.NAME.STATUS": a profile's name has no dot. */
static int add_stock(struct bj_buf *body, const struct bj_stock *stock)
{
    char name[128];
    int r = add(body, stock->pool ? bj_pool_parked(stock->pool->pool) : 0, "parked", stock->name);
    if (r == 0)
        r = add(body, stock->jails, "jails", stock->name);
    if (r == 0)
        r = add(body, stock->zygotes, "zygotes", stock->name);
    if (r == 0)
        r = add(body, stock->parked_runs, "parked_runs", stock->name);
    if (r == 0)
        r = add(body, stock->other_runs, "other_runs", stock->name);
    if (r == 0)
        r = add(body, stock->denials, "denials", stock->name);
    for (int status = 0; r == 0 && status < BJ_STATUS__COUNT; status++) {
        (void)snprintf(name, sizeof(name), "%s.%s", stock->name, bj_status_name((enum bj_status)status));
        r = add(body, stock->ended[status], "runs", name);
    }
    return r;
}

static int add_task(struct bj_buf *body, const struct bj_task *task)
{
    size_t start;
    int r = bj__tlv_open(body, BJ_FIELD_TASK, &start);
    if (r == 0)
        r = bj__tlv_add_text(body, BJ_FIELD_NAME, task->stock ? task->stock->name : "");
    if (r == 0)
        r = bj__tlv_add_number(body, BJ_FIELD_WALL_US, bj__now_us() - task->start_us);
    if (r == 0)
        r = bj__tlv_add_number(body, BJ_FIELD_PID, (uint64_t)bj_run_pid(task->run));
    if (r == 0 && task->session)
        r = bj__tlv_add_number(body, BJ_FIELD_SESSION, task->session->number);
    return r < 0 ? r : bj__tlv_close(body, start);
}

int bj__state_watch(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message)
{
    const struct {
        const char *name;
        uint64_t count;
    } counters[] = {{"uptime_us", bj__now_us() - broker->start_us},
                    {"running", broker->tasks_running},
                    {"capacity", broker->capacity},
                    {"sessions", broker->sessions_open},
                    {"session_capacity", broker->session_capacity},
                    {"peers", broker->peers_count},
                    {"refused", broker->refused},
                    {"peers_dropped", broker->dropped},
                    {"reloads_failed", broker->reloads_failed},
                    {"ready", broker->ready},
                    {"draining", broker->draining}};
    BJ_BUF struct bj_buf body;
    int r = 0;
    bj__buf_init(&body, BJ_BODY_MAX);
    for (size_t n = 0; r == 0 && n < BJ_COUNT(counters); n++)
        r = add(&body, counters[n].count, counters[n].name, NULL);
    for (size_t n = 0; r == 0 && n < broker->stock_count; n++)
        r = add_stock(&body, &broker->stocks[n]);
    for (unsigned n = 0; r == 0 && n < BJ_BROKER_TASKS; n++)
        if (broker->tasks[n])
            r = add_task(&body, broker->tasks[n]);
    if (r < 0)
        return r;
    bj__peer_tell(peer, BJ_TOLD_STATE, message->id, &body);
    return 0;
}
