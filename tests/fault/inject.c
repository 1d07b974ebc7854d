/* inject - runs a command and makes the N-th system call of one of its processes fail, lie, or be the moment at
 * which the command is killed.
 * Its own file because this is the command line; watch.c is the tracing.
 * Changes when: there is another thing to do to a process.
 *
 * usage: inject --report FD [--process K] [--deadline SECONDS] (--list | --fail N ROUND | --lie N | --kill N)
 * COMMAND... Process 0 is the command, 1 the first that it makes (pid 1 of a jail), 2 the next (the payload); a
 * payload's calls are counted until it has exec'd. The report is lines of text: "call", "point", "end" (of the
 * command), "counted", "left" (a process that did not go away), "hang". */
#include "inject.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void usage(void)
{
    (void)fprintf(stderr, "usage: inject --report FD [--process K] [--deadline SECONDS] "
                          "(--list | --fail N ROUND | --lie N | --kill N) COMMAND...\n");
    exit(2);
}

static unsigned number(char **argv, int argc, int *at)
{
    char *end = NULL;
    if (++*at >= argc)
        usage();
    unsigned long value = strtoul(argv[*at], &end, 10);
    if (*end || end == argv[*at] || value > 1000000)
        usage();
    return (unsigned)value;
}

/* Returns where the command begins. */
static int parse(int argc, char **argv, struct session *session)
{
    int at = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        const char *option = argv[at] + 2;
        if (strcmp(option, "report") == 0)
            session->report = fdopen((int)number(argv, argc, &at), "w");
        else if (strcmp(option, "process") == 0)
            session->process = (int)number(argv, argc, &at);
        else if (strcmp(option, "deadline") == 0)
            session->deadline_seconds = number(argv, argc, &at);
        else if (strcmp(option, "list") == 0)
            session->act = ACT_LIST;
        else if (strcmp(option, "fail") == 0 || strcmp(option, "lie") == 0 || strcmp(option, "kill") == 0) {
            session->act = option[0] == 'f' ? ACT_FAIL : option[0] == 'l' ? ACT_LIE : ACT_KILL;
            session->at = number(argv, argc, &at);
            session->round = session->act == ACT_FAIL ? number(argv, argc, &at) : 0;
        } else {
            usage();
        }
    }
    if (at >= argc || !session->report)
        usage();
    return at;
}

/* What a caller may have set and a guest must not find: each is there for a call of the jail's to take away. */
static void be_a_bad_caller(void)
{
    (void)umask(077);
    (void)personality(ADDR_NO_RANDOMIZE);
    for (int number = 1; number < NSIG; number++)
        if (number != SIGCHLD && number != SIGALRM)
            (void)sigaction(number, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

static pid_t start(char **command)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    be_a_bad_caller();
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 || raise(SIGSTOP) != 0)
        _exit(111);
    (void)execv(command[0], command);
    _exit(127);
}

int main(int argc, char **argv)
{
    static struct session session = {.deadline_seconds = 10, .process = 0};
    char **command = argv + parse(argc, argv, &session);
    int status;
    (void)fcntl(fileno(session.report), F_SETFD, FD_CLOEXEC);
    /* What outlives its parent falls to us, so that nothing can be missed. */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return 2;
    session.command = start(command);
    if (session.command < 0 || waitpid(session.command, &status, 0) < 0 || !WIFSTOPPED(status))
        return 2;
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (session.process > 0 || session.act == ACT_LIST)
        options |= PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
    if (ptrace(PTRACE_SETOPTIONS, session.command, 0, options) < 0 ||
        ptrace(PTRACE_SYSCALL, session.command, 0, 0) < 0)
        return 2;
    bj_inject_watch(&session);
    return fclose(session.report) == 0 ? 0 : 2;
}
