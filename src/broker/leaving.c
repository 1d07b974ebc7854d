/* Jails whose result is told, and that the kernel still takes apart.
 * Its own file because nobody asks for them any more: they only have to be waited for.
 * Changes when: a jail is removed in another way.
 *
 * To end a process takes the processor that carries the answer to its client. So where a result came first (told_end.c) the process
 * stands until nothing has happened for a moment. */
#include "broker/broker.h"
#include "supervise/run.h"

#include <sys/epoll.h>

#define STANDING_MAX 2u

struct bj_leaving {
    uint64_t key;
    struct bj_run *run;          /* owned */
    struct bj_shared_pool *pool; /* that its jail came from */
    bool stands;                 /* it is to be ended yet */
};

static void remove_one(struct bj_broker *broker, unsigned index)
{
    struct bj_leaving *leaving = broker->leaving[index];
    broker->leaving[index] = NULL;
    broker->standing -= leaving->stands;
    bj_run_free(leaving->run);
    bj__shared_pool_leave(leaving->pool);
    free(leaving);
}

static struct bj_leaving *new_leaving(struct bj_broker *broker, const struct bj_run *run)
{
    unsigned index = 0;
    while (index < BJ_BROKER_LEAVING && broker->leaving[index])
        index++;
    struct bj_leaving *leaving = index < BJ_BROKER_LEAVING ? calloc(1, sizeof(*leaving)) : NULL;
    if (!leaving)
        return NULL;
    leaving->key = bj__broker_key(broker, BJ_EVENT_LEAVING, index);
    if (bj__broker_watch(broker, bj__run_death_fd(run), EPOLLIN, leaving->key) < 0) {
        free(leaving);
        return NULL;
    }
    broker->leaving[index] = leaving;
    return leaving;
}

void bj__leave(struct bj_broker *broker, struct bj_run *run, struct bj_shared_pool *pool)
{
    (void)epoll_ctl(broker->epoll_fd, EPOLL_CTL_DEL, bj_run_fd(run), NULL);
    bool stands = bj__run_stands(run);
    struct bj_leaving *leaving = stands || !bj__run_is_gone(run) ? new_leaving(broker, run) : NULL;
    if (leaving) {
        leaving->run = run;
        leaving->pool = pool;
        leaving->stands = stands;
        broker->standing += stands;
        return;
    }
    bj_run_free(run); /* which waits, should there be no room */
    bj__shared_pool_leave(pool);
}

void bj__leaving_tidy(struct bj_broker *broker, bool at_leisure)
{
    if (broker->standing == 0 || (!at_leisure && broker->standing <= STANDING_MAX))
        return;
    for (unsigned index = 0; index < BJ_BROKER_LEAVING; index++) {
        struct bj_leaving *leaving = broker->leaving[index];
        if (!leaving || !leaving->stands)
            continue;
        leaving->stands = false;
        broker->standing--;
        if (bj__run_is_gone(leaving->run))
            remove_one(broker, index);
    }
}

void bj__leaving_event(struct bj_broker *broker, unsigned index, uint64_t key)
{
    if (index < BJ_BROKER_LEAVING && broker->leaving[index] && broker->leaving[index]->key == key)
        remove_one(broker, index);
}

void bj__leaving_end(struct bj_broker *broker)
{
    for (unsigned index = 0; index < BJ_BROKER_LEAVING; index++)
        if (broker->leaving[index])
            remove_one(broker, index);
}
