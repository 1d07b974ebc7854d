/* What a web server tells of a request (RFC 3875), checked.
 * Its own file because all of it was said by whoever sent the request, and nothing else of the command reads it.
 * Changes when: another kind of request is answered. */
#include "cli/cgi/request.h"

#include <stdio.h>
#include <strings.h>

static const char *const methods[] = {
    [CGI_GET] = "GET", [CGI_HEAD] = "HEAD", [CGI_POST] = "POST", [CGI_OPTIONS] = "OPTIONS"};

static const struct {
    const char *type;
    enum cgi_body body;
} types[] = {
    {"application/x-www-form-urlencoded", CGI_FORM},
    {"application/json", CGI_JSON},
};

int bj__cgi_refuse(struct cgi_refusal *ret_refusal, int status, const char *format, ...)
{
    va_list args;

    *ret_refusal = (struct cgi_refusal){.status = status};
    va_start(args, format);
    (void)vsnprintf(ret_refusal->detail, sizeof(ret_refusal->detail), format, args);
    va_end(args);
    return -EINVAL;
}

/* An empty one says as much as none (RFC 3875, 4.1). */
const char *bj__cgi_variable(const struct cgi_variables *variables, const char *name)
{
    const char *value = variables->get(variables->user, name);

    return value && *value ? value : NULL;
}

static int read_method(const char *method, enum cgi_method *ret_method, struct cgi_refusal *ret_refusal)
{
    for (unsigned i = 0; method && i < BJ_COUNT(methods); i++)
        if (!strcmp(method, methods[i])) {
            *ret_method = (enum cgi_method)i;
            return 0;
        }
    return bj__cgi_refuse(ret_refusal, 405, "\"%.40s\" is not answered here; GET, HEAD, POST and OPTIONS are",
                          method ? method : "");
}

/* Parameters, which stand behind a ";", say nothing: both types are UTF-8. */
static int read_type(const char *given, enum cgi_body *ret_body, struct cgi_refusal *ret_refusal)
{
    const char *type = given ? given : "";
    size_t length = strcspn(type, "; \t");

    for (size_t i = 0; i < BJ_COUNT(types); i++)
        if (length == strlen(types[i].type) && !strncasecmp(type, types[i].type, length)) {
            *ret_body = types[i].body;
            return 0;
        }
    return bj__cgi_refuse(ret_refusal, 415, "a body of type \"%.80s\" is not read; send %s or %s", type,
                          types[0].type, types[1].type);
}

static int read_length(const char *text, uint64_t limit, size_t *ret_length, struct cgi_refusal *ret_refusal)
{
    uint64_t length = 0;

    if (!text)
        return bj__cgi_refuse(ret_refusal, 411, "a body comes with its length; send Content-Length");
    const char *at = text;
    int r = bj__digits(&at, &length);
    if (r == -EINVAL || (r == 0 && *at))
        return bj__cgi_refuse(ret_refusal, 400, "\"%.40s\" is not a length", text);
    if (r < 0 || length > limit)
        return bj__cgi_refuse(ret_refusal, 413, "a body of %.20s bytes; at most %llu are read", text,
                              (unsigned long long)limit);
    *ret_length = (size_t)length;
    return 0;
}

int bj__cgi_request_read(const struct cgi_variables *variables, const struct cgi_rules *rules,
                         struct cgi_request *ret_request, struct cgi_refusal *ret_refusal)
{
    const char *query = bj__cgi_variable(variables, "QUERY_STRING");

    *ret_request = (struct cgi_request){.query = query ? query : ""};
    int r = read_method(bj__cgi_variable(variables, "REQUEST_METHOD"), &ret_request->method, ret_refusal);
    if (r == 0)
        r = bj__cgi_origin_check(variables, rules, &ret_request->origin, ret_refusal);
    if (r < 0 || ret_request->method != CGI_POST)
        return r;
    r = read_type(bj__cgi_variable(variables, "CONTENT_TYPE"), &ret_request->body, ret_refusal);
    return r < 0 ? r
                 : read_length(bj__cgi_variable(variables, "CONTENT_LENGTH"), rules->body_limit,
                               &ret_request->length, ret_refusal);
}
