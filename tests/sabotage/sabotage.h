/* What the parts of the sabotaged command share.
 * Its own file because the plan's edits and the child's changed operations must agree on a few numbers.
 * Changes when: a wall needs another operation than those that Belljar has. */
#ifndef BJ_SABOTAGE_H
#define BJ_SABOTAGE_H

#include "plan/plan_internal.h"

/* Operations that Belljar does not have. They travel as NICE, with this flag, and value says which. */
#define SABOTAGE_FLAG (1u << 15)

enum sabotage_op {
    SABOTAGE_PIVOT_KEEP = 1, /* pivot, but leave the host's root attached below */
    /* slot: the host's root, which becomes the root; text: where the jail's /box is put in it */
    SABOTAGE_STAND_IN_HOST,
    SABOTAGE_HOLD_SECUREBITS, /* securebits that let capabilities be kept over a change of ids */
    SABOTAGE_HOLD_IDS,        /* value2: id, or UINT64_MAX for the run's own; CAP_SYS_ADMIN stays until exec */
    SABOTAGE_HOLD_ADMIN,      /* all capabilities but CAP_SYS_ADMIN go; that one goes at exec */
    SABOTAGE_STDIO            /* slot: what stdin is, or -1; value2: close nothing */
};

/* sabotage.c */
bool sabotage_is_off(const char *wall);

/* edits.c: one for each row of walls.def. */
#define X(name, take_away, what) void take_away(struct bj_plan *plan);
#include "walls.def"
#undef X
void drop_assertions(struct bj_plan *plan);
/* Once all walls that go are gone: what is left must still work together. */
void mend_plan(struct bj_plan *plan);

#endif
