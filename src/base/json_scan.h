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

/* The members of an object, one after the other, as they stand in a text. Set text and length, and the rest to 0. Pure. */
struct bj_json_members {
    const char *text;
    size_t length;
    size_t at; /* how far it was read; of a failure: where */
    bool begun;
};
struct bj_json_member {
    const char *name; /* with its quotes and escapes */
    size_t name_length;
    const char *value; /* without blanks around it */
    size_t value_length;
};
/* 1: *ret_member; 0: that was all, and nothing is behind the object; -EBADMSG: it is none, in any way of those above. */
int bj__json_next_member(struct bj_json_members *members, unsigned depth, struct bj_json_member *ret_member);

#endif
