/* Collecting follows nothing that the guest made: every trick of the field in one directory.
 * Changes when: another trick is found. */
#include "supervise/result.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char root[64];
    int fd;
};

static void write_text(int dirfd, const char *path, const char *text)
{
    BJ_FD int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int make_box(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    (void)snprintf(fixture->root, sizeof(fixture->root), "/tmp/belljar-collect-XXXXXX");
    if (!mkdtemp(fixture->root))
        return -1;
    fixture->fd = open(fixture->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    write_text(fixture->fd, "plain.txt", "hello");
    (void)mkdirat(fixture->fd, "out", 0755);
    write_text(fixture->fd, "out/a.png", "A");
    write_text(fixture->fd, "out/b.png", "B");
    assert_int_equal(symlinkat("/etc/hostname", fixture->fd, "link.txt"), 0);
    assert_int_equal(symlinkat("/etc", fixture->fd, "linkdir"), 0);
    assert_int_equal(symlinkat("..", fixture->fd, "up"), 0);
    assert_int_equal(linkat(fixture->fd, "plain.txt", fixture->fd, "hard.txt", 0), 0);
    write_text(fixture->fd, "single.txt", "one");
    (void)mkfifoat(fixture->fd, "fifo", 0644);
    (void)mkdirat(fixture->fd, "dir.txt", 0755);
    write_text(fixture->fd, "new\nline.txt", "x");
    BJ_FD int sparse = openat(fixture->fd, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    (void)!ftruncate(sparse, (off_t)1 << 40);
    *state = fixture;
    return 0;
}

static int remove_box(void **state)
{
    struct fixture *fixture = *state;
    static const char *const files[] = {"out/a.png", "out/b.png", "plain.txt",  "link.txt", "linkdir",
                                        "up",        "hard.txt",  "single.txt", "fifo",     "new\nline.txt",
                                        "sparse"};
    for (size_t i = 0; i < BJ_COUNT(files); i++)
        (void)unlinkat(fixture->fd, files[i], 0);
    (void)unlinkat(fixture->fd, "out", AT_REMOVEDIR);
    (void)unlinkat(fixture->fd, "dir.txt", AT_REMOVEDIR);
    int r = rmdir(fixture->root);
    (void)close(fixture->fd);
    free(fixture);
    return r;
}

static struct bj_result *collect(void **state, const char *pattern)
{
    const struct fixture *fixture = *state;
    const char *items[] = {pattern, NULL};
    struct bj_strings patterns = {items, 1};
    struct bj_result *result = calloc(1, sizeof(*result));
    bj__collect(result, fixture->fd, &patterns);
    return result;
}

static void assert_collected(void **state, const char *path, const char *expected)
{
    struct bj_result *result = collect(state, path);
    assert_int_equal(result->file_count, 1);
    assert_null(result->files[0].why);
    assert_int_equal(result->files[0].length, strlen(expected));
    assert_memory_equal(result->files[0].bytes, expected, strlen(expected));
    bj_result_free(result);
}

static void assert_refused(void **state, const char *path, const char *why)
{
    struct bj_result *result = collect(state, path);
    assert_int_equal(result->file_count, 1);
    assert_null(result->files[0].bytes);
    assert_string_equal(result->files[0].why, why);
    bj_result_free(result);
}

static void plain_files_come_out(void **state)
{
    assert_collected(state, "single.txt", "one");
    struct bj_result *result = collect(state, "out/*.png");
    assert_int_equal(result->file_count, 2);
    bj_result_free(result);
}

static void nothing_else_does(void **state)
{
    assert_refused(state, "link.txt", "not a regular file");
    assert_refused(state, "linkdir/hostname", "not a regular file");
    assert_refused(state, "up/etc/hostname", "not a regular file");
    assert_refused(state, "../../etc/hostname", "not a regular file"); /* EXDEV: not beneath */
    assert_refused(state, "/etc/hostname", "not a regular file");
    assert_refused(state, "plain.txt", "has more than one link");
    assert_refused(state, "hard.txt", "has more than one link");
    assert_refused(state, "fifo", "not a regular file");
    assert_refused(state, "dir.txt", "not a regular file");
    assert_refused(state, "sparse", "too large");
    assert_refused(state, "missing", "does not exist");
}

/* Written twice, it would have been "File exists" the second time, and the run lost its output (a fuzzer found it). */
static void what_is_asked_for_twice_comes_out_once(void **state)
{
    const struct fixture *fixture = *state;
    const char *items[] = {"single.txt", "s*.txt", "single.txt", "*.txt", NULL};
    struct bj_strings patterns = {items, 4};
    struct bj_result *result = calloc(1, sizeof(*result));
    int times = 0;
    bj__collect(result, fixture->fd, &patterns);
    for (size_t i = 0; i < result->file_count; i++)
        times += strcmp(result->files[i].path, "single.txt") == 0;
    assert_int_equal(times, 1);
    bj_result_free(result);
}

static void patterns_do_not_cross_directories_or_name_control_characters(void **state)
{
    struct bj_result *result = collect(state, "*");
    for (size_t i = 0; i < result->file_count; i++) {
        assert_null(strchr(result->files[i].path, '/'));
        assert_null(strchr(result->files[i].path, '\n'));
    }
    assert_true(result->file_count >= 5);
    bj_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plain_files_come_out, make_box, remove_box),
        cmocka_unit_test_setup_teardown(nothing_else_does, make_box, remove_box),
        cmocka_unit_test_setup_teardown(what_is_asked_for_twice_comes_out_once, make_box, remove_box),
        cmocka_unit_test_setup_teardown(patterns_do_not_cross_directories_or_name_control_characters, make_box,
                                        remove_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
