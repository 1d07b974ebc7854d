/* The setters of the public header: what the operator changes in a spec.
 * Its own file because they are the only way, beside JSON, in which a caller changes a spec.
 * Changes when: the public header gets another setter.
 *
 * A setter that fails leaves the spec as it was. What depends on other fields is checked when the plan is made. */
#include "spec/build.h"
#include "spec/check.h"
#include "spec/globals.h"
#include "spec/json_read.h"
#include "spec/json_text.h"
#include "spec/moment.h"
#include "spec/names.h"
#include "spec/policy.h"

#include <jansson.h>
#include <stdio.h>

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* A copy of an array that ends with NULL; it may have no item. */
static int copy_items(struct bj_spec *spec, const char *const *items, const char *field,
                      struct bj_strings *ret_list, struct bj_error *err)
{
    struct bj_strings list = {0};
    for (size_t n = 0; items && items[n]; n++) {
        int r = n < BJ_MAX_ARGUMENTS ? bj__strings_add(&spec->arena, &list, items[n]) : -E2BIG;
        if (r < 0)
            return bj__spec_build_error(r, field, BJ_MAX_ARGUMENTS, err);
        if (strlen(items[n]) >= BJ_MAX_STRING)
            return bj__error(err, BJ_ERROR_INVALID, E2BIG, field, "item %zu is %zu bytes long; at most %u fit",
                             n, strlen(items[n]), BJ_MAX_STRING - 1);
    }
    *ret_list = list;
    return 0;
}

/* The same of names, of which there is at least one. */
static int copy_list(struct bj_spec *spec, const char *const *items, const char *field,
                     struct bj_strings *ret_list, struct bj_error *err)
{
    if (!items || !items[0] || !items[0][0])
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, field, "empty; give at least one name");
    return copy_items(spec, items, field, ret_list, err);
}

int bj_spec_set_command(struct bj_spec *spec, const char *const *argv, struct bj_error *err)
{
    return copy_list(spec, argv, "command", &spec->command, err);
}

static int set_source(struct bj_spec *spec, const char *field, const char *source, const char **ret_text,
                      struct bj_error *err)
{
    if (!source)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, field, "missing; give the text of a program");
    if (strlen(source) > BJ_MAX_SPEC_JSON)
        return bj__error(err, BJ_ERROR_INVALID, E2BIG, field, "%zu bytes; at most %u", strlen(source),
                         BJ_MAX_SPEC_JSON);
    json_t *text = json_string(source); /* the request is JSON */
    json_decref(text);
    if (!text)
        return bj__error(err, BJ_ERROR_INVALID, EILSEQ, field, "is not UTF-8; write the text in that encoding");
    return bj__copy_text(&spec->arena, source, ret_text) < 0 ? bj__error_memory(err) : 0;
}

int bj_spec_set_code(struct bj_spec *spec, const char *source, struct bj_error *err)
{
    return set_source(spec, "code", source, &spec->code, err);
}

int bj_spec_set_expression(struct bj_spec *spec, const char *source, struct bj_error *err)
{
    return set_source(spec, "expression", source, &spec->expression, err);
}

static int add_values(struct bj_spec *spec, const char *field, const char *json, const char **slot,
                      struct bj_error *err)
{
    BJ_BUF struct bj_buf text;
    bj__buf_init(&text, BJ_SPEC_ARENA);
    int r = bj__globals_join(*slot, or_empty(json), field, &text, err);
    if (r == 0 && bj__copy_text(&spec->arena, (const char *)text.bytes, slot) < 0)
        r = bj__error_memory(err);
    return r;
}

int bj_spec_add_globals(struct bj_spec *spec, const char *json, struct bj_error *err)
{
    return add_values(spec, "globals", json, &spec->globals, err);
}

int bj_spec_add_views(struct bj_spec *spec, const char *json, struct bj_error *err)
{
    return add_values(spec, "views", json, &spec->views, err);
}

int bj_spec_add_policy(struct bj_spec *spec, const char *json, struct bj_error *err)
{
    json_error_t why;
    BJ_JSON json_t *added = json_loads(or_empty(json), JSON_REJECT_DUPLICATES, &why);
    BJ_JSON json_t *object = spec->policy ? json_loads(spec->policy, 0, NULL) : json_object();
    if (!json_is_object(added))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "policy",
                         "\"%.40s\" is no JSON object (%s); write {\"name\": value}", or_empty(json),
                         added ? "it is something else" : why.text);
    bj__policy_join(object, added);
    BJ_FREE char *text = json_object_update(object, added) == 0
                             ? bj__json_dump(object, JSON_COMPACT | JSON_REAL_PRECISION(17))
                             : NULL;
    if (!text || bj__copy_text(&spec->arena, text, &spec->policy) < 0)
        return bj__error_memory(err);
    return bj__policy_check(spec->policy, err);
}

int bj_spec_set_trace(struct bj_spec *spec, uint64_t max_steps, uint64_t max_bytes, struct bj_error *err)
{
    if (max_steps > BJ_MAX_TRACE_STEPS)
        return bj__error(err, BJ_ERROR_INVALID, ERANGE, "trace.max_steps", "%llu; give 1 to %u",
                         (unsigned long long)max_steps, BJ_MAX_TRACE_STEPS);
    if (max_bytes > 0 && (max_bytes < BJ_MIN_TRACE_BYTES || max_bytes > BJ_MAX_OUTPUT))
        return bj__error(err, BJ_ERROR_INVALID, ERANGE, "trace.max_bytes", "%llu; give %u to %u",
                         (unsigned long long)max_bytes, BJ_MIN_TRACE_BYTES, BJ_MAX_OUTPUT);
    spec->trace = (struct bj_trace){.max_steps = max_steps, .max_bytes = max_bytes};
    return 0;
}

int bj_spec_set_display(struct bj_spec *spec, int on, struct bj_error *err)
{
    if (on && (spec->command.count > 0 || spec->expression))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "display",
                         "only a script has statements whose values are written; give code first");
    spec->display = on != 0;
    return 0;
}

int bj_spec_set_deterministic(struct bj_spec *spec, uint64_t seed, const char *start, struct bj_error *err)
{
    struct bj_deterministic asked = {.on = true, .seed = (uint32_t)seed, .start_s = BJ_MOMENT_FIRST};
    if (seed > BJ_MAX_SEED)
        return bj__error(err, BJ_ERROR_INVALID, ERANGE, "deterministic.seed", "%llu; give 0 to %u",
                         (unsigned long long)seed, BJ_MAX_SEED);
    if (start && bj__moment_read(start, &asked.start_s) < 0)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "deterministic.time", "\"%.40s\"; give " BJ_MOMENT_FORM,
                         start);
    spec->deterministic = asked;
    return 0;
}

int bj_spec_set_syscalls(struct bj_spec *spec, const char *const *sets, struct bj_error *err)
{
    int r = copy_list(spec, sets, "syscalls", &spec->syscalls, err);
    if (r == 0)
        bj__strings_sort(&spec->syscalls);
    return r;
}

int bj_spec_set_args(struct bj_spec *spec, const char *const *args, struct bj_error *err)
{
    struct bj_strings before = spec->args;
    int r = copy_items(spec, args, "args", &spec->args, err);
    if (r == 0)
        r = bj__spec_join_args(spec, err);
    if (r < 0)
        spec->args = before;
    return r;
}

int bj_spec_add_python_path(struct bj_spec *spec, const char *directory, struct bj_error *err)
{
    if (spec->python_path.count >= BJ_MAX_PYTHON_PATH)
        return bj__spec_build_error(-E2BIG, "python_path", BJ_MAX_PYTHON_PATH, err);
    return bj__strings_add(&spec->arena, &spec->python_path, or_empty(directory)) < 0 ? bj__error_memory(err)
                                                                                      : 0;
}

int bj_spec_set_preload(struct bj_spec *spec, const char *const *modules, struct bj_error *err)
{
    return copy_list(spec, modules, "preload", &spec->preload, err);
}

int bj_spec_set_env(struct bj_spec *spec, const char *name, const char *value, struct bj_error *err)
{
    int r = bj__check_variable_name("env", or_empty(name), err);
    if (r < 0)
        return r;
    if (value && strlen(name) + strlen(value) + 2 > BJ_MAX_STRING)
        return bj__error(err, BJ_ERROR_INVALID, E2BIG, "env", "\"%.40s\" is too long; at most %u bytes fit",
                         name, BJ_MAX_STRING);
    r = bj__spec_set_variable(spec, name, value, false);
    return r < 0 ? bj__spec_build_error(r, "env", BJ_MAX_ENVIRONMENT, err) : 0;
}

int bj_spec_set_stdin(struct bj_spec *spec, const void *bytes, size_t length, struct bj_error *err)
{
    if (length > BJ_MAX_STDIN)
        return bj__error(err, BJ_ERROR_INVALID, E2BIG, "stdin", "%zu bytes; at most %u", length, BJ_MAX_STDIN);
    const void *copy = bj__arena_copy(&spec->arena, bytes, length);
    if (!copy)
        return bj__error_memory(err);
    spec->stdin_bytes = copy;
    spec->stdin_length = length;
    return 0;
}

int bj_spec_set_directory(struct bj_spec *spec, const char *path, struct bj_error *err)
{
    if (strcmp(or_empty(path), "/") != 0) {
        int r = bj__check_jail_path("directory", path, err);
        if (r < 0)
            return r;
    }
    return bj__copy_text(&spec->arena, path, &spec->directory) < 0 ? bj__error_memory(err) : 0;
}

int bj_spec_set_hostname(struct bj_spec *spec, const char *name, struct bj_error *err)
{
    int r = bj__check_hostname("hostname", or_empty(name), err);
    if (r < 0)
        return r;
    return bj__copy_text(&spec->arena, name, &spec->hostname) < 0 ? bj__error_memory(err) : 0;
}

int bj_spec_set_network(struct bj_spec *spec, const char *mode, struct bj_error *err)
{
    int word = bj__word_find(&bj__network_words, "network", or_empty(mode), err);
    if (word < 0)
        return word;
    /* The host's network and a network namespace exclude each other: the setting takes the layer with it. */
    if (word == BJ_NETWORK_HOST)
        spec->layers[BJ_LAYER_NET] = BJ_OFF;
    else if (spec->network == BJ_NETWORK_HOST)
        spec->layers[BJ_LAYER_NET] = BJ_REQUIRE;
    spec->network = (enum bj_network)word;
    return 0;
}

int bj_spec_set_limit(struct bj_spec *spec, const char *field, uint64_t value, struct bj_error *err)
{
    static const char *const names[] = {
#define X(limit, name, unit, minimum, maximum) #limit,
        BJ_LIMIT_LIST(X)
#undef X
    };
    static const struct bj_words words = {names, BJ_COUNT(names)};
    int limit = bj__word_find(&words, "limits", or_empty(field), err);
    int r = limit < 0 ? limit : bj__check_limit((size_t)limit, value, err);
    if (r < 0)
        return r;
    *bj__limit_at(&spec->limits, (size_t)limit) = value;
    return 0;
}

int bj_spec_set_layer(struct bj_spec *spec, const char *layer, const char *mode, struct bj_error *err)
{
    static const bool may_be_off[] = {
#define X(name, text, default_mode, optional) optional,
        BJ_LAYER_LIST(X)
#undef X
    };
    int found = bj__word_find(&bj__layer_words, "layers", or_empty(layer), err);
    if (found < 0)
        return found;
    char field[80];
    (void)snprintf(field, sizeof(field), "layers.%s", bj__layer_name((enum bj_layer)found));
    int word = bj__word_find(&bj__mode_words, field, or_empty(mode), err);
    if (word < 0)
        return word;
    if (word == BJ_OFF && !may_be_off[found])
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, field,
                         "\"%s\" cannot be off: there is no jail without this layer", layer);
    spec->layers[found] = (enum bj_mode)word;
    return 0;
}

int bj_spec_set_output_action(struct bj_spec *spec, const char *action, struct bj_error *err)
{
    int word = bj__word_find(&bj__output_action_words, "output_action", or_empty(action), err);
    if (word < 0)
        return word;
    spec->output_action = (enum bj_output_action)word;
    return 0;
}

static int add_file(struct bj_spec *spec, const struct bj_file *file, struct bj_error *err)
{
    if (spec->file_count >= BJ_MAX_FILES_IN)
        return bj__spec_build_error(-E2BIG, "files", BJ_MAX_FILES_IN, err);
    int r = bj__spec_check_path("files", file->path, err);
    if (r < 0)
        return r;
    size_t count = spec->file_count;
    if (bj__spec_append_file(spec, file) == 0)
        return 0;
    spec->file_count = count;
    return bj__error_memory(err);
}

int bj_spec_add_file_bytes(struct bj_spec *spec, const char *path, const void *bytes, size_t length,
                           int executable, struct bj_error *err)
{
    if (length > BJ_MAX_FILES_IN_BYTES)
        return bj__error(err, BJ_ERROR_INVALID, E2BIG, "files", "%zu bytes; at most %u", length,
                         BJ_MAX_FILES_IN_BYTES);
    struct bj_file file = {.path = path, .bytes = bytes ? bytes : "", .length = bytes ? length : 0};
    file.executable = executable != 0;
    return add_file(spec, &file, err);
}

int bj_spec_add_file_source(struct bj_spec *spec, const char *path, const char *source, struct bj_error *err)
{
    int r = bj__check_host_path("files", source, err);
    if (r < 0)
        return r;
    struct bj_file file = {.kind = BJ_FILE_SOURCE, .path = path, .source = source};
    return add_file(spec, &file, err);
}

/* "ro", "rw", and behind it ",executable" and ",optional" in any order. */
static int read_mount_mode(const char *text, struct bj_mount *mount, struct bj_error *err)
{
    const char *rest = text;
    while (*rest) {
        size_t length = strcspn(rest, ",");
        if (rest == text && length == 2 && memcmp(rest, "ro", 2) == 0)
            mount->mode = BJ_MOUNT_RO;
        else if (rest == text && length == 2 && memcmp(rest, "rw", 2) == 0)
            mount->mode = BJ_MOUNT_RW;
        else if (rest != text && length == 10 && memcmp(rest, "executable", 10) == 0)
            mount->executable = true;
        else if (rest != text && length == 8 && memcmp(rest, "optional", 8) == 0)
            mount->optional = true;
        else
            break;
        rest += length;
        if (!*rest)
            return 0;
        rest++;
    }
    return bj__error(err, BJ_ERROR_INVALID, EINVAL, "mounts",
                     "mode \"%.40s\"; give \"ro\" or \"rw\", and behind it \",executable\" or \",optional\"",
                     text);
}

int bj_spec_add_mount(struct bj_spec *spec, const char *source, const char *target, const char *mode,
                      struct bj_error *err)
{
    struct bj_mount mount = {.source = source, .target = target};
    if (spec->mount_count >= BJ_MAX_MOUNTS)
        return bj__spec_build_error(-E2BIG, "mounts", BJ_MAX_MOUNTS, err);
    int r = read_mount_mode(or_empty(mode), &mount, err);
    if (r == 0)
        r = bj__check_host_path("mounts", source, err);
    if (r == 0)
        r = bj__check_jail_path("mounts", target, err);
    if (r < 0)
        return r;
    size_t count = spec->mount_count;
    if (bj__spec_append_mount(spec, &mount) == 0)
        return 0;
    spec->mount_count = count;
    return bj__error_memory(err);
}

int bj_spec_add_collect(struct bj_spec *spec, const char *pattern, struct bj_error *err)
{
    int r = bj__spec_check_path("collect", pattern, err);
    if (r < 0)
        return r;
    r = spec->collect.count < BJ_MAX_COLLECT ? bj__strings_add(&spec->arena, &spec->collect, pattern) : -E2BIG;
    return r < 0 ? bj__spec_build_error(r, "collect", BJ_MAX_COLLECT, err) : 0;
}
