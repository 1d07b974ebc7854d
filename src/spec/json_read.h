/* Typed reading of JSON values: each function takes a value for a field, or says what is wrong with it.
 * Its own file because every value of a spec is read by one of these, so that all errors are worded alike.
 * Changes when: a field has a new type of value. */
#ifndef BJ_JSON_READ_H
#define BJ_JSON_READ_H

#include "spec/build.h"
#include "spec/names.h"

#include <jansson.h>

#define BJ_FIELD_SIZE 64 /* of struct bj_error.field; longer names are cut */

static inline void bj__json_free(json_t **json)
{
    json_decref(*json);
}
#define BJ_JSON BJ_CLEANUP(bj__json_free)

/* Where values go to and errors are told. */
struct bj_reader {
    struct bj_spec *spec;
    struct bj_request *request; /* NULL: a profile is read */
    struct bj_error *err;
    bool stdin_given;
    uint32_t limit_keys, layer_keys; /* as in struct bj_request */
};

/* Text to a tree: at most maximum bytes and BJ_MAX_OPAQUE_DEPTH deep, duplicates refused, strings may hold NUL. */
#define BJ_MAX_OPAQUE_DEPTH 256u /* of "globals"; bounds the recursion of the parser */
int bj__json_load(const char *text, size_t length, size_t maximum, json_t **ret_root, struct bj_error *err);

/* As bj__spec_parse_request, of what bj__json_load has read. */
int bj__spec_read_request(const json_t *root, struct bj_request *ret_request, struct bj_error *err);

/* -EINVAL: "VALUE is a TYPE; expected EXPECTED". */
int bj__json_wrong(struct bj_reader *reader, const char *field, const json_t *value, const char *expected);

/* Text without NUL, shorter than maximum. Belongs to the JSON value. */
int bj__json_text(struct bj_reader *reader, const char *field, const json_t *value, size_t maximum,
                  const char **ret_text);
/* The same, copied into the spec's arena. */
int bj__json_copy_text(struct bj_reader *reader, const char *field, const json_t *value, size_t maximum,
                       const char **ret_text);
/* A string's bytes as they are, or decoded; in the arena. */
int bj__json_bytes(struct bj_reader *reader, const char *field, const json_t *value, bool base64,
                   const void **ret_bytes, size_t *ret_length);
int bj__json_bool(struct bj_reader *reader, const char *field, const json_t *value, bool *ret_value);
int bj__json_integer(struct bj_reader *reader, const char *field, const json_t *value, long long minimum,
                     long long maximum);
/* Position of the word. */
int bj__json_word(struct bj_reader *reader, const char *field, const json_t *value,
                  const struct bj_words *words);
/* An array of texts, appended to a list that is at most `most` long. */
int bj__json_texts(struct bj_reader *reader, const char *field, const json_t *value, size_t most,
                   struct bj_strings *strings);

/* One key of an object. */
struct bj_key {
    const char *name;
    int (*read)(struct bj_reader *reader, const char *field, const json_t *value, void *target);
    int bit; /* enum bj_spec_key that a request notes, or -1 */
    bool profile_only;
};
/* Reads every member of an object by a table; prefix is "" or "files[2]". Unknown keys are errors. */
int bj__json_object(struct bj_reader *reader, const char *prefix, const json_t *object,
                    const struct bj_key *keys, void *target);

/* spec_json_parts.c: the keys of nested objects. */
int bj__read_files(struct bj_reader *reader, const char *field, const json_t *value, void *target);
int bj__read_mounts(struct bj_reader *reader, const char *field, const json_t *value, void *target);
int bj__read_links(struct bj_reader *reader, const char *field, const json_t *value, void *target);
int bj__read_limits(struct bj_reader *reader, const char *field, const json_t *value, void *target);
int bj__read_layers(struct bj_reader *reader, const char *field, const json_t *value, void *target);
int bj__read_env(struct bj_reader *reader, const char *field, const json_t *value, void *target);
int bj__read_opaque(struct bj_reader *reader, const char *field, const json_t *value, void *target);

/* The tables, for the test that holds them against the schema; each ends with a NULL name. */
extern const struct bj_key bj__spec_keys[], bj__file_keys[], bj__mount_keys[], bj__link_keys[],
    bj__trace_keys[], bj__deterministic_keys[];

#endif
