/* What a web server tells of a request (RFC 3875), checked.
 * Its own file because all of it was said by whoever sent the request, and nothing else of the command reads it.
 * Changes when: another kind of request is answered. */
#ifndef BJ_CLI_CGI_REQUEST_H
#define BJ_CLI_CGI_REQUEST_H

#include "base/base.h"

enum cgi_method { CGI_GET, CGI_HEAD, CGI_POST, CGI_OPTIONS };
enum cgi_body { CGI_NO_BODY, CGI_FORM, CGI_JSON };

/* The operator's. Lists are of words with commas between them; NULL: none. */
struct cgi_rules {
    const char *hosts;
    const char *origins;
    uint64_t body_limit;
};

struct cgi_request {
    enum cgi_method method;
    enum cgi_body body;
    size_t length;     /* of the body */
    const char *query; /* never NULL */
    const char
        *origin; /* of the page that may read the answer; NULL: nobody asked, or there is no need to say so */
};

/* Why a request is not answered. */
struct cgi_refusal {
    int status; /* of HTTP */
    char field[64];
    char detail[432];
};
/* Fills it and returns -EINVAL. */
int bj__cgi_refuse(struct cgi_refusal *ret_refusal, int status, const char *format, ...) BJ_PRINTF(3, 4);

/* A meta-variable, NULL where there is none; getenv(3) but for tests. */
typedef const char *(*cgi_variable_fn)(const void *user, const char *name);
struct cgi_variables {
    cgi_variable_fn get;
    const void *user;
};
const char *bj__cgi_variable(const struct cgi_variables *variables, const char *name);

/* 0, or -EINVAL and why; *ret_request then has the origin that may read that, if it came so far. */
int bj__cgi_request_read(const struct cgi_variables *variables, const struct cgi_rules *rules,
                         struct cgi_request *ret_request, struct cgi_refusal *ret_refusal);

/* origin.c: does a browser ask in the name of a page that has no business here? Part of the above. */
int bj__cgi_origin_check(const struct cgi_variables *variables, const struct cgi_rules *rules,
                         const char **ret_origin, struct cgi_refusal *ret_refusal);
/* The same: is each word of the list one that a browser could send? "*" is one. The first that is not, or NULL. */
const char *bj__cgi_origin_wrong(const char *list);

#endif
