/* What one use of the injector is asked to do, and what it has seen.
 * Its own file because the command line, the tracing and the report share it.
 * Changes when: something else can be done to a process at one of its system calls. */
#ifndef BJ_INJECT_H
#define BJ_INJECT_H

#include "tracee.h"

#include <stdio.h>
#include <sys/types.h>

enum act {
    ACT_LIST, /* only say which calls there are */
    ACT_FAIL, /* the call does not happen and gives an errno */
    ACT_LIE,  /* the call does not happen and gives 0 */
    ACT_KILL  /* SIGKILL to the command itself; the call is made only once the command is dead */
};

#define MAX_TRACEES 64

struct tracee {
    pid_t pid;
    int process; /* 0: the command, then in the order in which they are made */
    unsigned calls;
    unsigned execs;
    bool filtered; /* has loaded a seccomp filter */
    bool pending;  /* the answer to a stopped call is due at its exit */
    long number;   /* of the call that it is in */
    uint64_t argument;
};

struct session {
    enum act act;
    int process;    /* whose calls are counted */
    unsigned at;    /* the call that is hit, from 1 */
    unsigned round; /* which of its errnos */
    unsigned deadline_seconds;
    FILE *report;

    pid_t command;
    bool command_ended;
    bool hit;
    enum stop_by how;
    int64_t answer;
    struct saved saved;
    struct tracee tracees[MAX_TRACEES];
    int tracee_count;
    unsigned counted; /* calls of that process */
};

/* watch.c: traces until the command and everything that came of it is gone, or time is up. */
void bj_inject_watch(struct session *session);

#endif
