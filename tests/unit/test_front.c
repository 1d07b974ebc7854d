/* The front's pure parts: heads of requests, routes, quotas, tokens, events.
 * Its own file because they are tested without a socket.
 * Changes when: one of them does. */
#include "server/clients.h"
#include "server/head.h"
#include "server/routes.h"
#include "server/stream.h"
#include "server/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* ---- heads ----------------------------------------------------------------------------------------- */

static void take(struct bj_head *head, const char *name, const char *value)
{
    head->next = NULL;
    bj__head_take(head, name, strlen(name), value, strlen(value));
    head->next = NULL;
}

static enum bj_refusal_kind frame(const struct bj_head *head, const char *version, const char *path)
{
    struct bj_refusal refusal = {0};
    return bj__head_frame(head, version, path, &refusal) ? BJ_REFUSAL_NONE : refusal.kind;
}

static void test_framing(void **state)
{
    static const struct {
        const char *name, *value, *second, *second_value;
        enum bj_refusal_kind expected;
    } rows[] = {
        {"Content-Length", "5", "X", "y", BJ_REFUSAL_NONE},
        {"Content-Length", "5", "content-length", "5", BJ_REFUSAL_BAD_REQUEST},
        {"Content-Length", "5", "Transfer-Encoding", "chunked", BJ_REFUSAL_BAD_REQUEST},
        {"Transfer-Encoding", "chunked", "X", "y", BJ_REFUSAL_NONE},
        {"Transfer-Encoding", "xchunked", "X", "y", BJ_REFUSAL_BAD_REQUEST},
        {"Transfer-Encoding", "chunked, identity", "X", "y", BJ_REFUSAL_BAD_REQUEST},
        {"Transfer-Encoding ", "chunked", "X", "y", BJ_REFUSAL_BAD_REQUEST},
        {"Content-Length", "", "X", "y", BJ_REFUSAL_BAD_REQUEST},
        {"Content-Length", "+5", "X", "y", BJ_REFUSAL_BAD_REQUEST},
        {"Content-Length", "5 ", "X", "y", BJ_REFUSAL_BAD_REQUEST},
        {"Host", "a", "host", "a", BJ_REFUSAL_BAD_REQUEST},
        {"Authorization", "Bearer a", "Authorization", "Bearer b", BJ_REFUSAL_BAD_REQUEST},
        {"X", "a\rb", "X", "y", BJ_REFUSAL_BAD_REQUEST},
        {"X", "a\x7f", "X", "y", BJ_REFUSAL_BAD_REQUEST},
        {"X", "a\tb\xc3\xa9", "X", "y", BJ_REFUSAL_NONE},
        {"", "a", "X", "y", BJ_REFUSAL_BAD_REQUEST},
    };
    (void)state;
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        struct bj_head head = {0};
        take(&head, rows[n].name, rows[n].value);
        take(&head, rows[n].second, rows[n].second_value);
        assert_int_equal(frame(&head, "HTTP/1.1", "/x"), rows[n].expected);
    }
    struct bj_head none = {0};
    assert_int_equal(frame(&none, "HTTP/1.0", "/x"), BJ_REFUSAL_NONE);
    assert_int_equal(frame(&none, "HTTP/2.0", "/x"), BJ_REFUSAL_VERSION);
    assert_int_equal(frame(&none, "", "/x"), BJ_REFUSAL_BAD_REQUEST);
    assert_int_equal(frame(&none, "HTTP/1.1", "x"), BJ_REFUSAL_BAD_REQUEST);
    assert_int_equal(frame(&none, "HTTP/1.1", "/x y"), BJ_REFUSAL_BAD_REQUEST);
    assert_int_equal(frame(&none, "HTTP/1.1", "/\xff"), BJ_REFUSAL_BAD_REQUEST);
}

/* In the buffer that libmicrohttpd has cut up: what stands behind a value that should be the next name. */
static void test_gap(void **state)
{
    char well[] = "A\0 1\0\0B\0 2\0\0\0";
    char hidden[] = "A\0 1\0x\0B\0 2\0\0\0";
    struct bj_head head = {.next = well};
    (void)state;
    bj__head_take(&head, well, 1, well + 3, 1);
    bj__head_take(&head, well + 6, 1, well + 9, 1);
    assert_false(head.gap);
    head = (struct bj_head){.next = hidden};
    bj__head_take(&head, hidden, 1, hidden + 3, 1);
    bj__head_take(&head, hidden + 7, 1, hidden + 10, 1);
    assert_true(head.gap);
}

static void test_host(void **state)
{
    static const char *const hosts[] = {"belljar.example", NULL};
    const struct bj_head_rules rules = {.check_host = true, .hosts = hosts, .own_address = "::1"};
    static const struct {
        const char *host, *origin;
        enum bj_refusal_kind expected;
    } rows[] = {
        {"localhost", NULL, BJ_REFUSAL_NONE},
        {"LocalHost:8060", NULL, BJ_REFUSAL_NONE},
        {"[::1]:8060", NULL, BJ_REFUSAL_NONE},
        {"::1", NULL, BJ_REFUSAL_MISDIRECTED}, /* the port of nothing */
        {"belljar.example:443", NULL, BJ_REFUSAL_NONE},
        {"belljar.example.evil", NULL, BJ_REFUSAL_MISDIRECTED},
        {"localhost:80x", NULL, BJ_REFUSAL_MISDIRECTED},
        {"localhost/", NULL, BJ_REFUSAL_MISDIRECTED},
        {"[::1", NULL, BJ_REFUSAL_MISDIRECTED},
        {"", NULL, BJ_REFUSAL_MISDIRECTED},
        {"localhost:1", "http://localhost:1", BJ_REFUSAL_NONE},
        {"localhost:1", "https://LOCALHOST:1", BJ_REFUSAL_NONE},
        {"localhost:1", "http://localhost:2", BJ_REFUSAL_FORBIDDEN},
        {"localhost", "http://localhost.evil", BJ_REFUSAL_FORBIDDEN},
        {"localhost", "null", BJ_REFUSAL_FORBIDDEN},
        {"localhost", "", BJ_REFUSAL_FORBIDDEN},
    };
    (void)state;
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        const struct bj_head head = {.host = rows[n].host, .origin = rows[n].origin};
        struct bj_refusal refusal = {0};
        bool well = bj__head_host(&head, &rules, "HTTP/1.1", &refusal);
        assert_int_equal(well ? BJ_REFUSAL_NONE : refusal.kind, rows[n].expected);
    }
}

static void test_body(void **state)
{
    const struct bj_head_rules rules = {.body_most = 100, .json = true, .python = true};
    static const struct {
        struct bj_head head;
        enum bj_refusal_kind expected;
        enum bj_body_form form;
    } rows[] = {
        {{.content_length = "100", .content_type = "application/json"}, BJ_REFUSAL_NONE, BJ_BODY_JSON},
        {{.content_length = "1", .content_type = "APPLICATION/json ; charset=UTF-8"},
         BJ_REFUSAL_NONE,
         BJ_BODY_JSON},
        {{.content_length = "1", .content_type = "text/x-python"}, BJ_REFUSAL_NONE, BJ_BODY_PYTHON},
        {{.content_length = "1", .content_type = "application/json; charset=latin1"}, BJ_REFUSAL_MEDIA_TYPE, 0},
        {{.content_length = "1", .content_type = "text/plain"}, BJ_REFUSAL_MEDIA_TYPE, 0},
        {{.content_length = "1"}, BJ_REFUSAL_MEDIA_TYPE, 0},
        {{.content_length = "101", .content_type = "application/json"}, BJ_REFUSAL_TOO_LARGE, 0},
        {{.content_length = "18446744073709551616", .content_type = "application/json"},
         BJ_REFUSAL_TOO_LARGE,
         0},
        {{.content_type = "application/json"}, BJ_REFUSAL_LENGTH_REQUIRED, 0},
        {{.transfer_encoding = "chunked", .content_type = "application/json"}, BJ_REFUSAL_NONE, BJ_BODY_JSON},
        {{.content_length = "1", .content_type = "application/json", .content_encoding = "gzip"},
         BJ_REFUSAL_MEDIA_TYPE,
         0},
        {{.content_length = "1", .content_type = "application/json", .expect = "x"}, BJ_REFUSAL_EXPECTATION, 0},
    };
    (void)state;
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        struct bj_refusal refusal = {0};
        enum bj_body_form form;
        uint64_t length;
        bool well = bj__head_body(&rows[n].head, &rules, &form, &length, &refusal);
        assert_int_equal(well ? BJ_REFUSAL_NONE : refusal.kind, rows[n].expected);
        if (well)
            assert_int_equal(form, rows[n].form);
    }
}

static void test_token(void **state)
{
    static const struct {
        const char *value, *token;
        bool well;
    } rows[] = {{NULL, NULL, true},          {"Bearer abc", "abc", true},
                {"bearer abc", "abc", true}, {"Bearer ", NULL, false},
                {"Bearer a b", NULL, false}, {"Basic abc", NULL, false},
                {"Bearerabc", NULL, false},  {"", NULL, false}};
    (void)state;
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        const struct bj_head head = {.authorization = rows[n].value};
        const char *token;
        size_t length;
        assert_int_equal(bj__head_token(&head, &token, &length), rows[n].well);
        if (rows[n].token)
            assert_string_equal(token, rows[n].token);
    }
}

static void test_accept(void **state)
{
    static const struct {
        const char *value;
        bool events;
    } rows[] = {{NULL, false},
                {"text/event-stream", true},
                {"application/json, text/event-stream;q=0.9", true},
                {"text/event-streams", false},
                {"*/*", false},
                {"", false}};
    (void)state;
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        const struct bj_head head = {.accept = rows[n].value};
        assert_int_equal(bj__head_accepts_events(&head), rows[n].events);
    }
}

/* ---- routes ---------------------------------------------------------------------------------------- */

static void test_routes(void **state)
{
    struct bj_path_part parts[BJ_ROUTE_PARTS] = {{NULL, 0}, {NULL, 0}};
    unsigned allowed;
    char text[40];
    (void)state;
    const struct bj_route *route = bj__route_find(BJ_LISTENER_HTTP, "POST", "/v1/exec", parts, &allowed);
    assert_non_null(route);
    assert_string_equal(route->what, "exec");
    assert_null(bj__route_find(BJ_LISTENER_METRICS, "POST", "/v1/exec", parts, &allowed));
    assert_null(bj__route_find(BJ_LISTENER_HTTP, "DELETE", "/v1/exec", parts, &allowed));
    bj__route_allowed(allowed, text);
    assert_string_equal(text, "POST");
    route = bj__route_find(BJ_LISTENER_HTTP, "PUT", "/v1/sessions/ab/files/x/y%20z", parts, &allowed);
    assert_non_null(route);
    assert_int_equal(parts[0].length, 2);
    assert_int_equal(bj__path_decode(&parts[1], text, sizeof(text)), 0);
    assert_string_equal(text, "x/y z");
    assert_non_null(bj__route_find(BJ_LISTENER_HTTP, "HEAD", "/healthz", parts, &allowed));
    assert_null(bj__route_find(BJ_LISTENER_HTTP, "GET", "/v1/sessions/", parts, &allowed));
    assert_null(bj__route_find(BJ_LISTENER_HTTP, "GET", "/v1/sessions/a/files/", parts, &allowed));
    assert_null(bj__route_find(BJ_LISTENER_HTTP, "GET", "", parts, &allowed));
}

static void test_decode(void **state)
{
    static const char *const bad[] = {"%", "%1", "a%zz", "%00", "%0a", "%7f", "a\x01"};
    char text[8];
    (void)state;
    for (size_t n = 0; n < BJ_COUNT(bad); n++) {
        const struct bj_path_part part = {bad[n], strlen(bad[n])};
        assert_int_equal(bj__path_decode(&part, text, sizeof(text)), -EINVAL);
    }
    const struct bj_path_part well = {"%2e%2E/%41", 10};
    assert_int_equal(bj__path_decode(&well, text, sizeof(text)), 0);
    assert_string_equal(text, "../A");
    const struct bj_path_part longer = {"12345678", 8};
    assert_int_equal(bj__path_decode(&longer, text, sizeof(text)), -ENOBUFS);
}

/* ---- clients --------------------------------------------------------------------------------------- */

static void test_bucket(void **state)
{
    const struct bj_config_quota quota = {.runs_per_minute = 60, .runs_burst = 3};
    const struct bj_config_quota none = {0};
    struct bj_bucket bucket = {0};
    uint64_t wait;
    uint64_t now = 5000000;
    (void)state;
    for (unsigned n = 0; n < 3; n++) {
        assert_int_equal(bj__bucket_left(&bucket, &quota, now), 3 - n);
        assert_true(bj__bucket_take(&bucket, &quota, now, &wait));
    }
    assert_false(bj__bucket_take(&bucket, &quota, now, &wait));
    assert_int_equal(wait, 1000000);
    assert_false(bj__bucket_take(&bucket, &quota, now + 999999, &wait));
    assert_int_equal(wait, 1);
    assert_true(bj__bucket_take(&bucket, &quota, now + 1000000, &wait));
    assert_int_equal(bj__bucket_left(&bucket, &quota, now + 100000000), 3);
    assert_true(bj__bucket_take(&bucket, &none, now, &wait));
}

static void test_clients(void **state)
{
    struct bj_config_token tokens[2] = {{.name = "a"}, {.name = "b"}};
    const char *profiles[] = {"python"};
    struct bj_config config = {.tokens = tokens, .token_count = 2};
    struct bj_clients clients;
    (void)state;
    bj__token_hash("first", 5, tokens[0].sha256);
    bj__token_hash("second", 6, tokens[1].sha256);
    tokens[1].quota.profiles = profiles;
    tokens[1].quota.profile_count = 1;
    assert_int_equal(bj__clients_init(&clients, &config), 0);
    assert_string_equal(bj__clients_find(&clients, "second", 6)->name, "b");
    assert_null(bj__clients_find(&clients, "secon", 5));
    assert_null(bj__clients_find(&clients, "", 0));
    assert_string_equal(bj__clients_anonymous(&clients)->name, "anonymous");
    assert_true(bj__client_may_use(&clients.items[0], "sh"));
    assert_false(bj__client_may_use(&clients.items[1], "sh"));
    assert_true(bj__client_may_use(&clients.items[1], "python"));
    bj__clients_done(&clients);
}

/* ---- events ---------------------------------------------------------------------------------------- */

static void test_frame(void **state)
{
    static const struct {
        const char *data, *expected;
    } rows[] = {{"x", "event: e\ndata: x\n\n"},
                {"", "event: e\ndata: \n\n"},
                {"a\nb", "event: e\ndata: a\ndata: b\n\n"},
                {"a\r\nb\rc\n", "event: e\ndata: a\ndata: b\ndata: c\ndata: \n\n"}};
    (void)state;
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        BJ_BUF struct bj_buf buf;
        bj__buf_init(&buf, 1000);
        assert_int_equal(bj__stream_frame(&buf, "e", rows[n].data, strlen(rows[n].data)), 0);
        assert_string_equal((const char *)buf.bytes, rows[n].expected);
    }
}

static void test_output(void **state)
{
    static const struct {
        const char *bytes, *expected;
        bool base64;
    } rows[] = {{"a\"\\\n\x01\xc3\xa9", "\"a\\\"\\\\\\n\\u0001\xc3\xa9\"", false},
                {"\xff", "\"/w==\"", true},
                {"", "\"\"", false}};
    (void)state;
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        BJ_BUF struct bj_buf buf;
        bool base64;
        bj__buf_init(&buf, 1000);
        assert_int_equal(bj__stream_output(&buf, rows[n].bytes, strlen(rows[n].bytes), &base64), 0);
        assert_string_equal((const char *)buf.bytes, rows[n].expected);
        assert_int_equal(base64, rows[n].base64);
    }
}

static void test_cut(void **state)
{
    static const struct {
        const char *bytes;
        size_t cut;
    } rows[] = {{"a", 0},
                {"\xe2", 1},
                {"a\xe2\x82", 2},
                {"\xe2\x82\xac", 0},
                {"\xf0\x9f\x98", 3},
                {"\x82\x82\x82\x82", 0},
                {"\xc3", 1},
                {"", 0}};
    (void)state;
    for (size_t n = 0; n < BJ_COUNT(rows); n++)
        assert_int_equal(bj__stream_cut((const unsigned char *)rows[n].bytes, strlen(rows[n].bytes)),
                         rows[n].cut);
}

static void test_slow_reader(void **state)
{
    const struct bj_config config = {.buffered_bytes = 1u << 30};
    struct bj_service service = {.config = &config};
    struct bj_stream_out *stream = bj__stream_new(&service);
    static char piece[65536];
    char out[4096];
    unsigned taken = 0;
    (void)state;
    memset(piece, 'x', sizeof(piece));
    while (bj__stream_piece(stream, BJ_STDOUT, piece, sizeof(piece)))
        taken++;
    assert_in_range(taken, BJ_STREAM_MOST / sizeof(piece) - 2, BJ_STREAM_MOST / sizeof(piece) + 2);
    while (bj__stream_read(stream, out, sizeof(out)) > 0)
        continue;
    assert_int_equal(service.buffered, 0);
    /* A steady reader is never too slow, however much comes. */
    for (unsigned n = 0; n < 1000; n++) {
        assert_true(bj__stream_piece(stream, BJ_STDOUT, piece, 4096));
        assert_true(bj__stream_read(stream, out, sizeof(out)) > 0);
    }
    assert_true(service.buffered < BJ_STREAM_MOST);
    bj__stream_free(stream);
    assert_int_equal(service.buffered, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_framing), cmocka_unit_test(test_gap),         cmocka_unit_test(test_host),
        cmocka_unit_test(test_body),    cmocka_unit_test(test_token),       cmocka_unit_test(test_accept),
        cmocka_unit_test(test_routes),  cmocka_unit_test(test_decode),      cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_clients), cmocka_unit_test(test_frame),       cmocka_unit_test(test_output),
        cmocka_unit_test(test_cut),     cmocka_unit_test(test_slow_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
