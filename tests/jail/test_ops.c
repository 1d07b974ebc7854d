/* Each operation of a plan is made to fail, at each of its system calls and at each of its places: the error
 * must name it, and neither a process, a control group nor a descriptor may be left, nor may the payload have
 * run.
 * Its own file because "no program ever starts in half a jail" is proved operation by operation.
 * Changes when: an operation is added to ops.def or makes another system call; one without a row here fails.
 *
 * A call fails because a filter that answers it with EUCLEAN, which nothing else gives, is loaded right before. */
#include "jail_world.h"

#include "jail/child/child.h"
#include "jail/child/sys.h"

#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/personality.h>

#define ANY   (-1)
#define WRONG EUCLEAN

/* The next call nr is answered with answer: 0 is success without effect, which is how an assertion is lied to. */
struct fault {
    uint16_t op;
    long nr;
    int64_t argument0; /* only with this first argument; ANY */
    int answer;        /* errno, or 0 */
    int expected;      /* errno of the error */
};

#define FAIL(op, nr)                                                                                           \
    {                                                                                                          \
        BJ_OP_##op, SYS_##nr, ANY, WRONG, WRONG                                                                \
    }
#define FAIL_IF(op, nr, arg)                                                                                   \
    {                                                                                                          \
        BJ_OP_##op, SYS_##nr, arg, WRONG, WRONG                                                                \
    }
#define LIE(op, nr)                                                                                            \
    {                                                                                                          \
        BJ_OP_##op, SYS_##nr, ANY, 0, ENOTRECOVERABLE                                                          \
    }

/* write(2): not to the parent, or the failure itself could not be told. */
static const struct fault faults[] = {
    FAIL(JOIN_CGROUP, write),
    FAIL(OPEN_TREE, open_tree),
    FAIL(OPEN_PATH, openat),
    FAIL(MOUNT_ATTR, mount_setattr),
    FAIL(PRIVATE, mount_setattr),
    FAIL(SETUP_IDS, setresgid),
    FAIL(SETUP_IDS, setresuid),
    FAIL(TMPFS, fsopen),
    FAIL(TMPFS, fsconfig),
    FAIL(TMPFS, fsmount),
    FAIL(ENTER, move_mount),
    FAIL(ENTER, fchdir),
    FAIL(MKDIR, mkdirat),
    FAIL(MKDIR, fchmodat),
    FAIL(SYMLINK, symlinkat),
    FAIL(TOUCH, openat),
    FAIL(TOUCH, fchmod),
    FAIL(PROGRAM, openat),
    FAIL(PROGRAM, write),
    FAIL(PROGRAM, fchmod),
    FAIL(CHOWN, fchownat),
    FAIL(BIND, open_tree),
    FAIL(BIND, mount_setattr),
    FAIL(BIND, move_mount),
    FAIL(ATTACH, move_mount),
    FAIL(PROC, fsopen),
    FAIL(PROC, fsconfig),
    FAIL(PROC, fsmount),
    FAIL(LOOPBACK, socket),
    FAIL(LOOPBACK, ioctl),
    FAIL(HOSTNAME, sethostname),
    FAIL(HOSTNAME, setdomainname),
    FAIL(ROOT_ATTR, mount_setattr),
    FAIL(PIVOT, pivot_root),
    FAIL(PIVOT, umount2),
    FAIL(PIVOT, chdir),
    FAIL(GROUPS, setgroups),
    FAIL(KEYRING, keyctl),
    FAIL_IF(SECUREBITS, prctl, PR_SET_SECUREBITS),
    FAIL_IF(BOUNDING, prctl, PR_CAPBSET_DROP),
    FAIL_IF(NO_NEW_PRIVS, prctl, PR_SET_NO_NEW_PRIVS),
    FAIL_IF(UNDUMPABLE, prctl, PR_SET_DUMPABLE),
    FAIL(SETSID, setsid),
    FAIL(INHERITED, personality),
    FAIL(FIXED_ADDRESSES, personality),
    FAIL(INHERITED, sched_getscheduler),
    FAIL(INHERITED, getpriority),
    FAIL(NICE, getpriority),
    FAIL(NICE, setpriority),
    FAIL(IDS, setresgid),
    FAIL(IDS, setresuid),
    FAIL(GUEST_DIR, mkdirat),
    FAIL(GUEST_DIR, fchmodat),
    FAIL(GUEST_FILE, openat),
    FAIL(GUEST_FILE, write),
    FAIL(GUEST_FILE, fchmod),
    FAIL(CHDIR, chdir),
    FAIL(RLIMIT, prlimit64),
    FAIL(KEEP, capget),
    FAIL(KEEP, capset),
    FAIL_IF(KEEP, prctl, PR_CAP_AMBIENT),
    FAIL_IF(CAPABILITIES, prctl, PR_CAP_AMBIENT),
    FAIL(CAPABILITIES, capset),
    FAIL(LANDLOCK, landlock_create_ruleset),
    FAIL(LANDLOCK_PATH, openat),
    FAIL(LANDLOCK_PATH, landlock_add_rule),
    FAIL(LANDLOCK_ENFORCE, landlock_restrict_self),
    FAIL(APPARMOR, openat),
    FAIL(STDIO, dup3),
    FAIL(STDIO, close_range),
    LIE(ASSERT_IDS, setresuid),
    LIE(ASSERT_IDS, setresgid),
    LIE(ASSERT_IDS, setgroups),
    LIE(ASSERT_IDS, geteuid),
    LIE(ASSERT_IDS, getegid),
    LIE(ASSERT_USERNS, sethostname),
    LIE(ASSERT_USERNS, chroot),
    LIE(ASSERT_USERNS, umount2),
    LIE(ASSERT_FDS, fcntl),
    LIE(ASSERT_NNP, prctl),
    FAIL(SIGNALS, rt_sigaction),
    FAIL(SIGNALS, rt_sigprocmask),
    FAIL(PIDFD, pidfd_open),
    FAIL(BACKSTOP, seccomp),
    LIE(BACKSTOP, unshare),
    FAIL(SECCOMP, seccomp),
    FAIL(HAND_OVER, read),
    FAIL(HAND_OVER, sendmsg),
    FAIL(OPEN_FILES, prlimit64),
    {BJ_OP_RESUME, SYS_getppid, ANY, 0, ENOEXEC}, /* outside of a zygote there is nothing to go back to */
};

/* Operations that the plan of this host need not have, and before which one of it they are put. */
static const struct {
    struct bj_op op;
    uint16_t before;
} absent[] = {
    {{.code = BJ_OP_OPEN_PATH, .text = "/", .slot = BJ_SLOT_MAX - 1}, BJ_OP_TMPFS},
    {{.code = BJ_OP_PRIVATE}, BJ_OP_TMPFS},
    {{.code = BJ_OP_SETUP_IDS, .value = BJ_GUEST_ID}, BJ_OP_TMPFS},
    {{.code = BJ_OP_PROC, .text = "tmp"}, BJ_OP_ROOT_ATTR},
    {{.code = BJ_OP_KEEP}, BJ_OP_SECUREBITS},
    {{.code = BJ_OP_RESUME}, BJ_OP_EXEC},
    {{.code = BJ_OP_FIXED_ADDRESSES, .value = ADDR_NO_RANDOMIZE}, BJ_OP_CHDIR},
    {{.code = BJ_OP_GROUPS}, BJ_OP_NO_NEW_PRIVS},
    {{.code = BJ_OP_IDS, .value = BJ_GUEST_ID}, BJ_OP_CHDIR},
    {{.code = BJ_OP_LANDLOCK, .value = 1}, BJ_OP_STDIO},
    {{.code = BJ_OP_LANDLOCK_PATH, .text = "/", .value = 1}, BJ_OP_STDIO},
    {{.code = BJ_OP_LANDLOCK_ENFORCE}, BJ_OP_STDIO},
    {{.code = BJ_OP_APPARMOR, .text = "exec none", .value = 9, .slot = BJ_SLOT_MAX - 1}, BJ_OP_STDIO},
};

static struct world world;
static struct patched patched;
static unsigned injected; /* failures so far */

/* Puts the filter in front of operation at, or of the plan's own filter, which lets no other one be loaded.
 * Returns the operation's new place. */
static uint32_t inject(const struct fault *fault, uint32_t at)
{
    static struct sock_filter filter[6];
    bool spare_parent = fault->nr == SYS_write;
    const struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)fault->nr, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])), /* the low half */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, spare_parent ? BJ_SEAT_SYNC : (uint32_t)fault->argument0,
                 spare_parent ? 1 : 0, spare_parent || fault->argument0 == ANY ? 0 : 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)fault->answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    memcpy(filter, program, sizeof(filter));
    uint32_t last = find_op(&patched, BJ_OP_SECCOMP);
    insert_op(&patched, at < last ? at : last,
              &(struct bj_op){.code = BJ_OP_SECCOMP, .slot = -1, .text = (const char *)filter, .value = 6});
    return at + 1;
}

static void assert_fails_at(uint32_t index, int expected, const char *what)
{
    injected++;
    struct bj_error err = {0};
    struct bj_result *result = NULL;
    const char *name = bj_op_name(patched.ops[index].code);
    char place[64];
    (void)snprintf(place, sizeof(place), "operation %u, %s", index, name);
    (void)unlink(world.mark); /* an earlier failure's, so that one failure is one failure */
    int r = bj_run_plan(&patched.plan, &result, &err);
    if (r != -expected || result)
        fail_msg("%s in %s: %d instead of %d: %s", what, place, r, -expected, err.message);
    assert_int_equal(err.code, BJ_ERROR_SETUP);
    assert_int_equal(err.err, expected);
    assert_int_equal(err.op, patched.ops[index].code);
    assert_int_equal(err.index, index);
    assert_string_equal(err.field, name);
    assert_int_equal(strncmp(err.message, place, strlen(place)), 0);
    if (has_run(&world))
        fail_msg("%s in %s: the payload has run", what, place);
    assert_nothing_is_left(&world);
}

/* Where the operation is in a fresh copy of the plan; it is added when this host's plan does without it. */
static uint32_t place_of(uint16_t code)
{
    copy_plan(&world, &patched);
    uint32_t at = find_op(&patched, code);
    for (size_t i = 0; i < BJ_COUNT(absent) && at == patched.plan.op_count; i++) {
        if (absent[i].op.code != code)
            continue;
        at = find_op(&patched, absent[i].before);
        insert_op(&patched, at, &absent[i].op);
        return at;
    }
    return at;
}

static bool joins_by_writing(void)
{
    const struct bj_host_cgroup *cgroup = &world.host.cgroup;
    return world.plan->cgroup && (cgroup->v1_memory[0] || cgroup->v1_pids[0] || cgroup->v1_cpuacct[0]);
}

static void failing_op_is_reported(void **state)
{
    uint16_t code = *(const uint16_t *)*state;
    size_t rows = 0;
    if (code == BJ_OP_JOIN_CGROUP && !joins_by_writing()) {
        print_message("# not tried: with control groups v2 a jail is born in its group\n");
        return;
    }
    for (size_t i = 0; i < BJ_COUNT(faults); i++) {
        if (faults[i].op != code)
            continue;
        char what[32];
        (void)snprintf(what, sizeof(what), "call %ld", faults[i].nr);
        uint32_t at = place_of(code);
        if (at == patched.plan.op_count)
            fail_msg("%s is not in the plan: give it a row in absent[]", bj_op_name(code));
        assert_fails_at(inject(&faults[i], at), faults[i].expected, what);
        /* The same operation in its other places. */
        for (at++; rows == 0 && at < world.plan->op_count; at++) {
            copy_plan(&world, &patched);
            if (patched.ops[at].code == code)
                assert_fails_at(inject(&faults[i], at), faults[i].expected, what);
        }
        rows++;
    }
    if (rows == 0)
        fail_msg("%s has no row in faults[]", bj_op_name(code));
}

static const struct fault *first_fault(uint16_t code)
{
    for (size_t i = 0; i < BJ_COUNT(faults); i++)
        if (faults[i].op == code)
            return &faults[i];
    fail_msg("%s has no row in faults[]", bj_op_name(code));
    return NULL;
}

/* The N-th operation of a plan as users have it, N = 0, 1, ... to the last. */
static void every_operation_of_a_profile_is_reported(void **state)
{
    const char *profile = *(const char *const *)*state;
    struct bj_error err = {0};
    struct world other = world;
    struct bj_spec *spec = profile_spec(&world, profile);
    if (bj_plan_new(spec, &other.plan, &err) < 0)
        fail_msg("%s: %s: %s", profile, err.field, err.message);
    bj_spec_free(spec);
    for (uint32_t at = 0; at < other.plan->op_count; at++) {
        uint16_t code = other.plan->ops[at].code;
        if (code == BJ_OP_EXEC || (code == BJ_OP_JOIN_CGROUP && !joins_by_writing()))
            continue;
        copy_plan(&other, &patched);
        assert_fails_at(inject(first_fault(code), at), first_fault(code)->expected, profile);
    }
    bj_plan_free(other.plan);
}

/* A test that cannot see a run proves nothing by not seeing one. */
static void the_plan_itself_runs(void **state)
{
    struct bj_error err = {0};
    struct bj_result *result = NULL;
    copy_plan(&world, &patched);
    if (bj_run_plan(&patched.plan, &result, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(bj_result_status(result), BJ_STATUS_OK);
    assert_true(has_run(&world));
    assert_int_equal(unlink(world.mark), 0);
    bj_result_free(result);
    assert_nothing_is_left(&world);
}

/* After EXECING a failure is the program's: a result, not an error. */
static void failing_execve_is_a_result(void **state)
{
    static const struct fault fault = FAIL(EXEC, execve);
    struct bj_error err = {0};
    struct bj_result *result = NULL;
    (void)inject(&fault, place_of(BJ_OP_EXEC));
    if (bj_run_plan(&patched.plan, &result, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_not_equal(bj_result_status(result), BJ_STATUS_OK);
    assert_int_equal(bj_result_exit_status(result), 126);
    assert_false(has_run(&world));
    bj_result_free(result);
    assert_nothing_is_left(&world);
}

/* The assertions are not lied to here: what they assert is really not so. */
static void assertions_see_what_was_left_out(void **state)
{
    copy_plan(&world, &patched);
    remove_ops(&patched, BJ_OP_NO_NEW_PRIVS);
    remove_ops(&patched, BJ_OP_LANDLOCK_ENFORCE);    /* needs it */
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0) /* a container may have set it for good */
        assert_fails_at(find_op(&patched, BJ_OP_ASSERT_NNP), ENOTRECOVERABLE, "no no_new_privs");

    copy_plan(&world, &patched);
    insert_op(&patched, find_op(&patched, BJ_OP_ASSERT_FDS),
              &(struct bj_op){.code = BJ_OP_OPEN_PATH, .text = "/dev/null", .slot = BJ_SLOT_MAX - 1});
    assert_fails_at(find_op(&patched, BJ_OP_ASSERT_FDS), ENOTRECOVERABLE, "an open descriptor");

    copy_plan(&world, &patched);
    remove_ops(&patched, BJ_OP_IDS);
    remove_ops(&patched, BJ_OP_CAPABILITIES);
    remove_ops(&patched, BJ_OP_ASSERT_IDS);
    assert_fails_at(find_op(&patched, BJ_OP_ASSERT_USERNS), ENOTRECOVERABLE, "capabilities");

    if (!world.plan->two_ids)
        return; /* an ordinary user's jail has no uid 0 that could be kept */
    copy_plan(&world, &patched);
    remove_ops(&patched, BJ_OP_IDS);
    assert_fails_at(find_op(&patched, BJ_OP_ASSERT_IDS), ENOTRECOVERABLE, "uid 0");

    gid_t before[256];
    int count = getgroups(256, before);
    assert_true(count >= 0);
    copy_plan(&world, &patched);
    remove_ops(&patched, BJ_OP_GROUPS);
    assert_int_equal(setgroups(1, (gid_t[]){60888}),
                     0); /* a group that opens files of the host to whoever has it */
    assert_fails_at(find_op(&patched, BJ_OP_ASSERT_IDS), ENOTRECOVERABLE, "a supplementary group");
    assert_int_equal(setgroups((size_t)count, before), 0);
}

/* What a caller can ask for and cannot get: found out only when the jail is made. Frees the spec. */
static void assert_spec_fails(struct bj_spec *spec, enum bj_opcode code, int expected, const char *gone)
{
    injected++;
    struct bj_error err = {0};
    struct bj_plan *plan = NULL;
    struct bj_result *result = NULL;
    if (bj_plan_new(spec, &plan, &err) < 0)
        fail_msg("%s: %s", err.field, err.message);
    bj_spec_free(spec);
    if (gone)
        assert_int_equal(rmdir(gone), 0);
    int r = bj_run_plan(plan, &result, &err);
    if (r != -expected || result)
        fail_msg("%s: %d instead of %d: %s", bj_op_name(code), r, -expected, err.message);
    assert_string_equal(bj_op_name(err.op), bj_op_name(code));
    assert_int_equal(plan->ops[err.index].code, code);
    assert_int_equal(err.err, expected);
    assert_non_null(strchr(err.message, ';')); /* the hint */
    assert_false(has_run(&world));
    bj_plan_free(plan);
    assert_nothing_is_left(&world);
}

static void what_a_spec_asks_for_in_vain_is_reported(void **state)
{
    static const char bytes[1 << 20];
    char gone[80];
    struct bj_spec *spec = world_spec(&world);
    assert_int_equal(bj_spec_set_directory(spec, "/nowhere", NULL), 0);
    assert_spec_fails(spec, BJ_OP_CHDIR, ENOENT, NULL);

    spec = world_spec(&world);
    assert_int_equal(bj_spec_add_mount(spec, world.directory, "/usr/nowhere", "ro", NULL), 0);
    assert_spec_fails(spec, BJ_OP_ATTACH, ENOENT, NULL);

    spec = world_spec(&world);
    assert_int_equal(bj_spec_set_limit(spec, "disk_bytes", 65536, NULL), 0);
    assert_int_equal(bj_spec_add_file_bytes(spec, "large", bytes, sizeof(bytes), 0, NULL), 0);
    assert_spec_fails(spec, BJ_OP_GUEST_FILE, ENOSPC, NULL);

    spec = world_spec(&world);
    (void)snprintf(gone, sizeof(gone), "%s/gone", world.directory);
    assert_int_equal(mkdir(gone, 0755), 0);
    assert_int_equal(bj_spec_add_mount(spec, gone, "/gone", "ro", NULL), 0);
    assert_spec_fails(spec, BJ_OP_OPEN_TREE, ENOENT, gone);
}

/* Whether this host lets us make a jail at all. As root it does, or something is broken. */
static bool host_lacks_jails(int r, const struct bj_error *err)
{
    return err->code == BJ_ERROR_UNAVAILABLE ||
           (geteuid() != 0 && (r == -EPERM || r == -EACCES || r == -ENOSPC));
}

int main(void)
{
    static uint16_t codes[BJ_OP__COUNT];
    static const char *profiles[] = {"default", "c", "node", "python", "python-packages", "sh"};
    struct CMUnitTest tests[BJ_OP__COUNT + 4 + BJ_COUNT(profiles)] = {
        cmocka_unit_test(the_plan_itself_runs),
        cmocka_unit_test(failing_execve_is_a_result),
        cmocka_unit_test(assertions_see_what_was_left_out),
        cmocka_unit_test(what_a_spec_asks_for_in_vain_is_reported),
    };
    size_t count = 4;
    for (uint16_t code = BJ_OP_NONE + 1; code < BJ_OP__COUNT; code++) {
        if (code == BJ_OP_EXEC) /* failing_execve_is_a_result */
            continue;
        codes[code] = code;
        tests[count++] = (struct CMUnitTest){
            .name = bj_op_name(code), .test_func = failing_op_is_reported, .initial_state = &codes[code]};
    }
    for (size_t i = 0; i < BJ_COUNT(profiles); i++)
        tests[count++] = (struct CMUnitTest){.name = profiles[i],
                                             .test_func = every_operation_of_a_profile_is_reported,
                                             .initial_state = &profiles[i]};
    struct bj_error err = {0};
    int r = make_world(&world, &err);
    if (r == 0) {
        (void)unlink(world.mark);
        r = _cmocka_run_group_tests("operations", tests, count, NULL, NULL);
        print_message("# %u failures were injected\n", injected);
    } else if (host_lacks_jails(r, &err)) {
        r = printf("1..0 # SKIP host lacks what a jail needs: %s\n", err.message) < 0;
    } else {
        r = printf("1..1\nnot ok 1 make a jail # %s\n", err.message) != 0;
    }
    remove_world(&world);
    return r;
}
