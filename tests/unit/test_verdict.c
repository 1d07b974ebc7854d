/* Evidence to verdict, row by row: what a judge would call an injustice has a row here.
 * Changes when: a case was judged wrongly. */
#include "supervise/result.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>

#include <cmocka.h>

static struct bj_verdict judge(struct bj_evidence evidence)
{
    struct bj_verdict verdict;
    bj__verdict(&evidence, &verdict);
    return verdict;
}

static void exit_codes_are_the_programs_own(void **state)
{
    struct bj_verdict verdict = judge((struct bj_evidence){.reported = true, .code = CLD_EXITED, .status = 0});
    assert_int_equal(verdict.status, BJ_STATUS_OK);
    assert_int_equal(verdict.exit_code, 0);
    verdict = judge((struct bj_evidence){.reported = true, .code = CLD_EXITED, .status = 137});
    assert_int_equal(verdict.status, BJ_STATUS_EXIT); /* 137 is a number like any other */
    assert_int_equal(verdict.exit_code, 137);
    assert_int_equal(verdict.signal, 0);
}

/* A snippet may lie about itself: then it is worse off, never better. */
static void what_a_snippet_tells_only_makes_it_worse(void **state)
{
    const struct bj_evidence end = {.reported = true, .code = CLD_EXITED, .snippet = true};
    struct bj_evidence evidence = end;
    evidence.replied = true;
    assert_int_equal(judge(evidence).status, BJ_STATUS_OK);
    assert_int_equal(judge(end).status, BJ_STATUS_EXIT); /* no result is not ok */
    evidence.raised = true;
    assert_int_equal(judge(evidence).status,
                     BJ_STATUS_OK); /* it ended with 0: nothing was raised that ended it */
    evidence.status = 1;
    assert_int_equal(judge(evidence).status, BJ_STATUS_EXCEPTION);
    evidence.killed = BJ_KILL_WALL;
    assert_int_equal(judge(evidence).status, BJ_STATUS_TIME_LIMIT);
    evidence.killed = BJ_KILL_NONE;
    evidence.oom_kills = 1;
    assert_int_equal(judge(evidence).status, BJ_STATUS_MEMORY_LIMIT);
}

static void a_program_that_kills_itself_is_only_that(void **state)
{
    struct bj_verdict verdict =
        judge((struct bj_evidence){.reported = true, .code = CLD_KILLED, .status = SIGKILL});
    assert_int_equal(verdict.status, BJ_STATUS_SIGNAL);
    assert_int_equal(verdict.signal, SIGKILL);
    assert_int_equal(verdict.exit_code, -1);
    verdict = judge((struct bj_evidence){
        .reported = true, .code = CLD_KILLED, .status = SIGXCPU, .cpu_us = 10, .cpu_limit_us = 1000000});
    assert_int_equal(verdict.status, BJ_STATUS_SIGNAL); /* no cpu was used: the signal was sent by hand */
    verdict = judge((struct bj_evidence){.reported = true, .code = CLD_KILLED, .status = SIGSYS});
    assert_int_equal(verdict.status, BJ_STATUS_SIGNAL);
}

static void cpu_used_up_is_a_time_limit_even_when_the_kernel_was_faster(void **state)
{
    struct bj_verdict verdict = judge((struct bj_evidence){
        .reported = true, .code = CLD_KILLED, .status = SIGXCPU, .cpu_us = 1000001, .cpu_limit_us = 1000000});
    assert_int_equal(verdict.status, BJ_STATUS_TIME_LIMIT);
    assert_string_equal(verdict.limit, "cpu");
    verdict = judge((struct bj_evidence){.reported = true,
                                         .code = CLD_KILLED,
                                         .status = SIGXCPU,
                                         .cpu_us = UINT64_MAX,
                                         .cpu_limit_us = 1000000});
    assert_int_equal(verdict.status, BJ_STATUS_SIGNAL); /* unknown is not used up */
}

static void memory_outranks_time_and_time_outranks_output(void **state)
{
    struct bj_evidence evidence = {.killed = BJ_KILL_WALL, .oom_kills = 1};
    assert_int_equal(judge(evidence).status, BJ_STATUS_MEMORY_LIMIT);
    evidence.oom_kills = 0;
    assert_int_equal(judge(evidence).status, BJ_STATUS_TIME_LIMIT);
    assert_string_equal(judge(evidence).limit, "wall");
    assert_int_equal(judge(evidence).signal, SIGKILL);
    assert_int_equal(judge((struct bj_evidence){.killed = BJ_KILL_MEMORY}).status, BJ_STATUS_MEMORY_LIMIT);
    evidence.killed = BJ_KILL_DENIED;
    evidence.oom_kills = 1;
    assert_int_equal(judge(evidence).status, BJ_STATUS_DENIED);
}

static void an_oom_kill_of_a_child_is_told_even_if_the_parent_went_on(void **state)
{
    struct bj_verdict verdict =
        judge((struct bj_evidence){.reported = true, .code = CLD_EXITED, .oom_kills = 1});
    assert_int_equal(verdict.status, BJ_STATUS_MEMORY_LIMIT);
    assert_int_equal(verdict.exit_code, 0);
}

static void nothing_known_is_not_ok(void **state)
{
    assert_int_equal(judge((struct bj_evidence){0}).status, BJ_STATUS_JAIL_ERROR);
    assert_int_equal(judge((struct bj_evidence){.status = 0, .code = CLD_EXITED}).status, BJ_STATUS_JAIL_ERROR);
}

static void refusals_explain_a_failure_but_not_a_success(void **state)
{
    struct bj_evidence evidence = {.reported = true, .code = CLD_EXITED, .status = 1, .process_refusals = 3};
    assert_int_equal(judge(evidence).status, BJ_STATUS_PROCESS_LIMIT);
    evidence.status = 0;
    assert_int_equal(judge(evidence).status, BJ_STATUS_OK);
    evidence =
        (struct bj_evidence){.reported = true, .code = CLD_EXITED, .status = 1, .disk_files_used_up = true};
    assert_int_equal(judge(evidence).status, BJ_STATUS_DISK_LIMIT);
    assert_string_equal(judge(evidence).limit, "files");
    evidence.disk_bytes_used_up = true;
    assert_string_equal(judge(evidence).limit, "bytes");
    evidence.status = 0;
    assert_int_equal(judge(evidence).status, BJ_STATUS_OK);
}

static void a_program_that_cannot_be_executed_is_as_in_a_shell(void **state)
{
    struct bj_verdict verdict = judge((struct bj_evidence){.exec_errno = ENOENT});
    assert_int_equal(verdict.status, BJ_STATUS_EXIT);
    assert_int_equal(verdict.exit_code, 127);
    assert_int_equal(judge((struct bj_evidence){.exec_errno = EACCES}).exit_code, 126);
    assert_int_equal(judge((struct bj_evidence){.exec_errno = ENOEXEC}).exit_code, 126);
}

static void cancelled_is_said(void **state)
{
    assert_int_equal(judge((struct bj_evidence){.killed = BJ_KILL_CANCELLED}).status, BJ_STATUS_CANCELLED);
    assert_int_equal(judge((struct bj_evidence){.killed = BJ_KILL_OUTPUT}).status, BJ_STATUS_OUTPUT_LIMIT);
    assert_int_equal(judge((struct bj_evidence){.killed = BJ_KILL_CPU}).status, BJ_STATUS_TIME_LIMIT);
}

/* Whether the kill came before the program's own end is a race that the exit status must not show. */
static void an_output_limit_is_never_exit_status_0(void **state)
{
    struct bj_result result = {
        .verdict = judge((struct bj_evidence){.killed = BJ_KILL_OUTPUT, .reported = true, .code = CLD_EXITED})};
    assert_int_equal(result.verdict.status, BJ_STATUS_OUTPUT_LIMIT);
    assert_int_equal(bj_result_exit_status(&result), 137);
    result.verdict = judge((struct bj_evidence){.killed = BJ_KILL_OUTPUT});
    assert_int_equal(bj_result_exit_status(&result), 137);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_are_the_programs_own),
        cmocka_unit_test(what_a_snippet_tells_only_makes_it_worse),
        cmocka_unit_test(a_program_that_kills_itself_is_only_that),
        cmocka_unit_test(cpu_used_up_is_a_time_limit_even_when_the_kernel_was_faster),
        cmocka_unit_test(memory_outranks_time_and_time_outranks_output),
        cmocka_unit_test(an_oom_kill_of_a_child_is_told_even_if_the_parent_went_on),
        cmocka_unit_test(nothing_known_is_not_ok),
        cmocka_unit_test(refusals_explain_a_failure_but_not_a_success),
        cmocka_unit_test(a_program_that_cannot_be_executed_is_as_in_a_shell),
        cmocka_unit_test(cancelled_is_said),
        cmocka_unit_test(an_output_limit_is_never_exit_status_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
