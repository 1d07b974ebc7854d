/* The outside ids that runs of a root supervisor use, and which of them exist in its own user namespace.
 * Its own file because a wrong range gives two runs one id: it is pure, and tested on its own.
 * Changes when: the syntax of BELLJAR_ID_RANGE or the number of ids of a run changes. */
#ifndef BJ_ID_RANGE_H
#define BJ_ID_RANGE_H

#include "base/base.h"

/* 0x60000000: above what distributions give to subuid(5) and systemd. */
#define BJ_ID_FIRST_DEFAULT 1610612736u
#define BJ_ID_COUNT_DEFAULT 16777216u
#define BJ_ID_FIRST_MINIMUM 65536u
#define BJ_IDS_PER_RUN      2u
#define BJ_PID_MAX_LIMIT    4194304u /* PID_MAX_LIMIT of 64-bit kernels: no pid_max is higher */

_Static_assert(BJ_ID_COUNT_DEFAULT >= BJ_IDS_PER_RUN * BJ_PID_MAX_LIMIT, "the default suits every pid_max");

/* text: "first:count", NULL for the default. A run's ids are first + 2 * pid and one more, so count must be at
 * least twice pid_max. */
int bj__id_range_parse(const char *text, uint64_t pid_max, uint32_t *ret_first, uint32_t *ret_count,
                       struct bj_error *err);
/* Does a text of /proc/self/uid_map or gid_map map all ids of the range? */
bool bj__id_range_mapped(const char *map, uint32_t first, uint32_t count);

#endif
