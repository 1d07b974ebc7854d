/* The head of a request, judged.
 * Its own file because every line that a stranger writes before anything else is looked at here, and fuzzed here.
 * Changes when: a head must say, or must not say, something else. */
#include "server/head.h"

#include <strings.h>

#define LENGTH_UNKNOWN UINT64_MAX

static bool is_token_character(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c > 0x20 && c < 0x7f && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_odd(const char *name, size_t name_length, const char *value, size_t value_length)
{
    if (name_length == 0)
        return true;
    for (size_t n = 0; n < name_length; n++)
        if (!is_token_character((unsigned char)name[n]))
            return true;
    for (size_t n = 0; n < value_length; n++) {
        unsigned char c = (unsigned char)value[n];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

void bj__head_take(struct bj_head *head, const char *name, size_t name_length, const char *value,
                   size_t value_length)
{
    const struct {
        const char *name;
        const char **slot;
    } rows[] = {
#define X(field, text) {text, &head->field},
        BJ_HEAD_LIST(X)
#undef X
    };
    value = value ? value : "";
    head->count++;
    if (is_odd(name, name_length, value, value_length))
        head->odd = true;
    if (head->next && head->next != name)
        head->gap = true;
    head->next = value + value_length + 2; /* CR LF */
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        if (strcasecmp(name, rows[n].name) != 0)
            continue;
        if (*rows[n].slot)
            head->twice = true;
        *rows[n].slot = value;
    }
    if (!head->accept && strcasecmp(name, "accept") == 0)
        head->accept = value;
}

/* ---- framing -------------------------------------------------------------------------------------- */

static bool path_is_clean(const char *path)
{
    if (path[0] != '/')
        return false;
    for (const char *c = path; *c; c++)
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
            return false;
    return true;
}

bool bj__head_frame(const struct bj_head *head, const char *version, const char *path,
                    struct bj_refusal *refusal)
{
    bool first = strcmp(version, "HTTP/1.0") == 0;
    if (!first && strcmp(version, "HTTP/1.1") != 0)
        return bj__refuse(refusal, version[0] ? BJ_REFUSAL_VERSION : BJ_REFUSAL_BAD_REQUEST,
                          "the version of the request is none that is spoken here");
    if (!path_is_clean(path))
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "the target must be a path of printable characters");
    if (head->odd)
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "a header has characters that have no place there");
    if (head->gap)
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST,
                          "lines end with CR LF, are not folded, and have no NUL in them");
    if (head->twice)
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "a header that may come once came twice");
    if (head->transfer_encoding && (head->content_length || first))
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST,
                          "Transfer-Encoding stands alone, and not in HTTP/1.0");
    if (head->transfer_encoding && strcasecmp(head->transfer_encoding, "chunked") != 0)
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "the only Transfer-Encoding here is chunked");
    for (const char *c = head->content_length; c && *c; c++)
        if (*c < '0' || *c > '9')
            return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "Content-Length is a number of digits");
    if (head->content_length && !head->content_length[0])
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "Content-Length is a number of digits");
    return true;
}

/* ---- whose browser sends it ------------------------------------------------------------------------ */

/* Length of the name in "name", "name:port", "[address]:port"; 0: it is none of these. */
static size_t host_length(const char *host)
{
    const char *end = host[0] == '[' ? strchr(host, ']') : NULL;
    size_t length = end ? (size_t)(end - host) + 1 : strcspn(host, ":");
    const char *rest = host + length;
    if (length == 0 || (host[0] == '[' && !end))
        return 0;
    if (rest[0] == ':')
        rest += 1 + strspn(rest + 1, "0123456789");
    return rest[0] ? 0 : length;
}

static bool same_name(const char *host, size_t length, const char *name)
{
    if (strlen(name) == length && strncasecmp(host, name, length) == 0)
        return true;
    /* [::1] is an address of our own without brackets */
    return host[0] == '[' && strlen(name) == length - 2 && strncasecmp(host + 1, name, length - 2) == 0;
}

static bool is_our_host(const char *host, const struct bj_head_rules *rules)
{
    size_t length = host_length(host);
    if (length == 0)
        return false;
    if (same_name(host, length, "localhost"))
        return true;
    if (rules->own_address && same_name(host, length, rules->own_address))
        return true;
    for (const char *const *name = rules->hosts; name && *name; name++)
        if (same_name(host, length, *name))
            return true;
    return false;
}

/* A browser says where a page comes from; what is not served here does not speak to us. */
static bool is_our_origin(const char *origin, const char *host)
{
    size_t scheme = strncasecmp(origin, "http://", 7) == 0    ? 7
                    : strncasecmp(origin, "https://", 8) == 0 ? 8
                                                              : 0;
    return scheme > 0 && host && strcasecmp(origin + scheme, host) == 0;
}

bool bj__head_host(const struct bj_head *head, const struct bj_head_rules *rules, const char *version,
                   struct bj_refusal *refusal)
{
    if (!rules->check_host)
        return true;
    /* Browsers always send it; programs that look whether we live may speak HTTP/1.0 without. */
    if (!head->host && strcmp(version, "HTTP/1.0") != 0)
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "there is no Host");
    if (head->host && !is_our_host(head->host, rules))
        return bj__refuse(refusal, BJ_REFUSAL_MISDIRECTED,
                          "Host is none of this service's names; \"hosts\" in its configuration has more");
    if (head->origin && !is_our_origin(head->origin, head->host))
        return bj__refuse(refusal, BJ_REFUSAL_FORBIDDEN, "pages of other origins are not served");
    return true;
}

/* ---- body ----------------------------------------------------------------------------------------- */

/* "application/json", and parameters behind it; a charset must be UTF-8. */
static bool is_type(const char *value, const char *type)
{
    size_t length = strlen(type);
    if (!value || strncasecmp(value, type, length) != 0)
        return false;
    const char *rest = value + length;
    rest += strspn(rest, " \t");
    if (!*rest)
        return true;
    if (*rest != ';')
        return false;
    rest += 1 + strspn(rest + 1, " \t");
    return !*rest || strcasecmp(rest, "charset=utf-8") == 0 || strcasecmp(rest, "charset=\"utf-8\"") == 0;
}

static bool read_length(const struct bj_head *head, uint64_t most, uint64_t *ret_length,
                        struct bj_refusal *refusal)
{
    const char *text = head->content_length;
    *ret_length = LENGTH_UNKNOWN;
    if (!text)
        return true;
    uint64_t length = 0;
    int r = bj__digits(&text, &length);
    if (r < 0 || length > most)
        return bj__refuse(refusal, BJ_REFUSAL_TOO_LARGE, "at most %llu bytes are read here",
                          (unsigned long long)most);
    *ret_length = length;
    return true;
}

/* As an HTML form sends it. The parameters of multipart/form-data are its parser's (compat/multipart.h). */
static bool judge_fields(const struct bj_head *head, enum bj_body_form *ret_form, struct bj_refusal *refusal)
{
    static const char type[] = "multipart/form-data";
    const char *value = head->content_type;
    *ret_form = BJ_BODY_MULTIPART;
    if (value && strncasecmp(value, type, sizeof(type) - 1) == 0 && strchr(" \t;", value[sizeof(type) - 1]))
        return true;
    *ret_form = BJ_BODY_URLENCODED;
    if (is_type(value, "application/x-www-form-urlencoded"))
        return true;
    return bj__refuse(refusal, BJ_REFUSAL_MEDIA_TYPE,
                      "Content-Type must be multipart/form-data or application/x-www-form-urlencoded");
}

static bool judge_form(const struct bj_head *head, const struct bj_head_rules *rules,
                       enum bj_body_form *ret_form, struct bj_refusal *refusal)
{
    *ret_form = BJ_BODY_BYTES;
    if (head->content_encoding && strcasecmp(head->content_encoding, "identity") != 0)
        return bj__refuse(refusal, BJ_REFUSAL_MEDIA_TYPE, "bodies are not compressed here");
    if (rules->form)
        return judge_fields(head, ret_form, refusal);
    if (!rules->json && !is_type(head->content_type, "application/octet-stream"))
        return bj__refuse(refusal, BJ_REFUSAL_MEDIA_TYPE, "Content-Type must be application/octet-stream");
    if (!rules->json)
        return true;
    *ret_form = BJ_BODY_JSON;
    if (is_type(head->content_type, "application/json"))
        return true;
    *ret_form = BJ_BODY_PYTHON;
    if (rules->python && is_type(head->content_type, "text/x-python"))
        return true;
    return bj__refuse(refusal, BJ_REFUSAL_MEDIA_TYPE, "Content-Type must be application/json%s",
                      rules->python ? " or text/x-python" : "");
}

bool bj__head_body(const struct bj_head *head, const struct bj_head_rules *rules, enum bj_body_form *ret_form,
                   uint64_t *ret_length, struct bj_refusal *refusal)
{
    *ret_form = BJ_BODY_NONE;
    if (head->expect && strcasecmp(head->expect, "100-continue") != 0)
        return bj__refuse(refusal, BJ_REFUSAL_EXPECTATION, "only 100-continue can be expected here");
    if (rules->body_most == 0) {
        if (head->transfer_encoding)
            return bj__refuse(refusal, BJ_REFUSAL_TOO_LARGE, "there is no body here");
        return read_length(head, 0, ret_length, refusal);
    }
    if (!head->content_length && !head->transfer_encoding)
        return bj__refuse(refusal, BJ_REFUSAL_LENGTH_REQUIRED, "a body is needed, and Content-Length");
    return read_length(head, rules->body_most, ret_length, refusal) &&
           judge_form(head, rules, ret_form, refusal);
}

bool bj__head_token(const struct bj_head *head, const char **ret_token, size_t *ret_length)
{
    const char *value = head->authorization;
    *ret_token = NULL;
    *ret_length = 0;
    if (!value)
        return true;
    if (strncasecmp(value, "bearer ", 7) != 0)
        return false;
    value += 7;
    *ret_token = value;
    *ret_length = strlen(value);
    return *ret_length > 0 && !strchr(value, ' ');
}

bool bj__head_accepts_events(const struct bj_head *head)
{
    static const char type[] = "text/event-stream";
    for (const char *at = head->accept; at && *at; at += *at == ',') {
        at += strspn(at, " \t");
        if (strncasecmp(at, type, sizeof(type) - 1) == 0 && strchr(" \t;,", at[sizeof(type) - 1]))
            return true;
        at += strcspn(at, ",");
    }
    return false;
}
