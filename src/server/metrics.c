/* What is counted.
 * Its own file because counters are added to in many places and written out in one.
 * Changes when: something more is counted. */
#include "server/metrics.h"

static const uint64_t bounds_us[BJ_METRIC_BUCKETS] = {1000,     2000,     5000,     10000,    20000,   50000,
                                                      100000,   200000,   500000,   1000000,  2000000, 5000000,
                                                      10000000, 20000000, 50000000, 100000000};

void bj__metrics_observe(struct bj_histogram *histogram, uint64_t us)
{
    size_t n = 0;
    while (n < BJ_METRIC_BUCKETS && us > bounds_us[n])
        n++;
    histogram->counts[n]++;
    histogram->sum_us += us;
}

void bj__metrics_request(struct bj_metrics *metrics, const char *route, unsigned code, uint64_t us)
{
    size_t n = 0;
    if (!metrics->routes)
        metrics->routes = calloc((size_t)BJ_METRIC_ROUTES * BJ_METRIC_CODES, sizeof(*metrics->routes));
    if (!metrics->routes)
        return;
    /* A route is one of a table: its address is its name. */
    while (n < metrics->route_count && (metrics->routes[n].route != route || metrics->routes[n].code != code))
        n++;
    if (n == (size_t)BJ_METRIC_ROUTES * BJ_METRIC_CODES)
        return;
    if (n == metrics->route_count)
        metrics->routes[metrics->route_count++] = (struct bj_metric_route){.route = route, .code = code};
    bj__metrics_observe(&metrics->routes[n].duration, us);
}

void bj__metrics_done(struct bj_metrics *metrics)
{
    free(metrics->routes);
    metrics->routes = NULL;
}
