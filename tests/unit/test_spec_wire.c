/* Requests as records: what JSON said is what arrives, and what is no record of a request does not.
 * Its own file because the broker believes nothing that did not pass here.
 * Changes when: a request can say something more. */
#include "spec/spec_wire.h"
#include "spec_help.h"

static const char *const requests[] = {
    "{}",
    "{'profile': 'python', 'code': 'print(1)', 'globals': {'x': [1, 2.5, null, 'é']}, 'args': ['a', ''],"
    " 'views': {'v': [1]}}",
    "{'expression': '1 + 1', 'python_path': ['lib', '/usr/lib/x'], 'deterministic': {'seed': 4294967295}}",
    "{'command': ['sh', '-c', 'true'], 'env': {'A': '1', 'B': null, 'C': ''}, 'stdin': 'line\\n'}",
    "{'command': ['a'], 'stdin': ''}",
    "{'code': '', 'trace': {'max_steps': 7, 'max_bytes': 4096}, 'display': true}",
    "{'code': '', 'trace': null, 'deterministic': null}",
    "{'directory': '/box', 'hostname': 'h', 'collect': ['*.png', 'out/a'], 'network': 'none', 'proc': 'none'}",
    "{'files': [{'path': 'a', 'text': 'x'}, {'path': 'b/c', 'base64': 'AAEC', 'executable': true}, {'path': "
    "'e', 'text': ''},"
    " {'path': 'd', 'source': '/srv/d'}]}",
    "{'mounts': [{'source': '/srv/a', 'target': '/a', 'mode': 'ro'},"
    " {'source': '/srv/b', 'target': '/b', 'mode': 'ro', 'optional': true}]}",
    "{'limits': {'wall_seconds': 0.5, 'cpu_seconds': 0.25, 'memory_bytes': 65536, 'output_bytes': 0, "
    "'branches': "
    "3}}",
    "{'layers': {'landlock': 'require', 'cgroup': 'require'}, 'output_action': 'kill', 'nice': 19,"
    " 'syscalls': ['base', 'threads']}",
    "{'policy': {'level': 'restricted', 'features': ['stdout']}, 'code': '1'}",
};

static const char profile[] = "{'limits': {'wall_seconds': 5, 'memory_bytes': 1000000}, 'network': 'loopback', "
                              "'proc': 'own', 'mount_sources': ['/srv'],"
                              " 'syscalls': ['base', 'threads', 'files']}";

static char *narrowed(const struct bj_request *request)
{
    struct bj_error err = {0};
    struct bj_spec *spec = NULL;
    struct bj_spec *base = good_profile(profile);
    if (bj__spec_tighten(base, request, &spec, &err) != 0)
        fail_msg("%s: %s", err.field, err.message);
    char *text = bj_spec_json(spec);
    bj_spec_free(spec);
    bj_spec_free(base);
    return text;
}

static void what_was_said_arrives(void **state)
{
    for (size_t n = 0; n < BJ_COUNT(requests); n++) {
        struct bj_error err = {0};
        struct bj_request said = good_request(requests[n]);
        struct bj_request heard = {0};
        BJ_BUF struct bj_buf wire;
        bj__buf_init(&wire, 1u << 20);
        assert_int_equal(bj__request_encode(&said, &wire), 0);
        if (bj__request_decode(wire.bytes, wire.length, &heard, &err) != 0)
            fail_msg("%s\n%s: %s", requests[n], err.field, err.message);
        assert_int_equal(heard.keys & ~(1u << BJ_KEY_COLLECT), said.keys & ~(1u << BJ_KEY_COLLECT));
        assert_int_equal(heard.limit_keys, said.limit_keys);
        assert_int_equal(heard.layer_keys, said.layer_keys);
        char *before = narrowed(&said);
        char *after = narrowed(&heard);
        assert_string_equal(before, after);
        free(before);
        free(after);
        bj__request_done(&said);
        bj__request_done(&heard);
    }
}

static void what_is_cut_short_is_refused(void **state)
{
    for (size_t n = 0; n < BJ_COUNT(requests); n++) {
        struct bj_request said = good_request(requests[n]);
        BJ_BUF struct bj_buf wire;
        struct bj_tlv_reader reader;
        struct bj_tlv record;
        bj__buf_init(&wire, 1u << 20);
        assert_int_equal(bj__request_encode(&said, &wire), 0);
        bj__tlv_start(&reader, wire.bytes, wire.length);
        for (size_t whole = 0; bj__tlv_next(&reader, &record) > 0; whole = wire.length - reader.left)
            for (size_t cut = whole + 1; cut < wire.length - reader.left; cut++) {
                struct bj_request heard = {0};
                unsigned char *exact = malloc(cut); /* so that a byte too far is seen */
                memcpy(exact, wire.bytes, cut);
                assert_int_equal(bj__request_decode(exact, cut, &heard, NULL), -EBADMSG);
                free(exact);
            }
        bj__request_done(&said);
    }
}

static void refuses(uint16_t tag, const void *bytes, size_t length)
{
    struct bj_request heard = {0};
    struct bj_error err = {0};
    BJ_BUF struct bj_buf wire;
    bj__buf_init(&wire, 1u << 20);
    assert_int_equal(bj__tlv_add(&wire, tag, bytes, length), 0);
    if (bj__request_decode(wire.bytes, wire.length, &heard, &err) >= 0)
        fail_msg("tag %u was accepted", tag);
    assert_true(err.message[0] != 0);
    assert_null(heard.spec);
}

static void refuses_number(uint16_t tag, uint64_t number)
{
    uint64_t bytes = number; /* x86 and arm are little endian, as the wire */
    refuses(tag, &bytes, sizeof(bytes));
}

static void values_out_of_range_are_refused(void **state)
{
    refuses_number(BJ_REQUEST_KEYS, 1ull << BJ_KEY__COUNT);
    refuses_number(BJ_REQUEST_NETWORK, BJ_NETWORK_HOST + 1);
    refuses_number(BJ_REQUEST_PROC, BJ_PROC_OWN + 1);
    refuses_number(BJ_REQUEST_OUTPUT_ACTION, BJ_OUTPUT_KILL + 1);
    refuses_number(BJ_REQUEST_NICE, 20);
    refuses_number(BJ_REQUEST_DISPLAY, 2);
    refuses_number(BJ_REQUEST_NICE, UINT64_MAX);
    refuses(BJ_REQUEST_NICE, "\1", 1);
    refuses(BJ_REQUEST__NONE, "", 1);
    refuses(BJ_REQUEST__COUNT, "", 1);
    refuses(UINT16_MAX, "", 1);
}

static void texts_are_texts(void **state)
{
    refuses(BJ_REQUEST_CODE, "", 0);
    refuses(BJ_REQUEST_CODE, "x", 1);
    refuses(BJ_REQUEST_CODE, "x\0y", 4);
    refuses(BJ_REQUEST_PROFILE, "../../etc/x", 12);
    refuses(BJ_REQUEST_PROFILE, "/x", 3);
    refuses(BJ_REQUEST_ENV, "=x", 3);
    refuses(BJ_REQUEST_ENV, "A\n=x", 5);
}

/* A nested record of two members. */
static void refuses_pair(uint16_t tag, uint64_t a, uint64_t b)
{
    BJ_BUF struct bj_buf members;
    bj__buf_init(&members, 4096);
    assert_int_equal(bj__tlv_add_number(&members, 1, a), 0);
    assert_int_equal(bj__tlv_add_number(&members, 2, b), 0);
    refuses(tag, members.bytes, members.length);
}

static void members_are_checked(void **state)
{
    refuses_pair(BJ_REQUEST_LAYER, BJ_LAYER__COUNT, BJ_REQUIRE);
    refuses_pair(BJ_REQUEST_LAYER, 0, BJ_REQUIRE + 1);
    refuses_pair(BJ_REQUEST_LIMIT, 100, 1);
    refuses_pair(BJ_REQUEST_LIMIT, 0, 1); /* a microsecond */
    refuses_pair(BJ_REQUEST_LIMIT, 0, UINT64_MAX);
    refuses_pair(BJ_REQUEST_TRACE, 1u << 30, 0);
    refuses_pair(BJ_REQUEST_TRACE, 1, 1);
    refuses_pair(BJ_REQUEST_DETERMINISTIC, 1, 1);
    refuses(BJ_REQUEST_FILE, "", 0);
    refuses(BJ_REQUEST_MOUNT, "", 0);
}

static void refuses_file(const char *path)
{
    BJ_BUF struct bj_buf members;
    bj__buf_init(&members, 65536);
    assert_int_equal(bj__tlv_add_text(&members, 1, path), 0);
    assert_int_equal(bj__tlv_add(&members, 3, "x", 1), 0);
    assert_int_equal(bj__tlv_add_number(&members, 4, 0), 0);
    refuses(BJ_REQUEST_FILE, members.bytes, members.length);
}

static void paths_of_files_stay_inside(void **state)
{
    static const char *const paths[] = {"../x", "/etc/passwd", "a/../../x", "", ".", "a//b", "a\nb"};
    for (size_t n = 0; n < BJ_COUNT(paths); n++)
        refuses_file(paths[n]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_arrives),
        cmocka_unit_test(what_is_cut_short_is_refused),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(texts_are_texts),
        cmocka_unit_test(members_are_checked),
        cmocka_unit_test(paths_of_files_stay_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
