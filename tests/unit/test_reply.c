/* What a snippet tells: what is JSON, and what is a reply. One row for each way to lie.
 * Changes when: base/reply.h does. */
#include "base/json_scan.h"
#include "base/reply.h"
#include "supervise/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void json_is_what_python_writes(void **state)
{
    (void)state;
    static const char *const good[] = {"1",
                                       "-0.5e+10",
                                       "NaN",
                                       "-Infinity",
                                       "Infinity",
                                       "\"\"",
                                       "\"\\ud83d\\ude00\\n\"",
                                       "[]",
                                       " [1, {\"a\": null}] ",
                                       "{\"a\": true, \"a\": false}",
                                       "123456789012345678901234567890"};
    static const char *const bad[] = {"",
                                      " ",
                                      "nan",
                                      "01",
                                      "1.",
                                      ".5",
                                      "+1",
                                      "1e",
                                      "-",
                                      "[1,]",
                                      "[,]",
                                      "{\"a\"}",
                                      "{a: 1}",
                                      "{1: 2}",
                                      "\"",
                                      "\"\\x\"",
                                      "\"\\ud800\"",
                                      "\"\\ude00\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\n\"",
                                      "\"\xff\"",
                                      "1 2",
                                      "[1] x",
                                      "nullnull",
                                      "[1",
                                      "{\"a\": 1",
                                      "tru"};
    for (size_t i = 0; i < BJ_COUNT(good); i++)
        if (!bj__json_is_valid(good[i], strlen(good[i]), 8))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < BJ_COUNT(bad); i++)
        if (bj__json_is_valid(bad[i], strlen(bad[i]), 8))
            fail_msg("taken: %s", bad[i]);
    assert_false(bj__json_is_valid("1\0", 2, 8));
}

static void depth_is_bounded(void **state)
{
    (void)state;
    assert_true(bj__json_is_valid("[[[[1]]]]", 9, 4));
    assert_false(bj__json_is_valid("[[[[[1]]]]]", 11, 4));
    assert_true(bj__json_is_valid("[[[[]]], [[[]]]]", 16, 4));
}

struct part {
    uint32_t magic, kind, length;
    const char *text;
};
#define PART(kind, text)                                                                                       \
    {                                                                                                          \
        BJ_REPLY_MAGIC, kind, sizeof(text) - 1, text                                                           \
    }
#define END PART(BJ_REPLY_END, "")

static const char *parse(const struct part *parts, size_t count, struct bj_snippet_result *ret_snippet)
{
    BJ_BUF struct bj_buf reply;
    bool memory;
    bj__buf_init(&reply, 65536);
    for (size_t i = 0; i < count; i++) {
        const struct bj_reply_head head = {parts[i].magic, parts[i].kind, parts[i].length};
        assert_int_equal(bj__buf_add(&reply, &head, sizeof(head)), 0);
        assert_int_equal(bj__buf_add(&reply, parts[i].text, strlen(parts[i].text)), 0);
    }
    const char *why = bj__reply_parse(&reply, ret_snippet, &memory);
    assert_false(memory);
    return why;
}

static void release(struct bj_snippet_result *snippet)
{
    for (size_t i = 0; i < BJ_COUNT(snippet->parts); i++)
        free(snippet->parts[i]);
}

static void a_record_has_its_form(void **state)
{
    (void)state;
    static const char *const good[] = {"{\"steps\": [], \"truncated\": false}",
                                       "{\"steps\":[{}],\"truncated\":true}",
                                       " { \"steps\" : [ {\"a\": [1]} , {} ] , \"truncated\" : true } "};
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"steps\": []}",
        "{\"truncated\": true, \"steps\": []}",
        "{\"steps\": {}, \"truncated\": true}",
        "{\"steps\": [1], \"truncated\": true}",
        "{\"steps\": [{}, ], \"truncated\": true}",
        "{\"steps\": [{} {}], \"truncated\": true}",
        "{\"steps\": [{}], \"truncated\": 1}",
        "{\"steps\": [{}], \"truncated\": true, \"more\": 1}",
        "{\"steps\": [{}], \"steps\": [], \"truncated\": true}",
        "{\"steps\": [{\"\xff\": 1}], \"truncated\": true}",
        "{\"steps\": [{}], \"truncated\": true}}",
        "{\"steps\": [{\"a\": [[]]}], \"truncated\": true}",
        "{\"steps\": [{",
    };
    for (size_t i = 0; i < BJ_COUNT(good); i++)
        if (!bj__json_is_trace(good[i], strlen(good[i]), 4) || !bj__json_is_valid(good[i], strlen(good[i]), 4))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < BJ_COUNT(bad); i++)
        if (bj__json_is_trace(bad[i], strlen(bad[i]), 4))
            fail_msg("taken: %s", bad[i]);
    assert_false(bj__json_is_trace(good[0], strlen(good[0]), 1));
}

static void a_reply_is_taken_apart(void **state)
{
    (void)state;
    static const struct part parts[] = {
        PART(BJ_REPLY_VALUE, "[1, NaN]"),
        PART(BJ_REPLY_GLOBALS, "{\"x\": 1}"),
        PART(BJ_REPLY_EXCEPTION, "{\"type\": \"E\", \"message\": \"m\", \"traceback\": \"t\"}"),
        PART(BJ_REPLY_POLICY,
             "{\"denials\": [{\"what\": \"w\", \"count\": 1, \"feature\": \"\"}], \"names\": [\"x\"], "
             "\"printed\": null}"),
        PART(BJ_REPLY_TRACE, "{\"steps\": [{\"line\": 1}], \"truncated\": true}"),
        END};
    struct bj_snippet_result snippet;
    assert_null(parse(parts, BJ_COUNT(parts), &snippet));
    assert_string_equal(snippet.parts[BJ_REPLY_VALUE], "[1, NaN]");
    assert_string_equal(snippet.parts[BJ_REPLY_GLOBALS], "{\"x\": 1}");
    assert_non_null(snippet.parts[BJ_REPLY_EXCEPTION]);
    assert_non_null(snippet.parts[BJ_REPLY_POLICY]);
    assert_string_equal(snippet.parts[BJ_REPLY_TRACE], "{\"steps\": [{\"line\": 1}], \"truncated\": true}");
    release(&snippet);
}

static void lies_are_no_reply(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct part parts[4];
    } lies[] = {
        {"no end", {PART(BJ_REPLY_VALUE, "1")}},
        {"twice", {PART(BJ_REPLY_VALUE, "1"), PART(BJ_REPLY_VALUE, "2"), END}},
        {"out of order", {PART(BJ_REPLY_GLOBALS, "{}"), PART(BJ_REPLY_VALUE, "2"), END}},
        {"two replies", {PART(BJ_REPLY_VALUE, "1"), END, PART(BJ_REPLY_VALUE, "2"), END}},
        {"longer than it is", {{BJ_REPLY_MAGIC, BJ_REPLY_VALUE, 0xffffffff, "1"}}},
        {"another magic", {{1, BJ_REPLY_VALUE, 1, "1"}, END}},
        {"unknown kind", {PART(9, "1"), END}},
        {"kind 0", {PART(0, "1"), END}},
        {"no JSON", {PART(BJ_REPLY_VALUE, "{]"), END}},
        {"globals are no object", {PART(BJ_REPLY_GLOBALS, "[]"), END}},
        {"an exception of numbers",
         {PART(BJ_REPLY_EXCEPTION, "{\"type\": 1, \"message\": 2, \"traceback\": 3}"), END}},
        {"a policy that is no object", {PART(BJ_REPLY_POLICY, "[]"), END}},
        {"half of one", {PART(BJ_REPLY_POLICY, "{\"denials\": []}"), END}},
        {"names of numbers",
         {PART(BJ_REPLY_POLICY, "{\"denials\": [], \"names\": [1], \"printed\": null}"), END}},
        {"a denial of the kernel's",
         {PART(BJ_REPLY_POLICY,
               "{\"denials\": [{\"layer\": \"seccomp\", \"what\": \"w\", \"count\": 1, \"feature\": \"\"}], "
               "\"names\": null, \"printed\": null}"),
          END}},
        {"a denial that never was",
         {PART(BJ_REPLY_POLICY,
               "{\"denials\": [{\"what\": \"w\", \"count\": 0, \"feature\": \"\"}], \"names\": null, "
               "\"printed\": null}"),
          END}},
        {"a record that is none", {PART(BJ_REPLY_TRACE, "{}"), END}},
        {"a record before the exception",
         {PART(BJ_REPLY_TRACE, "{\"steps\": [], \"truncated\": true}"),
          PART(BJ_REPLY_EXCEPTION, "{\"type\": \"E\", \"message\": \"m\", \"traceback\": \"t\"}"), END}},
        {"an end with bytes", {PART(BJ_REPLY_END, "x")}},
    };
    for (size_t i = 0; i < BJ_COUNT(lies); i++) {
        struct bj_snippet_result snippet;
        size_t count = 0;
        while (count < 4 && lies[i].parts[count].text)
            count++;
        if (!parse(lies[i].parts, count, &snippet))
            fail_msg("taken: %s", lies[i].name);
        for (size_t k = 0; k < BJ_COUNT(snippet.parts); k++)
            assert_null(snippet.parts[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_what_python_writes), cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(a_record_has_its_form),      cmocka_unit_test(a_reply_is_taken_apart),
        cmocka_unit_test(lies_are_no_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
