/* Leaves that are used again: whoever comes next can tell neither by what he has nor by what is counted.
 * Its own file because each leaf here has had a guest before.
 * Changes when: another counter or limit is kept in a leaf. */
#include "cgroup_fixture.h"

#include "../support/kernel_version.h"

#define BUSY_NS   100000000
#define LEFT_MIB  8
#define PEAK_MIB  16
#define EXTRA     1 /* the jail's own process */
#define MIB_BYTES ((size_t)MIB)

static struct bj_leaves leaves;
static char first_name[sizeof(((struct bj_cgroup *)0)->name)];

/* As the plan of a parked jail has it: on a host with both kinds, one of them does (src/plan/plan_warm.c). */
static void choose_hierarchies(struct bj_host_cgroup *host)
{
    if (!host->v1_memory[0] || !host->v1_pids[0])
        return;
    host->unified[0] = 0;
    host->unified_memory = host->unified_pids = false;
}

/* A leaf with its counters open. */
static void make_parked(struct fixture *fixture)
{
    choose_hierarchies(&fixture->host);
    make(fixture, &wide, EXTRA);
    bj__cgroup_open_counters(&fixture->cgroup);
    memcpy(first_name, fixture->cgroup.name, sizeof(first_name));
}

static bool give_and_take(struct fixture *fixture)
{
    bj__leaves_give(&leaves, &fixture->cgroup);
    assert_int_equal(fixture->cgroup.pids_fd, -1);
    assert_int_equal(fixture->cgroup.unified_fd, -1);
    return bj__leaves_take(&leaves, &wide, EXTRA, &fixture->cgroup);
}

/* A v2 group's peak can be started anew since Linux 6.12: where it cannot, no leaf is used again. */
static void need_reuse(struct fixture *fixture)
{
    make_parked(fixture);
    bool taken = give_and_take(fixture);
    bool may_lack = fixture->host.unified_memory && !kernel_is_at_least(6, 12);
    assert_true(taken || may_lack);
    if (taken)
        return;
    print_message("host lacks a peak of memory that can be started anew (Linux 6.12)\n");
    skip();
}

static void assert_as_new(const struct bj_cgroup *cgroup)
{
    struct bj_cgroup_usage usage = usage_of(cgroup);
    assert_string_equal(cgroup->name, first_name);
    assert_true(bj__cgroup_is_empty(cgroup));
    assert_true(usage.memory_peak_bytes < MIB_BYTES);
    assert_true(usage.cpu_us == UINT64_MAX || usage.cpu_us < BUSY_NS / 1000 / 2);
    assert_true(usage.oom_kills == 0 && usage.foreign_kills == 0 && usage.process_refusals == 0);
}

/* Whatever came before it. */
static void assert_not_reused(struct fixture *fixture)
{
    assert_false(give_and_take(fixture));
    assert_int_equal(count_own(&fixture->host), 0);
}

static void run_in(struct fixture *fixture, int (*run)(void *), void *user, int exit_code)
{
    int status = wait_for(start_in(&fixture->cgroup, run, user));
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), exit_code);
}

static int use(size_t bytes)
{
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return memory == MAP_FAILED;
}

static int use_little(void *user)
{
    (void)user;
    struct timespec used = {.tv_sec = 0};
    while (used.tv_sec == 0 && used.tv_nsec < BUSY_NS)
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return use(PEAK_MIB * MIB_BYTES);
}

static void test_a_leaf_is_used_again_as_if_it_were_new(void **state)
{
    struct fixture *fixture = *state;
    need_reuse(fixture);
    for (int i = 0; i < 3; i++) {
        assert_as_new(&fixture->cgroup);
        run_in(fixture, use_little, NULL, 0);
        struct bj_cgroup_usage usage = usage_of(&fixture->cgroup);
        assert_true(usage.memory_peak_bytes >= PEAK_MIB * MIB_BYTES);
        assert_true(usage.cpu_us == UINT64_MAX ||
                    (usage.cpu_us >= BUSY_NS / 1000 && usage.cpu_us < BUSY_NS / 1000 * 2));
        assert_true(give_and_take(fixture));
    }
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
}

static void test_a_lowered_limit_is_raised_again(void **state)
{
    struct fixture *fixture = *state;
    need_reuse(fixture);
    const struct bj_host_cgroup *host = &fixture->host;
    assert_int_equal(bj__cgroup_limit_memory(&fixture->cgroup, PEAK_MIB * MIB_BYTES / 2, NULL), 0);
    if (give_and_take(fixture)) {
        assert_int_equal(fixture->cgroup.memory_max, wide.memory_bytes);
        run_in(fixture, use_little, NULL, 0);
        assert_int_equal(usage_of(&fixture->cgroup).oom_kills, 0);
        assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
    } else { /* with swap counted a v1 group takes both limits only downwards in our order */
        assert_true(host->v1_memory[0] && host->v1_swap);
    }
}

static int use_too_much(void *user)
{
    (void)user;
    return use(2 * wide.memory_bytes);
}

static void test_not_after_the_memory_limit(void **state)
{
    struct fixture *fixture = *state;
    need_reuse(fixture);
    run_in(fixture, use_too_much, NULL, -SIGKILL);
    assert_not_reused(fixture);
}

static int make_many(void *user)
{
    const uint64_t *wanted = user;
    uint64_t made = 0;
    pid_t pid = 0;
    while (made < *wanted && (pid = fork()) > 0)
        made++;
    if (pid == 0)
        _exit((int)pause());
    (void)signal(SIGTERM, SIG_IGN);
    (void)kill(0, SIGTERM);
    while (wait(NULL) > 0)
        ;
    return pid >= 0;
}

static int make_many_in_a_group(void *user)
{
    return setpgid(0, 0) < 0 || make_many(user);
}

static void test_not_after_refused_processes(void **state)
{
    struct fixture *fixture = *state;
    need_reuse(fixture);
    uint64_t too_many = wide.processes + EXTRA;
    run_in(fixture, make_many_in_a_group, &too_many, 0);
    assert_not_reused(fixture);
}

/* pids.peak (Linux 6.1) cannot be started anew. Where it is not kept, nobody is told of it. */
static void test_not_after_many_processes(void **state)
{
    struct fixture *fixture = *state;
    need_reuse(fixture);
    uint64_t many = EXTRA + 1;
    run_in(fixture, make_many_in_a_group, &many, 1);
    if (usage_of(&fixture->cgroup).processes_peak == UINT64_MAX) {
        assert_true(give_and_take(fixture));
        assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
    } else {
        assert_not_reused(fixture);
    }
}

static int left_fd = -1;

static int fill_what_is_left(void *user)
{
    (void)user;
    return ftruncate(left_fd, LEFT_MIB * MIB) < 0 || fallocate(left_fd, 0, 0, LEFT_MIB * MIB) < 0;
}

/* Pages outlive their process where somebody else holds them, and stay charged. */
static void test_not_while_memory_is_left_in_it(void **state)
{
    struct fixture *fixture = *state;
    need_reuse(fixture);
    left_fd = memfd_create("left", MFD_CLOEXEC);
    assert_true(left_fd >= 0);
    run_in(fixture, fill_what_is_left, NULL, 0);
    assert_not_reused(fixture);
    (void)close(left_fd);
}

static void test_not_while_somebody_is_in_it(void **state)
{
    struct fixture *fixture = *state;
    need_reuse(fixture);
    pid_t pid = start_in(&fixture->cgroup, sleep_long, NULL);
    struct bj_cgroup copy = fixture->cgroup;
    bj__leaves_give(&leaves, &fixture->cgroup);
    assert_false(bj__leaves_take(&leaves, &wide, EXTRA, &fixture->cgroup));
    (void)kill(pid, SIGKILL);
    (void)wait_for(pid);
    const char *list[5];
    for (const char *const *parent = parents_of(&fixture->host, list); *parent; parent++) {
        char path[sizeof(copy.parents.unified) + sizeof(copy.name)];
        (void)snprintf(path, sizeof(path), "%s/%s", *parent, copy.name);
        (void)rmdir(path); /* what could not be removed while somebody was in it */
    }
}

static void test_so_many_are_kept_and_none_stays(void **state)
{
    struct fixture *fixture = *state;
    make_parked(fixture);
    bj__leaves_give(&leaves, &fixture->cgroup);
    int hierarchies = count_own(&fixture->host);
    for (int i = 0; i < BJ_LEAVES + 3; i++) {
        make_parked(fixture);
        bj__leaves_give(&leaves, &fixture->cgroup);
    }
    assert_int_equal(count_own(&fixture->host), BJ_LEAVES * hierarchies);
    bj__leaves_done(&leaves);
    assert_int_equal(count_own(&fixture->host), 0);
    assert_false(bj__leaves_take(&leaves, &wide, EXTRA, &fixture->cgroup));
}

static void *give_and_take_many(void *user)
{
    const struct bj_host_cgroup *host = user;
    for (int i = 0; i < 100; i++) {
        struct bj_cgroup cgroup;
        if (!bj__leaves_take(&leaves, &wide, EXTRA, &cgroup)) {
            if (bj__cgroup_make(&cgroup, host, &wide, EXTRA, NULL) < 0)
                return user;
            bj__cgroup_open_counters(&cgroup);
        }
        if (flock(cgroup.unified_fd >= 0 ? cgroup.unified_fd : cgroup.memory_fd, LOCK_EX | LOCK_NB) < 0)
            return user;
        bj__leaves_give(&leaves, &cgroup);
    }
    return NULL;
}

static void test_threads_share_them(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[4];
    need(has_memory(&fixture->host) && has_pids(&fixture->host), &fixture->host);
    for (size_t i = 0; i < BJ_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, give_and_take_many, &fixture->host), 0);
    for (size_t i = 0; i < BJ_COUNT(threads); i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    bj__leaves_done(&leaves);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_leaf_is_used_again_as_if_it_were_new),
        TEST(test_a_lowered_limit_is_raised_again),
        TEST(test_not_after_the_memory_limit),
        TEST(test_not_after_refused_processes),
        TEST(test_not_after_many_processes),
        TEST(test_not_while_memory_is_left_in_it),
        TEST(test_not_while_somebody_is_in_it),
        TEST(test_so_many_are_kept_and_none_stays),
        TEST(test_threads_share_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
