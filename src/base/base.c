/* Error filling, owned descriptors, the clock.
 * Its own file because these few functions are used by every layer above and depend on none.
 * Changes when: the error record or the descriptor rules change. */
#include "base/base.h"

#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define X(name, text) _Static_assert(sizeof(text) > 1, "every code has a text");
BJ_ERROR_LIST(X)
#undef X

static const char *const error_names[] = {"none",  "invalid", "not_found", "unavailable",
                                          "setup", "system",  "state",     "widens"};
_Static_assert(BJ_COUNT(error_names) == BJ_ERROR__COUNT, "one name per code");

const char *bj_error_name(int32_t code)
{
    return code > 0 && code < BJ_ERROR__COUNT ? error_names[code] : error_names[0];
}

const char *bj_version(void)
{
    return BJ_VERSION;
}

/* Messages reach terminals and logs, and may quote what a request said: keep them to one printable line. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

static BJ_PRINTF(5, 0) void fill(struct bj_error *err, enum bj_error_code code, int errnum, const char *field,
                                 const char *format, va_list args)
{
    memset(err, 0, sizeof(*err));
    err->code = (int32_t)code;
    err->err = errnum;
    (void)snprintf(err->field, sizeof(err->field), "%s", field);
    (void)vsnprintf(err->message, sizeof(err->message), format, args);
    make_printable(err->field);
    make_printable(err->message);
}

int bj__error(struct bj_error *err, enum bj_error_code code, int errnum, const char *field, const char *format,
              ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        fill(err, code, errnum, field, format, args);
        va_end(args);
    }
    return -errnum;
}

int bj__error_system(struct bj_error *err, int errnum, const char *field, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        fill(err, BJ_ERROR_SYSTEM, errnum, field, format, args);
        va_end(args);
        size_t used = strlen(err->message);
        (void)snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(errnum));
    }
    return -errnum;
}

int bj__error_memory(struct bj_error *err)
{
    return bj__error(err, BJ_ERROR_SYSTEM, ENOMEM, "", "out of memory");
}

void bj__fd_close(int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        (void)close(*fd); /* nothing useful can be done about a failing close */
        errno = saved;
        *fd = -1;
    }
}

int bj__fd_send(int socket, const struct iovec *message, const int *fds, size_t count, int flags)
{
    struct iovec part = *message;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(BJ_FDS_MAX * sizeof(int))];
    } control = {.header = {.cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int)),
                            .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS}};
    if (count > BJ_FDS_MAX)
        return -E2BIG;
    memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    const struct msghdr header = {.msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = &control,
                                  .msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int))};
    ssize_t n;
    do {
        n = sendmsg(socket, &header, flags | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)part.iov_len ? 0 : n < 0 ? -errno : -EIO;
}

int bj__fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

void bj__free_pointer(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;
    free(*pointer);
    *pointer = NULL;
}

uint64_t bj__now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with a valid clock and pointer */
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

int bj__digits(const char **cursor, uint64_t *ret_value)
{
    const char *at = *cursor;
    uint64_t value = 0;
    if (*at < '0' || *at > '9')
        return -EINVAL;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            return -ERANGE;
    *cursor = at;
    *ret_value = value;
    return 0;
}
