/* Sizes and durations of the command line: what is accepted, what is refused, and nothing in between.
 * Its own file because one subject has one test executable.
 * Changes when: another unit is accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "cli/units.h"

static void size_is(const char *text, uint64_t expected)
{
    uint64_t value = 0;

    assert_int_equal(bj__units_size(text, &value), 0);
    assert_int_equal(value, expected);
}

static void duration_is(const char *text, uint64_t expected_us)
{
    uint64_t value = 0;

    assert_int_equal(bj__units_duration(text, &value), 0);
    assert_int_equal(value, expected_us);
}

static void sizes_are_1024_based(void **state)
{
    size_is("0", 0);
    size_is("4096", 4096);
    size_is("1K", 1024);
    size_is("1k", 1024);
    size_is("1KiB", 1024);
    size_is("64M", 64ull << 20);
    size_is("64MiB", 64ull << 20);
    size_is("2G", 2ull << 30);
    size_is("1T", 1ull << 40);
    size_is("18446744073709551615", UINT64_MAX);
}

static void odd_sizes_are_refused(void **state)
{
    static const char *const odd[] = {"",    " ",   "K",    "12Q",   "12 K", " 12",  "12K ",
                                      "+1",  "-1",  "1.5G", "0x10",  "64KB", "64MB", "1kib",
                                      "1Ki", "1KK", "1e3",  "1,000", "M64",  "\n1"};

    for (size_t i = 0; i < BJ_COUNT(odd); i++) {
        uint64_t value = 77;
        assert_int_equal(bj__units_size(odd[i], &value), -EINVAL);
        assert_int_equal(value, 77);
    }
}

static void sizes_do_not_overflow(void **state)
{
    static const char *const large[] = {"18446744073709551616", "99999999999999999999999", "16777216T",
                                        "18014398509481984K"};
    uint64_t value = 77;

    for (size_t i = 0; i < BJ_COUNT(large); i++)
        assert_int_equal(bj__units_size(large[i], &value), -ERANGE);
    assert_int_equal(value, 77);
    size_is("16777215T", UINT64_MAX - (1ull << 40) + 1);
}

static void durations_take_fractions_and_units(void **state)
{
    duration_is("0", 0);
    duration_is("2", 2000000);
    duration_is("0.5", 500000);
    duration_is("1.000001", 1000001);
    duration_is("1.5s", 1500000);
    duration_is("250ms", 250000);
    duration_is("0.25ms", 250);
    duration_is("90us", 90);
    duration_is("2m", 120000000);
    duration_is("1.5m", 90000000);
    duration_is("1h", 3600000000ull);
}

static void odd_durations_are_refused(void **state)
{
    static const char *const odd[] = {"",    ".5",  "1.",  "-1",    "+1",  "1 s",   "s",           "1:30",
                                      "1e1", "nan", "inf", "1..5",  "1,5", "0.5us", "0.0000001",   "1sec",
                                      "1M",  "1d",  "0x1", "1.5.5", " 1",  "1 ",    "0.1234567890"};

    for (size_t i = 0; i < BJ_COUNT(odd); i++) {
        uint64_t value = 77;
        assert_int_equal(bj__units_duration(odd[i], &value), -EINVAL);
        assert_int_equal(value, 77);
    }
}

static void durations_do_not_overflow(void **state)
{
    uint64_t value = 77;

    assert_int_equal(bj__units_duration("18446744073709551615", &value), -ERANGE);
    assert_int_equal(bj__units_duration("18446744073710", &value), -ERANGE);
    assert_int_equal(bj__units_duration("99999999999999999999h", &value), -ERANGE);
    assert_int_equal(bj__units_duration("5124095577h", &value), -ERANGE);
    assert_int_equal(value, 77);
    duration_is("18446744073709.551615", UINT64_MAX);
    assert_int_equal(bj__units_duration("18446744073709.551616", &value), -ERANGE);
}

static void counts_are_plain_numbers(void **state)
{
    static const char *const odd[] = {"", "1K", "-1", "+1", "1.0", " 1", "1 ", "ten"};
    uint64_t value = 77;

    for (size_t i = 0; i < BJ_COUNT(odd); i++)
        assert_int_equal(bj__units_count(odd[i], &value), -EINVAL);
    assert_int_equal(bj__units_count("18446744073709551616", &value), -ERANGE);
    assert_int_equal(value, 77);
    assert_int_equal(bj__units_count("0064", &value), 0);
    assert_int_equal(value, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_1024_based),      cmocka_unit_test(odd_sizes_are_refused),
        cmocka_unit_test(sizes_do_not_overflow),     cmocka_unit_test(durations_take_fractions_and_units),
        cmocka_unit_test(odd_durations_are_refused), cmocka_unit_test(durations_do_not_overflow),
        cmocka_unit_test(counts_are_plain_numbers),
    };
    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
