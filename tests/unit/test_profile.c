/* Profiles: where they are found, what is refused, and that every shipped one is good.
 * Its own file because it is the only test of spec/ that needs files.
 * Changes when: profiles come from somewhere new, or one is shipped. */
#include "spec_help.h"

#include "base/buf.h"
#include "spec/profile.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64]; /* a fresh one for each test, first in $BELLJAR_PROFILE_PATH */

static void write_file(const char *name, const char *text)
{
    char path[256], *json = quoted(text);
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, json, strlen(json)), strlen(json));
    assert_int_equal(close(fd), 0);
    free(json);
}

static int begin(void **state)
{
    char path[200];
    (void)snprintf(directory, sizeof(directory), "/tmp/belljar-profile-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    /* Empty parts and a missing directory are passed over. */
    (void)snprintf(path, sizeof(path), ":/nonexistent-belljar::%s:", directory);
    return setenv("BELLJAR_PROFILE_PATH", path, 1);
}

static int end(void **state)
{
    static const char *const names[] = {"strict.json", "default.json", "bad.json",  "Upper.json",
                                        "readme",      "pipe.json",    "link.json", "huge.json"};
    char path[256];
    for (size_t n = 0; n < BJ_COUNT(names); n++) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, names[n]);
        (void)unlink(path);
    }
    return rmdir(directory); /* fails when a test left something else */
}

static void not_found(const char *name, enum bj_error_code code, const char *words)
{
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    if (bj_spec_from_profile(name, &spec, &err) >= 0)
        fail_msg("profile \"%s\" was accepted", name);
    assert_null(spec);
    check_error(name, &err, code, "profile", words);
}

static struct bj_spec *found(const char *name)
{
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    if (bj_spec_from_profile(name, &spec, &err) < 0)
        fail_msg("profile \"%s\": %s: %s", name, err.field, err.message);
    assert_string_equal(spec->profile, name);
    return spec;
}

static void the_operators_directory_comes_first(void **state)
{
    struct bj_spec *spec = found("default");
    assert_true(spec->mount_count > 0); /* the shipped one */
    bj_spec_free(spec);
    write_file("default.json", "{'description': 'mine', 'limits': {'files': 3}}");
    spec = found("default");
    assert_string_equal(spec->description, "mine");
    assert_int_equal(spec->mount_count, 0);
    bj_spec_free(spec);
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/default.json", directory);
    spec = found(path);
    assert_int_equal(spec->limits.files, 3);
    bj_spec_free(spec);
}

static void a_bad_file_is_not_passed_over(void **state)
{
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    char path[256];
    write_file("default.json", "{'limits': {'memory': 1}}");
    assert_int_equal(bj_spec_from_profile("default", &spec, &err), -EINVAL);
    (void)snprintf(path, sizeof(path), "%s/default.json: unknown key", directory);
    check_error("default", &err, BJ_ERROR_INVALID, "limits.memory", "did you mean \"memory_bytes\"");
    if (strstr(err.message, "default.json: ") == NULL)
        fail_msg("the file is not named: %s", err.message);
    (void)snprintf(path, sizeof(path), "%s/default.json", directory);
    write_file("default.json", "{}");
    assert_int_equal(chmod(path, 0666), 0);
    not_found("default", BJ_ERROR_INVALID, "anyone may change it");
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/pipe.json", directory);
    assert_int_equal(mkfifo(path, 0644), 0);
    not_found("pipe", BJ_ERROR_INVALID, "not a regular file"); /* and it does not hang */
    (void)snprintf(path, sizeof(path), "%s/link.json", directory);
    assert_int_equal(symlink("/dev/zero", path), 0);
    not_found("link", BJ_ERROR_INVALID, "not a regular file");
    (void)snprintf(path, sizeof(path), "%s/huge.json", directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0 && ftruncate(fd, BJ_MAX_PROFILE_JSON + 1) == 0 && close(fd) == 0);
    not_found("huge", BJ_ERROR_INVALID, "larger than");
}

static void names_are_held_to_their_form(void **state)
{
    write_file("strict.json", "{}");
    bj_spec_free(found("strict"));
    not_found("stric", BJ_ERROR_NOT_FOUND, "did you mean \"strict\"");
    not_found("nothing-like-it", BJ_ERROR_NOT_FOUND, "there is c, default, node");
    not_found("/nonexistent/x.json", BJ_ERROR_NOT_FOUND, "there is no file");
    static const char *const bad[] = {
        "",        ".",        "..",
        "Default", "de fault", "strict.json",
        "-x",      "a\nb",     "1234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t n = 0; n < BJ_COUNT(bad); n++)
        not_found(bad[n], BJ_ERROR_INVALID, "is not a profile's name");
}

static void requests_are_held_to_the_profile_they_name(void **state)
{
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    write_file("strict.json", "{'command': ['cat'], 'limits': {'files': 5}}");
    static const char good[] = "{\"profile\": \"strict\", \"args\": [\"-\"], \"limits\": {\"files\": 4}}";
    assert_int_equal(bj_spec_from_json(good, strlen(good), &spec, &err), 0);
    assert_string_equal(spec->profile, "strict");
    assert_int_equal(spec->limits.files, 4);
    bj_spec_free(spec);
    static const char wide[] = "{\"profile\": \"strict\", \"limits\": {\"files\": 6}}";
    assert_int_equal(bj_spec_from_json(wide, strlen(wide), &spec, &err), -EPERM);
    check_error(wide, &err, BJ_ERROR_WIDENS, "limits.files", "the profile \"strict\" allows 5");
    static const char none[] = "{\"profile\": \"strikt\"}";
    assert_int_equal(bj_spec_from_json(none, strlen(none), &spec, &err), -ENOENT);
    check_error(none, &err, BJ_ERROR_NOT_FOUND, "profile", "did you mean \"strict\"");
    static const char plain[] = "{\"command\": [\"true\"]}"; /* no profile: default */
    assert_int_equal(bj_spec_from_json(plain, strlen(plain), &spec, &err), 0);
    assert_string_equal(spec->profile, "default");
    bj_spec_free(spec);
}

static void the_list_shows_what_the_lookup_finds(void **state)
{
    write_file("default.json", "{'description': 'mine'}");
    write_file("bad.json", "{'nope': 1}");
    write_file("Upper.json", "{}");
    write_file("readme", "hello");
    struct bj_arena arena;
    struct bj_profile_entry *entries;
    size_t count, seen = 0;
    bj__arena_init(&arena, 1u << 20);
    assert_int_equal(bj__profile_list(&arena, &entries, &count), 0);
    for (size_t n = 0; n < count; n++) {
        if (n > 0)
            assert_true(strcmp(entries[n - 1].name, entries[n].name) < 0); /* sorted, once each */
        assert_string_not_equal(entries[n].name, "readme");
        if (strcmp(entries[n].name, "default") == 0) {
            assert_string_equal(entries[n].description, "mine");
            assert_memory_equal(entries[n].from, directory, strlen(directory));
            assert_null(entries[n].problem);
            seen |= 1;
        } else if (strcmp(entries[n].name, "bad") == 0) {
            assert_non_null(strstr(entries[n].problem, "unknown key \"nope\""));
            seen |= 2;
        } else if (strcmp(entries[n].name, "python") == 0) {
            assert_null(entries[n].problem);
            seen |= 4;
        }
    }
    assert_int_equal(seen, 7);
    bj__arena_done(&arena);
    char *text = bj_profiles(0), *json = bj_profiles(1);
    assert_non_null(strstr(text, "default"));
    assert_non_null(strstr(text, "NOT GOOD: nope: "));
    assert_non_null(strstr(json, "\"description\": \"mine\""));
    free(text);
    free(json);
}

/* ---- the shipped ones ----------------------------------------------------------------------------- */

static const struct bj_mount *mount_at(const struct bj_spec *spec, const char *target)
{
    for (size_t n = 0; n < spec->mount_count; n++)
        if (strcmp(spec->mounts[n].target, target) == 0)
            return &spec->mounts[n];
    return NULL;
}

static void check_shipped(const struct bj_spec *spec)
{
    struct bj_error err = {0};
    assert_int_equal(bj__spec_check(spec, false, &err), 0);
    assert_true(strlen(spec->description) > 10);
    assert_int_equal(spec->network, BJ_NETWORK_NONE);
    assert_int_equal(spec->layers[BJ_LAYER_SECCOMP], BJ_REQUIRE);
    assert_int_equal(spec->closed_directories.count, 4);
    assert_int_equal(spec->command.count, 0);
    assert_true(spec->limits.wall_us > 0 && spec->limits.cpu_us > 0 && spec->limits.memory_bytes > 0);
    assert_non_null(mount_at(spec, "/usr"));
    assert_true(mount_at(spec, "/usr")->executable);
    for (size_t n = 0; n < spec->mount_count; n++)
        assert_int_equal(spec->mounts[n].mode, BJ_MOUNT_RO);
    assert_int_equal(spec->mount_sources.count, 0);
}

static void every_shipped_profile_is_good(void **state)
{
    static const char *const names[] = {"c", "default", "node", "python", "python-packages", "sh"};
    size_t count = 0;
    for (const struct bj_spec *builtin = bj__builtin_profiles; builtin->profile; builtin++) {
        const char *name = builtin->profile;
        size_t at = 0;
        while (at < BJ_COUNT(names) && strcmp(name, names[at]) != 0)
            at++;
        assert_true(at < BJ_COUNT(names));
        struct bj_spec *spec = found(name), *again = NULL, *copy = NULL;
        struct bj_error err = {0};
        check_shipped(spec);
        assert_true(spec->scratch_executable == (strcmp(name, "c") == 0));
        char *printed = bj_spec_json(spec);
        if (bj__spec_parse_profile(name, printed, strlen(printed), &again, &err) < 0)
            fail_msg("%s: %s: %s", name, err.field, err.message);
        char *reprinted = bj_spec_json(again);
        assert_string_equal(printed, reprinted); /* nothing is lost on the way */
        assert_int_equal(bj__spec_copy(spec, &copy, &err), 0);
        bj_spec_free(spec);
        char *recopied = bj_spec_json(copy);
        assert_string_equal(printed, recopied);
        bj_spec_free(again);
        bj_spec_free(copy);
        free(printed);
        free(reprinted);
        free(recopied);
        count++;
    }
    assert_int_equal(count, BJ_COUNT(names));
}

/* What was made of a file when the library was built is what reading it now gives. */
static void built_in_profiles_are_the_files(void **state)
{
    const char *shipped = getenv("BELLJAR_SHIPPED_PROFILES");
    size_t count = 0;
    assert_non_null(shipped);
    for (const struct bj_spec *builtin = bj__builtin_profiles; builtin->profile; builtin++, count++) {
        char path[512];
        struct bj_spec *read = NULL;
        struct bj_error err = {0};
        (void)snprintf(path, sizeof(path), "%s/%s.json", shipped, builtin->profile);
        if (bj__profile_load(path, builtin->profile, &read, &err) < 0)
            fail_msg("%s: %s: %s", path, err.field, err.message);
        char *expected = bj_spec_json(read);
        char *printed = bj_spec_json(builtin);
        assert_string_equal(printed, expected);
        free(expected);
        free(printed);
        /* Two that the JSON does not tell apart, or not wholly. */
        assert_int_equal(builtin->env_names.items != NULL, read->env_names.items != NULL);
        assert_memory_equal(&builtin->limits, &read->limits, sizeof(read->limits));
        bj_spec_free(read);
    }
    assert_true(count > 0);
}

static char *places[8];
static size_t place_count;

static int note_place(const char *place, void *user)
{
    assert_true(place_count < BJ_COUNT(places));
    places[place_count++] = place ? strdup(place) : NULL;
    return 0;
}

/* A copy of a shipped profile that lies below PREFIX/share must neither cost a run an open nor change it. */
static void the_builtin_ones_come_before_their_copies(void **state)
{
    place_count = 0;
    assert_int_equal(bj__profile_places(note_place, NULL), 0);
    assert_int_equal(place_count, 5);
    assert_string_equal(places[0], "/nonexistent-belljar");
    assert_string_equal(places[1], directory);
    assert_string_equal(places[2], "/etc/belljar/profiles");
    assert_null(places[3]);
    assert_non_null(places[4]);
    for (size_t n = 0; n < place_count; n++)
        free(places[n]);
    assert_int_equal(unsetenv("BELLJAR_PROFILE_PATH"), 0);
    place_count = 0;
    assert_int_equal(bj__profile_places(note_place, NULL), 0);
    assert_int_equal(place_count, 3);
    for (size_t n = 0; n < place_count; n++)
        free(places[n]);
}

static void printing_keeps_every_field(void **state)
{
    static const char text[] =
        "{'version': 1, 'profile': 'test', 'description': 'd', 'command': ['a', '\\u00e4'], 'globals': {'x': "
        "[1.5, 'y']},"
        " 'policy': {'features': ['math']}, 'env': {'A': 'b=c', 'E': ''}, 'stdin_base64': '/w==', 'directory': "
        "'/', "
        "'hostname': 'h',"
        " 'files': [{'path': 'a', 'text': 'x\\u0000y'}, {'path': 'b', 'base64': '/w==', 'executable': true},"
        " {'path': 'c', 'source': '/s/t', 'beneath': '/s'}], 'mounts': [{'source': '/a', 'target': '/b', "
        "'mode': 'rw',"
        " 'optional': true, 'executable': true, 'beneath': '/'}], 'links': [{'path': '/l', 'target': 'm'}],"
        " 'closed_directories': ['/etc'], 'closed_files': ['/etc/x'], 'collect': ['*'], 'limits': "
        "{'wall_seconds': 1.000001,"
        " 'cpu_seconds': null, 'memory_bytes': 65536, 'processes': 2, 'output_bytes': 0, 'disk_bytes': 4096, "
        "'files': 1,"
        " 'file_bytes': 0, 'open_files': 4, 'stack_bytes': 65536, 'address_space_bytes': 1048576}, 'layers':"
        " {'cgroup': 'off', 'seccomp': 'prefer'}, 'network': 'loopback', 'proc': 'own', 'output_action': "
        "'kill',"
        " 'scratch_executable': true, 'syscalls': ['base'], 'nice': 19, 'preload': ['json', 'xml.etree'], "
        "'mount_sources': ['/a'], 'env_names': "
        "[]}";
    struct bj_spec *spec = good_profile(text);
    char *printed = bj_spec_json(spec);
    struct bj_spec *again = good_profile(printed);
    char *reprinted = bj_spec_json(again);
    assert_string_equal(printed, reprinted);
    static const char *const parts[] = {"\"wall_seconds\": 1.000001", "\"cpu_seconds\": null",
                                        "\"stdin_base64\": \"/w==\"", "\"text\": \"x\\u0000y\"",
                                        "\"base64\": \"/w==\"",       "\"env_names\": []",
                                        "\"beneath\": \"/s\"",        "\"optional\": true",
                                        "\"cgroup\": \"off\"",        "\"A\": \"b=c\"",
                                        "\"mode\": \"rw\"",           "\"nice\": 19",
                                        "\"network\": \"loopback\"",  "\"hostname\": \"h\"",
                                        "\"directory\": \"/\"",       "\"output_action\": \"kill\"",
                                        "\"file_bytes\": 0",          "\"description\": \"d\"",
                                        "\"collect\": [\n    \"*\"",  "\"proc\": \"own\""};
    for (size_t n = 0; n < BJ_COUNT(parts); n++)
        if (!strstr(printed, parts[n]))
            fail_msg("%s is not in %s", parts[n], printed);
    free(printed);
    free(reprinted);
    bj_spec_free(spec);
    bj_spec_free(again);
    /* Arguments may be any bytes; the JSON is UTF-8 all the same. */
    spec = good_profile("{}");
    assert_int_equal(bj_spec_set_command(spec, (const char *const[]){"\xff\xfe", NULL}, NULL), 0);
    printed = bj_spec_json(spec);
    assert_non_null(strstr(printed, "\"??\""));
    free(printed);
    bj_spec_free(spec);
}

static void printing_keeps_what_is_asked_of_python(void **state)
{
    static const char *const keys[] = {"'args': ['a', '\\u00e4']", "'python_path': ['lib', '/opt/x']",
                                       "'python': '/srv/venv'", "'trace': {'max_steps': 7}",
                                       "'deterministic': {'seed': 3}"};
    for (size_t n = 0; n < BJ_COUNT(keys); n++) {
        char text[200];
        (void)snprintf(text, sizeof(text), "{'code': 'x', %s}", keys[n]);
        struct bj_spec *spec = good_profile(text);
        char *printed = bj_spec_json(spec);
        struct bj_spec *again = good_profile(printed);
        char *reprinted = bj_spec_json(again);
        char key[20] = "\"";
        (void)strncat(key, keys[n] + 1, strcspn(keys[n] + 1, "'"));
        if (!strstr(printed, key))
            fail_msg("%s is not in %s", key, printed);
        assert_string_equal(printed, reprinted);
        free(printed);
        free(reprinted);
        bj_spec_free(spec);
        bj_spec_free(again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_operators_directory_comes_first, begin, end),
        cmocka_unit_test_setup_teardown(a_bad_file_is_not_passed_over, begin, end),
        cmocka_unit_test_setup_teardown(names_are_held_to_their_form, begin, end),
        cmocka_unit_test_setup_teardown(requests_are_held_to_the_profile_they_name, begin, end),
        cmocka_unit_test_setup_teardown(the_list_shows_what_the_lookup_finds, begin, end),
        cmocka_unit_test_setup_teardown(every_shipped_profile_is_good, begin, end),
        cmocka_unit_test(built_in_profiles_are_the_files),
        cmocka_unit_test_setup_teardown(the_builtin_ones_come_before_their_copies, begin, end),
        cmocka_unit_test(printing_keeps_every_field),
        cmocka_unit_test(printing_keeps_what_is_asked_of_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
