/* The rules of a complete spec, and the setters of the operator.
 * Its own file because these rules hold wherever a spec came from.
 * Changes when: a rule is added or a setter is. */
#include "spec_help.h"

static void paths_of_files_are_clean(void **state)
{
    static const struct {
        const char *path, *words;
    } bad[] = {{"", "empty"},
               {"/etc/passwd", "is absolute"},
               {"..", "\".\" or \"..\""},
               {"../x", "\".\" or \"..\""},
               {"a/../../x", "\".\" or \"..\""},
               {"a/..", "\".\" or \"..\""},
               {".", "\".\" or \"..\""},
               {"./a", "\".\" or \"..\""},
               {"a/./b", "\".\" or \"..\""},
               {"a//b", "empty component"},
               {"a/", "empty component"},
               {"a\nb", "control character"},
               {"a\x7f", "control character"},
               {"\x1b[2J", "control character"},
               {".belljar", "reserved"},
               {".belljar-init/x", "reserved"},
               {"1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3", "too deep"}};
    struct bj_error err;
    for (size_t n = 0; n < BJ_COUNT(bad); n++) {
        assert_int_equal(bj__spec_check_path("f", bad[n].path, &err), -EINVAL);
        check_error(bad[n].path, &err, BJ_ERROR_INVALID, "f", bad[n].words);
    }
    static const char *const good[] = {"a",
                                       "a/b",
                                       "...",
                                       "..a",
                                       "a..",
                                       ".hidden",
                                       "a b",
                                       "\xc3\xa4",
                                       "-",
                                       "*.png",
                                       "1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2"};
    for (size_t n = 0; n < BJ_COUNT(good); n++)
        if (bj__spec_check_path("f", good[n], &err) != 0)
            fail_msg("\"%s\": %s", good[n], err.message);
    char name[300];
    memset(name, 'x', sizeof(name));
    name[255] = 0;
    assert_int_equal(bj__spec_check_path("f", name, NULL), 0);
    name[255] = 'x';
    name[256] = 0;
    assert_int_equal(bj__spec_check_path("f", name, NULL), -EINVAL);
    assert_int_equal(bj__spec_check_path("f", NULL, NULL), -EINVAL);
}

/* What is given with a run, whatever it is given as; files of the host's are not copied, and do not count. */
static void input_has_a_limit(void **state)
{
    bj_spec_free(good_profile("{'limits': {'input_bytes': 5}, 'code': 'pass!'}"));
    bj_spec_free(good_profile("{'limits': {'input_bytes': 5}, 'code': 'p', 'args': ['a'], 'stdin': 's',"
                              " 'files': [{'path': 'f', 'base64': 'AAE='}]}"));
    bad_profile("{'limits': {'input_bytes': 4}, 'code': 'p', 'args': ['a'], 'stdin': 's',"
                " 'files': [{'path': 'f', 'base64': 'AAE='}]}",
                "limits.input_bytes", "have 5 bytes together, and may have 4");
    bad_profile("{'limits': {'input_bytes': 8}, 'expression': 'x', 'globals': {'x': 1}, 'views': {}}",
                "limits.input_bytes", "may have 8");
    bad_profile("{'limits': {'input_bytes': 8}, 'command': ['cat'], 'args': ['longer']}", "limits.input_bytes",
                "9 bytes");
    bj_spec_free(
        good_profile("{'limits': {'input_bytes': 1}, 'files': [{'path': 'f', 'source': '/etc/passwd'}]}"));
    bad_profile("{'limits': {'input_bytes': 0}}", "limits.input_bytes", "");
    (void)state;
}

static void files_do_not_overlap(void **state)
{
#define TWO(a, b) "{'files': [{'path': '" a "', 'text': ''}, {'path': '" b "', 'text': ''}]}"
    bad_profile(TWO("a", "a"), "files[1].path", "is the same as files[0]");
    bad_profile(TWO("a/b", "a"), "files[0].path", "is below files[1] (\"a\")");
    bad_profile(TWO("a", "a/b/c"), "files[1].path", "is below files[0]");
    bj_spec_free(good_profile(TWO("a", "ab")));
    bj_spec_free(good_profile(TWO("a", "a.b")));
    bj_spec_free(good_profile(TWO("a/b", "a/c")));
    /* "a!" and "a-b" sort between "a" and "a/b" by their bytes, and must not hide that pair. */
    bad_profile("{'files': [{'path': 'a', 'text': ''}, {'path': 'a!', 'text': ''}, {'path': 'a-b', 'text': ''},"
                " {'path': 'a/b', 'text': ''}]}",
                "files[3].path", "is below files[0]");
}

#define MOUNTS(list) "{'mounts': [" list "]}"
#define AT(target)   "{'source': '/usr', 'target': '" target "'}"

static void places_of_the_jail_do_not_hide_each_other(void **state)
{
    bad_profile(MOUNTS(AT("/")), "mounts[0].target", "root of the jail");
    bad_profile(MOUNTS(AT("usr")), "mounts[0].target", "not absolute");
    bad_profile(MOUNTS(AT("/a/../proc")), "mounts[0].target", "\"..\"");
    static const char *const own[] = {"/proc", "/proc/x", "/dev", "/dev/shm",
                                      "/tmp",  "/tmp/x",  "/box", "/box/x"};
    for (size_t n = 0; n < BJ_COUNT(own); n++) {
        char text[100];
        (void)snprintf(text, sizeof(text), MOUNTS(AT("%s")), own[n]);
        bad_profile(text, "mounts[0].target", "what Belljar makes itself");
        (void)snprintf(text, sizeof(text), "{'closed_directories': ['%s']}", own[n]);
        bad_profile(text, "closed_directories[0]", "what Belljar makes itself");
        (void)snprintf(text, sizeof(text), "{'links': [{'path': '%s', 'target': 'x'}]}", own[n]);
        bad_profile(text, "links[0].path", "what Belljar makes itself");
    }
    bj_spec_free(good_profile(MOUNTS(AT("/boxes") "," AT("/process") "," AT("/tmpx"))));
    bad_profile(MOUNTS(AT("/a") "," AT("/a")), "mounts[1].target", "is the same as mounts[0]");
    bj_spec_free(good_profile(MOUNTS(AT("/a") "," AT("/a/b"))));
    bad_profile(MOUNTS(AT("/a/b") "," AT("/a")), "mounts[0].target", "would be hidden by mounts[1]");
    bad_profile("{'mounts': [" AT("/usr") "], 'closed_files': ['/usr/x']}", "closed_files[0]",
                "would be hidden");
    bad_profile("{'mounts': [" AT("/usr") "], 'links': [{'path': '/usr/x', 'target': 'y'}]}", "links[0].path",
                "would be hidden");
    bad_profile("{'mounts': [" AT("/etc") "], 'closed_directories': ['/etc']}", "closed_directories[0]",
                "is the same as mounts[0]");
    bad_profile("{'mounts': [" AT("/lib/x") "], 'links': [{'path': '/lib', 'target': 'y'}]}",
                "mounts[0].target", "is below links[0]");
    bad_profile("{'closed_files': ['/etc', '/etc/passwd']}", "closed_files[1]", "is below closed_files[0]");
    bj_spec_free(
        good_profile("{'mounts': [" AT("/etc/alternatives") "], 'closed_directories': ['/etc', '/etc/x'],"
                                                            " 'closed_files': ['/etc/passwd']}"));
    bad_profile("{'links': [{'path': '/a', 'target': ''}]}", "links[0].target", "empty");
}

static void sources_stay_beneath(void **state)
{
#define BENEATH(source, beneath)                                                                               \
    "{'mounts': [{'source': '" source "', 'target': '/t', 'beneath': '" beneath "'}]}"
    bj_spec_free(good_profile(BENEATH("/srv/a", "/srv")));
    bj_spec_free(good_profile(BENEATH("/srv", "/srv")));
    bj_spec_free(good_profile(BENEATH("/srv", "/")));
    bad_profile(BENEATH("/srvx", "/srv"), "mounts[0].source", "is not below");
    bad_profile(BENEATH("/srv/../etc", "/srv"), "mounts[0].source", "\"..\"");
    bad_profile(BENEATH("srv", "/srv"), "mounts[0].source", "not absolute");
}

static void walls_fit_together(void **state)
{
    bad_profile("{'layers': {'mount': 'off'}}", "layers.mount", "no jail without");
    bad_profile("{'layers': {'pid': 'off'}}", "layers.pid", "no jail without");
    bad_profile("{'layers': {'no_new_privs': 'off'}}", "layers.no_new_privs", "no jail without");
    bad_profile("{'network': 'host', 'layers': {'network': 'require'}}", "layers.network", "contradicts");
    bad_profile("{'network': 'loopback', 'layers': {'network': 'off'}}", "layers.network", "host's loopback");
    struct bj_spec *spec = good_profile("{'network': 'host'}");
    assert_int_equal(spec->layers[BJ_LAYER_NET], BJ_OFF); /* the one implies the other */
    bj_spec_free(spec);
    bad_profile("{'syscalls': []}", "syscalls", "empty");
    bad_profile("{'preload': ['json', 'os;x']}", "preload[1]", "not the name of a Python module");
    bad_profile("{'preload': ['.a']}", "preload[0]", "not the name of a Python module");
    bad_profile("{'syscalls': ['base', 'a b']}", "syscalls", "not a name of a set");
    bad_profile("{'hostname': ''}", "hostname", "not a host name");
    bad_profile("{'hostname': '-a'}", "hostname", "not a host name");
    bad_profile("{'directory': 'box'}", "directory", "not absolute");
    bad_profile("{'env': {'': 'x'}}", "env.", "without a name");
    bad_profile("{'env': {'A=B': 'x'}}", "env.A=B", "has a '='");
    bad_profile("{'collect': ['../*']}", "collect[0]", "\"..\"");
    bad_profile("{'collect': ['/etc/*']}", "collect[0]", "is absolute");
}

static void one_program_is_run(void **state)
{
    struct bj_error err;
    struct bj_spec *spec = good_profile("{}");
    assert_int_equal(bj__spec_check(spec, false, &err), 0);
    assert_int_equal(bj__spec_check(spec, true, &err), -EINVAL);
    check_error("nothing to run", &err, BJ_ERROR_INVALID, "command", "nothing to run");
    bj_spec_free(spec);
    static const char *const one[] = {"{'command': ['x']}", "{'code': 'x'}", "{'expression': 'x'}"};
    for (size_t n = 0; n < BJ_COUNT(one); n++) {
        spec = good_profile(one[n]);
        assert_int_equal(bj__spec_check(spec, true, &err), 0);
        bj_spec_free(spec);
    }
    bad_profile("{'command': ['x'], 'code': 'x'}", "command", "exclude each other");
    bad_profile("{'expression': 'x', 'code': 'x'}", "code", "exclude each other");
    bad_profile("{'command': ['']}", "command[0]", "empty");
}

/* ---- setters -------------------------------------------------------------------------------------- */

static void setters_set(void **state)
{
    struct bj_spec *spec = good_profile("{'command': ['old'], 'env': {'B': '1'}, 'syscalls': ['base']}");
    struct bj_error err = {0};
    static const char *const argv[] = {"new", "", NULL}, *const sets[] = {"threads", "base", NULL};
    assert_int_equal(bj_spec_set_command(spec, argv, &err), 0);
    assert_int_equal(spec->command.count, 2);
    assert_string_equal(spec->command.items[0], "new");
    assert_int_equal(bj_spec_set_syscalls(spec, sets, &err), 0);
    assert_string_equal(spec->syscalls.items[1], "threads");
    assert_int_equal(bj_spec_set_env(spec, "A", "x", &err), 0);
    assert_int_equal(bj_spec_set_env(spec, "B", "", &err), 0);
    assert_string_equal(spec->environment.items[0], "A=x");
    assert_string_equal(spec->environment.items[1], "B=");
    assert_int_equal(bj_spec_set_env(spec, "A", NULL, &err), 0);
    assert_int_equal(bj_spec_set_env(spec, "nothing", NULL, &err), 0);
    assert_int_equal(spec->environment.count, 1);
    assert_null(spec->environment.items[1]);
    assert_int_equal(bj_spec_set_stdin(spec, "a\0b", 3, &err), 0);
    assert_int_equal(spec->stdin_length, 3);
    assert_int_equal(bj_spec_set_limit(spec, "wall_us", 1500, &err), 0);
    assert_int_equal(spec->limits.wall_us, 1500);
    assert_int_equal(bj_spec_set_limit(spec, "memory_bytes", 0, &err), 0);
    assert_int_equal(spec->limits.memory_bytes, 0);
    assert_int_equal(bj_spec_set_layer(spec, "cgroup", "require", &err), 0);
    assert_int_equal(spec->layers[BJ_LAYER_CGROUP], BJ_REQUIRE);
    assert_int_equal(bj_spec_set_network(spec, "host", &err), 0);
    assert_int_equal(spec->layers[BJ_LAYER_NET], BJ_OFF);
    assert_int_equal(bj_spec_set_network(spec, "none", &err), 0);
    assert_int_equal(spec->layers[BJ_LAYER_NET], BJ_REQUIRE);
    assert_int_equal(bj_spec_set_output_action(spec, "kill", &err), 0);
    assert_int_equal(bj_spec_set_directory(spec, "/", &err), 0);
    assert_int_equal(bj_spec_set_hostname(spec, "glass", &err), 0);
    assert_int_equal(bj_spec_add_collect(spec, "*.txt", &err), 0);
    assert_int_equal(bj_spec_add_file_bytes(spec, "p",
                                            "\x7f"
                                            "ELF",
                                            4, 1, &err),
                     0);
    assert_int_equal(bj_spec_add_file_source(spec, "q", "/srv/q", &err), 0);
    assert_true(spec->files[0].executable && spec->files[0].length == 4 &&
                spec->files[1].kind == BJ_FILE_SOURCE);
    assert_int_equal(bj_spec_add_mount(spec, "/a", "/b", "rw,optional,executable", &err), 0);
    assert_int_equal(bj_spec_add_mount(spec, "/a", "/c", "ro", &err), 0);
    assert_true(spec->mounts[0].mode == BJ_MOUNT_RW && spec->mounts[0].optional && spec->mounts[0].executable);
    assert_true(spec->mounts[1].mode == BJ_MOUNT_RO && !spec->mounts[1].optional &&
                !spec->mounts[1].executable);
    assert_int_equal(bj__spec_check(spec, true, &err), 0);
    bj_spec_free(spec);
}

#define REFUSED(call, in, words)                                                                               \
    do {                                                                                                       \
        memset(&err, 0, sizeof(err));                                                                          \
        assert_true((call) < 0);                                                                               \
        check_error(#call, &err, BJ_ERROR_INVALID, in, words);                                                 \
    } while (0)

static void setters_refuse_and_change_nothing(void **state)
{
    struct bj_spec *spec = good_profile("{'command': ['old'], 'env': {'B': '1'}}");
    char *before = bj_spec_json(spec);
    struct bj_error err;
    static const char *const nothing[] = {NULL}, *const empty[] = {"", NULL};
    REFUSED(bj_spec_set_command(spec, nothing, &err), "command", "empty");
    REFUSED(bj_spec_set_command(spec, empty, &err), "command", "empty");
    REFUSED(bj_spec_set_command(spec, NULL, &err), "command", "empty");
    REFUSED(bj_spec_set_env(spec, "A=B", "x", &err), "env", "has a '='");
    REFUSED(bj_spec_set_env(spec, NULL, "x", &err), "env", "without a name");
    REFUSED(bj_spec_set_limit(spec, "wall", 1, &err), "limits", "did you mean \"wall_us\"");
    REFUSED(bj_spec_set_limit(spec, "wall_us", 0, &err), "limits.wall_seconds", "0 seconds; give 0.001 to");
    REFUSED(bj_spec_set_limit(spec, "files", UINT64_MAX, &err), "limits.files", "give 1 to");
    REFUSED(bj_spec_set_layer(spec, "landlok", "off", &err), "layers", "did you mean \"landlock\"");
    REFUSED(bj_spec_set_layer(spec, "landlock", "on", &err), "layers.landlock", "off, prefer, require");
    REFUSED(bj_spec_set_layer(spec, "pid", "off", &err), "layers.pid", "no jail without");
    REFUSED(bj_spec_set_network(spec, "wifi", &err), "network", "none, loopback, host");
    REFUSED(bj_spec_set_output_action(spec, "", &err), "output_action", "truncate, kill");
    REFUSED(bj_spec_set_directory(spec, "x", &err), "directory", "not absolute");
    REFUSED(bj_spec_set_directory(spec, NULL, &err), "directory", "not absolute");
    REFUSED(bj_spec_set_hostname(spec, "a b", &err), "hostname", "not a host name");
    REFUSED(bj_spec_add_collect(spec, "../x", &err), "collect", "\"..\"");
    REFUSED(bj_spec_add_file_bytes(spec, "/x", "", 0, 0, &err), "files", "is absolute");
    REFUSED(bj_spec_add_file_source(spec, "x", "y", &err), "files", "not absolute");
    REFUSED(bj_spec_add_mount(spec, "/a", "b", "ro", &err), "mounts", "not absolute");
    REFUSED(bj_spec_add_mount(spec, "/a", "/b", "", &err), "mounts", "give \"ro\" or \"rw\"");
    REFUSED(bj_spec_add_mount(spec, "/a", "/b", "ro,", &err), "mounts", "give \"ro\" or \"rw\"");
    REFUSED(bj_spec_add_mount(spec, "/a", "/b", "rx", &err), "mounts", "give \"ro\" or \"rw\"");
    REFUSED(bj_spec_add_mount(spec, "/a", "/b", "executable", &err), "mounts", "give \"ro\" or \"rw\"");
    REFUSED(bj_spec_set_stdin(spec, "", (size_t)BJ_MAX_STDIN + 1, &err), "stdin", "at most");
    char *after = bj_spec_json(spec);
    assert_string_equal(before, after);
    free(before);
    free(after);
    bj_spec_free(spec);
}

static void many_files_stay_affordable(void **state)
{
    struct bj_spec *spec = good_profile("{}");
    struct bj_error err = {0};
    char path[32];
    for (unsigned n = 0; n < BJ_MAX_FILES_IN; n++) {
        (void)snprintf(path, sizeof(path), "d%u/f%u", n % 64, n);
        assert_int_equal(bj_spec_add_file_bytes(spec, path, path, strlen(path), 0, &err), 0);
    }
    assert_int_equal(bj_spec_add_file_bytes(spec, "more", "", 0, 0, &err), -E2BIG);
    assert_int_equal(bj__spec_check(spec, false, &err), 0);
    assert_string_equal(spec->files[BJ_MAX_FILES_IN - 1].path, "d63/f4095");
    assert_true(spec->arena.used < 4u << 20); /* growth is not quadratic */
    struct bj_spec *copy = NULL;
    assert_int_equal(bj__spec_copy(spec, &copy, &err), 0);
    bj_spec_free(spec);
    assert_string_equal(copy->files[4000].path, "d32/f4000"); /* its own */
    assert_int_equal(bj_spec_add_file_bytes(copy, "more", "", 0, 0, &err), -E2BIG);
    bj_spec_free(copy);
    bj_spec_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_of_files_are_clean),
        cmocka_unit_test(input_has_a_limit),
        cmocka_unit_test(files_do_not_overlap),
        cmocka_unit_test(places_of_the_jail_do_not_hide_each_other),
        cmocka_unit_test(sources_stay_beneath),
        cmocka_unit_test(walls_fit_together),
        cmocka_unit_test(one_program_is_run),
        cmocka_unit_test(setters_set),
        cmocka_unit_test(setters_refuse_and_change_nothing),
        cmocka_unit_test(many_files_stay_affordable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
