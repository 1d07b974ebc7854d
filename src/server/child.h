/* A process that the keeper starts, and hears the end of.
 * Its own file because what a process inherits is decided in one place.
 * Changes when: a process is started, signalled or reaped in another way. */
#ifndef BJ_SERVER_CHILD_H
#define BJ_SERVER_CHILD_H

#include <sys/types.h>

#include "base/base.h"

#define BJ_CHILD_SEATS 64

struct bj_child {
    pid_t pid; /* 0: it does not run */
    int pidfd; /* owned */
    uint64_t started_us;
    bool told_to_end; /* by us: its end is none of its own doing */
};

/* What it gets, and nothing else. */
struct bj_child_start {
    const char *path;
    const char *const *argv;
    const char *const *environment;
    const int *seats; /* become the descriptors 0, 1, 2, ... of it; each may stand there more than once */
    size_t seat_count;
    int oom_score_adj; /* of it; only ever raised */
};

void bj__child_init(struct bj_child *child);
/* Returns when it has become that program, or could not. */
int bj__child_start(struct bj_child *child, const struct bj_child_start *start, struct bj_error *err);
/* SIGTERM, SIGKILL. */
void bj__child_signal(struct bj_child *child, int number);
/* true: it has ended, with this status of waitpid(2), and the struct is free for another. */
bool bj__child_reap(struct bj_child *child, int *ret_status);

/* The programs of the service: beside this one, in a build directory's neighbour, or where they were installed. */
#define BJ_CHILD_PATH 4096
int bj__child_find(const char *name, const char *neighbour, char ret_path[BJ_CHILD_PATH], struct bj_error *err);

#endif
