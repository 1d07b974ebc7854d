/* What keeps guests from starving the service itself.
 * Its own file because it is about the host's scheduling, not about serving.
 * Changes when: the service is protected by something more. */
#ifndef BJ_SERVER_PROTECT_H
#define BJ_SERVER_PROTECT_H

#include "base/log.h"

#define BJ_PROTECT_OOM_SCORE (-500)

/* Before any process is started. Where the control group that this process stands in is its own to divide, moves it into a group
 * "service" below, so that runs get theirs beside it; tells in the log what it did, and what it may not. */
void bj__protect(struct bj_log *log);

#endif
