/* Names of signals and errnos, as programs print them.
 * Its own file because not every libc has them (sigabbrev_np and strerrorname_np are glibc's, since 2.32).
 * Changes when: a name is needed that is missing. */
#include "base/names.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

struct name {
    int number;
    const char *text;
};
#define NAME(x)                                                                                                \
    {                                                                                                          \
        x, #x                                                                                                  \
    }

static const struct name signals[] = {
    NAME(SIGHUP),  NAME(SIGINT),    NAME(SIGQUIT), NAME(SIGILL),    NAME(SIGTRAP), NAME(SIGABRT),
    NAME(SIGBUS),  NAME(SIGFPE),    NAME(SIGKILL), NAME(SIGUSR1),   NAME(SIGSEGV), NAME(SIGUSR2),
    NAME(SIGPIPE), NAME(SIGALRM),   NAME(SIGTERM), NAME(SIGSTKFLT), NAME(SIGCHLD), NAME(SIGCONT),
    NAME(SIGSTOP), NAME(SIGTSTP),   NAME(SIGTTIN), NAME(SIGTTOU),   NAME(SIGURG),  NAME(SIGXCPU),
    NAME(SIGXFSZ), NAME(SIGVTALRM), NAME(SIGPROF), NAME(SIGWINCH),  NAME(SIGIO),   NAME(SIGPWR),
    NAME(SIGSYS),  {0, NULL}};

static const struct name errnos[] = {NAME(EPERM),        NAME(ENOENT),          NAME(EACCES), NAME(EAGAIN),
                                     NAME(EINVAL),       NAME(ENOTTY),          NAME(ENOSYS), NAME(EOPNOTSUPP),
                                     NAME(EAFNOSUPPORT), NAME(EPROTONOSUPPORT), NAME(ESRCH),  NAME(EBADF),
                                     NAME(ENOLCK),       NAME(ENODEV),          {0, NULL}};

static const char *find(const struct name *names, int number)
{
    while (names->text && names->number != number)
        names++;
    return names->text;
}

const char *bj__signal_name(int signal)
{
    return find(signals, signal);
}

const char *bj__errno_name(int errnum)
{
    return find(errnos, errnum);
}
