/* What the program that runs Python says when it has run: the wire between belljar-guest and the supervisor.
 * Its own file because both sides must read the same sentence, and one of them believes none of it.
 * Changes when: a reply says something more.
 *
 * The guest has two descriptors besides stdin, stdout and stderr. BJ_GUEST_REQUEST is a sealed memfd with the request
 * (request_wire.h); BJ_GUEST_REPLY is a pipe to the supervisor. A reply is a row of parts, in rising order of kind, each
 * kind once at most, the last one BJ_REPLY_END: a head, then its bytes. The code that is run can write there as well:
 * what comes is data of the guest like its stdout, and only its form is checked.
 *
 * Where the host gives functions, calls of them may come before the reply, one after the other, and BJ_GUEST_ANSWERS is a pipe
 * from the supervisor, with one answer to each. Pipes and no socket: over a socket the guest could send descriptors, whose last
 * close (socket(7), SO_LINGER) would hold up whoever reads. */
#ifndef BJ_REPLY_H
#define BJ_REPLY_H

#include <stdint.h>

enum { BJ_GUEST_REQUEST = 4, BJ_GUEST_REPLY = 6, BJ_GUEST_ANSWERS = 7 };

enum bj_reply_kind {
    BJ_REPLY_VALUE = 1,     /* JSON: what the expression came to */
    BJ_REPLY_GLOBALS = 2,   /* JSON object: the variables that JSON can hold */
    BJ_REPLY_EXCEPTION = 3, /* JSON object of three texts: type, message, traceback */
    BJ_REPLY_POLICY = 4,    /* JSON object: what the policy denied, names in the text, what was printed */
    BJ_REPLY_TRACE = 5,     /* JSON object: steps, an array of objects; truncated, true or false */
    BJ_REPLY_END = 6        /* empty; what is told before it is all there is to tell */
};

#define BJ_REPLY_MAGIC 0x626a7231u /* "bjr1" */
struct bj_reply_head {
    uint32_t magic;
    uint32_t kind; /* enum bj_reply_kind */
    uint32_t length;
};

/* A call: this head, and then name, arguments (a JSON array) and keywords (a JSON object), each with a zero behind it that its
 * length does not count. Numbers rise by one from 1: a call that the guest has given up is answered all the same. */
#define BJ_CALL_MAGIC 0x626a6b31u /* "bjk1" */
struct bj_call_head {
    uint32_t magic;
    uint32_t number;
    uint32_t name_length;
    uint32_t arguments_length;
    uint32_t keywords_length;
};

enum bj_answer_kind {
    BJ_ANSWER_VALUE = 1,    /* JSON */
    BJ_ANSWER_EXCEPTION = 2 /* JSON object of two texts: type, message */
};

#define BJ_ANSWER_MAGIC 0x626a6131u /* "bja1" */
struct bj_answer_head {
    uint32_t magic;
    uint32_t number; /* of the call */
    uint32_t kind;   /* enum bj_answer_kind */
    uint32_t length; /* of what follows */
};

/* Nesting of what is told: deeper data is not JSON to us. */
#define BJ_REPLY_DEPTH 64

#endif
