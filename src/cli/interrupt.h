/* SIGINT, SIGTERM and SIGHUP: remembered, so that the run can be ended in order.
 * Its own file because it holds the only variable of the command that outlives a call.
 * Changes when: another signal ends a run. */
#ifndef BJ_CLI_INTERRUPT_H
#define BJ_CLI_INTERRUPT_H

#include <poll.h>

/* Installs the handlers (a signal that the caller ignores, as nohup(1) does, stays ignored); SIGPIPE is
 * ignored. */
void bj__interrupt_catch(void);
/* After the run has started, so that the program does not inherit the mask: from here the signals arrive only
 * in bj__interrupt_poll, and none can slip in between a check and the wait. */
void bj__interrupt_hold(void);
/* The signal that arrived, or 0. */
int bj__interrupt_signal(void);
/* The same; SIGINT is forgotten by that, the others stay. Only while signals are held. */
int bj__interrupt_take(void);
/* ppoll(2) without a deadline, during which the signals arrive. */
void bj__interrupt_poll(struct pollfd *polls, nfds_t count);

#endif
