/* Sessions: what ends a snippet, a branch or all of it, and what a hostile snippet could say.
 * Its own file because these are limits and lies, and the other test is about what is promised.
 * Changes when: something more can end a session, or be said in one. */
#include "session_help.h"

#include <signal.h>
#include <stdbool.h>
#include <time.h>

/* ---- what ends one -------------------------------------------------------------------------------- */

static void an_end_leaves_the_others(void **state)
{
    (void)state;
    static const struct {
        const char *code, *limit;
        enum bj_status status;
    } ways[] = {
        {"while True: pass", "wall", BJ_STATUS_TIME_LIMIT},
        {"import os; os.kill(os.getpid(), 10)", "", BJ_STATUS_SIGNAL},
        {"import os; os._exit(3)", "", BJ_STATUS_EXIT},
        {"import os, time; os.closerange(3, 64); time.sleep(5)", "", BJ_STATUS_SIGNAL},
        {"x = bytearray(1 << 30)\nwhile True: x[::4096] = bytes(len(x) // 4096)", "", BJ_STATUS_MEMORY_LIMIT},
        {"import os\nos.write(1, b'x' * 100)\nif os.fork() == 0:\n  os.setsid()\n  while True: pass\nwhile "
         "True: pass",
         "wall", BJ_STATUS_TIME_LIMIT},
    };
    struct bj_spec *spec = short_spec();
    assert_int_equal(bj_spec_set_limit(spec, "processes", 4, NULL), 0);
    struct bj_session *session = make_session(spec);
    runs(session, 1, "x = 'kept'", "");
    unsigned snapshot = snapshot_of(session, 1);
    unsigned other = fork_of(session, 1);
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        bool memory = ways[i].status == BJ_STATUS_MEMORY_LIMIT;
        struct bj_result *result = finish(start_in(session, 1, ways[i].code));
        /* Without a control group an allocation fails before the supervisor has to do anything. */
        if (bj_result_status(result) != ways[i].status &&
            !(memory && bj_result_status(result) == BJ_STATUS_EXCEPTION))
            fail_msg("way %zu: %s", i, bj_result_json(result));
        assert_string_equal(ways[i].limit, bj_result_limit(result) ? bj_result_limit(result) : "");
        bj_result_free(result);
        runs(session, other, "print(x)", "kept\n");
        restore(session, 1, snapshot);
        runs(session, 1, "print(x)", "kept\n");
    }
    bj_session_free(session);
}

/* What neither has too much of, they have together: the limit is the session's. Without a control group the
 * supervisor adds up now and then, so they hold it for a while. */
static void branches_share_one_memory_limit(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    print_message(
        "host lacks a guest of plain memory: a sanitizer's shadow, and what it keeps of freed memory, count\n");
    skip();
#endif
    static const char more_than_half[] =
        "class kept: x = b'x' * (72 << 20)\nprint(len(kept.x) >> 20, flush=True)\nimport time; time.sleep(0.7)";
    for (int counted = 0; counted < 2; counted++) { /* by the supervisor itself, and by the kernel */
        struct bj_spec *spec = template_spec();
        assert_int_equal(bj_spec_set_layer(spec, "cgroup", counted ? "prefer" : "off", NULL), 0);
        assert_int_equal(bj_spec_set_limit(spec, "memory_bytes", 128 << 20, NULL), 0);
        struct bj_session *session = make_session(spec);
        unsigned other = fork_of(session, 1);
        runs(session, 1, more_than_half, "72\n");
        ends(session, other, more_than_half, BJ_STATUS_MEMORY_LIMIT, "");
        runs(session, 1, "print(len(kept.x) >> 20, kept.x[-1:])", "72 b'x'\n"); /* nothing was done to it */
        restore(session, other, 0);
        runs(session, 1, "del kept.x", "");
        runs(session, other, more_than_half, "72\n"); /* only both together are too much */
        ends(session, 1, more_than_half, BJ_STATUS_MEMORY_LIMIT, "");
        bj_session_free(session);
    }
}

static void it_ends_when_its_root_does(void **state)
{
    (void)state;
    struct bj_session *session = make_session(template_spec());
    ends(session, 1, "import os, time; os.kill(2, 9); time.sleep(5)", BJ_STATUS_SIGNAL, "");
    assert_int_equal(refused(session, 1).code, BJ_ERROR_STATE);
    bj_session_free(session);
}

static void a_killed_run_takes_its_branch(void **state)
{
    (void)state;
    struct bj_session *session = make_session(template_spec());
    struct bj_run *run = start_in(session, 1, "while True: pass");
    bj_run_kill(run);
    struct bj_result *result = finish(run);
    assert_int_equal(bj_result_status(result), BJ_STATUS_CANCELLED);
    bj_result_free(result);
    assert_int_equal(refused(session, 1).code, BJ_ERROR_NOT_FOUND);
    restore(session, 1, 0);
    bj_run_free(start_in(session, 1, "while True: pass")); /* given up */
    restore(session, 1, 0);
    runs(session, 1, "print(1)", "1\n");
    bj_session_free(session);
}

static void an_interrupt_ends_the_snippet_alone(void **state)
{
    (void)state;
    struct bj_session *session = make_session(template_spec());
    runs(session, 1, "x = 5", "");
    struct bj_run *run = start_in(session, 1, "print('begun', flush=True)\nwhile True: pass");
    const struct timespec moment = {.tv_nsec = 100000000};
    assert_int_equal(nanosleep(&moment, NULL), 0);
    assert_int_equal(bj_run_signal(run, SIGINT, NULL), 0);
    struct bj_result *result = finish(run);
    assert_int_equal(bj_result_status(result), BJ_STATUS_EXCEPTION);
    assert_non_null(strstr(bj_result_exception(result), "KeyboardInterrupt"));
    bj_result_free(result);
    runs(session, 1, "print(x)", "5\n");
    bj_session_free(session);
}

static void it_stands_still_between_snippets(void **state)
{
    (void)state;
    struct bj_spec *spec = template_spec();
    assert_int_equal(bj_spec_set_limit(spec, "processes", 3, NULL), 0);
    struct bj_session *session = make_session(spec);
    const struct timespec moment = {.tv_nsec = 200000000};
    runs(session, 1,
         "import threading, time\n"
         "n = 0\n"
         "def count():\n"
         "    global n\n"
         "    while True: n += 1\n"
         "threading.Thread(target=count, daemon=True).start()",
         "");
    runs(session, 1, "at = time.process_time()", "");
    assert_int_equal(nanosleep(&moment, NULL), 0);
    runs(session, 1, "print(time.process_time() - at < 0.1)", "True\n");
    bj_session_free(session);
}

static void idle_and_life_have_limits(void **state)
{
    (void)state;
    static const char *const limits[] = {"idle_us", "lifetime_us"};
    const struct timespec moment = {.tv_nsec = 700000000};
    for (size_t i = 0; i < 2; i++) {
        struct bj_spec *spec = template_spec();
        assert_int_equal(bj_spec_set_limit(spec, limits[i], 400000, NULL), 0);
        struct bj_session *session = make_session(spec);
        runs(session, 1, "print(1)", "1\n");
        assert_int_equal(nanosleep(&moment, NULL), 0);
        assert_non_null(strstr(refused(session, 1).message, "it is over"));
        bj_session_free(session);
    }
    struct bj_spec *spec = template_spec();
    assert_int_equal(bj_spec_set_limit(spec, "lifetime_us", 400000, NULL), 0);
    struct bj_session *session = make_session(spec);
    ends(session, 1, "while True: pass", BJ_STATUS_TIME_LIMIT, "lifetime");
    bj_session_free(session);
}

/* ---- what a hostile snippet could say ------------------------------------------------------------- */

static void words_of_others_do_not_count(void **state)
{
    (void)state;
    static const char lies[] = "import os, struct\n"
                               "number = 1\n"
                               "def say(message=None):\n"
                               "    message = message or struct.pack('=IIiI', 0x626a6331, 4, 0, number)\n"
                               "    for fd in range(32, 64):\n"
                               "        try: os.write(fd, message)\n"
                               "        except OSError: pass\n";
    struct bj_spec *spec = short_spec();
    assert_int_equal(bj_spec_set_limit(spec, "processes", 4, NULL), 0);
    struct bj_session *session = make_session(spec);
    runs(session, 1, lies, "");
    unsigned snapshot = snapshot_of(session, 1);
    /* A child of the snippet's says that the snippet is over: it is not. */
    runs(session, 1,
         "number = 2\npid = os.fork()\nif pid == 0:\n  say()\n  os._exit(0)\nos.waitpid(pid, 0)\nprint('told')",
         "told\n");
    /* It says so itself, before it is: without a result that is no good end. */
    ends(session, 1, "number = 3\nsay()\nwhile True: pass", BJ_STATUS_EXIT, "");
    restore(session, 1, snapshot);
    /* Twice: the second is not taken for the end of the next one. */
    bj_result_free(finish(start_in(session, 1, "number = 4; say(); say()")));
    runs(session, 1, "print(1)", "1\n");
    /* What is no word ends it. */
    ends(session, 1, "say(b'nonsense')\nwhile True: pass", BJ_STATUS_SIGNAL, "");
    restore(session, 1, snapshot);
    runs(session, 1, "print(2)", "2\n");
    bj_session_free(session);
}

static void children_that_come_to_the_end_say_nothing(void **state)
{
    (void)state;
    struct bj_spec *spec = template_spec();
    assert_int_equal(bj_spec_set_limit(spec, "processes", 3, NULL), 0);
    struct bj_session *session = make_session(spec);
    runs(session, 1,
         "import os\n"
         "pid = os.fork()\n"
         "if pid: os.waitpid(pid, 0)\n"
         "print('child' if pid == 0 else 'parent')",
         "child\nparent\n");
    runs(session, 1, "print('child' if pid == 0 else 'parent')", "parent\n");
    bj_session_free(session);
}

static void a_policy_holds_for_every_snippet(void **state)
{
    (void)state;
    struct bj_spec *spec = template_spec();
    assert_int_equal(
        bj_spec_add_policy(spec, "{\"features\": [\"stdout\"], \"modules\": {\"json\": [\"dumps\"]}}", NULL),
        0);
    struct bj_session *session = make_session(spec);
    runs(session, 1, "import json\nx = json.dumps([1])\nprint(x)", "[1]\n");
    ends(session, 1, "import os", BJ_STATUS_EXCEPTION, "");
    ends(session, 1, "del __builtins__", BJ_STATUS_OK, "");
    ends(session, 1, "open('/etc/hostname')", BJ_STATUS_EXCEPTION, "");
    runs(session, 1, "print(x)", "[1]\n");
    unsigned fork = fork_of(session, 1);
    ends(session, fork, "().__class__.__base__.__subclasses__()", BJ_STATUS_EXCEPTION, "");
    struct bj_result *result = finish(start_in(session, fork, "print(x)"));
    char *told = bj_result_json(result);
    assert_null(strstr(told, "__subclasses__")); /* which was told of the snippet before */
    free(told);
    bj_result_free(result);
    bj_session_free(session);
}

/* Sent to us, closed there, and ours to close: a close that the guest has made a long one. */
static void descriptors_of_the_guests_hold_up_nobody(void **state)
{
    (void)state;
    static const char code[] = "import array, os, socket, struct\n"
                               "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(1)\n"
                               "c = socket.socket(); c.connect(s.getsockname()); p, _ = s.accept()\n"
                               "c.setblocking(False)\n"
                               "try:\n    while True: c.send(b'x' * 65536)\nexcept BlockingIOError: pass\n"
                               "c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 20))\n"
                               "for n in range(32, 60):\n"
                               "    try: u = socket.socket(fileno=os.dup(n))\n"
                               "    except OSError: continue\n"
                               "    if u.family == socket.AF_UNIX: break\n"
                               "m = struct.pack('<IIiI', 0x626a6331, 4, 0, 99999)\n"
                               "u.setblocking(False)\n"
                               "for n in range(STALE): u.send(m)\n"
                               "for x in (c, p): u.sendmsg([m], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, "
                               "array.array('i', [x.fileno()]))])\n"
                               "os.close(c.detach()); os.close(p.detach())\n"
                               "import time; time.sleep(0.5)\n";
    static const char *const stale[] = {"0", "3", "9", "9", "9", "40"};
    for (size_t i = 0; i < sizeof(stale) / sizeof(stale[0]); i++) {
        struct bj_spec *spec = template_spec();
        char text[2000];
        assert_int_equal(bj_spec_set_network(spec, "loopback", NULL), 0);
        assert_int_equal(bj_spec_set_limit(spec, "wall_us", 2000000, NULL), 0);
        struct bj_session *session = make_session(spec);
        (void)snprintf(text, sizeof(text), "STALE = %s\n%s", stale[i], code);
        time_t before = time(NULL);
        bj_result_free(finish(start_in(session, 1, text))); /* whatever comes of it */
        bj_session_free(session);
        assert_true(time(NULL) - before < 8);
    }
}

int main(void)
{
    if (has_no_sessions())
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_leaves_the_others),
        cmocka_unit_test(branches_share_one_memory_limit),
        cmocka_unit_test(it_ends_when_its_root_does),
        cmocka_unit_test(a_killed_run_takes_its_branch),
        cmocka_unit_test(an_interrupt_ends_the_snippet_alone),
        cmocka_unit_test(it_stands_still_between_snippets),
        cmocka_unit_test(idle_and_life_have_limits),
        cmocka_unit_test(words_of_others_do_not_count),
        cmocka_unit_test(children_that_come_to_the_end_say_nothing),
        cmocka_unit_test(a_policy_holds_for_every_snippet),
        cmocka_unit_test(descriptors_of_the_guests_hold_up_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
