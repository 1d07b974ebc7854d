/* What a session's supervisor and its processes say to each other.
 * Its own file because both sides, the library and belljar-guest, must read the same sentence.
 * Changes when: a session can be asked for something more.
 *
 * Each process of a session (its root and its branches) has a SOCK_SEQPACKET socket to the supervisor; the root's is
 * BJ_GUEST_REPLY. The root runs no snippet; what a branch says is the guest's word, and is checked for its form alone. Who
 * said HERE is not read from the message: the kernel tells it (SCM_CREDENTIALS, unix(7)). */
#ifndef BJ_SESSION_WIRE_H
#define BJ_SESSION_WIRE_H

#include <stdint.h>

enum bj_session_word {
    BJ_SESSION_FORK = 1, /* to it: fork; with a descriptor, the new branch's own socket */
    BJ_SESSION_RUN,      /* to it: run a snippet; with descriptors in the order of enum bj_session_seat */
    BJ_SESSION_HERE,     /* from it: I am ready. Or why there is no new branch: value is a positive errno */
    BJ_SESSION_DONE      /* from it: the snippet is over; value is its exit code. Or it has forked */
};

enum bj_session_seat {
    BJ_SESSION_STDIN,
    BJ_SESSION_STDOUT,
    BJ_SESSION_STDERR,
    BJ_SESSION_REQUEST, /* as in base/reply.h */
    BJ_SESSION_REPLY,
    BJ_SESSION_ANSWERS, /* only of a snippet with functions of the host's */
    BJ_SESSION_SEATS
};

#define BJ_SESSION_MAGIC 0x626a6331u /* "bjc1" */
struct bj_session_message {
    uint32_t magic;
    uint32_t word; /* enum bj_session_word */
    int32_t value;
    uint32_t number; /* RUN, DONE: which snippet of the session it is, from 1 */
};

#endif
