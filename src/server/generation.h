/* One configuration at work: a broker and a front.
 * Its own file because two of them run side by side while one takes over from the other.
 * Changes when: broker or front are started, watched or ended in another way. */
#ifndef BJ_SERVER_GENERATION_H
#define BJ_SERVER_GENERATION_H

#include <poll.h>

#include "server/child.h"
#include "server/listen.h"
#include "server/log_line.h"

#define BJ_GENERATION_FAREWELL_US 1000000ull /* that a front has to tell its clients why it ends */
#define BJ_GENERATION_POLLS       3          /* broker, front, the front's log */

enum bj_generation_state {
    BJ_GENERATION_STARTING, /* no front of it has said yet that it is ready */
    BJ_GENERATION_SERVING,
    BJ_GENERATION_DRAINING, /* what runs may end; nothing is started again */
    BJ_GENERATION_GONE      /* nothing of it runs */
};

struct bj_generation {
    unsigned number; /* 1, 2, ...: in the log */
    enum bj_generation_state state;
    struct bj_config *config; /* owned */
    int config_fd;            /* owned: its text, sealed */
    struct bj_child broker, front;
    int broker_fd;       /* owned: the keeper's end of the broker's seat 3 */
    int log_fd;          /* owned: the keeper's end of the front's seat 4 */
    struct bj_log *log;  /* the keeper's */
    struct bj_log heard; /* the same place, in the front's name */
    struct bj_log_gate gate;
    const struct bj_listen_set *listening;
    unsigned failures;    /* ends that nobody asked for, without a quiet time between them */
    unsigned crashes;     /* by a signal */
    uint64_t start_at_us; /* when what does not run is started again */
    uint64_t ready_by_us; /* when a front that is not ready yet is ended */
    uint64_t kill_at_us;  /* when what still runs is killed; UINT64_MAX: never */
    bool takes_over;      /* another one serves: its front takes connections only if its walls hold */
    bool self_test_heard, self_test_ok;
    char self_test[BJ_LOG_MAX];
};

/* Takes the configuration, which has been opened in listening. Nothing is started yet: bj__generation_step does. NULL: told in err. */
struct bj_generation *bj__generation_new(unsigned number, struct bj_config *config,
                                         const struct bj_listen_set *listening, struct bj_log *log,
                                         struct bj_error *err);
/* What of it still runs is killed. */
void bj__generation_free(struct bj_generation *generation);

/* Runs may go on until until_us; then they are killed. */
void bj__generation_drain(struct bj_generation *generation, uint64_t until_us);
void bj__generation_kill(struct bj_generation *generation);
/* Another one was to take over from it, and could not. */
void bj__generation_stay(const struct bj_generation *generation);

/* How many of polls it filled. */
size_t bj__generation_polls(const struct bj_generation *generation, struct pollfd polls[BJ_GENERATION_POLLS]);
/* Hears what there is to be heard, reaps what has ended, does what is due. */
void bj__generation_step(struct bj_generation *generation);
/* When bj__generation_step must be called even if nothing comes; UINT64_MAX: never. */
uint64_t bj__generation_next_us(const struct bj_generation *generation);

/* generation_start.c: 0, or a negative errno with err filled. */
int bj__generation_start_broker(struct bj_generation *generation, struct bj_error *err);
int bj__generation_start_front(struct bj_generation *generation, struct bj_error *err);
/* How long to wait before the next start: nothing after the first failure, then ever longer. Pure. */
uint64_t bj__generation_backoff_us(unsigned failures);

#endif
