/* Reading and writing of small kernel files (proc, sys, control groups).
 * Its own file because the probes and the control group code do hundreds of these, each in three system calls.
 * Changes when: a kernel file has another shape than "a few lines of text". */
#ifndef BJ_SMALL_H
#define BJ_SMALL_H

#include "base/base.h"

/* One read of a file; the text is NUL-terminated and cut at size - 1. Its length, or -errno. */
int bj__small_read(int dir_fd, const char *path, char *text, size_t size);
/* One write of the whole text to a file that exists. 0 or -errno. */
int bj__small_write(int dir_fd, const char *path, const char *text);
/* A file that holds one decimal number and a newline. -EINVAL for anything else ("max" too). */
int bj__small_number(int dir_fd, const char *path, uint64_t *ret_value);

#endif
