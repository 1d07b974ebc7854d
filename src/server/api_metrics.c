/* /metrics: the text that Prometheus reads.
 * Its own file because names of metrics are a promise, and they stand here.
 * Changes when: something more is counted. */
#include "server/api.h"

#include <stdio.h>

#define METRICS_MOST (4u << 20)
#define TYPE         "text/plain; version=0.0.4; charset=utf-8"

static const char *const bounds[BJ_METRIC_BUCKETS + 1] = {"0.001", "0.002", "0.005", "0.01", "0.02", "0.05",
                                                          "0.1",   "0.2",   "0.5",   "1",    "2",    "5",
                                                          "10",    "20",    "50",    "100",  "+Inf"};

/* What is written; the first failure stays. */
struct page {
    struct bj_buf buf;
    int r;
};

static void about(struct page *page, const char *name, const char *type, const char *help)
{
    if (page->r == 0)
        page->r =
            bj__buf_printf(&page->buf, "# HELP belljar_%s %s\n# TYPE belljar_%s %s\n", name, help, name, type);
}

/* labels: "a=\"b\"", or "". */
static void value(struct page *page, const char *name, const char *labels, uint64_t number)
{
    if (page->r == 0)
        page->r = bj__buf_printf(&page->buf, "belljar_%s%s%s%s %llu\n", name, *labels ? "{" : "", labels,
                                 *labels ? "}" : "", (unsigned long long)number);
}

static void simple(struct page *page, const char *name, const char *type, const char *help, uint64_t number)
{
    about(page, name, type, help);
    value(page, name, "", number);
}

static void histogram(struct page *page, const char *name, const char *labels,
                      const struct bj_histogram *histogram)
{
    uint64_t sum = 0;
    for (size_t n = 0; n <= BJ_METRIC_BUCKETS && page->r == 0; n++) {
        sum += histogram->counts[n];
        page->r = bj__buf_printf(&page->buf, "belljar_%s_bucket{%s%sle=\"%s\"} %llu\n", name, labels,
                                 *labels ? "," : "", bounds[n], (unsigned long long)sum);
    }
    const char *open = *labels ? "{" : "";
    const char *end = *labels ? "}" : "";
    if (page->r == 0)
        page->r = bj__buf_printf(&page->buf, "belljar_%s_sum%s%s%s %.6f\nbelljar_%s_count%s%s%s %llu\n", name,
                                 open, labels, end, (double)histogram->sum_us / 1e6, name, open, labels, end,
                                 (unsigned long long)sum);
}

/* ---- the front's own ------------------------------------------------------------------------------- */

static void write_runs(struct page *page, const struct bj_service *service)
{
    char labels[160];
    about(page, "runs_total", "counter", "Runs that ended, by how they ended.");
    for (size_t n = 0; n <= BJ_CONFIG_PROFILES; n++)
        for (int status = 0; status < BJ_STATUS__COUNT; status++) {
            uint64_t count = service->metrics.runs[n][status];
            if (count == 0)
                continue;
            (void)snprintf(labels, sizeof(labels), "status=\"%s\",profile=\"%s\"",
                           bj_status_name((enum bj_status)status),
                           n < service->profile_count ? service->profiles[n].name : "");
            value(page, "runs_total", labels, count);
        }
    about(page, "run_wall_seconds", "histogram", "Wall clock time of runs.");
    histogram(page, "run_wall_seconds", "", &service->metrics.run_wall);
    about(page, "queue_wait_seconds", "histogram", "How long runs waited for a place.");
    histogram(page, "queue_wait_seconds", "", &service->metrics.queue_wait);
    about(page, "refused_total", "counter", "Runs that were refused, by why.");
    for (unsigned kind = 1; kind < BJ_REFUSAL__COUNT; kind++) {
        (void)snprintf(labels, sizeof(labels), "reason=\"%s\"", bj__refusal_word((enum bj_refusal_kind)kind));
        if (service->metrics.refused[kind] > 0)
            value(page, "refused_total", labels, service->metrics.refused[kind]);
    }
}

static void write_http(struct page *page, const struct bj_metrics *metrics)
{
    char labels[160];
    about(page, "http_request_duration_seconds", "histogram",
          "From the request's first line to the answer's end.");
    for (size_t n = 0; n < metrics->route_count; n++) {
        (void)snprintf(labels, sizeof(labels), "route=\"%s\",code=\"%u\"", metrics->routes[n].route,
                       metrics->routes[n].code);
        histogram(page, "http_request_duration_seconds", labels, &metrics->routes[n].duration);
    }
}

static void write_front(struct page *page, const struct bj_service *service)
{
    const struct bj_metrics *metrics = &service->metrics;
    about(page, "build_info", "gauge", "1.");
    value(page, "build_info", "version=\"" BJ_VERSION "\"", 1);
    simple(page, "selftest_ok", "gauge",
           "1: the tests that the service makes of its jails when it starts have held.", service->ready);
    simple(page, "uptime_seconds", "gauge", "Of the process that serves HTTP.",
           (bj__now_us() - service->start_us) / 1000000);
    write_runs(page, service);
    simple(page, "queue_depth", "gauge", "Runs that wait.", service->jobs.waiting);
    simple(page, "runs_running", "gauge", "Runs that the broker has.", service->jobs.running);
    simple(page, "runs_cancelled_total", "counter", "Runs whose client went away.", metrics->cancelled);
    simple(page, "connections", "gauge", "Of clients.", metrics->connections);
    simple(page, "connections_total", "counter", "Of clients, ever.", metrics->connections_total);
    simple(page, "connections_evicted_total", "counter", "Closed, the longest idle, to make room.",
           metrics->evicted);
    simple(page, "connections_timed_out_total", "counter", "Closed because a request took too long to come.",
           metrics->timed_out);
    simple(page, "buffered_bytes", "gauge", "Of bodies and answers in memory.", service->buffered);
    write_http(page, metrics);
}

/* ---- the broker's ---------------------------------------------------------------------------------- */

/* Its counters, and what they are called here. A name with a point stands for each profile. */
static const struct {
    const char *counter, *name, *type, *help;
} told[] = {
    {"sessions", "sessions", "gauge", "Open sessions."},
    {"refused", "broker_refused_total", "counter", "Asks that the broker has refused."},
    {"peers_dropped", "broker_peers_dropped_total", "counter", "Processes that broke the rules of the broker."},
    {"reloads_failed", "reloads_failed_total", "counter",
     "Changes to another configuration that failed, since this one is at work."},
    {"parked.", "pool_jails", "gauge", "Parked jails that are ready."},
    {"jails.", "pool_jails_wanted", "gauge", "Parked jails that there are to be."},
    {"zygotes.", "pool_zygotes_total", "counter", "Zygotes that were started."},
    {"parked_runs.", "pool_runs_total", "counter", "Runs that began in a parked jail."},
    {"other_runs.", "cold_runs_total", "counter", "Runs that a jail was made for."},
    {"denials.", "denials_total", "counter", "What guests were refused by the walls."},
};

static void write_counter(struct page *page, size_t row, const char *counter, uint64_t count)
{
    char labels[128];
    size_t length = strlen(told[row].counter);
    if (told[row].counter[length - 1] != '.') {
        if (strcmp(counter, told[row].counter) == 0)
            value(page, told[row].name, "", count);
        return;
    }
    if (strncmp(counter, told[row].counter, length) != 0)
        return;
    (void)snprintf(labels, sizeof(labels), "profile=\"%s\"%s", counter + length,
                   strcmp(told[row].counter, "parked.") == 0 ? ",state=\"warm\"" : "");
    value(page, told[row].name, labels, count);
}

static void write_row(struct page *page, size_t row, const struct bj_message *message)
{
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    const char *counter = "";
    uint64_t count;
    about(page, told[row].name, told[row].type, told[row].help);
    bj__tlv_start(&reader, message->body, message->length);
    while (bj__tlv_next(&reader, &record) > 0) {
        if (record.tag == BJ_FIELD_COUNTER && bj__tlv_text(&record, &counter) < 0)
            return;
        if (record.tag == BJ_FIELD_COUNT && bj__tlv_number(&record, UINT64_MAX, &count) == 0)
            write_counter(page, row, counter, count);
    }
}

static void answer_page(struct bj_exchange *exchange, struct page *page)
{
    size_t length = page->buf.length;
    char *text = page->r == 0 ? bj__buf_take(&page->buf) : NULL;
    bj__buf_done(&page->buf);
    bj__answer_text(exchange, 200, TYPE, text, length);
}

static void on_state(void *user, struct bj_message *message)
{
    struct bj_exchange *exchange = user;
    struct page page = {.r = 0};
    exchange->gone = NULL;
    bj__buf_init(&page.buf, METRICS_MOST);
    write_front(&page, exchange->service);
    for (size_t row = 0; message->type == BJ_TOLD_STATE && row < BJ_COUNT(told); row++)
        write_row(&page, row, message);
    answer_page(exchange, &page);
}

static void on_gone(struct bj_exchange *exchange)
{
    bj__link_leave(&exchange->service->link, (uint32_t)(uintptr_t)exchange->own);
}

void bj__api_metrics(struct bj_exchange *exchange)
{
    uint32_t number;
    int r = bj__link_ask(&exchange->service->link, BJ_ASK_WATCH, NULL, (struct bj_asker){on_state, exchange},
                         &number);
    if (r < 0) { /* the broker has nothing to say; the front has */
        struct page page = {.r = 0};
        bj__buf_init(&page.buf, METRICS_MOST);
        write_front(&page, exchange->service);
        answer_page(exchange, &page);
        return;
    }
    exchange->own = (void *)(uintptr_t)number;
    exchange->gone = on_gone;
}
