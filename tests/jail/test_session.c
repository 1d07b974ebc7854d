/* Sessions: state is kept between snippets, branches go their own ways, and nothing stays behind.
 * Its own file because all of it is done through the public header, as a service would.
 * Changes when: a session promises something more. What ends one is in test_session_ends.c. */
#include "session_help.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "../support/become.h"
#include "../support/count_entries.h"

/* ---- state ---------------------------------------------------------------------------------------- */

static void state_is_kept(void **state)
{
    (void)state;
    struct bj_session *session = make_session(template_spec());
    runs(session, 1, "import json\nx = [1]\ndef f(): return x + [2]\nprint('one')", "one\n");
    runs(session, 1, "x.append(json.loads('5'))\nprint(f())", "[1, 5, 2]\n");
    runs(session, 1, "open('left', 'w').write('file')", "");
    runs(session, 1, "print(open('left').read())", "file\n");
    bj_session_free(session);
}

static void values_variables_and_exceptions_are_told(void **state)
{
    (void)state;
    struct bj_session *session = make_session(template_spec());
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    runs(session, 1, "\ndef f():\n    raise KeyError('k')\n", "");
    struct bj_result *result = finish(start_in(session, 1, "y = 1\nf()"));
    assert_int_equal(bj_result_status(result), BJ_STATUS_EXCEPTION);
    assert_string_equal(bj_result_globals(result), "{\"y\": 1}");
    assert_non_null(
        strstr(bj_result_exception(result), "\"snippet-2.py\\\", line 2, in <module>\\u000a    f()"));
    assert_non_null(
        strstr(bj_result_exception(result), "\"snippet-1.py\\\", line 3, in f\\u000a    raise KeyError('k')"));
    bj_result_free(result);
    assert_int_equal(bj_session_spec(session, &spec, NULL), 0);
    assert_int_equal(bj_spec_set_expression(spec, "[z, y]", NULL), 0);
    assert_int_equal(bj_spec_add_globals(spec, "{\"z\": null}", NULL), 0);
    assert_int_equal(bj_session_start(session, 1, spec, &run, NULL), 0);
    result = finish(run);
    assert_string_equal(bj_result_value(result), "[null, 1]");
    bj_result_free(result);
    bj_spec_free(spec);
    ends(session, 1, "raise SystemExit(3)", BJ_STATUS_EXIT, "");
    result = finish(start_in(session, 1, "large = 'x' * (2 << 20)"));
    assert_int_equal(bj_result_status(result), BJ_STATUS_OK);
    assert_null(bj_result_globals(result));
    bj_result_free(result);
    runs(session, 1, "print(len(large) >> 20)", "2\n");
    runs(session, 1, "print(y)", "1\n");
    bj_session_free(session);
}

static void each_snippet_has_its_own_input_and_output(void **state)
{
    (void)state;
    int pipe_ends[2];
    struct bj_session *session = make_session(template_spec());
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    assert_int_equal(bj_session_spec(session, &spec, NULL), 0);
    assert_int_equal(bj_spec_set_code(spec, "print(input())", NULL), 0);
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    assert_int_equal(write(pipe_ends[1], "one\ntwo\n", 8), 8);
    assert_int_equal(close(pipe_ends[1]), 0);
    assert_int_equal(bj_session_start_stdin(session, 1, spec, pipe_ends[0], &run, NULL), 0);
    struct bj_result *result = finish(run);
    assert_output(result, "one\n");
    bj_result_free(result);
    bj_spec_free(spec);
    assert_int_equal(close(pipe_ends[0]), 0);
    runs(session, 1, "import sys\nprint(repr(sys.stdin.read()))", "''\n"); /* "two" was for the one before */
    runs(session, 1,
         "import os, sys\n"
         "f = [open('/box/f%d' % i, 'w') for i in range(8)]\n"
         "f[3].write('kept')",
         "");
    runs(session, 1, "print('x', f[3].name)", "x /box/f3\n");
    runs(session, 1,
         "f[3].close()\nprint(open('/box/f3').read(), all(os.stat(g.fileno()).st_ino for g in f[4:]))",
         "kept True\n");
    bj_session_free(session);
}

/* ---- branches ------------------------------------------------------------------------------------- */

static void branches_go_their_own_ways(void **state)
{
    (void)state;
    struct bj_session *session = make_session(template_spec());
    runs(session, 1, "import random\nrandom.seed(7)\nx = ['old']", "");
    unsigned snapshot = snapshot_of(session, 1);
    unsigned fork = fork_of(session, 1);
    runs(session, 1, "x.append('one'); print(x, random.random())", "['old', 'one'] 0.32383276483316237\n");
    runs(session, fork, "x.append('two'); print(x, random.random())", "['old', 'two'] 0.32383276483316237\n");
    runs(session, 1, "print(x)", "['old', 'one']\n");
    restore(session, 1, snapshot);
    runs(session, 1, "print(x)", "['old']\n");
    restore(session, fork, 0); /* before any snippet */
    runs(session, fork, "print('x' in globals())", "False\n");
    assert_int_equal(refused(session, snapshot).code, BJ_ERROR_STATE);
    assert_int_equal(refused(session, 0).code, BJ_ERROR_STATE);
    assert_int_equal(refused(session, 99).code, BJ_ERROR_NOT_FOUND);
    bj_session_free(session);
}

static void they_run_beside_each_other(void **state)
{
    (void)state;
    struct bj_session *session = make_session(template_spec());
    unsigned fork = fork_of(session, 1);
    struct bj_run *first = start_in(session, 1, "import time; time.sleep(0.1); print('first')");
    struct bj_run *second =
        start_in(session, fork, "import socket\ntry: socket.socket()\nexcept OSError: print('second')");
    assert_int_equal(refused(session, 1).err, EBUSY);
    struct bj_result *two = finish(second);
    struct bj_result *one = finish(first);
    char *told = bj_result_json(two);
    assert_output(one, "first\n");
    assert_output(two, "second\n");
    assert_non_null(strstr(told, "socket(AF_INET"));
    free(told);
    told = bj_result_json(one);
    assert_null(strstr(told, "socket(AF_INET"));
    free(told);
    bj_result_free(one);
    bj_result_free(two);
    bj_session_free(session);
}

static void no_more_than_are_allowed(void **state)
{
    (void)state;
    struct bj_spec *spec = template_spec();
    struct bj_error err = {0};
    unsigned last = 0;
    assert_int_equal(bj_spec_set_limit(spec, "branches", 2, NULL), 0);
    struct bj_session *session = make_session(spec);
    unsigned snapshot = snapshot_of(session, 1);
    (void)fork_of(session, snapshot);
    assert_int_equal(bj_session_fork(session, 1, &last, &err), -EMFILE);
    assert_string_equal(err.field, "limits.branches");
    assert_int_equal(bj_session_drop(session, snapshot, NULL), 0);
    last = fork_of(session, 1);
    runs(session, last, "print(1)", "1\n");
    bj_session_free(session);
}

/* ---- what it leaves, and what it is not for -------------------------------------------------------- */

static void it_takes_everything_with_it(void **state)
{
    (void)state;
    struct bj_session *session = make_session(template_spec());
    bj_session_free(session);
    int before = count_entries("/proc/self/fd");
    session = make_session(template_spec());
    unsigned snapshot = snapshot_of(session, 1);
    runs(session, 1, "print(1)", "1\n");
    ends(session, 1, "import os; os._exit(1)", BJ_STATUS_EXIT, "");
    restore(session, 1, snapshot);
    bj_session_free(session);
    assert_int_equal(count_entries("/proc/self/fd"), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* ECHILD */
}

static void it_is_for_snippets_of_one_kind(void **state)
{
    (void)state;
    struct bj_error err = {0};
    struct bj_spec *spec = template_spec();
    struct bj_session *session = NULL;
    struct bj_run *run = NULL;
    assert_int_equal(bj_spec_set_code(spec, "pass", NULL), 0);
    assert_true(bj_session_new(spec, &session, &err) < 0);
    assert_string_equal(err.field, "code");
    bj_spec_free(spec);
    session = make_session(template_spec());
    static const char *const fields[] = {"limits", "trace", "policy"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(bj_session_spec(session, &spec, NULL), 0);
        assert_int_equal(bj_spec_set_code(spec, "pass", NULL), 0);
        assert_int_equal(i == 0   ? bj_spec_set_limit(spec, "memory_bytes", 1000000, NULL)
                         : i == 1 ? bj_spec_set_trace(spec, 10, 0, NULL)
                                  : bj_spec_add_policy(spec, "{\"features\": []}", NULL),
                         0);
        assert_true(bj_session_start(session, 1, spec, &run, &err) < 0);
        assert_string_equal(err.field, fields[i]);
        bj_spec_free(spec);
    }
    bj_session_free(session);
}

static void a_snippet_may_have_lower_limits(void **state)
{
    (void)state;
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    struct bj_session *session = make_session(template_spec());
    assert_int_equal(bj_session_spec(session, &spec, NULL), 0);
    assert_int_equal(bj_spec_set_code(spec, "while True: pass", NULL), 0);
    assert_int_equal(bj_spec_set_limit(spec, "wall_us", 300000, NULL), 0);
    assert_int_equal(bj_session_start(session, 1, spec, &run, NULL), 0);
    bj_spec_free(spec);
    struct bj_result *result = finish(run);
    assert_int_equal(bj_result_status(result), BJ_STATUS_TIME_LIMIT);
    bj_result_free(result);
    bj_session_free(session);
}

static void an_ordinary_user_can_have_one(void **state)
{
    (void)state;
    int status = 0;
    if (!may_become_another()) {
        print_message("host lacks the right to become another user\n");
        skip();
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct bj_spec *spec = NULL;
        struct bj_session *session = NULL;
        struct bj_error err = {0};
        if (setgid(ORDINARY_UID) < 0 || setuid(ORDINARY_UID) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0 ||
            bj_spec_from_profile("python", &spec, &err) < 0 ||
            bj_spec_set_limit(spec, "memory_bytes", 1ull << 45, &err) <
                0) /* else address space, for a sanitizer's shadow */
            _exit(1);
        if (bj_session_new(spec, &session, &err) < 0) {
            print_error("%s: %s\n", err.field, err.message);
            _exit(err.code == BJ_ERROR_UNAVAILABLE ? 77 : strncmp(err.field, "mounts[", 7) == 0 ? 78 : 2);
        }
        runs(session, 1, "x = 1", "");
        unsigned snapshot = snapshot_of(session, 1);
        ends(session, 1, "import os; os._exit(4)", BJ_STATUS_EXIT, "");
        restore(session, 1, snapshot);
        runs(session, 1, "print(x)", "1\n");
        bj_session_free(session);
        bj_spec_free(spec);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("host lacks user namespaces for ordinary users\n");
        skip();
    }
    if (WEXITSTATUS(status) == 78) {
        print_message("host lacks an interpreter that ordinary users can read\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    if (has_no_sessions())
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_is_kept),
        cmocka_unit_test(values_variables_and_exceptions_are_told),
        cmocka_unit_test(each_snippet_has_its_own_input_and_output),
        cmocka_unit_test(branches_go_their_own_ways),
        cmocka_unit_test(they_run_beside_each_other),
        cmocka_unit_test(no_more_than_are_allowed),
        cmocka_unit_test(it_takes_everything_with_it),
        cmocka_unit_test(it_is_for_snippets_of_one_kind),
        cmocka_unit_test(a_snippet_may_have_lower_limits),
        cmocka_unit_test(an_ordinary_user_can_have_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
