/* A plan that can be patched, a payload that leaves a mark on the host when it runs, and the check that
 * nothing else is left.
 * Its own file because what every test of a failing jail needs is the same, and has nothing to do with what
 * fails.
 * Changes when: a jail can leave something else behind. */
#ifndef BJ_JAIL_WORLD_H
#define BJ_JAIL_WORLD_H

#include "jail/cgroup_internal.h"
#include "plan/plan_internal.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/count_entries.h"

struct world {
    char directory[64]; /* of the host, open to the guest at /mark */
    char mark[80];      /* is there once the payload has run */
    struct bj_host host;
    struct bj_plan *plan; /* frozen; what patched_plan copies */
    int fds;
};

/* A plan whose operations may be written to. Not checked by bj__plan_check: that is the point. */
struct patched {
    struct bj_plan plan;
    struct bj_op ops[BJ_MAX_OPS];
};

static inline struct bj_spec *profile_spec(const struct world *world, const char *profile)
{
    static const char *const command[] = {"/bin/sh", "-c", "echo ran > /mark/ran", NULL};
    static const char text[] = "#!/bin/sh\n";
    struct bj_spec *spec = NULL;
    assert_int_equal(bj_spec_from_profile(profile, &spec, NULL), 0);
    assert_int_equal(bj_spec_set_command(spec, command, NULL), 0);
    assert_int_equal(bj_spec_add_mount(spec, world->directory, "/mark", "rw", NULL), 0);
    assert_int_equal(bj_spec_add_file_bytes(spec, "lib/data.txt", text, sizeof(text) - 1, 0, NULL), 0);
    assert_int_equal(bj_spec_add_file_bytes(spec, "bin/run", text, sizeof(text) - 1, 1, NULL), 0);
    assert_int_equal(bj_spec_set_network(spec, "loopback", NULL), 0);
    spec->nice = 19; /* below whatever the tests themselves run with */
    return spec;
}

static inline struct bj_spec *world_spec(const struct world *world)
{
    return profile_spec(world, "default");
}

static inline int count_own_leaves(const struct bj_host_cgroup *host)
{
    const char *const parents[] = {host->v1_memory, host->v1_pids, host->v1_cpuacct, host->unified};
    char prefix[40];
    int count = 0;
    (void)snprintf(prefix, sizeof(prefix), BJ_CGROUP_PREFIX "%ld-", (long)getpid());
    for (size_t i = 0; i < BJ_COUNT(parents); i++) {
        DIR *directory = parents[i][0] ? opendir(parents[i]) : NULL;
        const struct dirent *entry;
        while (directory && (entry = readdir(directory)) != NULL)
            count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
        if (directory)
            (void)closedir(directory);
    }
    return count;
}

static inline bool has_run(const struct world *world)
{
    return access(world->mark, F_OK) == 0;
}

/* We are a subreaper: whatever outlives its jail becomes our child. */
static inline void assert_nothing_is_left(const struct world *world)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(count_own_leaves(&world->host.cgroup), 0);
    assert_int_equal(count_entries("/proc/self/fd"), world->fds);
}

static inline void copy_plan(const struct world *world, struct patched *patched)
{
    patched->plan = *world->plan;
    memcpy(patched->ops, world->plan->ops, world->plan->op_count * sizeof(patched->ops[0]));
    patched->plan.ops = patched->ops;
    patched->plan.program.ops = patched->ops;
}

static inline void insert_op(struct patched *patched, uint32_t at, const struct bj_op *op)
{
    assert_true(patched->plan.op_count < BJ_MAX_OPS && at < patched->plan.op_count);
    memmove(&patched->ops[at + 1], &patched->ops[at], (patched->plan.op_count - at) * sizeof(*op));
    patched->ops[at] = *op;
    patched->plan.program.op_count = ++patched->plan.op_count;
    patched->plan.program.payload_first += at < patched->plan.program.payload_first;
}

/* Index of the first operation with this code, or op_count. */
static inline uint32_t find_op(const struct patched *patched, uint16_t code)
{
    uint32_t i = 0;
    while (i < patched->plan.op_count && patched->ops[i].code != code)
        i++;
    return i;
}

/* Every operation with this code, if there is one. */
static inline void remove_ops(struct patched *patched, uint16_t code)
{
    for (uint32_t i; (i = find_op(patched, code)) < patched->plan.op_count;) {
        memmove(&patched->ops[i], &patched->ops[i + 1],
                (patched->plan.op_count - i - 1) * sizeof(patched->ops[0]));
        patched->plan.program.op_count = --patched->plan.op_count;
        patched->plan.program.payload_first -= i < patched->plan.program.payload_first;
    }
}

static inline void remove_world(struct world *world)
{
    bj_plan_free(world->plan);
    (void)unlink(world->mark);
    (void)rmdir(world->directory);
}

/* 0, or -errno with *err filled: no jail can be made here. */
static inline int make_world(struct world *world, struct bj_error *err)
{
    *world = (struct world){.directory = "/tmp/belljar-test-XXXXXX"};
    assert_non_null(mkdtemp(world->directory));
    assert_int_equal(chmod(world->directory, 01777), 0); /* the guest's id is nobody's outside */
    (void)snprintf(world->mark, sizeof(world->mark), "%s/ran", world->directory);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(bj__host_probe(true, &world->host, NULL), 0);
    struct bj_spec *spec = world_spec(world);
    struct bj_result *result = NULL;
    int r = bj_plan_new(spec, &world->plan, err);
    bj_spec_free(spec);
    if (r == 0)
        r = bj_run_plan(world->plan, &result, err);
    bj_result_free(result);
    world->fds = count_entries("/proc/self/fd");
    return r;
}

#endif
