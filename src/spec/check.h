/* Checks of single values, shared by parser, setters and spec_check.c.
 * Its own file because a rule about a value must be the same wherever the value comes from.
 * Changes when: a value gets a rule of its own. */
#ifndef BJ_SPEC_CHECK_H
#define BJ_SPEC_CHECK_H

#include "spec/spec.h"

/* All of these: 0 or -EINVAL with the field, the value and the fix. */

/* Absolute and clean path inside the jail, not "/": of bounded depth, without control characters. */
int bj__check_jail_path(const char *field, const char *path, struct bj_error *err);
/* Absolute and clean path of the host; "/" is one. */
int bj__check_host_path(const char *field, const char *path, struct bj_error *err);
/* Is path the directory itself or below it, component by component? Both are clean. */
bool bj__path_is_below(const char *path, const char *directory);

int bj__check_variable_name(const char *field, const char *name, struct bj_error *err);
int bj__check_hostname(const char *field, const char *name, struct bj_error *err);
/* value in the unit of struct bj_limits; 0 is allowed where it means "not set". */
int bj__check_limit(size_t limit, uint64_t value, struct bj_error *err);
bool bj__limit_may_be_unset(size_t limit);
/* [a-z0-9-]{1,63}, not beginning with a '-'. */
bool bj__profile_name_ok(const char *name);

/* The limits as a table, in the order of BJ_LIMIT_LIST. */
enum bj_limit_unit { BJ_LIMIT_SECONDS, BJ_LIMIT_BYTES, BJ_LIMIT_COUNT };
struct bj_limit_row {
    const char *field; /* "wall_us" */
    const char *name;  /* "wall_seconds" */
    enum bj_limit_unit unit;
    size_t offset; /* in struct bj_limits */
    uint64_t minimum, maximum;
};
extern const struct bj_limit_row bj__limit_rows[];
extern const size_t bj__limit_count;
uint64_t *bj__limit_at(struct bj_limits *limits, size_t limit);
uint64_t bj__limit_value(const struct bj_limits *limits, size_t limit);

#endif
