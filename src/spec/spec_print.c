/* A spec as JSON, in the form that the parser reads.
 * Its own file because printing has nothing in common with parsing but the names.
 * Changes when: a key is added. */
#include "spec/base64.h"
#include "spec/check.h"
#include "spec/json_read.h"
#include "spec/json_text.h"
#include "spec/moment.h"

/* Takes over the value; -ENOMEM when it is NULL or cannot be added. */
static int set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) < 0 ? -ENOMEM : 0;
}

/* An argument or a path of Linux may be any bytes: those that are not UTF-8 are shown as '?'. */
static json_t *text_json(const char *text)
{
    json_t *json = json_string(text);
    if (json)
        return json;
    BJ_FREE char *plain = strdup(text);
    if (!plain)
        return NULL;
    for (char *c = plain; *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    return json_string(plain);
}

static json_t *base64_json(const void *bytes, size_t length)
{
    size_t size = BJ_BASE64_ENCODED(length) + 1;
    BJ_FREE char *text = malloc(size);
    if (!text)
        return NULL;
    bj__base64_encode(bytes, length, text);
    return json_string(text);
}

/* As text under one key, or as base64 under another one. */
static int set_bytes(json_t *object, const char *text_key, const char *base64_key, const void *bytes,
                     size_t length)
{
    json_t *text = json_stringn(bytes, length); /* NULL when it is not UTF-8 */
    return text ? set(object, text_key, text) : set(object, base64_key, base64_json(bytes, length));
}

static json_t *strings_json(const struct bj_strings *strings)
{
    json_t *array = json_array();
    for (size_t n = 0; array && n < strings->count; n++)
        if (json_array_append_new(array, text_json(strings->items[n])) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* Microseconds as seconds; whole ones as whole numbers. */
static json_t *seconds_json(uint64_t us)
{
    return us % 1000000 == 0 ? json_integer((json_int_t)(us / 1000000)) : json_real((double)us / 1e6);
}

static int print_limits(const struct bj_spec *spec, json_t *root)
{
    json_t *object = json_object();
    int r = set(root, "limits", object);
    for (size_t n = 0; r == 0 && n < bj__limit_count; n++) {
        uint64_t value = bj__limit_value(&spec->limits, n);
        json_t *json =
            bj__limit_rows[n].unit == BJ_LIMIT_SECONDS ? seconds_json(value) : json_integer((json_int_t)value);
        if (value == 0 && bj__limit_may_be_unset(n)) {
            json_decref(json);
            json = json_null();
        }
        r = set(object, bj__limit_rows[n].name, json);
    }
    return r;
}

static int print_layers(const struct bj_spec *spec, json_t *root)
{
    json_t *object = json_object();
    int r = set(root, "layers", object);
    for (size_t n = 0; r == 0 && n < BJ_LAYER__COUNT; n++)
        r = set(object, bj__layer_name((enum bj_layer)n), json_string(bj__mode_name(spec->layers[n])));
    return r;
}

static int print_env(const struct bj_spec *spec, json_t *root)
{
    json_t *object = json_object();
    int r = set(root, "env", object);
    for (size_t n = 0; r == 0 && n < spec->environment.count; n++) {
        const char *item = spec->environment.items[n];
        size_t length = strcspn(item, "=");
        BJ_FREE char *name = strndup(item, length);
        json_t *value = text_json(item + length + 1);
        r = !name ? -ENOMEM : set(object, name, value);
    }
    return r;
}

static int print_file(const struct bj_file *file, json_t *array)
{
    json_t *object = json_object();
    if (json_array_append_new(array, object) < 0)
        return -ENOMEM;
    int r = set(object, "path", text_json(file->path));
    if (r == 0 && file->kind == BJ_FILE_SOURCE)
        r = set(object, "source", text_json(file->source));
    else if (r == 0)
        r = set_bytes(object, "text", "base64", file->bytes, file->length);
    if (r == 0 && file->executable)
        r = set(object, "executable", json_true());
    if (r == 0 && file->beneath)
        r = set(object, "beneath", text_json(file->beneath));
    return r;
}

static int print_mount(const struct bj_mount *mount, json_t *array)
{
    json_t *object = json_object();
    if (json_array_append_new(array, object) < 0)
        return -ENOMEM;
    int r = set(object, "source", text_json(mount->source));
    if (r == 0)
        r = set(object, "target", text_json(mount->target));
    if (r == 0)
        r = set(object, "mode", json_string(bj__mount_mode_name(mount->mode)));
    if (r == 0 && mount->optional)
        r = set(object, "optional", json_true());
    if (r == 0 && mount->executable)
        r = set(object, "executable", json_true());
    if (r == 0 && mount->beneath)
        r = set(object, "beneath", text_json(mount->beneath));
    return r;
}

static int print_link(const struct bj_link *link, json_t *array)
{
    json_t *object = json_object();
    if (json_array_append_new(array, object) < 0)
        return -ENOMEM;
    int r = set(object, "path", text_json(link->path));
    return r < 0 ? r : set(object, "target", text_json(link->target));
}

static int print_tree(const struct bj_spec *spec, json_t *root)
{
    json_t *files = json_array();
    json_t *mounts = json_array();
    json_t *links = json_array();
    int r = set(root, "files", files);
    r = set(root, "mounts", mounts) < 0 ? -ENOMEM : r;
    r = set(root, "links", links) < 0 ? -ENOMEM : r;
    for (size_t n = 0; r == 0 && n < spec->file_count; n++)
        r = print_file(&spec->files[n], files);
    for (size_t n = 0; r == 0 && n < spec->mount_count; n++)
        r = print_mount(&spec->mounts[n], mounts);
    for (size_t n = 0; r == 0 && n < spec->link_count; n++)
        r = print_link(&spec->links[n], links);
    if (r == 0)
        r = set(root, "closed_directories", strings_json(&spec->closed_directories));
    if (r == 0)
        r = set(root, "closed_files", strings_json(&spec->closed_files));
    if (r == 0)
        r = set(root, "preload", strings_json(&spec->preload));
    return r < 0 ? r : set(root, "collect", strings_json(&spec->collect));
}

static int print_trace(const struct bj_trace *trace, json_t *root)
{
    json_t *object = json_pack("{s:I}", "max_steps", (json_int_t)trace->max_steps);
    int r = set(root, "trace", object);
    return r < 0 || trace->max_bytes == 0
               ? r
               : set(object, "max_bytes", json_integer((json_int_t)trace->max_bytes));
}

static int print_deterministic(const struct bj_deterministic *deterministic, json_t *root)
{
    char start[BJ_MOMENT_SIZE];
    bj__moment_write(deterministic->start_s, start);
    return set(root, "deterministic",
               json_pack("{s:I, s:s}", "seed", (json_int_t)deterministic->seed, "time", start));
}

static int print_program(const struct bj_spec *spec, json_t *root)
{
    const struct {
        const char *key, *text;
        bool opaque;
    } texts[] = {{"code", spec->code, false},
                 {"expression", spec->expression, false},
                 {"globals", spec->globals, true},
                 {"views", spec->views, true},
                 {"policy", spec->policy, true}};
    int r = spec->command.count > 0 ? set(root, "command", strings_json(&spec->command)) : 0;
    if (r == 0 && spec->args.count > 0)
        r = set(root, "args", strings_json(&spec->args));
    if (r == 0 && spec->python_path.count > 0)
        r = set(root, "python_path", strings_json(&spec->python_path));
    if (r == 0 && spec->python)
        r = set(root, "python", text_json(spec->python));
    if (r == 0 && spec->display)
        r = set(root, "display", json_true());
    if (r == 0 && spec->trace.max_steps > 0)
        r = print_trace(&spec->trace, root);
    if (r == 0 && spec->deterministic.on)
        r = print_deterministic(&spec->deterministic, root);
    for (size_t n = 0; r == 0 && n < BJ_COUNT(texts); n++)
        if (texts[n].text)
            r = set(root, texts[n].key,
                    texts[n].opaque ? json_loads(texts[n].text, JSON_ALLOW_NUL, NULL)
                                    : text_json(texts[n].text));
    if (r == 0 && spec->stdin_bytes)
        r = set_bytes(root, "stdin", "stdin_base64", spec->stdin_bytes, spec->stdin_length);
    if (r == 0)
        r = print_env(spec, root);
    if (r == 0)
        r = set(root, "directory", text_json(spec->directory));
    return r < 0 ? r : set(root, "hostname", text_json(spec->hostname));
}

static int print_walls(const struct bj_spec *spec, json_t *root)
{
    int r = print_limits(spec, root);
    if (r == 0)
        r = print_layers(spec, root);
    if (r == 0)
        r = set(root, "network", json_string(bj__network_name(spec->network)));
    if (r == 0)
        r = set(root, "proc", json_string(bj__proc_name(spec->proc)));
    if (r == 0)
        r = set(root, "output_action", json_string(bj__output_action_name(spec->output_action)));
    if (r == 0)
        r = set(root, "scratch_executable", json_boolean(spec->scratch_executable));
    if (r == 0)
        r = set(root, "syscalls", strings_json(&spec->syscalls));
    if (r == 0)
        r = set(root, "nice", json_integer(spec->nice));
    if (r == 0 && spec->mount_sources.count > 0)
        r = set(root, "mount_sources", strings_json(&spec->mount_sources));
    if (r == 0 && spec->env_names.items)
        r = set(root, "env_names", strings_json(&spec->env_names));
    return r;
}

char *bj_spec_json(const struct bj_spec *spec)
{
    BJ_JSON json_t *root = json_object();
    int r = set(root, "version", json_integer(1));
    if (r == 0 && *spec->profile)
        r = set(root, "profile", text_json(spec->profile));
    if (r == 0 && *spec->description)
        r = set(root, "description", text_json(spec->description));
    if (r == 0)
        r = print_program(spec, root);
    if (r == 0)
        r = print_tree(spec, root);
    if (r == 0)
        r = print_walls(spec, root);
    return r < 0 ? NULL : bj__json_dump(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
}
