/* Lines of the log: ours, and those that a front sent, whatever it sent.
 * Its own file because a log that can be forged is none.
 * Changes when: a line can hold something more. */
#include "server/generation.h"
#include "server/log_line.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* One message each: what was written. */
struct world {
    int ends[2];
    struct bj_log log;
    char text[BJ_LOG_MAX + 2];
};

static int open_world(struct world *world, const char *process)
{
    int r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, world->ends);
    bj__log_init(&world->log, world->ends[0], process);
    return r;
}

static json_t *received(struct world *world)
{
    ssize_t n = recv(world->ends[1], world->text, sizeof(world->text) - 1, MSG_DONTWAIT);
    assert_true(n > 0 && (size_t)n <= BJ_LOG_MAX);
    world->text[n] = 0;
    json_t *root = json_loadb(world->text, (size_t)n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (!root)
        fail_msg("no line: %s", world->text);
    for (char *c = world->text; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
            assert_true(*c == '\n' && !c[1]);
    return root;
}

static void close_world(struct world *world)
{
    (void)close(world->ends[0]);
    (void)close(world->ends[1]);
}

static const char *text_of(const json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(root, key));
    return text ? text : "";
}

static void writes_one_object(void **state)
{
    (void)state;
    struct world world;
    struct bj_log_line line;
    assert_int_equal(open_world(&world, "keeper"), 0);
    bj__log_begin(&line, &world.log, BJ_LOG_WARNING, "thing");
    bj__log_text(&line, "a", "x\"\\\n\x1b[0m\x7f \xc3\xa4\xf0\x9f\x92\xa9\xff\xc0\x80\xed\xa0\x80");
    bj__log_text(&line, "none", NULL);
    bj__log_number(&line, "b", -5);
    bj__log_real(&line, "c", 0.5);
    bj__log_flag(&line, "d", true);
    bj__log_end(&world.log, &line);
    json_t *root = received(&world);
    assert_string_equal(text_of(root, "level"), "warning");
    assert_string_equal(text_of(root, "process"), "keeper");
    assert_int_equal(strlen(text_of(root, "time")), 27);
    assert_string_equal(text_of(root, "a"),
                        "x\"\\\n\x1b[0m\x7f \xc3\xa4\xf0\x9f\x92\xa9"
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_int_equal(json_integer_value(json_object_get(root, "b")), -5);
    assert_true(json_is_true(json_object_get(root, "d")));
    assert_null(json_object_get(root, "none"));
    assert_null(json_object_get(root, "cut"));
    json_decref(root);
    close_world(&world);
}

static void cuts_what_does_not_fit(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "\"", "\x01", "\xf0\x9f\x92\xa9"};
    for (size_t n = 0; n < BJ_COUNT(units); n++) {
        struct world world;
        struct bj_log_line line;
        static char many[9000];
        memset(many, 0, sizeof(many));
        for (size_t at = 0; at + 4 < sizeof(many); at += strlen(units[n]))
            memcpy(many + at, units[n], strlen(units[n]));
        assert_int_equal(open_world(&world, NULL), 0);
        bj__log_begin(&line, &world.log, BJ_LOG_INFO, "long");
        bj__log_text(&line, "a", many);
        bj__log_number(&line, "lost", 1);
        bj__log_end(&world.log, &line);
        json_t *root = received(&world);
        assert_true(json_is_true(json_object_get(root, "cut")));
        assert_null(json_object_get(root, "lost"));
        assert_true(strlen(text_of(root, "a")) > 600);
        json_decref(root);
        close_world(&world);
    }
}

static void never_waits_and_tells_of_it(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(open_world(&world, NULL), 0);
    while (!world.log.dropped)
        bj__log_say(&world.log, BJ_LOG_INFO, "flood", "%0512d", 0);
    bj__log_say(&world.log, BJ_LOG_INFO, "flood", "more");
    assert_int_equal(world.log.dropped, 2);
    while (recv(world.ends[1], world.text, sizeof(world.text), MSG_DONTWAIT) > 0)
        continue;
    bj__log_say(&world.log, BJ_LOG_INFO, "after", "it");
    json_t *root = received(&world);
    assert_string_equal(text_of(root, "event"), "log_dropped");
    assert_int_equal(json_integer_value(json_object_get(root, "lines")), 2);
    json_decref(root);
    root = received(&world);
    assert_string_equal(text_of(root, "event"), "after");
    json_decref(root);
    close_world(&world);
}

/* What the keeper makes of a message. */
static json_t *rewritten(const char *bytes, size_t length, int expected, struct bj_log_heard *heard)
{
    struct world world;
    struct bj_log_line line;
    assert_int_equal(open_world(&world, "front"), 0);
    int r = bj__log_rewrite(&world.log, bytes, length, &line, heard);
    bj__log_end(&world.log, &line);
    json_t *root = received(&world);
    if (r != expected)
        fail_msg("%.*s: %d", (int)length, bytes, r);
    assert_string_equal(text_of(root, "process"), "front");
    assert_int_equal(strlen(text_of(root, "time")), 27);
    close_world(&world);
    return root;
}

static void takes_good_lines(void **state)
{
    (void)state;
    struct bj_log_heard heard;
    const char request[] =
        "{\"event\":\"request\",\"level\":\"debug\",\"status\":200,\"seconds\":0.25,\"ok\":true,"
        "\"path\":\"/v1/\\u00e4\\u0000\\u001b\"}";
    json_t *root = rewritten(request, sizeof(request) - 1, 0, &heard);
    assert_string_equal(text_of(root, "event"), "request");
    assert_string_equal(text_of(root, "level"), "debug");
    assert_int_equal(json_integer_value(json_object_get(root, "status")), 200);
    assert_true(json_is_true(json_object_get(root, "ok")));
    assert_int_equal(json_string_length(json_object_get(root, "path")), 8);
    json_decref(root);
    const char test[] = "{\"event\":\"self_test\",\"ok\":true,\"text\":\"python: held\\nsh: held\"}";
    root = rewritten(test, sizeof(test) - 1, 0, &heard);
    assert_string_equal(heard.event, "self_test");
    assert_true(heard.ok);
    assert_string_equal(heard.text, "python: held\nsh: held");
    json_decref(root);
}

static void refuses_what_forges(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        " ",
        "{}",
        "[]",
        "{\"event\":\"ready\"",
        "{\"event\":\"ready\"}{\"event\":\"ready\"}",
        "{\"event\":\"ready\"}\n{\"time\":\"0\",\"process\":\"keeper\",\"event\":\"x\"}",
        "{\"event\":\"ready\",\"event\":\"ready\"}",
        "{\"event\":\"ready\",\"time\":\"2000-01-01T00:00:00.000000Z\"}",
        "{\"event\":\"ready\",\"process\":\"keeper\"}",
        "{\"event\":\"ready\",\"level\":\"fatal\"}",
        "{\"event\":\"ready\",\"level\":3}",
        "{\"event\":\"ready\",\"a\":null}",
        "{\"event\":\"ready\",\"a\":{}}",
        "{\"event\":\"ready\",\"a\":[1]}",
        "{\"event\":\"ready\",\"A\":1}",
        "{\"event\":\"ready\",\"\":1}",
        "{\"event\":\"ready\",\"a\\\"b\":1}",
        "{\"event\":\"rea dy\"}",
        "{\"event\":\"ready\\u0000\"}",
        "{\"event\":\"\"}",
        "{\"event\":7}",
        "{\"level\":\"info\"}",
        "{\"event\":\"ready\",\"a\":1e999}",
        "==12345==ERROR: AddressSanitizer: heap-use-after-free\n    #0 0x1234",
        "\xff\xfe\x1b]0;title\x07",
    };
    for (size_t n = 0; n < BJ_COUNT(lines); n++) {
        struct bj_log_heard heard;
        json_t *root = rewritten(lines[n], strlen(lines[n]), -EBADMSG, &heard);
        assert_string_equal(text_of(root, "event"), "front_said");
        assert_string_equal(heard.event, "front_said");
        assert_int_equal(json_object_size(root), 5);
        json_decref(root);
    }
    char deep[BJ_LOG_MAX];
    struct bj_log_heard heard;
    memset(deep, '[', sizeof(deep));
    json_t *root = rewritten(deep, sizeof(deep), -EBADMSG, &heard);
    json_decref(root);
}

/* A line of the largest size whose every byte becomes six. */
static void grows_no_line(void **state)
{
    (void)state;
    char bytes[BJ_LOG_MAX];
    struct bj_log_heard heard;
    memset(bytes, 0x7f, sizeof(bytes));
    memcpy(bytes, "{\"event\":\"a\",\"b\":\"", 18);
    memcpy(bytes + sizeof(bytes) - 2, "\"}", 2);
    json_t *root = rewritten(bytes, sizeof(bytes), 0, &heard);
    assert_true(json_is_true(json_object_get(root, "cut")));
    json_decref(root);
    const char cut[] = "{\"event\":\"a\",\"cut\":true,\"b\":1}";
    root = rewritten(cut, sizeof(cut) - 1, 0, &heard);
    assert_true(json_is_true(json_object_get(root, "cut")));
    json_decref(root);
}

static void lets_so_many_through(void **state)
{
    (void)state;
    struct bj_log_gate gate;
    uint64_t refused;
    uint64_t passed = 0;
    bj__log_gate_init(&gate, 1000);
    for (unsigned n = 0; n < 3 * BJ_LOG_GATE_BURST; n++)
        passed += bj__log_gate_pass(&gate, 1000, &refused);
    assert_int_equal(passed, BJ_LOG_GATE_BURST);
    assert_true(bj__log_gate_pass(&gate, 1000 + 1000000 / BJ_LOG_GATE_PER_SECOND, &refused));
    assert_int_equal(refused, 2 * BJ_LOG_GATE_BURST);
    assert_false(bj__log_gate_pass(&gate, 1000 + 1000000 / BJ_LOG_GATE_PER_SECOND, &refused));
    assert_true(bj__log_gate_pass(&gate, UINT64_MAX, &refused));
    assert_int_equal(refused, 1);
    passed = 1;
    for (unsigned n = 0; n < 3 * BJ_LOG_GATE_BURST; n++)
        passed += bj__log_gate_pass(&gate, UINT64_MAX, &refused);
    assert_int_equal(passed, BJ_LOG_GATE_BURST);
}

static void waits_ever_longer(void **state)
{
    (void)state;
    assert_int_equal(bj__generation_backoff_us(0), 0);
    assert_int_equal(bj__generation_backoff_us(1), 0);
    for (unsigned n = 2; n < 100; n++) {
        uint64_t wait = bj__generation_backoff_us(n);
        assert_true(wait >= bj__generation_backoff_us(n - 1) && wait >= 100000 && wait <= 5000000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_one_object),           cmocka_unit_test(cuts_what_does_not_fit),
        cmocka_unit_test(never_waits_and_tells_of_it), cmocka_unit_test(takes_good_lines),
        cmocka_unit_test(refuses_what_forges),         cmocka_unit_test(grows_no_line),
        cmocka_unit_test(lets_so_many_through),        cmocka_unit_test(waits_ever_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
