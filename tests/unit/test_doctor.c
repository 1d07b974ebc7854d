/* The doctor: every layer is told of, text and JSON agree, causes are named with a fix, nothing is left behind.
 * Its own file because it tries the host for real, unlike the parsers' tests.
 * Changes when: the doctor looks at something more. */
#include "host/doctor.h"

#include <dirent.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/count_entries.h"

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void test_text_and_json_tell_of_every_layer(void **state)
{
    (void)state;
    int missing_text = -1, missing_json = -1, counted = 0;
    char *text = bj_doctor(NULL, 0, &missing_text), *json = bj_doctor(NULL, 1, &missing_json);
    assert_non_null(text);
    assert_non_null(json);
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    json_t *layers = json_object_get(root, "layers");
    assert_int_equal(json_array_size(layers), BJ_LAYER__COUNT);
    for (enum bj_layer layer = 0; layer < BJ_LAYER__COUNT; layer++) {
        json_t *object = json_array_get(layers, layer);
        char line[64];
        bool on = json_is_true(json_object_get(object, "on"));
        assert_string_equal(text_of(object, "name"), bj__layer_name(layer));
        (void)snprintf(line, sizeof(line), "\n%-17s %-8s %s", bj__layer_name(layer), text_of(object, "mode"),
                       on ? "on" : "missing");
        assert_non_null(strstr(text, line));
        assert_true(on || text_of(object, "problem")[0] != 0); /* never "no" without a why */
        if (text_of(object, "fix")[0])
            assert_non_null(strstr(text, text_of(object, "fix")));
        counted += !on && strcmp(text_of(object, "mode"), "require") == 0;
    }
    assert_int_equal(missing_text, counted);
    assert_int_equal(missing_json, counted);
    assert_int_equal(json_integer_value(json_object_get(root, "missing")), counted);
    json_decref(root);
    free(text);
    free(json);
}

static void test_what_is_off_is_not_missed(void **state)
{
    (void)state;
    struct bj_spec spec = {.profile = "made up"};
    int missing = -1;
    free(bj_doctor(&spec, 0, &missing));
    assert_int_equal(missing, 0);
}

/* A range that cannot be used stops every run: it is not to be passed over in silence. Only root has one. */
static void test_a_bad_range_is_told(void **state)
{
    (void)state;
    int missing = 0;
    struct bj_error err = {0};
    struct bj_host host;
    assert_int_equal(setenv("BELLJAR_ID_RANGE", "1:1", 1), 0);
    bool refused = bj__host_probe(true, &host, &err) < 0;
    char *text = bj_doctor(NULL, 0, &missing);
    assert_int_equal(unsetenv("BELLJAR_ID_RANGE"), 0);
    assert_non_null(text);
    assert_int_equal(refused, strstr(text, "BELLJAR_ID_RANGE") != NULL);
    assert_true(!refused || (missing > 0 && strcmp(err.field, "BELLJAR_ID_RANGE") == 0));
    free(text);
}

static void test_nothing_is_left_behind(void **state)
{
    (void)state;
    char before[64], after[64];
    ssize_t length = readlink("/proc/self/ns/mnt", before, sizeof(before));
    int fds = count_entries("/proc/self/fd");
    struct bj_host host;
    struct bj_error err = {0};
    for (int i = 0; i < 3; i++)
        assert_int_equal(bj__host_probe(false, &host, &err), 0);
    assert_int_equal(count_entries("/proc/self/fd"), fds);
    assert_int_equal(readlink("/proc/self/ns/mnt", after, sizeof(after)), length);
    assert_memory_equal(before, after, (size_t)length);
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1); /* no child of any kind */
    assert_int_equal(errno, ECHILD);
}

static void test_quick_and_full_probes_agree_on_what_never_changes(void **state)
{
    (void)state;
    struct bj_host quick, full;
    struct bj_error err = {0};
    assert_int_equal(bj__host_probe(true, &quick, &err), 0);
    assert_int_equal(bj__host_probe(false, &full, &err), 0);
    assert_int_equal(quick.kernel, full.kernel);
    assert_int_equal(quick.landlock_abi, full.landlock_abi);
    assert_int_equal(quick.root, full.root);
    assert_int_equal(quick.id_first, full.id_first);
    assert_string_equal(quick.cgroup.unified, full.cgroup.unified);
    assert_true(quick.user_namespace || !full.user_namespace); /* a trial only ever finds less */
    assert_int_equal(quick.user_namespace, quick.user_namespace_problem[0] == 0);
    assert_int_equal(quick.landlock_abi > 0, quick.landlock_problem[0] == 0);
}

/* What needs no filter and no module: limits, kernels, what stands in the way of one call. */
static void test_causes_have_fixes(void **state)
{
    (void)state;
    static const struct {
        enum bj_trial which;
        int error;
        const char *says;
    } cases[] = {
        {BJ_TRIAL_USER, ENOSPC, "user.max_"},         {BJ_TRIAL_TIME, EINVAL, "Linux 6.3"},
        {BJ_TRIAL_NOSYMFOLLOW, EINVAL, "Linux 5.14"}, {BJ_TRIAL_LISTENER, EBUSY, "the only listener"},
        {BJ_TRIAL_PIVOT, EINVAL, "initial ramfs"},    {BJ_TRIAL_MOUNT, EPERM, "fix: "},
        {BJ_TRIAL_KEYRING, -1, "could not be tried"},
    };
    char text[BJ_WHY_SIZE];
    for (size_t i = 0; i < BJ_COUNT(cases); i++) {
        struct bj_host_trial trial = {.outcome = {{0}}};
        trial.outcome[cases[i].which].error = cases[i].error;
        (void)bj__trial_why(&trial, cases[i].which, text, sizeof(text));
        assert_non_null(strstr(text, cases[i].says));
        (void)bj__trial_why(&trial, BJ_TRIAL_NET, text, sizeof(text));
        assert_string_equal(text, "");
    }
}

/* The trial of a host on which all goes well finds no filter; each failure names its call. */
static void test_outcomes_name_their_call(void **state)
{
    (void)state;
    struct bj_host host;
    struct bj_host_trial trial;
    struct bj_error err = {0};
    assert_int_equal(bj__host_probe(true, &host, &err), 0);
    assert_int_equal(bj__host_trial(&host, &trial), 0);
    for (int i = 0; i < BJ_TRIAL__COUNT; i++) {
        const struct bj_outcome *outcome = &trial.outcome[i];
        assert_true(outcome->error <= 0 || i == BJ_TRIAL_MAP || outcome->call != NULL);
        assert_true(outcome->error > 0 || !outcome->filtered);
    }
    assert_true(trial.around.kernel == host.kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causes_have_fixes),
        cmocka_unit_test(test_outcomes_name_their_call),
        cmocka_unit_test(test_quick_and_full_probes_agree_on_what_never_changes),
        cmocka_unit_test(test_nothing_is_left_behind),
        cmocka_unit_test(test_text_and_json_tell_of_every_layer),
        cmocka_unit_test(test_what_is_off_is_not_missed),
        cmocka_unit_test(test_a_bad_range_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
