/* JSON as it is written: piece by piece into a buffer, indented by two, without a tree of it in memory.
 * Its own file because results are written while somebody waits, and answers by processes that read no JSON.
 * Changes when: another kind of value is written. */
#ifndef BJ_JSON_OUT_H
#define BJ_JSON_OUT_H

#include "base/buf.h"

/* key: of a member of an object; NULL in an array, and of the outermost value. Text is valid UTF-8. */
struct bj_json_out {
    struct bj_buf buf;
    unsigned depth;
    bool filled; /* a value stands before the next one, in the same object or array */
    bool failed; /* out of memory: nothing of it is of use */
};

void bj__out_init(struct bj_json_out *out);
/* bracket: '{' or '[', and '}' or ']' for the same. */
void bj__out_open(struct bj_json_out *out, const char *key, char bracket);
void bj__out_close(struct bj_json_out *out, char bracket);
void bj__out_text(struct bj_json_out *out, const char *key, const void *text, size_t length);
void bj__out_string(struct bj_json_out *out, const char *key, const char *text); /* NULL: null */
void bj__out_number(struct bj_json_out *out, const char *key, uint64_t number);
void bj__out_bool(struct bj_json_out *out, const char *key, bool value);
void bj__out_seconds(struct bj_json_out *out, const char *key,
                     uint64_t us); /* with six digits behind the point */
void bj__out_json(struct bj_json_out *out, const char *key, const char *json); /* as it is; NULL: null */
/* The text, owned by the caller, or NULL if anything of it is lacking. */
char *bj__out_take(struct bj_json_out *out);

/* One string with its quotes. 0, -ENOMEM or -ENOBUFS. */
int bj__json_add_string(struct bj_buf *buf, const void *text, size_t length);

#endif
