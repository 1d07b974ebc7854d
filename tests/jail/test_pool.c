/* Parked jails: what runs in them is as alone as in any jail, and a pool holds only what it was made for.
 * Its own file because all of it is done through the public header, as a service would.
 * Changes when: a pool promises something more. */
#include "pool_help.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "../support/become.h"
#include "../support/count_entries.h"

/* Children of this process, once more than dead: zygotes and parked jails are some. */
static int count_children(void)
{
    char path[64];
    char text[4096] = ""; /* numbers, each with a blank behind it */
    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    int count = 0;
    assert_non_null(file);
    (void)!fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    for (const char *at = text; *at; at++)
        count += *at == ' ';
    return count;
}

/* ---- tests ---------------------------------------------------------------------------------------- */

static void a_snippet_runs_and_tells(void **state)
{
    (void)state;
    struct bj_pool *pool = make_pool(template_spec(), 2);
    struct bj_result *result =
        finish(start(pool, "import sys\nprint('out')\nprint('err', file=sys.stderr)\nx = [1, {'a': None}]"));
    size_t length = 0;
    assert_output(result, "out\n");
    assert_string_equal(bj_result_globals(result), "{\"x\": [1, {\"a\": null}]}");
    assert_memory_equal(bj_result_output(result, BJ_STDERR, &length), "err\n", 4);
    bj_result_free(result);
    result = finish(start(pool, "def f():\n    raise KeyError('k')\nf()\n"));
    assert_int_equal(bj_result_status(result), BJ_STATUS_EXCEPTION);
    assert_non_null(strstr(bj_result_exception(result), "line 2, in f"));
    bj_result_free(result);
    result = finish(start(pool, "import sys; sys.exit(3)"));
    assert_int_equal(bj_result_exit_code(result), 3);
    bj_result_free(result);
    bj_pool_free(pool);
}

static void a_run_leaves_nothing_for_the_next(void **state)
{
    (void)state;
    struct bj_pool *pool = make_pool(template_spec(), 1);
    for (int i = 0; i < 5; i++) { /* more runs than jails */
        assert_prints(pool,
                      "import builtins, os, json\n"
                      "print(hasattr(builtins, 'left'), os.environ.get('LEFT'), hasattr(json, 'left'),\n"
                      "      [os.listdir(d) for d in ('/box', '/tmp', '/dev/shm')], os.getpid())\n"
                      "builtins.left = json.left = 1\n"
                      "os.environ['LEFT'] = '1'\n"
                      "for d in ('/box', '/tmp', '/dev/shm'): open(d + '/left', 'w').write('x')\n",
                      "False None False [[], [], []] 2\n");
    }
    bj_pool_free(pool);
}

static void it_has_no_descriptor_of_its_making(void **state)
{
    (void)state;
    struct bj_pool *pool = make_pool(template_spec(), 1);
    assert_prints(pool,
                  "import os\n"
                  "def is_open(fd):\n"
                  "    try: return bool(os.fstat(fd))\n"
                  "    except OSError: return False\n"
                  "print([fd for fd in range(1000) if is_open(fd)])\n",
                  "[0, 1, 2, 6]\n"); /* 6: where its own result goes */
    bj_pool_free(pool);
}

static void it_may_do_no_more_than_in_a_cold_jail(void **state)
{
    (void)state;
    static const char *const code =
        "import ctypes, os, resource, socket\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "def tried(what):\n"
        "    try: what(); return 'done'\n"
        "    except OSError as e: return e.errno\n"
        "def call(*args):\n"
        "    r = libc.syscall(*args); return ctypes.get_errno() if r < 0 else r\n"
        "print(tried(lambda: socket.socket()), tried(lambda: open('/usr/x', 'w')), tried(lambda: "
        "os.listdir('/')),\n"
        "      tried(lambda: os.kill(1, 0)), tried(lambda: os.setuid(0)), tried(lambda: os.mkdir('/x')),\n"
        "      call(272, 0), call(165, b'x', b'/tmp', b'tmpfs', 0, 0), call(101, 0, 0, 0, 0), os.getuid() != "
        "0,\n"
        "      [resource.getrlimit(n) for n in range(16) if n != resource.RLIMIT_CPU])\n";
    struct bj_pool *pool = make_pool(template_spec(), 1);
    struct bj_spec *spec = template_spec();
    struct bj_plan *plan = NULL;
    struct bj_result *cold = NULL;
    struct bj_error err = {0};
    assert_int_equal(bj_spec_set_code(spec, code, &err), 0);
    /* A fork cannot enter a profile at exec; where there is one, it refuses the snippet to probe pid 1. */
    assert_int_equal(bj_spec_set_layer(spec, "apparmor", "off", &err), 0);
    if (bj_plan_new(spec, &plan, &err) < 0 || bj_run_plan(plan, &cold, &err) < 0)
        fail_msg("%s", err.message);
    struct bj_result *warm = finish(start(pool, code));
    size_t cold_length = 0;
    size_t warm_length = 0;
    const void *expected = bj_result_output(cold, BJ_STDOUT, &cold_length);
    const void *output = bj_result_output(warm, BJ_STDOUT, &warm_length);
    assert_true(cold_length > 20);
    if (cold_length != warm_length || memcmp(expected, output, cold_length) != 0)
        fail_msg("cold %.*s warm %.*s", (int)cold_length, (const char *)expected, (int)warm_length,
                 (const char *)output);
    bj_result_free(warm);
    bj_result_free(cold);
    bj_plan_free(plan);
    bj_spec_free(spec);
    bj_pool_free(pool);
}

static void denials_are_told(void **state)
{
    (void)state;
    struct bj_pool *pool = make_pool(template_spec(), 1);
    struct bj_result *result =
        finish(start(pool, "import socket\ntry: socket.socket()\nexcept OSError: pass\n"));
    char *json = bj_result_json(result);
    assert_int_equal(bj_result_status(result), BJ_STATUS_OK);
    if (strstr(json, "\"denial_report\": \"on\""))
        assert_non_null(strstr(json, "socket(AF_INET)"));
    free(json);
    bj_result_free(result);
    bj_pool_free(pool);
}

static void two_runs_have_ids_of_their_own(void **state)
{
    (void)state;
    if (!is_root_of_host()) {
        print_message("host lacks ids to give away: not its root\n");
        skip();
    }
    struct bj_pool *pool = make_pool(template_spec(), 2);
    struct bj_run *first = start(pool, "import os, sys; print(os.getuid()); sys.stdin.read()");
    struct bj_run *second = start(pool, "import os, sys; print(os.getuid()); sys.stdin.read()");
    struct bj_result *results[2] = {finish(first), finish(second)};
    long ids[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        size_t length = 0;
        char text[32] = "";
        const void *output = bj_result_output(results[i], BJ_STDOUT, &length);
        assert_in_range(length, 2, sizeof(text) - 1);
        memcpy(text, output, length);
        ids[i] = strtol(text, NULL, 10);
        bj_result_free(results[i]);
    }
    assert_true(ids[0] > 65536 && ids[1] > 65536 && labs(ids[0] - ids[1]) > 1);
    bj_pool_free(pool);
}

static void limits_hold(void **state)
{
    (void)state;
    struct bj_spec *spec = template_spec();
    assert_int_equal(bj_spec_set_limit(spec, "wall_us", 500000, NULL), 0);
    struct bj_pool *pool = make_pool(spec, 2);
    (void)usleep(600000); /* a parked jail's time does not run */
    struct bj_result *result = finish(start(pool, "while True: pass"));
    assert_int_equal(bj_result_status(result), BJ_STATUS_TIME_LIMIT);
    bj_result_free(result);
    result = finish(start(pool, "x = bytearray(10**10)"));
    assert_true(bj_result_status(result) == BJ_STATUS_MEMORY_LIMIT ||
                bj_result_status(result) == BJ_STATUS_EXCEPTION);
    bj_result_free(result);
    assert_prints(pool, "print('well')", "well\n");
    bj_pool_free(pool);
}

/* Nobody steps the run: pid 1's own clock, which was set when the run began, ends it. */
static void it_ends_when_nobody_watches(void **state)
{
    (void)state;
    struct bj_spec *spec = template_spec();
    assert_int_equal(bj_spec_set_limit(spec, "wall_us", 200000, NULL), 0);
    assert_int_equal(bj_spec_set_limit(spec, "cpu_us", 0, NULL), 0);
    struct bj_pool *pool = make_pool(spec, 1);
    struct bj_run *run = start(pool, "while True: pass");
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", bj_run_pid(run));
    for (int i = 0; i < 16; i++)
        (void)usleep(100000);
    char state_of[256] = "";
    FILE *file = fopen(path, "re");
    assert_non_null(file); /* ours to reap */
    assert_non_null(fgets(state_of, sizeof(state_of), file));
    (void)fclose(file);
    assert_non_null(strstr(state_of, ") Z "));
    struct bj_result *result = finish(run);
    assert_int_equal(bj_result_status(result), BJ_STATUS_TIME_LIMIT);
    bj_result_free(result);
    bj_pool_free(pool);
}

/* Descriptors that a parked jail has sent count for its user until they are taken. */
static void one_user_can_keep_many(void **state)
{
    (void)state;
    struct bj_pool *pool = make_pool(template_spec(), 48);
    for (int i = 0; i < 48; i++)
        assert_prints(pool, "print(1)", "1\n");
    bj_pool_free(pool);
}

static void a_pool_takes_everything_with_it(void **state)
{
    (void)state;
    int fds = count_entries("/proc/self/fd");
    int children = count_children();
    struct bj_pool *pool = make_pool(template_spec(), 4);
    struct bj_run *run = start(pool, "print(1)");
    assert_int_equal(bj_pool_parked(pool), 3);
    assert_int_equal(bj_pool_fill(pool, NULL), 0);
    assert_int_equal(bj_pool_parked(pool), 4);
    assert_true(count_children() > children);
    bj_result_free(finish(run));
    bj_pool_free(pool);
    assert_int_equal(count_children(), children);
    assert_int_equal(count_entries("/proc/self/fd"), fds);
}

static void make_pool_and_die(void)
{
    struct bj_pool *pool = make_pool(template_spec(), 3);
    struct bj_run *run = start(pool, "import time; time.sleep(60)");
    (void)bj_run_step(run, 0, NULL);
    (void)kill(getpid(), SIGKILL);
}

/* This process adopts what is left of its dead child, and it must all end by itself. */
static void nothing_outlives_a_killed_supervisor(void **state)
{
    (void)state;
    int children = count_children();
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        make_pool_and_die();
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    for (int i = 0; i < 500 && count_children() > children; i++) {
        while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
            ;
        (void)usleep(10000);
    }
    assert_int_equal(count_children(), children);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static struct bj_pool *make_pool_with(const char *const *modules, unsigned jails)
{
    struct bj_spec *spec = template_spec();
    assert_int_equal(bj_spec_set_preload(spec, modules, NULL), 0);
    return make_pool(spec, jails);
}

static void what_is_preloaded_is_there_and_chance_is_not_shared(void **state)
{
    (void)state;
    static const char *const modules[] = {"random", "uuid", "tempfile", "xml.etree.ElementTree", NULL};
    static const char *const code =
        "import random, sys, uuid, tempfile\n"
        "print('xml.etree.ElementTree' in sys.modules, random.random(), uuid.uuid4(),\n"
        "      tempfile.mktemp())";
    struct bj_pool *pool = make_pool_with(modules, 3);
    char seen[3][256] = {"", "", ""};
    for (int i = 0; i < 3; i++) {
        size_t length = 0;
        struct bj_result *result = finish(start(pool, code));
        const void *output = bj_result_output(result, BJ_STDOUT, &length);
        assert_int_equal(bj_result_status(result), BJ_STATUS_OK);
        assert_in_range(length, 60, sizeof(seen[i]) - 1);
        memcpy(seen[i], output, length);
        assert_int_equal(strncmp(seen[i], "True ", 5), 0);
        bj_result_free(result);
    }
    for (int word = 0; word < 3; word++) /* of each of the three, none is another's */
        for (int i = 0; i < 3; i++) {
            char *rest = NULL;
            char copy[2][256];
            memcpy(copy[0], seen[i], sizeof(copy[0]));
            memcpy(copy[1], seen[(i + 1) % 3], sizeof(copy[1]));
            const char *words[2] = {NULL, NULL};
            for (int k = 0; k < 2; k++) {
                words[k] = strtok_r(copy[k], " \n", &rest);
                for (int n = 0; n <= word; n++)
                    words[k] = strtok_r(NULL, " \n", &rest);
            }
            assert_string_not_equal(words[0], words[1]);
        }
    bj_pool_free(pool);
}

static void a_pool_is_for_snippets_of_one_kind(void **state)
{
    (void)state;
    static const char *const command[] = {"true", NULL};
    struct bj_error err = {0};
    struct bj_pool *pool = NULL;
    struct bj_run *run = NULL;
    struct bj_spec *spec = template_spec();
    assert_refused(bj_pool_new(spec, 0, &pool, &err), &err, "jails", "1 to");
    assert_refused(bj_pool_new(spec, BJ_POOL_MAX + 1, &pool, &err), &err, "jails", "1 to");
    assert_int_equal(bj_spec_set_command(spec, command, &err), 0);
    assert_refused(bj_pool_new(spec, 1, &pool, &err), &err, "command", "bj_pool_start");
    bj_spec_free(spec);
    spec = template_spec();
    assert_int_equal(bj_spec_add_file_bytes(spec, "a", "b", 1, 0, &err), 0);
    assert_refused(bj_pool_new(spec, 1, &pool, &err), &err, "files", "leave");
    bj_spec_free(spec);
    pool = make_pool(template_spec(), 1);
    assert_int_equal(bj_pool_spec(pool, &spec, &err), 0);
    assert_int_equal(bj_spec_set_code(spec, "1", &err), 0);
    assert_int_equal(bj_spec_set_limit(spec, "processes", 7, &err), 0);
    assert_refused(bj_pool_start(pool, spec, &run, &err), &err, "limits", "bj_pool_spec");
    bj_spec_free(spec);
    assert_int_equal(bj_pool_spec(pool, &spec, &err), 0);
    assert_refused(bj_pool_start(pool, spec, &run, &err), &err, "command", "");
    bj_spec_free(spec);
    assert_int_equal(bj_pool_spec(pool, &spec, &err), 0);
    assert_int_equal(bj_spec_set_code(spec, "1", &err), 0);
    assert_int_equal(bj_spec_set_deterministic(spec, 0, NULL, &err),
                     0); /* its zygote has a hash seed already */
    assert_refused(bj_pool_start(pool, spec, &run, &err), &err, "deterministic", "bj_pool_spec");
    bj_spec_free(spec);
    bj_pool_free(pool);
}

/* The last line that the zygote wrote; an address sanitizer writes one more when a process ends. */
#ifdef __SANITIZE_ADDRESS__
#define LAST_WORDS "the zygote has ended"
#else
#define LAST_WORDS "No module named 'no_such_module'"
#endif

/* NumPy's BLAS starts threads when it is loaded, as many as the profile says. */
static void numpy_can_be_preloaded(void **state)
{
    (void)state;
    if (access("/usr/lib/python3/dist-packages/numpy", F_OK) < 0) {
        print_message("host lacks python3-numpy\n");
        skip();
    }
    static const char *const modules[] = {"numpy", NULL};
    struct bj_spec *spec = NULL;
    assert_int_equal(bj_spec_from_profile("python-packages", &spec, NULL), 0);
    assert_int_equal(bj_spec_set_preload(spec, modules, NULL), 0);
    struct bj_pool *pool = make_pool(spec, 1);
    assert_prints(pool,
                  "import sys\n"
                  "there = 'numpy' in sys.modules\n"
                  "import numpy\n"
                  "a = numpy.ones((200, 200))\n"
                  "print(there, (a @ a)[0, 0], int(numpy.linalg.norm(a)))",
                  "True 200.0 200\n");
    bj_pool_free(pool);
}

static void what_cannot_be_preloaded_is_named(void **state)
{
    (void)state;
    static const char *const absent[] = {"json", "no_such_module", NULL};
    struct bj_error err = {0};
    struct bj_pool *pool = NULL;
    struct bj_spec *spec = template_spec();
    assert_int_equal(bj_spec_set_preload(spec, absent, &err), 0);
    assert_refused(bj_pool_new(spec, 1, &pool, &err), &err, "pool", LAST_WORDS);
    bj_spec_free(spec);
}

int main(void)
{
    struct bj_error err = {0};
    find_guest();
    if (host_lacks(&err))
        return printf("1..0 # SKIP host lacks what a pool needs: %s\n", err.message) < 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snippet_runs_and_tells),
        cmocka_unit_test(a_run_leaves_nothing_for_the_next),
        cmocka_unit_test(it_has_no_descriptor_of_its_making),
        cmocka_unit_test(it_may_do_no_more_than_in_a_cold_jail),
        cmocka_unit_test(denials_are_told),
        cmocka_unit_test(two_runs_have_ids_of_their_own),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(it_ends_when_nobody_watches),
        cmocka_unit_test(one_user_can_keep_many),
        cmocka_unit_test(a_pool_takes_everything_with_it),
        cmocka_unit_test(nothing_outlives_a_killed_supervisor),
        cmocka_unit_test(a_pool_is_for_snippets_of_one_kind),
        cmocka_unit_test(what_is_preloaded_is_there_and_chance_is_not_shared),
        cmocka_unit_test(numpy_can_be_preloaded),
        cmocka_unit_test(what_cannot_be_preloaded_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
