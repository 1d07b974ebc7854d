/* JSON as it is written: what a reader of the usual kind reads from it.
 * Its own file because it is pure, and read by another library.
 * Changes when: another kind of value is written. */
#include "base/json_out.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static json_t *read_back(struct bj_json_out *out)
{
    char *text = bj__out_take(out);
    assert_non_null(text);
    json_t *value = json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (!value)
        fail_msg("is no JSON: %s", text);
    free(text);
    return value;
}

static void every_kind_comes_back(void **state)
{
    struct bj_json_out out;
    (void)state;
    bj__out_init(&out);
    bj__out_open(&out, NULL, '{');
    bj__out_open(&out, "empty", '[');
    bj__out_close(&out, ']');
    bj__out_open(&out, "nested", '[');
    for (uint64_t n = 0; n < 3; n++) {
        bj__out_open(&out, NULL, '{');
        bj__out_number(&out, "n", n);
        bj__out_bool(&out, "odd", n % 2);
        bj__out_close(&out, '}');
    }
    bj__out_close(&out, ']');
    bj__out_number(&out, "large", INT64_MAX);
    bj__out_seconds(&out, "seconds", 1000011);
    bj__out_string(&out, "null", NULL);
    bj__out_string(&out, "text", "a \"b\"\\\n");
    bj__out_json(&out, "told", "{\"x\": [1, 2]}");
    bj__out_close(&out, '}');
    json_t *expected =
        json_pack("{s:[], s:[{s:i, s:b}, {s:i, s:b}, {s:i, s:b}], s:I, s:f, s:n, s:s, s:{s:[i, i]}}", "empty",
                  "nested", "n", 0, "odd", 0, "n", 1, "odd", 1, "n", 2, "odd", 0, "large",
                  (json_int_t)INT64_MAX, "seconds", 1.000011, "null", "text", "a \"b\"\\\n", "told", "x", 1, 2);
    json_t *found = read_back(&out);
    assert_non_null(expected);
    assert_true(json_equal(found, expected));
    json_decref(found);
    json_decref(expected);
}

static void every_byte_of_a_text_comes_back(void **state)
{
    char bytes[128];
    struct bj_json_out out;
    (void)state;
    for (int n = 0; n < 128; n++)
        bytes[n] = (char)n;
    bj__out_init(&out);
    bj__out_text(&out, NULL, bytes, sizeof(bytes));
    json_t *found = read_back(&out);
    assert_int_equal(json_string_length(found), sizeof(bytes));
    assert_memory_equal(json_string_value(found), bytes, sizeof(bytes));
    json_decref(found);
}

static void depth_is_indented(void **state)
{
    struct bj_json_out out;
    (void)state;
    bj__out_init(&out);
    for (int n = 0; n < 20; n++)
        bj__out_open(&out, NULL, '[');
    bj__out_number(&out, NULL, 7);
    for (int n = 0; n < 20; n++)
        bj__out_close(&out, ']');
    char *text = bj__out_take(&out);
    assert_non_null(text);
    assert_non_null(strstr(text, "\n                                        7\n"));
    free(text);
}

static void what_is_lacking_is_told(void **state)
{
    struct bj_json_out out;
    (void)state;
    bj__out_init(&out);
    out.buf.maximum = 16;
    bj__out_open(&out, NULL, '[');
    bj__out_string(&out, NULL, "longer than there is room for");
    bj__out_close(&out, ']');
    assert_null(bj__out_take(&out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back),
        cmocka_unit_test(every_byte_of_a_text_comes_back),
        cmocka_unit_test(depth_is_indented),
        cmocka_unit_test(what_is_lacking_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
