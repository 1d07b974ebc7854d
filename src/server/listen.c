/* The sockets on which a service is reached: which there are, and which a configuration has.
 * Its own file because a change of configuration must neither close nor bind again what stays.
 * Changes when: a socket is found, kept or closed by another rule. */
#include "server/listen.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/listen_bind.h"

#define CONTROL_MODE 0600u /* who watches sees everybody's runs */

void bj__listen_init(struct bj_listen_set *set)
{
    *set = (struct bj_listen_set){0};
}

static void close_item(struct bj_listening *item)
{
    struct stat status;
    bj__fd_close(&item->fd);
    /* Only the file that we made: another keeper may have its own there by now. */
    if (item->device && lstat(item->actual, &status) == 0 && status.st_dev == item->device &&
        status.st_ino == item->inode && unlink(item->actual) == 0)
        bj__listen_drop_directory(item->actual);
}

static void remove_item(struct bj_listen_set *set, size_t n)
{
    close_item(&set->items[n]);
    set->count--;
    memmove(&set->items[n], &set->items[n + 1], (set->count - n) * sizeof(set->items[0]));
}

void bj__listen_done(struct bj_listen_set *set)
{
    while (set->count > 0)
        remove_item(set, set->count - 1);
}

/* One that is there and nobody has asked for yet. */
static struct bj_listening *find_free(struct bj_listen_set *set, const char *address, bool control)
{
    for (size_t n = 0; n < set->count; n++)
        if (!set->items[n].wanted && set->items[n].control == control &&
            strcmp(set->items[n].configured, address) == 0)
            return &set->items[n];
    return NULL;
}

/* With *field that an error is about. */
static int open_one(struct bj_listen_set *set, const char *field, const char *address, int control_or_mode,
                    struct bj_error *err)
{
    bool control = control_or_mode < 0;
    uint32_t mode = control ? CONTROL_MODE : (uint32_t)control_or_mode;
    struct bj_listening *item = find_free(set, address, control);
    if (item) {
        item->wanted = true;
        return 0;
    }
    if (set->count == BJ_LISTEN_MAX)
        return bj__error(err, BJ_ERROR_STATE, EBUSY, field,
                         "too many sockets are open; wait until the last change has taken effect");
    item = &set->items[set->count];
    *item = (struct bj_listening){.fd = -1, .control = control, .handed_kind = -1, .wanted = true};
    (void)snprintf(item->configured, sizeof(item->configured), "%s", address);
    int r = bj__listen_bind(item, field, mode, err);
    if (r == 0)
        set->count++;
    return r;
}

/* Where systemd handed over some of a kind, those are all of the kind. */
static int use_handed(struct bj_listen_set *set, struct bj_config *config, struct bj_error *err)
{
    size_t kept = 0;
    bool handed[BJ_LISTENER__COUNT] = {false};
    for (size_t n = 0; n < set->count; n++)
        if (set->items[n].handed_kind >= 0)
            handed[set->items[n].handed_kind] = true;
    for (size_t n = 0; n < config->listener_count; n++)
        if (!handed[config->listeners[n].kind])
            config->listeners[kept++] = config->listeners[n];
    for (size_t n = 0; n < set->count; n++) {
        struct bj_listening *item = &set->items[n];
        if (item->handed_kind < 0)
            continue;
        if (kept == BJ_CONFIG_LISTENERS)
            return bj__error(err, BJ_ERROR_INVALID, E2BIG, "listeners",
                             "more than %u with those that systemd handed over; take some out",
                             BJ_CONFIG_LISTENERS);
        config->listeners[kept++] =
            (struct bj_config_listener){.kind = (enum bj_listener_kind)item->handed_kind,
                                        .address = bj__arena_string(&config->arena, item->configured),
                                        .mode = 0660};
        if (!config->listeners[kept - 1].address)
            return bj__error_memory(err);
    }
    config->listener_count = kept;
    return 0;
}

/* One from systemd that is of no use is an error: whoever connects there would wait for ever. */
static int check_handed(const struct bj_listen_set *set, struct bj_error *err)
{
    for (size_t n = 0; n < set->count; n++)
        if (set->items[n].handed && !set->items[n].wanted)
            return bj__error(
                err, BJ_ERROR_INVALID, EINVAL, "listeners",
                "systemd handed over a socket for %.100s, which is not among them; add it, or give the "
                "socket unit FileDescriptorName=http",
                set->items[n].actual);
    return 0;
}

static int open_all(struct bj_listen_set *set, const struct bj_config *config, struct bj_error *err)
{
    int r = 0;
    for (size_t n = 0; r == 0 && n < config->listener_count; n++) {
        char field[64];
        (void)snprintf(field, sizeof(field), "listeners[%zu].address", n);
        r = open_one(set, field, config->listeners[n].address, (int)(config->listeners[n].mode & 0777), err);
    }
    if (r == 0 && config->control_socket)
        r = open_one(set, "control_socket", config->control_socket, -1, err);
    return r < 0 ? r : check_handed(set, err);
}

/* Only port 0 changes. */
static int set_actual(const struct bj_listen_set *set, struct bj_config *config)
{
    for (size_t n = 0; n < config->listener_count; n++) {
        const char *configured = config->listeners[n].address;
        for (size_t i = 0; i < set->count; i++) {
            const struct bj_listening *item = &set->items[i];
            if (item->control || !item->wanted || strcmp(item->configured, configured) != 0 ||
                strcmp(item->actual, configured) == 0)
                continue;
            bool taken = false; /* another listener may have asked for any port as well */
            for (size_t other = 0; other < n; other++)
                taken = taken || strcmp(config->listeners[other].address, item->actual) == 0;
            if (taken)
                continue;
            if (!(config->listeners[n].address = bj__arena_string(&config->arena, item->actual)))
                return -ENOMEM;
            break;
        }
    }
    return 0;
}

int bj__listen_open(struct bj_listen_set *set, struct bj_config *config, struct bj_error *err)
{
    size_t before = set->count;
    bool wanted[BJ_LISTEN_MAX];
    for (size_t n = 0; n < set->count; n++) {
        wanted[n] = set->items[n].wanted;
        set->items[n].wanted = false;
    }
    int r = use_handed(set, config, err);
    if (r == 0)
        r = open_all(set, config, err);
    if (r == 0 && set_actual(set, config) < 0)
        r = bj__error_memory(err);
    if (r == 0)
        return 0;
    while (set->count > before)
        remove_item(set, set->count - 1);
    for (size_t n = 0; n < before; n++)
        set->items[n].wanted = wanted[n];
    return r;
}

static const struct bj_listening *find_actual(const struct bj_listen_set *set, const char *address,
                                              bool control)
{
    for (size_t n = 0; n < set->count; n++)
        if (set->items[n].control == control && strcmp(set->items[n].actual, address) == 0)
            return &set->items[n];
    return NULL;
}

int bj__listen_fd(const struct bj_listen_set *set, const struct bj_config *config, size_t n)
{
    bool control = n == config->listener_count;
    const char *address = control ? config->control_socket : config->listeners[n].address;
    const struct bj_listening *item = address ? find_actual(set, address, control) : NULL;
    return item ? item->fd : -1;
}

void bj__listen_keep(struct bj_listen_set *set, const struct bj_config *config)
{
    for (size_t i = set->count; i-- > 0;) {
        const struct bj_listening *item = &set->items[i];
        bool kept = item->handed;
        for (size_t n = 0; !kept && n <= config->listener_count; n++) {
            kept = bj__listen_fd(set, config, n) == item->fd;
            if (kept && item->device)
                (void)chmod(item->actual,
                            n < config->listener_count ? config->listeners[n].mode & 0777 : CONTROL_MODE);
        }
        if (!kept)
            remove_item(set, i);
    }
}
