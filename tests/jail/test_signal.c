/* Signals of the supervisor reach the program; the guest cannot reach pid 1.
 * Changes when: another signal is forwarded. */
#include <belljar.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void note_output(void *user, enum bj_stream stream, const void *bytes, size_t length)
{
    (void)bytes;
    if (stream == BJ_STDOUT && length > 0)
        *(int *)user = 1;
}

static struct bj_run *start(const char *script, int *ready, struct bj_plan **ret_plan)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    struct bj_error err = {0};
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    assert_int_equal(bj_spec_from_profile("sh", &spec, &err), 0);
    assert_int_equal(bj_spec_set_command(spec, argv, &err), 0);
    if (bj_plan_new(spec, ret_plan, &err) < 0 || bj_run_start(*ret_plan, &run, &err) < 0)
        fail_msg("%s", err.message);
    bj_spec_free(spec);
    bj_run_on_output(run, note_output, ready);
    return run;
}

static struct bj_result *finish(struct bj_run *run, struct bj_plan *plan)
{
    struct bj_result *result = NULL;
    while (bj_run_step(run, -1, NULL) == 0)
        ;
    assert_int_equal(bj_run_result(run, &result, NULL), 0);
    bj_run_free(run);
    bj_plan_free(plan);
    return result;
}

static void a_program_handles_what_the_supervisor_sends(void **state)
{
    (void)state;
    int ready = 0;
    struct bj_plan *plan = NULL;
    struct bj_run *run = start("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done", &ready, &plan);
    while (!ready)
        assert_int_equal(bj_run_step(run, -1, NULL), 0);
    assert_int_equal(bj_run_signal(run, SIGTERM, NULL), 0);
    struct bj_result *result = finish(run, plan);
    assert_int_equal(bj_result_status(result), BJ_STATUS_EXIT);
    assert_int_equal(bj_result_exit_code(result), 7);
    bj_result_free(result);
}

static void only_some_signals_can_be_sent(void **state)
{
    (void)state;
    int ready = 0;
    struct bj_plan *plan = NULL;
    struct bj_run *run = start("echo ready; sleep 5", &ready, &plan);
    assert_int_equal(bj_run_signal(run, SIGKILL, NULL), -EINVAL);
    assert_int_equal(bj_run_signal(run, 0, NULL), -EINVAL);
    assert_int_equal(bj_run_signal(run, SIGSTOP, NULL), -EINVAL);
    bj_run_kill(run);
    struct bj_result *result = finish(run, plan);
    assert_int_equal(bj_result_status(result), BJ_STATUS_CANCELLED);
    bj_result_free(result);
}

static void what_the_guest_sends_to_pid_1_goes_nowhere(void **state)
{
    (void)state;
    int ready = 0;
    struct bj_plan *plan = NULL;
    struct bj_run *run = start(
        "trap 'exit 9' TERM HUP; kill -TERM 1; kill -HUP 1; kill -KILL 1; sleep 0.1; exit 3", &ready, &plan);
    struct bj_result *result = finish(run, plan);
    assert_int_equal(bj_result_exit_code(result), 3);
    bj_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_handles_what_the_supervisor_sends),
        cmocka_unit_test(only_some_signals_can_be_sent),
        cmocka_unit_test(what_the_guest_sends_to_pid_1_goes_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
