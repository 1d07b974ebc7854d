/* One stopped process under ptrace(2): what it is about to ask of the kernel, and how to make that come to
 * nothing.
 * Its own file because these few functions are all that differs between processors.
 * Changes when: another architecture is supported. */
#ifndef BJ_TRACEE_H
#define BJ_TRACEE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct call {
    bool entry;
    long number;
    uint64_t args[6];
    int64_t result; /* at its exit */
};

/* What stands in the way of a call. */
enum stop_by {
    STOP_BY_NUMBER,    /* there is no such system call */
    STOP_BY_ARGUMENTS, /* a bad descriptor, a bad pointer: for one whose filter kills at an unknown number */
    STOP_NOT /* it happens, only its result is another: close(2) lets go of the descriptor whatever it says */
};

struct saved {
    uint64_t words[48];
    uint64_t length;
};

/* False: not at a system call. */
bool bj_tracee_call(pid_t pid, struct call *ret_call);
/* At the entry. */
bool bj_tracee_stop(pid_t pid, long number, enum stop_by how, struct saved *ret_saved);
/* At the exit: the registers are what they were, but for the result. */
bool bj_tracee_answer(pid_t pid, enum stop_by how, const struct saved *saved, int64_t result);

#endif
