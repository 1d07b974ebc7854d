/* bwrap_server - the server that one would write without Belljar: HTTP, and bubblewrap around python3 for each request.
 * Its own file because the service needs a peer that does as much as such a server can do quickly, and no more.
 * Changes when: such a server could be made quicker, or bubblewrap is given another jail.
 *
 * usage: bwrap_server PORT FILTER RUNS_AT_ONCE
 *
 * POST with a script as body; the answer is its exit status and output as JSON. What makes it quick: a static program; a thread for
 * each connection, which stays open; posix_spawn (vfork: this process's memory is not copied); a filter that was compiled
 * before; python3 -I -S (no site, no environment), the script on its command line, so that nothing is written to a disk; one read of a
 * request and one write of an answer; no more runs at once than are useful; no log. It has no limits of memory, time or output, no
 * control groups, no verdict. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_MAX 65536
#define OUTPUT_MAX  16384
#define FILTER_FD   9
#define BEFORE                                                                                                 \
    "/usr/bin/bwrap --unshare-user --unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup "  \
    "--new-session --die-with-parent --clearenv --cap-drop ALL --ro-bind /usr /usr --symlink usr/bin /bin "    \
    "--symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp --chdir /tmp "     \
    "--remount-ro / --seccomp 9 -- /usr/bin/python3 -I -S -c"

static sem_t places;
static const char *filter;

static void must(bool failed, const char *what)
{
    if (!failed)
        return;
    perror(what);
    exit(125);
}

/* ---- a run ---------------------------------------------------------------------------------------- */

static pid_t start(char *code, int output)
{
    static char *const environment[] = {NULL};
    char before[] = BEFORE;
    char *words[64];
    char *rest = NULL;
    size_t count = 0;
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    for (char *word = strtok_r(before, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    words[count++] = code;
    words[count] = NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_adddup2(&actions, output, 2);
    posix_spawn_file_actions_addopen(&actions, FILTER_FD, filter, O_RDONLY, 0); /* it is read to its end */
    int r = posix_spawn(&pid, words[0], &actions, NULL, words, environment);
    posix_spawn_file_actions_destroy(&actions);
    return r == 0 ? pid : -1;
}

/* Its output; *ret_status as of waitpid. */
static size_t run(char *code, char *output, int *ret_status)
{
    int ends[2];
    size_t length = 0;
    ssize_t n;
    *ret_status = -1;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return 0;
    pid_t pid = start(code, ends[1]);
    close(ends[1]);
    while ((n = read(ends[0], output + length, OUTPUT_MAX - length)) > 0)
        length += (size_t)n;
    close(ends[0]);
    if (pid > 0)
        waitpid(pid, ret_status, 0);
    return length;
}

/* ---- HTTP ----------------------------------------------------------------------------------------- */

static int write_json(char *to, size_t size, const char *output, size_t length, int status)
{
    size_t at = (size_t)snprintf(to, size, "{\"status\":%d,\"output\":\"", status);
    for (size_t n = 0; n < length && at + 16 < size; n++) {
        unsigned char c = (unsigned char)output[n];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
            at += (size_t)snprintf(to + at, size - at, "\\u%04x", c);
        else
            to[at++] = (char)c;
    }
    return (int)(at + (size_t)snprintf(to + at, size - at, "\"}"));
}

static bool answer(int fd, char *code)
{
    static _Thread_local char output[OUTPUT_MAX];
    static _Thread_local char json[OUTPUT_MAX * 6 + 64];
    static _Thread_local char whole[sizeof(json) + 256];
    int status;
    sem_wait(&places);
    size_t length = run(code, output, &status);
    sem_post(&places);
    int size = write_json(json, sizeof(json), output, length, status);
    size = snprintf(whole, sizeof(whole),
                    "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                    status == -1 ? "503 Service Unavailable" : "200 OK", size, json);
    return send(fd, whole, (size_t)size, MSG_NOSIGNAL) == size;
}

/* One request: its body, ended by NUL. NULL: the connection is done. */
static char *receive(int fd, char *request)
{
    size_t have = 0;
    for (;;) {
        request[have] = 0;
        char *end = strstr(request, "\r\n\r\n");
        const char *length = end ? strcasestr(request, "\r\nContent-Length:") : NULL;
        if (end && (!length || length > end))
            return NULL;
        if (end && have >= (size_t)(end + 4 - request) + strtoul(length + 17, NULL, 10))
            return end + 4;
        ssize_t n = recv(fd, request + have, REQUEST_MAX - 1 - have, 0);
        if (n <= 0)
            return NULL;
        have += (size_t)n;
    }
}

static void *serve(void *argument)
{
    int fd = (int)(intptr_t)argument;
    char *request = malloc(REQUEST_MAX);
    char *code;
    while (request && (code = receive(fd, request)) && answer(fd, code))
        ;
    free(request);
    close(fd);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    pthread_attr_t detached;
    pthread_t thread;
    int one = 1;
    must(argc != 4, "usage: bwrap_server PORT FILTER RUNS_AT_ONCE");
    address.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    filter = argv[2];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0, "socket");
    must(bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1024) < 0,
         "listen");
    must(sem_init(&places, 0, (unsigned)strtoul(argv[3], NULL, 10)) < 0, "sem_init");
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (pthread_create(&thread, &detached, serve, (void *)(intptr_t)fd) != 0)
            close(fd);
    }
}
