/* A request can only narrow: each field by example (test_never_weaker.c tries all of them at random).
 * Its own file because this is the property on which every front end that takes requests rests.
 * Changes when: a request can ask for something more. */
#include "spec_help.h"

#include "spec/check.h"

static struct bj_spec *narrowed(const char *profile_text, const char *request_text)
{
    struct bj_error err = {0};
    struct bj_spec *profile = good_profile(profile_text), *spec = NULL;
    struct bj_request request = good_request(request_text);
    char *before = bj_spec_json(profile);
    if (bj__spec_tighten(profile, &request, &spec, &err) != 0)
        fail_msg("%s\n%s\n%s: %s", profile_text, request_text, err.field, err.message);
    char *after = bj_spec_json(profile);
    assert_string_equal(before, after); /* pure */
    free(before);
    free(after);
    bj__request_done(&request);
    bj_spec_free(profile); /* and what came out stands by itself */
    return spec;
}

static void refused_as(const char *profile_text, const char *request_text, enum bj_error_code code,
                       const char *field, const char *words)
{
    struct bj_error err = {0};
    struct bj_spec *profile = good_profile(profile_text), *spec = NULL;
    struct bj_request request = good_request(request_text);
    if (bj__spec_tighten(profile, &request, &spec, &err) >= 0)
        fail_msg("%s\n%s\nwas accepted", profile_text, request_text);
    assert_null(spec);
    check_error(request_text, &err, code, field, words);
    bj__request_done(&request);
    bj_spec_free(profile);
}

static void refused(const char *profile_text, const char *request_text, const char *field, const char *words)
{
    refused_as(profile_text, request_text, BJ_ERROR_WIDENS, field, words);
}

static void an_empty_request_changes_nothing(void **state)
{
    const char *text =
        "{'command': ['a', 'b'], 'env': {'A': '1'}, 'limits': {'files': 7}, 'nice': 3,"
        " 'layers': {'landlock': 'require'}, 'network': 'loopback', 'proc': 'own',"
        " 'files': [{'path': 'x', 'text': 'y'}], 'mounts': [{'source': '/usr', 'target': '/usr'}],"
        " 'syscalls': ['base', 'threads'], 'scratch_executable': true, 'mount_sources': ['/srv']}";
    struct bj_spec *profile = good_profile(text), *spec = narrowed(text, "{}");
    char *left = bj_spec_json(profile), *right = bj_spec_json(spec);
    assert_string_equal(left, right);
    free(left);
    free(right);
    bj_spec_free(profile);
    bj_spec_free(spec);
}

static void limits_only_go_down(void **state)
{
    struct bj_spec *spec = narrowed("{'limits': {'wall_seconds': 5, 'cpu_seconds': null, 'files': 9}}",
                                    "{'limits': {'wall_seconds': 4.5, 'cpu_seconds': 80000, 'files': 9}}");
    assert_int_equal(spec->limits.wall_us, 4500000);
    assert_int_equal(spec->limits.cpu_us, 80000000000);
    assert_int_equal(spec->limits.files, 9);
    bj_spec_free(spec);
    refused("{'limits': {'wall_seconds': 5}}", "{'limits': {'wall_seconds': 5.000001}}", "limits.wall_seconds",
            "asked for 5.000001 seconds; the profile \"test\" allows 5 seconds");
    for (size_t n = 0; n < bj__limit_count; n++) {
        const struct bj_limit_row *row = &bj__limit_rows[n];
        uint64_t unit = row->unit == BJ_LIMIT_SECONDS ? 1000000 : 1, least = (row->minimum + unit - 1) / unit;
        char profile[100], request[100], field[64];
        (void)snprintf(profile, sizeof(profile), "{'limits': {'%s': %llu}}", row->name,
                       (unsigned long long)least);
        (void)snprintf(request, sizeof(request), "{'limits': {'%s': %llu}}", row->name,
                       (unsigned long long)least + 1);
        (void)snprintf(field, sizeof(field), "limits.%s", row->name);
        refused(profile, request, field, "asked for");
        bj_spec_free(narrowed(profile, profile));
    }
    /* A request made by calls could hold a limit of 0, "none", which no JSON gives. */
    struct bj_spec *profile = good_profile("{}"), *none = NULL;
    struct bj_request request = good_request("{'limits': {'memory_bytes': 65536}}");
    struct bj_error err = {0};
    request.spec->limits.memory_bytes = 0;
    assert_int_equal(bj__spec_tighten(profile, &request, &none, &err), -EPERM);
    check_error("none", &err, BJ_ERROR_WIDENS, "limits.memory_bytes", "asked for no limit");
    bj__request_done(&request);
    bj_spec_free(profile);
}

/* Where memory_bytes stands in for an address space that is not set, a larger one would be more (a fuzzer found it). */
static void an_address_space_is_no_way_around_memory(void **state)
{
    static const char profile[] = "{'limits': {'memory_bytes': 2097152, 'address_space_bytes': null}}";
    struct bj_spec *spec = narrowed(profile, "{'limits': {'address_space_bytes': 2097152}}");
    assert_int_equal(spec->limits.address_space_bytes, 2097152);
    bj_spec_free(spec);
    refused(profile, "{'limits': {'address_space_bytes': 2097153}}", "limits.address_space_bytes",
            "allows 2097152");
}

static void layers_only_get_stronger(void **state)
{
    struct bj_spec *spec =
        narrowed("{'layers': {'cgroup': 'off', 'landlock': 'prefer'}}",
                 "{'layers': {'cgroup': 'prefer', 'landlock': 'require', 'time': 'prefer'}}");
    assert_int_equal(spec->layers[BJ_LAYER_CGROUP], BJ_PREFER);
    assert_int_equal(spec->layers[BJ_LAYER_LANDLOCK], BJ_REQUIRE);
    bj_spec_free(spec);
    refused("{}", "{'layers': {'seccomp': 'prefer'}}", "layers.seccomp", "asked for prefer");
    refused("{}", "{'layers': {'cgroup': 'off'}}", "layers.cgroup", "allows prefer");
}

static void words_only_get_narrower(void **state)
{
    struct bj_spec *spec = narrowed("{'network': 'host', 'proc': 'own', 'nice': 3}",
                                    "{'network': 'none', 'proc': 'none', 'nice': 4, 'output_action': 'kill'}");
    assert_int_equal(spec->network, BJ_NETWORK_NONE);
    assert_int_equal(spec->layers[BJ_LAYER_NET],
                     BJ_REQUIRE); /* "none" without a namespace would be the host's */
    assert_int_equal(spec->proc, BJ_PROC_NONE);
    assert_int_equal(spec->nice, 4);
    assert_int_equal(spec->output_action, BJ_OUTPUT_KILL);
    bj_spec_free(spec);
    refused("{}", "{'network': 'loopback'}", "network", "asked for loopback");
    refused("{'network': 'loopback'}", "{'network': 'host'}", "network", "allows loopback");
    refused("{}", "{'proc': 'own'}", "proc", "asked for own");
    refused("{'nice': 3}", "{'nice': 2}", "nice", "3 and more");
    refused("{'syscalls': ['base']}", "{'syscalls': ['base', 'threads']}", "syscalls", "the set \"threads\"");
    spec = narrowed("{'syscalls': ['base', 'threads']}", "{'syscalls': ['base']}");
    assert_int_equal(spec->syscalls.count, 1);
    bj_spec_free(spec);
}

static void the_profiles_program_stays(void **state)
{
    struct bj_spec *spec = narrowed("{'command': ['a', 'b']}", "{'args': ['c']}");
    assert_int_equal(spec->command.count, 3);
    assert_string_equal(spec->command.items[2], "c");
    bj_spec_free(spec);
    spec = narrowed("{}", "{'command': ['a'], 'args': ['c']}");
    assert_int_equal(spec->command.count, 2);
    bj_spec_free(spec);
    static const char *const programs[] = {"command", "code", "expression"};
    static const char *const texts[] = {"{'command': ['x']}", "{'code': 'x'}", "{'expression': 'x'}"};
    for (size_t n = 0; n < 3; n++)
        for (size_t m = 0; m < 3; m++)
            refused(texts[n], texts[m], programs[m], "another program");
    refused_as("{}", "{'args': ['c']}", BJ_ERROR_INVALID, "args", "no command");
    spec = narrowed("{'code': 'x', 'args': ['a']}", "{'args': ['c'], 'python_path': ['lib']}");
    assert_int_equal(spec->args.count, 2);
    assert_string_equal(spec->args.items[1], "c");
    assert_string_equal(spec->python_path.items[0], "lib");
    bj_spec_free(spec);
    refused("{'policy': {}}", "{'policy': {}}", "policy", "its own");
    spec = narrowed("{}", "{'policy': {'paths': []}, 'code': 'x', 'globals': {'y': 1}}");
    assert_string_equal(spec->policy, "{\"paths\":[]}");
    assert_string_equal(spec->globals, "{\"y\":1}");
    bj_spec_free(spec);
    spec = narrowed("{}", "{'trace': {'max_steps': 7}, 'code': 'x'}");
    assert_int_equal(spec->trace.max_steps, 7);
    bj_spec_free(spec);
    spec = narrowed("{'trace': {}}", "{'trace': {'max_steps': 5000, 'max_bytes': 9999}, 'code': 'x'}");
    assert_int_equal(spec->trace.max_steps, 5000);
    assert_int_equal(spec->trace.max_bytes, 9999);
    bj_spec_free(spec);
    spec = narrowed("{'trace': {}}", "{'trace': null, 'command': ['x']}");
    assert_int_equal(spec->trace.max_steps, 0);
    bj_spec_free(spec);
    refused_as("{'trace': {}}", "{'command': ['x']}", BJ_ERROR_INVALID, "trace", "no steps to tell");
    spec = narrowed("{}", "{'display': true, 'code': 'x'}");
    assert_true(spec->display);
    bj_spec_free(spec);
    spec = narrowed("{'display': true}", "{'display': false, 'command': ['x']}");
    assert_false(spec->display);
    bj_spec_free(spec);
    refused_as("{'display': true}", "{'command': ['x']}", BJ_ERROR_INVALID, "display", "give code, or false");
    spec = narrowed("{}", "{'deterministic': {'seed': 7}, 'code': 'x'}");
    assert_true(spec->deterministic.on);
    assert_int_equal(spec->deterministic.seed, 7);
    bj_spec_free(spec);
    spec = narrowed("{'deterministic': {'seed': 7}}", "{'deterministic': {}, 'code': 'x'}");
    assert_int_equal(spec->deterministic.seed, 0);
    bj_spec_free(spec);
    spec = narrowed("{'deterministic': {'seed': 7}}", "{'expression': 'x'}");
    assert_int_equal(spec->deterministic.seed, 7);
    bj_spec_free(spec);
    spec = narrowed("{'deterministic': {}}", "{'deterministic': null, 'command': ['x']}");
    assert_false(spec->deterministic.on);
    bj_spec_free(spec);
    refused_as("{'deterministic': {}}", "{'command': ['x']}", BJ_ERROR_INVALID, "deterministic",
               "give code or expression");
}

static void variables_by_name(void **state)
{
    struct bj_spec *spec =
        narrowed("{'env': {'A': '1', 'B': '2'}}", "{'env': {'A': null, 'B': '3', 'C': '', 'D': null}}");
    assert_int_equal(spec->environment.count, 2);
    assert_string_equal(spec->environment.items[0], "B=3");
    assert_string_equal(spec->environment.items[1], "C=");
    bj_spec_free(spec);
    const char *listed = "{'env': {'A': '1'}, 'env_names': ['LANG']}";
    bj_spec_free(narrowed(listed, "{'env': {'LANG': 'C'}}"));
    refused(listed, "{'env': {'LANGUAGE': 'C'}}", "env.LANGUAGE", "env_names");
    refused(listed, "{'env': {'A': null}}", "env.A", "env_names");
    refused("{'env_names': []}", "{'env': {'A': ''}}", "env.A", "env_names");
}

#define SOURCES                                                                                                \
    "{'mount_sources': ['/srv/data', '/srv'], 'mounts': [{'source': '/usr', 'target': '/usr'}],"               \
    " 'links': [{'path': '/bin', 'target': 'usr/bin'}], 'closed_directories': ['/etc'],"                       \
    " 'closed_files': ['/etc/passwd', '/lone'], 'files': [{'path': 'own', 'text': ''}]}"

static void sources_lie_below_the_profiles(void **state)
{
    struct bj_spec *spec =
        narrowed(SOURCES, "{'mounts': [{'source': '/srv/data/x', 'target': '/data', 'optional': true}],"
                          " 'files': [{'path': 'f', 'source': '/srv/f', 'executable': true}]}");
    assert_int_equal(spec->mount_count, 2);
    assert_string_equal(spec->mounts[1].beneath, "/srv/data"); /* the nearest */
    assert_true(spec->mounts[1].optional && !spec->mounts[1].executable && spec->mounts[1].mode == BJ_MOUNT_RO);
    assert_string_equal(spec->files[1].beneath, "/srv");
    bj_spec_free(spec);
    static const char *const bad[] = {"/etc", "/", "/srvx", "/sr", "/usr/lib"};
    for (size_t n = 0; n < BJ_COUNT(bad); n++) {
        char text[120];
        (void)snprintf(text, sizeof(text), "{'mounts': [{'source': '%s', 'target': '/data'}]}", bad[n]);
        refused(SOURCES, text, "mounts[0].source", "what is below \"/srv/data\"");
        (void)snprintf(text, sizeof(text), "{'files': [{'path': 'f', 'source': '%s'}]}", bad[n]);
        refused(SOURCES, text, "files[0].source", "what is below");
        refused("{}", text, "files[0].source", "no source of the host");
    }
#define MOUNT(source, target, more) "{'mounts': [{'source': '" source "', 'target': '" target "'" more "}]}"
    refused(SOURCES, MOUNT("/srv/x", "/data", ", 'mode': 'rw'"), "mounts[0].mode", "asked for \"rw\"");
    refused(SOURCES, MOUNT("/srv/x", "/data", ", 'executable': true"), "mounts[0].executable",
            "asked for true");
    refused(SOURCES, MOUNT("/srv/x", "/usr", ""), "mounts[0].target", "apart from its \"/usr\"");
    refused(SOURCES, MOUNT("/srv/x", "/usr/bin", ""), "mounts[0].target", "apart from its \"/usr\"");
    refused(SOURCES, MOUNT("/srv/x", "/bin/sh", ""), "mounts[0].target", "apart from its \"/bin\"");
    refused(SOURCES, MOUNT("/srv/x", "/etc/ld.so.preload", ""), "mounts[0].target", "apart from its \"/etc\"");
    refused(SOURCES, MOUNT("/srv/x", "/lone", ""), "mounts[0].target", "apart from its \"/lone\"");
    refused_as(SOURCES, MOUNT("/srv/x", "/tmp", ""), BJ_ERROR_INVALID, "mounts[0].target",
               "Belljar makes itself");
    refused_as(SOURCES, "{'files': [{'path': 'own', 'text': 'x'}]}", BJ_ERROR_INVALID, "files[0].path",
               "is the same");
    refused_as(SOURCES, "{'files': [{'path': 'own/x', 'text': 'x'}]}", BJ_ERROR_INVALID, "files[0].path",
               "is below");
    struct bj_error err = {0};
    struct bj_request request = {0};
    char *json = quoted(MOUNT("/srv/../etc", "/data", ""));
    assert_int_equal(bj__spec_parse_request(json, strlen(json), &request, &err), -EINVAL);
    check_error(json, &err, BJ_ERROR_INVALID, "mounts[0].source", "\"..\"");
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_request_changes_nothing),
        cmocka_unit_test(limits_only_go_down),
        cmocka_unit_test(an_address_space_is_no_way_around_memory),
        cmocka_unit_test(layers_only_get_stronger),
        cmocka_unit_test(words_only_get_narrower),
        cmocka_unit_test(the_profiles_program_stays),
        cmocka_unit_test(variables_by_name),
        cmocka_unit_test(sources_lie_below_the_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
