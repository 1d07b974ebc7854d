/* Guest bytes become valid UTF-8, whatever they are.
 * Changes when: the replacement rule changes. */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define BAD "\xef\xbf\xbd"

static void assert_becomes(const char *bytes, size_t length, const char *expected)
{
    struct bj_buf BJ_BUF out;
    bj__buf_init(&out, 4096);
    assert_int_equal(bj__utf8_add(&out, (const unsigned char *)bytes, length), 0);
    assert_string_equal(out.bytes ? (const char *)out.bytes : "", expected);
    assert_true(bj__utf8_valid(out.bytes, out.length));
}

static void valid_text_stays_as_it_is(void **state)
{
    assert_becomes("", 0, "");
    assert_becomes("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 11, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
}

static void what_is_not_utf8_is_replaced_byte_by_byte(void **state)
{
    assert_becomes("\xff", 1, BAD);
    assert_becomes("a\x80z", 3, "a" BAD "z");
    assert_becomes("\xc0\xaf", 2, BAD BAD);                 /* overlong slash */
    assert_becomes("\xe0\x80\xaf", 3, BAD BAD BAD);         /* overlong */
    assert_becomes("\xed\xa0\x80", 3, BAD BAD BAD);         /* surrogate */
    assert_becomes("\xf4\x90\x80\x80", 4, BAD BAD BAD BAD); /* beyond U+10FFFF */
    assert_becomes("\xe2\x82", 2, BAD BAD);                 /* cut short */
}

/* The last byte stands against an unreadable page: one byte read too many is a crash. */
static void nothing_is_read_beyond_the_end(void **state)
{
    long page = sysconf(_SC_PAGESIZE);
    unsigned char *map =
        mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + page, (size_t)page, PROT_NONE), 0);
    for (unsigned first = 0; first < 256; first++) {
        map[page - 1] = (unsigned char)first;
        (void)bj__utf8_valid(map + page - 1, 1);
        assert_int_equal(bj__utf8_length(map + page - 1, 1), first < 0x80 ? 1 : 0);
    }
    assert_int_equal(munmap(map, (size_t)page * 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_text_stays_as_it_is),
        cmocka_unit_test(what_is_not_utf8_is_replaced_byte_by_byte),
        cmocka_unit_test(nothing_is_read_beyond_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
