/* Calls of the caller's functions by the library: answered at once, later, wrongly, too late, and never.
 * Its own file because a program in C is the caller, and says when it answers.
 * Changes when: a call can be answered in another way. */
#include "session_help.h"

#include <errno.h>

static const char *const names[] = {"f", "g", NULL};
static const char *const nobody[] = {NULL};

struct caller {
    struct bj_run *run;
    const char *answer; /* NULL: later */
    uint32_t call;      /* the last one */
    unsigned count;
    char name[16], arguments[64], keywords[64];
};

static void note(void *user, uint32_t call, const char *name, const char *arguments, const char *keywords)
{
    struct caller *caller = user;
    caller->call = call;
    caller->count++;
    (void)snprintf(caller->name, sizeof(caller->name), "%s", name);
    (void)snprintf(caller->arguments, sizeof(caller->arguments), "%s", arguments);
    (void)snprintf(caller->keywords, sizeof(caller->keywords), "%s", keywords);
    if (caller->answer)
        assert_int_equal(bj_run_answer(caller->run, call, caller->answer, NULL), 0);
    assert_string_equal(name, caller->name); /* the texts stay until this returns */
}

/* A pool's, which may have been made for others. */
static struct bj_pool *make_calling_pool_of(struct bj_spec *spec, uint64_t call_us)
{
    assert_int_equal(bj_spec_set_calls(spec, nobody, NULL), 0);
    if (call_us > 0)
        assert_int_equal(bj_spec_set_limit(spec, "call_us", call_us, NULL), 0);
    assert_int_equal(bj_spec_set_limit(spec, "call_bytes", 200000, NULL), 0);
    return make_pool(spec, 1);
}

static struct bj_pool *make_calling_pool(uint64_t call_us)
{
    return make_calling_pool_of(template_spec(), call_us);
}

static struct bj_run *start_calling(struct bj_pool *pool, const char *code, struct caller *caller)
{
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    struct bj_error err = {0};
    assert_int_equal(bj_pool_spec(pool, &spec, &err), 0);
    assert_int_equal(bj_spec_set_code(spec, code, &err), 0);
    assert_int_equal(bj_spec_set_calls(spec, names, &err), 0);
    if (bj_pool_start(pool, spec, &run, &err) < 0)
        fail_msg("%s: %s", err.field, err.message);
    bj_spec_free(spec);
    caller->run = run;
    bj_run_on_call(run, note, caller);
    return run;
}

static void step_until_called(struct bj_run *run, const struct caller *caller)
{
    for (unsigned before = caller->count; caller->count == before;)
        assert_int_equal(bj_run_step(run, 5000, NULL), 0);
}

static void a_call_is_answered_at_once(void **state)
{
    (void)state;
    struct bj_pool *pool = make_calling_pool(0);
    struct caller caller = {.answer = "[1, {\"a\": null}]"};
    struct bj_result *result = finish(start_calling(pool, "print(f(1, 'x', k=2.5), g())", &caller));
    assert_output(result, "[1, {'a': None}] [1, {'a': None}]\n");
    assert_int_equal(caller.count, 2);
    assert_string_equal(caller.name, "g");
    assert_string_equal(caller.arguments, "[]");
    assert_string_equal(caller.keywords, "{}");
    bj_result_free(result);
    bj_pool_free(pool);
}

static void a_call_is_answered_later_and_once(void **state)
{
    (void)state;
    struct bj_pool *pool = make_calling_pool(0);
    struct caller caller = {.count = 0};
    struct bj_error err = {0};
    struct bj_run *run =
        start_calling(pool, "print(f(1, k=2))\ntry: g()\nexcept RuntimeError as e: print(e)", &caller);
    step_until_called(run, &caller);
    assert_string_equal(caller.arguments, "[1]");
    assert_string_equal(caller.keywords, "{\"k\": 2}");
    assert_int_equal(bj_run_step(run, 50, NULL), 0); /* it waits, and so do we */
    assert_int_equal(bj_run_answer(run, caller.call + 1, "1", &err), -ESRCH);
    assert_int_equal(err.code, BJ_ERROR_STATE);
    static const char *const wrong[] = {"", "{", "1 2", "\"\xff\"", "nan"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(bj_run_answer(run, caller.call, wrong[i], &err), -EINVAL);
    assert_int_equal(bj_run_answer(run, caller.call, NULL, &err), -EINVAL);
    assert_int_equal(bj_run_answer(run, caller.call, "42", &err), 0);
    assert_int_equal(bj_run_answer(run, caller.call, "43", &err), -ESRCH);
    step_until_called(run, &caller);
    assert_int_equal(bj_run_answer_error(run, caller.call, "Odd\xff", "no \"way\"\n\x01", &err), 0);
    struct bj_result *result = finish(run);
    assert_output(result, "42\nOdd\xef\xbf\xbd: no \"way\"\n\x01\n");
    bj_result_free(result);
    bj_pool_free(pool);
}

/* Longer than a pipe holds, to a guest that stands still. */
static void a_long_answer_holds_up_nobody(void **state)
{
    (void)state;
    struct bj_pool *pool = make_calling_pool(0);
    struct caller caller = {.count = 0};
    struct bj_error err = {0};
    char *value = malloc(200002);
    memset(value, 'x', 200001);
    value[0] = value[199999] = '"';
    value[200000] = 0;
    struct bj_run *run = start_calling(
        pool,
        "import os, time\nos.write(6, "
        "b'1kjb\\1\\0\\0\\0\\1\\0\\0\\0\\2\\0\\0\\0\\2\\0\\0\\0f\\0[]\\0{}\\0')\ntime.sleep(0.3)\n"
        "n = 0\nwhile n < 200016: n += len(os.read(7, 70000))\nprint(n)",
        &caller);
    step_until_called(run, &caller);
    assert_int_equal(bj_run_answer(run, caller.call, value, &err), 0);
    assert_int_equal(bj_run_answer(run, caller.call, value, &err), -ESRCH);
    struct bj_result *result = finish(run);
    assert_output(result, "200016\n");
    bj_result_free(result);
    caller.answer = NULL;
    run = start_calling(pool, "print(f())", &caller);
    step_until_called(run, &caller);
    value[199999] = 'x';
    value[200000] = '"';
    value[200001] = 0;
    assert_int_equal(bj_run_answer(run, caller.call, value, &err), -E2BIG);
    assert_string_equal(err.field, "limits.call_bytes");
    bj_run_kill(run);
    result = finish(run);
    assert_int_equal(bj_result_status(result), BJ_STATUS_CANCELLED);
    bj_result_free(result);
    free(value);
    bj_pool_free(pool);
}

static void time_runs_out_by_itself(void **state)
{
    (void)state;
    struct bj_pool *pool = make_calling_pool(200000);
    struct caller caller = {.count = 0};
    struct bj_error err = {0};
    struct bj_run *run = start_calling(
        pool,
        "try: f()\nexcept RuntimeError as e: print(e.type)\ntry: f()\nexcept RuntimeError as e: print(e.type)",
        &caller);
    step_until_called(run, &caller);
    struct bj_result *result = NULL;
    int r;
    while ((r = bj_run_step(run, -1, &err)) == 0)
        ;
    assert_int_equal(r, 1);
    assert_int_equal(caller.count, 1); /* the second one is nobody's */
    assert_int_equal(bj_run_answer(run, caller.call, "1", &err), -ESRCH);
    assert_int_equal(bj_run_result(run, &result, &err), 0);
    bj_run_free(run);
    assert_output(result, "TimeoutError\nTimeoutError\n");
    bj_result_free(result);
    bj_pool_free(pool);
}

/* The guest has come to its end before anybody looks at the clock again. */
static void who_answers_after_the_deadline_answers_nobody(void **state)
{
    (void)state;
    struct bj_spec *spec = template_spec();
    assert_int_equal(bj_spec_set_limit(spec, "wall_us", 300000, NULL), 0);
    struct bj_pool *pool = make_calling_pool_of(spec, 0);
    struct caller caller = {.count = 0};
    struct bj_error err = {0};
    struct bj_run *run = start_calling(pool, "f()\nprint('after')", &caller);
    step_until_called(run, &caller);
    usleep(400000);
    assert_int_equal(bj_run_answer(run, caller.call, "1", &err), 0);
    usleep(100000);
    struct bj_result *result = finish(run);
    assert_int_equal(bj_result_status(result), BJ_STATUS_TIME_LIMIT);
    size_t length = 1;
    (void)bj_result_output(result, BJ_STDOUT, &length);
    assert_int_equal(length, 0);
    bj_result_free(result);
    bj_pool_free(pool);
}

static void without_anybody_every_call_fails(void **state)
{
    (void)state;
    struct bj_spec *spec = template_spec();
    struct bj_plan *plan = NULL;
    struct bj_result *result = NULL;
    struct bj_error err = {0};
    assert_int_equal(bj_spec_set_calls(spec, names, &err), 0);
    assert_int_equal(bj_spec_set_code(spec, "try: f()\nexcept RuntimeError as e: print(e)", &err), 0);
    assert_int_equal(bj_plan_new(spec, &plan, &err), 0);
    assert_int_equal(bj_run_plan(plan, &result, &err), 0);
    assert_output(result, "LookupError: the host has nobody who answers\n");
    bj_result_free(result);
    bj_plan_free(plan);
    assert_int_equal(bj_spec_set_code(spec, "f()", &err), 0);
    bj_spec_free(spec);
}

static void what_is_left_unanswered_is_freed(void **state)
{
    (void)state;
    struct bj_pool *pool = make_calling_pool(0);
    struct caller caller = {.count = 0};
    struct bj_run *run = start_calling(pool, "f('x' * 100000)", &caller);
    step_until_called(run, &caller);
    bj_run_free(run);
    run = start_calling(pool, "import threading\nt = threading.Thread(target=f, daemon=True)\nprint('here')",
                        &caller);
    struct bj_result *result = finish(run);
    assert_output(result, "here\n");
    bj_result_free(result);
    bj_pool_free(pool);
}

static void a_pool_is_made_for_calls_or_not(void **state)
{
    (void)state;
    struct bj_pool *pool = make_pool(template_spec(), 1);
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    struct bj_error err = {0};
    assert_int_equal(bj_pool_spec(pool, &spec, &err), 0);
    assert_int_equal(bj_spec_set_code(spec, "pass", &err), 0);
    assert_int_equal(bj_spec_set_calls(spec, names, &err), 0);
    assert_int_equal(bj_pool_start(pool, spec, &run, &err), -EINVAL);
    assert_string_equal(err.field, "calls");
    bj_spec_free(spec);
    bj_pool_free(pool);
    pool = make_calling_pool(0); /* in one that is made for them number 7 is free without */
    assert_prints(pool,
                  "import os\nprint(os.open('.', os.O_RDONLY) < 7, 'f' in globals())\ntry: os.fstat(7)\nexcept "
                  "OSError: print('free')",
                  "True False\nfree\n");
    bj_pool_free(pool);
}

static void a_session_has_calls_of_each_snippet(void **state)
{
    (void)state;
    struct bj_session *session = make_session(template_spec());
    struct bj_error err = {0};
    for (unsigned round = 0; round < 3; round++) {
        struct bj_spec *spec = NULL;
        struct caller caller = {.answer = "7"};
        assert_int_equal(bj_session_spec(session, &spec, &err), 0);
        assert_int_equal(bj_spec_set_code(spec, "x = f()\nprint(x)", &err), 0);
        assert_int_equal(bj_spec_set_calls(spec, names, &err), 0);
        assert_int_equal(bj_session_start(session, 1, spec, &caller.run, &err), 0);
        bj_run_on_call(caller.run, note, &caller);
        struct bj_result *result = finish(caller.run);
        assert_output(result, "7\n");
        bj_result_free(result);
        bj_spec_free(spec);
        runs(session, 1, "print(x)\ntry: f()\nexcept RuntimeError as e: print(e)",
             "7\nf() was given to a snippet that is over\n");
    }
    bj_session_free(session);
}

static void names_are_checked(void **state)
{
    (void)state;
    struct bj_spec *spec = template_spec();
    struct bj_error err = {0};
    static const char *const wrong[][3] = {{"a.b"}, {""}, {"1"}, {"__x"}, {"a b"}, {"f", "f"}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(bj_spec_set_calls(spec, wrong[i], &err), i == 5 ? -EEXIST : -EINVAL);
    assert_int_equal(bj_spec_set_calls(spec, names, &err), 0);
    static const char *const command[] = {"true", NULL};
    struct bj_plan *plan = NULL;
    assert_int_equal(bj_spec_set_command(spec, command, &err), 0);
    assert_true(bj_plan_new(spec, &plan, &err) < 0);
    assert_string_equal(err.field, "calls");
    bj_spec_free(spec);
}

int main(void)
{
    struct bj_error err = {0};
    find_guest();
    const char *lacks = host_lacks(&err);
    if (lacks) {
        (void)printf("1..0 # SKIP host lacks what a pool needs: %s\n", lacks);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_answered_at_once),
        cmocka_unit_test(a_call_is_answered_later_and_once),
        cmocka_unit_test(a_long_answer_holds_up_nobody),
        cmocka_unit_test(time_runs_out_by_itself),
        cmocka_unit_test(who_answers_after_the_deadline_answers_nobody),
        cmocka_unit_test(without_anybody_every_call_fails),
        cmocka_unit_test(what_is_left_unanswered_is_freed),
        cmocka_unit_test(a_pool_is_made_for_calls_or_not),
        cmocka_unit_test(a_session_has_calls_of_each_snippet),
        cmocka_unit_test(names_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
