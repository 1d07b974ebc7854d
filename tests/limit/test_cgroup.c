/* Real leaves on this host: limits hold and are counted, all members can be ended.
 * Its own file because it needs control groups that may be written, and skips where there are none.
 * Changes when: another limit or counter of control groups is used. */
#include "cgroup_fixture.h"

static void test_limits_are_written(void **state)
{
    struct fixture *fixture = *state;
    struct bj_cgroup *cgroup = &fixture->cgroup;
    make(fixture, &(struct bj_limits){.memory_bytes = 32 * MIB, .processes = 5}, 2);
    if (cgroup->unified_memory)
        assert_file(cgroup->unified_fd, "memory.max", 32 * MIB);
    else
        assert_file(cgroup->memory_fd, "memory.limit_in_bytes", 32 * MIB);
    if (fixture->host.v1_swap)
        assert_file(cgroup->memory_fd, "memory.memsw.limit_in_bytes", 32 * MIB);
    if (cgroup->unified_memory && faccessat(cgroup->unified_fd, "memory.swap.max", F_OK, 0) == 0)
        assert_file(cgroup->unified_fd, "memory.swap.max", 0);
    assert_file(cgroup->unified_pids ? cgroup->unified_fd : cgroup->pids_fd, "pids.max", 7);
    assert_int_equal(bj__cgroup_remove(cgroup), 0);
}

/* "Not set" leaves the kernel's own: no limit. */
static void test_unset_memory_is_unlimited(void **state)
{
    struct fixture *fixture = *state;
    struct bj_cgroup *cgroup = &fixture->cgroup;
    uint64_t value = 0;
    make(fixture, &(struct bj_limits){.processes = 5}, 0);
    if (cgroup->unified_memory) {
        assert_int_equal(bj__small_number(cgroup->unified_fd, "memory.max", &value), -EINVAL); /* "max" */
    } else {
        assert_int_equal(bj__small_number(cgroup->memory_fd, "memory.limit_in_bytes", &value), 0);
        assert_true(value > (uint64_t)1 << 60);
    }
    assert_int_equal(bj__cgroup_remove(cgroup), 0);
}

/* A line of /proc/PID/cgroup for each hierarchy, below the caller's own (or, in v2, a sibling's). */
static void test_members_are_below_the_callers_group(void **state)
{
    struct fixture *fixture = *state;
    char path[64], own[4096], theirs[4096], ending[64];
    int expected = 0, found = 0;
    const char *list[5];
    make(fixture, &wide, 1);
    for (const char *const *parent = parents_of(&fixture->host, list); *parent; parent++)
        expected += **parent != 0;
    pid_t pid = start_in(&fixture->cgroup, sleep_long, NULL);
    (void)snprintf(path, sizeof(path), "/proc/%ld/cgroup", (long)pid);
    (void)snprintf(ending, sizeof(ending), "/%s\n", fixture->cgroup.name);
    assert_true(bj__small_read(AT_FDCWD, path, theirs, sizeof(theirs)) > 0);
    assert_true(bj__small_read(AT_FDCWD, "/proc/self/cgroup", own, sizeof(own)) > 0);
    assert_null(strstr(own, fixture->cgroup.name)); /* the caller was not moved */
    for (const char *at = theirs; (at = strstr(at, ending)) != NULL; at++)
        found++;
    assert_int_equal(found, expected);
    bj__cgroup_kill(&fixture->cgroup);
    (void)wait_for(pid);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
}

static void test_clone_into_the_leaf(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, &wide, 1);
    if (fixture->cgroup.unified_fd < 0) {
        assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
        print_message("host lacks a v2 hierarchy\n");
        skip();
    }
    struct clone_args args = {
        .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (unsigned)fixture->cgroup.unified_fd};
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid == 0)
        for (;;)
            (void)pause();
    assert_true(pid > 0);
    assert_file(fixture->cgroup.unified_fd, "cgroup.procs", (uint64_t)pid);
    bj__cgroup_kill(&fixture->cgroup);
    int status = wait_for((pid_t)pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
}

static int eat_memory(void *user)
{
    size_t bytes = *(const size_t *)user;
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 98;
    for (size_t at = 0; at < bytes; at += 4096)
        memory[at] = 1;
    return 0;
}

static void test_memory_hog_is_killed_and_counted(void **state)
{
    struct fixture *fixture = *state;
    size_t bytes = 64 * MIB;
    make(fixture, &(struct bj_limits){.memory_bytes = 16 * MIB, .processes = 5}, 0);
    int status = wait_for(start_in(&fixture->cgroup, eat_memory, &bytes));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    struct bj_cgroup_usage usage = usage_of(&fixture->cgroup);
    /* With memory.oom.group the victim may be counted twice: as such, and again as a member (mm/oom_kill.c). */
    assert_in_range(usage.oom_kills, 1, 2);
    if (usage.memory_peak_bytes != UINT64_MAX) /* v2 before 5.19 */
        assert_in_range(usage.memory_peak_bytes, 15 * MIB, 16 * MIB);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
}

static void test_memory_below_the_limit_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    size_t bytes = 8 * MIB;
    make(fixture, &(struct bj_limits){.memory_bytes = 32 * MIB, .processes = 5}, 0);
    assert_int_equal(wait_for(start_in(&fixture->cgroup, eat_memory, &bytes)), 0);
    struct bj_cgroup_usage usage = usage_of(&fixture->cgroup);
    assert_int_equal(usage.oom_kills, 0);
    assert_int_equal(usage.process_refusals, 0);
    if (usage.memory_peak_bytes != UINT64_MAX)
        assert_in_range(usage.memory_peak_bytes, 8 * MIB, 12 * MIB);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
}

/* Forks until it is refused: the number of children, or 90 + for another reason than EAGAIN. */
static int fork_until_refused(void *user)
{
    (void)user;
    for (int made = 0; made < 50; made++) {
        pid_t pid = fork();
        if (pid < 0)
            return errno == EAGAIN ? made : 90;
        if (pid == 0)
            _exit(sleep_long(NULL));
    }
    return 91;
}

static void test_forks_above_the_limit_are_refused_and_counted(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, &(struct bj_limits){.memory_bytes = 64 * MIB, .processes = 3}, 2);
    int status = wait_for(start_in(&fixture->cgroup, fork_until_refused, NULL));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 4); /* itself and four make 3 + 2 */
    struct bj_cgroup_usage usage = usage_of(&fixture->cgroup);
    assert_int_equal(usage.process_refusals, 1);
    if (usage.processes_peak != UINT64_MAX)
        assert_int_equal(usage.processes_peak, 5);
    bj__cgroup_kill(&fixture->cgroup);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0); /* waits until they are gone */
}

static uint64_t own_cpu_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static int burn_in_two(void *user)
{
    uint64_t each_us = *(const uint64_t *)user;
    pid_t pid = fork();
    if (pid < 0)
        return 97;
    while (own_cpu_us() < each_us)
        ;
    return pid == 0 ? 0 : wait_for(pid);
}

static void test_cpu_counts_children(void **state)
{
    struct fixture *fixture = *state;
    uint64_t each_us = 100000;
    make(fixture, &wide, 0);
    uint64_t start = bj__cgroup_cpu_us(&fixture->cgroup);
    assert_true(start < 1000);
    assert_int_equal(wait_for(start_in(&fixture->cgroup, burn_in_two, &each_us)), 0);
    uint64_t cpu_us = bj__cgroup_cpu_us(&fixture->cgroup);
    assert_in_range(cpu_us, 2 * each_us * 9 / 10, 2 * each_us * 2);
    assert_int_equal(usage_of(&fixture->cgroup).cpu_us, cpu_us); /* nobody is left to use more */
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
}

/* Every process forks for ever: only the limit stops it, and where that fails, so that a test cannot take the
 * host down, the number of forks. */
static int bomb(void *user)
{
    atomic_int *forks = user;
    (void)signal(SIGTERM, SIG_IGN);
    while (atomic_load(forks) < 1000) {
        pid_t pid = fork();
        if (pid == 0)
            (void)setsid();
        if (pid > 0)
            (void)atomic_fetch_add(forks, 1);
    }
    return sleep_long(NULL);
}

static void kill_a_bomb(struct fixture *fixture, bool with_unified)
{
    atomic_int *forks = mmap(NULL, sizeof(*forks), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(forks != MAP_FAILED);
    make(fixture, &(struct bj_limits){.memory_bytes = 64 * MIB, .processes = 30}, 0);
    assert_file(fixture->cgroup.unified_pids ? fixture->cgroup.unified_fd : fixture->cgroup.pids_fd, "pids.max",
                30);
    pid_t pid = start_in(&fixture->cgroup, bomb, forks);
    for (int i = 0; i < 5000 && usage_of(&fixture->cgroup).process_refusals == 0; i++)
        (void)usleep(1000);
    int hidden = with_unified ? -1 : bj__fd_take(&fixture->cgroup.unified_fd);
    bj__cgroup_kill(&fixture->cgroup);
    if (hidden >= 0)
        fixture->cgroup.unified_fd = hidden;
    int status = wait_for(pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(usage_of(&fixture->cgroup).process_refusals > 0);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
    assert_int_equal(munmap(forks, sizeof(*forks)), 0);
}

static void test_kill_ends_a_fork_bomb(void **state)
{
    kill_a_bomb(*state, true);
}

static void test_kill_without_cgroup_kill(void **state)
{
    struct fixture *fixture = *state;
    if (!fixture->host.v1_pids[0]) {
        print_message("host lacks control groups v1\n");
        skip();
    }
    kill_a_bomb(fixture, false);
}

static void test_kill_of_an_empty_leaf(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, &wide, 0);
    bj__cgroup_kill(&fixture->cgroup);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_limits_are_written),
        TEST(test_unset_memory_is_unlimited),
        TEST(test_members_are_below_the_callers_group),
        TEST(test_clone_into_the_leaf),
        TEST(test_memory_hog_is_killed_and_counted),
        TEST(test_memory_below_the_limit_is_left_alone),
        TEST(test_forks_above_the_limit_are_refused_and_counted),
        TEST(test_cpu_counts_children),
        TEST(test_kill_of_an_empty_leaf),
        TEST(test_kill_ends_a_fork_bomb),
        TEST(test_kill_without_cgroup_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
