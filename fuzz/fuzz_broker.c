/* Any messages from any peer: the broker answers, refuses or drops the peer; it never falls, and forgets nobody. Its own file because each
 * fuzzer is one property.
 * Changes when: broker/permit.c does.
 *
 * The input: for each message a byte (whether it comes from a watcher, and whether a front comes or goes), two bytes of length, and
 * the message behind its head, whose type is one byte. Nothing is served, so nothing is run. */
#include "broker/broker.h"
#include "fuzz.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS 4

struct end {
    int fd; /* ours; -1: none */
    struct bj_peer *peer;
};

static struct bj_peer *newest(struct bj_broker *broker, const struct end *ends)
{
    for (unsigned n = 0; n < BJ_BROKER_PEERS; n++) {
        bool known = !broker->peers[n];
        for (int k = 0; k < PEERS; k++)
            known = known || ends[k].peer == broker->peers[n];
        if (!known)
            return broker->peers[n];
    }
    return NULL;
}

static void come(struct bj_broker *broker, struct end *ends, struct end *one, bool watcher)
{
    int fds[2];
    fuzz_must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0, "no socket", "");
    fuzz_must(bj__peer_add(broker, &fds[1], watcher ? BJ_PEER_WATCHER : BJ_PEER_FRONT) == 0, "no peer", "");
    one->fd = fds[0];
    one->peer = newest(broker, ends);
    fuzz_must(one->peer != NULL, "a peer was forgotten", "");
}

static void go(struct bj_broker *broker, struct end *one)
{
    bj__fd_close(&one->fd);
    if (one->peer)
        bj__peer_drop(broker, one->peer);
    one->peer = NULL;
}

static void say(struct bj_broker *broker, struct end *one, const uint8_t *bytes, size_t size)
{
    unsigned char message[4096];
    static unsigned char answer[BJ_MESSAGE_MAX];
    struct bj_message_head head = {
        .magic = BJ_BROKER_MAGIC, .type = bytes[0], .id = (uint32_t)size, .length = (uint32_t)size - 1};
    memcpy(message, &head, sizeof(head));
    memcpy(message + sizeof(head), bytes + 1, size - 1);
    (void)!send(one->fd, message, sizeof(head) + size - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    bj__peer_event(broker, one->peer, EPOLLIN);
    while (recv(one->fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
        ;
    if (one->peer->broken)
        go(broker, one);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct bj_broker broker;
    struct end ends[PEERS] = {{-1, NULL}, {-1, NULL}, {-1, NULL}, {-1, NULL}};
    broker = (struct bj_broker){
        .keeper_fd = -1, .control_fd = -1, .ready = true, .capacity = 2, .session_capacity = 2};
    broker.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    while (size > 4) {
        struct end *one = &ends[bytes[0] % PEERS];
        size_t length = 1 + ((size_t)bytes[1] | (size_t)bytes[2] << 8) % 2048;
        if (one->fd < 0)
            come(&broker, ends, one, bytes[0] & 64);
        if (length > size - 3)
            length = size - 3;
        say(&broker, one, bytes + 3, length);
        if (bytes[0] & 128 && one->peer)
            go(&broker, one);
        bytes += 3 + length;
        size -= 3 + length;
    }
    for (int n = 0; n < PEERS; n++)
        go(&broker, &ends[n]);
    fuzz_must(broker.peers_count == 0 && broker.tasks_running == 0 && broker.sessions_open == 0,
              "something was left behind", "");
    bj__fd_close(&broker.epoll_fd);
    return 0;
}
