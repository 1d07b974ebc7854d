/* What the front knows of the service.
 * Its own file because protocols share it and know nothing of each other.
 * Changes when: the front knows something more. */
#include "server/service.h"
#include "spec/json_read.h"

#include <stdio.h>
#include <sys/random.h>

void bj__service_random_id(char *text, size_t digits)
{
    unsigned char bytes[16] = {0};
    /* 16 bytes come whole once the kernel's generator is up: getrandom(2). */
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        __builtin_trap();
    for (size_t n = 0; n < digits; n++)
        text[n] = "0123456789abcdef"[bytes[n / 2 % sizeof(bytes)] >> (n % 2 * 4) & 15];
    text[digits] = 0;
}

bool bj__service_hold(struct bj_service *service, size_t bytes)
{
    if (bytes > service->config->buffered_bytes - service->buffered)
        return false;
    service->buffered += bytes;
    return true;
}

void bj__service_release(struct bj_service *service, size_t bytes)
{
    service->buffered -= bytes;
}

bool bj__service_make_room(struct bj_service *service)
{
    static const enum bj_turn turns[] = {BJ_TURN_CLIENT, BJ_TURN_ANSWER};
    for (size_t n = 0; n < BJ_COUNT(turns); n++) {
        struct bj_crowd *crowd;
        struct bj_crowd *chosen = NULL;
        uint64_t longest_us = UINT64_MAX;
        TAILQ_FOREACH(crowd, &service->crowds, entry)
        {
            uint64_t since_us = crowd->longest_since(crowd, turns[n]);
            if (since_us < longest_us) {
                longest_us = since_us;
                chosen = crowd;
            }
        }
        if (!chosen)
            continue;
        service->metrics.evicted++;
        chosen->end_longest(chosen, turns[n]);
        return true;
    }
    return false;
}

const struct bj_profile_known *bj__service_profile(const struct bj_service *service, const char *name)
{
    for (size_t n = 0; name && n < service->profile_count; n++)
        if (strcmp(service->profiles[n].name, name) == 0)
            return &service->profiles[n];
    return NULL;
}

/* ---- what the broker tells of itself --------------------------------------------------------------- */

/* Its profiles come one by one behind the word. */
static void judge_ready(struct bj_service *service)
{
    service->ready = service->tests_held && service->profile_count >= service->config->profile_count;
}

static int hear_profile(struct bj_service *service, const struct bj_message *message)
{
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    struct bj_tlv json = {0};
    struct bj_profile_known known = {0};
    const char *name = NULL;
    int r;
    if (service->profile_count >= BJ_CONFIG_PROFILES)
        return -E2BIG;
    bj__tlv_start(&reader, message->body, message->length);
    while ((r = bj__tlv_next(&reader, &record)) > 0) {
        if (record.tag == BJ_FIELD_NAME && bj__tlv_text(&record, &name) < 0)
            return -EBADMSG;
        if (record.tag == BJ_FIELD_PARKED && bj__tlv_number(&record, UINT64_MAX, &known.parked) < 0)
            return -EBADMSG;
        if (record.tag == BJ_FIELD_JSON && !json.bytes)
            json = record;
    }
    if (r < 0 || !name || !json.bytes)
        return -EBADMSG;
    known.name = strdup(name);
    known.json = strndup((const char *)json.bytes, json.length);
    if (known.json)
        known.tree = json_loads(known.json, JSON_REJECT_DUPLICATES, NULL);
    if (!known.name || !known.tree) {
        free(known.name);
        free(known.json);
        json_decref(known.tree);
        return -EBADMSG;
    }
    service->profiles[service->profile_count++] = known;
    judge_ready(service);
    return 0;
}

static int hear_ready(struct bj_service *service, const struct bj_message *message)
{
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    uint64_t ready = 0;
    uint64_t capacity = service->jobs.capacity;
    const char *text = "";
    int r;
    bj__tlv_start(&reader, message->body, message->length);
    while ((r = bj__tlv_next(&reader, &record)) > 0) {
        if ((record.tag == BJ_FIELD_READY && bj__tlv_number(&record, 1, &ready) < 0) ||
            (record.tag == BJ_FIELD_CAPACITY && bj__tlv_number(&record, UINT32_MAX, &capacity) < 0) ||
            (record.tag == BJ_FIELD_TEXT && bj__tlv_text(&record, &text) < 0))
            return -EBADMSG;
    }
    if (r < 0)
        return r;
    service->welcome = true;
    service->tests_held = ready;
    service->jobs.capacity = capacity;
    (void)snprintf(service->unready, sizeof(service->unready), "%s", ready ? "" : text); /* cut to fit */
    judge_ready(service);
    struct bj_log_line line;
    bj__log_begin(&line, &service->log, ready ? BJ_LOG_INFO : BJ_LOG_ERROR, "self_test");
    bj__log_flag(&line, "ok", ready);
    bj__log_text(&line, "text", service->unready);
    bj__log_end(&service->log, &line);
    return 0;
}

static int hear_ended(struct bj_service *service, const struct bj_message *message)
{
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    uint64_t number = 0;
    int r;
    bj__tlv_start(&reader, message->body, message->length);
    while ((r = bj__tlv_next(&reader, &record)) > 0)
        if (record.tag == BJ_FIELD_SESSION && bj__tlv_number(&record, UINT64_MAX, &number) < 0)
            return -EBADMSG;
    if (r == 0)
        bj__sessions_ended(service, number);
    return r;
}

static void on_unasked(void *user, struct bj_message *message)
{
    struct bj_service *service = user;
    int r = -EBADMSG;
    if (message->type == BJ_TOLD_PROFILE)
        r = hear_profile(service, message);
    else if (message->type == BJ_TOLD_WELCOME)
        r = hear_ready(service, message);
    else if (message->type == BJ_TOLD_ENDED)
        r = hear_ended(service, message);
    if (r < 0)
        service->link.broken = r;
}

/* ---- life ----------------------------------------------------------------------------------------- */

int bj__service_init(struct bj_service *service, const struct bj_config *config, struct bj_loop *loop,
                     int *broker_fd)
{
    *service = (struct bj_service){.config = config, .loop = loop, .start_us = bj__now_us(), .layers = "{}"};
    (void)snprintf(service->unready, sizeof(service->unready), "the broker has said nothing yet");
    TAILQ_INIT(&service->crowds);
    bj__jobs_init(&service->jobs);
    int r = bj__clients_init(&service->clients, config);
    if (r < 0)
        return r;
    service->sessions = calloc(config->sessions + 1, sizeof(*service->sessions));
    if (!service->sessions)
        return -ENOMEM;
    uint64_t asks = config->concurrent_runs + config->sessions * 2 + 64;
    r = bj__link_init(&service->link, loop, broker_fd, asks > 65536 ? 65536 : (uint32_t)asks);
    service->link.unasked = (struct bj_asker){on_unasked, service};
    return r;
}

int bj__service_greet(struct bj_service *service)
{
    BJ_BUF struct bj_buf body;
    bj__buf_init(&body, 64);
    int r = bj__tlv_add_number(&body, BJ_FIELD_VERSION, BJ_BROKER_VERSION);
    return r < 0 ? r : bj__link_say(&service->link, BJ_ASK_HELLO, 0, &body);
}

void bj__service_done(struct bj_service *service)
{
    bj__link_done(&service->link);
    bj__clients_done(&service->clients);
    bj__metrics_done(&service->metrics);
    for (size_t n = 0; n < service->profile_count; n++) {
        free(service->profiles[n].name);
        free(service->profiles[n].json);
        json_decref(service->profiles[n].tree);
    }
    free(service->sessions);
}
