/* floor - the kernel's own price of a jail: the same namespaces, mounts and limits, straight-line, and nothing
 * else.
 * Its own file because a benchmark needs a bare program to be a ratio to; it shares no code with what it
 * measures.
 * Changes when: the jail that it stands for gains or loses a namespace or a mount.
 *
 * usage: floor FILTER DIRECTORY PROGRAM [ARGUMENT...]
 * Makes user, mount, pid, ipc, uts, cgroup and network namespaces; a read-only tmpfs root with /usr and
 * DIRECTORY (as /bench) bound read-only, /proc, a tmpfs on /tmp; sets resource limits; drops capabilities;
 * loads the classic BPF program in the file FILTER; executes PROGRAM. No supervision, no capture, no verdict,
 * no own init, no control group. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOTHING (MS_NOSUID | MS_NODEV)
#define NAMESPACES                                                                                             \
    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET)

struct job {
    unsigned uid, gid;
    const char *directory;
    char **command;
    struct sock_fprog filter;
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
    int length = (int)strlen(text);
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    must(fd < 0 || write(fd, text, (size_t)length) != length, path);
    close(fd);
}

static void bind_read_only(const char *source, const char *target)
{
    must(mkdir(target, 0755), target);
    must(mount(source, target, NULL, MS_BIND | MS_REC, NULL), source);
    must(mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | NOTHING, NULL), "read-only");
}

static void make_root(const char *directory)
{
    static const char *const links[] = {"bin", "sbin", "lib", "lib64"};
    char source[32];
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC); /* before /tmp is covered: it may lie there */

    must(fd < 0, directory);
    snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
    must(mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL), "slave");
    must(mount("root", "/tmp", "tmpfs", NOTHING, "mode=0755"), "root");
    must(chdir("/tmp"), "/tmp");
    bind_read_only("/usr", "usr");
    bind_read_only(source, "bench");
    close(fd);
    for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        char target[16];
        snprintf(target, sizeof(target), "usr/%s", links[i]);
        must(symlink(target, links[i]), target);
    }
    must(mkdir("proc", 0755) || mkdir("tmp", 0755), "mkdir");
    must(mount("proc", "proc", "proc", NOTHING | MS_NOEXEC, NULL), "proc");
    must(mount("tmp", "tmp", "tmpfs", NOTHING, "mode=1777,size=64m"), "tmp");
    must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
    must(umount2(".", MNT_DETACH), "umount");
    must(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | NOTHING, NULL), "read-only root");
    must(chdir("/tmp"), "/tmp");
}

static void give_up_privileges(const struct sock_fprog *filter)
{
    static const struct {
        int what;
        rlim_t value;
    } limits[] = {{RLIMIT_AS, 4ul << 30},
                  {RLIMIT_CPU, 10},
                  {RLIMIT_NOFILE, 64},
                  {RLIMIT_FSIZE, 16 << 20},
                  {RLIMIT_CORE, 0}};
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};

    for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct rlimit limit = {limits[i].value, limits[i].value};
        must(setrlimit(limits[i].what, &limit), "setrlimit");
    }
    for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
        ;
    must((int)syscall(SYS_capset, &header, none), "capset");
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
    must((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter), "seccomp");
}

static int inside(void *argument)
{
    struct job *job = argument;
    static char path[] = "PATH=/usr/bin:/bin";
    char *environment[] = {path, NULL};
    char map[32];

    put("/proc/self/setgroups", "deny");
    snprintf(map, sizeof(map), "1000 %u 1", job->uid);
    put("/proc/self/uid_map", map);
    snprintf(map, sizeof(map), "1000 %u 1", job->gid);
    put("/proc/self/gid_map", map);
    must(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "pdeathsig");
    must(setsid() < 0, "setsid");
    make_root(job->directory);
    must(sethostname("floor", 5), "sethostname");
    give_up_privileges(&job->filter);
    execve(job->command[0], job->command, environment);
    must(1, job->command[0]);
    return 125;
}

int main(int argc, char **argv)
{
    static char stack[65536] __attribute__((aligned(16)));
    static struct sock_filter program[4096];
    struct job job = {.uid = geteuid(), .gid = getegid()};
    int status = 0;

    if (argc < 4) {
        fprintf(stderr, "usage: floor FILTER DIRECTORY PROGRAM [ARGUMENT...]\n");
        return 125;
    }
    int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, program, sizeof(program));
    must(length <= 0, argv[1]);
    job.directory = argv[2];
    job.command = argv + 3;
    job.filter =
        (struct sock_fprog){.len = (unsigned short)(length / (ssize_t)sizeof(program[0])), .filter = program};
    /* Shares memory with the child until it executes: the cheapest clone that there is. */
    pid_t pid = clone(inside, stack + sizeof(stack), NAMESPACES | CLONE_VM | CLONE_VFORK | SIGCHLD, &job);
    must(pid < 0, "clone");
    must(waitpid(pid, &status, 0) != pid, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
