/* A request as records, for a process that must not read JSON.
 * Its own file because who parses what a client wrote is not who is trusted, and this is what stands between them.
 * Changes when: a request can say something more. */
#ifndef BJ_SPEC_WIRE_H
#define BJ_SPEC_WIRE_H

#include "base/tlv.h"
#include "spec/spec.h"

/* X(name). Numbers, texts and nested records of one request. */
#define BJ_REQUEST_TAG_LIST(X)                                                                                 \
    X(KEYS)                                                                                                    \
    X(PROFILE)                                                                                                 \
    X(COMMAND)                                                                                                 \
    X(ARGS)                                                                                                    \
    X(CODE)                                                                                                    \
    X(EXPRESSION)                                                                                              \
    X(GLOBALS)                                                                                                 \
    X(VIEWS)                                                                                                   \
    X(POLICY)                                                                                                  \
    X(PYTHON_PATH)                                                                                             \
    X(TRACE)                                                                                                   \
    X(DISPLAY)                                                                                                 \
    X(DETERMINISTIC)                                                                                           \
    X(ENV)                                                                                                     \
    X(STDIN)                                                                                                   \
    X(DIRECTORY)                                                                                               \
    X(HOSTNAME)                                                                                                \
    X(FILE)                                                                                                    \
    X(COLLECT)                                                                                                 \
    X(MOUNT)                                                                                                   \
    X(LIMIT)                                                                                                   \
    X(LAYER)                                                                                                   \
    X(NETWORK)                                                                                                 \
    X(PROC)                                                                                                    \
    X(OUTPUT_ACTION)                                                                                           \
    X(SYSCALLS)                                                                                                \
    X(NICE)

enum bj_request_tag {
    BJ_REQUEST__NONE,
#define X(name) BJ_REQUEST_##name,
    BJ_REQUEST_TAG_LIST(X)
#undef X
        BJ_REQUEST__COUNT
};

/* Members of nested records, by these names in both directions: a file's path, source, bytes, executable; a mount's source, target,
 * mode, optional, executable; number and value of a limit or a layer; steps and bytes; on, seed and start. */
enum { BJ_MEMBER_A = 1, BJ_MEMBER_B, BJ_MEMBER_C, BJ_MEMBER_D, BJ_MEMBER_E };

/* 0, -ENOBUFS, -ENOMEM. */
int bj__request_encode(const struct bj_request *request, struct bj_buf *buf);
/* Checks each value as the reader of JSON does; what depends on several of them is bj__spec_tighten's. The policy is taken as it is:
 * who sent it has read it, and the guest reads it again. -EBADMSG: these are no records of a request. */
int bj__request_decode(const void *bytes, size_t length, struct bj_request *ret_request, struct bj_error *err);

#endif
