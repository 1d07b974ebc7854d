/* Lines that come from the front, before they stand in the log.
 * Its own file because the front may have fallen, and then everything that it says is an attacker's.
 * Changes when: the keeper listens to another word of the front's, or a line may hold something more.
 *
 * The front writes with base/log.h to seat 4 (server/seats.h): each message is one JSON object, one level deep, of strings, numbers
 * and booleans; "event" must be there, "time" and "process" must not, and the keeper writes it anew. Two events are heard as well:
 *     {"event": "ready"}                                     it serves
 *     {"event": "self_test", "ok": true, "text": "..."}      the broker's own tests have ended (WELCOME in broker/wire.h); text: for
 *                                                            people, may have several lines
 * What is not such a line (a sanitizer's report, say) is logged as the text of an event "front_said". */
#ifndef BJ_SERVER_LOG_LINE_H
#define BJ_SERVER_LOG_LINE_H

#include "base/log.h"

#define BJ_LOG_EVENT_SIZE 64

/* What was heard; valid whatever the line was. */
struct bj_log_heard {
    char event[BJ_LOG_EVENT_SIZE]; /* "front_said" for what is no line */
    enum bj_log_level level;
    bool ok;               /* of "self_test": it says so */
    char text[BJ_LOG_MAX]; /* its "text", "" without one; may hold anything but NUL */
};

/* One message, anew in line, which bj__log_end then writes. log->process is the front's name. 0, or -EBADMSG: it was none, and the line
 * says what it was. */
int bj__log_rewrite(const struct bj_log *log, const void *bytes, size_t length, struct bj_log_line *line,
                    struct bj_log_heard *ret_heard);

/* How many lines a front may write: a bucket. */
struct bj_log_gate {
    uint64_t allowed; /* millionths of a line */
    uint64_t filled_us;
    uint64_t refused; /* since the last one that was let through */
};
#define BJ_LOG_GATE_PER_SECOND 1000u
#define BJ_LOG_GATE_BURST      2000u
void bj__log_gate_init(struct bj_log_gate *gate, uint64_t now_us);
/* May one more be written? *ret_refused: how many were not, of which the log should tell now; 0 mostly. */
bool bj__log_gate_pass(struct bj_log_gate *gate, uint64_t now_us, uint64_t *ret_refused);

#endif
