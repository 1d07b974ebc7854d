/* Reading and writing of small kernel files.
 * Its own file because these helpers know nothing of what the files mean.
 * Changes when: a kernel file has another shape than "a few lines of text". */
#include "host/small.h"

#include <fcntl.h>
#include <unistd.h>

int bj__small_read(int dir_fd, const char *path, char *text, size_t size)
{
    BJ_FD int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    ssize_t length;
    do
        length = read(fd, text, size - 1);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        return -errno;
    text[length] = 0;
    return (int)length;
}

int bj__small_write(int dir_fd, const char *path, const char *text)
{
    BJ_FD int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    size_t length = strlen(text);
    ssize_t written;
    do
        written = write(fd, text, length);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        return -errno;
    return (size_t)written == length ? 0 : -EIO;
}

int bj__small_number(int dir_fd, const char *path, uint64_t *ret_value)
{
    char text[32];
    int r = bj__small_read(dir_fd, path, text, sizeof(text));
    if (r < 0)
        return r;
    const char *cursor = text;
    uint64_t value;
    r = bj__digits(&cursor, &value);
    if (r < 0)
        return r;
    if (*cursor != 0 && *cursor != '\n')
        return -EINVAL;
    *ret_value = value;
    return 0;
}
