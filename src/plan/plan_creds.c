/* What the jail's processes give up: in pid 1 before the payload is made, and in the payload itself.
 * Its own file because the list of rights given up is read as one page.
 * Changes when: a right is given up, or kept, that was not before. */
#include "plan/kernel_flags.h"
#include "plan/plan_internal.h"

#include <sys/resource.h>

void bj__plan_shed(struct bj_build *build)
{
    bool capabilities = bj__plan_layer_on(build, BJ_LAYER_CAPABILITIES);
    if (build->plan
            ->two_ids) /* an ordinary user may not: setgroups is denied in its namespace (user_namespaces(7)) */
        bj__plan_add(build, BJ_OP_GROUPS, NULL);
    if (bj__plan_layer_on(build, BJ_LAYER_KEYRING))
        bj__plan_add(build, BJ_OP_KEYRING, NULL);
    if (capabilities) {
        bj__plan_add(build, BJ_OP_SECUREBITS, NULL);
        bj__plan_add(build, BJ_OP_BOUNDING, NULL);
    }
    bj__plan_add(build, BJ_OP_NO_NEW_PRIVS, NULL);
    bj__plan_add(build, BJ_OP_UNDUMPABLE, NULL);
}

void bj__plan_payload(struct bj_build *build)
{
    bj__plan_add(build, BJ_OP_SETSID, NULL);
    bj__plan_add(build, BJ_OP_INHERITED, NULL);
    /* id(), repr and the order of sets of objects come from addresses. What randomization is for, an attacker who does not
     * know where things are, is not given up for anybody else: who attacks this program is its own snippet, which may read
     * all of its memory (/proc/self/maps, ctypes) in any run. */
    if (build->plan->deterministic)
        bj__plan_add(build, BJ_OP_FIXED_ADDRESSES, NULL)->value = BJ_ADDR_NO_RANDOMIZE;
    if (build->spec->nice > 0)
        bj__plan_add(build, BJ_OP_NICE, NULL)->value = (uint64_t)build->spec->nice;
    if (build->plan->two_ids) {
        struct bj_op *op = bj__plan_add(build, BJ_OP_IDS, NULL);
        op->value = BJ_GUEST_ID;
        op->flags = build->plan->user_namespace ? 0 : BJ_OPF_RUN_IDS;
    }
}
