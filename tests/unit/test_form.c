/* Forms of HTTP clients, by table: what is read, and what is refused because two readers could understand it differently.
 * Changes when: a form may be written in another way. */
#include "server/compat/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define TYPE            "multipart/form-data; boundary=b"
#define FIELD           "Content-Disposition: form-data; name=\"a\"\r\n\r\n"
#define PART            "--b\r\n" FIELD "x\r\n"
#define LAST            "--b--\r\n"
#define HEADED(headers) "--b\r\n" headers "\r\n\r\nx\r\n" LAST

/* The text at the very end of a page, and nothing behind it. Lives until the test ends. */
static char *at_the_end(const char *text, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (length / page + 1) * page;
    char *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map + room, page, PROT_NONE), 0);
    memcpy(map + room - length, text, length);
    return map + room - length;
}

static int read_form(const char *type, const char *body, size_t length, struct bj_form *form)
{
    struct bj_error err = {0};
    int r = bj__form_multipart(type, at_the_end(body, length), length, form, &err);
    assert_true(r == 0 || (r == -EBADMSG && err.message[0]));
    return r;
}

static void fields_and_files_are_read(void **state)
{
    static const char body[] =
        "--b\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n{\"a\": 1}\r\n"
        "--b\r\nContent-Disposition: form-data; name=\"python_lib.zip\"; filename=\"python_lib.zip\"\r\n"
        "Content-Type: application/zip\r\nContent-Length: 8\r\n\r\n\0--b\r\n--\r\n\r\n"
        "--b\r\ncontent-disposition:form-data;name=empty\r\n\r\n\r\n--b--";
    static struct bj_form form;
    assert_int_equal(read_form(TYPE, body, sizeof(body) - 1, &form), 0);
    assert_int_equal(form.count, 3);
    const struct bj_form_field *payload = bj__form_find(&form, "payload");
    const struct bj_form_field *file = bj__form_find(&form, "python_lib.zip");
    assert_int_equal(payload->length, 8);
    assert_memory_equal(payload->bytes, "{\"a\": 1}", 8);
    assert_false(payload->is_file);
    assert_true(file->is_file);
    assert_string_equal(file->file, "python_lib.zip");
    assert_int_equal(file->length, 10);
    assert_memory_equal(file->bytes, "\0--b\r\n--\r\n", 10);
    assert_int_equal(bj__form_find(&form, "empty")->length, 0);
    assert_null(bj__form_find(&form, "other"));
}

static const struct {
    const char *type, *body; /* type NULL: the usual one */
    int count;               /* -1: refused */
} rows[] = {
    {NULL, PART LAST, 1},
    {NULL, PART "--b--", 1},
    {NULL, "--b--\r\n", 0},
    {"multipart/form-data; boundary=\"b\"", PART LAST, 1},
    {"Multipart/Form-Data;boundary=b;charset=UTF-8", PART LAST, 1},
    {NULL, HEADED("Content-Disposition: form-data; name=\"a\\\"b\\\\\""), 1},
    {NULL, HEADED("Content-Disposition: form-data; name=a; filename=\"C:%5cx\""), 1},
    {NULL, HEADED("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: binary"), 1},
    /* the type */
    {"multipart/form-data", PART LAST, -1},
    {"multipart/mixed; boundary=b", PART LAST, -1},
    {"multipart/form-data; boundary=b; boundary=b", PART LAST, -1},
    {"multipart/form-data; boundary=", PART LAST, -1},
    {"multipart/form-data; boundary=\"\"", PART LAST, -1},
    {"multipart/form-data; boundary=\"b", PART LAST, -1},
    {"multipart/form-data; boundary=b; x=y", PART LAST, -1},
    {"multipart/form-data; boundary=b; charset=utf-16", PART LAST, -1},
    {"multipart/form-data; boundary=\"b \"", "--b \r\n" FIELD "x\r\n--b --\r\n", -1},
    {"multipart/form-data; boundary=b!", "--b!\r\n" FIELD "x\r\n--b!--\r\n", -1},
    {"multipart/form-data; "
     "boundary=12345678901234567890123456789012345678901234567890123456789012345678901",
     PART LAST, -1},
    /* boundaries */
    {NULL, "", -1},
    {NULL, "before\r\n" PART LAST, -1},
    {NULL, "\r\n" PART LAST, -1},
    {NULL, PART, -1},
    {NULL, PART "--b", -1},
    {NULL, PART "--b-", -1},
    {NULL, PART LAST "behind", -1},
    {NULL, PART LAST "\r\n", -1},
    {NULL, PART "--b  \r\n" FIELD "y\r\n" LAST, -1},
    {NULL, PART "--bb\r\n" FIELD "y\r\n" LAST, -1},
    {NULL, "--b\n" FIELD "x\r\n" LAST, -1},
    {NULL, "--b\r\n" FIELD "x\n" LAST, -1},
    {NULL, "--B\r\n" FIELD "x\r\n--B--\r\n", -1},
    /* headers */
    {NULL, "--b\r\n\r\nx\r\n" LAST, -1},
    {NULL, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nx\r\n" LAST, -1},
    {NULL, "--b\r\nContent-Disposition: form-data; name=\"a\"\n\nx\r\n" LAST, -1},
    {NULL, HEADED("Content-Disposition: form-data;\r\n name=\"a\""), -1},
    {NULL, HEADED("Content-Disposition : form-data; name=\"a\""), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=\"a\"\r\nno colon"), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=\"a\"\r\n: x"), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=\"a\"\r\nX: \x01"), -1},
    {NULL, HEADED("Content-Type: text/plain"), -1},
    {NULL,
     HEADED("A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\nF: 1\r\nG: 1\r\nH: 1\r\n"
            "Content-Disposition: form-data; name=a"),
     -1},
    {NULL, HEADED("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b"), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64"), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed; boundary=c"), -1},
    /* names */
    {NULL, HEADED("Content-Disposition: attachment; name=a"), -1},
    {NULL, HEADED("Content-Disposition: form-data"), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=\"\""), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=a; name=b"), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=a; filename=b; filename=c"), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=a; filename*=UTF-8''b"), -1},
    {NULL, HEADED("Content-Disposition: form-data; name*=UTF-8''a"), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=\"a"), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=\"a\\"), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=\"a\"; filename=\"C:\\x\""), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=\"a\"x"), -1},
    {NULL, HEADED("Content-Disposition: form-data; name=a b"), -1},
    {NULL, HEADED("Content-Disposition: form-data name=a"), -1},
    {NULL, HEADED("Content-Disposition: form-datax; name=a"), -1},
    {NULL, PART PART LAST, -1},
};

static void only_one_way_of_writing_is_read(void **state)
{
    static struct bj_form form;
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        int r = read_form(rows[n].type ? rows[n].type : TYPE, rows[n].body, strlen(rows[n].body), &form);
        if (r < 0 ? rows[n].count != -1 : (int)form.count != rows[n].count)
            fail_msg("row %zu: %d, %zu fields: %s", n, r, form.count, rows[n].body);
    }
    assert_int_equal(
        read_form(TYPE, "--b\r\nContent-Disposition: form-data; name=\"a\0b\"\r\n\r\nx\r\n" LAST,
                  sizeof("--b\r\nContent-Disposition: form-data; name=\"a\0b\"\r\n\r\nx\r\n" LAST) - 1, &form),
        -EBADMSG);
}

static void every_beginning_of_a_form_is_refused(void **state)
{
    static const char body[] =
        PART "--b\r\nContent-Disposition: form-data; name=\"z\"; filename=\"q\"\r\n\r\ny\r\n" LAST;
    static struct bj_form form;
    for (size_t length = 0; length < sizeof(body) - 3; length++)
        assert_int_equal(read_form(TYPE, body, length, &form), -EBADMSG);
}

static void floods_are_refused(void **state)
{
    static char body[65536];
    static struct bj_form form;
    size_t length = 0;
    for (unsigned n = 0; n <= BJ_FORM_FIELDS; n++)
        length += (size_t)snprintf(body + length, sizeof(body) - length,
                                   "--b\r\nContent-Disposition: form-data; name=f%u\r\n\r\nx\r\n", n);
    (void)snprintf(body + length, sizeof(body) - length, LAST);
    assert_int_equal(read_form(TYPE, body, strlen(body), &form), -EBADMSG);
    memset(body, 'a', sizeof(body));
    memcpy(body, "--b\r\nX: ", 8);
    assert_int_equal(read_form(TYPE, body, sizeof(body), &form), -EBADMSG);
    memcpy(body, "--b\r\nContent-Disposition: form-data; name=", 42);
    memcpy(body + 400, "\r\n\r\nx\r\n--b--", 13);
    assert_int_equal(read_form(TYPE, body, 412, &form), -EBADMSG);
}

static void pairs_of_an_address_are_read(void **state)
{
    static const struct {
        const char *body, *name, *value; /* name NULL: refused; value NULL: not there */
    } pairs[] = {{"payload=%7B%22a%22%3a+1%7D&x", "payload", "{\"a\": 1}"},
                 {"a=1&&b=2", "b", "2"},
                 {"a", "a", ""},
                 {"a=b=c", "a", "b=c"},
                 {"", "a", NULL},
                 {"a=1&a=2", NULL, NULL},
                 {"a=%", NULL, NULL},
                 {"a=%4", NULL, NULL},
                 {"a=%4g", NULL, NULL},
                 {"%00=1", NULL, NULL},
                 {"=1", NULL, NULL}};
    static struct bj_form form;
    for (size_t n = 0; n < BJ_COUNT(pairs); n++) {
        struct bj_error err = {0};
        size_t length = strlen(pairs[n].body);
        int r = bj__form_urlencoded(at_the_end(pairs[n].body, length), length, &form, &err);
        const struct bj_form_field *field =
            r == 0 && pairs[n].name ? bj__form_find(&form, pairs[n].name) : NULL;
        assert_int_equal(r, pairs[n].name ? 0 : -EBADMSG);
        assert_true(!field == !pairs[n].value);
        if (field) {
            assert_int_equal(field->length, strlen(pairs[n].value));
            assert_memory_equal(field->bytes, pairs[n].value, field->length);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_and_files_are_read), cmocka_unit_test(only_one_way_of_writing_is_read),
        cmocka_unit_test(every_beginning_of_a_form_is_refused), cmocka_unit_test(floods_are_refused),
        cmocka_unit_test(pairs_of_an_address_are_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
