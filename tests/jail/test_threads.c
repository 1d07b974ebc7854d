/* Jails started by a program that has other things to do: while hundreds of them are made and run through the
 * library, threads of the same process allocate, make threads, and call the set*id functions that signal every
 * thread.
 * Its own file because a child made in the middle of that must not need a lock that a vanished thread holds
 * (DESIGN.md, section 3); one deadlock in a thousand is found only like this.
 * Changes when: the library promises something more about threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <belljar.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JAILS           300
#define JAILS_AT_LEAST  60 /* on an emulated processor, which makes few in the time below */
#define SECONDS_ENOUGH  20
#define SECONDS_AT_MOST 240
#define STARTERS        2

struct storm {
    atomic_bool stop;
    atomic_long allocations, threads, identities;
};

static void *allocate(void *argument)
{
    struct storm *storm = argument;

    while (!storm->stop) {
        void *kept[64];
        for (size_t i = 0; i < 64; i++)
            kept[i] = calloc(1, 16u << (i % 12));
        for (size_t i = 0; i < 64; i++)
            free(kept[i]);
        storm->allocations++;
    }
    return NULL;
}

static void *return_at_once(void *argument)
{
    free(malloc(100));
    return argument;
}

static void *make_threads(void *argument)
{
    struct storm *storm = argument;

    while (!storm->stop) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, return_at_once, NULL) == 0)
            pthread_join(thread, NULL);
        storm->threads++;
    }
    return NULL;
}

/* glibc runs each of these in every thread of the process, by a signal; as an ordinary user they fail, which is
 * all the same: the signals are sent first. The ids do not change. */
static void *change_identity(void *argument)
{
    struct storm *storm = argument;
    gid_t groups[1] = {getgid()};

    while (!storm->stop) {
        int r = setgroups(1, groups);
        r |= setresgid(getgid(), getgid(), getgid());
        r |= setresuid(getuid(), getuid(), getuid());
        (void)r;
        storm->identities++;
        (void)usleep(100); /* or on one processor no thread would ever get glibc's lock to be made */
    }
    return NULL;
}

static struct bj_plan *plan_of(const char *const *command, uint64_t wall_us)
{
    struct bj_error err = {0};
    struct bj_spec *spec = NULL;
    struct bj_plan *plan = NULL;

    if (bj_spec_from_profile("default", &spec, &err) < 0 || bj_spec_set_command(spec, command, &err) < 0 ||
        bj_spec_set_limit(spec, "wall_us", wall_us, &err) < 0 ||
        bj_spec_set_limit(spec, "processes", 8, &err) < 0 || bj_plan_new(spec, &plan, &err) < 0)
        print_error("plan: %s: %s\n", err.field, err.message);
    bj_spec_free(spec);
    return plan;
}

/* One run; 0 when it ended with the exit code wanted. */
static int run_once(const struct bj_plan *plan, int wanted)
{
    struct bj_error err = {0};
    struct bj_result *result = NULL;
    int r = bj_run_plan(plan, &result, &err);

    if (r < 0)
        print_error("run: %s: %s (%s)\n", err.field, err.message, strerror(err.err));
    else if (bj_result_exit_code(result) != wanted)
        print_error("status %s, exit code %d\n", bj_status_name(bj_result_status(result)),
                    bj_result_exit_code(result));
    r = r == 0 && bj_result_exit_code(result) == wanted ? 0 : -1;
    bj_result_free(result);
    return r;
}

static void storm_begin(struct storm *storm, pthread_t threads[4])
{
    void *(*const work[4])(void *) = {allocate, allocate, make_threads, change_identity};

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work[i], storm), 0);
}

/* A storm that did not blow proves nothing. */
static bool has_blown(const struct storm *storm)
{
    return storm->allocations > 100 && storm->threads > 100 && storm->identities > 100;
}

static void storm_end(struct storm *storm, pthread_t threads[4])
{
    storm->stop = true;
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    if (!has_blown(storm))
        print_error("%ld allocations, %ld threads, %ld changes of identity\n", (long)storm->allocations,
                    (long)storm->threads, (long)storm->identities);
    assert_true(has_blown(storm));
}

/* The deadlock that is looked for never ends by itself. */
static void end_by_alarm(unsigned seconds)
{
    alarm(seconds);
}

static void test_hundreds_of_jails_in_a_storm(void **state)
{
    static const char *const command[] = {"/bin/sh", "-c", "exit 7", NULL};
    struct storm storm = {0};
    struct bj_plan *plan = plan_of(command, 20000000);
    pthread_t threads[4];
    time_t began = time(NULL);
    int failed = 0;

    (void)state;
    assert_non_null(plan);
    end_by_alarm(SECONDS_AT_MOST);
    storm_begin(&storm, threads);
    for (int i = 0; i < JAILS; i++) {
        if (i >= JAILS_AT_LEAST && has_blown(&storm) && time(NULL) - began >= SECONDS_ENOUGH)
            break;
        failed += run_once(plan, 7) != 0;
    }
    storm_end(&storm, threads);
    end_by_alarm(0);
    bj_plan_free(plan);
    assert_int_equal(failed, 0);
}

struct starter {
    const struct bj_plan *plan;
    int failed;
};

static void *start_some(void *argument)
{
    struct starter *starter = argument;

    for (int i = 0; i < 40; i++)
        starter->failed += run_once(starter->plan, 7) != 0;
    return NULL;
}

/* One plan, read by two threads at once; each run is its thread's own. */
static void test_two_threads_share_a_plan(void **state)
{
    static const char *const command[] = {"/bin/sh", "-c", "exit 7", NULL};
    struct bj_plan *plan = plan_of(command, 20000000);
    struct starter starters[STARTERS];
    pthread_t threads[STARTERS];
    int failed = 0;

    (void)state;
    assert_non_null(plan);
    end_by_alarm(SECONDS_AT_MOST);
    for (size_t i = 0; i < STARTERS; i++) {
        starters[i] = (struct starter){.plan = plan};
        assert_int_equal(pthread_create(&threads[i], NULL, start_some, &starters[i]), 0);
    }
    for (size_t i = 0; i < STARTERS; i++) {
        pthread_join(threads[i], NULL);
        failed += starters[i].failed;
    }
    end_by_alarm(0);
    bj_plan_free(plan);
    assert_int_equal(failed, 0);
}

static int count_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 4096; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* The library changes nothing of its caller, and keeps nothing. */
static void test_the_caller_is_left_as_it_was(void **state)
{
    static const char *const command[] = {"/bin/sh", "-c", "exit 7", NULL};
    struct bj_plan *plan = plan_of(command, 20000000);
    char before[4096], after[4096];
    sigset_t mask_before, mask_after;

    (void)state;
    assert_non_null(plan);
    assert_int_equal(run_once(plan, 7), 0);
    mode_t umask_before = umask(022);
    (void)umask(umask_before);
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask_before), 0);
    int descriptors = count_descriptors();
    for (int i = 0; i < 20; i++)
        assert_int_equal(run_once(plan, 7), 0);
    assert_int_equal(count_descriptors(), descriptors);
    assert_non_null(getcwd(after, sizeof(after)));
    assert_string_equal(before, after);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask_after), 0);
    for (int s = 1; s < 65; s++)
        assert_int_equal(sigismember(&mask_before, s), sigismember(&mask_after, s));
    mode_t umask_after = umask(umask_before);
    assert_int_equal(umask_after, umask_before);
    bj_plan_free(plan);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child, dead or alive */
    assert_int_equal(errno, ECHILD);
}

/* start, step, kill: the pieces of bj_run_plan, by hand. */
static void test_a_run_can_be_polled_and_killed(void **state)
{
    static const char *const command[] = {"/bin/sh", "-c", "sleep 60", NULL};
    struct bj_plan *plan = plan_of(command, 30000000);
    struct bj_run *run = NULL;
    struct bj_result *result = NULL;
    struct bj_error err = {0};
    int r = 0;

    (void)state;
    assert_non_null(plan);
    end_by_alarm(20);
    assert_int_equal(bj_run_start(plan, &run, &err), 0);
    assert_true(bj_run_fd(run) >= 0 && bj_run_pid(run) > 0);
    assert_int_equal(bj_run_result(run, &result, &err), -EAGAIN);
    assert_int_equal(bj_run_step(run, 50, &err), 0);
    bj_run_kill(run);
    bj_run_kill(run);
    while (r == 0)
        r = bj_run_step(run, 1000, &err);
    assert_int_equal(r, 1);
    assert_int_equal(bj_run_result(run, &result, &err), 0);
    assert_int_equal(bj_result_status(result), BJ_STATUS_CANCELLED);
    end_by_alarm(0);
    bj_result_free(result);
    bj_run_free(run);
    bj_plan_free(plan);
}

/* A run that is given up in the middle is ended and waited for. */
static void test_free_ends_what_still_runs(void **state)
{
    static const char *const command[] = {"/bin/sh", "-c", "sleep 60", NULL};
    struct bj_plan *plan = plan_of(command, 30000000);
    struct bj_run *run = NULL;
    struct bj_error err = {0};

    (void)state;
    assert_non_null(plan);
    end_by_alarm(20);
    assert_int_equal(bj_run_start(plan, &run, &err), 0);
    bj_run_free(run);
    end_by_alarm(0);
    bj_plan_free(plan);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_caller_is_left_as_it_was),
        cmocka_unit_test(test_a_run_can_be_polled_and_killed),
        cmocka_unit_test(test_free_ends_what_still_runs),
        cmocka_unit_test(test_two_threads_share_a_plan),
        cmocka_unit_test(test_hundreds_of_jails_in_a_storm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
