/* What the summary and the meta file tell about a result, read once from its JSON.
 * Its own file because both say the same things in different words.
 * Changes when: a report tells something more. */
#ifndef BJ_CLI_FACTS_H
#define BJ_CLI_FACTS_H

#include <jansson.h>

#include "base/base.h"

struct facts {
    json_t *root; /* owned; the result without what the guest wrote or told */
    enum bj_status status;
    const char *status_name;
    const char *limit;                            /* or NULL */
    const char *error;                            /* why, for jail_error; or NULL */
    int exit_code;                                /* -1: none */
    int signal;                                   /* 0: none */
    int exit_status;                              /* of belljar itself */
    double wall_seconds, cpu_seconds;             /* -1: not known */
    json_int_t memory_peak_bytes, processes_peak; /* -1: not known */
    const char *memory_source;
    bool stdout_truncated, stderr_truncated;
};

/* The result must outlive the facts. */
int bj__facts_read(const struct bj_result *result, int exit_status, struct facts *ret_facts);
void bj__facts_done(struct facts *facts);

/* summary.c: to stderr. */
void bj__summary_print(const struct facts *facts);
/* Only why, in one line that goes on with `after`, and what was cut. */
void bj__summary_print_why(const struct facts *facts, const char *after);
void bj__summary_print_timing(const struct facts *facts);
/* meta.c: 0 or -errno. error is NULL when there is a result; facts is NULL when there is none. */
int bj__meta_write(int fd, const struct facts *facts, const struct bj_error *error);
int bj__status_write_start(int fd, int pid);
int bj__status_write_end(int fd, const char *status, int exit_status);

#endif
