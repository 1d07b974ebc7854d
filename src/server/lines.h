/* Protocols without HTTP: listeners, and connections on which a request comes as bytes and an answer goes out as bytes.
 * Its own file because what is common to them, who waits for whom and for how long, is written once.
 * Changes when: another such protocol is spoken, or one needs something more of its connection. */
#ifndef BJ_SERVER_LINES_H
#define BJ_SERVER_LINES_H

#include "server/frame.h"
#include "server/service.h"

struct bj_line;

/* A protocol. Each of these may answer at once. */
struct bj_line_kind {
    enum bj_frame_form form;
    bool again; /* another request may follow the answer */
    /* A whole request has come: line->frame.body, until it is answered or a job is started. */
    void (*asked)(struct bj_line *line);
    /* The answer is this one; called instead of asked, or when a job is refused. */
    void (*refused)(struct bj_line *line, const struct bj_refusal *refusal);
};

extern const struct bj_line_kind bj__line_nul, bj__line_json;

/* Whose turn it is, and what ends it otherwise. */
enum bj_line_turn {
    BJ_LINE_CLIENT, /* a request is to come: idle_us */
    BJ_LINE_OURS,   /* a run is under way: its limits */
    BJ_LINE_ANSWER, /* the answer is to be read: idle_us */
    BJ_LINE_PARTING, /* all is said; what the client still sends is thrown away, until it closes or a second has passed */
    BJ_LINE__TURNS,
    BJ_LINE_DEAD = BJ_LINE__TURNS /* freed when this turn of the loop ends */
};

struct bj_line {
    struct bj_source source;
    TAILQ_ENTRY(bj_line) entry;
    struct bj_lines *lines;
    const struct bj_line_kind *kind;
    int fd; /* owned */
    enum bj_line_turn turn;
    uint64_t since_us; /* of the turn, or of its last piece of progress */
    size_t moved;      /* bytes since then */
    uint32_t events;   /* that are waited for */
    struct bj_frame frame;
    size_t frame_held; /* its bytes, counted in service->buffered */
    struct bj_buf out;
    size_t sent;        /* of out */
    unsigned char tail; /* the last byte that was said; 0: none was */
    bool last;          /* nothing follows this answer */
    bool answered;      /* it has had an answer, and another request may follow */
    bool client_ended;  /* the client has closed its half */
    struct bj_job *job; /* the kind's */
};
TAILQ_HEAD(bj_line_list, bj_line);

struct bj_line_listener {
    struct bj_source source;
    struct bj_lines *lines;
    const struct bj_line_kind *kind;
    int fd; /* owned; -1: none */
};

struct bj_lines {
    struct bj_crowd crowd;
    struct bj_service *service;
    struct bj_loop *loop;
    struct bj_line_listener listeners[BJ_CONFIG_LISTENERS];
    size_t listener_count;
    struct bj_line_list turns[BJ_LINE__TURNS]; /* the one that has waited for longest first */
    struct bj_line_list dead;
    uint64_t rest_until_us; /* no connection is taken until then: descriptors are short. 0: it is not so */
    uint64_t ask_until_us;  /* who has had an answer can ask once more until then; UINT64_MAX: it is not so */
};

void bj__lines_init(struct bj_lines *lines, struct bj_service *service, struct bj_loop *loop);
/* Takes the descriptor, a listening socket; whoever connects waits until bj__lines_open(). */
int bj__lines_listen(struct bj_lines *lines, const struct bj_line_kind *kind, int *fd);
/* From now on connections are taken. Once. */
int bj__lines_open(struct bj_lines *lines);
/* Ends what has waited for too long. Returns when it must be called again. */
uint64_t bj__lines_tend(struct bj_lines *lines, uint64_t now_us);
/* Is anything asked and not answered, or may it still come? */
bool bj__lines_busy(const struct bj_lines *lines);
/* No new connection is taken. Who is there and has not asked yet, or has half a request under way, has come for an answer, and has for it
 * what time it has ever: idle_us of silence. Who has had one and is between two requests may never ask again, and has a second. Each
 * answer from now on is the last of its connection. */
void bj__lines_drain(struct bj_lines *lines);
/* Whoever still waits, or has begun to ask, is told that nothing will come. */
void bj__lines_done(struct bj_lines *lines);

/* ---- for protocols -------------------------------------------------------------------------------- */

/* line_out.c. Sends, or keeps for later as long as at most most bytes wait. -ENOBUFS, -ENOMEM: none of it. -EPIPE: the client is gone. */
int bj__line_say(struct bj_line *line, const void *bytes, size_t length, size_t most);
/* All of the answer is said. */
void bj__line_answered(struct bj_line *line);
/* The client is gone, or given up: its run ends, and nothing is said any more. */
void bj__line_drop(struct bj_line *line);

/* ---- between lines.c and line_out.c ---------------------------------------------------------------- */

void bj__line_turn(struct bj_line *line, enum bj_line_turn turn);
/* So many bytes came or went. A crawl is no sign of life. */
void bj__line_progress(struct bj_line *line, size_t bytes);
/* What is waited for in this turn. */
void bj__line_watch(struct bj_line *line);
/* Sends what the socket takes. */
void bj__line_flush(struct bj_line *line);
void bj__line_release_out(struct bj_line *line);

#endif
