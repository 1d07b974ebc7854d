/* Lines that come from the front, before they stand in the log.
 * Its own file because it is the only place where the keeper reads what a confined process wrote.
 * Changes when: a line may hold something more. */
#include "server/log_line.h"

#include "spec/json_read.h"

#define KEYS_MAX 32u

static bool is_word(const char *text, size_t length)
{
    return length > 0 && length < BJ_LOG_EVENT_SIZE && strlen(text) == length &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

/* Those that the keeper writes, so that there is one of each. */
static bool is_ours(const char *key)
{
    return strcmp(key, "time") == 0 || strcmp(key, "process") == 0;
}

static bool is_good_member(const char *key, const json_t *value)
{
    return is_word(key, strlen(key)) && !is_ours(key) &&
           (json_is_string(value) || json_is_number(value) || json_is_boolean(value));
}

static bool is_good(const json_t *root)
{
    const char *key;
    json_t *value;
    const json_t *event = json_object_get(root, "event");
    const json_t *level = json_object_get(root, "level");
    if (json_object_size(root) > KEYS_MAX || !json_is_string(event) ||
        !is_word(json_string_value(event), json_string_length(event)) ||
        (level && (!json_is_string(level) || bj__log_level_find(json_string_value(level)) < 0)))
        return false;
    /* jansson's iteration takes a non-const object and does not change it. */
    json_object_foreach((json_t *)(uintptr_t)root, key, value)
    {
        if (!is_good_member(key, value))
            return false;
    }
    return true;
}

static void copy_text(char *to, size_t size, const char *from, size_t length)
{
    size_t taken = 0;
    for (; taken < length && taken + 1 < size && from[taken]; taken++)
        to[taken] = from[taken];
    to[taken] = 0;
}

static void hear(const json_t *root, struct bj_log_heard *heard)
{
    const json_t *level = json_object_get(root, "level");
    const json_t *event = json_object_get(root, "event");
    const json_t *text = json_object_get(root, "text");
    heard->level = level ? (enum bj_log_level)bj__log_level_find(json_string_value(level)) : BJ_LOG_INFO;
    copy_text(heard->event, sizeof(heard->event), json_string_value(event), json_string_length(event));
    heard->ok = json_is_true(json_object_get(root, "ok"));
    if (json_is_string(text))
        copy_text(heard->text, sizeof(heard->text), json_string_value(text), json_string_length(text));
}

static void write_members(const json_t *root, struct bj_log_line *line)
{
    const char *key;
    json_t *value;
    bool cut = false;
    json_object_foreach((json_t *)(uintptr_t)root, key, value)
    {
        if (strcmp(key, "event") == 0 || strcmp(key, "level") == 0)
            continue; /* they stand there already */
        if (strcmp(key, "cut") == 0)
            cut = json_is_true(value); /* the end of the line says it */
        else if (json_is_string(value))
            bj__log_bytes(line, key, json_string_value(value), json_string_length(value));
        else if (json_is_integer(value))
            bj__log_number(line, key, json_integer_value(value));
        else if (json_is_real(value))
            bj__log_real(line, key, json_real_value(value));
        else
            bj__log_flag(line, key, json_is_true(value));
    }
    line->cut = line->cut || cut;
}

int bj__log_rewrite(const struct bj_log *log, const void *bytes, size_t length, struct bj_log_line *line,
                    struct bj_log_heard *ret_heard)
{
    BJ_JSON json_t *root = NULL;
    *ret_heard = (struct bj_log_heard){.event = "front_said", .level = BJ_LOG_WARNING};
    if (bj__json_load(bytes, length, BJ_LOG_MAX, &root, NULL) < 0 || !is_good(root)) {
        bj__log_begin(line, log, BJ_LOG_WARNING, "front_said");
        bj__log_bytes(line, "text", bytes, length < BJ_LOG_MAX ? length : BJ_LOG_MAX);
        return -EBADMSG;
    }
    hear(root, ret_heard);
    bj__log_begin(line, log, ret_heard->level, ret_heard->event);
    write_members(root, line);
    return 0;
}

/* ---- how many ------------------------------------------------------------------------------------- */

void bj__log_gate_init(struct bj_log_gate *gate, uint64_t now_us)
{
    *gate = (struct bj_log_gate){.allowed = BJ_LOG_GATE_BURST * 1000000ull, .filled_us = now_us};
}

bool bj__log_gate_pass(struct bj_log_gate *gate, uint64_t now_us, uint64_t *ret_refused)
{
    const uint64_t most = BJ_LOG_GATE_BURST * 1000000ull;
    uint64_t passed_us = now_us > gate->filled_us ? now_us - gate->filled_us : 0;
    gate->filled_us = now_us;
    /* Longer ago than what fills it, and the product could be too large. */
    gate->allowed = passed_us > most ? most : gate->allowed + passed_us * BJ_LOG_GATE_PER_SECOND;
    if (gate->allowed > most)
        gate->allowed = most;
    *ret_refused = 0;
    if (gate->allowed < 1000000u) {
        gate->refused++;
        return false;
    }
    gate->allowed -= 1000000u;
    *ret_refused = gate->refused;
    gate->refused = 0;
    return true;
}
