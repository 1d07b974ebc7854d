/* Interfaces of other services, for their clients: each thin, and in words of its own.
 * Its own file because the table of routes names them, and nothing else of the front knows them.
 * Changes when: another service's clients are to be served. */
#ifndef BJ_COMPAT_H
#define BJ_COMPAT_H

#include "server/http.h"

/* codejail.c: POST /api/v0/code-exec and GET /health/ of openedx/codejail-service. */
void bj__codejail_exec(struct bj_exchange *exchange);
void bj__codejail_health(struct bj_exchange *exchange);
json_t *bj__codejail_tell(const struct bj_refusal *refusal, unsigned *status);

/* piston.c: POST /api/v2/execute and GET /api/v2/runtimes of engineer-man/piston. */
void bj__piston_execute(struct bj_exchange *exchange);
void bj__piston_runtimes(struct bj_exchange *exchange);
json_t *bj__piston_tell(const struct bj_refusal *refusal, unsigned *status);

/* snekbox.c: POST /eval of python-discord/snekbox. */
void bj__snekbox_eval(struct bj_exchange *exchange);
json_t *bj__snekbox_tell(const struct bj_refusal *refusal, unsigned *status);

/* ---- for all of them (compat.c) -------------------------------------------------------------------- */

/* Of the answer, or of the problem; one that lacks something cannot be made (bj__json_dump). Takes the value. */
void bj__compat_put(json_t *object, const char *key, json_t *value);
/* A refusal's status where the peer knows 400 alone for what a client did wrong. */
unsigned bj__compat_status(unsigned status);
/* Text of a guest: U+FFFD stands for what is no UTF-8. NULL: no memory. */
json_t *bj__compat_text(const void *bytes, size_t length);
/* What stands on stderr when an exception ends a script; nothing without one. */
int bj__compat_add_traceback(const struct bj_outcome *outcome, struct bj_buf *text);
/* The profile of this name, if it is served, and to this client. */
const struct bj_profile_known *bj__compat_profile(const struct bj_exchange *exchange, const char *name);
/* A run for this exchange: *ret_job is set, or the refusal is the answer. */
bool bj__compat_start(struct bj_exchange *exchange, struct bj_job_order *order, struct bj_job **ret_job);

#endif
