/* The head of a request, judged: pure, and no part of libmicrohttpd.
 * Its own file because every line that a stranger writes before anything else is looked at here, and fuzzed here.
 * Changes when: a head must say, or must not say, something else. */
#ifndef BJ_SERVER_HEAD_H
#define BJ_SERVER_HEAD_H

#include "server/refusal.h"

/* Headers that must not come twice, because two readers could believe different ones. X(field, name in small letters) */
#define BJ_HEAD_LIST(X)                                                                                        \
    X(host, "host")                                                                                            \
    X(origin, "origin")                                                                                        \
    X(authorization, "authorization")                                                                          \
    X(content_type, "content-type")                                                                            \
    X(content_length, "content-length")                                                                        \
    X(content_encoding, "content-encoding")                                                                    \
    X(transfer_encoding, "transfer-encoding")                                                                  \
    X(expect, "expect")

struct bj_head {
#define X(field, name) const char *field; /* NULL: not there */
    BJ_HEAD_LIST(X)
#undef X
    const char *accept; /* the first one */
    const char
        *next; /* where the next line must begin, if nothing was hidden behind the one before; NULL: unknown */
    unsigned count;
    bool twice; /* one of the list came twice */
    bool odd;   /* a name or a value with characters that have no place there */
    bool gap;   /* a line that libmicrohttpd cut, joined or ended in an unusual way */
};

/* One header, in order. Lengths without NUL. */
void bj__head_take(struct bj_head *head, const char *name, size_t name_length, const char *value,
                   size_t value_length);

/* What a request may be, by who listens and what is asked for. */
struct bj_head_rules {
    bool check_host;          /* TCP: Host and Origin must be ours */
    const char *const *hosts; /* names, without a port; NULL ends them */
    const char *own_address;  /* of the socket that it came in by, as text; NULL: none */
    uint64_t body_most;       /* 0: there must be none */
    bool json, python, form;  /* forms that the body may have */
};

enum bj_body_form {
    BJ_BODY_NONE,
    BJ_BODY_JSON,
    BJ_BODY_PYTHON,
    BJ_BODY_BYTES,
    BJ_BODY_MULTIPART,
    BJ_BODY_URLENCODED
};

/* What is wrong with the version, the line and the framing: then the connection must be closed. */
bool bj__head_frame(const struct bj_head *head, const char *version, const char *path,
                    struct bj_refusal *refusal);
bool bj__head_host(const struct bj_head *head, const struct bj_head_rules *rules, const char *version,
                   struct bj_refusal *refusal);
/* Its form and its length, where it is said. */
bool bj__head_body(const struct bj_head *head, const struct bj_head_rules *rules, enum bj_body_form *ret_form,
                   uint64_t *ret_length, struct bj_refusal *refusal);
/* The token; NULL: no header. false: there is a header, and it is none. */
bool bj__head_token(const struct bj_head *head, const char **ret_token, size_t *ret_length);
bool bj__head_accepts_events(const struct bj_head *head);

#endif
