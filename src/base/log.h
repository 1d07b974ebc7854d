/* Lines of a service's log: one JSON object each, of texts, numbers and booleans.
 * Its own file because keeper, broker and front write them alike, and a log that can be forged is none.
 * Changes when: a line can hold something more, or goes somewhere else. */
#ifndef BJ_LOG_H
#define BJ_LOG_H

#include "base/base.h"

/* Bytes of a line with its end: what a pipe takes at once or not at all, so that lines of two processes never mix. */
#define BJ_LOG_MAX 4096u

/* X(name, text, number of syslog(3)) */
#define BJ_LOG_LEVEL_LIST(X)                                                                                   \
    X(DEBUG, "debug", 7)                                                                                       \
    X(INFO, "info", 6)                                                                                         \
    X(WARNING, "warning", 4)                                                                                   \
    X(ERROR, "error", 3)

enum bj_log_level {
#define X(name, text, number) BJ_LOG_##name,
    BJ_LOG_LEVEL_LIST(X)
#undef X
        BJ_LOG__COUNT
};

struct bj_log {
    int fd;              /* not owned: stderr; or the front's socket to the keeper, SOCK_SEQPACKET */
    const char *process; /* NULL: the line goes to the keeper, which adds who said it, and when */
    bool journal;        /* stderr is the journal's: its level goes before each line, as sd-daemon(3) has it */
    int wait_ms;         /* of stderr: how long a line waits for room; 0 unless it is set */
    uint64_t dropped;    /* lines that nobody had room for; told before the next one that somebody has */
};

/* process: "keeper" or "broker", for lines on stderr; NULL for a socket to the keeper. */
void bj__log_init(struct bj_log *log, int fd, const char *process);
const char *bj__log_level_name(enum bj_log_level level);
/* -1: there is no such level. */
int bj__log_level_find(const char *name);

/* One line in the making:
 *     struct bj_log_line line;
 *     bj__log_begin(&line, log, BJ_LOG_INFO, "request");
 *     bj__log_text(&line, "path", path);
 *     bj__log_number(&line, "status", 200);
 *     bj__log_end(log, &line);
 * Names of events and keys are ours: a-z, 0-9 and '_'. Texts may be anybody's: what is not printable ASCII is written as \u, what is
 * not UTF-8 as \ufffd. What does not fit is cut, and the line says so ("cut": true). */
struct bj_log_line {
    char text[BJ_LOG_MAX + 1];
    size_t length;
    bool cut;
};
void bj__log_begin(struct bj_log_line *line, const struct bj_log *log, enum bj_log_level level,
                   const char *event);
void bj__log_text(struct bj_log_line *line, const char *key, const char *value); /* NULL: nothing */
void bj__log_bytes(struct bj_log_line *line, const char *key, const void *bytes, size_t length);
void bj__log_number(struct bj_log_line *line, const char *key, int64_t value);
void bj__log_real(struct bj_log_line *line, const char *key, double value); /* finite */
void bj__log_flag(struct bj_log_line *line, const char *key, bool value);
/* Never waits for longer than log->wait_ms: a line that cannot be written by then is counted in log->dropped. */
void bj__log_end(struct bj_log *log, struct bj_log_line *line);

/* The usual ones. "text" is for people. */
void bj__log_say(struct bj_log *log, enum bj_log_level level, const char *event, const char *format, ...)
    BJ_PRINTF(4, 5);
/* "field" and "text". */
void bj__log_problem(struct bj_log *log, enum bj_log_level level, const char *event,
                     const struct bj_error *err);

#endif
