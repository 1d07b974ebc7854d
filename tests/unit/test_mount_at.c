/* Control groups found by asking for single mounts, and that this is what the list of all mounts says.
 * Its own file because it looks at this host, where test_host_cgroup.c makes hosts up.
 * Changes when: hierarchies are looked for at other places first. */
#include "host/mount_at.h"

#include "host/cgroup_scan.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* One mount that was found otherwise counts as its line would; what has been found stays. */
static void test_single_mounts(void **state)
{
    (void)state;
    struct bj_cgroup_scan scan;
    static const char own[] = "4:memory:/a/b\n8:pids:/\n0::/u\n";
    bj__cgroup_scan_init(&scan);
    bj__cgroup_scan_own(&scan, own, strlen(own));
    bj__cgroup_scan_own(&scan, "", 0);
    bj__cgroup_scan_mount(&scan, "xattr,name=systemd", "/", "/wrong");
    bj__cgroup_scan_mount(&scan, "", "/", "/wrong");
    bj__cgroup_scan_mount(&scan, "memory", "/other", "/wrong");
    bj__cgroup_scan_mount(&scan, NULL, "/..", "/wrong");
    assert_string_equal(scan.directory[BJ_V1_MEMORY], "");
    assert_string_equal(scan.directory[BJ_V2], "");
    bj__cgroup_scan_mount(&scan, "memory", "/a", "/m");
    bj__cgroup_scan_mount(&scan, "memory", "/", "/later");
    bj__cgroup_scan_mount(&scan, NULL, "/", "/sys/fs/cgroup");
    assert_string_equal(scan.directory[BJ_V1_MEMORY], "/m/b");
    assert_string_equal(scan.directory[BJ_V2], "/sys/fs/cgroup/u");
    assert_string_equal(scan.directory[BJ_V1_PIDS], "");
    static const char line[] = "39 31 0:36 / /p rw - cgroup cgroup rw,pids\n";
    assert_true(bj__cgroup_scan_mounts(&scan, line, strlen(line)));
    assert_string_equal(scan.directory[BJ_V1_PIDS], "/p");
    assert_string_equal(scan.directory[BJ_V1_MEMORY], "/m/b");
}

static void test_a_mount_is_told_by_its_path(void **state)
{
    (void)state;
    struct bj_mount_at mount;
    int r = bj__mount_at("/proc", &mount);
    if (r == -ENOSYS || r == -EPERM) {
        print_message(
            "host lacks statmount(2): before Linux 6.8, or a container that refuses new system calls\n");
        skip();
    }
    assert_int_equal(r, 0);
    assert_int_equal(mount.magic, PROC_SUPER_MAGIC);
    assert_string_equal(mount.root, "/");
    assert_int_equal(bj__mount_at("/proc/self", &mount), -EINVAL);
    assert_int_equal(bj__mount_at("/nonexistent", &mount), -ENOENT);
}

static void feed_file(struct bj_cgroup_scan *scan, const char *path, bool mounts)
{
    char text[4096];
    ssize_t length = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    while (length > 0) {
        length = read(fd, text, sizeof(text));
        assert_true(length >= 0);
        if (mounts)
            (void)bj__cgroup_scan_mounts(scan, text, (size_t)length);
        else
            bj__cgroup_scan_own(scan, text, (size_t)length);
    }
    (void)close(fd);
}

static void same_directory(const char *a, const char *b)
{
    struct stat left;
    struct stat right;
    assert_int_equal(a[0] == 0, b[0] == 0);
    if (a[0] == 0)
        return;
    assert_int_equal(stat(a, &left), 0);
    assert_int_equal(stat(b, &right), 0);
    assert_int_equal(left.st_dev, right.st_dev);
    assert_int_equal(left.st_ino, right.st_ino);
}

/* The shortcut by usual places and the list of all mounts lead to the same groups. */
static void test_this_host_both_ways(void **state)
{
    (void)state;
    struct bj_cgroup_scan scan;
    struct bj_host_cgroup listed = {0};
    struct bj_host_cgroup probed;
    if (access("/proc/self/cgroup", R_OK) < 0)
        skip();
    bj__cgroup_scan_init(&scan);
    feed_file(&scan, "/proc/self/cgroup", false);
    feed_file(&scan, "/proc/self/mountinfo", true);
    bj__host_judge_cgroup(&scan, &listed);
    assert_int_equal(bj__host_probe_cgroup(&probed), 1);
    same_directory(listed.unified, probed.unified);
    same_directory(listed.v1_memory, probed.v1_memory);
    same_directory(listed.v1_pids, probed.v1_pids);
    same_directory(listed.v1_cpuacct, probed.v1_cpuacct);
    assert_int_equal(listed.unified_memory, probed.unified_memory);
    assert_int_equal(listed.unified_pids, probed.unified_pids);
    assert_string_equal(listed.problem, probed.problem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_mounts),
        cmocka_unit_test(test_a_mount_is_told_by_its_path),
        cmocka_unit_test(test_this_host_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
