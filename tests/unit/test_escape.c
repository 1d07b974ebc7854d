/* What a guest's bytes become on the way to a terminal.
 * Its own file because one subject has one test executable.
 * Changes when: another character turns out to be able to drive a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/escape.h"

/* Fed whole, and byte by byte: a sequence may be cut anywhere between two reads. */
static void becomes(const char *bytes, size_t length, const char *expected)
{
    for (size_t step = 1; step <= length; step = step == 1 && length > 1 ? length : length + 1) {
        struct escape escape = {0};
        BJ_BUF struct bj_buf out;
        bj__buf_init(&out, 4096);
        for (size_t at = 0; at < length; at += step)
            assert_int_equal(bj__escape_add(&escape, &out, bytes + at, step < length - at ? step : length - at),
                             0);
        assert_int_equal(bj__escape_end(&escape, &out), 0);
        assert_string_equal((const char *)out.bytes, expected);
    }
}
#define BECOMES(bytes, expected) becomes(bytes, sizeof(bytes) - 1, expected)

static void plain_text_passes(void **state)
{
    BECOMES("plain\ttext\r\n", "plain\ttext\r\n");
    BECOMES("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\x8d", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\x8d");
}

static void control_characters_are_shown(void **state)
{
    BECOMES("\033[31mred", "\\x1b[31mred");
    BECOMES("\033]0;title\007", "\\x1b]0;title\\x07");
    BECOMES("a\bb\177c\014", "a\\x08b\\x7fc\\x0c");
    BECOMES("\0", "\\x00");
}

static void c1_controls_are_shown(void **state)
{
    BECOMES("\xc2\x9b"
            "31m",
            "\\xc2\\x9b31m");
    BECOMES("\x9b"
            "31m",
            "\\x9b31m");
}

static void direction_overrides_are_shown(void **state)
{
    BECOMES("\xe2\x80\xae"
            "x",
            "\\xe2\\x80\\xaex");
    BECOMES("\xe2\x81\xa6", "\\xe2\\x81\\xa6");
}

static void what_is_not_utf8_is_shown(void **state)
{
    BECOMES("\xff\xfe", "\\xff\\xfe");
    BECOMES("\xc0\x9b", "\\xc0\\x9b");                   /* overlong ESC-like */
    BECOMES("\xe0\x80\x9b", "\\xe0\\x80\\x9b");          /* overlong */
    BECOMES("\xf0\x80\x80\x8a", "\\xf0\\x80\\x80\\x8a"); /* overlong newline (a fuzzer found it) */
    BECOMES("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* surrogate */
    BECOMES("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond U+10FFFF */
    BECOMES("\xe2\x82", "\\xe2\\x82");                   /* cut short by the end */
    BECOMES("\xe2\x82\033[m", "\\xe2\\x82\\x1b[m");      /* cut short by an escape */
    BECOMES("\xe2\xc3\xa4", "\\xe2\xc3\xa4");            /* cut short by another sequence */
}

static void the_maximum_holds(void **state)
{
    struct escape escape = {0};
    BJ_BUF struct bj_buf out;

    bj__buf_init(&out, 7);
    assert_int_equal(bj__escape_add(&escape, &out, "\033\033", 2), -ENOBUFS);
    assert_true(out.length <= 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_passes),         cmocka_unit_test(control_characters_are_shown),
        cmocka_unit_test(c1_controls_are_shown),     cmocka_unit_test(direction_overrides_are_shown),
        cmocka_unit_test(what_is_not_utf8_is_shown), cmocka_unit_test(the_maximum_holds),
    };
    return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
