/* What the broker's parts have in common: keys of events, finding a profile.
 * Its own file because main.c starts a program, and tests link everything but that.
 * Changes when: another thing is needed by several of them. */
#include "broker/broker.h"

#include <sys/epoll.h>

void bj__spec_free_pointer(struct bj_spec **spec)
{
    bj_spec_free(*spec);
}

uint64_t bj__broker_key(struct bj_broker *broker, enum bj_event_kind kind, unsigned index)
{
    broker->generation = (broker->generation + 1) & 0xffffffu;
    return (uint64_t)kind << 56 | (uint64_t)broker->generation << 32 | index;
}

int bj__broker_watch(const struct bj_broker *broker, int fd, uint32_t events, uint64_t key)
{
    struct epoll_event event = {.events = events, .data.u64 = key};
    return epoll_ctl(broker->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

struct bj_stock *bj__broker_stock(struct bj_broker *broker, const char *name)
{
    for (size_t n = 0; n < broker->stock_count; n++)
        if (strcmp(broker->stocks[n].name, name) == 0)
            return &broker->stocks[n];
    return NULL;
}
