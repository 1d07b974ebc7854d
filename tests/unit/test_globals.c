/* Variables that callers give as text: as Python writes JSON, put together by their names.
 * Its own file because the values never become a tree here, and must arrive as they were written.
 * Changes when: what callers may give as variables does. */
#include "spec/globals.h"
#include "spec_help.h"

static void joined(const char *before, const char *added, const char *wanted)
{
    struct bj_error err = {0};
    BJ_BUF struct bj_buf text;
    bj__buf_init(&text, 1000);
    if (bj__globals_join(before, added, "globals", &text, &err) != 0)
        fail_msg("%s: %s", added, err.message);
    assert_string_equal((const char *)text.bytes, wanted);
}

static void test_values_stay_as_they_are_written(void **state)
{
    joined(NULL, " { } ", "{}");
    joined(NULL, "{\"x\": NaN, \"y\": [Infinity, -Infinity, 1e400, \"\\u0000\"]}",
           "{\"x\":NaN,\"y\":[Infinity, -Infinity, 1e400, \"\\u0000\"]}");
    joined("{\"a\":NaN,\"b\":1}", "{\"\\u0062\" : {\"c\": 2} }", "{\"a\":NaN,\"b\":{\"c\": 2}}");
    joined("{\"q\\\"\":1}", "{\"c\":2}", "{\"q\\\"\":1,\"c\":2}");
}

static void test_what_is_no_object_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "[1]",
                                      "{\"x\": nan}",
                                      "{\"x\": 1,}",
                                      "{\"x\": 1} 2",
                                      "{\"x\": 1, \"\\u0078\": 2}",
                                      "{\"a\\u0000\": 1}",
                                      "{\"x\": \"\xff\"}"};
    for (size_t n = 0; n < BJ_COUNT(bad); n++) {
        struct bj_error err = {0};
        BJ_BUF struct bj_buf text;
        bj__buf_init(&text, 1000);
        assert_int_equal(bj__globals_join("{\"a\":1}", bad[n], "globals", &text, &err), -EINVAL);
        assert_string_equal(err.field, "globals");
        assert_non_null(strstr(err.message, "write {\"name\": value}"));
    }
}

static void test_a_maximum_is_named(void **state)
{
    struct bj_error err = {0};
    BJ_BUF struct bj_buf text;
    bj__buf_init(&text, 10);
    assert_int_equal(bj__globals_join("{\"a\":1}", "{\"b\":1234567}", "globals", &text, &err), -E2BIG);
    assert_non_null(strstr(err.message, "more than 10 bytes"));
}

static void test_a_spec_with_them_is_not_printed_as_json(void **state)
{
    struct bj_spec *spec = good_profile("{}");
    assert_int_equal(bj_spec_add_globals(spec, "{\"x\": NaN}", NULL), 0);
    assert_string_equal(spec->globals, "{\"x\":NaN}");
    assert_null(bj_spec_json(spec));
    bj_spec_free(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_stay_as_they_are_written),
        cmocka_unit_test(test_what_is_no_object_is_refused),
        cmocka_unit_test(test_a_maximum_is_named),
        cmocka_unit_test(test_a_spec_with_them_is_not_printed_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
