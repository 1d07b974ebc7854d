/* Id ranges, id maps and kernel versions, fed with texts.
 * Its own file because a wrong range gives two runs one id.
 * Changes when: the syntax of BELLJAR_ID_RANGE or the number of ids of a run changes. */
#include "host/id_range.h"
#include "host/kernel.h"

#include <setjmp.h>

#include <cmocka.h>

static int parse_range(const char *text, uint64_t pid_max, struct bj_error *err)
{
    uint32_t first = 7, count = 7;
    int r = bj__id_range_parse(text, pid_max, &first, &count, err);
    if (r < 0)
        assert_true(first == 7 && count == 7); /* outputs are untouched on failure */
    return r;
}

static void test_id_ranges(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      ":",
                                      "1",
                                      "70000",
                                      "70000:",
                                      ":70000",
                                      "-1:70000",
                                      " 70000:70000",
                                      "70000:70000 ",
                                      "0x20000:70000",
                                      "7e4:7e4",
                                      "65535:70000",
                                      "70000:65535",
                                      "4294967295:1",
                                      "4294901760:65536",
                                      "70000:18446744073709551616",
                                      "70000:4294967295"};
    struct bj_error err;
    uint32_t first, count;
    for (size_t i = 0; i < BJ_COUNT(bad); i++) {
        assert_true(parse_range(bad[i], 32768, &err) < 0);
        assert_string_equal(err.field, "BELLJAR_ID_RANGE");
    }
    assert_int_equal(bj__id_range_parse("65536:65536", 32768, &first, &count, &err), 0);
    assert_true(first == 65536 && count == 65536);
    assert_int_equal(parse_range("65536:65536", 32769, &err), -EINVAL);
    assert_non_null(strstr(err.message, "kernel.pid_max"));
    assert_int_equal(parse_range("4294901759:65536", 32768, &err), 0); /* the last id is 4294967294 */
    assert_int_equal(parse_range(NULL, BJ_PID_MAX_LIMIT, &err), 0);
}

static void test_id_maps(void **state)
{
    (void)state;
    assert_true(bj__id_range_mapped("         0          0 4294967295\n", 1610612736, 16777216));
    assert_false(bj__id_range_mapped("         0       1000          1\n", 1610612736, 16777216));
    assert_true(bj__id_range_mapped("0 1000 1\n100000 200000 65536\n", 100000, 65536));
    assert_false(bj__id_range_mapped("0 1000 1\n100000 200000 65536\n", 100000, 65537));
    assert_false(bj__id_range_mapped("0 1000 1\n100000 200000 65536\n", 99999, 65536));
    /* two extents that meet are not one */
    assert_false(bj__id_range_mapped("100000 1 10\n100010 11 10\n", 100000, 20));
    assert_false(bj__id_range_mapped("", 100000, 1));
    assert_false(bj__id_range_mapped("0 0 99999999999999999999\n", 100000, 1));
    assert_false(
        bj__id_range_mapped("0 0 x\n0 0 4294967295\n", 100000, 1)); /* not a map: nothing is believed */
}

static void test_kernel_versions(void **state)
{
    (void)state;
    assert_int_equal(bj__kernel_version("6.18.44-fc-v769"), KERNEL_VERSION(6, 18, 44));
    assert_int_equal(bj__kernel_version("5.4"), KERNEL_VERSION(5, 4, 0));
    assert_int_equal(bj__kernel_version("6.1-rc3"), KERNEL_VERSION(6, 1, 0));
    assert_int_equal(bj__kernel_version("4.9.337"), KERNEL_VERSION(4, 9, 255));
    assert_int_equal(bj__kernel_version(""), 0);
    assert_int_equal(bj__kernel_version("x"), 0);
    assert_int_equal(bj__kernel_version("5.4.0.1.2"), KERNEL_VERSION(5, 4, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id_ranges),
        cmocka_unit_test(test_id_maps),
        cmocka_unit_test(test_kernel_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
