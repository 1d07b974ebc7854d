/* What a client wrote, as a request: a script, or JSON.
 * Its own file because every protocol of the front reads the same two texts.
 * Changes when: a request is written in another form. */
#ifndef BJ_SERVER_READ_REQUEST_H
#define BJ_SERVER_READ_REQUEST_H

#include "base/buf.h"
#include "server/refusal.h"
#include "spec/spec.h"

/* The very text of a script. false: *refusal, as with all of these, and nothing to free. */
bool bj__read_script(const struct bj_buf *body, struct bj_request *ret_request, struct bj_refusal *refusal);
/* What is read as JSON has no more values than the loop can afford. */
bool bj__read_has_few_values(const struct bj_buf *body, struct bj_refusal *refusal);
/* belljar-spec(5). ret_branch NULL: it has no "branch". */
bool bj__read_json(const struct bj_buf *body, uint64_t *ret_branch, struct bj_request *ret_request,
                   struct bj_refusal *refusal);
/* Of which profile it is; NULL: it has said so itself, or nobody has. The request stays the caller's. */
bool bj__name_profile(struct bj_request *request, const char *name, struct bj_refusal *refusal);

#endif
