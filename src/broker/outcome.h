/* What came of a run, on its way to who asked for it.
 * Its own file because the broker writes it and every asker reads it.
 * Changes when: an asker needs to know something more without reading JSON. */
#ifndef BJ_BROKER_OUTCOME_H
#define BJ_BROKER_OUTCOME_H

#include "broker/wire.h"

/* Texts and bytes point into the message. Those of the second half are there only when the request said PARTS, json only when it
 * did not. */
struct bj_outcome {
    enum bj_status status;
    int exit_status; /* bj_result_exit_status */
    uint64_t wall_us;
    uint64_t cpu_us, memory_bytes; /* UINT64_MAX: not known */
    const char *json;              /* belljar-result(5); length behind it */
    size_t json_length;

    int exit_code;         /* -1: none */
    int signal;            /* 0: none */
    const char *limit;     /* NULL: none */
    const char *error;     /* NULL: none */
    const void *output[3]; /* by enum bj_stream */
    size_t output_length[3];
    bool truncated[3];
    const char *value, *globals,
        *exception; /* JSON as Python writes it, the guest's own word; NULL: not told */
    size_t file_count;
};

struct bj_outcome_file {
    const char *path;
    const void *bytes; /* NULL: refused */
    size_t length;
    const char *why;
};

int bj__outcome_encode(const struct bj_result *result, bool parts, struct bj_buf *body);
/* Its files alone: the body of FILES. */
int bj__outcome_encode_files(const struct bj_result *result, struct bj_buf *body);
/* -EBADMSG. */
int bj__outcome_decode(const struct bj_message *message, struct bj_outcome *ret_outcome);
/* n < file_count. */
int bj__outcome_file(const struct bj_message *message, size_t n, struct bj_outcome_file *ret_file);

/* A refusal's or an error's record, in and out. */
int bj__refusal_encode(const struct bj_error *err, struct bj_buf *body);
int bj__refusal_decode(const struct bj_message *message, struct bj_error *ret_err);

#endif
