/* What can be asked for over HTTP: one table.
 * Its own file because what is served where, to whom and how much of it must be seen at one look.
 * Changes when: a route works in another way; routes.def when there is another one. */
#ifndef BJ_SERVER_ROUTES_H
#define BJ_SERVER_ROUTES_H

#include "base/base.h"
#include "server/config.h"
#include "server/refusal.h"

#include <jansson.h>

#include <stdio.h>

struct bj_exchange;

#define BJ_ROUTE_PARTS 2 /* that a pattern may leave open */

enum bj_route_method { BJ_METHOD_GET, BJ_METHOD_POST, BJ_METHOD_PUT, BJ_METHOD_DELETE, BJ_METHOD__COUNT };
enum bj_route_body { BJ_ROUTE_NO_BODY, BJ_ROUTE_JSON, BJ_ROUTE_JSON_OR_PYTHON, BJ_ROUTE_BYTES, BJ_ROUTE_FORM };

struct bj_route {
    enum bj_route_method method;
    const char *pattern; /* "{}": one part of the path; "{*}", at the end: all that is left of it */
    void (*handler)(struct bj_exchange *exchange);
    bool token; /* a client must be known */
    enum bj_route_body body;
    enum bj_listener_kind listener; /* where it is served */
    const char *what;               /* for the log of a run, and for handlers that serve several: "exec" */
    /* How a refusal is told where another service's words are expected; NULL: as RFC 9457 has it. May change the status. */
    json_t *(*tell)(const struct bj_refusal *refusal, unsigned *status);
};

struct bj_path_part {
    const char *text; /* into the path; not decoded */
    size_t length;
};

/* The route; NULL: none. *ret_allowed: bits of methods that the path has (1u << method). HEAD is GET. */
const struct bj_route *bj__route_find(enum bj_listener_kind listener, const char *method, const char *path,
                                      struct bj_path_part parts[BJ_ROUTE_PARTS], unsigned *ret_allowed);
const char *bj__route_method_name(enum bj_route_method method);
/* "GET, HEAD": text has room for all of them. */
void bj__route_allowed(unsigned allowed, char text[40]);
/* The part, decoded (%20), without NUL and control characters. -EINVAL, or -ENOBUFS when size is too small. */
int bj__path_decode(const struct bj_path_part *part, char *text, size_t size);

#endif
