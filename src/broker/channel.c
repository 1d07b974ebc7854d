/* Whole messages over a socket, without waiting.
 * Its own file because lengths, seals and descriptors of a message that a stranger sent are checked here and nowhere else.
 * Changes when: messages travel in another way. */
#include "broker/channel.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define INLINE_MAX (BJ_MESSAGE_MAX - sizeof(struct bj_message_head))
#define SEALS      (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define COPIED_MAX (1u << 20) /* larger bodies are mapped */

struct bj_outgoing {
    struct bj_outgoing *next;
    int body_fd; /* owned; -1: the body stands behind the head */
    size_t length;
    unsigned char bytes[];
};

struct bj_channel *bj__channel_new(int *fd, size_t queued_most)
{
    struct bj_channel *channel = calloc(1, sizeof(*channel));
    if (!channel) {
        bj__fd_close(fd);
        return NULL;
    }
    channel->fd = bj__fd_take(fd);
    channel->last = &channel->first;
    channel->queued_most = queued_most;
    return channel;
}

static void drop_first(struct bj_channel *channel)
{
    struct bj_outgoing *outgoing = channel->first;
    channel->first = outgoing->next;
    if (!channel->first)
        channel->last = &channel->first;
    channel->queued_bytes -= outgoing->length;
    bj__fd_close(&outgoing->body_fd);
    free(outgoing);
}

void bj__channel_free(struct bj_channel *channel)
{
    if (!channel)
        return;
    while (channel->first)
        drop_first(channel);
    bj__fd_close(&channel->fd);
    free(channel);
}

void bj__message_done(struct bj_message *message)
{
    if (message->copied)
        free(message->mapping);
    else if (message->mapping)
        (void)munmap(message->mapping, message->length);
    message->mapping = NULL;
}

/* ---- out ------------------------------------------------------------------------------------------ */

static int make_memfd(const struct bj_buf *body, int *ret_fd)
{
    BJ_FD int fd = memfd_create("belljar-message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    for (size_t written = 0; written < body->length;) {
        ssize_t n = write(fd, body->bytes + written, body->length - written);
        if (n < 0 && errno != EINTR)
            return -errno;
        written += n > 0 ? (size_t)n : 0;
    }
    if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        return -errno;
    *ret_fd = bj__fd_take(&fd);
    return 0;
}

static int send_now(const struct bj_channel *channel, struct iovec parts[2], int body_fd)
{
    union {
        struct cmsghdr head;
        unsigned char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (body_fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
        control.head = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), &body_fd, sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(channel->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

static int enqueue(struct bj_channel *channel, const struct iovec parts[2], int *body_fd)
{
    size_t length = parts[0].iov_len + parts[1].iov_len;
    if (length > channel->queued_most - channel->queued_bytes)
        return -ENOBUFS;
    struct bj_outgoing *outgoing = malloc(sizeof(*outgoing) + length);
    if (!outgoing)
        return -ENOMEM;
    *outgoing = (struct bj_outgoing){.body_fd = bj__fd_take(body_fd), .length = length};
    memcpy(outgoing->bytes, parts[0].iov_base, parts[0].iov_len);
    if (parts[1].iov_len > 0)
        memcpy(outgoing->bytes + parts[0].iov_len, parts[1].iov_base, parts[1].iov_len);
    *channel->last = outgoing;
    channel->last = &outgoing->next;
    channel->queued_bytes += length;
    return 0;
}

int bj__channel_send(struct bj_channel *channel, uint16_t type, uint32_t id, const struct bj_buf *body)
{
    BJ_FD int body_fd = -1;
    struct bj_message_head head = {.magic = BJ_BROKER_MAGIC, .type = type, .id = id, .length = 0};
    struct iovec parts[2] = {{&head, sizeof(head)}, {NULL, 0}};
    int r = 0;
    if (body && body->length > BJ_BODY_MAX)
        return -EMSGSIZE;
    if (body && body->length > INLINE_MAX) {
        r = make_memfd(body, &body_fd);
        head.in_memfd = 1;
    } else if (body && body->length > 0) {
        parts[1] = (struct iovec){body->bytes, body->length};
    }
    if (r < 0)
        return r;
    head.length = body ? (uint32_t)body->length : 0;
    r = channel->first ? -EAGAIN : send_now(channel, parts, body_fd);
    return r == -EAGAIN ? enqueue(channel, parts, &body_fd) : r;
}

bool bj__channel_has_queued(const struct bj_channel *channel)
{
    return channel->first != NULL;
}

int bj__channel_flush(struct bj_channel *channel)
{
    while (channel->first) {
        struct iovec parts[2] = {{channel->first->bytes, channel->first->length}, {NULL, 0}};
        int r = send_now(channel, parts, channel->first->body_fd);
        if (r < 0)
            return r == -EAGAIN ? 0 : r;
        drop_first(channel);
    }
    return 0;
}

/* ---- in ------------------------------------------------------------------------------------------- */

/* At most one is kept; more than one, or bytes that are no descriptor, make the message none. */
static int take_descriptor(struct msghdr *message, int *ret_fd)
{
    int fds[4];
    size_t count = 0;
    const struct cmsghdr *head = CMSG_FIRSTHDR(message); /* the kernel puts all descriptors into one */
    bool rights = head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS;
    bool strange = message->msg_flags & MSG_CTRUNC || (head && !rights);
    size_t length = rights ? head->cmsg_len - CMSG_LEN(0) : 0;
    for (size_t at = 0; at + sizeof(int) <= length && count < BJ_COUNT(fds); at += sizeof(int))
        memcpy(&fds[count++], CMSG_DATA(head) + at, sizeof(int));
    if (count == 1 && !strange) {
        *ret_fd = fds[0];
        return 0;
    }
    for (size_t n = 0; n < count; n++)
        bj__fd_close(&fds[n]);
    return count > 0 || strange ? -EBADMSG : 0;
}

/* A sealed memfd of just that length: what is read there now is what will be read later. A copy of a small one is cheaper than a
 * mapping, and no less safe. */
static int read_body(int fd, uint32_t length, struct bj_message *message)
{
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
        status.st_size != (off_t)length || length == 0 || length > BJ_BODY_MAX)
        return -EBADMSG;
    message->copied = length <= COPIED_MAX;
    if (message->copied) {
        message->mapping = malloc(length);
        if (!message->mapping)
            return -ENOMEM;
        if (pread(fd, message->mapping, length, 0) != (ssize_t)length) {
            bj__message_done(message);
            return -EBADMSG;
        }
    } else {
        void *mapping = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapping == MAP_FAILED)
            return -errno;
        message->mapping = mapping;
    }
    message->body = message->mapping;
    return 0;
}

static int check(const struct bj_channel *channel, size_t size, int body_fd, struct bj_message *message)
{
    struct bj_message_head head;
    if (size < sizeof(head))
        return -EBADMSG;
    memcpy(&head, channel->buffer, sizeof(head));
    if (head.magic != BJ_BROKER_MAGIC || head.in_memfd > 1 || (head.in_memfd == 1) != (body_fd >= 0))
        return -EBADMSG;
    if (size - sizeof(head) != (head.in_memfd ? 0 : head.length))
        return -EBADMSG;
    *message = (struct bj_message){
        .type = head.type, .id = head.id, .body = channel->buffer + sizeof(head), .length = head.length};
    return head.in_memfd ? read_body(body_fd, head.length, message) : 0;
}

int bj__channel_receive(struct bj_channel *channel, struct bj_message *ret_message)
{
    union {
        struct cmsghdr head;
        unsigned char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct iovec part = {channel->buffer, sizeof(channel->buffer)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    BJ_FD int body_fd = -1;
    ssize_t n;
    do
        n = recvmsg(channel->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -ECONNRESET;
    int r = take_descriptor(&message, &body_fd);
    if (n == 0)
        return -ECONNRESET; /* no message of ours is empty */
    if (r == 0 && message.msg_flags & MSG_TRUNC)
        r = -EBADMSG;
    if (r == 0)
        r = check(channel, (size_t)n, body_fd, ret_message);
    return r < 0 ? r : 1;
}
