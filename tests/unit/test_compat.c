/* What the interfaces of other services read: payloads of codejail's clients, versions of Piston's.
 * Changes when: one of them reads something else. */
#include "base/json_scan.h"
#include "server/compat/payload.h"
#include "server/compat/repr.h"
#include "server/compat/semver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void payloads_are_judged_as_by_their_service(void **state)
{
    static const char schema[] = "Payload JSON did not match schema at path $";
    static const struct {
        const char *text, *message; /* NULL: good */
        const char *begin;          /* of the message, before it */
    } rows[] = {
        {"{\"code\": \"x\", \"globals_dict\": {}}", NULL, ""},
        {" {\"globals_dict\": {\"a\": [NaN, -Infinity]}, \"c\\u006fde\": \"\", \"slug\": null, \"other\": "
         "NaN} ",
         NULL, ""},
        {"{\"code\": \"\", \"globals_dict\": {}, \"python_path\": null, \"limit_overrides_context\": \"c\", "
         "\"unsafely\": false}",
         NULL, ""},
        {"Not JSON", "Unable to parse payload JSON: Expecting value: line 1 column 1 (char 0)", ""},
        {"", "Unable to parse payload JSON: Expecting value: line 1 column 1 (char 0)", ""},
        {"{\"a\": 1,\n \"\xc3\xa9\": x}",
         "Unable to parse payload JSON: Expecting value: line 2 column 7 (char 15)", ""},
        {"{}", ": 'code' is a required property", schema},
        {"{\"code\": 5}", ": 'globals_dict' is a required property", schema},
        {"[1]", ": [1] is not of type 'object'", schema},
        {"{\"code\": 5, \"globals_dict\": {}}", ".code: 5 is not of type 'string'", schema},
        {"{\"code\": null, \"globals_dict\": {}}", ".code: None is not of type 'string'", schema},
        {"{\"code\": \"\", \"globals_dict\": \"x\"}", ".globals_dict: 'x' is not of type 'object'", schema},
        {"{\"code\": \"\", \"globals_dict\": {}, \"slug\": NaN}",
         ".slug: NaN is not valid under any of the given schemas", schema},
        {"{\"code\": \"\", \"globals_dict\": {}, \"unsafely\": 1}", ".unsafely: 1 is not of type 'boolean'",
         schema},
        {"{\"code\": \"\", \"globals_dict\": {}, \"code\": \"\"}",
         "Unable to parse payload JSON: code is there twice", ""},
    };
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        BJ_PAYLOAD struct bj_payload payload = {0};
        BJ_BUF struct bj_buf message;
        bj__buf_init(&message, 1024);
        int r = bj__payload_read(rows[n].text, strlen(rows[n].text), &payload, &message);
        const char *said = message.length ? (const char *)message.bytes : "";
        size_t begin = strlen(rows[n].begin);
        if ((r == 0) != !rows[n].message || (rows[n].message && (strncmp(said, rows[n].begin, begin) != 0 ||
                                                                 strcmp(said + begin, rows[n].message) != 0)))
            fail_msg("row %zu: %d: %s", n, r, said);
        assert_true(r < 0 || payload.globals[0] == '{');
    }
}

static void variables_stay_as_they_stand(void **state)
{
    static const char text[] = "{\"globals_dict\" : {\"a\": NaN, \"b\":[1.0,  \"}\"]} ,\"code\":\"c\"}";
    BJ_PAYLOAD struct bj_payload payload = {0};
    BJ_BUF struct bj_buf message;
    bj__buf_init(&message, 1024);
    assert_int_equal(bj__payload_read(text, sizeof(text) - 1, &payload, &message), 0);
    assert_int_equal(payload.globals_length, strlen("{\"a\": NaN, \"b\":[1.0,  \"}\"]}"));
    assert_memory_equal(payload.globals, "{\"a\": NaN, \"b\":[1.0,  \"}\"]}", payload.globals_length);
}

static void bytes_are_shown_as_by_python(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *shown;
    } rows[] = {{"", 0, "b''"},
                {"a\n\t\r\\", 5, "b'a\\n\\t\\r\\\\'"},
                {"it's", 4, "b\"it's\""},
                {"'\"", 2, "b'\\'\"'"},
                {"\0\x7f\xff", 3, "b'\\x00\\x7f\\xff'"}};
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        BJ_BUF struct bj_buf shown;
        bj__buf_init(&shown, 100);
        assert_int_equal(bj__payload_show_bytes(&shown, rows[n].bytes, rows[n].length), 0);
        assert_string_equal((const char *)shown.bytes, rows[n].shown);
    }
}

static void json_is_shown_as_by_python(void **state)
{
    BJ_BUF struct bj_buf shown;
    json_t *value = json_loads("{\"a\": [true, null, 1, 1.5, \"it's\\n\"], \"b\": {}}", 0, NULL);
    bj__buf_init(&shown, 100);
    bj__repr(&shown, value);
    json_decref(value);
    assert_string_equal((const char *)shown.bytes, "{'a': [True, None, 1, 1.5, \"it's\\n\"], 'b': {}}");
}

static void versions_are_selected_as_by_npm(void **state)
{
    static const struct {
        const char *version, *selector;
        bool matches;
    } rows[] = {
        {"3.11.2", "*", true},         {"3.11.2", "", true},
        {"3.11.2", "x", true},         {"3.11.2", "3", true},
        {"3.11.2", "3.x", true},       {"3.11.2", "3.11", true},
        {"3.11.2", "3.11.*", true},    {"3.11.2", "3.11.2", true},
        {"3.11.2", "v3.11.2", true},   {"3.11.2", "=3.11.2", true},
        {"3.11.2", "3.10", false},     {"3.11.2", "3.11.3", false},
        {"3.11.2", "^3.10.0", true},   {"3.11.2", "^3.12", false},
        {"3.11.2", "^2.0.0", false},   {"4.0.0", "^3.10", false},
        {"0.2.5", "^0.2.3", true},     {"0.3.0", "^0.2.3", false},
        {"0.0.4", "^0.0.3", false},    {"0.9.0", "^0", true},
        {"3.11.2", "~3.11.0", true},   {"3.11.2", "~3.10", false},
        {"3.11.2", "~3", true},        {"3.11.2", ">=3.0 <4", true},
        {"3.11.2", ">3", false},       {"3.11.2", "> 3.10", true},
        {"3.11.2", "<3.11.2", false},  {"3.11.2", "<=3.11.2", true},
        {"3.11.2", "<=3", true},       {"3.11.2", "<*", false},
        {"3.11.2", "2 || 3", true},    {"3.11.2", "2 || 4.x", false},
        {"3.11.2", "||", true},        {"3.11.2", "3.11.2-rc1", false},
        {"3.11.2", "three", false},    {"3.11.2", "3.", false},
        {"3.11.2", "3.11.2.1", false}, {"3.11.2", "99999999999999999999", false},
        {"3.11.2", "3 || x y", false},
    };
    for (size_t n = 0; n < BJ_COUNT(rows); n++)
        if (bj__semver_matches(rows[n].version, rows[n].selector) != rows[n].matches)
            fail_msg("%s %s", rows[n].version, rows[n].selector);
}

static void versions_are_found_in_what_programs_say(void **state)
{
    static const char *const rows[][2] = {
        {"Python 3.11.2\n", "3.11.2"},
        {"12.2.0\n", "12.2.0"},
        {"v20.20.2\n", "20.20.2"},
        {"GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)\n", "5.2.15"},
        {"14\n", "14.0.0"},
        {"9.4", "9.4.0"}};
    char version[32];
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        assert_true(bj__semver_find(rows[n][0], strlen(rows[n][0]), version));
        assert_string_equal(version, rows[n][1]);
    }
    assert_false(bj__semver_find("none", 4, version));
}

static void members_are_found_in_order(void **state)
{
    static const char text[] = " { \"a\" : [1, {\"b\": 2}] , \"a\":\"}\" } ";
    struct bj_json_members object = {.text = text, .length = sizeof(text) - 1};
    struct bj_json_member member;
    assert_int_equal(bj__json_next_member(&object, 8, &member), 1);
    assert_memory_equal(member.name, "\"a\"", member.name_length);
    assert_memory_equal(member.value, "[1, {\"b\": 2}]", member.value_length);
    assert_int_equal(bj__json_next_member(&object, 8, &member), 1);
    assert_memory_equal(member.value, "\"}\"", member.value_length);
    assert_int_equal(bj__json_next_member(&object, 8, &member), 0);
    static const char *const bad[] = {"",          "[]",           "{",
                                      "{\"a\"}",   "{\"a\":1",     "{\"a\":1,}",
                                      "{,}",       "{\"a\":1}x",   "{\"a\":[[1]]}",
                                      "{\"a\" 1}", "{\"\xff\":1}", "{\"a\":1 \"b\":2}"};
    for (size_t n = 0; n < BJ_COUNT(bad); n++) {
        int r;
        object = (struct bj_json_members){.text = bad[n], .length = strlen(bad[n])};
        while ((r = bj__json_next_member(&object, 2, &member)) > 0)
            ;
        if (r != -EBADMSG)
            fail_msg("%s", bad[n]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(payloads_are_judged_as_by_their_service),
                                       cmocka_unit_test(variables_stay_as_they_stand),
                                       cmocka_unit_test(bytes_are_shown_as_by_python),
                                       cmocka_unit_test(json_is_shown_as_by_python),
                                       cmocka_unit_test(versions_are_selected_as_by_npm),
                                       cmocka_unit_test(versions_are_found_in_what_programs_say),
                                       cmocka_unit_test(members_are_found_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
