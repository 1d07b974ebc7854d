/* The end of a snippet in a parked jail: told by the kernel before it happens, and never a way to go on.
 * Its own file because a result that comes before its process is dead must be as true as one that comes after.
 * Changes when: an end is told in another way. */
#include "pool_help.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>

/* counting: the mode of the layer that counts them. */
static struct bj_pool *make_pool_counting(uint64_t processes, const char *counting)
{
    struct bj_spec *spec = template_spec();
    struct bj_error err = {0};
    assert_int_equal(bj_spec_set_limit(spec, "processes", processes, &err), 0);
    assert_int_equal(bj_spec_set_layer(spec, "cgroup", counting, &err), 0);
    return make_pool(spec, 1);
}

static struct bj_pool *make_pool_with(uint64_t processes)
{
    return make_pool_counting(processes, "prefer");
}

static struct bj_result *step_to_the_end(struct bj_run *run)
{
    struct bj_result *result = NULL;
    int r;
    while ((r = bj_run_step(run, -1, NULL)) == 0)
        ;
    assert_int_equal(r, 1);
    assert_int_equal(bj_run_result(run, &result, NULL), 0);
    return result;
}

static bool lives(pid_t pid)
{
    return kill(pid, 0) == 0;
}

/* A file of proc(5), of the guest's only process; "" when it cannot be read. */
static void read_of_guest(pid_t init, const char *name, char *text, size_t size)
{
    char path[80];
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)init, (int)init);
    for (int pass = 0; pass < 2; pass++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
        text[n > 0 ? n : 0] = 0;
        if (fd >= 0)
            (void)close(fd);
        (void)snprintf(path, sizeof(path), "/proc/%ld/%s", strtol(text, NULL, 10), name);
    }
}

/* In which call a process is, is told to root; an ordinary user sees that it does not run. */
static void assert_in_its_last_call(pid_t init)
{
    char text[256];
    char expected[16];
    read_of_guest(init, "syscall", text, sizeof(text));
    if (!text[0] && geteuid() != 0) {
        read_of_guest(init, "status", text, sizeof(text));
        /* interruptible, until a signal comes that may not interrupt it */
        if (!strstr(text, "State:\tS") && !strstr(text, "State:\tD"))
            fail_msg("it does not stand still: \"%s\"", text);
        return;
    }
    (void)snprintf(expected, sizeof(expected), "%d ", SYS_exit_group);
    if (strncmp(text, expected, strlen(expected)) != 0)
        fail_msg("it is not in exit_group: \"%s\"", text);
}

static void wait_ms(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

/* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is of Linux 5.19. */
static bool is_told(struct bj_result *result)
{
    char *json = bj_result_json(result);
    bool has_listener = strstr(json, "\"denial_report\": \"on\"") != NULL;
    free(json);
    return has_listener && kernel_is_at_least(5, 19);
}

/* What it armed before would run a handler of its own, were it let go on for that. */
static void it_stands_still_from_its_result_on(void **state)
{
    (void)state;
    struct bj_pool *pool = make_pool_with(1);
    struct bj_run *run = start(pool, "import os, signal\n"
                                     "signal.signal(signal.SIGALRM, lambda *_: os.abort())\n"
                                     "signal.setitimer(signal.ITIMER_REAL, 0.1, 0.01)\n"
                                     "print('here')");
    pid_t init = bj_run_pid(run);
    struct bj_result *result = step_to_the_end(run);
    assert_output(result, "here\n");
    bool told = is_told(result);
    bj_result_free(result);
    assert_int_equal(lives(init), told);
    if (told) {
        assert_in_its_last_call(init);
        wait_ms(200);
        assert_in_its_last_call(init);
    }
    bj_run_free(run);
    assert_false(lives(init));
    bj_pool_free(pool);
}

static void its_exit_status_is_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum bj_status status;
        int exit_code, signal;
    } rows[] = {
        {"pass", BJ_STATUS_OK, 0, 0},
        {"raise SystemExit(7)", BJ_STATUS_EXIT, 7, 0},
        {"import os; os._exit(3)", BJ_STATUS_EXIT, 3, 0},
        {"import os; os._exit(255)", BJ_STATUS_EXIT, 255, 0},
        {"import os; os._exit(-256)", BJ_STATUS_EXIT, 0, 0}, /* no result was left */
        {"1/0", BJ_STATUS_EXCEPTION, 1, 0},
        {"import os, signal; os.kill(os.getpid(), signal.SIGKILL)", BJ_STATUS_SIGNAL, -1, SIGKILL},
        {"import os; os.abort()", BJ_STATUS_SIGNAL, -1, SIGABRT},
    };
    struct bj_pool *pool = make_pool_with(1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bj_result *result = finish(start(pool, rows[i].code));
        if (bj_result_status(result) != rows[i].status || bj_result_exit_code(result) != rows[i].exit_code ||
            bj_result_signal(result) != rows[i].signal)
            fail_msg("%s: %s", rows[i].code, bj_result_json(result));
        bj_result_free(result);
    }
    bj_pool_free(pool);
}

static void assert_ends_in_time(struct bj_pool *pool, const char *code, bool alone)
{
    struct bj_run *run = start(pool, code);
    pid_t init = bj_run_pid(run);
    struct bj_result *result = step_to_the_end(run);
    assert_int_equal(bj_result_status(result), BJ_STATUS_OK);
    if (lives(init) != (alone && is_told(result)))
        fail_msg("%s: %s", code, alone ? "it is dead, and is the only one" : "others may live");
    bj_result_free(result);
    bj_run_free(run);
}

static void who_is_not_alone_is_dead_before_the_result(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__ /* whose memory is beyond the limit of a process that stands in for a group's */
    static const char *const counting[] = {"prefer"};
#else
    static const char *const counting[] = {"prefer", "off"};
#endif
    static const char *const codes[] = {
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "import os, time\nif os.fork() == 0:\n    time.sleep(60)\n    os._exit(0)",
        /* it belongs to the jail's first process by then */
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        time.sleep(60)\n"
        "    os._exit(0)\n"
        "os.wait()",
    };
    for (size_t way = 0; way < sizeof(counting) / sizeof(counting[0]); way++) {
        struct bj_pool *pool = make_pool_counting(4, counting[way]);
        assert_ends_in_time(pool, "pass", true);
        assert_ends_in_time(pool, "import os\nif os.fork() == 0:\n    os._exit(0)\nos.wait()", true);
        for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
            assert_ends_in_time(pool, codes[i], false);
        bj_pool_free(pool);
    }
}

static void ends_of_others_are_not_its_own(void **state)
{
    (void)state;
    struct bj_pool *pool = make_pool_with(4);
    assert_prints(pool,
                  "import os\n"
                  "for n in range(3):\n"
                  "    pid = os.fork()\n"
                  "    if pid == 0:\n"
                  "        os._exit(n)\n"
                  "    print(os.waitpid(pid, 0)[1] >> 8)",
                  "0\n1\n2\n");
    struct bj_result *result = finish(start(pool, "import os, threading\n"
                                                  "t = threading.Thread(target=os._exit, args=(9,))\n"
                                                  "t.start()\n"
                                                  "t.join()"));
    assert_int_equal(bj_result_exit_code(result), 9);
    bj_result_free(result);
    bj_pool_free(pool);
}

static void what_it_used_is_told(void **state)
{
    (void)state;
    struct bj_pool *pool = make_pool_with(1);
    struct bj_result *result = finish(start(pool, "import time\n"
                                                  "x = bytearray(40 << 20)\n"
                                                  "end = time.process_time() + 0.1\n"
                                                  "while time.process_time() < end: pass"));
    assert_int_equal(bj_result_status(result), BJ_STATUS_OK);
    double bytes = number_of(result, "\"memory_peak_bytes\": ");
    double seconds = number_of(result, "\"cpu_seconds\": ");
    if (bytes < 40 << 20 || bytes > 128 << 20 || seconds < 0.1 || seconds > 2)
        fail_msg("40 MiB and 0.1 s of processor time are told as %g and %g", bytes, seconds);
    bj_result_free(result);
    bj_pool_free(pool);
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
        cmocka_unit_test(it_stands_still_from_its_result_on),
        cmocka_unit_test(its_exit_status_is_its_own),
        cmocka_unit_test(who_is_not_alone_is_dead_before_the_result),
        cmocka_unit_test(ends_of_others_are_not_its_own),
        cmocka_unit_test(what_it_used_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
