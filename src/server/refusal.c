/* Why something that a client asked for was not done.
 * Its own file because every protocol of the front tells the same reasons in its own words.
 * Changes when: there is another reason. */
#include "server/refusal.h"

#include <stdio.h>

static const struct {
    const char *word;
    unsigned status;
    const char *title;
} rows[BJ_REFUSAL__COUNT] = {[BJ_REFUSAL_NONE] = {"none", 200, ""},
#define X(name, text, number, line) [BJ_REFUSAL_##name] = {text, number, line},
                             BJ_REFUSAL_LIST(X)
#undef X
};

const char *bj__refusal_word(enum bj_refusal_kind kind)
{
    return rows[kind].word;
}

unsigned bj__refusal_status(enum bj_refusal_kind kind)
{
    return rows[kind].status;
}

const char *bj__refusal_title(enum bj_refusal_kind kind)
{
    return rows[kind].title;
}

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value); /* what lacks a piece is still a problem */
}

json_t *bj__refusal_problem(const struct bj_refusal *refusal)
{
    char type[96];
    json_t *problem = json_object();
    (void)snprintf(type, sizeof(type), "urn:belljar:problem:%s", bj__refusal_word(refusal->kind));
    set(problem, "type", json_string(type));
    set(problem, "title", json_string(bj__refusal_title(refusal->kind)));
    set(problem, "status", json_integer(bj__refusal_status(refusal->kind)));
    set(problem, "detail", json_string(refusal->error.message));
    if (refusal->error.field[0])
        set(problem, "field", json_string(refusal->error.field));
    return problem;
}

uint64_t bj__refusal_retry_seconds(const struct bj_refusal *refusal)
{
    unsigned status = bj__refusal_status(refusal->kind);
    uint64_t seconds = (refusal->retry_us + 999999) / 1000000;
    if (status != 429 && status != 503)
        return 0;
    return seconds > 0 ? seconds : 1;
}

static BJ_PRINTF(4, 0) void fill(struct bj_refusal *refusal, enum bj_refusal_kind kind, const char *field,
                                 const char *format, va_list arguments)
{
    char text[sizeof(refusal->error.message)];
    *refusal = (struct bj_refusal){.kind = kind};
    (void)vsnprintf(text, sizeof(text), format, arguments); /* cut to fit */
    (void)bj__error(&refusal->error, BJ_ERROR_INVALID, EINVAL, field, "%s", text);
}

bool bj__refuse(struct bj_refusal *refusal, enum bj_refusal_kind kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(refusal, kind, "", format, arguments);
    va_end(arguments);
    return false;
}

bool bj__refuse_field(struct bj_refusal *refusal, enum bj_refusal_kind kind, const char *field,
                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(refusal, kind, field, format, arguments);
    va_end(arguments);
    return false;
}

bool bj__refuse_error(struct bj_refusal *refusal, const struct bj_error *err)
{
    static const enum bj_refusal_kind kinds[BJ_ERROR__COUNT] = {
        [BJ_ERROR_NONE] = BJ_REFUSAL_INTERNAL,     [BJ_ERROR_INVALID] = BJ_REFUSAL_INVALID,
        [BJ_ERROR_NOT_FOUND] = BJ_REFUSAL_INVALID, [BJ_ERROR_UNAVAILABLE] = BJ_REFUSAL_UNAVAILABLE,
        [BJ_ERROR_SETUP] = BJ_REFUSAL_UNAVAILABLE, [BJ_ERROR_SYSTEM] = BJ_REFUSAL_UNAVAILABLE,
        [BJ_ERROR_STATE] = BJ_REFUSAL_BUSY,        [BJ_ERROR_WIDENS] = BJ_REFUSAL_WIDENS,
    };
    static const struct {
        int err;
        enum bj_refusal_kind kind;
    } states[] = {{EAGAIN, BJ_REFUSAL_QUEUE_FULL},
                  {ESHUTDOWN, BJ_REFUSAL_DRAINING},
                  {EPERM, BJ_REFUSAL_NOT_READY},
                  {ESRCH, BJ_REFUSAL_NOT_FOUND}};
    bool known = err->code > 0 && err->code < BJ_ERROR__COUNT;
    *refusal = (struct bj_refusal){.kind = known ? kinds[err->code] : BJ_REFUSAL_INTERNAL, .error = *err};
    for (size_t n = 0; err->code == BJ_ERROR_STATE && n < BJ_COUNT(states); n++)
        if (states[n].err == err->err)
            refusal->kind = states[n].kind;
    return false;
}
