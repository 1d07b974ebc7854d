/* Collected files, written below a directory of the caller's. Nothing is overwritten and no link is followed:
 * a guest that could choose both the name and the bytes of a host file would have won (CVE-2024-28185).
 * Its own file because the names in it were chosen by the guest.
 * Changes when: the rules for writing collected files change. */
#include "cli/collect.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

int bj__collect_open(const char *path, int *ret_fd, struct bj_error *err)
{
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return bj__error_system(err, errno, "--collect-to", "cannot make \"%s\"", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bj__error_system(err, errno, "--collect-to", "cannot open \"%s\"", path);
    *ret_fd = fd;
    return 0;
}

/* Opens a subdirectory, making it if need be. Takes *fd and leaves the new one there. */
static int enter(int *fd, const char *name)
{
    if (mkdirat(*fd, name, 0755) < 0 && errno != EEXIST)
        return -errno;
    int next = openat(*fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0)
        return -errno;
    bj__fd_close(fd);
    *fd = next;
    return 0;
}

/* The library has checked the path; what is written to the host is checked once more. */
static bool is_plain_name(const char *name)
{
    return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/');
}

static int write_file(int directory_fd, const char *path, const void *bytes, size_t length)
{
    BJ_FREE char *copy = strdup(path);
    BJ_FD int at = fcntl(directory_fd, F_DUPFD_CLOEXEC, 3);
    char *rest = copy;
    int r = 0;

    if (!copy)
        return -ENOMEM;
    if (at < 0)
        return -errno;
    char *name = strsep(&rest, "/");
    while (rest && r == 0) {
        r = is_plain_name(name) ? enter(&at, name) : -EINVAL;
        name = strsep(&rest, "/");
    }
    if (r == 0 && !is_plain_name(name))
        r = -EINVAL;
    if (r < 0)
        return r;

    BJ_FD int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    r = bj__write_all(fd, bytes, length);
    if (r < 0)
        (void)unlinkat(at, name, 0); /* half a file would pass for a whole one */
    return r;
}

size_t bj__collect_write(const struct bj_result *result, int directory_fd)
{
    size_t missed = 0;

    for (size_t i = 0; i < bj_result_file_count(result); i++) {
        const char *path = "";
        const char *why = NULL;
        size_t length = 0;
        const void *bytes = bj_result_file(result, i, &path, &length, &why);
        int r = why ? 0 : write_file(directory_fd, path, bytes, length);
        if (why || r < 0)
            bj__say("belljar: run: --collect-to: \"%s\" was not written: %s", path, why ? why : strerror(-r));
        missed += r < 0;
    }
    return missed;
}
