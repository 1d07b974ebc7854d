/* Whether a browser asks in the name of a page that has no business here: Host, Origin and Sec-Fetch-Site.
 * Its own file because who may ask is decided in one place, before anything else is looked at.
 * Changes when: browsers tell in another way for whom they ask. */
#include <stdio.h>
#include <strings.h>

#include "cli/cgi/request.h"

static bool is_word(const char *word, const char *text, size_t length)
{
    return strlen(word) == length && !strncasecmp(word, text, length);
}

static bool is_listed(const char *list, const char *text, size_t length)
{
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (length > 0 && strcspn(at, ",") == length && !strncasecmp(at, text, length))
            return true;
    }
    return false;
}

/* Of "name:port" and of "[::1]:port": without the port. */
static size_t name_length(const char *host)
{
    return *host == '[' ? strcspn(host, "]") + (strchr(host, ']') != NULL) : strcspn(host, ":");
}

/* Names that no name server is asked for. */
static bool is_loopback_name(const char *name, size_t length)
{
    static const char tail[] = ".localhost";
    size_t tail_length = sizeof(tail) - 1;

    if (is_word("localhost", name, length) || is_word("[::1]", name, length))
        return true;
    if (length > tail_length && is_word(tail, name + length - tail_length, tail_length))
        return true;
    return length > 4 && !strncmp(name, "127.", 4) && strspn(name, "0123456789.") == length;
}

static bool is_loopback_address(const char *address)
{
    return address && (!strncmp(address, "127.", 4) || !strcmp(address, "::1") ||
                       !strncasecmp(address, "::ffff:127.", 11));
}

/* A page can make its own name stand for any address (DNS rebinding), and is then asking in the name of this very host: its
 * browser tells the name that was asked for, and nothing but that name gives it away. Who is on this machine reaches it by a
 * name of loopback; for others only the operator knows the names. */
static int check_host(const struct cgi_variables *variables, const struct cgi_rules *rules,
                      struct cgi_refusal *ret_refusal)
{
    const char *host = bj__cgi_variable(variables, "HTTP_HOST");
    size_t length = host ? name_length(host) : 0;
    bool local = is_loopback_address(bj__cgi_variable(variables, "REMOTE_ADDR"));

    if (rules->hosts ? is_listed(rules->hosts, host, length)
                     : !host || !local || is_loopback_name(host, length))
        return 0;
    return bj__cgi_refuse(ret_refusal, 403, "\"%.100s\" is not a host that is served here", host ? host : "");
}

static bool is_same(const char *origin, const char *host)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; host && i < BJ_COUNT(schemes); i++)
        if (!strncasecmp(origin, schemes[i], strlen(schemes[i])))
            return !strcasecmp(origin + strlen(schemes[i]), host);
    return false;
}

int bj__cgi_origin_check(const struct cgi_variables *variables, const struct cgi_rules *rules,
                         const char **ret_origin, struct cgi_refusal *ret_refusal)
{
    const char *host = bj__cgi_variable(variables, "HTTP_HOST");
    const char *origin = bj__cgi_variable(variables, "HTTP_ORIGIN");
    const char *site = bj__cgi_variable(variables, "HTTP_SEC_FETCH_SITE");
    int r = check_host(variables, rules, ret_refusal);

    if (r < 0)
        return r;
    if (is_listed(rules->origins, "*", 1)) {
        *ret_origin = origin ? "*" : NULL;
        return 0;
    }
    if (origin && is_listed(rules->origins, origin, strlen(origin))) {
        *ret_origin = origin;
        return 0;
    }
    if (origin && !is_same(origin, host))
        return bj__cgi_refuse(ret_refusal, 403, "pages of \"%.100s\" are not answered here", origin);
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return bj__cgi_refuse(ret_refusal, 403, "pages of other sites are not answered here");
    return 0;
}

const char *bj__cgi_origin_wrong(const char *list)
{
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        size_t length = strcspn(at, ",");
        const char *rest = strstr(at, "://");
        bool scheme =
            rest && (is_word("http", at, (size_t)(rest - at)) || is_word("https", at, (size_t)(rest - at)));
        bool plain =
            scheme && rest + 3 < at + length && strcspn(rest + 3, ",/ ") == (size_t)(at + length - rest - 3);
        if (!plain && !(length == 1 && *at == '*'))
            return at;
    }
    return NULL;
}
