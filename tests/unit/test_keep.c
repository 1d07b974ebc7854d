/* The file of a repl's session: what was written is read again, and nothing else is taken for it.
 * Changes when: the file's form does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/repl/repl.h"

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "x = 1",       "def f():\n\treturn '\\'\n",      "",
        ":snapshot a", "'caf\xc3\xa9 \xf0\x9f\x90\x8d'", "\"\x01\x7f\r\"",
    };
    BJ_BUF struct bj_buf file;
    bj__buf_init(&file, 65536);
    for (size_t i = 0; i < BJ_COUNT(texts); i++)
        assert_int_equal(bj__keep_add_line(&file, texts[i]), 0);
    const char *at = (const char *)file.bytes;
    const char *end = at + file.length;
    for (size_t i = 0; i < BJ_COUNT(texts); i++) {
        BJ_FREE char *text = NULL;
        assert_int_equal(bj__keep_next(&at, end, &text), 1);
        assert_string_equal(text, texts[i]);
    }
    BJ_FREE char *none = NULL;
    assert_int_equal(bj__keep_next(&at, end, &none), 0);
}

static void one_text_is_one_line_of_ascii(void **state)
{
    (void)state;
    BJ_BUF struct bj_buf file;
    bj__buf_init(&file, 65536);
    assert_int_equal(bj__keep_add_line(&file, "a\nb\xc2\x85\xe2\x80\xa8"
                                              "c"),
                     0);
    assert_string_equal((const char *)file.bytes, "\"a\\nb\\u0085\\u2028c\"\n");
    assert_int_equal(bj__keep_add_line(&file, "\xff"), -ENOMEM); /* is no text */
}

static void other_lines_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {"x = 1",       "",    "{}",          "[\"x\"]",  "1",          "null",
                                        "\"a\" \"b\"", "\"a", "\"\\u0000\"", "\"\xff\"", "\"\\ud800\""};
    for (size_t i = 0; i < BJ_COUNT(lines); i++) {
        char text[64];
        BJ_FREE char *read = NULL;
        (void)snprintf(text, sizeof(text), "%s\n\"next\"\n", lines[i]);
        const char *at = text;
        assert_int_equal(bj__keep_next(&at, text + strlen(text), &read), -EINVAL);
        assert_string_equal(at, "\"next\"\n"); /* where the line ends is told */
    }
}

static void the_last_line_may_lack_its_end(void **state)
{
    (void)state;
    static const char text[] = "\"a\"\n\"b\"";
    const char *at = text;
    const char *end = text + strlen(text);
    for (int i = 0; i < 2; i++) {
        BJ_FREE char *read = NULL;
        assert_int_equal(bj__keep_next(&at, end, &read), 1);
        assert_string_equal(read, i ? "b" : "a");
    }
    BJ_FREE char *none = NULL;
    assert_int_equal(bj__keep_next(&at, end, &none), 0);
}

static void what_follows_a_cut_line_is_a_line(void **state)
{
    (void)state;
    char path[] = "/tmp/belljar-keep-XXXXXX";
    struct keep keep = {.fd = -1};
    struct keep second = {.fd = -1};
    struct bj_error err = {0};
    BJ_BUF struct bj_buf content = {.maximum = 0};
    BJ_BUF struct bj_buf again = {.maximum = 0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "\"a\"", 3), 3);
    (void)close(fd);
    assert_int_equal(bj__keep_open(path, &keep, &content, &err), 0);
    assert_int_equal(content.length, 3);
    assert_int_equal(bj__keep_open(path, &second, &again, &err), -EBUSY);
    assert_string_equal(err.field, "--session");
    bj__keep_close(&second);
    assert_int_equal(bj__keep_write(&keep, "b", &err), 0);
    assert_int_equal(bj__keep_write(&keep, "c", &err), 0);
    bj__keep_close(&keep);
    assert_int_equal(bj__keep_write(&keep, "nowhere", &err), 0); /* there is no file */
    bj__buf_done(&again);
    assert_int_equal(bj__keep_open(path, &second, &again, &err), 0);
    assert_int_equal(again.length, 12);
    assert_memory_equal(again.bytes, "\"a\"\n\"b\"\n\"c\"\n", 12);
    bj__keep_close(&second);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),           cmocka_unit_test(one_text_is_one_line_of_ascii),
        cmocka_unit_test(other_lines_are_refused),           cmocka_unit_test(the_last_line_may_lack_its_end),
        cmocka_unit_test(what_follows_a_cut_line_is_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
