/* Sessions that clients have open.
 * Its own file because a session belongs to who made it, and to nobody else: whatever the protocol.
 * Changes when: a session can do something more for its owner. */
#ifndef BJ_SERVER_SESSIONS_H
#define BJ_SERVER_SESSIONS_H

#include "server/service.h"

/* Answer to one thing asked of a session. number: of the branch that is new, or was restored or dropped. The message is there
 * for FILES. refusal: NULL when it was done. */
typedef void (*bj_session_fn)(void *user, const struct bj_refusal *refusal, uint64_t number,
                              struct bj_message *message);

struct bj_session_ask; /* one that is under way */

/* NULL: there is none of that name, or not of that client. */
struct bj_session_known *bj__sessions_find(struct bj_service *service, const struct bj_client *client,
                                           const char *id);
struct bj_branch_wish {
    enum bj_branch_action action;
    uint64_t branch;
    uint64_t snapshot; /* only for BJ_BRANCH_RESTORE */
};

/* false: *refusal, and done is not called. Otherwise it is called once, unless the ask is left before. *ret_session: what is being
 * opened; it is nobody's when it was refused. */
bool bj__sessions_open(struct bj_service *service, struct bj_client *client, struct bj_request *request,
                       struct bj_session_ask **ret_ask, struct bj_refusal *refusal);
bool bj__sessions_branch(struct bj_service *service, const struct bj_session_known *session,
                         const struct bj_branch_wish *wish, struct bj_session_ask **ret_ask,
                         struct bj_refusal *refusal);
bool bj__sessions_files(struct bj_service *service, const struct bj_session_known *session,
                        const struct bj_request *request, struct bj_session_ask **ret_ask,
                        struct bj_refusal *refusal);
bool bj__sessions_close(struct bj_service *service, const struct bj_session_known *session,
                        struct bj_session_ask **ret_ask, struct bj_refusal *refusal);
/* Who is told. Right after one of the above. */
void bj__session_ask_then(struct bj_session_ask *ask, bj_session_fn done, void *user);
const struct bj_session_known *bj__session_ask_session(const struct bj_session_ask *ask);
/* The service ends. */
void bj__sessions_close_all(struct bj_service *service);
/* Nobody waits any more; a session that was being opened is closed. */
void bj__session_ask_leave(struct bj_session_ask *ask);

#endif
