/* A process that the keeper starts.
 * Its own file because what a process inherits is decided in one place.
 * Changes when: a process is started, signalled or reaped in another way. */
#include "server/child.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/small.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

_Static_assert(BJ_CHILD_PATH >= PATH_MAX, "a path fits");

void bj__child_init(struct bj_child *child)
{
    *child = (struct bj_child){.pidfd = -1};
}

/* ---- in the child, until it is another program. The keeper has no threads, so libc may be called. ---- */

/* Everything from first on; before Linux 5.9 one by one. */
static void close_from(unsigned first)
{
    if (syscall(SYS_close_range, first, ~0u, 0) == 0)
        return;
    long most = sysconf(_SC_OPEN_MAX);
    for (long fd = first; fd < most; fd++)
        (void)close((int)fd);
}

static void default_signals(void)
{
    const struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &action, NULL); /* those that cannot be changed are as they should be */
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Every descriptor to its seat, the one for failures behind them. First all out of the way: a seat may be where another one stands. */
static int take_seats(const struct bj_child_start *start, int failure_fd)
{
    int moved[BJ_CHILD_SEATS + 1];
    size_t count = start->seat_count;
    for (size_t n = 0; n <= count; n++) {
        moved[n] = fcntl(n < count ? start->seats[n] : failure_fd, F_DUPFD_CLOEXEC, BJ_CHILD_SEATS + 1);
        if (moved[n] < 0)
            return -1;
    }
    for (size_t n = 0; n <= count; n++)
        if (dup3(moved[n], (int)n, n == count ? O_CLOEXEC : 0) < 0)
            return -1;
    close_from((unsigned)count + 1);
    return 0;
}

static void set_oom(int wanted)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%d", wanted);
    (void)bj__small_write(AT_FDCWD, "/proc/self/oom_score_adj", text); /* raising is always allowed */
}

/* Its parent's end: the signal comes at once but is forgotten when the process changes its user; an end of file on its seats
 * (broker/seats.h) is what it can rely on. */
static bool bind_to_parent(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

static _Noreturn void become(const struct bj_child_start *start, int failure_fd, pid_t parent)
{
    (void)setsid(); /* a terminal's Ctrl-C is for the keeper */
    set_oom(start->oom_score_adj);
    if (bind_to_parent(parent) && chdir("/") == 0 && take_seats(start, failure_fd) == 0) {
        failure_fd = (int)start->seat_count;
        default_signals();
        /* execve takes non-const arrays and does not change them. */
        (void)execve(start->path, (char *const *)(uintptr_t)start->argv,
                     (char *const *)(uintptr_t)start->environment);
    }
    int failed = errno;
    if (write(failure_fd, &failed, sizeof(failed)) < 0)
        _exit(126);
    _exit(127);
}

/* ---- in the keeper -------------------------------------------------------------------------------- */

int bj__child_start(struct bj_child *child, const struct bj_child_start *start, struct bj_error *err)
{
    int ends[2];
    bj__child_init(child);
    if (start->seat_count > BJ_CHILD_SEATS)
        return bj__error(err, BJ_ERROR_STATE, E2BIG, "", "%zu descriptors for %.150s", start->seat_count,
                         start->path);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return bj__error_system(err, errno, "", "cannot make a pipe");
    BJ_FD int from = ends[0];
    BJ_FD int to = ends[1];
    pid_t self = getpid();
    child->pid = fork();
    if (child->pid == 0)
        become(start, to, self);
    if (child->pid < 0) {
        child->pid = 0;
        return bj__error_system(err, errno, "", "cannot start %.150s", start->path);
    }
    bj__fd_close(&to);
    child->started_us = bj__now_us();
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    int failed = child->pidfd < 0 ? errno : 0;
    if (failed == 0 && read(from, &failed, sizeof(failed)) <= 0)
        return 0; /* closed by exec */
    (void)kill(child->pid,
               SIGKILL); /* it is ours and has not been waited for, so the number is still its own */
    (void)waitpid(child->pid, NULL, 0);
    bj__fd_close(&child->pidfd);
    child->pid = 0;
    return bj__error_system(err, failed, "", "cannot start %.150s", start->path);
}

void bj__child_signal(struct bj_child *child, int number)
{
    if (child->pid == 0)
        return;
    child->told_to_end = true;
    (void)syscall(SYS_pidfd_send_signal, child->pidfd, number, NULL, 0);
}

bool bj__child_reap(struct bj_child *child, int *ret_status)
{
    if (child->pid == 0 || waitpid(child->pid, ret_status, WNOHANG) != child->pid)
        return false;
    bj__fd_close(&child->pidfd);
    child->pid = 0;
    return true;
}

/* ---- programs ------------------------------------------------------------------------------------- */

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_mode & S_IXUSR;
}

/* What was built together runs together: a service in a build directory is not given the programs of an installed one. */
int bj__child_find(const char *name, const char *neighbour, char ret_path[BJ_CHILD_PATH], struct bj_error *err)
{
    char own[BJ_CHILD_PATH];
    ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
    own[length > 0 ? length : 0] = 0;
    char *slash = strrchr(own, '/');
    if (slash)
        *slash = 0;
    for (int n = 0; slash && n < 2; n++) {
        int written = n == 0 ? snprintf(ret_path, BJ_CHILD_PATH, "%s/%s", own, name)
                             : snprintf(ret_path, BJ_CHILD_PATH, "%s/../%s/%s", own, neighbour, name);
        if (written < BJ_CHILD_PATH && is_program(ret_path))
            return 0;
    }
    (void)snprintf(ret_path, BJ_CHILD_PATH, "%s/%s", BJ_GUEST_DIR, name);
    if (is_program(ret_path))
        return 0;
    return bj__error(err, BJ_ERROR_NOT_FOUND, ENOENT, "",
                     "there is no %s beside belljard or in %s; install Belljar again", name, BJ_GUEST_DIR);
}
