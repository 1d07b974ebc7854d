/* load - clients of a service over HTTP/1.1, all of them on one thread: as fast as answers come, or at a given rate.
 * Its own file because a service is measured from outside, by a program that costs little itself.
 * Changes when: another way to ask is measured.
 *
 * usage: load step PORT PATH BODY                        for each line on stdin one request; prints its nanoseconds
 *        load closed PORT PATH BODY CONNECTIONS MS       each connection asks again when it has its answer
 *        load open PORT PATH BODY CONNECTIONS MS RATE    so many requests a second, evenly; a request that finds no free
 *        load poisson PORT PATH BODY CONNECTIONS MS RATE connection waits, and its time counts from when it was due
 *
 * Loopback, connections stay open. "@@" in BODY becomes a number of its own in each request, and must stand in the answer.
 * The last three print one line of JSON. What fails is counted; the connection is made anew. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX  65536
#define CONNECTIONS 4096
#define NUMBER      "%010u"
#define LATE_NS     2000000000ll /* answers that have not come so long after the end count as failed */
#define STATUSES    600

struct client {
    int fd;
    bool busy;
    long long due;
    char number[16];
    size_t have;
    char answer[ANSWER_MAX];
};

struct load {
    uint16_t port;
    const char *path, *body;
    int epoll_fd, timer_fd;
    unsigned count, asked, failed, wrong;
    unsigned statuses[STATUSES];
    struct client *clients;
    struct client *idle[CONNECTIONS];
    unsigned idle_count;
    long long *due; /* that found no free connection: a ring */
    size_t due_first, due_count;
    uint64_t *times;
    size_t time_count;
    double rate;
    bool poisson;
    long long next_due, end;
};

#define WAITING_MAX 1000000u
#define TIMES_MAX   10000000u

static void must(bool failed, const char *what)
{
    if (!failed)
        return;
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(125);
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

/* ---- one connection ------------------------------------------------------------------------------- */

static bool open_client(struct load *load, struct client *client)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(load->port)};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(client->fd < 0, "socket");
    (void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        close(client->fd);
        client->fd = -1;
        return false;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    must(load->epoll_fd >= 0 && epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0, "epoll_ctl");
    return true;
}

static void shut(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

/* The request in one write. */
static bool ask(struct load *load, struct client *client, long long due)
{
    static char request[ANSWER_MAX];
    const char *mark = strstr(load->body, "@@");
    client->number[0] = 0;
    if (mark)
        snprintf(client->number, sizeof(client->number), NUMBER, 1000000000u + load->asked);
    load->asked++;
    client->due = due;
    client->have = 0;
    client->busy = true;
    if (client->fd < 0 && !open_client(load, client))
        return false;
    size_t before = mark ? (size_t)(mark - load->body) : strlen(load->body);
    const char *after = mark ? mark + 2 : "";
    int length = snprintf(request, sizeof(request),
                          "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: text/x-python\r\n"
                          "Content-Length: %zu\r\n\r\n%.*s%s%s",
                          load->path, load->port, before + strlen(client->number) + strlen(after), (int)before,
                          load->body, client->number, after);
    must(length >= (int)sizeof(request), "the body is too long");
    return send(client->fd, request, (size_t)length, MSG_NOSIGNAL) == length;
}

/* 0: there is more to come. The status; -1: that is no answer. */
static int whole(struct client *client)
{
    client->answer[client->have] = 0;
    const char *end = strstr(client->answer, "\r\n\r\n");
    if (!end)
        return client->have + 1 < ANSWER_MAX ? 0 : -1;
    const char *length = strcasestr(client->answer, "\r\nContent-Length:");
    if (!length || length > end || strncmp(client->answer, "HTTP/1.1 ", 9) != 0)
        return -1;
    size_t size = (size_t)(end + 4 - client->answer) + strtoul(length + 17, NULL, 10);
    if (client->have < size)
        return size + 1 < ANSWER_MAX ? 0 : -1;
    return client->have == size ? (int)strtol(client->answer + 9, NULL, 10) : -1;
}

static int receive(struct client *client)
{
    ssize_t n = recv(client->fd, client->answer + client->have, ANSWER_MAX - 1 - client->have, 0);
    if (n <= 0)
        return -1;
    client->have += (size_t)n;
    return whole(client);
}

/* ---- many ----------------------------------------------------------------------------------------- */

static void note(struct load *load, struct client *client, int status)
{
    client->busy = false;
    load->idle[load->idle_count++] = client;
    if (status < 100 || status >= STATUSES) {
        load->failed++;
        shut(client);
        return;
    }
    load->statuses[status]++;
    if (status == 200 && client->number[0] && !strstr(client->answer, client->number))
        load->wrong++;
    if (status == 200 && load->time_count < TIMES_MAX)
        load->times[load->time_count++] = (uint64_t)(now() - client->due);
    if (strcasestr(client->answer, "\r\nConnection: close"))
        shut(client);
}

static void start(struct load *load, long long due)
{
    struct client *client = load->idle[--load->idle_count];
    if (!ask(load, client, due))
        note(load, client, -1);
}

/* Between two requests of a stream of independent clients; or always the same. */
static long long gap(struct load *load)
{
    static uint64_t state = 88172645463325252ull;
    double mean = 1e9 / load->rate;
    if (!load->poisson)
        return (long long)mean;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (long long)(-log(((double)(state >> 11) + 0.5) / 9007199254740992.0) * mean);
}

static void start_due(struct load *load)
{
    long long time = now();
    if (load->rate <= 0) {
        unsigned idle =
            time < load->end ? load->idle_count : 0; /* those that fail at once wait for the next turn */
        while (idle-- > 0)
            start(load, now());
        return;
    }
    for (; load->next_due <= time && load->next_due < load->end; load->next_due += gap(load))
        if (load->due_count < WAITING_MAX)
            load->due[(load->due_first + load->due_count++) % WAITING_MAX] = load->next_due;
        else
            load->failed++;
    while (load->due_count > 0 && load->idle_count > 0) {
        start(load, load->due[load->due_first]);
        load->due_first = (load->due_first + 1) % WAITING_MAX;
        load->due_count--;
    }
}

/* The next request that is due, or the end; a closed loop that could not connect tries again soon. */
static void set_timer(const struct load *load)
{
    long long until = now() + 10000000;
    if (load->rate > 0 && load->next_due < until)
        until = load->next_due;
    struct itimerspec timer = {.it_value = {until / 1000000000, until % 1000000000}};
    must(timerfd_settime(load->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL) < 0, "timerfd_settime");
}

static void turn(struct load *load)
{
    struct epoll_event events[64];
    uint64_t ticks;
    set_timer(load);
    int count = epoll_wait(load->epoll_fd, events, 64, 100);
    must(count < 0 && errno != EINTR, "epoll_wait");
    for (int n = 0; n < count; n++) {
        struct client *client = events[n].data.ptr;
        if (!client) {
            (void)!read(load->timer_fd, &ticks, sizeof(ticks));
            continue;
        }
        int status = client->busy ? receive(client) : -1;
        if (client->busy && status != 0)
            note(load, client, status);
        else if (!client->busy)
            shut(client); /* the other end closed it between two requests */
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void report(struct load *load, long long took)
{
    static const struct {
        const char *name;
        double share;
    } shares[] = {{"min", 0},    {"p50", 0.5},    {"p90", 0.9}, {"p95", 0.95},
                  {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};
    unsigned busy = load->count - load->idle_count;
    const char *comma = "";
    qsort(load->times, load->time_count, sizeof(*load->times), compare);
    printf("{\"asked\": %u, \"answered\": %zu, \"seconds\": %.3f, \"rate\": %.1f, \"failed\": %zu, \"wrong\": "
           "%u, \"statuses\": {",
           load->asked, load->time_count, (double)took / 1e9, (double)load->time_count / ((double)took / 1e9),
           load->failed + busy + load->due_count, load->wrong);
    for (unsigned n = 0; n < STATUSES; n++) {
        if (load->statuses[n] == 0)
            continue;
        printf("%s\"%u\": %u", comma, n, load->statuses[n]);
        comma = ", ";
    }
    printf("}, \"us\": {");
    for (size_t n = 0; n < sizeof(shares) / sizeof(*shares) && load->time_count > 0; n++) {
        size_t place = (size_t)((double)load->time_count * shares[n].share);
        place = place < load->time_count ? place : load->time_count - 1;
        printf("%s\"%s\": %.1f", n > 0 ? ", " : "", shares[n].name, (double)load->times[place] / 1e3);
    }
    printf("}}\n");
}

static void run(struct load *load, long long duration)
{
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    load->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    must(load->epoll_fd < 0 || load->timer_fd < 0 ||
             epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, load->timer_fd, &event) < 0,
         "epoll");
    load->clients = calloc(load->count, sizeof(*load->clients));
    load->times = malloc(TIMES_MAX * sizeof(*load->times));
    load->due = malloc(WAITING_MAX * sizeof(*load->due));
    must(!load->clients || !load->times || !load->due, "memory");
    for (unsigned n = 0; n < load->count; n++) {
        load->clients[n].fd = -1;
        (void)open_client(load, &load->clients[n]);
        load->idle[load->idle_count++] = &load->clients[n];
    }
    long long began = now();
    load->end = began + duration;
    load->next_due = began;
    while (now() < load->end) {
        start_due(load);
        turn(load);
    }
    start_due(load);
    while ((load->idle_count < load->count || load->due_count > 0) && now() < load->end + LATE_NS) {
        start_due(load); /* what was due has waited long enough */
        turn(load);
    }
    report(load, now() - began);
}

static int step(struct load *load)
{
    static struct client client = {.fd = -1};
    char line[16];
    load->epoll_fd = -1;
    while (fgets(line, sizeof(line), stdin)) {
        if (client.fd < 0)
            must(!open_client(load, &client), "connect");
        long long began = now();
        int status = 0;
        must(!ask(load, &client, began), "send");
        while (status == 0)
            status = receive(&client);
        long long took = now() - began;
        if (status != 200 || !strstr(client.answer, client.number)) {
            fprintf(stderr, "load: status %d: %s\n", status, client.answer);
            return 125;
        }
        printf("%lld\n", took);
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct load load;
    bool stepwise = argc == 5 && strcmp(argv[1], "step") == 0;
    bool closed = argc == 7 && strcmp(argv[1], "closed") == 0;
    bool opened = argc == 8 && (strcmp(argv[1], "open") == 0 || strcmp(argv[1], "poisson") == 0);
    if (!stepwise && !closed && !opened) {
        fprintf(stderr, "usage: load step|closed|open|poisson PORT PATH BODY [CONNECTIONS MS [RATE]]\n");
        return 125;
    }
    load.port = (uint16_t)strtoul(argv[2], NULL, 10);
    load.path = argv[3];
    load.body = argv[4];
    if (stepwise)
        return step(&load);
    load.count = (unsigned)strtoul(argv[5], NULL, 10);
    load.rate = opened ? strtod(argv[7], NULL) : 0;
    load.poisson = argv[1][0] == 'p';
    must(load.count == 0 || load.count > CONNECTIONS || (opened && load.rate <= 0), "CONNECTIONS, RATE");
    run(&load, strtoll(argv[6], NULL, 10) * 1000000ll);
    return 0;
}
