/* Is a text JSON? As Python writes it: NaN, Infinity and -Infinity are numbers.
 * Its own file because what a guest calls JSON is passed on as it is, and must not break what it is put into.
 * Changes when: what may be passed on does. */
#ifndef BJ_JSON_SCAN_H
#define BJ_JSON_SCAN_H

#include "base/base.h"

/* One value, nothing before or behind it, valid UTF-8, no half of a surrogate pair, nested to depth at most. Pure. */
bool bj__json_is_valid(const char *text, size_t length, unsigned depth);
/* The record of a script: an object of "steps", an array of objects, and "truncated", true or false; in this order, and nothing
 * else. Otherwise the same. */
bool bj__json_is_trace(const char *text, size_t length, unsigned depth);

#endif
