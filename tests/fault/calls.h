/* What is known of system calls: their names, with which errnos they can fail, and which of their arguments is
 * a path.
 * Its own file because this is a table, and the injector is not.
 * Changes when: Belljar makes a system call that fails in a way of its own. */
#ifndef BJ_CALLS_H
#define BJ_CALLS_H

#include <stddef.h>

#define CALL_ERRNOS 3

/* How many errnos a call can fail with, up to CALL_ERRNOS; 0: it cannot fail. */
size_t bj_call_errnos(long number, int ret_errnos[CALL_ERRNOS]);
const char *bj_call_name(long number, char *text, size_t size);
int bj_call_path_argument(long number); /* or -1 */
long bj_call_number(const char *name);  /* a number that no call has where this architecture lacks it */

#endif
