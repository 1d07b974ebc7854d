/* Sockets that systemd has opened: sd_listen_fds(3), by hand.
 * Its own file because it is a protocol of somebody else's.
 * Changes when: systemd hands over sockets in another way. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/listen.h"

#define FIRST_HANDED 3

static bool read_variable(const char *name, uint64_t *ret_number)
{
    const char *text = secure_getenv(name);
    return text && bj__digits(&text, ret_number) == 0 && *text == 0;
}

static int kind_of(const char *name)
{
    for (int kind = 0; kind < BJ_LISTENER__COUNT; kind++)
        if (strcmp(name, bj__listener_kind_name((enum bj_listener_kind)kind)) == 0)
            return kind;
    return -1;
}

/* The n-th of "one:two:three"; "" where there are fewer. */
static void nth_name(const char *names, uint64_t n, char name[32])
{
    for (; names && n > 0; n--) {
        names = strchr(names, ':');
        names = names ? names + 1 : NULL;
    }
    size_t length = names ? strcspn(names, ":") : 0;
    (void)snprintf(name, 32, "%.*s", (int)(length < 31 ? length : 31), names ? names : "");
}

static int option(int fd, int what)
{
    int value = -1;
    socklen_t size = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, what, &value, &size) < 0 ? -1 : value;
}

static int take_one(struct bj_listening *item, int fd, const char *name, struct bj_error *err)
{
    struct bj_address address = {.length = sizeof(address.name)};
    *item = (struct bj_listening){.fd = fd, .handed = true, .handed_kind = kind_of(name)};
    item->control = strcmp(name, "control") == 0;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        return bj__error_system(err, errno, "LISTEN_FDS", "descriptor %d", fd);
    if (option(fd, SO_ACCEPTCONN) != 1 || option(fd, SO_TYPE) != (item->control ? SOCK_SEQPACKET : SOCK_STREAM))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "LISTEN_FDS",
                         "descriptor %d (\"%s\") is no listening %s socket; correct the socket unit", fd, name,
                         item->control ? "sequential packet" : "stream");
    if (getsockname(fd, (struct sockaddr *)&address.name, &address.length) < 0 ||
        bj__address_write(&address, item->actual) < 0)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "LISTEN_FDS",
                         "descriptor %d (\"%s\") has neither a port nor a path; correct the socket unit", fd,
                         name);
    memcpy(item->configured, item->actual, sizeof(item->configured));
    return 0;
}

int bj__listen_take(struct bj_listen_set *set, struct bj_error *err)
{
    uint64_t count;
    uint64_t pid;
    const char *names = secure_getenv("LISTEN_FDNAMES");
    if (!read_variable("LISTEN_PID", &pid) || pid != (uint64_t)getpid() || !read_variable("LISTEN_FDS", &count))
        return 0;
    if (count > BJ_CONFIG_LISTENERS + 1)
        return bj__error(err, BJ_ERROR_INVALID, E2BIG, "LISTEN_FDS", "%llu sockets; at most %u fit",
                         (unsigned long long)count, BJ_CONFIG_LISTENERS + 1);
    for (uint64_t n = 0; n < count; n++) {
        char name[32];
        nth_name(names, n, name);
        int r = take_one(&set->items[set->count], FIRST_HANDED + (int)n, name, err);
        set->count++; /* even where it is of no use: the descriptor is ours to close */
        if (r < 0)
            return r;
    }
    return (int)count;
}
