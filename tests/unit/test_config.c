/* The configuration of a service: what is accepted, what is not, and that it is the same when written out and read again.
 * Its own file because the front reads it again without anybody to complain to.
 * Changes when: a key is added, or an error is worded better. */
#include "server/config.h"

#include "server/address.h"
#include "server/config_internal.h"
#include "server/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Written with ' for ". */
static char *quoted(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

static int parse(const char *text, struct bj_config **config, struct bj_error *err)
{
    BJ_FREE char *json = quoted(text);
    *err = (struct bj_error){0};
    return bj__config_parse(json, strlen(json), config, err);
}

static struct bj_config *good(const char *text)
{
    struct bj_config *config = NULL;
    struct bj_error err;
    if (parse(text, &config, &err) < 0)
        fail_msg("%s: %s: %s", text, err.field, err.message);
    return config;
}

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"

static void reads_every_key(void **state)
{
    (void)state;
    struct bj_config *config = good(
        "{'version': 1, 'listeners': [{'kind': 'http', 'address': '[::1]:80'}, {'kind': 'nul', 'address': "
        "'/s/n', "
        "'mode': '0600'}, {'address': '127.0.0.1:0', 'kind': 'metrics'}],"
        " 'default_profile': 'sh', 'profiles': [{'name': 'python', 'jails': 3}, {'name': 'sh'}],"
        " 'tokens': [{'name': 'a.B-1', 'sha256': '" HASH
        "', 'quota': {'profiles': ['sh'], 'runs_per_minute': 60}}],"
        " 'anonymous': true, 'anonymous_quota': {'concurrent_runs': 1, 'sessions': 2, 'runs_per_minute': 7, "
        "'runs_burst': 3}, 'hosts': ['Run.Example.org'], 'control_socket': null, 'user': 'someone',"
        " 'concurrent_runs': 5, 'queued_runs': 0, 'queue_seconds': 0.25, 'sessions': 0, 'request_bytes': 1024,"
        " 'buffered_bytes': 1048576, 'upload_bytes_per_second': 2097152, 'connections': 1, 'idle_seconds': "
        "1.5, 'drain_seconds': 0}");
    assert_int_equal(config->listener_count, 3);
    assert_int_equal(config->listeners[1].kind, BJ_LISTENER_NUL);
    assert_int_equal(config->listeners[1].mode, 0600);
    assert_string_equal(config->listeners[0].address, "[::1]:80");
    assert_int_equal(config->profile_count, 2);
    assert_int_equal(config->profiles[0].jails, 3);
    assert_int_equal(config->profiles[1].jails, 0);
    assert_string_equal(config->default_profile, "sh");
    assert_int_equal(config->token_count, 1);
    unsigned char hash[BJ_TOKEN_HASH];
    bj__token_hash("", 0, hash);
    assert_true(bj__token_same(config->tokens[0].sha256, hash));
    assert_string_equal(config->tokens[0].name, "a.B-1");
    assert_string_equal(config->tokens[0].quota.profiles[0], "sh");
    assert_int_equal(config->tokens[0].quota.runs_burst, 60); /* not given: all at once */
    assert_true(config->anonymous);
    assert_null(config->anonymous_quota.profiles);
    assert_int_equal(config->anonymous_quota.runs_burst, 3);
    assert_int_equal(config->anonymous_quota.sessions, 2);
    assert_string_equal(config->hosts[0], "run.example.org");
    assert_null(config->control_socket);
    assert_string_equal(config->user, "someone");
    assert_int_equal(config->concurrent_runs, 5);
    assert_int_equal(config->queue_us, 250000);
    assert_int_equal(config->idle_us, 1500000);
    assert_int_equal(config->drain_us, 0);
    bj__config_free(config);
}

static void has_good_defaults(void **state)
{
    (void)state;
    struct bj_config *config = good("{}");
    assert_string_equal(config->listeners[0].address, "127.0.0.1:8060");
    assert_true(config->listener_count == 1 || config->listeners[1].address[0] == '/');
    assert_string_equal(config->default_profile, "python");
    assert_true(config->profiles[0].jails > 0 && config->profiles[0].jails <= config->concurrent_runs);
    for (size_t n = 1; n < config->profile_count; n++)
        assert_int_equal(config->profiles[n].jails, 0);
    assert_false(config->anonymous);
    assert_int_equal(config->token_count, 0);
    assert_string_equal(config->user, "nobody");
    assert_true(config->request_bytes <= config->buffered_bytes);
    bj__config_free(config);
}

/* Each rule: what breaks it, the key that is named, and words of the message. */
static const struct {
    const char *text, *field, *says;
} wrong[] = {
    {"", "", "not valid JSON"},
    {"[]", "", "JSON object"},
    {"{'listener': []}", "listener", "did you mean \"listeners\"?"},
    {"{'version': 2}", "version", "expected 1"},
    {"{'listeners': {}}", "listeners", "an array of listeners"},
    {"{'listeners': [1]}", "listeners[0]", "an object"},
    {"{'listeners': [{'address': '127.0.0.1:1'}]}", "listeners[0]", "kind is missing; give http"},
    {"{'listeners': [{'kind': 'http'}]}", "listeners[0]", "address is missing"},
    {"{'listeners': [{'kind': 'https', 'address': '/a'}]}", "listeners[0].kind", "http"},
    {"{'listeners': [{'kind': 'http', 'adress': '/a'}]}", "listeners[0].adress", "did you mean \"address\"?"},
    {"{'listeners': [{'kind': 'http', 'address': 'localhost:80'}]}", "listeners[0].address",
     "no address; give numbers"},
    {"{'listeners': [{'kind': 'http', 'address': '1.2.3.4'}]}", "listeners[0].address", "no address"},
    {"{'listeners': [{'kind': 'http', 'address': '1.2.3.4:65536'}]}", "listeners[0].address", "no address"},
    {"{'listeners': [{'kind': 'http', 'address': '1.2.3.4: 1'}]}", "listeners[0].address", "no address"},
    {"{'listeners': [{'kind': 'http', 'address': '::1:80'}]}", "listeners[0].address", "no address"},
    {"{'listeners': [{'kind': 'http', 'address': '/a/../b'}]}", "listeners[0].address", "plain path"},
    {"{'listeners': [{'kind': 'http', 'address': '/a/'}]}", "listeners[0].address", "plain path"},
    {"{'listeners': [{'kind': 'http', 'address': '/a\\u0001'}]}", "listeners[0].address", "control character"},
    {"{'listeners': [{'kind': 'http', 'address': "
     "'/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}]}",
     "listeners[0].address", "at most 107"},
    {"{'listeners': [{'kind': 'http', 'address': '/a', 'mode': 432}]}", "listeners[0].mode", "octal"},
    {"{'listeners': [{'kind': 'http', 'address': '/a', 'mode': '1777'}]}", "listeners[0].mode", "octal"},
    {"{'listeners': [{'kind': 'http', 'address': '1.1.1.1:1', 'mode': '0600'}]}", "listeners[0]",
     "leave mode out"},
    {"{'listeners': [{'kind': 'http', 'address': '/a'}, {'kind': 'nul', 'address': '/a'}]}",
     "listeners[1].address", "before it as well"},
    {"{'listeners': [{'kind': 'http', 'address': '[::1]:1'}, {'kind': 'http', 'address': '[0:0::1]:1'}]}",
     "listeners[1].address", "before it as well"},
    {"{'listeners': [{'kind': 'nul', 'address': '127.0.0.1:1'}]}", "listeners[0].address",
     "cannot show a token"},
    {"{'listeners': [{'kind': 'json', 'address': '0.0.0.0:1'}]}", "listeners[0].address",
     "cannot show a token"},
    {"{'profiles': []}", "profiles", "is empty"},
    {"{'profiles': [{}]}", "profiles[0]", "name is missing"},
    {"{'profiles': [{'name': '/etc/x'}]}", "profiles[0].name", "a profile's name"},
    {"{'profiles': [{'name': 'sh', 'jails': 257}]}", "profiles[0].jails", "at most 256"},
    {"{'profiles': [{'name': 'sh', 'jails': -1}]}", "profiles[0].jails", "a whole number"},
    {"{'profiles': [{'name': 'sh'}, {'name': 'sh'}]}", "profiles[1].name", "twice"},
    {"{'default_profile': 'perl'}", "default_profile", "not one of profiles"},
    {"{'tokens': [{'sha256': '" HASH "'}]}", "tokens[0]", "name is missing"},
    {"{'tokens': [{'name': 'a'}]}", "tokens[0]", "sha256 is missing"},
    {"{'tokens': [{'name': 'a b', 'sha256': '" HASH "'}]}", "tokens[0].name", "a name for the log"},
    {"{'tokens': [{'name': 'a', 'sha256': 'secret'}]}", "tokens[0].sha256", "is not a SHA-256"},
    {"{'tokens': [{'name': 'a', 'token': 'secret', 'sha256': '" HASH "'}]}", "tokens[0].token", "unknown key"},
    {"{'tokens': [{'name': 'a', 'sha256': '" HASH "'}, {'name': 'a', 'sha256': '" ONES "'}]}", "tokens[1].name",
     "tokens[0] as well"},
    {"{'tokens': [{'name': 'a', 'sha256': '" HASH "'}, {'name': 'b', 'sha256': '" HASH "'}]}",
     "tokens[1].sha256", "tokens[0] as well"},
    {"{'tokens': [{'name': 'a', 'sha256': '" HASH "', 'quota': {'profiles': []}}]}", "tokens[0].quota.profiles",
     "is empty"},
    {"{'tokens': [{'name': 'a', 'sha256': '" HASH "', 'quota': {'profiles': ['perl']}}]}",
     "tokens[0].quota.profiles[0]", "not one of profiles"},
    {"{'tokens': [{'name': 'a', 'sha256': '" HASH "', 'quota': {'runs_burst': 5}}]}", "tokens[0].quota",
     "give runs_per_minute"},
    {"{'anonymous': 1}", "anonymous", "true or false"},
    {"{'anonymous_quota': {'runs': 1}}", "anonymous_quota.runs", "unknown key"},
    {"{'anonymous_quota': {'sessions': 1025}}", "anonymous_quota.sessions", "at most 1024"},
    {"{'hosts': ['a:80']}", "hosts[0]", "without a port"},
    {"{'hosts': 'a'}", "hosts", "an array"},
    {"{'control_socket': '127.0.0.1:1'}", "control_socket", "not a path"},
    {"{'control_socket': ''}", "control_socket", "is empty"},
    {"{'listeners': [{'kind': 'http', 'address': '/a'}], 'control_socket': '/a'}", "control_socket", "as well"},
    {"{'user': 'root'}", "user", "must not be"},
    {"{'user': '0'}", "user", "the name of a user"},
    {"{'user': 'a b'}", "user", "the name of a user"},
    {"{'concurrent_runs': 0}", "concurrent_runs", "at least 1"},
    {"{'concurrent_runs': 1025}", "concurrent_runs", "at most 1024"},
    {"{'concurrent_runs': 1.5}", "concurrent_runs", "a whole number"},
    {"{'queued_runs': 65537}", "queued_runs", "at most 65536"},
    {"{'queue_seconds': '1'}", "queue_seconds", "a number of seconds"},
    {"{'queue_seconds': -1}", "queue_seconds", "a number of seconds"},
    {"{'queue_seconds': 3601}", "queue_seconds", "at most 3600"},
    {"{'idle_seconds': 0.01}", "idle_seconds", "at least 0.1"},
    {"{'drain_seconds': 1e300}", "drain_seconds", "at most 3600"},
    {"{'request_bytes': 1}", "request_bytes", "at least 1024"},
    {"{'request_bytes': 2000000, 'buffered_bytes': 1048576}", "buffered_bytes", "less than request_bytes"},
    {"{'connections': 0}", "connections", "at least 1"},
    {"{'sessions': null}", "sessions", "a whole number"},
    {"{'sessions': 1, 'sessions': 2}", "", "duplicate"},
};

static void tells_each_mistake(void **state)
{
    (void)state;
    for (size_t n = 0; n < BJ_COUNT(wrong); n++) {
        struct bj_config *config = NULL;
        struct bj_error err;
        if (parse(wrong[n].text, &config, &err) >= 0)
            fail_msg("%s was accepted", wrong[n].text);
        if (strcmp(err.field, wrong[n].field) != 0 || !strstr(err.message, wrong[n].says))
            fail_msg("%s: \"%s\": \"%s\"; expected \"%s\": \"%s\"", wrong[n].text, err.field, err.message,
                     wrong[n].field, wrong[n].says);
    }
}

/* A token that was pasted where its hash belongs must not stand in a log. */
static void never_quotes_a_token(void **state)
{
    (void)state;
    struct bj_config *config = NULL;
    struct bj_error err;
    assert_true(parse("{'tokens': [{'name': 'a', 'sha256': 'very-secret'}]}", &config, &err) < 0);
    assert_null(strstr(err.message, "very-secret"));
}

static void is_the_same_when_read_again(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "{'listeners': [], 'control_socket': null, 'queue_seconds': 0.000001}",
        "{'listeners': [{'kind': 'json', 'address': '/a/b', 'mode': '000'}], 'hosts': ['x'], 'tokens': "
        "[{'name': 'a', "
        "'sha256': '" HASH "', 'quota': {'profiles': ['sh', 'c'], 'runs_per_minute': 5000000}}]}",
    };
    for (size_t n = 0; n < BJ_COUNT(texts); n++) {
        struct bj_config *config = good(texts[n]);
        BJ_FREE char *text = bj__config_text(config);
        assert_non_null(text);
        struct bj_config *again = good(text);
        BJ_FREE char *text_again = bj__config_text(again);
        assert_string_equal(text, text_again);
        bj__config_free(config);
        bj__config_free(again);
    }
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void reads_only_files_of_its_owner(void **state)
{
    (void)state;
    char path[] = "/tmp/belljar-test-config-XXXXXX";
    struct bj_config *config = NULL;
    struct bj_error err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    write_file(path, "{\"sessions\": 3}", 0644);
    assert_int_equal(bj__config_read(path, &config, &err), 0);
    assert_int_equal(config->sessions, 3);
    bj__config_free(config);
    write_file(path, "{}", 0664);
    assert_int_equal(bj__config_read(path, &config, &err), -EPERM);
    assert_non_null(strstr(err.message, "chmod go-w"));
    if (geteuid() == 0) {
        write_file(path, "{}", 0600);
        assert_int_equal(chown(path, 12345, 0), 0);
        assert_int_equal(bj__config_read(path, &config, &err), -EPERM);
        assert_non_null(strstr(err.message, "chown root"));
    }
    (void)unlink(path);
    assert_int_equal(bj__config_read(path, &config, &err), -ENOENT);
    assert_int_equal(bj__config_read("/dev/null", &config, &err), -EINVAL);
}

static void tokens_are_random_and_hashed(void **state)
{
    (void)state;
    char one[BJ_TOKEN_SIZE];
    char other[BJ_TOKEN_SIZE];
    char hex[BJ_TOKEN_HEX];
    unsigned char hash[BJ_TOKEN_HASH];
    assert_int_equal(bj__token_new(one), 0);
    assert_int_equal(bj__token_new(other), 0);
    assert_int_equal(strlen(one), BJ_TOKEN_SIZE - 1);
    assert_string_not_equal(one, other);
    assert_int_equal(strspn(one, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                     strlen(one));
    bj__token_hash("abc", 3, hash);
    bj__token_hex(hash, hex);
    assert_string_equal(hex,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-2 */
}

static void addresses_come_back(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written;
        bool local;
    } addresses[] = {
        {"127.0.0.1:8060", "127.0.0.1:8060", true}, {"0.0.0.0:0", "0.0.0.0:0", false},
        {"127.9.9.9:1", "127.9.9.9:1", true},       {"[::1]:80", "[::1]:80", true},
        {"[0:0::0]:80", "[::]:80", false},          {"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", false},
        {"/run/a b.sock", "/run/a b.sock", true}};
    for (size_t n = 0; n < BJ_COUNT(addresses); n++) {
        struct bj_address address;
        char text[BJ_ADDRESS_SIZE];
        assert_int_equal(bj__address_read("f", addresses[n].text, &address, NULL), 0);
        assert_int_equal(bj__address_write(&address, text), 0);
        assert_string_equal(text, addresses[n].written);
        assert_int_equal(bj__address_is_local(&address), addresses[n].local);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_key),
        cmocka_unit_test(has_good_defaults),
        cmocka_unit_test(tells_each_mistake),
        cmocka_unit_test(never_quotes_a_token),
        cmocka_unit_test(is_the_same_when_read_again),
        cmocka_unit_test(reads_only_files_of_its_owner),
        cmocka_unit_test(tokens_are_random_and_hashed),
        cmocka_unit_test(addresses_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
