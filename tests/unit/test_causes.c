/* Who refuses: from made-up outcomes and surroundings to the cause, and to the fix in each engine's words.
 * Its own file because it needs no host at all, unlike the doctor's other tests.
 * Changes when: a cause, an engine or the words of a fix are added. */
#include "host/trial.h"

#include <linux/version.h>
#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

#define MODERN KERNEL_VERSION(6, 8, 0)

static void test_engines_are_told_by_their_marks(void **state)
{
    (void)state;
    static const struct {
        struct bj_engine_marks marks;
        const char *name;
    } cases[] = {
        {{.dockerenv = true}, "docker"},
        {{.container = "docker"}, "docker"},
        {{.containerenv = true}, "podman"},
        {{.container = "podman"}, "podman"},
        {{.kubernetes = "10.0.0.1"}, "kubernetes"},
        {{.secrets = true}, "kubernetes"},
        {{.kubernetes = "10.0.0.1", .containerenv = true}, "kubernetes"}, /* CRI-O */
        {{.secrets = true, .dockerenv = true}, "kubernetes"},
        {{.container = "lxc"}, "unknown"},
        {{.own_pids = true}, "unknown"},
        {{.proc_masked = true}, "unknown"},
    };
    for (size_t i = 0; i < BJ_COUNT(cases); i++)
        assert_string_equal(bj__engine_name(bj__engine_of(&cases[i].marks)), cases[i].name);
    assert_null(bj__engine_name(bj__engine_of(&(struct bj_engine_marks){.container = ""})));
}

static void test_masks_of_proc_are_told_from_usual_mounts(void **state)
{
    (void)state;
    assert_true(bj__masks_proc("71 68 0:58 / /proc/acpi ro,relatime - tmpfs tmpfs ro,size=0k\n"));
    assert_true(bj__masks_proc("72 68 0:5 /null /proc/keys ro - devtmpfs devtmpfs rw\n"));
    assert_true(bj__masks_proc("74 68 0:55 /sys /proc/sys ro,relatime - proc proc rw\n"));
    assert_false(bj__masks_proc("68 60 0:55 / /proc rw,relatime - proc proc rw\n"));
    assert_false(bj__masks_proc("69 68 0:33 / /proc/sys/fs/binfmt_misc rw shared:14 - autofs systemd-1 rw\n"));
    assert_false(bj__masks_proc("69 68 0:33 / /proc/fs/nfsd rw - nfsd nfsd rw\n"));
    assert_false(bj__masks_proc("69 68 0:33 /proc/acpi /mnt rw - ext4 /dev/sda rw\n"));
    assert_false(bj__masks_proc("69 68\n"));
    assert_false(bj__masks_proc(""));
}

/* Every refusal that was met or that kernel, engines and modules document; one line each. */
static const struct {
    const char *what;
    enum bj_trial which;
    int error;
    bool filtered;
    struct bj_around around;
    enum bj_cause cause;
} refusals[] = {
    {"Docker's filter", BJ_TRIAL_USER, ENOSYS, true, {.filter = true, .kernel = MODERN}, BJ_CAUSE_SECCOMP},
    {"the same, by EPERM", BJ_TRIAL_BIND, EPERM, true, {.filter = true, .kernel = MODERN}, BJ_CAUSE_SECCOMP},
    {"Podman's filter", BJ_TRIAL_HOST_NAME, EPERM, true, {.filter = true, .kernel = MODERN}, BJ_CAUSE_SECCOMP},
    {"a filter inside of a profile",
     BJ_TRIAL_BIND,
     EPERM,
     true,
     {.filter = true, .kernel = MODERN, .profile = "docker-default (enforce)"},
     BJ_CAUSE_SECCOMP},
    {"a profile, and a filter that allows it",
     BJ_TRIAL_PRIVATE,
     EACCES,
     false,
     {.filter = true, .kernel = MODERN, .profile = "docker-default (enforce)"},
     BJ_CAUSE_APPARMOR},
    {"a filter, and a kernel that is too old for the call",
     BJ_TRIAL_READ_ONLY,
     ENOSYS,
     true,
     {.filter = true, .kernel = KERNEL_VERSION(5, 10, 0)},
     BJ_CAUSE_KERNEL},
    {"no filter, an old kernel",
     BJ_TRIAL_BIND,
     ENOSYS,
     true,
     {.kernel = KERNEL_VERSION(4, 19, 0)},
     BJ_CAUSE_KERNEL},
    {"a masked /proc",
     BJ_TRIAL_PROC,
     EPERM,
     false,
     {.filter = true, .kernel = MODERN, .proc_masked = true},
     BJ_CAUSE_MASKED_PROC},
    {"a masked /proc that could not even be tried",
     BJ_TRIAL_PROC,
     -1,
     false,
     {.proc_masked = true},
     BJ_CAUSE_MASKED_PROC},
    {"a filter before the masked /proc",
     BJ_TRIAL_PROC,
     EPERM,
     true,
     {.filter = true, .kernel = MODERN, .proc_masked = true},
     BJ_CAUSE_SECCOMP},
    {"user.max_user_namespaces",
     BJ_TRIAL_USER,
     ENOSPC,
     false,
     {.kernel = MODERN, .no_userns = true},
     BJ_CAUSE_USERNS_LIMIT},
    {"its limit is used up", BJ_TRIAL_NET, ENOSPC, false, {.kernel = MODERN}, BJ_CAUSE_USERNS_LIMIT},
    {"Debian's sysctl",
     BJ_TRIAL_USER,
     EPERM,
     false,
     {.kernel = MODERN, .no_unprivileged = true},
     BJ_CAUSE_USERNS_CLONE},
    {"Ubuntu's sysctl",
     BJ_TRIAL_PRIVATE,
     EACCES,
     false,
     {.kernel = MODERN, .apparmor_strict = true},
     BJ_CAUSE_USERNS_APPARMOR},
    {"SELinux", BJ_TRIAL_PRIVATE, EACCES, false, {.kernel = MODERN, .selinux = true}, BJ_CAUSE_SELINUX},
    {"a chroot", BJ_TRIAL_USER, EPERM, false, {.kernel = MODERN}, BJ_CAUSE_OTHER},
    {"another listener", BJ_TRIAL_LISTENER, EBUSY, false, {.kernel = MODERN, .filter = true}, BJ_CAUSE_OTHER},
};

static void test_who_refuses(void **state)
{
    (void)state;
    char text[BJ_WHY_SIZE];
    for (size_t i = 0; i < BJ_COUNT(refusals); i++) {
        struct bj_host_trial trial = {.around = refusals[i].around};
        trial.outcome[refusals[i].which] = (struct bj_outcome){
            .error = refusals[i].error, .filtered = refusals[i].filtered, .call = "fsmount"};
        enum bj_cause cause = bj__trial_why(&trial, refusals[i].which, text, sizeof(text));
        if (cause != refusals[i].cause)
            fail_msg("%s: %s (%s)", refusals[i].what, bj__cause_name(cause), text);
        assert_true(strlen(text) > 10 && strlen(text) < sizeof(text) - 1); /* said, and not cut off */
        if (cause == BJ_CAUSE_SECCOMP || cause == BJ_CAUSE_APPARMOR)
            assert_non_null(strstr(text, "fsmount"));
        if (cause != BJ_CAUSE_OTHER)
            assert_non_null(strstr(text, "; fix: "));
        assert_int_equal(bj__trial_why(&trial, BJ_TRIAL_KEYRING, text, sizeof(text)), BJ_CAUSE_NONE);
        assert_string_equal(text, "");
    }
}

/* fsopen(2) asks for the capability first, so with a module that takes capabilities away it looks filtered. */
static void test_lost_rights_are_not_put_down_to_the_filter(void **state)
{
    (void)state;
    char text[BJ_WHY_SIZE];
    struct bj_host_trial trial = {.around = {.filter = true, .kernel = MODERN, .apparmor_strict = true}};
    trial.outcome[BJ_TRIAL_TMPFS] = (struct bj_outcome){.error = EPERM, .call = "fsopen", .filtered = true};
    assert_int_equal(bj__trial_why(&trial, BJ_TRIAL_TMPFS, text, sizeof(text)), BJ_CAUSE_SECCOMP);
    trial.outcome[BJ_TRIAL_PRIVATE] = (struct bj_outcome){.error = EACCES, .call = "mount"};
    assert_int_equal(bj__trial_why(&trial, BJ_TRIAL_TMPFS, text, sizeof(text)), BJ_CAUSE_USERNS_APPARMOR);
}

static void test_fixes_are_in_each_ones_words(void **state)
{
    (void)state;
    static const struct {
        enum bj_cause cause;
        const char *docker, *podman, *kubernetes;
    } words[] = {
        {BJ_CAUSE_SECCOMP, "docker run --security-opt seccomp=", "podman run --security-opt seccomp=",
         "seccompProfile: {type: Localhost"},
        {BJ_CAUSE_APPARMOR, "docker run --security-opt apparmor=unconfined",
         "podman run --security-opt apparmor=unconfined", "appArmorProfile: {type: Unconfined}"},
        {BJ_CAUSE_SELINUX, "docker run --security-opt label=disable", "podman run --security-opt label=disable",
         "seLinuxOptions: {type: spc_t}"},
        {BJ_CAUSE_MASKED_PROC, "--security-opt systempaths=unconfined", "--security-opt unmask=ALL",
         "procMount: Unmasked"},
        {BJ_CAUSE_CGROUP_READ_ONLY, "--security-opt writable-cgroups=true", "unmask=/sys/fs/cgroup",
         "cgroup_writable = true"},
        {BJ_CAUSE_USERNS_LIMIT, "on the host: sysctl", "on the host: sysctl", "on the host: sysctl"},
        {BJ_CAUSE_USERNS_CLONE, "on the host: sysctl", "on the host: sysctl", "on the host: sysctl"},
    };
    for (size_t i = 0; i < BJ_COUNT(words); i++) {
        assert_non_null(strstr(bj__cause_fix(words[i].cause, BJ_ENGINE_DOCKER), words[i].docker));
        assert_non_null(strstr(bj__cause_fix(words[i].cause, BJ_ENGINE_PODMAN), words[i].podman));
        assert_non_null(strstr(bj__cause_fix(words[i].cause, BJ_ENGINE_KUBERNETES), words[i].kubernetes));
        const char *unknown = bj__cause_fix(words[i].cause, BJ_ENGINE_UNKNOWN);
        const char *none = bj__cause_fix(words[i].cause, BJ_ENGINE_NONE);
        assert_true(*unknown && *none && strcmp(unknown, none) != 0);
        assert_null(strstr(none, "docker"));
    }
    for (enum bj_engine engine = 0; engine < BJ_ENGINE__COUNT; engine++)
        for (enum bj_cause cause = 0; cause < BJ_CAUSE__COUNT; cause++)
            assert_non_null(bj__cause_fix(cause, engine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engines_are_told_by_their_marks),
        cmocka_unit_test(test_masks_of_proc_are_told_from_usual_mounts),
        cmocka_unit_test(test_who_refuses),
        cmocka_unit_test(test_lost_rights_are_not_put_down_to_the_filter),
        cmocka_unit_test(test_fixes_are_in_each_ones_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
