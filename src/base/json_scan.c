/* A recursive-descent check of JSON.
 * Its own file because it reads bytes of a guest: small, without allocation, fuzzed on its own.
 * Changes when: what may be passed on does. */
#include "base/json_scan.h"
#include "base/utf8.h"

struct scan {
    const char *at, *end;
    unsigned depth; /* that may still be entered */
};

static bool value(struct scan *scan);

static void blanks(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

static bool take(struct scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

static bool word(struct scan *scan, const char *text)
{
    size_t length = strlen(text);
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, text, length) != 0)
        return false;
    scan->at += length;
    return true;
}

static bool digits(struct scan *scan)
{
    const char *begin = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > begin;
}

static bool number(struct scan *scan)
{
    (void)take(scan, '-');
    if (word(scan, "Infinity"))
        return true;
    if (!take(scan, '0') && !digits(scan))
        return false;
    if (take(scan, '.') && !digits(scan))
        return false;
    if (take(scan, 'e') || take(scan, 'E')) {
        if (!take(scan, '+'))
            (void)take(scan, '-');
        return digits(scan);
    }
    return true;
}

/* -1: these are not four hexadecimal digits. */
static int hex4(struct scan *scan)
{
    int code = 0;
    if (scan->end - scan->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = *scan->at++;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

static bool escape(struct scan *scan)
{
    if (scan->at == scan->end)
        return false;
    char c = *scan->at++;
    if (c != 'u')
        return c != 0 && strchr("\"\\/bfnrt", c) != NULL;
    int code = hex4(scan);
    if (code >= 0xd800 && code <= 0xdbff) { /* the other half must follow */
        int low = word(scan, "\\u") ? hex4(scan) : -1;
        return low >= 0xdc00 && low <= 0xdfff;
    }
    return code >= 0 && (code < 0xdc00 || code > 0xdfff);
}

static bool string(struct scan *scan)
{
    if (!take(scan, '"'))
        return false;
    while (scan->at < scan->end) {
        unsigned char c = (unsigned char)*scan->at++;
        if (c == '"')
            return true;
        if (c < 0x20 || (c == '\\' && !escape(scan)))
            return false;
    }
    return false;
}

static bool members(struct scan *scan, char last, bool named) /* NOLINT(misc-no-recursion): bounded by depth */
{
    blanks(scan);
    if (take(scan, last))
        return true;
    for (;;) {
        blanks(scan);
        if (named && !string(scan))
            return false;
        blanks(scan);
        if (named && !take(scan, ':'))
            return false;
        if (!value(scan))
            return false;
        blanks(scan);
        if (take(scan, last))
            return true;
        if (!take(scan, ','))
            return false;
    }
}

static bool value(struct scan *scan) /* NOLINT(misc-no-recursion): bounded by depth */
{
    blanks(scan);
    bool object = take(scan, '{');
    if (object || take(scan, '[')) {
        if (scan->depth == 0)
            return false;
        scan->depth--;
        bool good = members(scan, object ? '}' : ']', object);
        scan->depth++;
        return good;
    }
    if (scan->at < scan->end && *scan->at == '"')
        return string(scan);
    return word(scan, "null") || word(scan, "true") || word(scan, "false") || word(scan, "NaN") || number(scan);
}

/* A word or a mark with blanks around it. */
static bool token(struct scan *scan, const char *text)
{
    blanks(scan);
    bool found = word(scan, text);
    blanks(scan);
    return found;
}

static bool steps(struct scan *scan)
{
    if (token(scan, "]"))
        return true;
    do {
        if (scan->at == scan->end || *scan->at != '{' || !value(scan))
            return false;
    } while (token(scan, ","));
    return token(scan, "]");
}

bool bj__json_is_trace(const char *text, size_t length, unsigned depth)
{
    struct scan scan = {text, text + length,
                        depth - 2}; /* the object and its array are not entered by value() */
    if (depth < 2 || !bj__utf8_valid((const unsigned char *)text, length))
        return false;
    return token(&scan, "{") && token(&scan, "\"steps\"") && token(&scan, ":") && token(&scan, "[") &&
           steps(&scan) && token(&scan, ",") && token(&scan, "\"truncated\"") && token(&scan, ":") &&
           (token(&scan, "true") || token(&scan, "false")) && token(&scan, "}") && scan.at == scan.end;
}

bool bj__json_is_valid(const char *text, size_t length, unsigned depth)
{
    struct scan scan = {text, text + length, depth};
    if (!bj__utf8_valid((const unsigned char *)text, length) || !value(&scan))
        return false;
    blanks(&scan);
    return scan.at == scan.end;
}

/* The part in front of the next member, or behind the last one. 1: a member follows. */
static int between(struct scan *scan, bool first)
{
    if (first && !token(scan, "{"))
        return -EBADMSG;
    blanks(scan);
    if (!take(scan, '}')) {
        if (!first && !token(scan, ","))
            return -EBADMSG;
        return 1;
    }
    blanks(scan);
    return scan->at == scan->end ? 0 : -EBADMSG;
}

int bj__json_next_member(struct bj_json_members *members, unsigned depth, struct bj_json_member *ret_member)
{
    struct scan scan = {members->text + members->at, members->text + members->length, depth - 1};
    bool first = !members->begun;
    members->begun = true;
    if (depth < 1 || (first && !bj__utf8_valid((const unsigned char *)members->text, members->length)))
        return -EBADMSG;
    int r = between(&scan, first);
    if (r > 0) {
        ret_member->name = scan.at;
        r = string(&scan) ? 1 : -EBADMSG;
        ret_member->name_length = (size_t)(scan.at - ret_member->name);
    }
    if (r > 0) {
        r = token(&scan, ":") ? 1 : -EBADMSG;
        ret_member->value = scan.at;
    }
    if (r > 0) {
        r = value(&scan) ? 1 : -EBADMSG;
        ret_member->value_length = (size_t)(scan.at - ret_member->value);
    }
    members->at = (size_t)(scan.at - members->text);
    return r;
}
