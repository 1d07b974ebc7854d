/* What a client of Piston asks for, and how it is asked of a jail.
 * Its own file because the request is judged in one file, and run and told of in another.
 * Changes when: Piston's requests have another field. */
#ifndef BJ_COMPAT_PISTON_H
#define BJ_COMPAT_PISTON_H

#include "server/compat/runtimes.h"
#include "server/refusal.h"
#include "spec/spec.h"

#include <jansson.h>

enum bj_piston_stage { BJ_PISTON_COMPILE, BJ_PISTON_RUN, BJ_PISTON__STAGES };

struct bj_piston_ask {
    json_t *root; /* owned: the request */
    const struct bj_runtime *runtime;
    const char *version;
};

/* The body, judged as far as it can be without a runtime. false: *refusal. Takes nothing. */
bool bj__piston_read(const struct bj_exchange *exchange, json_t **ret_root, struct bj_refusal *refusal);
/* The runtime, and limits against what its profile gives. */
bool bj__piston_choose(const struct bj_exchange *exchange, struct bj_piston_ask *ask,
                       struct bj_refusal *refusal);
/* binary: what was compiled; NULL: nothing was. */
bool bj__piston_request(const struct bj_piston_ask *ask, enum bj_piston_stage stage,
                        const struct bj_outcome_file *binary, struct bj_request *ret_request,
                        struct bj_refusal *refusal);

#endif
