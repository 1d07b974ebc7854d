/* Sizes and durations as people write them on a command line.
 * Its own file because the parser is pure and is tested without the rest of the command.
 * Changes when: another unit is accepted. */
#ifndef BJ_CLI_UNITS_H
#define BJ_CLI_UNITS_H

#include <stdint.h>

/* All three are strict: no sign, no space, nothing behind the unit, no overflow. 0, or -EINVAL for text that
 * is not such a number, or -ERANGE for one that does not fit; the result is then untouched. */

/* "4096", "64K", "64k", "64KiB", "64M", "1G", "1T": factors of 1024. "64KB" is refused: it has two meanings. */
int bj__units_size(const char *text, uint64_t *ret_bytes);
/* "2", "0.5", "1.5s", "250ms", "90us", "2m", "1h": what is finer than a microsecond is refused. */
int bj__units_duration(const char *text, uint64_t *ret_us);
/* A plain whole number. */
int bj__units_count(const char *text, uint64_t *ret_count);

#endif
