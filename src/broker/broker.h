/* The inside of the broker: who asks, what runs, what it is made from.
 * Its own file because its parts share these structs, and nobody else sees them.
 * Changes when: the broker keeps something more. */
#ifndef BJ_BROKER_H
#define BJ_BROKER_H

#include "base/log.h"
#include "broker/channel.h"
#include "spec/spec.h"

#define BJ_BROKER_PEERS    64u
#define BJ_BROKER_TASKS    1024u
#define BJ_BROKER_SESSIONS 1024u
#define BJ_BROKER_LEAVING  256u
#define BJ_BROKER_STOCKS   64u

/* ---- what runs are made from ---------------------------------------------------------------------- */

/* A pool goes on until the last run out of it is over, also when another one has taken its place. */
struct bj_shared_pool {
    struct bj_pool *pool; /* owned */
    unsigned users;       /* runs, and the stock that it belongs to */
};

/* A profile that is served, and jails of it that are parked. */
struct bj_stock {
    char name[64];
    unsigned jails;              /* to be kept parked; 0: none */
    struct bj_spec *spec;        /* owned; the profile's */
    struct bj_spec *parked;      /* owned; what its parked jails were made for; NULL: there are none */
    struct bj_shared_pool *pool; /* NULL: there is none, or it has broken and none could be made yet */
    uint64_t retry_us;           /* when that is tried again */
    uint64_t zygotes;            /* made until now */
    uint64_t parked_runs, other_runs;
    uint64_t ended[BJ_STATUS__COUNT];
    uint64_t denials;
};

/* Its zygote is started, and imports what it shall while others are. */
int bj__stock_make(struct bj_stock *stock, const char *name, unsigned jails, struct bj_error *err);
/* Waits until all its jails are there. */
int bj__stock_settle(struct bj_stock *stock, struct bj_error *err);
bool bj__stock_has_jails(const struct bj_stock *stock); /* that a run could take at once */
void bj__stock_done(struct bj_stock *stock);
/* A jail in the place of one that was used, at leisure or when few are left; a pool in the place of one that has broken. Never
 * waits for more than a second, and that only for what is stuck, once. Returns in how many milliseconds there is more to be done,
 * 0: at leisure, -1: not by itself. */
int bj__stock_fill(struct bj_stock *stock, bool at_leisure, struct bj_log *log);
void bj__shared_pool_leave(struct bj_shared_pool *pool); /* NULL: nothing */

/* ---- who asks ------------------------------------------------------------------------------------- */

enum bj_peer_role { BJ_PEER_FRONT, BJ_PEER_WATCHER };

struct bj_peer {
    uint64_t key;
    unsigned index;
    struct bj_channel *channel; /* owned */
    enum bj_peer_role role;
    bool greeted;
    bool broken;  /* it has broken a rule, or is gone: it is dropped before anybody else is heard */
    bool writing; /* it is told when the socket has room */
};

/* ---- what is asked -------------------------------------------------------------------------------- */

struct bj_kept_session {
    uint64_t key;
    unsigned index;
    uint32_t number; /* that it is known by; never used again */
    struct bj_peer *peer;
    struct bj_stock *stock;
    struct bj_session *session; /* owned */
    struct bj_spec *spec;       /* owned */
    uint64_t start_us;
};

struct bj_task {
    uint64_t key;
    unsigned index;
    struct bj_peer *peer;
    uint32_t id;
    bool stream, parts, merged;
    struct bj_stock *stock;
    struct bj_run *run;              /* owned */
    struct bj_plan *plan;            /* owned; of a run in a jail of its own */
    struct bj_shared_pool *pool;     /* of one in a parked jail */
    struct bj_kept_session *session; /* of one in a session */
    int stdin_fd;                    /* owned */
    uint64_t start_us;
};

struct bj_broker {
    struct bj_log log;
    int epoll_fd;
    int keeper_fd, control_fd; /* -1: there is none */
    bool draining;
    bool ready;        /* its own tests have held */
    char unready[384]; /* which did not, and what can be done about it */
    unsigned capacity; /* runs at once */
    unsigned session_capacity;
    unsigned tasks_running, sessions_open, peers_count;
    uint32_t generation; /* of keys: an event that was fetched for one that is gone finds nobody */
    uint32_t session_number;
    uint64_t start_us;
    uint64_t refused, dropped; /* requests; peers that have broken a rule */
    uint64_t reloads_failed;   /* since this one is at work */
    struct bj_stock stocks[BJ_BROKER_STOCKS];
    size_t stock_count;
    struct bj_peer *peers[BJ_BROKER_PEERS];
    struct bj_task *tasks[BJ_BROKER_TASKS];
    struct bj_kept_session *sessions[BJ_BROKER_SESSIONS];
    struct bj_leaving *leaving[BJ_BROKER_LEAVING];
    unsigned standing; /* of those, not ended yet */
};

/* What an event of epoll is about; with an index and a generation it makes a key. */
enum bj_event_kind {
    BJ_EVENT_KEEPER,
    BJ_EVENT_CONTROL,
    BJ_EVENT_PEER,
    BJ_EVENT_TASK,
    BJ_EVENT_SESSION,
    BJ_EVENT_LEAVING
};
void bj__spec_free_pointer(struct bj_spec **spec); /* for BJ_CLEANUP */
uint64_t bj__broker_key(struct bj_broker *broker, enum bj_event_kind kind, unsigned index);
int bj__broker_watch(const struct bj_broker *broker, int fd, uint32_t events, uint64_t key);
struct bj_stock *bj__broker_stock(struct bj_broker *broker, const char *name); /* NULL: it is not served */

/* leaving.c. Takes a run that is over or to be over, and what its jail came from; both are gone when the jail is. */
void bj__leave(struct bj_broker *broker, struct bj_run *run, struct bj_shared_pool *pool);
/* Ends those that only stand there: at leisure, or when there are more than a few. */
void bj__leaving_tidy(struct bj_broker *broker, bool at_leisure);
void bj__leaving_event(struct bj_broker *broker, unsigned index, uint64_t key);
void bj__leaving_end(struct bj_broker *broker);

/* peer.c */
int bj__peer_add(struct bj_broker *broker, int *fd, enum bj_peer_role role);
void bj__peer_drop(struct bj_broker *broker, struct bj_peer *peer); /* with all that it has asked for */
void bj__peer_event(struct bj_broker *broker, struct bj_peer *peer, uint32_t events);
/* A failure to send makes it a broken one. */
void bj__peer_tell(struct bj_peer *peer, enum bj_message_type type, uint32_t id, const struct bj_buf *body);
void bj__peer_refuse(struct bj_broker *broker, struct bj_peer *peer, uint32_t id, const struct bj_error *err);

/* permit.c: who may say what, and who hears it. 0, or -EPERM: the peer has broken a rule. */
int bj__permit_dispatch(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message);

/* What a message asks for: each field at most once. */
struct bj_asked {
    bool have[BJ_FIELD__COUNT];
    struct bj_tlv records[BJ_FIELD__COUNT];
};
int bj__asked_read(const struct bj_message *message, struct bj_asked *ret_asked);
/* Absent: otherwise. -EBADMSG, -ERANGE. */
int bj__asked_number(const struct bj_asked *asked, enum bj_field field, uint64_t most, uint64_t otherwise,
                     uint64_t *ret_number);

/* task.c. Handlers: 0, or a negative errno where a rule was broken; what cannot be done is refused by a message. */
int bj__task_run(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message);
int bj__task_cancel(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message);
void bj__task_event(struct bj_broker *broker, struct bj_task *task);
void bj__task_free(struct bj_broker *broker, struct bj_task *task);
/* The request's, narrowed by base; without a program if for_session. */
int bj__task_spec(const struct bj_asked *asked, const struct bj_spec *base, bool for_session,
                  struct bj_spec **ret_spec, struct bj_error *err);
/* Which profile the request names; NULL: none that is served, and *err says so. */
struct bj_stock *bj__task_stock(struct bj_broker *broker, const struct bj_asked *asked, struct bj_error *err);

/* kept_session.c */
int bj__session_open(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message);
int bj__session_branch(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message);
int bj__session_close(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message);
int bj__session_files(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message);
void bj__session_event(struct bj_broker *broker, struct bj_kept_session *session);
void bj__session_end(struct bj_broker *broker, struct bj_kept_session *session);
struct bj_kept_session *bj__session_find(struct bj_broker *broker, const struct bj_peer *peer, uint64_t number);

/* state.c: how it stands. */
int bj__state_watch(struct bj_broker *broker, struct bj_peer *peer, const struct bj_message *message);

/* self_test.c: probes of the walls of each stock, with a jail of each; fills ready and unready. */
void bj__self_test(struct bj_broker *broker);

#endif
