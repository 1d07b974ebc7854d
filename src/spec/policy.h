/* The policy of a snippet: rules that its interpreter keeps, as a rail above the jail's walls.
 * Its own file because what a policy may say is read here and kept in src/guest.
 * Changes when: a policy can say something more. */
#ifndef BJ_POLICY_H
#define BJ_POLICY_H

#include "base/base.h"

#include <jansson.h>

enum bj_feature {
#define X(name, text, doc) BJ_FEATURE_##name,
#include "spec/features.def"
#undef X
    BJ_FEATURE__COUNT
};
_Static_assert(BJ_FEATURE__COUNT <= 32, "they are bits of a number");

#define BJ_MAX_POLICY_MODULES 64u
#define BJ_MAX_POLICY_NAMES   256u /* of one module */
#define BJ_MAX_POLICY_PATHS   64u
#define BJ_MAX_RECURSION      100000u
#define BJ_POLICY_RECURSION   50u /* pysandbox's */

/* JSON text of an object. 0, or -EINVAL with an error that names the field within "policy". */
int bj__policy_check(const char *text, struct bj_error *err);

bool bj__policy_is_of_expressions(const char *text);
/* Lists of the first and of the second policy are put into the second one together. */
void bj__policy_join(const json_t *first, json_t *second);

#endif
