/* What a web server tells of a request, field by field: forms, types, lengths, hosts and sites; and answers, byte by byte.
 * Its own file because one subject has one test executable.
 * Changes when: another kind of request is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/cgi/answer.h"
#include "cli/cgi/form.h"
#include "cli/cgi/request.h"

/* ---- forms ---------------------------------------------------------------------------------------- */

/* The text ends where memory does: one byte too many is a crash. */
static int find(const char *text, size_t length, const char *name, struct bj_buf *ret_value)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t whole = (length / page + 1) * page;
    char *map = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + whole, page, PROT_NONE), 0);
    memcpy(map + whole - length, text, length);
    bj__buf_init(ret_value, 4096);
    int count = bj__form_find(map + whole - length, length, name, ret_value);
    assert_int_equal(munmap(map, whole + page), 0);
    return count;
}

static void fields_are_found_and_decoded(void **state)
{
    static const struct {
        const char *form, *value;
        int count;
    } rows[] = {
        {"x=1", "1", 1},       {"a=0&x=1&b=2", "1", 1},
        {"x=1&x=2", "1", 2},   {"x=print(%22a+b%22)%0A", "print(\"a b\")\n", 1},
        {"x=%2b%2B", "++", 1}, {"x=a=b=c", "a=b=c", 1},
        {"%78=1", "1", 1},     {"x=5%2", "5%2", 1},
        {"x=5%", "5%", 1},     {"x=5%zz%4", "5%zz%4", 1},
        {"x=%%41", "%A", 1},   {"x=", "", 1},
        {"&&&x=1&", "1", 1},   {"x", "", 0},
        {"", "", 0},           {"=1", "", 0},
        {"xx=1", "", 0},       {"X=1", "", 0},
        {"x%00=1", "", 0},     {"a=x=1", "", 0},
        {"a;x=1", "", 0}, /* ";" divides nothing: urllib stopped that for CVE-2021-23336 */
    };
    for (size_t i = 0; i < BJ_COUNT(rows); i++) {
        BJ_BUF struct bj_buf value;
        assert_int_equal(find(rows[i].form, strlen(rows[i].form), "x", &value), rows[i].count);
        assert_string_equal(value.length ? (const char *)value.bytes : "", rows[i].value);
    }
}

static void a_nul_is_a_byte_like_others(void **state)
{
    BJ_BUF struct bj_buf value;
    assert_int_equal(find("x=a%00b", 7, "x", &value), 1);
    assert_memory_equal(value.bytes, "a\0b", 4);
    BJ_BUF struct bj_buf raw;
    assert_int_equal(find("x=a\0b", 5, "x", &raw), 1);
    assert_memory_equal(raw.bytes, "a\0b", 4);
}

static void a_value_that_is_too_long_is_refused(void **state)
{
    BJ_BUF struct bj_buf value;
    bj__buf_init(&value, 3);
    assert_int_equal(bj__form_find("x=abcd", 6, "x", &value), -ENOBUFS);
}

static void words_are_told_from_fields(void **state)
{
    assert_true(bj__form_is_words("--profile+x"));
    assert_true(bj__form_is_words("%2D%2Doff%3Dseccomp"));
    assert_false(bj__form_is_words("user_script=1"));
    assert_false(bj__form_is_words("a+b=c"));
    assert_false(bj__form_is_words(""));
    assert_true(bj__form_begins_with("run+--+id", "run"));
    assert_true(bj__form_begins_with("%72un", "run"));
    assert_true(bj__form_begins_with("--version", "--version"));
    assert_false(bj__form_begins_with("runs+x", "run"));
    assert_false(bj__form_begins_with("ru", "run"));
    assert_false(bj__form_begins_with("%00run", "run"));
    assert_false(bj__form_begins_with("", "run"));
    assert_true(bj__form_begins_with("+x", ""));
}

/* ---- requests ------------------------------------------------------------------------------------- */

struct variable {
    const char *name, *value;
};
#define MOST 8

static const char *look_up(const void *user, const char *name)
{
    const struct variable *variables = user;

    for (size_t i = 0; i < MOST && variables[i].name; i++)
        if (!strcmp(variables[i].name, name))
            return variables[i].value;
    return NULL;
}

struct row {
    struct variable variables[MOST];
    int status; /* 0: it is answered */
    const char *origin;
    const char *hosts, *origins;
};

static int read_row(const struct row *row, struct cgi_request *ret_request)
{
    const struct cgi_variables variables = {look_up, row->variables};
    const struct cgi_rules rules = {row->hosts, row->origins, 1000};
    struct cgi_refusal refusal = {0};
    int r = bj__cgi_request_read(&variables, &rules, ret_request, &refusal);

    assert_true(r == 0 || refusal.detail[0]);
    return r < 0 ? refusal.status : 0;
}

static void read_all(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct cgi_request request;
        int status = read_row(&rows[i], &request);
        if (status != rows[i].status)
            fail_msg("row %zu: %d, not %d", i, status, rows[i].status);
        if (!rows[i].origin)
            assert_null(request.origin);
        else
            assert_string_equal(request.origin, rows[i].origin);
    }
}

#define FORM_TYPE                                                                                              \
    {                                                                                                          \
        "CONTENT_TYPE", "application/x-www-form-urlencoded"                                                    \
    }
#define POST                                                                                                   \
    {                                                                                                          \
        "REQUEST_METHOD", "POST"                                                                               \
    }
#define GET                                                                                                    \
    {                                                                                                          \
        "REQUEST_METHOD", "GET"                                                                                \
    }

static void methods_types_and_lengths(void **state)
{
    static const struct row rows[] = {
        {{GET}, .status = 0},
        {{{"REQUEST_METHOD", "HEAD"}}, .status = 0},
        {{{"REQUEST_METHOD", "OPTIONS"}}, .status = 0},
        {{{"REQUEST_METHOD", "get"}}, .status = 405},
        {{{"REQUEST_METHOD", "PUT"}}, .status = 405},
        {{{"REQUEST_METHOD", ""}}, .status = 405},
        {{{NULL, NULL}}, .status = 405},
        {{GET, {"CONTENT_TYPE", "x/y"}, {"CONTENT_LENGTH", "-1"}}, .status = 0},
        {{POST, FORM_TYPE, {"CONTENT_LENGTH", "0"}}, .status = 0},
        {{POST, FORM_TYPE, {"CONTENT_LENGTH", "1000"}}, .status = 0},
        {{POST, FORM_TYPE, {"CONTENT_LENGTH", "1001"}}, .status = 413},
        {{POST, FORM_TYPE, {"CONTENT_LENGTH", "99999999999999999999999"}}, .status = 413},
        {{POST, FORM_TYPE, {"CONTENT_LENGTH", "18446744073709551616"}}, .status = 413},
        {{POST, FORM_TYPE, {"CONTENT_LENGTH", "-1"}}, .status = 400},
        {{POST, FORM_TYPE, {"CONTENT_LENGTH", "+1"}}, .status = 400},
        {{POST, FORM_TYPE, {"CONTENT_LENGTH", " 1"}}, .status = 400},
        {{POST, FORM_TYPE, {"CONTENT_LENGTH", "1,1"}}, .status = 400},
        {{POST, FORM_TYPE, {"CONTENT_LENGTH", "0x1"}}, .status = 400},
        {{POST, FORM_TYPE, {"CONTENT_LENGTH", ""}}, .status = 411},
        {{POST, FORM_TYPE}, .status = 411},
        {{POST, {"CONTENT_LENGTH", "1"}}, .status = 415},
        {{POST, {"CONTENT_TYPE", "text/plain"}, {"CONTENT_LENGTH", "1"}}, .status = 415},
        {{POST, {"CONTENT_TYPE", "multipart/form-data; boundary=x"}, {"CONTENT_LENGTH", "1"}}, .status = 415},
        {{POST, {"CONTENT_TYPE", "application/jsonx"}, {"CONTENT_LENGTH", "1"}}, .status = 415},
        {{POST, {"CONTENT_TYPE", "text/plain; application/json"}, {"CONTENT_LENGTH", "1"}}, .status = 415},
    };
    read_all(rows, BJ_COUNT(rows));
}

static void a_body_has_the_kind_of_its_type(void **state)
{
    static const struct row json = {
        {POST, {"CONTENT_TYPE", "Application/JSON ; charset=utf-8"}, {"CONTENT_LENGTH", "7"}}, .status = 0};
    static const struct row form = {{POST, FORM_TYPE, {"CONTENT_LENGTH", "0"}, {"QUERY_STRING", "a=b"}},
                                    .status = 0};
    struct cgi_request request;

    assert_int_equal(read_row(&json, &request), 0);
    assert_int_equal(request.body, CGI_JSON);
    assert_int_equal(request.length, 7);
    assert_string_equal(request.query, "");
    assert_int_equal(read_row(&form, &request), 0);
    assert_int_equal(request.body, CGI_FORM);
    assert_string_equal(request.query, "a=b");
}

#define LOCAL                                                                                                  \
    {                                                                                                          \
        "REMOTE_ADDR", "127.0.0.1"                                                                             \
    }
#define HOST(name)                                                                                             \
    {                                                                                                          \
        "HTTP_HOST", name                                                                                      \
    }

static void hosts(void **state)
{
    static const struct row rows[] = {
        {{GET, LOCAL, HOST("localhost")}, .status = 0},
        {{GET, LOCAL, HOST("LocalHost:8080")}, .status = 0},
        {{GET, LOCAL, HOST("app.localhost:1")}, .status = 0},
        {{GET, LOCAL, HOST("127.0.0.1:8080")}, .status = 0},
        {{GET, LOCAL, HOST("127.9.9.9")}, .status = 0},
        {{GET, LOCAL, HOST("[::1]:8080")}, .status = 0},
        {{GET, LOCAL}, .status = 0},
        {{GET, {"REMOTE_ADDR", "::1"}, HOST("evil.example")}, .status = 403},
        {{GET, {"REMOTE_ADDR", "::ffff:127.0.0.1"}, HOST("evil.example")}, .status = 403},
        {{GET, LOCAL, HOST("evil.example")}, .status = 403},
        {{GET, LOCAL, HOST("localhost.evil.example")}, .status = 403},
        {{GET, LOCAL, HOST("127.0.0.1.evil.example")}, .status = 403},
        {{GET, LOCAL, HOST("127.")}, .status = 403},
        {{GET, LOCAL, HOST("evillocalhost")}, .status = 403},
        {{GET, LOCAL, HOST(".localhost")}, .status = 403},
        {{GET, LOCAL, HOST("[::1")}, .status = 403},
        {{GET, LOCAL, HOST("[::1]x")}, .status = 0}, /* Apache refuses such a port; nobody else has the name */
        {{GET, {"REMOTE_ADDR", "192.0.2.1"}, HOST("code.example")}, .status = 0},
        {{GET, {"REMOTE_ADDR", "192.0.2.1"}, HOST("code.example")},
         .status = 0,
         .hosts = "a.example,code.example"},
        {{GET, LOCAL, HOST("CODE.example:80")}, .status = 0, .hosts = "a.example,code.example"},
        {{GET, LOCAL, HOST("localhost")}, .status = 403, .hosts = "code.example"},
        {{GET, {"REMOTE_ADDR", "192.0.2.1"}, HOST("evil.example")}, .status = 403, .hosts = "code.example"},
        {{GET, LOCAL, HOST("code.exampl")}, .status = 403, .hosts = "code.example"},
        {{GET, LOCAL, HOST("code.example,a.example")}, .status = 403, .hosts = "code.example,a.example"},
        {{GET, LOCAL, HOST(":80")}, .status = 403, .hosts = ",code.example,,"},
        {{GET, LOCAL}, .status = 403, .hosts = "code.example"},
    };
    read_all(rows, BJ_COUNT(rows));
}

#define AT HOST("code.example:8080")
#define FROM(site)                                                                                             \
    {                                                                                                          \
        "HTTP_ORIGIN", site                                                                                    \
    }
#define SITE(kind)                                                                                             \
    {                                                                                                          \
        "HTTP_SEC_FETCH_SITE", kind                                                                            \
    }
static const char friend[] = "https://friend.example";

static void sites(void **state)
{
    static const struct row rows[] = {
        {{GET, AT, FROM("http://code.example:8080")}, .status = 0},
        {{GET, AT, FROM("https://CODE.example:8080"), SITE("same-origin")}, .status = 0},
        {{GET, AT, SITE("none")}, .status = 0},
        {{GET, AT, SITE("cross-site")}, .status = 403},
        {{GET, AT, SITE("same-site")}, .status = 403},
        {{GET, AT, SITE("other")}, .status = 403},
        {{GET, AT, FROM("http://code.example")}, .status = 403},
        {{GET, AT, FROM("http://code.example:80801")}, .status = 403},
        {{GET, AT, FROM("ftp://code.example:8080")}, .status = 403},
        {{GET, AT, FROM("null")}, .status = 403},
        {{GET, FROM("http://code.example")}, .status = 403},
        {{GET, AT, FROM("https://friend.example")}, .status = 403},
        {{GET, AT, FROM("https://friend.example"), SITE("cross-site")},
         .status = 0,
         .origin = friend,
         .origins = "https://other.example,https://friend.example"},
        {{GET, AT, FROM("http://friend.example")}, .status = 403, .origins = friend},
        {{GET, AT, FROM("https://friend.example:1")}, .status = 403, .origins = friend},
        {{GET, AT, SITE("cross-site")}, .status = 403, .origins = friend},
        {{GET, AT, FROM("null"), SITE("cross-site")}, .status = 0, .origin = "*", .origins = "*"},
        {{GET, AT, SITE("cross-site")}, .status = 0, .origins = "*"},
        {{GET, LOCAL, HOST("evil.example"), FROM("https://friend.example")}, .status = 403, .origins = "*"},
        /* A refusal may be read by the pages that may read an answer. */
        {{POST, AT, FROM("https://friend.example")}, .status = 415, .origin = friend, .origins = friend},
    };
    read_all(rows, BJ_COUNT(rows));
}

static void sites_that_no_browser_names(void **state)
{
    assert_null(bj__cgi_origin_wrong(NULL));
    assert_null(bj__cgi_origin_wrong("*"));
    assert_null(bj__cgi_origin_wrong("https://a.example,http://b.example:8080"));
    static const char *const wrong[] = {
        "null",
        "",
        "a.example",
        "https://",
        "https://a.example/",
        "https://a.example,",
        "https://a.example,b",
        "ftp://a.example",
        "https://a b",
        "**",
        "a,https://b.example",
        "x,https://a.example",
    };
    for (size_t i = 0; i < BJ_COUNT(wrong); i++)
        assert_non_null(bj__cgi_origin_wrong(wrong[i]));
}

/* ---- answers -------------------------------------------------------------------------------------- */

static void bytes_are_written_as_python_does(void **state)
{
    static const struct {
        const char *bytes, *written;
    } rows[] = {
        {"", "b''"},
        {"hello CGI!\n", "b'hello CGI!\\n'"},
        {"\t\r\\", "b'\\t\\r\\\\'"},
        {"\x01\x1f\x7f\x80\xff~ ", "b'\\x01\\x1f\\x7f\\x80\\xff~ '"},
        {"it's", "b\"it's\""},
        {"say \"a\"", "b'say \"a\"'"},
        {"it's \"a\"", "b'it\\'s \"a\"'"},
    };
    for (size_t i = 0; i < BJ_COUNT(rows); i++) {
        BJ_BUF struct bj_buf out;
        bj__buf_init(&out, 4096);
        assert_int_equal(bj__cgi_bytes_add(&out, (const unsigned char *)rows[i].bytes, strlen(rows[i].bytes)),
                         0);
        assert_string_equal((const char *)out.bytes, rows[i].written);
    }
}

static void problems(void **state)
{
    BJ_BUF struct bj_buf out;
    struct cgi_refusal refusal;

    bj__buf_init(&out, 4096);
    assert_int_equal(bj__cgi_refuse(&refusal, 405, "\"%s\"\r\n\xff", "A"), -EINVAL);
    assert_int_equal(bj__cgi_answer_problem(&out, &refusal, NULL, true), 0);
    assert_string_equal((const char *)out.bytes,
                        "Status: 405 Method Not Allowed\r\nContent-Type: application/problem+json\r\n"
                        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                        "Allow: GET, HEAD, POST, OPTIONS\r\n\r\n"
                        "{\"title\": \"Method Not Allowed\", \"status\": 405, "
                        "\"detail\": \"\\\"A\\\"\\r\\n\xef\xbf\xbd\"}\n");
    out.length = 0;
    assert_int_equal(bj__cgi_answer_problem(&out, &refusal, "*", false), 0);
    assert_memory_equal(out.bytes + out.length - 8, "IONS\r\n\r\n", 8);
    assert_non_null(strstr((const char *)out.bytes, "Access-Control-Allow-Origin: *\r\nVary: Origin\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found_and_decoded),
        cmocka_unit_test(a_nul_is_a_byte_like_others),
        cmocka_unit_test(a_value_that_is_too_long_is_refused),
        cmocka_unit_test(words_are_told_from_fields),
        cmocka_unit_test(methods_types_and_lengths),
        cmocka_unit_test(a_body_has_the_kind_of_its_type),
        cmocka_unit_test(hosts),
        cmocka_unit_test(sites),
        cmocka_unit_test(sites_that_no_browser_names),
        cmocka_unit_test(bytes_are_written_as_python_does),
        cmocka_unit_test(problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
