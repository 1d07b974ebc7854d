/* What the files of the configuration share: its reader, and the rows of its numbers.
 * Its own file because reading, checking and printing must agree about each key.
 * Changes when: a number is added, or a key needs another helper. */
#ifndef BJ_SERVER_CONFIG_INTERNAL_H
#define BJ_SERVER_CONFIG_INTERNAL_H

#include "server/config.h"
#include "spec/json_read.h"
#include "spec/limits.h"

#define BJ_CONFIG_MAX_RUNS   1024u /* as many as the broker has room for: broker/broker.h */
#define BJ_CONFIG_MAX_PARKED 4096u /* jails, over all profiles */

/* X(field of struct bj_config, name in JSON, unit, minimum, maximum, default; 0: of the host)
 * unit: SECONDS are fractions in JSON and microseconds in the struct; COUNT is a whole number. */
#define BJ_CONFIG_NUMBER_LIST(X)                                                                               \
    X(concurrent_runs, "concurrent_runs", COUNT, 1ull, BJ_CONFIG_MAX_RUNS, 0ull)                               \
    X(queued_runs, "queued_runs", COUNT, 0ull, 65536ull, 256ull)                                               \
    X(queue_us, "queue_seconds", SECONDS, 0ull, 3600000000ull, 10000000ull)                                    \
    X(sessions, "sessions", COUNT, 0ull, BJ_CONFIG_MAX_RUNS, 32ull)                                            \
    X(request_bytes, "request_bytes", COUNT, 1024ull, BJ_MAX_SPEC_JSON, 16777216ull)                           \
    X(buffered_bytes, "buffered_bytes", COUNT, 1048576ull, 1ull << 40, 268435456ull)                           \
    X(upload_bytes_per_second, "upload_bytes_per_second", COUNT, 1048576ull, 1ull << 40, 134217728ull)         \
    X(connections, "connections", COUNT, 1ull, 65536ull, 1024ull)                                              \
    X(idle_us, "idle_seconds", SECONDS, 100000ull, 3600000000ull, 30000000ull)                                 \
    X(drain_us, "drain_seconds", SECONDS, 0ull, 3600000000ull, 30000000ull)

/* X(field of struct bj_config_quota and name in JSON, maximum) */
#define BJ_CONFIG_QUOTA_LIST(X)                                                                                \
    X(runs_per_minute, 6000000ull)                                                                             \
    X(runs_burst, 1000000ull)                                                                                  \
    X(concurrent_runs, BJ_CONFIG_MAX_RUNS)                                                                     \
    X(sessions, BJ_CONFIG_MAX_RUNS)

/* What the tables' functions get as their reader. */
struct bj_config_reader {
    struct bj_reader reader; /* the first, so that the one is found by the other */
    struct bj_config *config;
    bool runs_given, profiles_given, listeners_given, control_given;
};

static inline struct bj_config_reader *bj__config_reader(struct bj_reader *reader)
{
    return (struct bj_config_reader *)reader;
}

/* Text of at least one byte, copied. */
int bj__config_copy(struct bj_reader *reader, const char *field, const json_t *value, const char **ret_text);
/* "expected" as bj__json_wrong has it. */
int bj__config_number(struct bj_reader *reader, const char *field, const json_t *value, uint64_t maximum,
                      uint64_t *ret_number);

/* config_parts.c */
int bj__config_read_listeners(struct bj_reader *reader, const char *field, const json_t *value, void *target);
int bj__config_read_profiles(struct bj_reader *reader, const char *field, const json_t *value, void *target);
int bj__config_read_tokens(struct bj_reader *reader, const char *field, const json_t *value, void *target);
int bj__config_read_quota(struct bj_reader *reader, const char *field, const json_t *value, void *target);
int bj__config_read_hosts(struct bj_reader *reader, const char *field, const json_t *value, void *target);

/* config_default.c: what nobody said. */
int bj__config_defaults(struct bj_config_reader *reader);
/* config_check.c: the rules of two values together. */
int bj__config_check(const struct bj_config *config, struct bj_error *err);

/* The tables, for the test that holds them against the schema; each ends with a NULL name. */
extern const struct bj_key bj__config_keys[], bj__config_listener_keys[], bj__config_profile_keys[],
    bj__config_token_keys[], bj__config_quota_keys[];

#endif
