/* The processes of a run, found from outside.
 * Its own file because CPU time and memory are added up over the same list.
 * Changes when: more is read of a process. */
#ifndef BJ_TREE_H
#define BJ_TREE_H

#include "base/base.h"

#include <sys/types.h>

#define BJ_TREE_MAX 4096 /* processes looked at in one walk */

struct bj_tree {
    pid_t pids[BJ_TREE_MAX];
    pid_t parents[BJ_TREE_MAX]; /* 0 for the first */
    size_t count;
};

/* pid 1 of the jail first, parents before their children. free() it; NULL when out of memory. */
struct bj_tree *bj__tree_walk(pid_t root);

/* A small file of proc(5), with a 0 at its end. Bytes read, or -errno. */
ssize_t bj__proc_read(int dirfd, const char *path, char *text, size_t size);

#endif
