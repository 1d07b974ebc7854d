/* look - a static program that looks round inside a jail, or tries one forbidden thing, and says what came of
 * it.
 * Its own file because what is seen from inside must be seen without an interpreter's help.
 * Changes when: a test needs to see or try something new from inside. Lines on stdout are "name=value". */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static long number(int argc, char **argv, int n, long otherwise)
{
    return n < argc ? strtol(argv[n], NULL, 0) : otherwise;
}

/* "ok" or the errno's name, as the tests compare it. */
static const char *outcome(long returned)
{
    return returned >= 0 ? "ok" : strerrorname_np(errno);
}

static void report(const char *name, long returned)
{
    printf("%s=%s\n", name, outcome(returned));
    fflush(stdout);
}

static int do_int80(int argc, char **argv)
{
    long got = 20; /* getpid of i386 */
#if defined(__x86_64__)
    __asm__ volatile("int $0x80" : "+a"(got) : : "memory");
#endif
    printf("int80=%ld\n", got);
    return got > 0 ? 0 : 8;
}

/* socket FAMILY, any number of times. */
static int do_socket(int argc, char **argv)
{
    for (long i = 0, n = number(argc, argv, 3, 1); i < n; i++)
        report("socket", socket((int)number(argc, argv, 2, AF_INET), SOCK_STREAM | SOCK_CLOEXEC, 0));
    return 0;
}

/* syscall NUMBER ARGS...: the raw call. */
static int do_syscall(int argc, char **argv)
{
    long n = number(argc, argv, 2, -1);
    report("syscall", syscall(n, number(argc, argv, 3, 0), number(argc, argv, 4, 0), number(argc, argv, 5, 0),
                              number(argc, argv, 6, 0), number(argc, argv, 7, 0), number(argc, argv, 8, 0)));
    return 0;
}

static int do_ptrace(int argc, char **argv)
{
    report("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    return 0;
}

static int do_environment(int argc, char **argv)
{
    for (char **e = environ; *e != NULL; e++)
        puts(*e);
    return 0;
}

static int do_arguments(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        printf("%d=%s\n", i, argv[i]);
    return 0;
}

static void print_process(void)
{
    char directory[4096] = "";
    struct utsname names;
    gid_t groups[64];
    int count = getgroups(64, groups);
    uname(&names);
    if (getcwd(directory, sizeof(directory)) == NULL)
        (void)snprintf(directory, sizeof(directory), "?");
    printf("uid=%u\neuid=%u\ngid=%u\ngroups=%d\n", getuid(), geteuid(), getgid(), count);
    printf("pid=%d\nppid=%d\nsid=%d\npgrp=%d\n", getpid(), getppid(), getsid(0), getpgrp());
    printf("cwd=%s\nhostname=%s\ndomainname=%s\n", directory, names.nodename, names.domainname);
}

static void print_confinement(void)
{
    unsigned mask = umask(022);
    printf("no_new_privs=%d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    printf("seccomp=%d\n", prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
    printf("umask=%03o\ntty=%d%d%d\n", mask, isatty(0), isatty(1), isatty(2));
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    printf("dev_tty=%s\n", outcome(terminal));
    for (int cap = 0, any = 0; cap < 64; cap++) {
        any |= prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1;
        if (cap == 63)
            printf("bounding_caps=%d\n", any);
    }
}

static int do_self(int argc, char **argv)
{
    print_process();
    print_confinement();
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    int ignored = 0, held = 0;
    for (int s = 1; s < 65; s++) {
        struct sigaction action;
        held += sigismember(&blocked, s) == 1;
        if (sigaction(s, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            ignored++;
    }
    printf("signals_ignored=%d\nsignals_blocked=%d\n", ignored, held);
    return 0;
}

static int do_descriptors(int argc, char **argv)
{
    for (int fd = 0; fd < 4096; fd++) {
        struct stat st;
        if (fstat(fd, &st) == 0)
            printf("%d=%s\n", fd,
                   S_ISFIFO(st.st_mode)   ? "pipe"
                   : S_ISREG(st.st_mode)  ? "file"
                   : S_ISCHR(st.st_mode)  ? "device"
                   : S_ISSOCK(st.st_mode) ? "socket"
                   : S_ISDIR(st.st_mode)  ? "directory"
                                          : "other");
    }
    return 0;
}

static int do_limits(int argc, char **argv)
{
    static const struct {
        const char *name;
        int what;
    } rows[] = {{"cpu", RLIMIT_CPU},     {"fsize", RLIMIT_FSIZE},     {"nofile", RLIMIT_NOFILE},
                {"core", RLIMIT_CORE},   {"stack", RLIMIT_STACK},     {"as", RLIMIT_AS},
                {"nproc", RLIMIT_NPROC}, {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE},
                {"nice", RLIMIT_NICE},   {"rtprio", RLIMIT_RTPRIO}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rlimit limit;
        getrlimit(rows[i].what, &limit);
        printf("%s=%lld\n%s_hard=%lld\n", rows[i].name, (long long)limit.rlim_cur, rows[i].name,
               (long long)limit.rlim_max);
    }
    return 0;
}

static int list_directory(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return -1;
    for (struct dirent *e; (e = readdir(directory)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            printf("entry:%s=%c\n", e->d_name,
                   e->d_type == DT_DIR   ? 'd'
                   : e->d_type == DT_LNK ? 'l'
                   : e->d_type == DT_CHR ? 'c'
                   : e->d_type == DT_REG ? 'f'
                                         : '?');
    return closedir(directory);
}

/* What can be done with each path: stat, list, read, create below, write. */
static int do_paths(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        struct stat st;
        char below[4096], name[4200];
        snprintf(below, sizeof(below), "%s/bj-made", argv[i]);
        snprintf(name, sizeof(name), "stat:%s", argv[i]);
        report(name, stat(argv[i], &st));
        snprintf(name, sizeof(name), "list:%s", argv[i]);
        DIR *directory = opendir(argv[i]);
        report(name, directory != NULL ? 0 : -1);
        if (directory != NULL)
            closedir(directory);
        snprintf(name, sizeof(name), "read:%s", argv[i]);
        report(name, open(argv[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        snprintf(name, sizeof(name), "make:%s", argv[i]);
        report(name, open(below, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
        snprintf(name, sizeof(name), "write:%s", argv[i]);
        report(name, open(argv[i], O_WRONLY | O_CLOEXEC | O_NONBLOCK));
    }
    return 0;
}

static int do_list(int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        report("list", list_directory(argv[i]));
    return 0;
}

static int do_space(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        struct statvfs v;
        if (statvfs(argv[i], &v) != 0) {
            printf("space:%s=%s\n", argv[i], strerrorname_np(errno));
            continue;
        }
        printf("bytes:%s=%llu\ninodes:%s=%llu\nflags:%s=%lu\n", argv[i],
               (unsigned long long)v.f_blocks * v.f_frsize, argv[i], (unsigned long long)v.f_files, argv[i],
               v.f_flag);
        printf("device:%s=", argv[i]);
        struct stat st;
        stat(argv[i], &st);
        printf("%u:%u\n", major(st.st_dev), minor(st.st_dev));
    }
    return 0;
}

static int run_copy(const char *path, const char *name)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl(path, path, "exit", "42", (char *)NULL);
        _exit(errno == EACCES ? 13 : errno == EPERM ? 1 : 99);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    printf("exec:%s=%s\n", name,
           WIFEXITED(status) && WEXITSTATUS(status) == 42   ? "ok"
           : WIFEXITED(status) && WEXITSTATUS(status) == 13 ? "EACCES"
           : WIFEXITED(status) && WEXITSTATUS(status) == 1  ? "EPERM"
                                                            : "other");
    return 0;
}

/* In each directory: a program of one's own, a link, a device, a set-id bit, a hard link. */
static int do_plant(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        char path[512], name[600];
        snprintf(path, sizeof(path), "%s/bj-program", argv[i]);
        int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
            out = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
        if (in < 0)
            in = open(argv[0], O_RDONLY | O_CLOEXEC);
        char block[65536];
        for (ssize_t n; in >= 0 && out >= 0 && (n = read(in, block, sizeof(block))) > 0;)
            if (write(out, block, (size_t)n) != n)
                break;
        close(in);
        close(out);
        run_copy(path, argv[i]);
        snprintf(name, sizeof(name), "setuid:%s", argv[i]);
        report(name, chmod(path, 04755));
        snprintf(path, sizeof(path), "%s/bj-link", argv[i]);
        snprintf(name, sizeof(name), "symlink:%s", argv[i]);
        report(name, symlink("/usr", path));
        snprintf(name, sizeof(name), "follow:%s", argv[i]);
        report(name, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        snprintf(path, sizeof(path), "%s/bj-device", argv[i]);
        snprintf(name, sizeof(name), "mknod:%s", argv[i]);
        report(name, mknod(path, S_IFCHR | 0666, makedev(1, 3)));
    }
    return 0;
}

static int do_exec(int argc, char **argv)
{
    execv(argv[2], argv + 2);
    report("exec", -1);
    return 9;
}

/* Every process that can be signalled, without doing it; and pid 1 as seen from here. */
static int do_neighbours(int argc, char **argv)
{
    int others = 0;
    for (pid_t pid = 2; pid < 70000; pid++)
        others += pid != getpid() && kill(pid, 0) == 0;
    printf("others=%d\n", others);
    report("signal_init", kill(1, 0));
    report("kill_init", kill(1, SIGKILL));
    report("init_environ", open("/proc/1/environ", O_RDONLY | O_CLOEXEC));
    report("init_mem", open("/proc/1/mem", O_RDONLY | O_CLOEXEC));
    char exe[64];
    report("init_exe", readlink("/proc/1/exe", exe, sizeof(exe)));
    usleep(20000);
    puts("alive=ok");
    return 0;
}

static int do_devices(int argc, char **argv)
{
    char block[64];
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC), random = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    report("null", null < 0 ? -1 : write(null, "x", 1));
    report("zero", zero < 0 ? -1 : read(zero, block, sizeof(block)));
    report("urandom", random < 0 ? -1 : read(random, block, sizeof(block)));
    report("full", full < 0 ? -1 : write(full, "x", 1));
    report("list", list_directory("/dev"));
    return 0;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} table[] = {{"arguments", do_arguments},
             {"descriptors", do_descriptors},
             {"devices", do_devices},
             {"environment", do_environment},
             {"exec", do_exec},
             {"int80", do_int80},
             {"limits", do_limits},
             {"list", do_list},
             {"neighbours", do_neighbours},
             {"paths", do_paths},
             {"plant", do_plant},
             {"ptrace", do_ptrace},
             {"self", do_self},
             {"socket", do_socket},
             {"space", do_space},
             {"syscall", do_syscall}};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(argv[1], table[i].name) == 0)
            return table[i].run(argc, argv);
    fprintf(stderr, "no such thing to do\n");
    return 64;
}
