/* What the interfaces of other services share.
 * Its own file because none of them should know another one.
 * Changes when: two of them need the same. */
#include "server/compat/compat.h"
#include "base/utf8.h"
#include "spec/json_read.h"

void bj__compat_put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) < 0)
        (void)json_object_clear(object);
}

unsigned bj__compat_status(unsigned status)
{
    return status == 422 ? 400 : status;
}

json_t *bj__compat_text(const void *bytes, size_t length)
{
    BJ_BUF struct bj_buf text;
    bj__buf_init(&text, BJ_BODY_MAX);
    if (length > 0 && bj__utf8_add(&text, bytes, length) < 0)
        return NULL;
    return json_stringn(text.length ? (const char *)text.bytes : "", text.length);
}

int bj__compat_add_traceback(const struct bj_outcome *outcome, struct bj_buf *text)
{
    BJ_JSON json_t *tree = outcome->exception ? json_loads(outcome->exception, 0, NULL) : NULL;
    const json_t *traceback = json_object_get(tree, "traceback");
    return json_is_string(traceback)
               ? bj__buf_add(text, json_string_value(traceback), json_string_length(traceback))
               : 0;
}

const struct bj_profile_known *bj__compat_profile(const struct bj_exchange *exchange, const char *name)
{
    const struct bj_profile_known *profile = bj__service_profile(exchange->service, name);
    return profile && bj__client_may_use(exchange->client, name) ? profile : NULL;
}

bool bj__compat_start(struct bj_exchange *exchange, struct bj_job_order *order, struct bj_job **ret_job)
{
    struct bj_refusal refusal;
    order->client = exchange->client;
    order->parts = true;
    order->via = exchange->route->what;
    if (bj__job_start(exchange->service, order, ret_job, &refusal)) {
        if (exchange->header_count == 0) /* one exchange may need several, and tells of its first */
            bj__answer_header(exchange, "Belljar-Run-Id", (*ret_job)->id);
        return true;
    }
    bj__answer_refusal(exchange, &refusal);
    return false;
}
