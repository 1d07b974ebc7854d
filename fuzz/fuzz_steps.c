/* Anything that a child can send on the step socket: the parent takes the right state, keeps no descriptor, does not wait.
 * Its own file because each fuzzer is one property.
 * Changes when: the protocol between parent and child changes. */
#include "fuzz.h"
#include "step_script.h"

static enum step_end listen_to(struct bj_jail *jail)
{
    struct bj_error err = {0};
    enum bj_sync_outcome outcome = BJ_SYNC_DIED;
    if (bj__sync_wait_exec(jail, &outcome, &err) == 0)
        return outcome == BJ_SYNC_RUNNING ? STEPS_RUNNING
               : outcome == BJ_SYNC_DIED  ? STEPS_DIED
                                          : STEPS_EXEC_FAILED;
    fuzz_must_say(&err);
    return STEPS_ERROR;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct bj_op ops[] = {{.code = BJ_OP_MKDIR, .text = "a\nb"}, {.code = BJ_OP_EXEC}};
    struct bj_plan plan = {.ops = ops, .op_count = BJ_COUNT(ops)};
    struct step_script script = {.choices = {.bytes = size ? bytes : (const uint8_t *)"", .size = size}};
    struct bj_jail jail;
    bj__jail_init(&jail);
    jail.plan = &plan;
    int before = open_step_script(&script, &jail.sync_fd);
    plan.notify = chance(&script.choices, 50);
    plan.layers[BJ_LAYER_DENIAL_REPORT].mode = chance(&script.choices, 50) ? BJ_REQUIRE : BJ_PREFER;
    if (chance(&script.choices, 50)) /* unread by the child: its end resets the connection */
        (void)bj__sync_send(&jail, BJ_STEP_GO, 0);
    send_steps(&script);
    close_step_script(&script);
    if (plan.notify && plan.layers[BJ_LAYER_DENIAL_REPORT].mode == BJ_REQUIRE && script.end == STEPS_RUNNING)
        script.end = script.listener ? STEPS_RUNNING : STEPS_ERROR;
    fuzz_must(listen_to(&jail) == script.end, "another state than what was sent", "");
    bj__jail_done(&jail);
    fuzz_must(open_descriptors() == before, "a descriptor was left open", "");
    return 0;
}
