/* Who serves which route.
 * Its own file because routes.c names them all, and they know nothing of each other.
 * Changes when: there is another handler. */
#ifndef BJ_SERVER_API_H
#define BJ_SERVER_API_H

#include "server/http.h"

#include <jansson.h>

/* api_run.c: a run for one request. */
void bj__api_run(struct bj_exchange *exchange);

/* api_session.c */
void bj__api_session_open(struct bj_exchange *exchange);
void bj__api_session_show(struct bj_exchange *exchange);
void bj__api_session_close(struct bj_exchange *exchange);
void bj__api_session_run(struct bj_exchange *exchange);
void bj__api_session_branch(struct bj_exchange *exchange);

/* api_files.c */
void bj__api_session_files(struct bj_exchange *exchange);
void bj__api_session_file(struct bj_exchange *exchange);
void bj__api_session_put(struct bj_exchange *exchange);

/* api_about.c: what the service is. */
void bj__api_profiles(struct bj_exchange *exchange);
void bj__api_limits(struct bj_exchange *exchange);
void bj__api_openapi(struct bj_exchange *exchange);
void bj__api_health(struct bj_exchange *exchange);
void bj__api_ready(struct bj_exchange *exchange);

/* api_metrics.c */
void bj__api_metrics(struct bj_exchange *exchange);

/* ---- between them --------------------------------------------------------------------------------- */

/* The body as a request of belljar-spec(5). Of a session's: *ret_branch is its "branch", where there is one, and its profile may be
 * NULL. Of any other (ret_branch NULL): it has no branch, and names a profile. false: *refusal. */
bool bj__api_read_request(struct bj_exchange *exchange, uint64_t *ret_branch, struct bj_request *ret_request,
                          struct bj_refusal *refusal);
/* Each route has programs of its own. */
bool bj__api_check_program(const struct bj_exchange *exchange, const struct bj_request *request,
                           struct bj_refusal *refusal);
/* Starts a run; its result, or its events, become the answer. */
void bj__api_start(struct bj_exchange *exchange, struct bj_job_order *order);
/* Takes the reference. */
void bj__api_answer_json(struct bj_exchange *exchange, unsigned status, json_t *value);

#endif
