/* Plans on made-up hosts: what is printed is compared with a golden text, and mutilated plans are refused.
 * Needs nothing of the machine: no root, no namespaces.
 * Changes when: plans change. With BELLJAR_UPDATE_GOLDEN=1 the golden texts are written anew; read the
 * difference before you commit it. */
#include "plan/kernel_flags.h"
#include "plan/plan_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "../support/made_up_host.h"

#define GOLDEN_MAX 65536

/* Linux 5.12: the oldest that has the mount API whole. */
static struct bj_host old_user(void)
{
    struct bj_host host = modern_user();
    host.kernel = 5 << 16 | 12 << 8;
    host.landlock_abi = 0;
    (void)snprintf(host.landlock_problem, sizeof(host.landlock_problem), "needs Linux 5.13");
    host.seccomp_notify = host.seccomp_wait_killable = host.nosymfollow = false;
    (void)snprintf(host.notify_problem, sizeof(host.notify_problem), "made up");
    return host;
}

static struct bj_spec *make_spec(const char *profile)
{
    struct bj_spec *spec = NULL;
    const char *argv[] = {"true", NULL};
    assert_int_equal(bj_spec_from_profile(profile, &spec, NULL), 0);
    assert_int_equal(bj_spec_set_command(spec, argv, NULL), 0);
    return spec;
}

/* The sources are made up as well: every mount is a directory but those below /etc. */
static struct bj_plan *build(const struct bj_spec *spec, const struct bj_host *host, struct bj_error *err)
{
    enum bj_source_kind kinds[BJ_MAX_MOUNTS];
    struct bj_sources sources = {.mounts = kinds};
    struct bj_plan *plan = NULL;
    for (size_t i = 0; i < spec->mount_count; i++)
        kinds[i] = strstr(spec->mounts[i].source, "ld.so.cache") ? BJ_SOURCE_FILE : BJ_SOURCE_DIRECTORY;
    static const char program[] = "#!/bin/sh\n";
    struct bj_source_entry entries[] = {{.path = "lib", .directory = true},
                                        {.path = "lib/data.txt", .bytes = "data", .length = 4},
                                        {.path = "run.sh", .bytes = program, .length = 10, .executable = true}};
    sources.entries = entries;
    sources.entry_count = BJ_COUNT(entries);
    (void)bj__plan_build(spec, host, &sources, &plan, err);
    return plan;
}

static void compare_with_golden(const char *name, const char *text)
{
    char path[512];
    static char golden[GOLDEN_MAX];
    const char *elsewhere =
        getenv("BELLJAR_GOLDEN_DIRECTORY"); /* on a machine without the tree that was built */
    (void)snprintf(path, sizeof(path), "%s/%s.golden", elsewhere ? elsewhere : GOLDEN_DIRECTORY, name);
    if (getenv("BELLJAR_UPDATE_GOLDEN")) {
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
    }
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    golden[fread(golden, 1, sizeof(golden) - 1, file)] = 0;
    (void)fclose(file);
    assert_string_equal(text, golden);
}

static void check_golden(const char *name, const char *profile, struct bj_host host)
{
    struct bj_error err = {0};
    struct bj_spec *spec = make_spec(profile);
    struct bj_plan *plan = build(spec, &host, &err);
    if (!plan)
        fail_msg("%s: %s", err.field, err.message);
    char BJ_FREE *text = bj_plan_text(plan);
    compare_with_golden(name, text);
    bj_plan_free(plan);
    bj_spec_free(spec);
}

static void plans_are_as_they_were(void **state)
{
    check_golden("default-root", "default", modern_root());
    check_golden("default-user", "default", modern_user());
    check_golden("default-old-kernel", "default", old_user());
    check_golden("python-user", "python", modern_user());
    check_golden("c-root", "c", modern_root());
}

static void what_is_required_and_missing_fails_closed(void **state)
{
    struct bj_error err = {0};
    struct bj_host host = old_user();
    struct bj_spec *spec = make_spec("default");
    assert_int_equal(bj_spec_set_layer(spec, "landlock", "require", NULL), 0);
    assert_null(build(spec, &host, &err));
    assert_int_equal(err.code, BJ_ERROR_UNAVAILABLE);
    assert_string_equal(err.field, "layers.landlock");
    assert_non_null(strstr(err.message, "5.13"));
    bj_spec_free(spec);
}

static struct bj_plan *mutable_plan(struct bj_op ops[BJ_MAX_OPS], struct bj_plan *copy)
{
    struct bj_host host = modern_root();
    struct bj_spec *spec = make_spec("default");
    struct bj_plan *plan = build(spec, &host, NULL);
    assert_non_null(plan);
    *copy = *plan;
    memcpy(ops, plan->ops, plan->op_count * sizeof(*ops));
    copy->ops = ops;
    bj_spec_free(spec);
    return plan;
}

/* Each single operation taken away, and each pair of neighbours swapped across a phase, is noticed; or else the
 * operation is one that may be missing. */
static void mutilated_plans_are_refused(void **state)
{
    static struct bj_op ops[BJ_MAX_OPS];
    struct bj_plan copy;
    struct bj_plan *plan = mutable_plan(ops, &copy);
    static const uint16_t vital[] = {
        BJ_OP_TMPFS,      BJ_OP_ROOT_ATTR,    BJ_OP_PIVOT,    BJ_OP_NO_NEW_PRIVS,     BJ_OP_UNDUMPABLE,
        BJ_OP_IDS,        BJ_OP_CAPABILITIES, BJ_OP_BOUNDING, BJ_OP_LANDLOCK_ENFORCE, BJ_OP_STDIO,
        BJ_OP_ASSERT_FDS, BJ_OP_ASSERT_NNP,   BJ_OP_SIGNALS,  BJ_OP_BACKSTOP,         BJ_OP_SECCOMP,
        BJ_OP_HAND_OVER,  BJ_OP_OPEN_FILES,   BJ_OP_EXEC};
    assert_int_equal(bj__plan_check(&copy, NULL), 0);
    for (size_t v = 0; v < BJ_COUNT(vital); v++) {
        uint32_t i = 0;
        while (i < plan->op_count && plan->ops[i].code != vital[v])
            i++;
        assert_true(i < plan->op_count);
        memmove(&ops[i], &ops[i + 1], (plan->op_count - i - 1) * sizeof(*ops));
        copy.op_count = plan->op_count - 1;
        if (i < plan->program.payload_first)
            copy.program.payload_first = plan->program.payload_first - 1;
        if (bj__plan_check(&copy, NULL) == 0)
            fail_msg("a plan without %s was accepted", bj_op_name(vital[v]));
        memcpy(ops, plan->ops, plan->op_count * sizeof(*ops));
        copy.op_count = plan->op_count;
        copy.program.payload_first = plan->program.payload_first;
    }
    for (uint32_t i = 0; i + 1 < plan->op_count; i++) {
        if (bj__op_phase(ops[i].code) == bj__op_phase(ops[i + 1].code))
            continue;
        struct bj_op op = ops[i];
        ops[i] = ops[i + 1];
        ops[i + 1] = op;
        if (bj__plan_check(&copy, NULL) == 0)
            fail_msg("%s after %s was accepted", bj_op_name(op.code), bj_op_name(ops[i].code));
        memcpy(ops, plan->ops, plan->op_count * sizeof(*ops));
    }
    bj_plan_free(plan);
}

static void paths_that_leave_the_root_are_refused(void **state)
{
    static struct bj_op ops[BJ_MAX_OPS];
    static const char *const bad[] = {"/etc", "..", "../x", "a/..", "a/../b", ""};
    struct bj_plan copy;
    struct bj_plan *plan = mutable_plan(ops, &copy);
    for (uint32_t i = 0; i < plan->op_count; i++) {
        if (ops[i].code != BJ_OP_MKDIR && ops[i].code != BJ_OP_TOUCH && ops[i].code != BJ_OP_ATTACH)
            continue;
        for (size_t b = 0; b < BJ_COUNT(bad); b++) {
            ops[i].text = bad[b];
            assert_true(bj__plan_check(&copy, NULL) < 0);
        }
        ops[i].text = plan->ops[i].text;
    }
    bj_plan_free(plan);
}

/* After Landlock is enforced the file that the profile's name is written to cannot be opened (Debian 12 found it). */
static void apparmor_comes_before_landlock(void **state)
{
    (void)state;
    struct bj_error err = {0};
    struct bj_host host = modern_root();
    host.apparmor = true;
    (void)snprintf(host.apparmor_profile, sizeof(host.apparmor_profile), "belljar-guest");
    struct bj_spec *spec = make_spec("default");
    struct bj_plan *plan = build(spec, &host, &err);
    assert_non_null(plan);
    uint32_t apparmor = 0;
    uint32_t landlock = 0;
    for (uint32_t i = 0; i < plan->op_count; i++) {
        apparmor = plan->ops[i].code == BJ_OP_APPARMOR ? i : apparmor;
        landlock = plan->ops[i].code == BJ_OP_LANDLOCK_ENFORCE ? i : landlock;
    }
    assert_true(apparmor > 0 && landlock > apparmor);
    assert_int_equal(bj__plan_check(plan, &err), 0);
    static struct bj_op ops[BJ_MAX_OPS];
    struct bj_plan copy = *plan;
    memcpy(ops, plan->ops, plan->op_count * sizeof(*ops));
    ops[apparmor] = plan->ops[landlock];
    ops[landlock] = plan->ops[apparmor];
    copy.ops = ops;
    assert_true(bj__plan_check(&copy, &err) < 0);
    bj_plan_free(plan);
    bj_spec_free(spec);
}

static void apparmor_gives_way_to_a_mount_that_it_would_hide(void **state)
{
    (void)state;
    static const struct {
        const char *target, *mode, *layer;
        bool on;
    } cases[] = {{"/data", "ro", "prefer", false},
                 {"/data", "ro", "require", true}, /* the operator says that the profile knows it */
                 {"/usr/share/course", "ro", "prefer", true},
                 {"/opt/course", "rw", "prefer", false}};
    for (size_t i = 0; i < BJ_COUNT(cases); i++) {
        struct bj_host host = modern_root();
        host.apparmor = true;
        (void)snprintf(host.apparmor_profile, sizeof(host.apparmor_profile), "belljar-guest");
        struct bj_spec *spec = make_spec("default");
        assert_int_equal(bj_spec_add_mount(spec, "/srv/course", cases[i].target, cases[i].mode, NULL), 0);
        assert_int_equal(bj_spec_set_layer(spec, "apparmor", cases[i].layer, NULL), 0);
        struct bj_plan *plan = build(spec, &host, NULL);
        assert_non_null(plan);
        assert_int_equal(plan->layers[BJ_LAYER_APPARMOR].on, cases[i].on);
        bj_plan_free(plan);
        bj_spec_free(spec);
    }
}

/* A request that mounts where the profile shows nothing would have switched the layer off (a fuzzer found it). */
static void apparmor_does_not_give_way_to_a_request(void **state)
{
    (void)state;
    static const char profile_text[] = "{\"mount_sources\": [\"/srv\"], \"command\": [\"true\"]}";
    static const char *const requests[] = {"{\"mounts\": [{\"source\": \"/srv/x\", \"target\": \"/data\"}]}",
                                           "{\"mounts\": [{\"source\": \"/srv/x\", \"target\": \"/opt/x\"}]}"};
    for (size_t i = 0; i < BJ_COUNT(requests); i++) {
        struct bj_error err = {0};
        struct bj_host host = modern_root();
        host.apparmor = true;
        (void)snprintf(host.apparmor_profile, sizeof(host.apparmor_profile), "belljar-guest");
        struct bj_spec *profile = NULL;
        struct bj_spec *spec = NULL;
        struct bj_request request = {0};
        assert_int_equal(bj__spec_parse_profile("p", profile_text, strlen(profile_text), &profile, NULL), 0);
        assert_int_equal(bj__spec_parse_request(requests[i], strlen(requests[i]), &request, NULL), 0);
        assert_int_equal(bj__spec_tighten(profile, &request, &spec, NULL), 0);
        struct bj_plan *plan = build(spec, &host, &err);
        if (i == 0) {
            assert_null(plan);
            assert_int_equal(err.code, BJ_ERROR_WIDENS);
            assert_non_null(strstr(err.message, "\"/data\""));
        } else {
            assert_non_null(plan);
            assert_true(plan->layers[BJ_LAYER_APPARMOR].on);
        }
        bj_plan_free(plan);
        bj__request_done(&request);
        bj_spec_free(spec);
        bj_spec_free(profile);
    }
}

/* What a mistake in a builder could leave out or turn round; found by the fuzzer of plan_check.c. */
static void plans_without_a_wall_are_refused(void **state)
{
    static struct bj_op ops[BJ_MAX_OPS];
    struct bj_plan copy;
    struct bj_plan *plan = mutable_plan(ops, &copy);
    static const uint16_t vital[] = {BJ_OP_SETUP_IDS,  BJ_OP_GROUPS,     BJ_OP_KEYRING,  BJ_OP_SECUREBITS,
                                     BJ_OP_ASSERT_IDS, BJ_OP_MOUNT_ATTR, BJ_OP_LANDLOCK, BJ_OP_ASSERT_USERNS,
                                     BJ_OP_PIDFD,      BJ_OP_HOSTNAME,   BJ_OP_RLIMIT,   BJ_OP_JOIN_CGROUP};
    for (size_t v = 0; v < BJ_COUNT(vital); v++) {
        uint32_t i = 0;
        while (ops[i].code != vital[v] || (vital[v] == BJ_OP_RLIMIT && ops[i].slot != 4 /* RLIMIT_CORE */))
            i++;
        memmove(&ops[i], &ops[i + 1], (plan->op_count - i - 1) * sizeof(*ops));
        copy.op_count = plan->op_count - 1;
        copy.program.payload_first = plan->program.payload_first - (i < plan->program.payload_first);
        if (bj__plan_check(&copy, NULL) == 0)
            fail_msg("a plan without %s was accepted", bj_op_name(vital[v]));
        memcpy(ops, plan->ops, plan->op_count * sizeof(*ops));
        copy.op_count = plan->op_count;
        copy.program.payload_first = plan->program.payload_first;
    }
    for (uint32_t i = 0; i < plan->op_count; i++) /* another program in its place */
        ops[i].value -= ops[i].code == BJ_OP_BACKSTOP;
    assert_true(bj__plan_check(&copy, NULL) < 0);
    memcpy(ops, plan->ops, plan->op_count * sizeof(*ops));
    copy.clone_flags = plan->clone_flags & ~0x20000ull; /* CLONE_NEWNS: pivot would be the host's */
    assert_true(bj__plan_check(&copy, NULL) < 0);
    copy.clone_flags = plan->clone_flags;
    copy.op_count = 0;
    assert_true(bj__plan_check(&copy, NULL) < 0);
    bj_plan_free(plan);
}

/* The root that is entered is the private one, and nothing is mounted that keeps its set-id programs. */
static void what_is_mounted_is_made_harmless_first(void **state)
{
    static struct bj_op ops[BJ_MAX_OPS];
    struct bj_plan copy;
    struct bj_plan *plan = mutable_plan(ops, &copy);
    for (uint32_t i = 0; i < plan->op_count; i++) {
        uint16_t code = ops[i].code;
        if (code == BJ_OP_ENTER)
            ops[i].slot = ops[1].slot; /* a tree of the host's */
        else if (code == BJ_OP_MOUNT_ATTR || code == BJ_OP_BIND || code == BJ_OP_ROOT_ATTR)
            ops[i].value &= ~2ull; /* nosuid */
        else if (code == BJ_OP_IDS)
            ops[i].value = 0;
        else
            continue;
        if (bj__plan_check(&copy, NULL) == 0)
            fail_msg("operation %u, %s, was accepted", i, bj_op_name(code));
        ops[i] = plan->ops[i];
    }
    bj_plan_free(plan);
}

static void addresses_are_fixed_only_where_it_was_asked_for(void **state)
{
    (void)state;
    static struct bj_op ops[BJ_MAX_OPS];
    struct bj_plan copy;
    struct bj_plan *plan = mutable_plan(ops, &copy);
    uint32_t at = 0;
    while (ops[at].code != BJ_OP_INHERITED)
        at++;
    copy.deterministic = true;
    assert_true(bj__plan_check(&copy, NULL) < 0); /* asked for, and not there */
    memmove(&ops[at + 2], &ops[at + 1], (copy.op_count++ - at - 1) * sizeof(*ops));
    ops[at + 1] = (struct bj_op){.code = BJ_OP_FIXED_ADDRESSES, .slot = -1, .value = BJ_ADDR_NO_RANDOMIZE};
    assert_int_equal(bj__plan_check(&copy, NULL), 0);
    copy.deterministic = false;
    assert_true(bj__plan_check(&copy, NULL) < 0); /* there, and not asked for */
    copy.deterministic = true;
    for (int bit = 0; bit < 64; bit++) { /* READ_IMPLIES_EXEC, MMAP_PAGE_ZERO and the others */
        ops[at + 1].value = BJ_ADDR_NO_RANDOMIZE ^ 1ull << bit;
        if (bj__plan_check(&copy, NULL) == 0)
            fail_msg("personality 0x%llx was accepted", (unsigned long long)ops[at + 1].value);
    }
    bj_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_as_they_were),
        cmocka_unit_test(what_is_required_and_missing_fails_closed),
        cmocka_unit_test(mutilated_plans_are_refused),
        cmocka_unit_test(apparmor_comes_before_landlock),
        cmocka_unit_test(apparmor_gives_way_to_a_mount_that_it_would_hide),
        cmocka_unit_test(paths_that_leave_the_root_are_refused),
        cmocka_unit_test(apparmor_does_not_give_way_to_a_request),
        cmocka_unit_test(plans_without_a_wall_are_refused),
        cmocka_unit_test(what_is_mounted_is_made_harmless_first),
        cmocka_unit_test(addresses_are_fixed_only_where_it_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
