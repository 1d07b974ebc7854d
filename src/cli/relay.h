/* Where the program's output goes: belljar's own stdout and stderr, or files.
 * Its own file because a slow, full or closed receiver must never delay the supervision of the run.
 * Changes when: output can go somewhere else. */
#ifndef BJ_CLI_RELAY_H
#define BJ_CLI_RELAY_H

#include <poll.h>

#include "base/buf.h"
#include "cli/escape.h"

struct sink {
    int fd;                /* -1: output is dropped */
    bool owned;            /* the descriptor is closed at the end */
    bool looked;           /* the next two are known */
    bool regular;          /* a file: writing never waits for anybody */
    bool escaped;          /* a terminal, and not --raw-output */
    int failed;            /* positive errno of the write that ended relaying, or 0 */
    size_t sent;           /* of waiting */
    struct bj_buf waiting; /* bounded by the run's output limit; the library passes no more */
    struct escape escape;
};

struct relay {
    struct sink out;
    struct sink err;
    bool merged; /* stderr goes to out */
    bool raw;
};

void bj__relay_init(struct relay *relay);
void bj__relay_done(struct relay *relay);
/* bj_output_fn; user is the struct relay. Never blocks. */
void bj__relay_output(void *user, enum bj_stream stream, const void *bytes, size_t length);
/* Writes what can be written without waiting. True: nothing is left. */
bool bj__relay_flush(struct relay *relay);
/* No more output will come: a sequence that was cut short is written as what it is. */
void bj__relay_end(struct relay *relay);
/* Entries for poll(2) for what waits; at most 2. */
nfds_t bj__relay_poll(const struct relay *relay, struct pollfd *ret_polls);

#endif
