/* Real leaves on this host: limits hold and are counted, all members can be ended, nothing is left.
 * Its own file because it needs control groups that may be written, and skips where there are none.
 * Changes when: another limit or counter of control groups is used. */
#include "host/small.h"
#include "jail/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (1024u * 1024u)

static const struct bj_limits wide = {.memory_bytes = 64 * MIB, .processes = 50};

static const char *const *parents_of(const struct bj_host_cgroup *host, const char *parents[5])
{
    parents[0] = host->v1_memory;
    parents[1] = host->v1_pids;
    parents[2] = host->v1_cpuacct;
    parents[3] = host->unified;
    parents[4] = NULL;
    return parents;
}

/* Entries of all parents that begin so. */
static int count_leaves(const struct bj_host_cgroup *host, const char *prefix)
{
    const char *list[5];
    int count = 0;
    for (const char *const *parent = parents_of(host, list); *parent; parent++) {
        DIR *directory = **parent ? opendir(*parent) : NULL;
        const struct dirent *entry;
        while (directory && (entry = readdir(directory)) != NULL)
            count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
        if (directory)
            (void)closedir(directory);
    }
    return count;
}

/* Other programs may make leaves in the same groups at the same time: ours have our pid in their name. */
static int count_own(const struct bj_host_cgroup *host)
{
    char prefix[40];
    (void)snprintf(prefix, sizeof(prefix), "belljar-%ld-", (long)getpid());
    return count_leaves(host, prefix);
}

static int count_fds(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    (void)closedir(directory);
    return count;
}

struct fixture {
    struct bj_host_cgroup host;
    struct bj_cgroup cgroup;
    int fds;
};

static int before_each(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture || bj__host_probe_cgroup(&fixture->host) < 0)
        return -1;
    bj__cgroup_init(&fixture->cgroup);
    fixture->fds = count_fds();
    *state = fixture;
    return count_own(&fixture->host) == 0 ? 0 : -1;
}

static int after_each(void **state)
{
    struct fixture *fixture = *state;
    int leaves = count_own(&fixture->host), fds = count_fds() - fixture->fds;
    if (leaves != 0 || fds != 0)
        print_error("left behind: %d leaves, %d descriptors\n", leaves, fds);
    /* so that one failure is one failure */
    if (leaves != 0 && fixture->cgroup.name[0]) {
        bj__cgroup_kill(&fixture->cgroup);
        (void)bj__cgroup_remove(&fixture->cgroup);
    }
    free(fixture);
    return leaves == 0 && fds == 0 ? 0 : -1;
}

static bool has_memory(const struct bj_host_cgroup *host)
{
    return host->unified_memory || host->v1_memory[0];
}

static bool has_pids(const struct bj_host_cgroup *host)
{
    return host->unified_pids || host->v1_pids[0];
}

/* BJ_MUST_WORK=1 (CI): a host without control groups is a failure, not a skip. */
static void need(bool have, const struct bj_host_cgroup *host)
{
    if (have)
        return;
    print_message("no control group here: %s\n", host->problem);
    if (getenv("BJ_MUST_WORK"))
        fail();
    skip();
}

static void make(struct fixture *fixture, const struct bj_limits *limits, unsigned extra)
{
    struct bj_error err = {0};
    need(has_memory(&fixture->host) && has_pids(&fixture->host), &fixture->host);
    int r = bj__cgroup_make(&fixture->cgroup, &fixture->host, limits, extra, &err);
    if (r < 0)
        print_error("%s: %s\n", err.field, err.message);
    assert_int_equal(r, 0);
}

/* A child that is in the leaf before it does anything. */
static pid_t start_in(const struct bj_cgroup *cgroup, int (*run)(void *), void *user)
{
    int gate[2];
    assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char byte;
        (void)close(gate[1]);
        _exit(read(gate[0], &byte, 1) == 1 ? run(user) : 99);
    }
    struct bj_error err = {0};
    assert_int_equal(bj__cgroup_attach(cgroup, pid, true, &err), 0);
    assert_int_equal(write(gate[1], "x", 1), 1);
    (void)close(gate[0]);
    (void)close(gate[1]);
    return pid;
}

static int wait_for(pid_t pid)
{
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static struct bj_cgroup_usage usage_of(const struct bj_cgroup *cgroup)
{
    struct bj_cgroup_usage usage;
    assert_int_equal(bj__cgroup_read(cgroup, &usage), 0);
    return usage;
}

static int sleep_long(void *user)
{
    (void)user;
    (void)signal(SIGTERM, SIG_IGN);
    (void)setsid();
    (void)sleep(60);
    return 0;
}

/* ---- tests ---------------------------------------------------------------------------------------- */

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

static void assert_file(int fd, const char *file, uint64_t expected)
{
    uint64_t value = 0;
    assert_int_equal(bj__small_number(fd, file, &value), 0);
    assert_int_equal(value, expected);
}

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
        print_message("no v2 hierarchy\n");
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
    assert_int_equal(usage.oom_kills, 1);
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
    need(fixture->host.v1_pids[0], &fixture->host);
    kill_a_bomb(fixture, false);
}

static void test_kill_of_an_empty_leaf(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, &wide, 0);
    bj__cgroup_kill(&fixture->cgroup);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
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

static void test_remove_gives_up_and_says_so(void **state)
{
    struct fixture *fixture = *state;
    char path[400];
    const char *list[5];
    make(fixture, &wide, 0);
    pid_t pid = start_in(&fixture->cgroup, sleep_long, NULL);
    uint64_t start = bj__now_us();
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), -EBUSY);
    assert_in_range(bj__now_us() - start, 900000, 5000000);
    assert_int_equal(fixture->cgroup.unified_fd, -1); /* closed all the same */
    (void)kill(pid, SIGKILL);
    (void)wait_for(pid);
    for (const char *const *parent = parents_of(&fixture->host, list); *parent; parent++) {
        (void)snprintf(path, sizeof(path), "%s/%s", *parent, fixture->cgroup.name);
        for (int i = 0; **parent && rmdir(path) < 0 && i < 1000; i++)
            (void)usleep(1000);
    }
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
    char prefix[40];
    need(has_memory(&fixture->host), &fixture->host);
    pid_t dead = die_with_a_leaf(fixture);
    (void)snprintf(prefix, sizeof(prefix), "belljar-%ld-", (long)dead);
    int left = count_leaves(&fixture->host, prefix);
    assert_true(left >= 1);
    make(fixture, &wide, 0); /* that of a living one stays */
    int own = count_own(&fixture->host);
    assert_true(bj__cgroup_sweep(&fixture->host) >= left);
    assert_int_equal(count_leaves(&fixture->host, prefix), 0);
    assert_int_equal(count_own(&fixture->host), own);
    assert_int_equal(bj__cgroup_remove(&fixture->cgroup), 0);
}

static void test_sweep_spares_what_is_in_use(void **state)
{
    struct fixture *fixture = *state;
    char path[400], prefix[40];
    struct stat about;
    need(has_memory(&fixture->host), &fixture->host);
    pid_t dead = die_with_a_leaf(fixture);
    (void)snprintf(prefix, sizeof(prefix), "belljar-%ld-", (long)dead);
    assert_true(bj__cgroup_sweep(&fixture->host) >= 1);

    /* no such pid here, but its owner, in another pid namespace, lives */
    const char *parent = fixture->host.v1_memory[0] ? fixture->host.v1_memory : fixture->host.unified;
    (void)snprintf(path, sizeof(path), "%s/%s0", parent, prefix);
    assert_int_equal(mkdir(path, 0755), 0);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_true(bj__cgroup_sweep(&fixture->host) >= 0);
    assert_int_equal(stat(path, &about), 0);

    /* no lock yet, but a living pid: a leaf that was made this very moment */
    char young[400];
    (void)snprintf(young, sizeof(young), "%s/belljar-%ld-4000000000", parent, (long)getppid());
    assert_int_equal(mkdir(young, 0755), 0);
    assert_true(bj__cgroup_sweep(&fixture->host) >= 0);
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
    assert_true(bj__cgroup_sweep(&fixture->host) >= 0);
    assert_int_equal(stat(path, &about), 0);
    (void)kill(pid, SIGKILL);
    (void)wait_for(pid);
    (void)close(fd);
    for (int i = 0; i < 1000 && stat(path, &about) == 0; i++)
        assert_true(bj__cgroup_sweep(&fixture->host) >= 0);
    assert_int_equal(count_leaves(&fixture->host, prefix), 0);
}

/* Names that are not ours, however alike, are nobody's business but their owner's. */
static void test_sweep_spares_other_names(void **state)
{
    struct fixture *fixture = *state;
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
    assert_true(bj__cgroup_sweep(&fixture->host) >= 0);
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
    if (setresgid(60777, 60777, 60777) < 0 || setresuid(60777, 60777, 60777) < 0)
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
    if (geteuid() != 0) {
        print_message("needs root to become somebody without groups\n");
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, before_each, after_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_made_and_removed_in_every_hierarchy),
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
        TEST(test_remove_waits_for_the_last_member),
        TEST(test_remove_gives_up_and_says_so),
        TEST(test_a_failure_in_the_middle_leaves_nothing),
        TEST(test_a_taken_name_is_passed_over),
        TEST(test_threads_make_leaves_of_different_names),
        TEST(test_sweep_removes_what_a_killed_supervisor_left),
        TEST(test_sweep_spares_what_is_in_use),
        TEST(test_sweep_spares_other_names),
        TEST(test_an_ordinary_user_without_groups_is_told_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
