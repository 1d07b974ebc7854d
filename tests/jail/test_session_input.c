/* Sessions of somebody who types: waiting for input stops the clock, and a line is whoever waits for it.
 * Its own file because only here the clock stands still.
 * Changes when: a program can wait in another way. */
#include "session_help.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>

struct typed {
    struct bj_session *session;
    struct bj_run *run;
    int ends[2];
};

/* A snippet whose input is a pipe of ours. */
static struct typed type_to(struct bj_session *session, const char *code, int pause)
{
    struct typed typed = {.session = session};
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    assert_int_equal(pipe2(typed.ends, O_CLOEXEC), 0);
    assert_int_equal(bj_session_spec(session, &spec, &err), 0);
    assert_int_equal(bj_spec_set_code(spec, code, &err), 0);
    if (bj_session_start_stdin(session, 1, spec, typed.ends[0], &typed.run, &err) < 0)
        fail_msg("%s: %s", err.field, err.message);
    bj_spec_free(spec);
    int r = pause ? bj_run_pause_for_input(typed.run, 1, &err) : 1;
    if (r == 0) {
        print_message("host lacks /proc/PID/syscall\n");
        skip();
    }
    assert_int_equal(r, 1);
    return typed;
}

/* Steps for that long; 1: it is over. */
static int step_for(struct bj_run *run, int ms)
{
    struct timespec begun;
    struct timespec now;
    int r = 0;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &begun), 0);
    do {
        r = bj_run_step(run, 20, NULL);
        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    } while (r == 0 && (now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000 < ms);
    return r;
}

static void type_line(const struct typed *typed, const char *line)
{
    assert_int_equal(write(typed->ends[1], line, strlen(line)), (ssize_t)strlen(line));
}

static struct bj_result *end(struct typed *typed)
{
    struct bj_result *result = finish(typed->run);
    (void)close(typed->ends[0]);
    (void)close(typed->ends[1]);
    return result;
}

static void ends_by_wall(struct typed *typed)
{
    struct bj_result *result = end(typed);
    if (bj_result_status(result) != BJ_STATUS_TIME_LIMIT)
        fail_msg("%s", bj_result_json(result));
    assert_string_equal(bj_result_limit(result), "wall");
    bj_result_free(result);
    restore(typed->session, 1, 0);
}

static void its_clock_stands_still_while_it_waits(void **state)
{
    (void)state;
    struct bj_session *session = make_session(short_spec()); /* half a second */
    struct typed typed = type_to(session, "print(input())\nprint(input())", 1);
    assert_int_equal(step_for(typed.run, 2500), 0); /* longer than pid 1 would have waited, too */
    type_line(&typed, "one\n");
    assert_int_equal(step_for(typed.run, 1000), 0);
    type_line(&typed, "two\n");
    struct bj_result *result = end(&typed);
    assert_output(result, "one\ntwo\n");
    bj_result_free(result);
    bj_session_free(session);
}

static void it_goes_on_for_everything_else(void **state)
{
    (void)state;
    static const char *const codes[] = {
        "import time; time.sleep(9)",
        "while True: pass",
        "import os; r, w = os.pipe(); os.read(r, 1)",
        "import os; r, w = os.pipe(); os.dup2(r, 0); os.read(0, 1)",
        "import sys, threading as t, time; t.Thread(target=sys.stdin.read, daemon=True).start(); time.sleep(9)",
        "input(); import time; time.sleep(9)",
    };
    struct bj_spec *spec = short_spec();
    assert_int_equal(bj_spec_set_limit(spec, "processes", 4, NULL), 0);
    struct bj_session *session = make_session(spec);
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        struct typed typed = type_to(session, codes[i], 1);
        if (i == 5)
            type_line(&typed, "x\n");
        ends_by_wall(&typed);
    }
    struct typed typed = type_to(session, "input()", 0);
    ends_by_wall(&typed);
    typed = type_to(session, "input()", 1);
    assert_int_equal(step_for(typed.run, 800), 0);
    assert_int_equal(bj_run_pause_for_input(typed.run, 0, NULL), 0);
    ends_by_wall(&typed);
    bj_session_free(session);
}

static void a_line_is_for_who_waits_for_it(void **state)
{
    (void)state;
    int left = 0;
    struct bj_session *session = make_session(template_spec());
    struct typed typed = type_to(session, "import time; time.sleep(0.3)", 1);
    type_line(&typed, "unread\n");
    while (step_for(typed.run, 100) == 0)
        ;
    assert_int_equal(ioctl(typed.ends[0], FIONREAD, &left), 0);
    assert_int_equal(left, strlen("unread\n"));
    bj_result_free(end(&typed));
    typed = type_to(session, "import time; time.sleep(0.3); print(input())", 1);
    type_line(&typed, "read\n");
    struct bj_result *result = end(&typed);
    assert_output(result, "read\n");
    bj_result_free(result);
    bj_session_free(session);
}

static void nothing_else_can_be_asked_for_it(void **state)
{
    (void)state;
    struct bj_error err = {0};
    struct bj_session *session = make_session(template_spec());
    struct bj_run *run = start_in(session, 1, "pass");
    while (bj_run_step(run, -1, NULL) == 0)
        ;
    assert_true(bj_run_pause_for_input(run, 1, &err) < 0);
    assert_int_equal(err.code, BJ_ERROR_STATE);
    bj_run_free(run);
    bj_session_free(session);
}

static void its_end_is_told(void **state)
{
    (void)state;
    struct bj_spec *spec = template_spec();
    assert_int_equal(bj_spec_set_limit(spec, "idle_us", 300000, NULL), 0);
    struct bj_session *session = make_session(spec);
    struct pollfd polled = {.fd = bj_session_fd(session), .events = POLLIN};
    assert_int_equal(poll(&polled, 1, 0), 0);
    assert_int_equal(poll(&polled, 1, 10000), 1);
    assert_int_equal(refused(session, 1).err, ETIME);
    bj_session_free(session);
    session = make_session(template_spec());
    ends(session, 1, "import os, time; os.kill(2, 9); time.sleep(5)", BJ_STATUS_SIGNAL, "");
    assert_int_equal(refused(session, 1).err, ESRCH);
    bj_session_free(session);
}

/* One that takes the place of another is there before that one has gone. */
static void a_full_session_can_go_back(void **state)
{
    (void)state;
    struct bj_spec *spec = template_spec();
    assert_int_equal(bj_spec_set_limit(spec, "branches", 2, NULL), 0);
    struct bj_session *session = make_session(spec);
    runs(session, 1, "x = 1", "");
    unsigned first = snapshot_of(session, 1);
    (void)snapshot_of(session, 1);
    runs(session, 1, "x = 2", "");
    for (int i = 0; i < 20; i++) {
        restore(session, 1, first);
        runs(session, 1, "print(x)\nx = 3", "1\n");
    }
    assert_int_equal(bj_session_drop(session, first, NULL), 0);
    (void)snapshot_of(session, 1);
    bj_session_free(session);
}

static void values_are_displayed(void **state)
{
    (void)state;
    struct bj_session *session = make_session(template_spec());
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    assert_int_equal(bj_session_spec(session, &spec, NULL), 0);
    assert_int_equal(bj_spec_set_code(spec, "x = 4\nx\nNone\n'y'", NULL), 0);
    assert_int_equal(bj_spec_set_display(spec, 1, NULL), 0);
    assert_int_equal(bj_session_start(session, 1, spec, &run, NULL), 0);
    struct bj_result *result = finish(run);
    assert_output(result, "4\n'y'\n");
    assert_string_equal(bj_result_globals(result), "{\"x\": 4}");
    bj_result_free(result);
    assert_int_equal(bj_spec_set_code(spec, "raise SystemExit(0)", NULL), 0);
    assert_int_equal(bj_session_start(session, 1, spec, &run, NULL), 0);
    result = finish(run);
    assert_int_equal(bj_result_exit_code(result), 0);
    assert_non_null(strstr(bj_result_exception(result), "\"type\": \"SystemExit\""));
    bj_result_free(result);
    bj_spec_free(spec);
    bj_session_free(session);
}

int main(void)
{
    if (has_no_sessions())
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_clock_stands_still_while_it_waits),
        cmocka_unit_test(it_goes_on_for_everything_else),
        cmocka_unit_test(a_line_is_for_who_waits_for_it),
        cmocka_unit_test(nothing_else_can_be_asked_for_it),
        cmocka_unit_test(its_end_is_told),
        cmocka_unit_test(a_full_session_can_go_back),
        cmocka_unit_test(values_are_displayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
