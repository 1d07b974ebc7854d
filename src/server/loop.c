/* Waiting for several descriptors at once: epoll(7).
 * Its own file because a source that ends while its own event is still to be delivered must be forgotten in one place.
 * Changes when: the front waits in another way. */
#include "server/loop.h"

int bj__loop_init(struct bj_loop *loop)
{
    *loop = (struct bj_loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    return loop->epoll_fd < 0 ? -errno : 0;
}

void bj__loop_done(struct bj_loop *loop)
{
    bj__fd_close(&loop->epoll_fd);
}

int bj__loop_add(struct bj_loop *loop, int fd, uint32_t events, struct bj_source *source)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int bj__loop_change(struct bj_loop *loop, int fd, uint32_t events, struct bj_source *source)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0 ? -errno : 0;
}

int bj__loop_remove(struct bj_loop *loop, int fd, const struct bj_source *source)
{
    bj__loop_forget(loop, source);
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL) < 0 ? -errno : 0;
}

void bj__loop_forget(struct bj_loop *loop, const struct bj_source *source)
{
    for (int n = 0; n < loop->count; n++)
        if (loop->batch[n].data.ptr == source)
            loop->batch[n].data.ptr = NULL;
}

/* Rounded up: who wakes too early only goes round once more. */
static int milliseconds_until(uint64_t until_us)
{
    uint64_t now = bj__now_us();
    if (until_us == UINT64_MAX)
        return -1;
    if (until_us <= now)
        return 0;
    uint64_t left = (until_us - now + 999) / 1000;
    return left > 3600000 ? 3600000 : (int)left;
}

int bj__loop_turn(struct bj_loop *loop, uint64_t until_us, const sigset_t *unblocked)
{
    int n = epoll_pwait(loop->epoll_fd, loop->batch, BJ_LOOP_BATCH, milliseconds_until(until_us), unblocked);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    loop->count = n;
    for (int k = 0; k < n; k++) {
        struct bj_source *source = loop->batch[k].data.ptr;
        if (source)
            source->ready(source, loop->batch[k].events);
    }
    loop->count = 0;
    return 0;
}
