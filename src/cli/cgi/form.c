/* Fields of a form, as a browser sends them (application/x-www-form-urlencoded).
 * Its own file because it is pure, and fed with hostile bytes.
 * Changes when: forms are sent in another way. */
#include "cli/cgi/form.h"

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 'a' ^ 'A';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at *at, which is moved behind it. */
static char take(const char **at, const char *end)
{
    const char *c = (*at)++;

    if (*c == '+')
        return ' ';
    if (*c != '%' || end - c < 3 || digit_of(c[1]) < 0 || digit_of(c[2]) < 0)
        return *c;
    *at = c + 3;
    return (char)(digit_of(c[1]) << 4 | digit_of(c[2]));
}

static bool reads(const char *at, const char *end, const char *text)
{
    while (at < end && *text)
        if (take(&at, end) != *text++)
            return false;
    return at == end && !*text;
}

static int decode(const char *at, const char *end, struct bj_buf *out)
{
    int r = bj__buf_reserve(out, (size_t)(end - at)); /* decoding makes nothing longer */

    while (r == 0 && at < end) {
        char c = take(&at, end);
        r = bj__buf_add(out, &c, 1);
    }
    return r;
}

static const char *find(const char *at, const char *end, char c)
{
    const char *found = at < end ? memchr(at, c, (size_t)(end - at)) : NULL;

    return found ? found : end;
}

int bj__form_find(const char *text, size_t length, const char *name, struct bj_buf *ret_value)
{
    const char *end = text + length;
    int count = 0;

    for (const char *at = text; at < end;) {
        const char *rest = find(at, end, '&');
        const char *equals = find(at, rest, '=');
        if (equals < rest && reads(at, equals, name)) {
            int r = count++ == 0 ? decode(equals + 1, rest, ret_value) : 0;
            if (r < 0)
                return r;
        }
        at = rest < end ? rest + 1 : end;
    }
    return count;
}

bool bj__form_is_words(const char *query)
{
    return *query && !strchr(query, '=');
}

bool bj__form_begins_with(const char *query, const char *word)
{
    return reads(query, query + strcspn(query, "+"), word);
}
