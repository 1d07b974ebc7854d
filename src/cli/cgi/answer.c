/* Answers of belljar cgi, byte by byte.
 * Its own file because they are pure text, and clients of the old script compare every byte.
 * Changes when: something else is told of a run, or in another form. */
#include "cli/cgi/answer.h"

#include "base/utf8.h"
#include "cli/safeexec/report.h"
#include "spec/json_text.h"
#include "spec/spec.h"

#define METHODS     "GET, HEAD, POST, OPTIONS"
#define REPORT_ROOM 4096u /* safeexec's report is a fifth of that, and cannot fail in it */

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {204, "No Content"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {503, "Service Unavailable"},
    {500, "Internal Server Error"}, /* the last: what else there is */
};

static const char *reason_of(int status)
{
    size_t row = 0;

    while (row + 1 < BJ_COUNT(reasons) && reasons[row].status != status)
        row++;
    return reasons[row].reason;
}

/* Without the line that ends it. An answer is about this one run: nobody may keep it, or take it for anything but its type. */
static int begin(struct bj_buf *out, int status, const char *type, const char *origin)
{
    int r = bj__buf_printf(out, "Status: %d %s\r\n", status, reason_of(status));

    if (r == 0 && type)
        r = bj__buf_printf(out, "Content-Type: %s\r\n", type);
    if (r == 0)
        r = bj__buf_printf(out, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
    if (r == 0 && origin)
        r = bj__buf_printf(out, "Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n", origin);
    if (r == 0 && status == 405)
        r = bj__buf_printf(out, "Allow: " METHODS "\r\n");
    return r;
}

int bj__cgi_answer_head(struct bj_buf *out, int status, const char *type, const char *origin)
{
    int r = begin(out, status, type, origin);

    return r < 0 ? r : bj__buf_printf(out, "\r\n");
}

int bj__cgi_answer_options(struct bj_buf *out, const char *origin)
{
    int r = begin(out, 204, NULL, origin);

    if (r == 0)
        r = bj__buf_printf(out, "Allow: " METHODS "\r\n");
    if (r == 0 && origin)
        r = bj__buf_printf(out,
                           "Access-Control-Allow-Methods: " METHODS "\r\n"
                           "Access-Control-Allow-Headers: Content-Type\r\nAccess-Control-Max-Age: 600\r\n");
    return r < 0 ? r : bj__buf_printf(out, "\r\n");
}

/* A message may have been cut in the middle of a character. */
static json_t *text_of(const char *text)
{
    BJ_BUF struct bj_buf valid;

    bj__buf_init(&valid, 4096);
    if (bj__utf8_add(&valid, (const unsigned char *)text, strlen(text)) < 0)
        return NULL;
    return json_stringn(valid.length ? (const char *)valid.bytes : "", valid.length);
}

int bj__cgi_answer_problem(struct bj_buf *out, const struct cgi_refusal *refusal, const char *origin,
                           bool with_body)
{
    int r = bj__cgi_answer_head(out, refusal->status, "application/problem+json", origin);

    if (r < 0 || !with_body)
        return r;
    json_t *problem = json_pack("{s:s, s:i, s:o}", "title", reason_of(refusal->status), "status",
                                refusal->status, "detail", text_of(refusal->detail));
    if (problem && refusal->field[0] && json_object_set_new(problem, "field", text_of(refusal->field)) < 0) {
        json_decref(problem);
        problem = NULL;
    }
    BJ_FREE char *text = problem ? bj__json_dump(problem, 0) : NULL;
    json_decref(problem);
    return text ? bj__buf_printf(out, "%s\n", text) : -ENOMEM;
}

int bj__cgi_bytes_add(struct bj_buf *out, const unsigned char *bytes, size_t length)
{
    bool single = length && memchr(bytes, '\'', length);
    char quote = single && !memchr(bytes, '"', length) ? '"' : '\'';
    int r = bj__buf_printf(out, "b%c", quote);

    for (size_t i = 0; r == 0 && i < length; i++) {
        unsigned char c = bytes[i];
        if (c == '\t' || c == '\n' || c == '\r')
            r = bj__buf_printf(out, "\\%c", c == '\t' ? 't' : c == '\n' ? 'n' : 'r');
        else if (c < 0x20 || c >= 0x7f)
            r = bj__buf_printf(out, "\\x%02x", c);
        else if (c == '\\' || c == (unsigned char)quote)
            r = bj__buf_printf(out, "\\%c", c);
        else
            r = bj__buf_add(out, &c, 1);
    }
    return r < 0 ? r : bj__buf_add(out, &quote, 1);
}

/* ---- what came of a run --------------------------------------------------------------------------- */

static int add_traceback(struct bj_buf *out, const char *exception)
{
    json_t *object = exception ? json_loads(exception, JSON_ALLOW_NUL, NULL) : NULL;
    const json_t *traceback = json_object_get(object, "traceback");
    int r = traceback ? bj__buf_add(out, json_string_value(traceback), json_string_length(traceback)) : 0;

    json_decref(object);
    return r;
}

/* What the old script had of safeexec: stderr of the code, and the report behind it. */
static int add_errors(struct bj_buf *out, const struct bj_result *result, const struct bj_spec *spec)
{
    struct facts facts = {0};
    size_t length = 0;
    const void *bytes = bj_result_output(result, BJ_STDERR, &length);
    int r = bj__facts_read(result, 0, &facts);

    if (r == 0)
        r = bj__buf_add(out, bytes, length);
    if (r == 0)
        r = add_traceback(out, bj_result_exception(result));
    if (r == 0)
        r = bj__buf_reserve(out, REPORT_ROOM);
    if (r == 0)
        (void)bj__safeexec_report_add(out, &facts, (double)spec->limits.cpu_us / 1e6, 0);
    bj__facts_done(&facts);
    return r;
}

int bj__cgi_answer_text(struct bj_buf *out, const struct bj_result *result, const struct bj_spec *spec,
                        const char *origin)
{
    BJ_BUF struct bj_buf errors;
    size_t length = 0;
    const void *bytes = bj_result_output(result, BJ_STDOUT, &length);

    bj__buf_init(&errors, SIZE_MAX / 4);
    int r = add_errors(&errors, result, spec);
    if (r == 0)
        r = bj__cgi_answer_head(out, 200, CGI_TEXT, origin);
    if (r == 0)
        r = bj__buf_printf(out, "stdout:\n");
    if (r == 0)
        r = bj__cgi_bytes_add(out, bytes, length);
    if (r == 0)
        r = bj__buf_printf(out, "\nstderr:\n");
    if (r == 0)
        r = bj__cgi_bytes_add(out, errors.bytes, errors.length);
    return r < 0 ? r : bj__buf_add(out, "\n", 1);
}

int bj__cgi_answer_json(struct bj_buf *out, const struct bj_result *result, const char *origin)
{
    BJ_FREE char *json = bj_result_json(result);
    int r = json ? bj__cgi_answer_head(out, 200, "application/json", origin) : -ENOMEM;

    if (r == 0)
        r = bj__buf_add(out, json, strlen(json));
    return r < 0 ? r : bj__buf_add(out, "\n", 1);
}
