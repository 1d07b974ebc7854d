/* What the operator of a service decides: belljard.json(5).
 * Its own file because the keeper checks it and the front lives by it.
 * Changes when: an operator can decide something more (and then schema/belljard.schema.json as well). */
#ifndef BJ_SERVER_CONFIG_H
#define BJ_SERVER_CONFIG_H

#include "base/arena.h"
#include "base/base.h"

#define BJ_CONFIG_BYTES_MAX (1u << 20)
#define BJ_CONFIG_LISTENERS 16u
#define BJ_CONFIG_PROFILES  64u
#define BJ_CONFIG_TOKENS    1024u

/* X(ENUM, what is spoken there) */
#define BJ_LISTENER_LIST(X)                                                                                    \
    X(HTTP, "http")       /* HTTP/1.1: the API */                                                              \
    X(METRICS, "metrics") /* HTTP/1.1: /metrics, and nothing else */                                           \
    X(NUL, "nul")         /* a program, NUL; its output, NUL (remote_exec) */                                  \
    X(JSON, "json")       /* a length, a spec; a length, a result */

enum bj_listener_kind {
#define X(name, text) BJ_LISTENER_##name,
    BJ_LISTENER_LIST(X)
#undef X
        BJ_LISTENER__COUNT
};

/* "127.0.0.1:8060", "[::1]:8060", or an absolute path: a unix socket (server/address.h). */
struct bj_config_listener {
    enum bj_listener_kind kind;
    const char *address;
    uint32_t mode; /* of a unix socket's file; 0660 unless said otherwise */
};

struct bj_config_profile {
    const char *name;
    uint64_t jails; /* kept parked; 0: none, each run has a jail made for it */
};

/* What one client may have. 0: as much as the service. runs_burst is never 0 where
 * runs_per_minute is not. */
struct bj_config_quota {
    const char **profiles; /* NULL: all of the service's */
    size_t profile_count;
    uint64_t runs_per_minute; /* a bucket that holds runs_burst */
    uint64_t runs_burst;
    uint64_t concurrent_runs;
    uint64_t sessions;
};

struct bj_config_token {
    const char *name;         /* in logs; never the token itself */
    unsigned char sha256[32]; /* of the token */
    struct bj_config_quota quota;
};

struct bj_config {
    struct bj_arena arena; /* owns what is pointed to */
    struct bj_config_listener listeners[BJ_CONFIG_LISTENERS];
    size_t listener_count;
    struct bj_config_profile profiles[BJ_CONFIG_PROFILES];
    size_t profile_count;
    const char *default_profile; /* of requests that name none */
    struct bj_config_token *tokens;
    size_t token_count;
    bool anonymous; /* TCP clients without a token are served, as those of unix sockets always are */
    struct bj_config_quota anonymous_quota; /* of both */
    const char **
        hosts; /* names that a Host header of a TCP client may have, besides localhost and the listeners' addresses */
    size_t host_count;
    const char *control_socket;       /* path, for belljar top; NULL: none */
    const char *user;                 /* that the front runs as, where belljard is root */
    uint64_t concurrent_runs;         /* at once; more wait */
    uint64_t queued_runs;             /* that may wait; more are refused: 503 */
    uint64_t queue_us;                /* longest wait */
    uint64_t sessions;                /* at once */
    uint64_t request_bytes;           /* largest body: 413 */
    uint64_t buffered_bytes;          /* of all bodies and answers at once: 503 */
    uint64_t upload_bytes_per_second; /* of bodies beyond their first 256 KiB, together */
    uint64_t connections;             /* at once; the one that has been idle for longest makes room */
    uint64_t idle_us;                 /* longest silence of a client that owes us something: headers, a body */
    uint64_t drain_us;                /* that runs have to end in when the service stops */
};

/* Text to config, with every rule that one value, or two together, must keep. field is the key. An unknown key is an error. What is
 * not said has its default, which may depend on this host and its user. */
int bj__config_parse(const char *json, size_t length, struct bj_config **ret_config, struct bj_error *err);
/* The file, which nobody but its owner and root may write to. */
int bj__config_read(const char *path, struct bj_config **ret_config, struct bj_error *err);
/* All of it, defaults as well, as JSON that bj__config_parse takes: what the keeper hands on. free() it; NULL: out of memory. */
char *bj__config_text(const struct bj_config *config);
void bj__config_free(struct bj_config *config);
const char *bj__listener_kind_name(enum bj_listener_kind kind);

#endif
