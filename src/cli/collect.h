/* Collected files, written below a directory of the caller's.
 * Its own file because the names in it were chosen by the guest.
 * Changes when: the rules for writing collected files change. */
#ifndef BJ_CLI_COLLECT_H
#define BJ_CLI_COLLECT_H

#include "base/base.h"

/* The directory, made if its last component is missing. */
int bj__collect_open(const char *path, int *ret_fd, struct bj_error *err);
/* Writes each collected file; says on stderr which were not. The number that could not be written; what the
 * library refused to collect is the guest's doing, and not counted. */
size_t bj__collect_write(const struct bj_result *result, int directory_fd);

#endif
