/* What an option of the spec does.
 * Its own file because these are the only lines that turn words of the command line into calls of the library.
 * Changes when: the spec can be changed in another way. */
#include "cli/apply.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/units.h"
#include "spec/spec.h"

static int set_limit(struct bj_spec *spec, const struct setting *setting, int parsed, uint64_t value,
                     struct bj_error *err)
{
    return parsed < 0 ? parsed : bj_spec_set_limit(spec, setting->row->data, value, err);
}

static int fail_value(const char *value, int r, const char *what, struct bj_error *err)
{
    if (r == -ERANGE)
        return bj__error(err, BJ_ERROR_INVALID, ERANGE, "", "\"%s\" is too large", value);
    return bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "\"%s\" is not %s", value, what);
}

int bj__apply_duration(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    uint64_t us = 0;
    int r = bj__units_duration(setting->value, &us);

    if (r < 0)
        return fail_value(setting->value, r,
                          "a duration; write seconds (\"2\", \"0.5\") or a number with us, ms, s, m or h", err);
    return set_limit(spec, setting, r, us, err);
}

int bj__apply_size(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    uint64_t bytes = 0;
    int r = bj__units_size(setting->value, &bytes);

    if (r < 0)
        return fail_value(setting->value, r, "a size; write bytes or a number with K, M or G", err);
    return set_limit(spec, setting, r, bytes, err);
}

int bj__apply_count(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    uint64_t count = 0;
    int r = bj__units_count(setting->value, &count);

    if (r < 0)
        return fail_value(setting->value, r, "a whole number", err);
    return set_limit(spec, setting, r, count, err);
}

int bj__apply_output_action(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    return bj_spec_set_output_action(spec, setting->value, err);
}

int bj__apply_collect(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    return bj_spec_add_collect(spec, setting->value, err);
}

int bj__apply_chdir(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    return bj_spec_set_directory(spec, setting->value, err);
}

int bj__apply_hostname(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    return bj_spec_set_hostname(spec, setting->value, err);
}

int bj__apply_network(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    return bj_spec_set_network(spec, setting->value, err);
}

int bj__apply_share_net(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    return bj_spec_set_network(spec, setting->row->data, err);
}

int bj__apply_env(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    const char *equals = strchr(setting->value, '=');

    if (!equals) {
        const char *value = getenv(setting->value);
        return value ? bj_spec_set_env(spec, setting->value, value, err) : 0;
    }
    BJ_FREE char *name = strndup(setting->value, (size_t)(equals - setting->value));
    if (!name)
        return bj__error_memory(err);
    return bj_spec_set_env(spec, name, equals + 1, err);
}

/* Takes "." and ".." out of an absolute path, in place. By words only: no link in a source is followed, so that
 * the parent of a name is the name before it. */
static void clean(char *path)
{
    char *end = path;

    for (const char *at = path; *at;) {
        at += strspn(at, "/");
        size_t length = strcspn(at, "/");
        if (length == 2 && !strncmp(at, "..", 2)) {
            while (end > path && *--end != '/')
                ;
        } else if (length > 0 && !(length == 1 && *at == '.')) {
            *end++ = '/';
            memmove(end, at, length);
            end += length;
        }
        at += length;
    }
    if (end == path)
        *end++ = '/';
    *end = '\0';
}

/* The absolute path of a source, for the library to open. NULL: err is filled. */
static char *make_absolute(const char *source, struct bj_error *err)
{
    char directory[PATH_MAX] = "";
    char *path = NULL;

    if (!source[0]) {
        bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "the source is missing; write NAME=SOURCE");
        return NULL;
    }
    if (source[0] != '/' && !getcwd(directory, sizeof(directory))) {
        bj__error_system(err, errno, "", "cannot find the working directory");
        return NULL;
    }
    if (asprintf(&path, "%s/%s", directory, source) < 0) {
        bj__error_memory(err);
        return NULL;
    }
    clean(path);
    return path;
}

/* NAME=SOURCE, or SOURCE alone: placed under the name that it has. */
int bj__apply_file(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    const char *equals = strchr(setting->value, '=');
    BJ_FREE char *source = make_absolute(equals ? equals + 1 : setting->value, err);

    if (!source)
        return -ENOMEM;
    BJ_FREE char *name =
        equals ? strndup(setting->value, (size_t)(equals - setting->value)) : strdup(strrchr(source, '/') + 1);
    if (!name)
        return bj__error_memory(err);
    return bj_spec_add_file_source(spec, name, source, err);
}

/* The caller says which directory is meant, links or not: /bin is one on most hosts. */
static int add_bind(struct bj_spec *spec, const struct setting *setting, bool optional, struct bj_error *err)
{
    const char *colon = setting->second ? NULL : strstr(setting->value, ":/");
    const char *target = setting->second ? setting->second : colon + 1;
    BJ_FREE char *source =
        colon ? strndup(setting->value, (size_t)(colon - setting->value)) : strdup(setting->value);
    char real[PATH_MAX];

    if (!source)
        return bj__error_memory(err);
    if (!realpath(source, real)) {
        if (optional && (errno == ENOENT || errno == ENOTDIR))
            return 0;
        return bj__error_system(err, errno, "", "cannot find \"%s\"", source);
    }
    return bj_spec_add_mount(spec, real, target, setting->row->data, err);
}

int bj__apply_bind(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    return add_bind(spec, setting, false, err);
}

int bj__apply_bind_try(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    return add_bind(spec, setting, true, err);
}

/* Cuts a list at its commas, in place. ret_items has room for maximum names and a NULL. */
static int split(char *list, const char **ret_items, size_t maximum, struct bj_error *err)
{
    size_t count = 0;

    for (char *rest = list; rest;) {
        const char *item = strsep(&rest, ",");
        if (!*item)
            return bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "there is an empty name in the list");
        if (count == maximum)
            return bj__error(err, BJ_ERROR_INVALID, E2BIG, "", "more than %zu names", maximum);
        ret_items[count++] = item;
    }
    ret_items[count] = NULL;
    return 0;
}

enum { MAX_NAMES = 64 };

int bj__apply_layers(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    const char *items[MAX_NAMES + 1];
    BJ_FREE char *list = strdup(setting->value);

    if (!list)
        return bj__error_memory(err);
    int r = split(list, items, MAX_NAMES, err);
    for (size_t i = 0; r == 0 && items[i]; i++)
        r = bj_spec_set_layer(spec, items[i], setting->row->data, err);
    return r;
}

int bj__apply_syscalls(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    const char *items[MAX_NAMES + 1];
    BJ_FREE char *list = strdup(setting->value);

    if (!list)
        return bj__error_memory(err);
    int r = split(list, items, MAX_NAMES, err);
    return r < 0 ? r : bj_spec_set_syscalls(spec, items, err);
}

int bj__apply_globals(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    return bj_spec_add_globals(spec, setting->value, err);
}

int bj__apply_python_path(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    return bj_spec_add_python_path(spec, setting->value, err);
}

int bj__apply_python(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    char real[PATH_MAX];
    if (!realpath(setting->value, real))
        return bj__error_system(err, errno, "", "cannot find \"%s\"", setting->value);
    return bj_spec_set_python(spec, real, err);
}

int bj__apply_policy(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    return bj_spec_add_policy(spec, setting->value, err);
}

/* {"KEY": [...]} */
static int add_to_policy(struct bj_spec *spec, const char *key, const char *const *items, struct bj_error *err)
{
    json_t *list = json_array();
    for (; *items; items++)
        (void)json_array_append_new(list, json_string(*items));
    json_t *policy = json_pack("{s:o}", key, list);
    BJ_FREE char *text = policy ? json_dumps(policy, JSON_COMPACT) : NULL;
    json_decref(policy);
    return text ? bj_spec_add_policy(spec, text, err) : bj__error_memory(err);
}

int bj__apply_features(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    const char *items[MAX_NAMES + 1] = {NULL};
    BJ_FREE char *list = strdup(setting->value);

    if (!list)
        return bj__error_memory(err);
    int r = split(list, items, MAX_NAMES, err);
    return r < 0 ? r : add_to_policy(spec, "features", items, err);
}

int bj__apply_allow_path(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    const char *const items[] = {setting->value, NULL};
    return add_to_policy(spec, "paths", items, err);
}

int bj__apply_name(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    const char *equals = strchr(setting->value, '=');

    if (!equals || equals == setting->value)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "\"%s\" is not NAME=VALUE", setting->value);
    json_t *value = json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    json_t *object = json_object();
    BJ_FREE char *name = strndup(setting->value, (size_t)(equals - setting->value));
    int r = json_object_set_new(object, name, value ? value : json_string(equals + 1));
    BJ_FREE char *text = r == 0 ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(object);
    return text ? bj_spec_add_globals(spec, text, err)
                : bj__error(err, BJ_ERROR_INVALID, EILSEQ, "", "\"%s\" is not UTF-8", setting->value);
}

int bj__apply_display(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    (void)setting;
    return bj_spec_set_display(spec, 1, err);
}

/* The one with a number decides how many, whichever of the two stands last. */
int bj__apply_trace(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    uint64_t steps = spec->trace.max_steps > 0 ? spec->trace.max_steps : BJ_TRACE_STEPS;
    int r = setting->value ? bj__units_count(setting->value, &steps) : 0;

    if (r < 0 || steps == 0 || steps > BJ_MAX_TRACE_STEPS)
        return bj__error(err, BJ_ERROR_INVALID, ERANGE, "", "\"%s\" is not a number of steps; give 1 to %u",
                         setting->value, BJ_MAX_TRACE_STEPS);
    return bj_spec_set_trace(spec, steps, spec->trace.max_bytes, err);
}

/* What was not given yet stays, whichever of the three stands last. */
int bj__apply_deterministic(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    (void)setting;
    return spec->deterministic.on ? 0 : bj_spec_set_deterministic(spec, 0, NULL, err);
}

int bj__apply_seed(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    uint64_t seed = 0;
    int r = bj__units_count(setting->value, &seed);

    if (r < 0 || seed > BJ_MAX_SEED)
        return bj__error(err, BJ_ERROR_INVALID, ERANGE, "", "\"%s\" is not a seed; give 0 to %u",
                         setting->value, BJ_MAX_SEED);
    r = bj__apply_deterministic(spec, setting, err);
    if (r == 0)
        spec->deterministic.seed = (uint32_t)seed;
    return r;
}

int bj__apply_start_time(struct bj_spec *spec, const struct setting *setting, struct bj_error *err)
{
    uint64_t seed = spec->deterministic.on ? spec->deterministic.seed : 0;
    return bj_spec_set_deterministic(spec, seed, setting->value, err);
}
