/* Calls of the caller's functions by a snippet, one at a time.
 * Its own file because a run that gives no functions knows nothing of it.
 * Changes when: a call can be answered in another way. */
#ifndef BJ_CALLS_H
#define BJ_CALLS_H

#include "supervise/call_frame.h"
#include "supervise/run.h"

enum bj_calls_state {
    BJ_CALLS_HEAR,   /* a call or the reply may come */
    BJ_CALLS_HELD,   /* one is the caller's to answer; nothing is read meanwhile */
    BJ_CALLS_ANSWER, /* its answer is being written; the same */
    BJ_CALLS_DEAF    /* what comes is the reply, or garbage, which makes no reply */
};

struct bj_calls {
    enum bj_calls_state state;
    struct bj_strings names; /* in the arena */
    struct bj_arena arena;
    uint32_t number; /* of the last one: how many there were */
    struct bj_call_frame frame;
    struct bj_buf answer;
    size_t answered; /* bytes of it that are written */
    uint64_t begun_us, used_us;
    bool inside; /* of the caller's function: what is watched is put right behind it */
    bool over;   /* nobody is left to be answered */
    bj_call_fn fn;
    void *user;
};

/* Nothing to do where no function is named. */
int bj__calls_start(struct bj_run *run, const struct bj_strings *names, struct bj_error *err);
void bj__calls_free(struct bj_run *run);
/* Of a run that has calls. True: what comes now is its reply. */
bool bj__calls_read(struct bj_run *run);
/* The guest takes more of its answer. */
void bj__calls_write(struct bj_run *run);
/* The call that is under way has no time left. */
void bj__calls_time_out(struct bj_run *run);
/* Everything is dead: calls that nobody has answered are dropped. */
void bj__calls_finish(struct bj_run *run);

#endif
