/* The front's end of the socket to the broker.
 * Its own file because numbers of asks are given out and taken back here, and nowhere else.
 * Changes when: the broker is asked in another way. */
#include "server/link.h"

#define QUEUED_MOST     (64u << 20) /* bytes that wait for the broker to read them */
#define MESSAGES_A_TURN 32          /* then others have their turn */

static bool is_last(uint16_t type)
{
    switch (type) {
    case BJ_TOLD_RESULT:
    case BJ_TOLD_REFUSED:
    case BJ_TOLD_OPENED:
    case BJ_TOLD_BRANCHED:
    case BJ_TOLD_CLOSED:
    case BJ_TOLD_FILES:
    case BJ_TOLD_STATE:
        return true;
    default:
        return false;
    }
}

static void deliver(struct bj_broker_link *link, struct bj_message *message)
{
    uint32_t number = message->id;
    if (number == 0) {
        link->unasked.told(link->unasked.user, message);
        return;
    }
    if (number > link->ask_most || !link->open[number - 1]) {
        link->broken = -EBADMSG;
        return;
    }
    struct bj_asker asker = link->askers[number - 1];
    if (is_last(message->type)) {
        link->open[number - 1] = false;
        link->askers[number - 1] = (struct bj_asker){0};
        link->free_numbers[link->free_count++] = number;
    }
    if (asker.told)
        asker.told(asker.user, message);
}

static void watch_room(struct bj_broker_link *link)
{
    bool writing = bj__channel_has_queued(link->channel);
    if (writing == link->writing)
        return;
    link->writing = writing;
    int r =
        bj__loop_change(link->loop, link->channel->fd, writing ? EPOLLIN | EPOLLOUT : EPOLLIN, &link->source);
    if (r < 0)
        link->broken = r;
}

static void on_ready(struct bj_source *source, uint32_t events)
{
    struct bj_broker_link *link = (struct bj_broker_link *)source;
    if (events & EPOLLOUT) {
        int r = bj__channel_flush(link->channel);
        if (r < 0)
            link->broken = r;
    }
    for (unsigned n = 0; n < MESSAGES_A_TURN && !link->broken; n++) {
        struct bj_message message = {0};
        int r = bj__channel_receive(link->channel, &message);
        if (r < 0)
            link->broken = r;
        if (r <= 0)
            break;
        deliver(link, &message);
        bj__message_done(&message);
    }
    watch_room(link);
}

int bj__link_init(struct bj_broker_link *link, struct bj_loop *loop, int *fd, uint32_t ask_most)
{
    *link = (struct bj_broker_link){.source.ready = on_ready, .loop = loop, .ask_most = ask_most};
    link->channel = bj__channel_new(fd, QUEUED_MOST);
    link->askers = calloc(ask_most, sizeof(*link->askers));
    link->open = calloc(ask_most, sizeof(*link->open));
    link->free_numbers = calloc(ask_most, sizeof(*link->free_numbers));
    if (!link->channel || !link->askers || !link->open || !link->free_numbers)
        return -ENOMEM;
    for (uint32_t n = ask_most; n > 0; n--)
        link->free_numbers[link->free_count++] = n;
    return bj__loop_add(loop, link->channel->fd, EPOLLIN, &link->source);
}

void bj__link_done(struct bj_broker_link *link)
{
    bj__channel_free(link->channel);
    free(link->askers);
    free(link->open);
    free(link->free_numbers);
    *link = (struct bj_broker_link){0};
}

int bj__link_say(struct bj_broker_link *link, uint16_t type, uint32_t number, const struct bj_buf *body)
{
    int r = bj__channel_send(link->channel, type, number, body);
    if (r == -EPIPE || r == -ECONNRESET)
        link->broken = r;
    watch_room(link);
    return r;
}

int bj__link_ask(struct bj_broker_link *link, uint16_t type, const struct bj_buf *body, struct bj_asker asker,
                 uint32_t *ret_number)
{
    if (link->free_count == 0)
        return -ENOBUFS;
    uint32_t number = link->free_numbers[link->free_count - 1];
    int r = bj__link_say(link, type, number, body);
    if (r < 0)
        return r;
    link->free_count--;
    link->open[number - 1] = true;
    link->askers[number - 1] = asker;
    *ret_number = number;
    return 0;
}

void bj__link_leave(struct bj_broker_link *link, uint32_t number)
{
    if (number > 0 && number <= link->ask_most)
        link->askers[number - 1] = (struct bj_asker){0};
}
