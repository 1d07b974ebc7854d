/* A tightened spec is nowhere weaker than its profile: random profiles, random requests.
 * Its own file because the measure of "weaker" here is written apart from tighten.c on purpose.
 * Changes when: a request can ask for something more. $BELLJAR_TEST_SEED repeats a run. */
#include "spec_help.h"

#include "spec/check.h"

#include <jansson.h>
#include <time.h>

static uint64_t random_state;

static unsigned below(unsigned count) /* xorshift64* */
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (unsigned)((random_state * 0x2545F4914F6CDD1Dull) >> 33) % count;
}

static bool chance(unsigned percent)
{
    return below(100) < percent;
}

static const char *const set_names[] = {"base", "processes", "threads", "unix_sockets"};
static const char *const variable_names[] = {"A", "B", "C", "LD_PRELOAD"};
static const char *const host_paths[] = {"/srv", "/srv/data", "/srv/data/x", "/srvx", "/etc", "/"};
static const char *const jail_paths[] = {"/usr", "/usr/x", "/data", "/data/x", "/etc", "/etc/x", "/opt"};
#define PICK(list) list[below(BJ_COUNT(list))]

static void add_limits(json_t *root, bool request)
{
    json_t *limits = json_object();
    for (size_t n = 0; n < bj__limit_count; n++) {
        const struct bj_limit_row *row = &bj__limit_rows[n];
        if (!chance(request ? 12 : 70))
            continue;
        uint64_t value = row->minimum + below(4) * (row->unit == BJ_LIMIT_SECONDS ? 1000001 : 70000) / 3;
        if (value > row->maximum)
            value = row->maximum;
        bool unset = !request && bj__limit_may_be_unset(n) && chance(30);
        json_t *json =
            row->unit == BJ_LIMIT_SECONDS ? json_real((double)value / 1e6) : json_integer((json_int_t)value);
        if (unset) {
            json_decref(json);
            json = json_null();
        }
        json_object_set_new(limits, row->name, json);
    }
    json_object_set_new(root, "limits", limits);
}

static void add_layers(json_t *root, bool request)
{
    static const bool may_be_off[] = {
#define X(name, text, mode, optional) optional,
        BJ_LAYER_LIST(X)
#undef X
    };
    json_t *layers = json_object();
    for (unsigned n = 0; n < BJ_LAYER__COUNT; n++)
        if (n != BJ_LAYER_NET && chance(request ? 8 : 50))
            json_object_set_new(layers, bj__layer_name(n),
                                json_string(bj__mode_name(may_be_off[n] ? below(3) : 1 + below(2))));
    json_object_set_new(root, "layers", layers);
}

static void add_strings(json_t *root, const char *key, const char *const *from, size_t count, unsigned percent)
{
    json_t *array = json_array();
    for (size_t n = 0; n < count; n++)
        if (chance(percent))
            json_array_append_new(array, json_string(from[n]));
    json_object_set_new(root, key, array);
}

static void add_tree(json_t *root, bool request)
{
    json_t *mounts = json_array(), *files = json_array();
    for (unsigned n = 0; n < 2; n++) {
        if (chance(request ? 12 : 40)) {
            json_t *mount = json_pack("{s:s, s:s}", "source", PICK(host_paths), "target", PICK(jail_paths));
            if (chance(30))
                json_object_set_new(mount, "mode", json_string(chance(70) ? "ro" : "rw"));
            if (chance(20))
                json_object_set_new(mount, "executable", json_boolean(chance(50)));
            json_array_append_new(mounts, mount);
        }
        if (chance(12))
            json_array_append_new(files, json_pack("{s:s, s:s}", "path",
                                                   n         ? "f"
                                                   : request ? "q"
                                                             : "p",
                                                   "source", PICK(host_paths)));
    }
    json_object_set_new(root, "mounts", mounts);
    json_object_set_new(root, "files", files);
}

static void add_words(json_t *root, bool request)
{
    unsigned percent = request ? 12 : 60;
    if (chance(percent))
        json_object_set_new(root, "network", json_string(bj__network_name(below(3))));
    if (chance(percent))
        json_object_set_new(root, "proc", json_string(bj__proc_name(below(2))));
    if (chance(percent))
        json_object_set_new(root, "nice", json_integer(below(20)));
    if (chance(percent))
        json_object_set_new(root, "output_action", json_string(bj__output_action_name(below(2))));
    if (chance(request ? 30 : 20))
        json_object_set_new(root, "command", json_pack("[s]", request ? "asked" : "fixed"));
    if (chance(request ? 20 : 0))
        json_object_set_new(root, "args", json_pack("[s]", "argument"));
    if (chance(request ? 5 : 10))
        json_object_set_new(root, "policy", json_pack("{s:b}", request ? "asked" : "fixed", 1));
    json_t *env = json_object();
    for (size_t n = 0; n < BJ_COUNT(variable_names); n++)
        if (chance(request ? 8 : 40))
            json_object_set_new(env, variable_names[n],
                                request && chance(30) ? json_null() : json_string(request ? "asked" : "fixed"));
    json_object_set_new(root, "env", env);
}

/* A profile or a request, as text: what is tested is what comes in from outside. */
static char *random_text(bool request)
{
    json_t *root = json_object();
    add_limits(root, request);
    add_layers(root, request);
    add_tree(root, request);
    add_words(root, request);
    if (!request || chance(15))
        add_strings(root, "syscalls", set_names, BJ_COUNT(set_names), 60);
    if (!request) {
        json_object_set_new(root, "scratch_executable", json_boolean(chance(50)));
        add_strings(root, "mount_sources", host_paths, BJ_COUNT(host_paths) - 1, 30);
        add_strings(root, "closed_directories", jail_paths + 4, 1, 40);
        if (chance(30))
            add_strings(root, "env_names", variable_names, BJ_COUNT(variable_names), 60);
    }
    char *text = json_dumps(root, 0);
    json_decref(root);
    return text;
}

static bool same_bytes(const struct bj_file *a, const struct bj_file *b)
{
    return strcmp(a->path, b->path) == 0 && a->kind == b->kind && a->executable == b->executable &&
           (a->kind != BJ_FILE_SOURCE || strcmp(a->source, b->source) == 0);
}

static bool contains(const struct bj_strings *strings, const char *text)
{
    for (size_t n = 0; n < strings->count; n++)
        if (strcmp(strings->items[n], text) == 0)
            return true;
    return false;
}

static bool below_some(const struct bj_strings *roots, const char *path, const char *beneath)
{
    if (!beneath || !contains(roots, beneath))
        return false;
    size_t length = strcmp(beneath, "/") == 0 ? 0 : strlen(beneath);
    return strncmp(path, beneath, length) == 0 && (path[length] == '/' || !path[length]) && !strstr(path, "..");
}

/* Written apart from tighten.c on purpose. The first field in which b is weaker than a, or NULL. */
static const char *weaker_walls(const struct bj_spec *a, const struct bj_spec *b)
{
    for (size_t n = 0; n < bj__limit_count; n++) {
        uint64_t had = bj__limit_value(&a->limits, n), has = bj__limit_value(&b->limits, n);
        if (bj__limit_may_be_unset(n)) {
            had = had ? had : UINT64_MAX;
            has = has ? has : UINT64_MAX;
        }
        if (has > had)
            return bj__limit_rows[n].name;
    }
    for (unsigned n = 0; n < BJ_LAYER__COUNT; n++)
        if (b->layers[n] < a->layers[n])
            return bj__layer_name(n);
    for (size_t n = 0; n < b->syscalls.count; n++)
        if (!contains(&a->syscalls, b->syscalls.items[n]))
            return "syscalls";
    if (b->network > a->network || (b->network != a->network && b->layers[BJ_LAYER_NET] == BJ_OFF))
        return "network";
    if (b->proc > a->proc)
        return "proc";
    if (b->nice < a->nice)
        return "nice";
    return b->scratch_executable && !a->scratch_executable ? "scratch_executable" : NULL;
}

static const char *weaker_tree(const struct bj_spec *a, const struct bj_spec *b)
{
    if (b->mount_count < a->mount_count || b->file_count < a->file_count || b->link_count != a->link_count ||
        b->closed_directories.count != a->closed_directories.count ||
        b->closed_files.count != a->closed_files.count)
        return "a count";
    for (size_t n = 0; n < b->mount_count; n++) {
        const struct bj_mount *mount = &b->mounts[n], *own = n < a->mount_count ? &a->mounts[n] : NULL;
        if (own && (strcmp(own->source, mount->source) != 0 || strcmp(own->target, mount->target) != 0 ||
                    own->mode != mount->mode || own->executable != mount->executable ||
                    own->optional != mount->optional))
            return "the profile's mount";
        if (own)
            continue;
        if (mount->mode != BJ_MOUNT_RO || mount->executable ||
            !below_some(&a->mount_sources, mount->source, mount->beneath))
            return "the request's mount";
        for (size_t m = 0; m < a->mount_count; m++) {
            size_t length = strlen(a->mounts[m].target);
            if (strncmp(mount->target, a->mounts[m].target, length) == 0 && mount->target[length] != 0 &&
                mount->target[length] != '/')
                continue;
            if (strncmp(mount->target, a->mounts[m].target, length) == 0)
                return "a mount on the profile's";
        }
    }
    for (size_t n = 0; n < b->file_count; n++)
        if (n < a->file_count ? !same_bytes(&a->files[n], &b->files[n])
                              : b->files[n].kind == BJ_FILE_SOURCE &&
                                    !below_some(&a->mount_sources, b->files[n].source, b->files[n].beneath))
            return "files";
    return NULL;
}

static const char *weaker_program(const struct bj_spec *a, const struct bj_spec *b)
{
    if (a->command.count > 0 &&
        (b->command.count < a->command.count || strcmp(a->command.items[0], b->command.items[0]) != 0))
        return "command";
    if (a->policy && (!b->policy || strcmp(a->policy, b->policy) != 0))
        return "policy";
    for (size_t n = 0; a->env_names.items && n < b->environment.count; n++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(b->environment.items[n], "="),
                       b->environment.items[n]);
        if (!contains(&a->env_names, name) && !contains(&a->environment, b->environment.items[n]))
            return "env";
    }
    for (size_t n = 0; a->env_names.items && n < a->environment.count; n++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(a->environment.items[n], "="),
                       a->environment.items[n]);
        if (!contains(&a->env_names, name) && !contains(&b->environment, a->environment.items[n]))
            return "env";
    }
    return NULL;
}

/* 1 narrowed, 0 refused, -1 the random profile itself was not good. */
static int try_random(void)
{
    char *profile_text = random_text(false), *request_text = random_text(true);
    struct bj_spec *profile = NULL, *spec = NULL;
    struct bj_request request = {0};
    struct bj_error err = {0};
    int outcome = -1;
    if (bj__spec_parse_profile("random", profile_text, strlen(profile_text), &profile, &err) == 0) {
        if (bj__spec_parse_request(request_text, strlen(request_text), &request, &err) != 0)
            fail_msg("%s\n%s: %s", request_text, err.field, err.message);
        int r = bj__spec_tighten(profile, &request, &spec, &err);
        outcome = r == 0;
        const char *weaker = NULL;
        if (r == 0)
            weaker = weaker_walls(profile, spec);
        if (r == 0 && !weaker)
            weaker = weaker_tree(profile, spec);
        if (r == 0 && !weaker)
            weaker = weaker_program(profile, spec);
        if (weaker || (r == 0 && bj__spec_check(spec, false, &err) != 0))
            fail_msg("weaker in %s\nprofile %s\nrequest %s", weaker ? weaker : err.message, profile_text,
                     request_text);
        if (r < 0)
            assert_true(err.code == BJ_ERROR_WIDENS || err.code == BJ_ERROR_INVALID);
    }
    bj_spec_free(spec);
    bj_spec_free(profile);
    bj__request_done(&request);
    free(profile_text);
    free(request_text);
    return outcome;
}

static void run_random(uint64_t seed, unsigned count)
{
    unsigned outcomes[3] = {0};
    random_state = seed ? seed : 1;
    print_message("# seed %llu\n", (unsigned long long)seed);
    for (unsigned n = 0; n < count; n++)
        outcomes[try_random() + 1]++;
    print_message("# %u not good, %u refused, %u narrowed\n", outcomes[0], outcomes[1], outcomes[2]);
    /* A property that is hardly ever put to the test proves nothing. */
    assert_true(outcomes[1] > count / 20 && outcomes[2] > count / 20);
}

static void never_weaker_with_a_fixed_seed(void **state)
{
    run_random(20240229, 4000);
}

static void never_weaker_with_a_new_seed(void **state)
{
    const char *given = getenv("BELLJAR_TEST_SEED");
    run_random(given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL), 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_weaker_with_a_fixed_seed),
        cmocka_unit_test(never_weaker_with_a_new_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
