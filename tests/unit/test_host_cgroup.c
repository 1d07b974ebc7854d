/* The parsers of /proc/self/cgroup and /proc/self/mountinfo, fed with texts, and what is made of their answers.
 * Its own file because no host has all of these layouts.
 * Changes when: a layout is found that the parsers get wrong. */
#include "host/cgroup_scan.h"

#include "jail/cgroup.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/become.h"

/* Feeds both texts in pieces of one size. */
static void scan_in_pieces(struct bj_cgroup_scan *scan, const char *own, const char *mounts, size_t piece)
{
    bj__cgroup_scan_init(scan);
    for (size_t at = 0, end = strlen(own); at < end; at += piece)
        bj__cgroup_scan_own(scan, own + at, end - at < piece ? end - at : piece);
    bj__cgroup_scan_own(scan, "", 0);
    for (size_t at = 0, end = strlen(mounts); at < end; at += piece)
        (void)bj__cgroup_scan_mounts(scan, mounts + at, end - at < piece ? end - at : piece);
    (void)bj__cgroup_scan_mounts(scan, "", 0);
}

struct expectation {
    const char *memory, *pids, *cpuacct, *unified;
};

/* The same answer, however the kernel cuts its text into reads. */
static void check(const char *own, const char *mounts, struct expectation expected)
{
    static const size_t pieces[] = {1, 2, 7, 64, 1000, 1u << 20};
    for (size_t i = 0; i < BJ_COUNT(pieces); i++) {
        struct bj_cgroup_scan scan;
        scan_in_pieces(&scan, own, mounts, pieces[i]);
        assert_string_equal(scan.directory[BJ_V1_MEMORY], expected.memory);
        assert_string_equal(scan.directory[BJ_V1_PIDS], expected.pids);
        assert_string_equal(scan.directory[BJ_V1_CPUACCT], expected.cpuacct);
        assert_string_equal(scan.directory[BJ_V2], expected.unified);
    }
}

#define PROC_MOUNT "22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw\n"

static void test_pure_v2(void **state)
{
    (void)state;
    check("0::/user.slice/user-1000.slice/session-3.scope\n",
          PROC_MOUNT
          "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 master:7 - cgroup2 cgroup2 rw,nsdelegate\n",
          (struct expectation){"", "", "", "/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope"});
}

static void test_pure_v1(void **state)
{
    (void)state;
    check("12:pids:/a\n5:memory:/b/c\n2:cpu,cpuacct:/\n1:name=systemd:/s\n",
          PROC_MOUNT "31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                     "32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                     "33 30 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
                     "34 30 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n",
          (struct expectation){"/sys/fs/cgroup/memory/b/c", "/sys/fs/cgroup/pids/a",
                               "/sys/fs/cgroup/cpu,cpuacct", ""});
}

static void test_hybrid(void **state)
{
    (void)state;
    check("8:pids:/\n4:memory:/process_api/x1\n2:cpuacct:/\n0::/\n",
          "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
          "33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
          "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
          "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw", /* no newline at the end */
          (struct expectation){"/sys/fs/cgroup/memory/process_api/x1", "/sys/fs/cgroup/pids",
                               "/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup/unified"});
}

/* With a cgroup namespace of its own the container's group is "/" everywhere. */
static void test_container_with_namespace(void **state)
{
    (void)state;
    check("0::/\n", "700 690 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n",
          (struct expectation){"", "", "", "/sys/fs/cgroup"});
}

/* Without one, the mount shows the container's part only, and the path is the host's. */
static void test_container_without_namespace(void **state)
{
    (void)state;
    check("4:memory:/docker/abc/sub\n8:pids:/docker/abc\n",
          "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw master:9 - cgroup cgroup rw,memory\n"
          "39 31 0:36 /docker/abc /sys/fs/cgroup/pids rw master:9 - cgroup cgroup rw,pids\n",
          (struct expectation){"/sys/fs/cgroup/memory/sub", "/sys/fs/cgroup/pids", "", ""});
}

/* A mount of somebody else's part does not show the own group, even where a name is the beginning of another. */
static void test_mount_of_another_group(void **state)
{
    (void)state;
    check("0::/docker/abcdef\n", "30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
          (struct expectation){"", "", "", ""});
    check("0::/docker/abcdef\n",
          "30 23 0:26 /docker/abc /wrong rw - cgroup2 cgroup2 rw\n"
          "31 23 0:26 / /right rw - cgroup2 cgroup2 rw\n"
          "32 23 0:26 / /later rw - cgroup2 cgroup2 rw\n",
          (struct expectation){"", "", "", "/right/docker/abcdef"});
}

/* cgroup_namespaces(7): "/.." leads out of the namespace; nothing may be made from such a path. */
static void test_outside_of_the_namespace(void **state)
{
    (void)state;
    check("0::/../other\n", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
          (struct expectation){"", "", "", ""});
    check("0::/\n", "30 23 0:26 /.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
          (struct expectation){"", "", "", ""});
    check("0::/a..b/..c\n", "30 23 0:26 / /m rw - cgroup2 cgroup2 rw\n",
          (struct expectation){"", "", "", "/m/a..b/..c"});
}

static void test_octal_escapes(void **state)
{
    (void)state;
    check("0::/with blank/x\n",
          "30 23 0:26 /with\\040blank /mnt/a\\040b\\011c\\134d\\012e\\043 rw - cgroup2 none rw\n",
          (struct expectation){"", "", "", "/mnt/a b\tc\\d\ne#/x"});
    /* not an escape: kept as it is */
    check("0::/x\n", "30 23 0:26 / /mnt/a\\04 rw - cgroup2 none rw\n",
          (struct expectation){"", "", "", "/mnt/a\\04/x"});
}

static void test_unknown_shapes_are_skipped(void **state)
{
    (void)state;
    check("nonsense\n\n::\n0:\n:memory\n99999999999999999999:x:/y\n0::/ok\n",
          "\n - cgroup2\n - cgroup2 x\n30 - cgroup2 x rw\n1 2 3 4 - cgroup2 x rw\n"
          "30 23 0:26 relative /bad rw - cgroup2 x rw\n30 23 0:26 / bad rw - cgroup2 x rw\n"
          "30 23 0:26 / /bad rw - cgroup3 x rw\n30 23 0:26 / /bad rw - cgroup x rw\n"
          "30 23 0:26 / /good rw - cgroup2 x rw\n",
          (struct expectation){"", "", "", "/good/ok"});
    /* a word that only contains "memory" is another controller */
    check("4:memoryx,xmemory:/bad\n", "35 31 0:32 / /m rw - cgroup cgroup rw,memoryx,xmemory\n",
          (struct expectation){"", "", "", ""});
}

/* A line longer than the parser's own is ignored as a whole: its tail is not taken for a line. */
static void test_hostile_long_lines(void **state)
{
    (void)state;
    enum { LONG = 300000 };
    char *text = calloc(1, LONG + 400);
    assert_non_null(text);
    memset(text, 'a', LONG);
    for (size_t at = 0; at + 64 < LONG; at += 61)
        memcpy(text + at, " / /bad rw - cgroup2 x rw", 25);
    const char *start = "30 23 0:26 / /bad rw - cgroup2 x rw,";
    memcpy(text, start, strlen(start)); /* cut off, it would look whole */
    (void)snprintf(text + LONG, 400,
                   " 30 23 0:26 / /bad rw - cgroup2 x rw\n30 23 0:26 / /good rw - cgroup2 x rw\n");
    check("0::/g\n", text, (struct expectation){"", "", "", "/good/g"});

    /* a path that fits a line but not a directory is dropped, and said to be */
    memset(text, 'p', 3000);
    memcpy(text, "0::/", 4);
    (void)snprintf(text + 3000, 8, "\n");
    struct bj_cgroup_scan scan;
    scan_in_pieces(&scan, text, "30 23 0:26 / /m rw - cgroup2 x rw\n", 4096);
    assert_string_equal(scan.directory[BJ_V2], "");
    assert_true(scan.too_long);
    free(text);
}

static void test_directory_at_the_edge_of_its_size(void **state)
{
    (void)state;
    char own[300] = "0::/";
    for (size_t length = 250; length < 260; length++) {
        memset(own + 4, 'x', length);
        own[4 + length - 1] = '\n';
        own[4 + length] = 0;
        struct bj_cgroup_scan scan;
        scan_in_pieces(&scan, own, "30 23 0:26 / /mm rw - cgroup2 x rw\n", 4096);
        size_t full = 3 + 1 + length - 1; /* "/mm" "/" "xx" */
        assert_int_equal(strlen(scan.directory[BJ_V2]), full < BJ_CGROUP_PATH ? full : 0);
        assert_int_equal(scan.too_long, full >= BJ_CGROUP_PATH);
    }
}

static void test_stops_when_all_is_found(void **state)
{
    (void)state;
    struct bj_cgroup_scan scan;
    bj__cgroup_scan_init(&scan);
    bj__cgroup_scan_own(&scan, "0::/\n", 5);
    bj__cgroup_scan_own(&scan, "", 0);
    assert_false(bj__cgroup_scan_mounts(&scan, PROC_MOUNT, strlen(PROC_MOUNT)));
    const char *line = "30 23 0:26 / /m rw - cgroup2 x rw\n";
    assert_true(bj__cgroup_scan_mounts(&scan, line, strlen(line)));
}

/* ---- v2 trees made of plain files: what delegation looks like to the probe ------------------------------- */

struct tree {
    char mount[64]; /* .../ parent / own */
    char parent[80], own[96];
};

static void put(const char *directory, const char *name, const char *text)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

static void put_group(const char *directory, const char *procs, const char *on)
{
    put(directory, "cgroup.procs", procs);
    put(directory, "cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
    put(directory, "cgroup.subtree_control", on);
    put(directory, "cgroup.type", "domain\n"); /* the root of a hierarchy has none */
}

static void grow(struct tree *tree)
{
    (void)snprintf(tree->mount, sizeof(tree->mount), "/tmp/belljar-test-XXXXXX");
    assert_non_null(mkdtemp(tree->mount));
    (void)snprintf(tree->parent, sizeof(tree->parent), "%s/parent", tree->mount);
    (void)snprintf(tree->own, sizeof(tree->own), "%s/own", tree->parent);
    assert_int_equal(mkdir(tree->parent, 0755), 0);
    assert_int_equal(mkdir(tree->own, 0755), 0);
    put_group(tree->own, "1234\n", "\n"); /* holds the caller */
    put_group(tree->parent, "", "cpu memory pids\n");
}

static void fell(struct tree *tree)
{
    static const char *const names[] = {"cgroup.procs", "cgroup.controllers", "cgroup.subtree_control",
                                        "cgroup.type"};
    const char *const directories[] = {tree->own, tree->parent};
    char path[160];
    for (size_t i = 0; i < BJ_COUNT(directories); i++) {
        for (size_t j = 0; j < BJ_COUNT(names); j++) {
            (void)snprintf(path, sizeof(path), "%s/%s", directories[i], names[j]);
            (void)unlink(path);
        }
        assert_int_equal(rmdir(directories[i]), 0); /* fails if a leaf was left */
    }
    assert_int_equal(rmdir(tree->mount), 0);
}

static struct bj_host_cgroup judge(const struct tree *tree, const char *directory)
{
    struct bj_cgroup_scan scan;
    struct bj_host_cgroup cgroup = {0};
    bj__cgroup_scan_init(&scan);
    (void)snprintf(scan.own[BJ_V2], BJ_CGROUP_PATH, "%s", directory + strlen(tree->mount));
    (void)snprintf(scan.directory[BJ_V2], BJ_CGROUP_PATH, "%s", directory);
    scan.mount_length[BJ_V2] = strlen(tree->mount);
    bj__host_judge_cgroup(&scan, &cgroup);
    return cgroup;
}

static void test_controllers_come_from_the_parent(void **state)
{
    (void)state;
    struct tree tree;
    grow(&tree);
    struct bj_host_cgroup cgroup = judge(&tree, tree.own);
    assert_string_equal(cgroup.unified, tree.parent);
    assert_true(cgroup.unified_memory && cgroup.unified_pids && cgroup.unified_cpu);
    assert_string_equal(cgroup.problem, "");
    fell(&tree);
}

/* As in a group that was given a child before ours, or the root of a hierarchy. */
static void test_own_group_with_controllers_is_preferred(void **state)
{
    (void)state;
    struct tree tree;
    grow(&tree);
    put_group(tree.own, "", "memory pids\n");
    struct bj_host_cgroup cgroup = judge(&tree, tree.own);
    assert_string_equal(cgroup.unified, tree.own);
    assert_true(cgroup.unified_memory && cgroup.unified_pids && !cgroup.unified_cpu);
    fell(&tree);
}

/* A leaf without controllers still has cgroup.kill and cpu.stat; the lack of limits is told with its fix. */
static void test_no_controllers_anywhere(void **state)
{
    (void)state;
    struct tree tree;
    grow(&tree);
    put_group(tree.parent, "77\n", "cpu io\n"); /* has members, so nothing can be switched on */
    struct bj_host_cgroup cgroup = judge(&tree, tree.own);
    assert_string_equal(cgroup.unified, tree.own);
    assert_false(cgroup.unified_memory || cgroup.unified_pids);
    assert_non_null(strstr(cgroup.problem, "memory and pids"));
    assert_non_null(strstr(cgroup.problem, "Delegate=yes"));
    fell(&tree);
}

/* The three places where nothing but the fix differs: a host's root, a container's, a group of systemd's. */
static void test_fixes_fit_the_place(void **state)
{
    (void)state;
    struct tree tree;
    char type[160];
    grow(&tree);
    put_group(tree.parent, "77\n", "\n");
    assert_non_null(strstr(judge(&tree, tree.own).problem, "systemd-run"));
    struct bj_cgroup_scan scan;
    struct bj_host_cgroup cgroup = {0};
    bj__cgroup_scan_init(&scan);
    (void)snprintf(scan.own[BJ_V2], BJ_CGROUP_PATH, "/");
    (void)snprintf(scan.directory[BJ_V2], BJ_CGROUP_PATH, "%s", tree.own);
    scan.mount_length[BJ_V2] = strlen(tree.own);
    bj__host_judge_cgroup(&scan, &cgroup);
    assert_non_null(strstr(cgroup.problem, "Containers"));
    (void)snprintf(type, sizeof(type), "%s/cgroup.type", tree.own);
    assert_int_equal(unlink(type), 0);
    bj__host_judge_cgroup(&scan, &cgroup);
    assert_non_null(strstr(cgroup.problem, "cgroup.subtree_control"));
    fell(&tree);
}

static void test_never_above_the_mount(void **state)
{
    (void)state;
    struct tree tree;
    grow(&tree);
    put_group(tree.parent, "77\n", "\n");
    put_group(tree.mount, "", "memory pids\n");
    struct bj_cgroup_scan scan;
    struct bj_host_cgroup cgroup = {0};
    bj__cgroup_scan_init(&scan);
    (void)snprintf(scan.own[BJ_V2], BJ_CGROUP_PATH, "/");
    (void)snprintf(scan.directory[BJ_V2], BJ_CGROUP_PATH, "%s", tree.parent);
    scan.mount_length[BJ_V2] = strlen(tree.parent);
    bj__host_judge_cgroup(&scan, &cgroup);
    assert_string_equal(cgroup.unified, tree.parent);
    assert_false(cgroup.unified_memory);
    char path[160];
    static const char *const names[] = {"cgroup.procs", "cgroup.controllers", "cgroup.subtree_control",
                                        "cgroup.type"};
    for (size_t i = 0; i < BJ_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", tree.mount, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    fell(&tree);
}

/* What an ordinary user may write was given to it: there the controllers may be switched on when a leaf is
 * made. What the host's root may write was not. */
static int try_delegated(const struct tree *tree)
{
    if (is_root_of_host() && judge(tree, tree->own).unified_memory)
        return 2;
    if (may_become_another()) {
        if (setresgid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID) < 0 ||
            setresuid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID) < 0)
            return 3;
    }
    struct bj_host_cgroup cgroup = judge(tree, tree->own);
    if (strcmp(cgroup.unified, tree->parent) != 0 || !cgroup.unified_memory || !cgroup.unified_pids)
        return 4;
    struct bj_cgroup leaf;
    struct bj_error err = {0};
    struct bj_limits limits = {.memory_bytes = 1u << 20, .processes = 1};
    char path[160], text[64] = "";
    bj__cgroup_init(&leaf);
    /* these are plain files, so the leaf gets no memory.max: an error, after the switching on */
    if (bj__cgroup_make(&leaf, &cgroup, &limits, 0, &err) >= 0 || !strstr(err.message, "memory.max"))
        return 5;
    (void)snprintf(path, sizeof(path), "%s/cgroup.subtree_control", tree->parent);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
        return 6;
    return strncmp(text, "+memory +pids", 13) == 0 ? 0 : 7;
}

static void test_delegated_parent_with_controllers_off(void **state)
{
    (void)state;
    struct tree tree;
    int status = -1;
    grow(&tree);
    put_group(tree.parent, "", "\n");
    if (may_become_another()) {
        const char *const paths[] = {tree.mount, tree.parent, tree.own};
        for (size_t i = 0; i < BJ_COUNT(paths); i++)
            assert_int_equal(chmod(paths[i], 0777), 0);
        char path[160];
        static const char *const names[] = {"cgroup.procs", "cgroup.subtree_control"};
        for (size_t i = 0; i < BJ_COUNT(names); i++) {
            (void)snprintf(path, sizeof(path), "%s/%s", tree.parent, names[i]);
            assert_int_equal(chmod(path, 0666), 0);
        }
    }
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(try_delegated(&tree));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    fell(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pure_v2),
        cmocka_unit_test(test_pure_v1),
        cmocka_unit_test(test_hybrid),
        cmocka_unit_test(test_container_with_namespace),
        cmocka_unit_test(test_container_without_namespace),
        cmocka_unit_test(test_mount_of_another_group),
        cmocka_unit_test(test_outside_of_the_namespace),
        cmocka_unit_test(test_octal_escapes),
        cmocka_unit_test(test_unknown_shapes_are_skipped),
        cmocka_unit_test(test_hostile_long_lines),
        cmocka_unit_test(test_directory_at_the_edge_of_its_size),
        cmocka_unit_test(test_stops_when_all_is_found),
        cmocka_unit_test(test_controllers_come_from_the_parent),
        cmocka_unit_test(test_own_group_with_controllers_is_preferred),
        cmocka_unit_test(test_no_controllers_anywhere),
        cmocka_unit_test(test_fixes_fit_the_place),
        cmocka_unit_test(test_never_above_the_mount),
        cmocka_unit_test(test_delegated_parent_with_controllers_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
