/* Names of signals and errnos, as programs print them.
 * Its own file because not every libc has them (sigabbrev_np and strerrorname_np are glibc's, since 2.32).
 * Changes when: a name is needed that is missing. */
#ifndef BJ_NAMES_H
#define BJ_NAMES_H

/* "SIGKILL"; NULL for a number without a name (real-time signals among them). */
const char *bj__signal_name(int signal);
/* "EACCES"; "errno N" has no name here: NULL. Those that a filter can answer with. */
const char *bj__errno_name(int errnum);

#endif
