/* Does the program wait for input? Then its time on the clock stands still, and only then it is given what somebody types.
 * Its own file because where a program stands is looked up in the kernel, and nothing that it says is asked.
 * Changes when: a program can wait in another way, or the kernel tells of it in another place. */
#include "supervise/session.h"
#include "supervise/tree.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define SAMPLE_US 50000u

/* Number and first argument of the system call in which the main thread is; proc(5), /proc/pid/syscall. "running": it is in
 * none. -errno: the kernel does not tell. */
static int read_call(const struct bj_branch *branch, bool *ret_reads_stdin)
{
    char text[256];
    char *end;
    ssize_t n = bj__proc_read(branch->proc_fd, "syscall", text, sizeof(text));
    if (n < 0)
        return (int)n;
    long number = strtol(text, &end, 10);
    *ret_reads_stdin = end != text && *end == ' ' && number == SYS_read && strtoull(end, NULL, 16) == 0;
    return 0;
}

/* It may have put something else in the place of its stdin, in which nothing ever comes. */
static bool is_its_stdin(const struct bj_run *run)
{
    struct stat ours;
    struct stat its;
    return run->streams.stdin_fd >= 0 && fstat(run->streams.stdin_fd, &ours) == 0 &&
           fstatat(run->branch->proc_fd, "fd/0", &its, 0) == 0 && ours.st_ino == its.st_ino &&
           ours.st_dev == its.st_dev;
}

static bool is_waiting(const struct bj_run *run)
{
    bool reads = false;
    int unread = 0;
    return run->input_left == 0 && read_call(run->branch, &reads) == 0 && reads && is_its_stdin(run) &&
           ioctl(run->streams.stdin_fd, FIONREAD, &unread) == 0 && unread == 0;
}

void bj__waiting_check(struct bj_run *run, uint64_t now_us)
{
    bool waited = run->waits;
    run->waits = is_waiting(run);
    if (waited && run->waits)
        run->wall_deadline_us += now_us - run->waiting_checked_us;
    if (waited || run->waits)
        bj__session_set_clock(run->branch->session);
    run->waiting_checked_us = now_us;
    run->next_waiting_check_us = now_us + SAMPLE_US;
    if (waited != run->waits)
        bj__input_watch(run);
}

void bj__waiting_end(struct bj_run *run)
{
    if (!run->waits)
        return;
    run->waits = false;
    bj__session_set_clock(run->branch->session);
}

int bj_run_pause_for_input(struct bj_run *run, int on, struct bj_error *err)
{
    bool reads;
    if (run->over || !run->branch)
        return bj__error(err, BJ_ERROR_STATE, EINVAL, "",
                         "only of a session's run, and while it runs, it is known what it waits for");
    if (on && read_call(run->branch, &reads) < 0)
        return 0;
    run->pauses = on != 0;
    run->waits = false;
    run->next_waiting_check_us = UINT64_MAX;
    if (on)
        bj__waiting_check(run, bj__now_us());
    bj__session_set_clock(run->branch->session);
    bj__clocks_arm(run);
    bj__input_watch(run);
    return on != 0;
}
