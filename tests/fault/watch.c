/* The tracing: counts the calls of the process that was asked for, and acts at one of them.
 * Its own file because it is the one place that waits.
 * Changes when: another event of a traced process matters. */
#include "calls.h"
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define DETACHED (-1)
#define PATIENCE_SECONDS                                                                                       \
    3 /* for what is left once the command has ended: the kernel takes a namespace down after it */

static volatile sig_atomic_t time_is_up;

static void on_alarm(int signal)
{
    (void)signal;
    time_is_up = 1;
}

/* Repeats, so that one that arrives outside of waitpid is not lost. */
static void set_alarm(unsigned seconds)
{
    const struct itimerval timer = {.it_value.tv_sec = (time_t)seconds, .it_interval.tv_usec = 100000};
    const struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */
    time_is_up = 0;
    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

static struct tracee *find(struct session *session, pid_t pid)
{
    for (int i = 0; i < session->tracee_count; i++)
        if (session->tracees[i].pid == pid)
            return &session->tracees[i];
    if (session->tracee_count == MAX_TRACEES)
        return NULL;
    struct tracee *tracee = &session->tracees[session->tracee_count];
    *tracee = (struct tracee){.pid = pid, .process = session->tracee_count++};
    return tracee;
}

/* The path that a call is about, for people who read the table. */
static void read_path(pid_t pid, const struct call *call, char *text, size_t size)
{
    int argument = bj_call_path_argument(call->number);
    struct iovec local = {text, size - 1};
    text[0] = 0;
    if (argument < 0)
        return;
    uint64_t address = call->args[argument];
    size_t room = 4096 - address % 4096; /* not beyond a page that may be the last one */
    local.iov_len = room < local.iov_len ? room : local.iov_len;
    struct iovec remote = {(void *)(uintptr_t)address, local.iov_len};
    ssize_t length = process_vm_readv(pid, &local, 1, &remote, 1, 0);
    text[length > 0 ? length : 0] = 0;
    for (char *at = text; *at; at++)
        if (*at <= ' ' || *at > '~')
            *at = '?';
}

/* "WORD process ordinal name argument path errno" */
static void say_call(const struct session *session, const char *word, const struct tracee *tracee,
                     const struct call *call)
{
    char name[64];
    char path[128];
    read_path(tracee->pid, call, path, sizeof(path));
    (void)fprintf(
        session->report, "%s %d %u %s %lld %s %s\n", word, tracee->process, tracee->calls,
        bj_call_name(call->number, name, sizeof(name)), (long long)call->args[0], path[0] ? path : "-",
        session->act == ACT_FAIL && session->answer < 0 ? strerrorname_np((int)-session->answer) : "-");
}

/* The command dies while the one that is traced stands still. */
static void kill_command(struct session *session, const struct tracee *tracee)
{
    int status;
    (void)kill(session->command, SIGKILL);
    if (tracee->process == 0)
        return; /* its end is seen as anybody's */
    while (waitpid(session->command, &status, __WALL) == session->command && WIFSTOPPED(status))
        ;
    session->command_ended = true;
    (void)fprintf(session->report, "end %d signal %d\n", (int)session->command, SIGKILL);
    set_alarm(PATIENCE_SECONDS);
}

static void strike(struct session *session, struct tracee *tracee, const struct call *call)
{
    int errnos[CALL_ERRNOS];
    size_t count = bj_call_errnos(call->number, errnos);
    session->hit = true;
    if (session->act == ACT_KILL) {
        say_call(session, "point", tracee, call);
        kill_command(session, tracee);
        return;
    }
    if (count == 0 || (session->act == ACT_FAIL && session->round >= count)) {
        say_call(session, "spared", tracee, call);
        return;
    }
    session->answer = session->act == ACT_LIE ? 0 : -errnos[(session->round + session->at) % count];
    session->how = call->number == SYS_close ? STOP_NOT : tracee->filtered ? STOP_BY_ARGUMENTS : STOP_BY_NUMBER;
    say_call(session, "point", tracee, call);
    tracee->pending = bj_tracee_stop(tracee->pid, call->number, session->how, &session->saved);
}

static bool is_counted(const struct session *session, const struct tracee *tracee)
{
    return tracee->process > 0 || tracee->execs > 0; /* the command from its exec on */
}

static void on_call(struct session *session, struct tracee *tracee)
{
    struct call call = {0};
    if (!bj_tracee_call(tracee->pid, &call))
        return;
    if (!call.entry) {
        if (tracee->pending)
            (void)bj_tracee_answer(tracee->pid, session->how, &session->saved, session->answer);
        tracee->pending = false;
        if (tracee->number == SYS_seccomp && tracee->argument == SECCOMP_SET_MODE_FILTER && call.result >= 0)
            tracee->filtered = true;
        return;
    }
    tracee->number = call.number;
    tracee->argument = call.args[0];
    if (!is_counted(session, tracee))
        return;
    tracee->calls++;
    if (session->act == ACT_LIST || (tracee->process == session->process && !session->hit))
        say_call(session, "call", tracee, &call);
    if (tracee->process != session->process)
        return;
    session->counted = tracee->calls;
    if (session->act != ACT_LIST && tracee->calls == session->at)
        strike(session, tracee, &call);
}

/* Returns the signal that the process gets when it goes on, or DETACHED. */
static int on_stop(struct session *session, struct tracee *tracee, int status)
{
    int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
        on_call(session, tracee);
        return 0;
    }
    if (status >> 16 == PTRACE_EVENT_EXEC)
        tracee->execs++;
    if (status >> 16 == PTRACE_EVENT_EXEC && tracee->process == 2) {
        (void)ptrace(PTRACE_DETACH, tracee->pid, 0, 0); /* the program itself is none of ours */
        return DETACHED;
    }
    if (status >> 16 != 0)
        return 0;
    return signal == SIGSTOP || signal == SIGTRAP ? 0 : signal; /* a new process starts with a SIGSTOP */
}

static void on_end(struct session *session, pid_t pid, int status)
{
    if (pid != session->command)
        return;
    session->command_ended = true;
    (void)fprintf(session->report, "end %d %s %d\n", (int)pid, WIFEXITED(status) ? "exit" : "signal",
                  WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    set_alarm(PATIENCE_SECONDS);
}

/* Orphans are our children, whether they were traced or not. */
static void kill_children(void)
{
    char text[1024];
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, sizeof(text) - 1);
    text[length > 0 ? length : 0] = 0;
    for (char *at = text, *end; *at; at = end + (*end == ' ')) {
        long pid = strtol(at, &end, 10);
        if (end == at)
            break;
        (void)kill((pid_t)pid, SIGKILL);
    }
    (void)close(fd);
}

/* Whatever is still there when time is up is killed: nothing of a test may stay. */
static void end_the_rest(struct session *session)
{
    int status;
    (void)fprintf(session->report, session->command_ended ? "left\n" : "hang\n");
    set_alarm(0);
    (void)kill(session->command, SIGKILL);
    for (int i = 0; i < session->tracee_count; i++)
        (void)kill(session->tracees[i].pid, SIGKILL);
    for (int i = 0; i < 100; i++) {
        kill_children();
        pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);
        if (pid < 0)
            return;
        if (pid == 0)
            (void)usleep(20000);
    }
}

void bj_inject_watch(struct session *session)
{
    int status;
    (void)find(session, session->command);
    set_alarm(session->deadline_seconds);
    for (;;) {
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == ECHILD)
            break;
        if (time_is_up) {
            end_the_rest(session);
            break;
        }
        if (pid < 0)
            continue;
        if (!WIFSTOPPED(status)) {
            on_end(session, pid, status);
            continue;
        }
        struct tracee *tracee = find(session, pid);
        int signal = tracee ? on_stop(session, tracee, status) : 0;
        if (signal != DETACHED)
            (void)ptrace(PTRACE_SYSCALL, pid, 0, signal);
    }
    (void)fprintf(session->report, "counted %u\n", session->counted);
}
