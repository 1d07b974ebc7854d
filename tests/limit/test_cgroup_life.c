/* Making, removing and sweeping leaves: nothing is left, nothing of others is touched, whatever fails.
 * Its own file because it is about names and directories, not about what happens in a leaf.
 * Changes when: leaves get other names or another sign of a living owner. */
#include "../support/become.h"
#include "cgroup_fixture.h"

static void test_made_and_removed_in_every_hierarchy(void **state)
{
    struct fixture *fixture = *state;
    const char *list[5];
    int expected = 0;
    make(fixture, &wide, 1);
    for (const char *const *parent = parents_of(&fixture->host, list); *parent; parent++)
        expected += **parent != 0;
    assert_int_equal(count_own(&fixture->host), expected);
    assert_int_equal(fixture->cgroup.unified_fd >= 0, fixture->host.unified[0] != 0);
    /* the sign for a sweep in another pid namespace that it has an owner */
    int leaf = fixture->cgroup.unified_fd >= 0 ? fixture->cgroup.unified_fd : fixture->cgroup.memory_fd;
    int other = openat(leaf, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(other >= 0);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    (void)close(other);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
    assert_int_equal(count_own(&fixture->host), 0);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0); /* idempotent */
}

static int exit_later(void *user)
{
    (void)user;
    (void)usleep(150000);
    return 0;
}

static void test_remove_waits_for_the_last_member(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, &wide, 0);
    pid_t pid = start_in(&fixture->cgroup, exit_later, NULL);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
    assert_int_equal(wait_for(pid), 0);
}

static void remove_by_hand(const struct fixture *fixture)
{
    char path[400];
    const char *list[5];
    for (const char *const *parent = parents_of(&fixture->host, list); *parent; parent++) {
        (void)snprintf(path, sizeof(path), "%s/%s", *parent, fixture->cgroup.name);
        for (int i = 0; **parent && rmdir(path) < 0 && errno == EBUSY && i < 1000; i++)
            (void)usleep(1000);
    }
}

static void test_remove_gives_up_and_says_so(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, &wide, 0);
    pid_t pid = start_in(&fixture->cgroup, sleep_long, NULL);
    uint64_t start = bj__now_us();
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), -EBUSY);
    assert_in_range(bj__now_us() - start, 900000, 5000000);
    assert_int_equal(fixture->cgroup.unified_fd, -1); /* closed all the same */
    (void)kill(pid, SIGKILL);
    (void)wait_for(pid);
    remove_by_hand(fixture);
}

static int sleep_in_the_last_one(void *user)
{
    const int *fd = user;
    return bj__small_write(*fd, "cgroup.procs", "0") < 0 ? 98 : sleep_long(NULL);
}

/* Without it in the first hierarchy no sweep would ever see it again. */
static void test_a_leaf_that_stays_anywhere_stays_in_the_first(void **state)
{
    struct fixture *fixture = *state;
    const struct bj_host_cgroup *host = &fixture->host;
    make(fixture, &wide, 0);
    const char *first = host->v1_memory[0] ? host->v1_memory : host->v1_pids;
    if (!first[0] || fixture->cgroup.unified_fd < 0) {
        assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
        print_message("host lacks a v1 and a v2 hierarchy\n");
        skip();
    }
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(sleep_in_the_last_one(&fixture->cgroup.unified_fd));
    char path[400], members[32] = "";
    for (int i = 0; i < 1000 && !members[0]; i++) {
        (void)usleep(1000);
        (void)bj__small_read(fixture->cgroup.unified_fd, "cgroup.procs", members, sizeof(members));
    }
    int r = bj__cgroup_remove(&fixture->cgroup);
    (void)snprintf(path, sizeof(path), "%s/%s", first, fixture->cgroup.name);
    int stayed = access(path, F_OK);
    (void)kill(pid, SIGKILL);
    (void)wait_for(pid);
    remove_by_hand(fixture);
    assert_int_equal(r, -EBUSY);
    assert_int_equal(stayed, 0);
}

static void test_a_failure_in_the_middle_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct bj_host_cgroup host = fixture->host;
    struct bj_error err = {0};
    need(has_memory(&fixture->host), &fixture->host);
    (void)snprintf(host.v1_cpuacct, sizeof(host.v1_cpuacct), "/nonexistent");
    assert_true(bj__cgroup_make(&fixture->cgroup, &host, &wide, 0, &err) < 0);
    assert_non_null(strstr(err.message, "/nonexistent"));
    assert_int_equal(count_own(&fixture->host), 0);
    /* a limit that cannot be written */
    host = fixture->host;
    host.unified_memory = host.unified[0] != 0 && !host.unified_memory;
    if (host.unified_memory) {
        assert_true(bj__cgroup_make(&fixture->cgroup, &host, &wide, 0, &err) < 0);
        assert_int_equal(err.code, BJ_ERROR_UNAVAILABLE);
    }
}

static void test_a_taken_name_is_passed_over(void **state)
{
    struct fixture *fixture = *state;
    char path[400];
    unsigned number = 0;
    make(fixture, &wide, 0);
    assert_int_equal(sscanf(strrchr(fixture->cgroup.name, '-'), "-%u", &number), 1);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
    const char *parent = fixture->host.v1_pids[0] ? fixture->host.v1_pids : fixture->host.unified;
    (void)snprintf(path, sizeof(path), "%s/belljar-%ld-%u", parent, (long)getpid(), number + 1);
    assert_int_equal(mkdir(path, 0755), 0);
    make(fixture, &wide, 0);
    assert_null(strstr(path, fixture->cgroup.name));
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
    assert_int_equal(rmdir(path), 0);
}

/* An ordinary user could not enter a leaf of mode 0. */
static void test_the_callers_umask_takes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct stat about;
    need(has_memory(&fixture->host) && has_pids(&fixture->host), &fixture->host);
    mode_t before = umask(0777);
    int r = bj__cgroup_make(&fixture->cgroup, &fixture->host, &wide, 0, NULL);
    (void)umask(before);
    assert_int_equal(r, 0);
    const int fds[] = {fixture->cgroup.memory_fd, fixture->cgroup.pids_fd, fixture->cgroup.cpuacct_fd,
                       fixture->cgroup.unified_fd};
    for (size_t i = 0; i < BJ_COUNT(fds); i++) {
        if (fds[i] < 0)
            continue;
        assert_int_equal(fstat(fds[i], &about), 0);
        assert_int_equal(about.st_mode & 0777, 0755);
    }
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
}

static void *make_many(void *user)
{
    const struct bj_host_cgroup *host = user;
    for (int i = 0; i < 25; i++) {
        struct bj_cgroup cgroup;
        bj__cgroup_init(&cgroup);
        if (bj__cgroup_make(&cgroup, host, &wide, 0, NULL) < 0 || bj__cgroup_remove(&cgroup) < 0)
            return user;
    }
    return NULL;
}

static void test_threads_make_leaves_of_different_names(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[4];
    need(has_memory(&fixture->host), &fixture->host);
    for (size_t i = 0; i < BJ_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_many, &fixture->host), 0);
    for (size_t i = 0; i < BJ_COUNT(threads); i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

/* A supervisor that makes a leaf and is killed: its pid. */
static pid_t die_with_a_leaf(struct fixture *fixture)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct bj_cgroup cgroup;
        bj__cgroup_init(&cgroup);
        if (bj__cgroup_make(&cgroup, &fixture->host, &wide, 0, NULL) < 0)
            _exit(1);
        (void)raise(SIGKILL);
    }
    int status = wait_for(pid);
    assert_true(WIFSIGNALED(status));
    return pid;
}

static void test_sweep_removes_what_a_killed_supervisor_left(void **state)
{
    struct fixture *fixture = *state;
    unsigned left;
    char prefix[40];
    need(has_memory(&fixture->host), &fixture->host);
    pid_t dead = die_with_a_leaf(fixture);
    (void)snprintf(prefix, sizeof(prefix), "belljar-%ld-", (long)dead);
    make(fixture, &wide, 0); /* that of a living one stays */
    int own = count_own(&fixture->host);
    assert_true(bj__cgroup_sweep(&fixture->host, &left) >=
                0); /* how many: another run on this host may sweep first */
    assert_int_equal(count_leaves(&fixture->host, prefix), 0);
    assert_int_equal(count_own(&fixture->host), own);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
}

static void test_sweep_spares_what_is_in_use(void **state)
{
    struct fixture *fixture = *state;
    unsigned left;
    char path[400], prefix[40];
    struct stat about;
    need(has_memory(&fixture->host), &fixture->host);
    pid_t dead = die_with_a_leaf(fixture);
    (void)snprintf(prefix, sizeof(prefix), "belljar-%ld-", (long)dead);
    assert_true(bj__cgroup_sweep(&fixture->host, &left) >= 0);

    /* no such pid here, but its owner, in another pid namespace, lives */
    const char *parent = fixture->host.v1_memory[0] ? fixture->host.v1_memory : fixture->host.unified;
    (void)snprintf(path, sizeof(path), "%s/%s0", parent, prefix);
    assert_int_equal(mkdir(path, 0755), 0);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_true(bj__cgroup_sweep(&fixture->host, &left) >= 0);
    assert_int_equal(stat(path, &about), 0);

    /* no lock yet, but a living pid: a leaf that was made this very moment */
    char young[400];
    (void)snprintf(young, sizeof(young), "%s/belljar-%ld-4000000000", parent, (long)getppid());
    assert_int_equal(mkdir(young, 0755), 0);
    assert_true(bj__cgroup_sweep(&fixture->host, &left) >= 0);
    assert_int_equal(rmdir(young), 0);

    /* no owner, but a member */
    (void)flock(fd, LOCK_UN);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(sleep_long(NULL));
    char text[24];
    (void)snprintf(text, sizeof(text), "%ld", (long)pid);
    assert_int_equal(bj__small_write(fd, "cgroup.procs", text), 0);
    assert_true(bj__cgroup_sweep(&fixture->host, &left) >= 0);
    assert_int_equal(stat(path, &about), 0);
    assert_true(left >= 1);
    (void)kill(pid, SIGKILL);
    (void)wait_for(pid);
    (void)close(fd);
    for (int i = 0; i < 1000 && stat(path, &about) == 0; i++)
        assert_true(bj__cgroup_sweep(&fixture->host, &left) >= 0);
    assert_int_equal(count_leaves(&fixture->host, prefix), 0);
}

/* A service's broker is killed, and its next one starts before the kernel has ended the guests of the first. */
static void test_what_dies_slowly_is_swept_later(void **state)
{
    struct fixture *fixture = *state;
    char path[400], prefix[40], text[24];
    struct stat about;
    need(has_memory(&fixture->host), &fixture->host);
    (void)snprintf(prefix, sizeof(prefix), "belljar-%ld-", (long)die_with_a_leaf(fixture));
    const char *parent = fixture->host.v1_memory[0] ? fixture->host.v1_memory : fixture->host.unified;
    (void)snprintf(path, sizeof(path), "%s/%s0", parent, prefix);
    assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(sleep_long(NULL));
    (void)snprintf(text, sizeof(text), "%ld", (long)pid);
    assert_int_equal(bj__small_write(fd, "cgroup.procs", text), 0);
    (void)close(fd);
    bj__cgroup_sweep_due(&fixture->host);
    assert_int_equal(stat(path, &about), 0);
    (void)kill(pid, SIGKILL);
    (void)wait_for(pid);
    for (int i = 0; i < 200 && count_leaves(&fixture->host, prefix) > 0; i++) {
        (void)usleep(10000);
        bj__cgroup_sweep_due(&fixture->host);
    }
    assert_int_equal(count_leaves(&fixture->host, prefix), 0);
}

/* Names that are not ours, however alike, are nobody's business but their owner's. */
static void test_sweep_spares_other_names(void **state)
{
    struct fixture *fixture = *state;
    unsigned left;
    static const char *const names[] = {"belljar-", "belljar-4194305", "belljar-4194305-x",
                                        "belljar-4194305-1.slice", "xbelljar-4194305-1"};
    char path[400];
    struct stat about;
    need(has_memory(&fixture->host), &fixture->host);
    const char *parent = fixture->host.v1_memory[0] ? fixture->host.v1_memory : fixture->host.unified;
    for (size_t i = 0; i < BJ_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", parent, names[i]);
        assert_int_equal(mkdir(path, 0755), 0);
    }
    assert_true(bj__cgroup_sweep(&fixture->host, &left) >= 0);
    for (size_t i = 0; i < BJ_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", parent, names[i]);
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(rmdir(path), 0);
    }
}

/* In a child that is nobody: exit status 0 when it behaves. */
static int try_as_nobody(void)
{
    struct bj_host_cgroup host;
    struct bj_cgroup cgroup;
    struct bj_error err = {0};
    if (may_become_another() && (setresgid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID) < 0 ||
                                 setresuid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID) < 0))
        return 2;
    bj__cgroup_init(&cgroup);
    if (bj__host_probe_cgroup(&host) < 0)
        return 3;
    if (host.unified[0] || host.v1_memory[0] || host.v1_pids[0] || host.v1_cpuacct[0])
        return 4;
    if (!strstr(host.problem, "fix: "))
        return 5;
    if (bj__cgroup_make(&cgroup, &host, &wide, 0, &err) >= 0 || err.code != BJ_ERROR_UNAVAILABLE)
        return 6;
    if (!strstr(err.message, host.problem))
        return 7;
    return bj__cgroup_remove(&cgroup) == 0 ? 0 : 8;
}

static void test_an_ordinary_user_without_groups_is_told_why(void **state)
{
    struct fixture *fixture = *state;
    if (!may_become_another() && (has_memory(&fixture->host) || has_pids(&fixture->host))) {
        print_message("host lacks an ordinary user without groups\n");
        skip();
    }
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(try_as_nobody());
    char prefix[40];
    (void)snprintf(prefix, sizeof(prefix), "belljar-%ld-", (long)pid);
    assert_int_equal(wait_for(pid), 0);
    assert_int_equal(count_leaves(&fixture->host, prefix), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_dies_slowly_is_swept_later), /* before this process has swept with success */
        TEST(test_made_and_removed_in_every_hierarchy),
        TEST(test_remove_waits_for_the_last_member),
        TEST(test_remove_gives_up_and_says_so),
        TEST(test_a_leaf_that_stays_anywhere_stays_in_the_first),
        TEST(test_a_failure_in_the_middle_leaves_nothing),
        TEST(test_a_taken_name_is_passed_over),
        TEST(test_the_callers_umask_takes_nothing),
        TEST(test_threads_make_leaves_of_different_names),
        TEST(test_sweep_removes_what_a_killed_supervisor_left),
        TEST(test_sweep_spares_what_is_in_use),
        TEST(test_sweep_spares_other_names),
        TEST(test_an_ordinary_user_without_groups_is_told_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
