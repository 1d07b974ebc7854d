/* What is counted, for Prometheus.
 * Its own file because counters are added to in many places and written out in one.
 * Changes when: something more is counted. */
#ifndef BJ_SERVER_METRICS_H
#define BJ_SERVER_METRICS_H

#include "base/buf.h"
#include "server/config.h"

#define BJ_METRIC_BUCKETS 16

/* Cumulative only when it is written. */
struct bj_histogram {
    uint64_t counts[BJ_METRIC_BUCKETS + 1]; /* the last one: above all bounds */
    uint64_t sum_us;
};

#define BJ_METRIC_ROUTES 40
#define BJ_METRIC_CODES  32

struct bj_metric_route {
    const char *route; /* its pattern */
    unsigned code;
    struct bj_histogram duration;
};

struct bj_metrics {
    uint64_t runs[BJ_CONFIG_PROFILES + 1][BJ_STATUS__COUNT]; /* by place of the profile; the last: any other */
    struct bj_histogram run_wall, queue_wait;
    struct bj_metric_route *routes; /* owned; BJ_METRIC_ROUTES * BJ_METRIC_CODES at most */
    size_t route_count;
    uint64_t refused[64]; /* by enum bj_refusal_kind */
    uint64_t cancelled;
    uint64_t connections, connections_total, evicted, timed_out;
};

void bj__metrics_observe(struct bj_histogram *histogram, uint64_t us);
/* A request was answered. */
void bj__metrics_request(struct bj_metrics *metrics, const char *route, unsigned code, uint64_t us);
void bj__metrics_done(struct bj_metrics *metrics);

#endif
