/* Reading specs from JSON: what is accepted, and how each mistake is told.
 * Its own file because the parser is the first thing that hostile text meets.
 * Changes when: a key is added, or an error is worded better. */
#include "spec_help.h"

#include "spec/base64.h"
#include "spec/check.h"
#include "spec/json_read.h"

#include <unistd.h>

static void reads_every_key_of_a_profile(void **state)
{
    struct bj_spec *spec = good_profile(
        "{'version': 1, 'profile': 'other', 'description': 'words', 'args': ['-c', 'x'], 'command': "
        "['python3', '-I'],"
        " 'env': {'B': '2', 'A': '1=1', 'C': ''}, 'stdin': 'a\\u0000b', 'directory': '/box/d', 'hostname': 'h',"
        " 'files': [{'path': 'a/b', 'text': 'x\\u0000', 'executable': true}, {'path': 'c', 'base64': '/wA='},"
        "           {'path': 'd', 'source': '/srv/d', 'beneath': '/srv'}],"
        " 'collect': ['out/*.png'], 'links': [{'path': '/bin', 'target': 'usr/bin'}],"
        " 'mounts': [{'source': '/usr', 'target': '/usr', 'mode': 'ro', 'executable': true},"
        "            {'source': '/d', 'target': '/d', 'mode': 'rw', 'optional': true}],"
        " 'closed_directories': ['/etc'], 'closed_files': ['/etc/passwd'],"
        " 'limits': {'wall_seconds': 0.0015, 'cpu_seconds': null, 'memory_bytes': 1048576, 'output_bytes': 0},"
        " 'layers': {'landlock': 'require', 'time': 'off'}, 'network': 'loopback', 'proc': 'own',"
        " 'output_action': 'kill', 'scratch_executable': true, 'syscalls': ['threads', 'base', 'base'], "
        "'nice': 7,"
        " 'globals': {'x': [1, 2.5]}, 'policy': {'features': ['math']}, 'mount_sources': ['/srv'], "
        "'env_names': []}");
    assert_string_equal(spec->profile, "test");
    assert_string_equal(spec->description, "words");
    assert_int_equal(spec->command.count, 4);
    assert_string_equal(spec->command.items[0], "python3");
    assert_string_equal(spec->command.items[3], "x"); /* args stand behind, wherever they are in the text */
    assert_null(spec->command.items[4]);
    assert_int_equal(spec->environment.count, 3);
    assert_string_equal(spec->environment.items[0], "A=1=1");
    assert_string_equal(spec->environment.items[2], "C=");
    assert_int_equal(spec->stdin_length, 3);
    assert_memory_equal(spec->stdin_bytes, "a\0b", 3);
    assert_int_equal(spec->file_count, 3);
    assert_int_equal(spec->files[0].length, 2);
    assert_true(spec->files[0].executable);
    assert_memory_equal(spec->files[1].bytes, "\xff\0", 2);
    assert_int_equal(spec->files[2].kind, BJ_FILE_SOURCE);
    assert_string_equal(spec->files[2].beneath, "/srv");
    assert_int_equal(spec->mount_count, 2);
    assert_int_equal(spec->mounts[1].mode, BJ_MOUNT_RW);
    assert_true(spec->mounts[1].optional && !spec->mounts[1].executable && spec->mounts[0].executable);
    assert_int_equal(spec->limits.wall_us, 1500);
    assert_int_equal(spec->limits.cpu_us, 0);
    assert_int_equal(spec->limits.memory_bytes, 1048576);
    assert_int_equal(spec->limits.output_bytes, 0);
    assert_int_equal(spec->limits.processes, 1); /* not given: the strict default */
    assert_int_equal(spec->layers[BJ_LAYER_LANDLOCK], BJ_REQUIRE);
    assert_int_equal(spec->layers[BJ_LAYER_TIME], BJ_OFF);
    assert_int_equal(spec->layers[BJ_LAYER_SECCOMP], BJ_REQUIRE);
    assert_int_equal(spec->network, BJ_NETWORK_LOOPBACK);
    assert_int_equal(spec->proc, BJ_PROC_OWN);
    assert_int_equal(spec->output_action, BJ_OUTPUT_KILL);
    assert_true(spec->scratch_executable);
    assert_int_equal(spec->syscalls.count, 2); /* sorted, once each */
    assert_string_equal(spec->syscalls.items[0], "base");
    assert_int_equal(spec->nice, 7);
    assert_string_equal(spec->globals, "{\"x\":[1,2.5]}");
    assert_non_null(spec->env_names.items);
    assert_int_equal(spec->env_names.count, 0);
    bj_spec_free(spec);
}

static void an_empty_profile_gives_little(void **state)
{
    struct bj_spec *spec = good_profile("{}");
    assert_int_equal(spec->mount_count, 0);
    assert_int_equal(spec->command.count, 0);
    assert_int_equal(spec->environment.count, 0);
    assert_int_equal(spec->network, BJ_NETWORK_NONE);
    assert_int_equal(spec->limits.processes, 1);
    assert_true(spec->limits.memory_bytes > 0 && spec->limits.wall_us > 0);
    assert_int_equal(spec->layers[BJ_LAYER_SECCOMP], BJ_REQUIRE);
    assert_int_equal(spec->syscalls.count, 1);
    assert_null(spec->env_names.items); /* any variable */
    bj_spec_free(spec);
}

static void notes_what_a_request_gives(void **state)
{
    struct bj_request request =
        good_request("{'profile': 'python', 'args': ['a'], 'env': {'X': null, 'Y': 'y'},"
                     " 'limits': {'files': 5}, 'layers': {'cgroup': 'require'}}");
    assert_string_equal(request.spec->profile, "python");
    assert_int_equal(request.keys, 1u << BJ_KEY_PROFILE | 1u << BJ_KEY_ARGS | 1u << BJ_KEY_ENV |
                                       1u << BJ_KEY_LIMITS | 1u << BJ_KEY_LAYERS);
    assert_int_equal(request.limit_keys, 1u << 6);
    assert_int_equal(request.layer_keys, 1u << BJ_LAYER_CGROUP);
    assert_string_equal(request.spec->environment.items[0], "X"); /* taken away */
    assert_string_equal(request.spec->environment.items[1], "Y=y");
    assert_int_equal(request.spec->limits.wall_us, 0);
    bj__request_done(&request);
    assert_null(request.spec);
}

static void names_unknown_keys_and_the_nearest(void **state)
{
    bad_profile("{'comand': ['x']}", "comand", "did you mean \"command\"");
    bad_profile("{'limits': {'memory': 1}}", "limits.memory", "did you mean \"memory_bytes\"");
    bad_profile("{'limits': {'zzz': 1}}", "limits.zzz", "wall_seconds, cpu_seconds");
    bad_profile("{'layers': {'landlok': 'off'}}", "layers.landlok", "landlock");
    bad_profile("{'layers': {'landlock': 'on'}}", "layers.landlock", "off, prefer, require");
    bad_profile("{'files': [{'path': 'a', 'txt': ''}]}", "files[0].txt", "did you mean \"text\"");
    bad_profile("{'mounts': [{'from': '/a'}]}", "mounts[0].from", "source, target, mode");
    bad_profile("{'network': 'bridge'}", "network", "none, loopback, host");
    bad_profile("{'\\u001b[31m': 1}", "?[31m",
                "unknown key \"?[31m\""); /* does not reach a terminal as it is */
}

static void names_wrong_types(void **state)
{
    bad_profile("{'limits': {'memory_bytes': '1G'}}", "limits.memory_bytes",
                "\"1G\" is a string; expected a whole number");
    bad_profile("{'limits': {'memory_bytes': 1e6}}", "limits.memory_bytes",
                "1000000.0 is a number; expected a whole");
    bad_profile("{'limits': {'files': null}}", "limits.files", "null; expected a whole number");
    bad_profile("{'limits': {'wall_seconds': '2s'}}", "limits.wall_seconds", "expected a number of seconds");
    bad_profile("{'limits': {'wall_seconds': true}}", "limits.wall_seconds", "true is a boolean");
    bad_profile("{'limits': {'wall_seconds': -1}}", "limits.wall_seconds",
                "-1 is a number; expected a number of seconds");
    bad_profile("{'limits': {'wall_seconds': 1e300}}", "limits.wall_seconds", "expected a number of seconds");
    bad_profile("{'command': 'ls -l'}", "command", "\"ls -l\" is a string; expected an array of strings");
    bad_profile("{'command': []}", "command", "expected the program and its arguments");
    bad_profile("{'command': ['a', 3]}", "command[1]", "3 is a number; expected a string");
    bad_profile("{'env': ['A=1']}", "env", "an array; expected an object");
    bad_profile("{'env': {'A': 1}}", "env.A", "expected a string");
    bad_profile("{'env': {'A': null}}", "env.A", "null; expected a string");
    bad_profile("{'nice': 20}", "nice", "expected a whole number from 0 to 19");
    bad_profile("{'scratch_executable': 1}", "scratch_executable", "expected true or false");
    bad_profile("{'version': 2}", "version", "expected 1");
    bad_profile("{'globals': [1]}", "globals", "expected an object");
    bad_profile("{'network': 5}", "network", "expected one of none, loopback, host");
    bad_profile("{'files': {}}", "files", "expected an array of objects");
    bad_profile("{'files': ['a']}", "files[0]", "expected an object");
    bad_profile("[]", "", "expected a JSON object");
}

static void values_are_displayed_of_code_alone(void **state)
{
    (void)state;
    struct bj_error err = {0};
    struct bj_spec *spec = good_profile("{'code': 'x'}");
    assert_false(spec->display);
    assert_int_equal(bj_spec_set_display(spec, 2, &err), 0);
    assert_true(spec->display);
    BJ_FREE char *printed = bj_spec_json(spec);
    assert_non_null(strstr(printed, "\"display\": true"));
    bj_spec_free(spec);
    spec = good_profile("{'display': true}");
    assert_true(spec->display);
    assert_int_equal(bj_spec_set_display(spec, 0, &err), 0);
    assert_false(spec->display);
    bj_spec_free(spec);
    spec = good_profile("{'display': false, 'expression': 'x'}");
    assert_int_equal(bj_spec_set_display(spec, 1, &err), -EINVAL);
    assert_string_equal(err.field, "display");
    assert_false(spec->display);
    bj_spec_free(spec);
    bad_profile("{'display': 1}", "display", "true or false");
    bad_profile("{'display': true, 'expression': 'x'}", "display", "give code, or false for display");
}

static void a_trace_has_its_bounds(void **state)
{
    (void)state;
    struct bj_spec *spec = good_profile("{'code': 'x', 'trace': {}}");
    assert_int_equal(spec->trace.max_steps, 1000);
    assert_int_equal(spec->trace.max_bytes, 0);
    bj_spec_free(spec);
    spec = good_profile("{'code': 'x', 'trace': {'max_steps': 100000, 'max_bytes': 4096}}");
    assert_int_equal(spec->trace.max_steps, 100000);
    assert_int_equal(spec->trace.max_bytes, 4096);
    BJ_FREE char *printed = bj_spec_json(spec);
    assert_non_null(strstr(printed, "\"trace\": {\n    \"max_steps\": 100000,\n    \"max_bytes\": 4096\n  }"));
    struct bj_error err;
    assert_int_equal(bj_spec_set_trace(spec, 100001, 0, &err), -ERANGE);
    assert_string_equal(err.field, "trace.max_steps");
    assert_int_equal(bj_spec_set_trace(spec, 1, 4095, &err), -ERANGE);
    assert_string_equal(err.field, "trace.max_bytes");
    assert_int_equal(spec->trace.max_steps, 100000);
    assert_int_equal(bj_spec_set_trace(spec, 1, 0, &err), 0);
    assert_int_equal(spec->trace.max_steps, 1);
    bj_spec_free(spec);
    spec = good_profile("{'expression': 'x', 'trace': null}");
    assert_int_equal(spec->trace.max_steps, 0);
    bj_spec_free(spec);
    bad_profile("{'trace': true}", "trace", "expected an object");
    bad_profile("{'trace': {'steps': 1}}", "trace.steps", "unknown key");
    bad_profile("{'trace': {'max_steps': 0}}", "trace.max_steps",
                "0 is a number; expected a whole number from 1 to 100000");
    bad_profile("{'trace': {'max_steps': 100001}}", "trace.max_steps", "from 1 to 100000");
    bad_profile("{'trace': {'max_steps': '9'}}", "trace.max_steps", "from 1 to 100000");
    bad_profile("{'trace': {'max_bytes': 4095}}", "trace.max_bytes", "from 4096 to 33554432");
    bad_profile("{'trace': {}, 'expression': 'x'}", "trace",
                "of an expression there are no steps to tell; give code");
    bad_profile("{'trace': {}, 'command': ['x']}", "trace",
                "of a command there are no steps to tell; give code");
}

static void what_repeats_has_a_seed_and_a_moment(void **state)
{
    (void)state;
    struct bj_spec *spec = good_profile("{'expression': 'x', 'deterministic': {}}");
    assert_true(spec->deterministic.on);
    assert_int_equal(spec->deterministic.seed, 0);
    assert_int_equal(spec->deterministic.start_s, 1577836800);
    bj_spec_free(spec);
    spec = good_profile("{'code': 'x', 'deterministic': {'seed': 4294967295, 'time': '2199-12-31T23:59:59Z'}}");
    assert_int_equal(spec->deterministic.seed, 4294967295);
    assert_int_equal(spec->deterministic.start_s, 7258118399);
    BJ_FREE char *printed = bj_spec_json(spec);
    assert_non_null(strstr(printed, "\"deterministic\": {\n    \"seed\": 4294967295,\n"
                                    "    \"time\": \"2199-12-31T23:59:59Z\"\n  }"));
    struct bj_error err;
    assert_int_equal(bj_spec_set_deterministic(spec, 4294967296, NULL, &err), -ERANGE);
    assert_string_equal(err.field, "deterministic.seed");
    assert_int_equal(bj_spec_set_deterministic(spec, 1, "yesterday", &err), -EINVAL);
    assert_string_equal(err.field, "deterministic.time");
    assert_int_equal(spec->deterministic.seed, 4294967295);
    assert_int_equal(bj_spec_set_deterministic(spec, 1, NULL, &err), 0);
    assert_int_equal(spec->deterministic.seed, 1);
    assert_int_equal(spec->deterministic.start_s, 1577836800);
    bj_spec_free(spec);
    spec = good_profile("{'command': ['x'], 'deterministic': null}");
    assert_false(spec->deterministic.on);
    bj_spec_free(spec);
    bad_profile("{'deterministic': 1}", "deterministic", "expected an object");
    bad_profile("{'deterministic': {'sed': 1}}", "deterministic.sed", "unknown key");
    bad_profile("{'deterministic': {'seed': 4294967296}}", "deterministic.seed",
                "4294967296 is a number; expected a whole number from 0 to 4294967295");
    bad_profile("{'deterministic': {'time': 'x'}}", "deterministic.time",
                "\"x\" is a string; expected a moment");
    bad_profile("{'deterministic': {}, 'command': ['x']}", "deterministic", "give code or expression");
}

static void holds_limits_to_their_bounds(void **state)
{
    bad_profile("{'limits': {'memory_bytes': 0}}", "limits.memory_bytes", "at least 65536");
    bad_profile("{'limits': {'wall_seconds': 0}}", "limits.wall_seconds", "at least 0.001");
    bad_profile("{'limits': {'wall_seconds': 86401}}", "limits.wall_seconds",
                "86401 seconds; give 0.001 to 86400");
    bad_profile("{'limits': {'processes': 40000}}", "limits.processes", "40000; give 1 to 32768");
    bad_profile("{'limits': {'files': -5}}", "limits.files", "expected a whole number");
    for (size_t n = 0; n < bj__limit_count; n++) {
        const struct bj_limit_row *row = &bj__limit_rows[n];
        uint64_t unit = row->unit == BJ_LIMIT_SECONDS ? 1000000 : 1;
        char text[128];
        for (uint64_t value = row->minimum;; value = row->maximum) {
            if (unit == 1)
                (void)snprintf(text, sizeof(text), "{'limits': {'%s': %llu}}", row->name,
                               (unsigned long long)value);
            else
                (void)snprintf(text, sizeof(text), "{'limits': {'%s': %.6f}}", row->name, (double)value / 1e6);
            struct bj_spec *spec = good_profile(text);
            assert_int_equal(bj__limit_value(&spec->limits, n), value);
            bj_spec_free(spec);
            if (value == row->maximum)
                break;
        }
        (void)snprintf(text, sizeof(text), "{'limits': {'%s': %llu}}", row->name,
                       (unsigned long long)(row->maximum / unit + 1));
        char field[64];
        (void)snprintf(field, sizeof(field), "limits.%s", row->name);
        bad_profile(text, field, "; give ");
    }
}

static void refuses_what_is_not_strict_json(void **state)
{
    bad_profile("", "", "not valid JSON");
    bad_profile("{'nice': 1, 'nice': 2}", "", "duplicate object key");
    bad_profile("{'nice': 1,}", "", "not valid JSON at line 1");
    bad_profile("{'nice': 1} x", "", "not valid JSON");
    bad_profile("{'nice': NaN}", "", "not valid JSON");
    bad_profile("{'command': ['\\ud800']}", "", "not valid JSON");        /* a lone surrogate */
    bad_profile("{'command': ['\\udc00\\ud800']}", "", "not valid JSON"); /* the two in the wrong order */
    bad_profile("{'command': ['\xff']}", "", "not valid JSON");           /* not UTF-8 */
    bad_profile("{'command': ['\xed\xa0\x80']}", "", "not valid JSON");   /* a surrogate in UTF-8 */
    bad_profile("{'command': ['\xc0\xaf']}", "", "not valid JSON");       /* an overlong '/' */
    bad_profile("\xef\xbb\xbf{}", "", "not valid JSON");                  /* a byte order mark */
    bad_profile("{'command': ['a\nb']}", "", "not valid JSON");           /* a bare control character */
    bad_profile("{'limits': {'files': 99999999999999999999}}", "", "not valid JSON");
}

static void refuses_nul_where_it_would_cut(void **state)
{
    bad_profile("{'command': ['tr\\u0000ue']}", "command[0]", "without a NUL");
    bad_profile("{'env': {'A': 'x\\u0000'}}", "env.A", "without a NUL");
    bad_profile("{'env': {'A\\u0000B': 'x'}}", "", "NUL byte in object key");
    bad_profile("{'files': [{'path': 'a\\u0000b', 'text': ''}]}", "files[0].path", "without a NUL");
    bad_profile("{'code': '\\u0000'}", "code", "without a NUL");
    bad_profile("{'network': 'none\\u0000'}", "network", "without a NUL");
}

static void bounds_depth_before_parsing(void **state)
{
    /* A million brackets: the parser recurses, and must not see them. */
    size_t length = 1000000;
    char *text = malloc(length + 1);
    memset(text, '[', length);
    text[length] = 0;
    bad_profile(text, "", "nested more than 256 deep");
    free(text);
    char globals[700] = "{'globals': {'x': ";
    for (int n = 0; n < 200; n++)
        strncat(globals, "[", sizeof(globals) - strlen(globals) - 1);
    for (int n = 0; n < 200; n++)
        strncat(globals, "]", sizeof(globals) - strlen(globals) - 1);
    strncat(globals, "}}", sizeof(globals) - strlen(globals) - 1);
    bj_spec_free(good_profile(globals));
    char code[400];
    (void)snprintf(code, sizeof(code), "{'code': '\\'%0300d'}", 0); /* an escaped quote, and then no nesting */
    for (char *c = strchr(code, '0'); c && *c == '0'; c++)
        *c = '[';
    bj_spec_free(good_profile(code));
}

static void bounds_sizes(void **state)
{
    size_t length = BJ_MAX_PROFILE_JSON + 1;
    char *text = malloc(length + 1);
    memset(text, ' ', length);
    text[length] = 0;
    bad_profile(text, "", "at most 1048576");
    (void)snprintf(text, length, "{'command': ['%0*d']}", (int)BJ_MAX_STRING, 0);
    bad_profile(text, "command[0]", "at most 131071 fit");
    (void)snprintf(text, length, "{'command': ['%0*d']}", (int)BJ_MAX_STRING - 1, 0);
    bj_spec_free(good_profile(text));
    size_t used = (size_t)snprintf(text, length, "{'command': ['a'");
    for (unsigned n = 1; n < BJ_MAX_ARGUMENTS; n++)
        used += (size_t)snprintf(text + used, length - used, ",'a'");
    (void)snprintf(text + used, length - used, "]}");
    bj_spec_free(good_profile(text));
    (void)snprintf(text + used, length - used, ",'a']}");
    bad_profile(text, "command", "more than 1024");
    (void)snprintf(text + used, length - used, "],'args':['a']}");
    bad_profile(text, "args", "more than 1024");
    used = (size_t)snprintf(text, length, "{'env': {'v': ''");
    for (unsigned n = 0; n < BJ_MAX_ENVIRONMENT; n++)
        used += (size_t)snprintf(text + used, length - used, ",'v%u':''", n);
    (void)snprintf(text + used, length - used, "}}");
    bad_profile(text, "env", "more than 256");
    free(text);
}

static void a_file_has_one_content(void **state)
{
    bad_profile("{'files': [{'text': 'x'}]}", "files[0]", "path is missing");
    bad_profile("{'files': [{'path': 'x'}]}", "files[0]", "give one of text, base64 and source");
    bad_profile("{'files': [{'path': 'x', 'text': '', 'base64': ''}]}", "files[0].base64",
                "exclude each other");
    bad_profile("{'files': [{'path': 'x', 'source': '/a', 'text': ''}]}", "files[0].text",
                "exclude each other");
    bad_profile("{'stdin': '', 'stdin_base64': ''}", "stdin_base64", "give one");
    bad_profile("{'mounts': [{'source': '/a'}]}", "mounts[0]", "target is missing");
    bad_profile("{'mounts': [{'target': '/a'}]}", "mounts[0]", "source is missing");
    bad_profile("{'links': [{'path': '/a'}]}", "links[0]", "give both");
    bad_profile("{'args': ['a']}", "args", "no command");
}

static void the_operators_keys_are_not_a_requests(void **state)
{
    static const char *const keys[] = {"'description': ''",
                                       "'links': []",
                                       "'closed_directories': []",
                                       "'closed_files': []",
                                       "'env_names': []",
                                       "'scratch_executable': true",
                                       "'preload': []",
                                       "'mount_sources': ['/etc']"};
    for (size_t n = 0; n < BJ_COUNT(keys); n++) {
        char text[100], field[40];
        (void)snprintf(text, sizeof(text), "{%s}", keys[n]);
        (void)snprintf(field, sizeof(field), "%.*s", (int)strcspn(keys[n] + 1, "'"), keys[n] + 1);
        bad_request(text, BJ_ERROR_WIDENS, field, "belongs in a profile");
    }
    bad_request("{'files': [{'path': 'a', 'source': '/etc/shadow', 'beneath': '/'}]}", BJ_ERROR_WIDENS,
                "files[0].beneath", "belongs in a profile");
    bad_request("{'mounts': [{'source': '/etc', 'target': '/x', 'beneath': '/'}]}", BJ_ERROR_WIDENS,
                "mounts[0].beneath", "belongs in a profile");
    bad_request("{'limits': {'memory_bytes': null}}", BJ_ERROR_WIDENS, "limits.memory_bytes", "may not");
    /* A path would let a request bring its own profile. */
    bad_request("{'profile': '/tmp/mine.json'}", BJ_ERROR_INVALID, "profile", "is not a profile's name");
    bad_request("{'profile': './mine'}", BJ_ERROR_INVALID, "profile", "is not a profile's name");
    bad_request("{'profile': '../mine'}", BJ_ERROR_INVALID, "profile", "is not a profile's name");
    bad_request("{'profile': ''}", BJ_ERROR_INVALID, "profile", "is not a profile's name");
}

static void base64_is_canonical(void **state)
{
    static const char *const bad[] = {"A",        "AA",   "AAA",   "AA=",  "A===", "AB==",  "AAB=",
                                      "AA==AA==", "A A=", "AA\n=", "AA-_", "====", "AAAA=", "AA=A"};
    for (size_t n = 0; n < BJ_COUNT(bad); n++) {
        unsigned char bytes[16];
        size_t length = 99;
        if (bj__base64_decode(bad[n], strlen(bad[n]), bytes, &length) == 0)
            fail_msg("\"%s\" was decoded", bad[n]);
        assert_int_equal(length, 99);
    }
    unsigned char in[300], out[300];
    char text[BJ_BASE64_ENCODED(sizeof(in)) + 1];
    for (size_t n = 0; n < sizeof(in); n++)
        in[n] = (unsigned char)(n * 7 + n / 256);
    for (size_t length = 0; length <= sizeof(in); length++) {
        size_t decoded = 0;
        bj__base64_encode(in, length, text);
        assert_int_equal(strlen(text), BJ_BASE64_ENCODED(length));
        assert_int_equal(bj__base64_decode(text, strlen(text), out, &decoded), 0);
        assert_int_equal(decoded, length);
        assert_memory_equal(in, out, length);
    }
    bj__base64_encode("Man", 3, text);
    assert_string_equal(text, "TWFu");
    bad_profile("{'files': [{'path': 'x', 'base64': 'AA'}]}", "files[0].base64", "expected base64");
}

/* ---- keys and schema ------------------------------------------------------------------------------ */

static json_t *at(json_t *json, const char *key)
{
    json_t *found = json_object_get(json, key);
    if (!found)
        fail_msg("the schema lacks \"%s\"", key);
    return found;
}

static void same_keys(json_t *object, const struct bj_key *keys)
{
    json_t *properties = at(object, "properties");
    size_t count = 0;
    assert_true(json_is_false(at(object, "additionalProperties")));
    for (; keys[count].name; count++) {
        (void)at(properties, keys[count].name);
        const char *words =
            json_string_value(json_object_get(json_object_get(properties, keys[count].name), "description"));
        if (!words || strlen(words) < 8)
            fail_msg("the schema does not describe \"%s\"", keys[count].name);
    }
    assert_int_equal(json_object_size(properties), count); /* and it has no other */
}

static void schema_and_parser_know_the_same_keys(void **state)
{
    json_error_t problem;
    json_t *schema = json_load_file(getenv("BELLJAR_SCHEMA"), JSON_REJECT_DUPLICATES, &problem);
    if (!schema)
        fail_msg("$BELLJAR_SCHEMA: %s", problem.text);
    json_t *properties = at(schema, "properties"), *defs = at(schema, "$defs");
    same_keys(schema, bj__spec_keys);
    same_keys(at(defs, "file"), bj__file_keys);
    same_keys(at(defs, "mount"), bj__mount_keys);
    same_keys(at(defs, "link"), bj__link_keys);
    same_keys(at(defs, "trace"), bj__trace_keys);
    same_keys(at(defs, "deterministic"), bj__deterministic_keys);
    json_t *limits = at(at(properties, "limits"), "properties");
    assert_int_equal(json_object_size(limits), bj__limit_count);
    for (size_t n = 0; n < bj__limit_count; n++) {
        const struct bj_limit_row *row = &bj__limit_rows[n];
        json_t *limit = at(limits, row->name);
        double unit = row->unit == BJ_LIMIT_SECONDS ? 1e6 : 1;
        assert_true(json_number_value(at(limit, "minimum")) == (double)row->minimum / unit);
        assert_true(json_number_value(at(limit, "maximum")) == (double)row->maximum / unit);
    }
    json_t *layers = at(at(properties, "layers"), "properties");
    assert_int_equal(json_object_size(layers), BJ_LAYER__COUNT);
    for (size_t n = 0; n < BJ_LAYER__COUNT; n++)
        (void)at(layers, bj__layer_name((enum bj_layer)n));
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_key_of_a_profile),
        cmocka_unit_test(an_empty_profile_gives_little),
        cmocka_unit_test(notes_what_a_request_gives),
        cmocka_unit_test(names_unknown_keys_and_the_nearest),
        cmocka_unit_test(names_wrong_types),
        cmocka_unit_test(values_are_displayed_of_code_alone),
        cmocka_unit_test(a_trace_has_its_bounds),
        cmocka_unit_test(what_repeats_has_a_seed_and_a_moment),
        cmocka_unit_test(holds_limits_to_their_bounds),
        cmocka_unit_test(refuses_what_is_not_strict_json),
        cmocka_unit_test(refuses_nul_where_it_would_cut),
        cmocka_unit_test(bounds_depth_before_parsing),
        cmocka_unit_test(bounds_sizes),
        cmocka_unit_test(a_file_has_one_content),
        cmocka_unit_test(the_operators_keys_are_not_a_requests),
        cmocka_unit_test(base64_is_canonical),
        cmocka_unit_test(schema_and_parser_know_the_same_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
