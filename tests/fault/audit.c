/* audit - a static program that says that it has started and then what its jail is like, seen from inside, as
 * text that is the same in every whole jail.
 * Its own file because "the program never ran in half a jail" is proved by what it says.
 * Changes when: a jail has another wall that can be felt from inside. Each line goes to stdout and to the file
 * that the first argument names; with a second argument "stay" it only says that it has started, and waits for
 * its end. */
#include "base/reply.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;
static int file = -1;

static void say(const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof(line) - 1, format, args);
    va_end(args);
    if (length < 0 || length >= (int)sizeof(line) - 1)
        length = (int)sizeof(line) - 2;
    line[length++] = '\n';
    (void)!write(file, line, (size_t)length);
    for (int done = 0; done < length;) {
        ssize_t n = write(1, line + done, (size_t)(length - done));
        if (n <= 0)
            break;
        done += (int)n;
    }
}

static const char *outcome(long returned)
{
    return returned >= 0 ? "done" : strerrorname_np(errno);
}

/* A call that must be refused, and by which answer. */
#define TRY(call) say("%s: %s", #call, outcome((long)(call)))

static void say_ids(void)
{
    uid_t uid[3];
    gid_t gid[3];
    gid_t groups[64];
    (void)getresuid(&uid[0], &uid[1], &uid[2]);
    (void)getresgid(&gid[0], &gid[1], &gid[2]);
    int count = getgroups(64, groups);
    say("uid %u %u %u gid %u %u %u groups %d", uid[0], uid[1], uid[2], gid[0], gid[1], gid[2], count);
    say("pid %d ppid %d sid %d pgrp %d", getpid(), getppid(), getsid(0), getpgrp());
}

static void say_privileges(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};
    unsigned long long bounding = 0;
    unsigned long long ambient = 0;
    long r = syscall(SYS_capget, &header, data);
    say("capabilities %s %x%08x %x%08x %x%08x", outcome(r), data[1].effective, data[0].effective,
        data[1].permitted, data[0].permitted, data[1].inheritable, data[0].inheritable);
    for (unsigned long i = 0; i < 64; i++) {
        bounding |= (unsigned long long)(prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1) << i;
        ambient |= (unsigned long long)(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1) << i;
    }
    say("bounding %llx %s ambient %llx %s", bounding, outcome(prctl(PR_CAPBSET_READ, 0, 0, 0, 0)), ambient,
        outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 0, 0, 0)));
    say("no_new_privs %d seccomp %d securebits %d keepcaps %d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
        prctl(PR_GET_SECCOMP, 0, 0, 0, 0), prctl(PR_GET_SECUREBITS, 0, 0, 0, 0),
        prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
}

static void say_limits(void)
{
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        struct rlimit limit = {0, 0};
        int r = getrlimit((__rlimit_resource_t)resource, &limit);
        say("rlimit %d %s %lld %lld", resource, outcome(r), (long long)limit.rlim_cur,
            (long long)limit.rlim_max);
    }
    mode_t mask = umask(0777);
    (void)umask(mask);
    errno = 0;
    say("umask %o nice %d scheduler %d personality %d", mask, getpriority(PRIO_PROCESS, 0),
        sched_getscheduler(0), personality(0xffffffff));
}

static void say_signals(void)
{
    sigset_t mask;
    unsigned long long blocked = 0;
    unsigned long long ignored = 0;
    (void)sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int i = 1; i < NSIG; i++) {
        struct {
            void (*handler)(int);
            unsigned long rest[3];
        } action = {0};
        blocked |= (unsigned long long)(sigismember(&mask, i) == 1) << i;
        if (syscall(SYS_rt_sigaction, i, NULL, &action, 8) == 0 && action.handler == SIG_IGN)
            ignored |= 1ull << i;
    }
    say("signals blocked %llx ignored %llx", blocked, ignored);
}

static void say_descriptors(void)
{
    for (int fd = 0; fd < 1024; fd++) {
        struct stat status;
        int flags = fcntl(fd, F_GETFL);
        if (fd != file && flags >= 0 && fstat(fd, &status) == 0)
            say("descriptor %d flags %x mode %o", fd, flags, status.st_mode);
    }
}

/* What stands at a path, whose it is (an owner that is not mapped is 65534), and what may be done there.
 * Numbers of things that the host makes anew for each run are left out. */
static void say_path(const char *path)
{
    char name[256];
    struct stat status = {0};
    struct statfs fs = {0};
    int r = lstat(path, &status);
    int r2 = statfs(path, &fs);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    say("path %s: %s mode %o owner %u %u, fs %s %lx flags %lx, open %s", path, outcome(r), status.st_mode,
        status.st_uid, status.st_gid, r2 == 0 ? "" : "-", (unsigned long)fs.f_type, (unsigned long)fs.f_flags,
        outcome(fd));
    if (fs.f_type == 0x01021994 && S_ISDIR(status.st_mode)) /* TMPFS_MAGIC: ours; devices are the host's */
        say("  size %llu files %llu", (unsigned long long)fs.f_blocks * (unsigned long long)fs.f_bsize,
            (unsigned long long)fs.f_files);
    (void)close(fd);
    say("  write %s access %s", outcome(fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)),
        outcome(access(path, X_OK)));
    (void)close(fd);
    if (!S_ISDIR(status.st_mode))
        return;
    DIR *directory = opendir(path);
    say("  list %s", directory ? "done" : strerrorname_np(errno));
    if (directory)
        (void)closedir(directory);
    (void)snprintf(name, sizeof(name), "%s/new", path);
    say("  make %s", outcome(fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700)));
    if (fd < 0)
        return;
    say("  map executable %s",
        outcome((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == -1 ? -1 : 0));
    (void)close(fd);
    char *const argv[] = {name, NULL};
    say("  execute %s", outcome(execve(name, argv, environ)));
    TRY(unlink(name));
    say("  link %s", outcome(symlink("/dev/null", name)));
    say("  follow %s", outcome(fd = open(name, O_RDONLY | O_CLOEXEC)));
    (void)close(fd);
    (void)unlink(name);
    say("  device %s", outcome(mknod(name, S_IFCHR | 0600, 0x103)));
    (void)unlink(name);
}

static void say_paths(void)
{
    static const char *const paths[] = {"/",
                                        "/proc",
                                        "/proc/self",
                                        "/sys",
                                        "/home",
                                        "/root",
                                        "/var",
                                        "/run",
                                        "/etc",
                                        "/etc/passwd",
                                        "/etc/group",
                                        "/etc/hosts",
                                        "/etc/shadow",
                                        "/etc/alternatives",
                                        "/etc/ld.so.cache",
                                        "/usr",
                                        "/usr/bin",
                                        "/usr/bin/env",
                                        "/bin",
                                        "/sbin",
                                        "/lib",
                                        "/lib64",
                                        "/dev",
                                        "/dev/null",
                                        "/dev/zero",
                                        "/dev/full",
                                        "/dev/random",
                                        "/dev/urandom",
                                        "/dev/shm",
                                        "/dev/mem",
                                        "/dev/kmsg",
                                        "/..",
                                        "/../home",
                                        "/../proc/self",
                                        "/../../etc/shadow",
                                        "/tmp",
                                        "/box",
                                        "/box/data.txt",
                                        "/box/audit",
                                        "/mark",
                                        "/mark/private",
                                        "/mnt",
                                        "/opt"};
    char directory[256] = "";
    struct utsname names = {0};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        say_path(paths[i]);
    (void)!getcwd(directory, sizeof(directory));
    (void)uname(&names);
    say("cwd %s host %s domain %s", directory, names.nodename, names.domainname);
    for (char **item = environ; *item; item++)
        say("environment %s", *item);
}

static void say_network(void)
{
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG};
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        int fd = socket(families[i],
                        (families[i] == AF_NETLINK || families[i] == AF_PACKET) ? SOCK_RAW : SOCK_STREAM, 0);
        say("socket %d: %s", families[i], outcome(fd));
        (void)close(fd);
    }
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    say("loopback %s", outcome(connect(fd, (const struct sockaddr *)&address, sizeof(address))));
    address.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1, which is nobody's (RFC 5737) */
    say("elsewhere %s", outcome(connect(fd, (const struct sockaddr *)&address, sizeof(address))));
    (void)close(fd);
}

static void try_calls(void)
{
    TRY(kill(1, 0));
    TRY(kill(1, SIGKILL));
    TRY(kill(3, 0));
    TRY(setpriority(PRIO_PROCESS, 0, -5));
    TRY(setuid(0));
    TRY(setgid(0));
    TRY(setgroups(0, NULL));
    TRY(seteuid(0));
    TRY(sethostname("x", 1));
    TRY(chroot("/"));
    TRY(mount("none", "/tmp", "tmpfs", 0, NULL));
    TRY(umount2("/", MNT_DETACH));
    TRY(unshare(CLONE_NEWUSER));
    TRY(unshare(CLONE_NEWNS));
    TRY(syscall(SYS_setns, 0, 0));
    TRY(syscall(SYS_pivot_root, ".", "."));
    TRY(syscall(SYS_keyctl, 0, -3, 0)); /* the session keyring's number */
    TRY(syscall(SYS_bpf, 0, NULL, 0));
    TRY(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    TRY(syscall(SYS_userfaultfd, 0));
    TRY(syscall(425, 1, NULL)); /* io_uring_setup */
    TRY(syscall(435, NULL, 0)); /* clone3 */
    TRY(ptrace(PTRACE_ATTACH, 1, 0, 0));
    TRY(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
    TRY(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT + 7, 0, 0, 0));
    TRY(ioctl(0, 0x5412, "x")); /* TIOCSTI */
    char terminal[64];
    int random = open("/dev/random", O_RDONLY | O_CLOEXEC);
    TRY(ioctl(random, 0x5401,
              terminal)); /* TCGETS: the filter allows it, Landlock does not (IOCTL_DEV, ABI 5) */
    (void)close(random);
}

#undef TRY

/* In a snippet's place (BELLJAR_GUEST): reads what it is asked for, and replies that there is nothing to tell. */
static void take_part(void)
{
    char request[256];
    const struct bj_reply_head end = {.magic = BJ_REPLY_MAGIC, .kind = BJ_REPLY_END};
    ssize_t length = read(BJ_GUEST_REQUEST, request, sizeof(request) - 1);
    request[length > 0 ? length : 0] = 0;
    say("request %zd %s", length, request);
    say("reply %zd", write(BJ_GUEST_REPLY, &end, sizeof(end)));
}

/* Without arguments it stands in a snippet's place. */
int main(int argc, char **argv)
{
    file = open(argc > 1 ? argv[1] : "/mark/audit", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool stays = argc > 2 && strcmp(argv[2], "stay") == 0;
    say("started");
    if (stays)
        say("end");
    while (stays)
        (void)pause();
    say_ids();
    say_privileges();
    say_limits();
    say_signals();
    say_descriptors();
    say_paths();
    say_network();
    try_calls();
    int out = open("/box/out.txt", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    (void)!write(out, "collected\n", 10);
    (void)close(out);
    char input[64];
    ssize_t length = read(0, input, sizeof(input) - 1);
    input[length > 0 ? length : 0] = 0;
    say("input %zd %s", length, input);
    if (argc == 1)
        take_part();
    say("end");
    return 0;
}
