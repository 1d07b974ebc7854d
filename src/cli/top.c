/* How a service stands, out of the records that its broker sends.
 * Its own file because it is pure: bytes in, numbers out.
 * Changes when: something more can be seen of a service. */
#include "cli/top.h"

#include <stdio.h>

uint64_t bj__top_runs(const struct top_profile *profile)
{
    uint64_t runs = 0;
    for (int status = 0; status < BJ_STATUS__COUNT; status++)
        runs += profile->ended[status];
    return runs;
}

static struct top_profile *find_profile(struct top_state *state, const char *name, size_t length)
{
    for (size_t n = 0; n < state->profile_count; n++)
        if (strlen(state->profiles[n].name) == length && strncmp(state->profiles[n].name, name, length) == 0)
            return &state->profiles[n];
    if (state->profile_count >= TOP_PROFILES || length >= sizeof(state->profiles[0].name))
        return NULL;
    struct top_profile *profile = &state->profiles[state->profile_count++];
    memcpy(profile->name, name, length);
    return profile;
}

/* "runs.NAME.STATUS" */
static uint64_t *find_ended(struct top_state *state, const char *rest)
{
    const char *dot = strchr(rest, '.');
    struct top_profile *profile = dot ? find_profile(state, rest, (size_t)(dot - rest)) : NULL;
    for (int status = 0; profile && status < BJ_STATUS__COUNT; status++)
        if (strcmp(bj_status_name((enum bj_status)status), dot + 1) == 0)
            return &profile->ended[status];
    return NULL;
}

static uint64_t *find_of_profile(struct top_state *state, const char *name)
{
    static const struct {
        const char *name;
        size_t offset;
    } rows[] = {{"parked.", offsetof(struct top_profile, parked)},
                {"jails.", offsetof(struct top_profile, jails)},
                {"zygotes.", offsetof(struct top_profile, zygotes)},
                {"parked_runs.", offsetof(struct top_profile, parked_runs)},
                {"other_runs.", offsetof(struct top_profile, other_runs)},
                {"denials.", offsetof(struct top_profile, denials)}};
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        size_t length = strlen(rows[n].name);
        if (strncmp(name, rows[n].name, length) != 0)
            continue;
        struct top_profile *profile = find_profile(state, name + length, strlen(name + length));
        return profile ? (uint64_t *)(void *)((char *)profile + rows[n].offset) : NULL;
    }
    return strncmp(name, "runs.", 5) == 0 ? find_ended(state, name + 5) : NULL;
}

static uint64_t *find_counter(struct top_state *state, const char *name)
{
    const struct {
        const char *name;
        uint64_t *count;
    } rows[] = {{"uptime_us", &state->uptime_us},
                {"running", &state->running},
                {"capacity", &state->capacity},
                {"sessions", &state->sessions},
                {"session_capacity", &state->session_capacity},
                {"refused", &state->refused},
                {"peers_dropped", &state->peers_dropped},
                {"ready", &state->ready},
                {"draining", &state->draining}};
    for (size_t n = 0; n < BJ_COUNT(rows); n++)
        if (strcmp(name, rows[n].name) == 0)
            return rows[n].count;
    return find_of_profile(state, name);
}

static int read_run(const struct bj_tlv *record, struct top_state *state)
{
    struct bj_tlv_reader reader;
    struct bj_tlv member;
    const char *name = "";
    int r;
    if (state->run_count >= TOP_RUNS)
        return 0;
    struct top_run *run = &state->runs[state->run_count++];
    bj__tlv_start(&reader, record->bytes, record->length);
    while ((r = bj__tlv_next(&reader, &member)) > 0) {
        if (member.tag == BJ_FIELD_NAME)
            r = bj__tlv_text(&member, &name);
        else if (member.tag == BJ_FIELD_WALL_US)
            r = bj__tlv_number(&member, UINT64_MAX, &run->wall_us);
        else if (member.tag == BJ_FIELD_PID)
            r = bj__tlv_number(&member, UINT64_MAX, &run->pid);
        else if (member.tag == BJ_FIELD_SESSION)
            r = bj__tlv_number(&member, UINT64_MAX, &run->session);
        if (r < 0)
            return r;
    }
    (void)snprintf(run->profile, sizeof(run->profile), "%s", name);
    return r;
}

int bj__top_read(const struct bj_message *message, struct top_state *ret_state)
{
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    uint64_t *count = NULL;
    const char *name;
    int r;
    memset(ret_state, 0, sizeof(*ret_state));
    bj__tlv_start(&reader, message->body, message->length);
    while ((r = bj__tlv_next(&reader, &record)) > 0) {
        if (record.tag == BJ_FIELD_COUNTER) {
            r = bj__tlv_text(&record, &name);
            count = r < 0 ? NULL : find_counter(ret_state, name);
        } else if (record.tag == BJ_FIELD_COUNT && count) {
            r = bj__tlv_number(&record, UINT64_MAX, count);
        } else if (record.tag == BJ_FIELD_TASK) {
            r = read_run(&record, ret_state);
        }
        if (r < 0)
            return r;
    }
    return r;
}
