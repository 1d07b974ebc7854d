/* parked - the kernel's and CPython's own price of a parked jail: an interpreter that forks into the same namespaces with
 * a scratch file system and a filter, each fork waiting for code; straight-line, and nothing else.
 * Its own file because a benchmark needs a bare program to be a ratio to; it shares no code with what it measures.
 * Changes when: the parked jail that it stands for gains or loses a namespace or a mount.
 *
 * usage: parked FILTER CODE. For each line on stdin: one run, out of a fork that was parked before; prints nanoseconds from
 * the code to the reaped process, and parks another one. No supervision, no capture, no limits, no verdict, no own init, no
 * Landlock, no control group, no ids of its own. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct parked {
    int pidfd, go, reply;
};

/* Any failure ends the measurement: a floor with a hole in it would flatter everybody. */
static void must(int failed, const char *what)
{
    if (failed) {
        perror(what);
        _exit(125);
    }
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    must(fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text), path);
    close(fd);
}

static void enter_namespaces(void)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    must(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET) < 0, "unshare");
    put("/proc/self/setgroups", "deny");
    snprintf(map, sizeof(map), "0 %u 1\n", uid);
    put("/proc/self/uid_map", map);
    snprintf(map, sizeof(map), "0 %u 1\n", gid);
    put("/proc/self/gid_map", map);
    must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0, "private");
}

static struct sock_fprog read_filter(const char *path)
{
    static struct sock_filter program[BPF_MAXINSNS];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, program, sizeof(program));
    must(length <= 0, path);
    close(fd);
    return (struct sock_fprog){(unsigned short)((size_t)length / sizeof(program[0])), program};
}

static void confine(const struct sock_fprog *filter)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    must(mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=16m") < 0, "tmpfs");
    must(setsid() < 0, "setsid");
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0, "no_new_privs");
    must(syscall(SYS_capset, &header, none) < 0, "capset");
    must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter) < 0, "seccomp");
}

static void run_in_fork(int go, int reply, const char *code)
{
    char byte;
    must(PyRun_SimpleString(code), "rehearsal"); /* what is written to is its own memory by now */
    if (read(go, &byte, 1) != 1)
        _exit(0); /* nobody is left who could start it */
    int r = PyRun_SimpleString(code);
    must(write(reply, &r, sizeof(r)) != sizeof(r), "reply");
    _exit(r == 0 ? 0 : 1);
}

static struct parked park(const struct sock_fprog *filter, const char *code)
{
    int go[2];
    int reply[2];
    int pidfd = -1;
    must(pipe2(go, O_CLOEXEC) < 0 || pipe2(reply, O_CLOEXEC) < 0, "pipe2");
    struct clone_args args = {.flags = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNS | CLONE_PIDFD,
                              .pidfd = (uint64_t)(uintptr_t)&pidfd,
                              .exit_signal = SIGCHLD};
    PyOS_BeforeFork();
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    must(pid < 0, "clone3");
    if (pid == 0) {
        PyOS_AfterFork_Child();
        close(go[1]); /* or it would wait for itself when nobody else is left */
        close(reply[0]);
        confine(filter);
        run_in_fork(go[0], reply[1], code);
    }
    PyOS_AfterFork_Parent();
    close(go[0]);
    close(reply[1]);
    return (struct parked){pidfd, go[1], reply[0]};
}

static long long run(const struct parked *parked)
{
    struct timespec began;
    struct timespec ended;
    siginfo_t info;
    int r = -1;
    struct pollfd watched = {.fd = parked->pidfd, .events = POLLIN};
    clock_gettime(CLOCK_MONOTONIC, &began);
    must(write(parked->go, "", 1) != 1, "go");
    must(read(parked->reply, &r, sizeof(r)) != sizeof(r) || r != 0, "reply");
    must(poll(&watched, 1, -1) != 1, "poll");
    must(waitid(P_PIDFD, (id_t)parked->pidfd, &info, WEXITED) < 0 || info.si_status != 0, "waitid");
    clock_gettime(CLOCK_MONOTONIC, &ended);
    close(parked->go);
    close(parked->reply);
    close(parked->pidfd);
    return (ended.tv_sec - began.tv_sec) * 1000000000ll + ended.tv_nsec - began.tv_nsec;
}

int main(int argc, char **argv)
{
    char line[16];
    must(argc != 3, "usage: parked FILTER CODE");
    struct sock_fprog filter = read_filter(argv[1]);
    enter_namespaces();
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    must(PyStatus_Exception(Py_InitializeFromConfig(&config)), "python");
    struct parked parked = park(&filter, argv[2]);
    while (fgets(line, sizeof(line), stdin)) {
        printf("%lld\n", run(&parked));
        fflush(stdout);
        parked = park(&filter, argv[2]);
    }
    return 0;
}
