/* Binding one socket.
 * Its own file because what stands in the way of a socket is a subject of its own.
 * Changes when: a socket is made in another way. */
#include "server/listen_bind.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG         1024
#define OUR_DIRECTORY   "belljar" /* below /run, or a user's $XDG_RUNTIME_DIR: the one that is made */
#define OUR_PERMISSIONS 0755

/* "/run/belljar" of "/run/belljar/http.sock"; false: it is none that we make. */
static bool our_directory(const char *path, char directory[BJ_ADDRESS_SIZE])
{
    const char *slash = strrchr(path, '/');
    (void)snprintf(directory, BJ_ADDRESS_SIZE, "%.*s", (int)(slash - path), path);
    const char *name = strrchr(directory, '/');
    return name && strcmp(name + 1, OUR_DIRECTORY) == 0;
}

void bj__listen_drop_directory(const char *path)
{
    char directory[BJ_ADDRESS_SIZE];
    if (our_directory(path, directory))
        (void)rmdir(directory); /* fails while anything is in it */
}

static int make_directory(const char *field, const char *path, struct bj_error *err)
{
    char directory[BJ_ADDRESS_SIZE];
    if (!our_directory(path, directory) || mkdir(directory, OUR_PERMISSIONS) == 0 || errno == EEXIST)
        return 0;
    return bj__error_system(err, errno, field, "cannot make %.110s", directory);
}

/* Who listens answers; who has died does not, and has left its file behind. */
static bool is_stale(const char *path, const struct bj_address *address, int type)
{
    struct stat status;
    BJ_FD int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 && lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) &&
           connect(fd, (const struct sockaddr *)&address->name, address->length) < 0 && errno == ECONNREFUSED;
}

static int refuse_path(const char *field, const char *path, int error, struct bj_error *err)
{
    struct stat status;
    if (error != EADDRINUSE)
        return bj__error_system(err, error, field, "cannot listen on %.100s", path);
    if (lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode))
        return bj__error(err, BJ_ERROR_INVALID, EADDRINUSE, field,
                         "%.100s is there, and is no socket; remove it, or give another path", path);
    return bj__error(err, BJ_ERROR_STATE, EADDRINUSE, field,
                     "another program listens on %.100s; end it, or give another path", path);
}

/* The file has its permissions from the first moment. */
static int bind_with_mode(int fd, const struct bj_address *address, uint32_t mode)
{
    mode_t before = umask(0777 & ~mode);
    int r = bind(fd, (const struct sockaddr *)&address->name, address->length) < 0 ? -errno : 0;
    (void)umask(before);
    return r;
}

static int bind_path(struct bj_listening *item, const char *field, const struct bj_address *address,
                     uint32_t mode, struct bj_error *err)
{
    struct stat status;
    int type = item->control ? SOCK_SEQPACKET : SOCK_STREAM;
    int r = make_directory(field, item->configured, err);
    if (r < 0)
        return r;
    r = bind_with_mode(item->fd, address, mode);
    if (r == -EADDRINUSE && is_stale(item->configured, address, type) && unlink(item->configured) == 0)
        r = bind_with_mode(item->fd, address, mode);
    if (r < 0)
        return refuse_path(field, item->configured, -r, err);
    if (lstat(item->configured, &status) == 0) {
        item->device = status.st_dev;
        item->inode = status.st_ino;
    }
    return 0;
}

static int bind_port(const struct bj_listening *item, const char *field, const struct bj_address *address,
                     struct bj_error *err)
{
    const int on = 1;
    (void)setsockopt(item->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->name.ss_family == AF_INET6) /* [::] means what it says, whatever the host's sysctl is */
        (void)setsockopt(item->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(item->fd, (const struct sockaddr *)&address->name, address->length) == 0)
        return 0;
    if (errno == EADDRINUSE)
        return bj__error(err, BJ_ERROR_STATE, EADDRINUSE, field,
                         "another program listens on %.100s; end it, or give another port", item->configured);
    return bj__error_system(err, errno, field, "cannot listen on %.100s", item->configured);
}

int bj__listen_bind(struct bj_listening *item, const char *field, uint32_t mode, struct bj_error *err)
{
    struct bj_address address;
    int r = bj__address_read(field, item->configured, &address, err);
    if (r < 0)
        return r;
    int type = item->control ? SOCK_SEQPACKET : SOCK_STREAM;
    item->fd = socket(address.name.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (item->fd < 0)
        return bj__error_system(err, errno, field, "cannot make a socket for %.100s", item->configured);
    r = bj__address_is_unix(&address) ? bind_path(item, field, &address, mode, err)
                                      : bind_port(item, field, &address, err);
    address.length = sizeof(address.name);
    if (r == 0 && (listen(item->fd, BACKLOG) < 0 ||
                   getsockname(item->fd, (struct sockaddr *)&address.name, &address.length) < 0))
        r = bj__error_system(err, errno, field, "cannot listen on %.100s", item->configured);
    if (r == 0)
        r = bj__address_write(&address, item->actual);
    if (r < 0) {
        if (item->device)
            (void)unlink(item->configured);
        bj__fd_close(&item->fd);
    }
    return r;
}
