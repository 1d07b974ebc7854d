/* What the files of the control group share with each other and with nobody else.
 * Its own file because cgroup.h is for the callers.
 * Changes when: a leaf gets a place in another hierarchy. */
#ifndef BJ_CGROUP_INTERNAL_H
#define BJ_CGROUP_INTERNAL_H

#include "jail/cgroup.h"

#define BJ_CGROUP_PREFIX "belljar-" /* belljar-<pid>-<n> */
#define BJ_CGROUP_SEATS  4

/* A leaf's place in one hierarchy. They are made in this order and removed in reverse: a supervisor that is
 * killed at any moment leaves something in the first hierarchy, or nothing at all. */
struct bj_cgroup_seat {
    int *fd;
    const char *parent; /* "": not used on this host */
};
void bj__cgroup_seats(struct bj_cgroup *cgroup, struct bj_cgroup_seat seats[BJ_CGROUP_SEATS]);

#endif
