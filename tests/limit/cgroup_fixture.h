/* A probed host and a leaf for each test of control groups, and the check that nothing is left.
 * Its own file because limits and lives of leaves are tested in two programs.
 * Changes when: the tests need to know another thing of a leaf. */
#ifndef BJ_CGROUP_FIXTURE_H
#define BJ_CGROUP_FIXTURE_H

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

#include "../support/count_entries.h"

#define MIB (1024u * 1024u)

static const struct bj_limits wide = {.memory_bytes = 64 * MIB, .processes = 50};

static inline const char *const *parents_of(const struct bj_host_cgroup *host, const char *parents[5])
{
    parents[0] = host->v1_memory;
    parents[1] = host->v1_pids;
    parents[2] = host->v1_cpuacct;
    parents[3] = host->unified;
    parents[4] = NULL;
    return parents;
}

/* Entries of all parents that begin so. */
static inline int count_leaves(const struct bj_host_cgroup *host, const char *prefix)
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
static inline int count_own(const struct bj_host_cgroup *host)
{
    char prefix[40];
    (void)snprintf(prefix, sizeof(prefix), "belljar-%ld-", (long)getpid());
    return count_leaves(host, prefix);
}

struct fixture {
    struct bj_host_cgroup host;
    struct bj_cgroup cgroup;
    int fds;
};

static inline int before_each(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture || bj__host_probe_cgroup(&fixture->host) < 0)
        return -1;
    bj__cgroup_init(&fixture->cgroup);
    fixture->fds = count_entries("/proc/self/fd");
    *state = fixture;
    return count_own(&fixture->host) == 0 ? 0 : -1;
}

static inline int after_each(void **state)
{
    struct fixture *fixture = *state;
    int leaves = count_own(&fixture->host), fds = count_entries("/proc/self/fd") - fixture->fds;
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

static inline bool has_memory(const struct bj_host_cgroup *host)
{
    return host->unified_memory || host->v1_memory[0];
}

static inline bool has_pids(const struct bj_host_cgroup *host)
{
    return host->unified_pids || host->v1_pids[0];
}

/* BJ_MUST_WORK=1 (CI): a host without control groups is a failure, not a skip. */
static inline void need(bool have, const struct bj_host_cgroup *host)
{
    if (have)
        return;
    print_message("host lacks a writable control group: %s\n", host->problem);
    if (getenv("BJ_MUST_WORK"))
        fail();
    skip();
}

static inline void make(struct fixture *fixture, const struct bj_limits *limits, unsigned extra)
{
    struct bj_error err = {0};
    need(has_memory(&fixture->host) && has_pids(&fixture->host), &fixture->host);
    int r = bj__cgroup_make(&fixture->cgroup, &fixture->host, limits, extra, &err);
    if (r < 0)
        print_error("%s: %s\n", err.field, err.message);
    assert_int_equal(r, 0);
}

/* As a jail does it: each v1 leaf by the task itself; and v2, where a jail is cloned into its leaf, by its own hand too. */
static inline bool join(const struct bj_cgroup *cgroup, const int tasks[BJ_CGROUP_V1_HIERARCHIES])
{
    bool joined = cgroup->unified_fd < 0 || bj__small_write(cgroup->unified_fd, "cgroup.procs", "0") == 0;
    for (size_t i = 0; i < BJ_CGROUP_V1_HIERARCHIES; i++)
        joined &= tasks[i] < 0 || write(tasks[i], "0", 1) == 1;
    return joined;
}

/* A child that is in the leaf before it does anything. */
static inline pid_t start_in(const struct bj_cgroup *cgroup, int (*run)(void *), void *user)
{
    int tasks[BJ_CGROUP_V1_HIERARCHIES] = {-1, -1, -1};
    int gate[2];
    char byte = 0;
    assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
    assert_int_equal(bj__cgroup_open_tasks(cgroup, tasks, NULL), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!join(cgroup, tasks) || write(gate[1], "x", 1) != 1)
            _exit(99);
        _exit(run(user));
    }
    (void)close(gate[1]);
    assert_int_equal(read(gate[0], &byte, 1), 1); /* it is in */
    (void)close(gate[0]);
    for (size_t i = 0; i < BJ_CGROUP_V1_HIERARCHIES; i++)
        bj__fd_close(&tasks[i]);
    return pid;
}

static inline int wait_for(pid_t pid)
{
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static inline struct bj_cgroup_usage usage_of(const struct bj_cgroup *cgroup)
{
    struct bj_cgroup_usage usage;
    assert_int_equal(bj__cgroup_read(cgroup, &usage), 0);
    return usage;
}

static inline int sleep_long(void *user)
{
    (void)user;
    (void)signal(SIGTERM, SIG_IGN);
    (void)setsid();
    (void)sleep(60);
    return 0;
}

static inline void assert_file(int fd, const char *file, uint64_t expected)
{
    uint64_t value = 0;
    assert_int_equal(bj__small_number(fd, file, &value), 0);
    assert_int_equal(value, expected);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before_each, after_each)

#endif
