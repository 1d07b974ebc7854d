/* What a client wrote, as a request.
 * Its own file because every protocol of the front reads the same two texts.
 * Changes when: a request is written in another form. */
#include "server/read_request.h"
#include "base/utf8.h"
#include "spec/json_read.h"

#define VALUES_MOST 100000u /* of one request: each of them takes a microsecond, and everybody else waits */

bool bj__read_script(const struct bj_buf *body, struct bj_request *ret_request, struct bj_refusal *refusal)
{
    struct bj_request request = {.keys = 1u << BJ_KEY_CODE};
    if (body->length == 0 || memchr(body->bytes, 0, body->length) || !bj__utf8_valid(body->bytes, body->length))
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "a script is text in UTF-8, without NUL");
    request.spec = bj__spec_new_empty();
    if (!request.spec ||
        bj__copy_text(&request.spec->arena, (const char *)body->bytes, &request.spec->code) < 0) {
        bj__request_done(&request);
        return bj__refuse(refusal, BJ_REFUSAL_BUFFERS, "there is no memory for it now");
    }
    *ret_request = request;
    return true;
}

static bool take_branch(json_t *root, uint64_t *ret_branch, struct bj_refusal *refusal)
{
    const json_t *value = json_object_get(root, "branch");
    if (!value)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > UINT32_MAX)
        return bj__refuse_field(refusal, BJ_REFUSAL_INVALID, "branch", "is the number of a branch");
    *ret_branch = (uint64_t)json_integer_value(value);
    (void)json_object_del(root, "branch"); /* it is there */
    return true;
}

/* Before there is a tree: every value stands behind a comma, or is the first of its array or object. */
bool bj__read_has_few_values(const struct bj_buf *body, struct bj_refusal *refusal)
{
    size_t count = 0;
    bool in_string = false;
    for (size_t n = 0; n < body->length; n++) {
        char c = (char)body->bytes[n];
        if (in_string && c == '\\')
            n++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == ',' || c == '[' || c == '{'))
            count++;
    }
    return count <= VALUES_MOST || bj__refuse(refusal, BJ_REFUSAL_INVALID,
                                              "more than %u values in one request; what is long goes into "
                                              "stdin, or into files",
                                              VALUES_MOST);
}

bool bj__read_json(const struct bj_buf *body, uint64_t *ret_branch, struct bj_request *ret_request,
                   struct bj_refusal *refusal)
{
    struct bj_error error = {0};
    BJ_JSON json_t *root = NULL;
    if (body->length == 0)
        return bj__refuse(refusal, BJ_REFUSAL_BAD_JSON, "the body is empty");
    if (!bj__read_has_few_values(body, refusal))
        return false;
    if (bj__json_load((const char *)body->bytes, body->length, BJ_MAX_SPEC_JSON, &root, &error) < 0) {
        (void)bj__refuse_error(refusal, &error);
        refusal->kind = BJ_REFUSAL_BAD_JSON;
        return false;
    }
    if (ret_branch && json_is_object(root) && !take_branch(root, ret_branch, refusal))
        return false;
    return bj__spec_read_request(root, ret_request, &error) == 0 || bj__refuse_error(refusal, &error);
}

bool bj__name_profile(struct bj_request *request, const char *name, struct bj_refusal *refusal)
{
    if (name && bj__copy_text(&request->spec->arena, name, &request->spec->profile) < 0)
        return bj__refuse(refusal, BJ_REFUSAL_BUFFERS, "there is no memory for it now");
    if (!request->spec->profile)
        return bj__refuse_field(refusal, BJ_REFUSAL_INVALID, "profile",
                                "must be named: this service has no other");
    request->keys |= 1u << BJ_KEY_PROFILE;
    return true;
}
