/* A run that was started, brought to its end.
 * Its own file because every command that relays a program's output waits in the same way.
 * Changes when: something else can end the wait. */
#ifndef BJ_CLI_DRIVE_H
#define BJ_CLI_DRIVE_H

#include "base/base.h"
#include "cli/relay.h"

/* Signals are held (interrupt.h), output is relayed until nothing is left of it. A signal, or a reader of stdout
 * that has gone away, ends the run. */
int bj__drive(struct bj_run *run, struct relay *relay, struct bj_result **ret_result, struct bj_error *err);
/* Has whoever read stdout gone away? */
bool bj__drive_is_unheard(const struct relay *relay);

#endif
