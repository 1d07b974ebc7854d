/* The control group of a pool's jail, which another jail had before: nothing of that is told of the next run.
 * Its own file because each run here comes after one that left as much behind as it could.
 * Changes when: another number or verdict rests on a control group. */
#include "pool_help.h"

#include <fcntl.h>

#define PROCESSES 3 /* a guest may have */

static struct bj_pool *make_small_pool(void)
{
    struct bj_spec *spec = template_spec();
    assert_int_equal(bj_spec_set_limit(spec, "processes", PROCESSES, NULL), 0);
    return make_pool(spec, 1);
}

static void run_and_drop(struct bj_pool *pool, const char *code)
{
    bj_result_free(finish(start(pool, code)));
}

/* Of the jail's first process; "" when there is none of ours. */
static void name_group(const struct bj_run *run, char name[64])
{
    char path[64];
    char text[2048];
    (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", bj_run_pid(run));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    if (fd >= 0)
        (void)close(fd);
    const char *leaf = strstr(text, "/belljar-");
    (void)snprintf(name, 64, "%.*s", leaf ? (int)strcspn(leaf, "\n") : 0, leaf ? leaf : "");
}

static void a_group_is_used_by_many_jails(void **state)
{
    (void)state;
    char name[64] = "";
    char first[64] = "";
    int others = 0;
    struct bj_pool *pool = make_small_pool();
    for (int i = 0; i < 8; i++) {
        struct bj_run *run = start(pool, "pass");
        name_group(run, name);
        bj_result_free(finish(run));
        if (i == 0)
            memcpy(first, name, sizeof(first));
        else
            others += strcmp(name, first) != 0;
    }
    bj_pool_free(pool);
    if (!first[0])
        skip(); /* host lacks a control group */
    if (others > 0 && !kernel_is_at_least(6, 12)) {
        print_message("host lacks a peak of memory that can be started anew\n");
        skip();
    }
    assert_int_equal(others, 0);
}

static void what_the_last_one_used_is_not_told(void **state)
{
    (void)state;
    struct bj_pool *pool = make_small_pool();
    run_and_drop(pool, "import time\n"
                       "x = bytearray(60 << 20)\n"
                       "while time.process_time() < 0.6: pass");
    struct bj_result *result = finish(start(pool, "pass"));
    double seconds = number_of(result, "\"cpu_seconds\": ");
    double bytes = number_of(result, "\"memory_peak_bytes\": ");
    assert_int_equal(bj_result_status(result), BJ_STATUS_OK);
    if (seconds > 0.3 || bytes > 40 << 20)
        fail_msg("a run of nothing is said to have used %g s and %g bytes", seconds, bytes);
    bj_result_free(result);
    bj_pool_free(pool);
}

static void what_the_last_one_met_is_not_blamed_on_it(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "x = bytearray(1 << 30)",
        "import mmap\nx = mmap.mmap(-1, 1 << 30)\nx.write(bytes(1 << 30))",
        "import os\nfor _ in range(20):\n    if os.fork() == 0:\n        os._exit(os.pause())",
        "import os\nfor n in range(60): open('/tmp/%d' % n, 'wb').write(bytes(1 << 20))",
    };
    struct bj_pool *pool = make_small_pool();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        run_and_drop(pool, bad[i]);
        struct bj_result *result = finish(start(pool, "raise SystemExit(5)"));
        if (bj_result_status(result) != BJ_STATUS_EXIT || bj_result_exit_code(result) != 5)
            fail_msg("after %s: %s", bad[i], bj_result_json(result));
        bj_result_free(result);
        assert_prints(pool, "print(len(bytearray(60 << 20)))", "62914560\n");
    }
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
        cmocka_unit_test(a_group_is_used_by_many_jails),
        cmocka_unit_test(what_the_last_one_used_is_not_told),
        cmocka_unit_test(what_the_last_one_met_is_not_blamed_on_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
