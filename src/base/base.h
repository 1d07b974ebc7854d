/* What every file of the project may use: compiler helpers, error filling, owned descriptors.
 * Its own file because it is the only header without a subject of its own.
 * Changes when: a helper is needed by more than one layer. */
#ifndef BJ_BASE_H
#define BJ_BASE_H

#include <belljar.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BJ_CLEANUP(fn)       __attribute__((cleanup(fn)))
#define BJ_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define BJ_COUNT(array)      (sizeof(array) / sizeof((array)[0]))

/* Fills *err (if not NULL) and returns -errnum, so that a failing function ends in one line:
 *     return bj__error(err, BJ_ERROR_INVALID, EINVAL, "limits.files", "0 is below 1; ...");
 * errnum is positive. Text is cut to fit and never holds a newline or a control character. */
int bj__error(struct bj_error *err, enum bj_error_code code, int errnum, const char *field, const char *format,
              ...) BJ_PRINTF(5, 6);
/* BJ_ERROR_SYSTEM with ": strerror(errnum)" appended. */
int bj__error_system(struct bj_error *err, int errnum, const char *field, const char *format, ...)
    BJ_PRINTF(4, 5);
/* -ENOMEM with a message. */
int bj__error_memory(struct bj_error *err);

/* Descriptors: -1 is "none"; close is never retried on EINTR (Linux has closed it); errno is kept. */
void bj__fd_close(int *fd);
int bj__fd_take(int *fd);
/* Sends a message with count descriptors, at most BJ_FDS_MAX, over a socket (unix(7), SCM_RIGHTS). flags: of sendmsg(2). 0, or
 * -errno; -EIO when not all of it was taken. */
#define BJ_FDS_MAX 32
struct iovec;
int bj__fd_send(int socket, const struct iovec *message, const int *fds, size_t count, int flags);
#define BJ_FD BJ_CLEANUP(bj__fd_close)

void bj__free_pointer(void *pointer_to_pointer);
#define BJ_FREE BJ_CLEANUP(bj__free_pointer)

/* Decimal digits at *cursor, which is moved behind them. -EINVAL: none; -ERANGE: more than fits. */
int bj__digits(const char **cursor, uint64_t *ret_value);

/* CLOCK_MONOTONIC in microseconds. */
uint64_t bj__now_us(void);

#endif
