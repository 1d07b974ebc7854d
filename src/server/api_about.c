/* What the service is: its profiles, its limits, whether it lives.
 * Its own file because nothing here runs anything.
 * Changes when: a client can learn something more of the service. */
#include "base/embed.h"
#include "server/api.h"
#include "spec/json_read.h"
#include "spec/json_text.h"

extern const struct bj_embedded bj__openapi[];

void bj__api_answer_json(struct bj_exchange *exchange, unsigned status, json_t *value)
{
    char *text = value ? bj__json_dump(value, JSON_COMPACT) : NULL;
    json_decref(value);
    bj__answer_text(exchange, status, "application/json", text, text ? strlen(text) : 0);
}

/* Of one that cannot be made the answer lacks: bj__json_dump says so. */
static void put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) < 0)
        (void)json_object_clear(object);
}

static json_t *number(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *seconds(uint64_t us)
{
    return json_real((double)us / 1e6);
}

void bj__api_profiles(struct bj_exchange *exchange)
{
    const struct bj_service *service = exchange->service;
    json_t *list = json_array();
    for (size_t n = 0; n < service->profile_count; n++) {
        const struct bj_profile_known *profile = &service->profiles[n];
        if (!bj__client_may_use(exchange->client, profile->name))
            continue;
        json_t *item = json_object();
        const json_t *description = json_object_get(profile->tree, "description");
        put(item, "name", json_string(profile->name));
        put(item, "description", json_string(description ? json_string_value(description) : ""));
        put(item, "default",
            json_boolean(service->config->default_profile &&
                         strcmp(service->config->default_profile, profile->name) == 0));
        put(item, "parked", number(profile->parked));
        put(item, "gives", json_incref(profile->tree));
        if (json_array_append_new(list, item) < 0)
            break;
    }
    json_t *answer = json_object();
    put(answer, "profiles", list);
    bj__api_answer_json(exchange, 200, answer);
}

static json_t *quota_of(const struct bj_client *client)
{
    const struct bj_config_quota *quota = client->quota;
    json_t *object = json_object();
    put(object, "client", json_string(client->name));
    put(object, "runs_per_minute", quota->runs_per_minute ? number(quota->runs_per_minute) : json_null());
    put(object, "runs_burst", quota->runs_per_minute ? number(quota->runs_burst) : json_null());
    put(object, "concurrent_runs", quota->concurrent_runs ? number(quota->concurrent_runs) : json_null());
    put(object, "sessions", quota->sessions ? number(quota->sessions) : json_null());
    put(object, "running", number(client->runs));
    put(object, "sessions_open", number(client->sessions));
    return object;
}

void bj__api_limits(struct bj_exchange *exchange)
{
    const struct bj_service *service = exchange->service;
    const struct bj_config *config = service->config;
    json_t *answer = json_object();
    json_t *of_service = json_object();
    json_t *profiles = json_object();
    put(of_service, "concurrent_runs", number(config->concurrent_runs));
    put(of_service, "queued_runs", number(config->queued_runs));
    put(of_service, "queue_seconds", seconds(config->queue_us));
    put(of_service, "sessions", number(config->sessions));
    put(of_service, "request_bytes", number(config->request_bytes));
    put(of_service, "idle_seconds", seconds(config->idle_us));
    for (size_t n = 0; n < service->profile_count; n++) {
        json_t *limits = json_object_get(service->profiles[n].tree, "limits");
        if (limits && bj__client_may_use(exchange->client, service->profiles[n].name))
            put(profiles, service->profiles[n].name, json_incref(limits));
    }
    put(answer, "service", of_service);
    put(answer, "client", quota_of(exchange->client));
    put(answer, "profiles", profiles);
    put(answer, "layers", json_loads(service->layers, 0, NULL));
    bj__api_answer_json(exchange, 200, answer);
}

void bj__api_openapi(struct bj_exchange *exchange)
{
    bj__answer_static(exchange, 200, "application/json", bj__openapi[0].bytes, bj__openapi[0].length);
}

void bj__api_health(struct bj_exchange *exchange)
{
    static const char alive[] = "{\"status\":\"ok\"}";
    bj__answer_static(exchange, 200, "application/json", alive, sizeof(alive) - 1);
}

void bj__api_ready(struct bj_exchange *exchange)
{
    const struct bj_service *service = exchange->service;
    bool ready = service->ready && !service->draining;
    json_t *answer = json_object();
    const char *why = service->draining ? "the service ends" : service->unready;
    put(answer, "ready", json_boolean(ready));
    put(answer, "reason", ready ? json_null() : json_string(why));
    bj__api_answer_json(exchange, ready ? 200 : 503, answer);
}
