/* load - a static program that, inside a jail, uses up the one thing that its first argument names.
 * Its own file because a test wants a subject with no interpreter, no shared library and no surprise in
 * between.
 * Changes when: a test needs another way to spend, fill, leave or end. Lines on stdout are "name=value". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

static void burn(void)
{
    for (volatile unsigned long n = 0;; n++)
        ;
}

static void *burn_thread(void *unused)
{
    burn();
    return unused;
}

static int do_burn(int argc, char **argv)
{
    long children = number(argc, argv, 2, 0), threads = number(argc, argv, 3, 0);
    for (long i = 0; i < children; i++)
        if (fork() == 0)
            burn();
    for (long i = 0; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, burn_thread, NULL) != 0)
            return 3;
    }
    if (children > 0 || threads > 0)
        for (;;)
            pause();
    burn();
    return 0;
}

/* Burns about a given number of milliseconds in each of N children, one after the other, and ends well. */
static int do_spend(int argc, char **argv)
{
    long children = number(argc, argv, 2, 1), milliseconds = number(argc, argv, 3, 100);
    for (long i = 0; i < children; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            while (clock() < milliseconds * (CLOCKS_PER_SEC / 1000))
                ;
            _exit(0);
        }
        waitpid(pid, NULL, 0);
    }
    return 0;
}

static int do_allocate(int argc, char **argv)
{
    long bytes = number(argc, argv, 2, 0), children = number(argc, argv, 3, 0);
    for (long i = 0; i < children; i++)
        if (fork() == 0)
            break;
    char *memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        report("allocate", -1);
        return 4;
    }
    for (long i = 0; i < bytes; i += 4096)
        memory[i] = 1;
    puts("allocate=ok");
    fflush(stdout);
    while (children > 0)
        pause();
    return 0;
}

static int do_forks(int argc, char **argv)
{
    long wanted = number(argc, argv, 2, 1), code = number(argc, argv, 3, 0), made = 0;
    for (; made < wanted; made++) {
        pid_t pid = fork();
        if (pid < 0)
            break;
        if (pid == 0) {
            pause();
            _exit(0);
        }
    }
    printf("made=%ld\nfork=%s\n", made, made == wanted ? "ok" : strerrorname_np(errno));
    fflush(stdout);
    return made == wanted ? 0 : (int)code;
}

static int write_file(const char *path, long bytes)
{
    static char block[65536];
    memset(block, 'f', sizeof(block));
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    while (bytes > 0) {
        ssize_t n = write(fd, block, bytes < (long)sizeof(block) ? (size_t)bytes : sizeof(block));
        if (n < 0)
            return -1;
        bytes -= n;
    }
    return close(fd);
}

static int do_fill(int argc, char **argv)
{
    long bytes = number(argc, argv, 3, 0), files = number(argc, argv, 4, 1), code = number(argc, argv, 5, 5);
    signal(SIGXFSZ, SIG_IGN);
    for (long i = 0; i < files; i++) {
        char path[256];
        snprintf(path, sizeof(path), files == 1 ? "%s" : "%s%ld", argv[2], i);
        if (write_file(path, bytes) < 0) {
            report("fill", -1);
            printf("filled=%ld\n", i);
            return (int)code;
        }
    }
    puts("fill=ok");
    return 0;
}

static int do_output(int argc, char **argv)
{
    static char block[65536];
    long bytes = number(argc, argv, 3, 0), seen = 0;
    int both = strcmp(argv[2], "both") == 0, fd = strcmp(argv[2], "stderr") == 0 ? 2 : 1;
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = (char)('a' + i % 26);
    while (seen < bytes) {
        long left = bytes - seen;
        size_t piece = left < (long)sizeof(block) ? (size_t)left : sizeof(block);
        ssize_t n = write(fd, block, piece);
        if (n < 0 || (both && write(2, block, (size_t)n) != n))
            return 6;
        seen += n;
    }
    return (int)number(argc, argv, 4, 0);
}

static int do_binary(int argc, char **argv)
{
    unsigned char all[256 + 3];
    for (int i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    memcpy(all + 256, "\xf0\x9f\x98", 3);
    return write(1, all, sizeof(all)) == (ssize_t)sizeof(all) && write(2, all, 16) == 16 ? 0 : 6;
}

static int do_echo(int argc, char **argv)
{
    static char block[65536];
    long count = 0;
    for (ssize_t n; (n = read(0, block, sizeof(block))) > 0; count += n)
        for (ssize_t done = 0, w; done < n; done += w)
            if ((w = write(1, block + done, (size_t)(n - done))) < 0)
                return 6;
    dprintf(2, "read=%ld\n", count);
    return 0;
}

/* A grandchild in a session of its own keeps all three descriptors; its father is gone at once. */
static int do_hold(int argc, char **argv)
{
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        for (int s = 1; s < 65; s++)
            signal(s, SIG_IGN);
        prctl(PR_SET_NAME, "bj-test-holder");
        sleep((unsigned)number(argc, argv, 2, 30));
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    puts("planted=ok");
    return (int)number(argc, argv, 3, 0);
}

static int do_signal(int argc, char **argv)
{
    kill(getpid(), (int)number(argc, argv, 2, SIGKILL));
    sleep(1);
    return 7;
}

/* Leaves things for the collector in the working directory. */
static int do_leave(int argc, char **argv)
{
    mkdir("out", 0755);
    write_file("plain.txt", 5);
    write_file("out/a.bin", 3000);
    write_file("out/b.txt", 1);
    report("symlink", symlink("/etc/passwd", "link.txt"));
    report("symlink_beside", symlink("plain.txt", "beside.txt"));
    report("directory_link", symlink("/etc", "linkdir"));
    write_file("first.txt", 5);
    report("hardlink", link("first.txt", "hard.txt"));
    report("fifo", mkfifo("fifo.txt", 0644));
    report("directory", mkdir("directory.txt", 0755));
    int fd = open("sparse.txt", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    report("sparse", ftruncate(fd, number(argc, argv, 2, 1l << 40)));
    close(fd);
    write_file("new\nline.txt", 2);
    write_file("bad\xff.txt", 2);
    write_file("secret.txt", 2);
    chmod("secret.txt", 0);
    puts("left=ok");
    return 0;
}

static int do_wait_then(int argc, char **argv)
{
    usleep((useconds_t)number(argc, argv, 2, 1000) * 1000);
    puts("waited=ok");
    return (int)number(argc, argv, 3, 0);
}

static int do_exit(int argc, char **argv)
{
    return (int)number(argc, argv, 2, 0);
}

/* Writes lines to stdout and stderr alternately, with a pause between. */
static int do_talk(int argc, char **argv)
{
    for (long i = 0, n = number(argc, argv, 2, 5); i < n; i++) {
        dprintf(i % 2 ? 2 : 1, "%s %ld\n", i % 2 ? "err" : "out", i);
        usleep((useconds_t)number(argc, argv, 3, 20) * 1000);
    }
    return 0;
}

/* Stays until it is told, so that a test can look at the host meanwhile; ignores what can be ignored. */
static int do_deaf(int argc, char **argv)
{
    for (int s = 1; s < 65; s++)
        signal(s, SIG_IGN);
    puts("deaf=ok");
    fflush(stdout);
    for (;;)
        sleep(1);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} table[] = {{"allocate", do_allocate}, {"binary", do_binary}, {"burn", do_burn},     {"deaf", do_deaf},
             {"echo", do_echo},         {"exit", do_exit},     {"fill", do_fill},     {"forks", do_forks},
             {"hold", do_hold},         {"leave", do_leave},   {"output", do_output}, {"signal", do_signal},
             {"spend", do_spend},       {"talk", do_talk},     {"wait", do_wait_then}};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(argv[1], table[i].name) == 0)
            return table[i].run(argc, argv);
    fprintf(stderr, "no such thing to do\n");
    return 64;
}
