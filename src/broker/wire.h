/* What the broker and those who ask it say to each other.
 * Its own file because it is the whole of what crosses between who parses and who is trusted.
 * Changes when: something more can be asked of the broker, or told.
 *
 * Messages go over a SOCK_SEQPACKET socket: a head, and records (base/tlv.h) behind it, at most BJ_MESSAGE_MAX bytes together. A body
 * that is longer comes as a sealed memfd instead, the message's only descriptor. Numbers are little endian. Who breaks a rule is
 * not answered: the socket is closed, and what it had running is ended.
 *
 * "id" is the asker's own number of what it asked for, and comes back with every message about it. It is free for use again after the last of
 * these: RESULT, REFUSED, OPENED, BRANCHED, CLOSED, STATE. */
#ifndef BJ_BROKER_WIRE_H
#define BJ_BROKER_WIRE_H

#include "base/tlv.h"

#define BJ_BROKER_MAGIC   0x626a6231u /* "bjb1" */
#define BJ_BROKER_VERSION 1u
#define BJ_MESSAGE_MAX    65536u
#define BJ_BODY_MAX       (256u << 20) /* bytes of a request or of a result */

/* X(name, from). What is asked. */
#define BJ_ASK_LIST(X)                                                                                                                                              \
    X(HELLO) /* once, first: VERSION */                                                                                                                             \
    X(RUN) /* REQUEST, PARTS?, STREAM? (1: STARTED, then OUTPUT...; 2: the same, and a snippet's stderr is its stdout), SESSION?, BRANCH? (1): RESULT or REFUSED */ \
    X(CANCEL) /* of a run: its status is cancelled, and RESULT comes as ever */                                                                                     \
    X(OPEN)   /* a session: REQUEST without a program; answered by OPENED or REFUSED */                                                                             \
    X(BRANCH) /* SESSION, ACTION, BRANCH, FROM; answered by BRANCHED or REFUSED */                                                                                  \
    X(CLOSE)  /* SESSION; answered by CLOSED */                                                                                                                     \
    X(FILES)  /* SESSION, REQUEST: its collect; answered by FILES or REFUSED */                                                                                     \
    X(WATCH)  /* how it stands; answered by STATE */

/* What is told. */
#define BJ_TOLD_LIST(X)                                                                                         \
    X(WELCOME) /* VERSION, CAPACITY, READY: its own tests have held, TEXT: what has not; a PROFILE for each */  \
    X(PROFILE) /* NAME, JSON: what it gives, as belljar-spec(5) has it; PARKED: snippets of it start at once */ \
    X(STARTED)  /* the program runs; PID */                                                                     \
    X(OUTPUT)   /* STREAM, BYTES */                                                                             \
    X(RESULT)   /* the outcome */                                                                               \
    X(REFUSED)  /* nothing was started: CODE, ERRNO, FIELD, TEXT */                                             \
    X(OPENED)   /* SESSION */                                                                                   \
    X(BRANCHED) /* BRANCH: the new one, or the one that was restored or dropped */                              \
    X(CLOSED)                                                                                                   \
    X(FILES) /* of a session: FILE... */                                                                        \
    X(ENDED) /* a session that ended by itself: SESSION; id 0 */                                                \
    X(STATE) /* COUNTER, COUNT, and so on; TASK for each run: NAME of its profile, WALL_US, PID, SESSION? */

enum bj_message_type {
    BJ_MESSAGE__NONE,
#define X(name) BJ_ASK_##name,
    BJ_ASK_LIST(X)
#undef X
        BJ_ASK__COUNT,
    BJ_TOLD__FIRST = 64,
#define X(name) BJ_TOLD_##name,
    BJ_TOLD_LIST(X)
#undef X
        BJ_TOLD__COUNT
};

#define BJ_FIELD_LIST(X)                                                                                       \
    X(VERSION)                                                                                                 \
    X(CAPACITY)                                                                                                \
    X(READY)                                                                                                   \
    X(NAME)                                                                                                    \
    X(JSON)                                                                                                    \
    X(PARKED)                                                                                                  \
    X(TEXT)                                                                                                    \
    X(REQUEST)                                                                                                 \
    X(STREAM)                                                                                                  \
    X(PARTS)                                                                                                   \
    X(SESSION)                                                                                                 \
    X(BRANCH)                                                                                                  \
    X(FROM)                                                                                                    \
    X(ACTION)                                                                                                  \
    X(PID)                                                                                                     \
    X(BYTES)                                                                                                   \
    X(CODE)                                                                                                    \
    X(ERRNO)                                                                                                   \
    X(FIELD)                                                                                                   \
    X(STATUS)                                                                                                  \
    X(EXIT_STATUS)                                                                                             \
    X(EXIT_CODE)                                                                                               \
    X(SIGNAL)                                                                                                  \
    X(LIMIT)                                                                                                   \
    X(ERROR)                                                                                                   \
    X(STDOUT)                                                                                                  \
    X(STDERR)                                                                                                  \
    X(TRUNCATED)                                                                                               \
    X(VALUE)                                                                                                   \
    X(GLOBALS)                                                                                                 \
    X(EXCEPTION)                                                                                               \
    X(FILE)                                                                                                    \
    X(PATH)                                                                                                    \
    X(WALL_US)                                                                                                 \
    X(CPU_US)                                                                                                  \
    X(MEMORY_BYTES)                                                                                            \
    X(COUNTER)                                                                                                 \
    X(COUNT)                                                                                                   \
    X(TASK)

enum bj_field {
    BJ_FIELD__NONE,
#define X(name) BJ_FIELD_##name,
    BJ_FIELD_LIST(X)
#undef X
        BJ_FIELD__COUNT
};

enum bj_branch_action { BJ_BRANCH_FORK, BJ_BRANCH_SNAPSHOT, BJ_BRANCH_RESTORE, BJ_BRANCH_DROP };

struct bj_message_head {
    uint32_t magic;
    uint16_t type;
    uint16_t in_memfd; /* 1: the body is the descriptor that comes with it; otherwise 0 */
    uint32_t id;
    uint32_t length; /* of the body */
};

/* One that was received. body is valid until bj__message_done. */
struct bj_message {
    uint16_t type;
    uint32_t id;
    const unsigned char *body;
    uint32_t length;
    void *mapping; /* owned: where the body stands in memory of its own */
    bool copied;   /* by malloc; otherwise it is mapped */
};
void bj__message_done(struct bj_message *message);

#endif
