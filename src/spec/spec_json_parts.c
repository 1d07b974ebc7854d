/* JSON text to a spec: the nested objects.
 * Its own file because files, mounts, links, limits and layers have keys of their own.
 * Changes when: one of them gets another key. */
#include "spec/check.h"
#include "spec/json_read.h"
#include "spec/json_text.h"
#include "spec/moment.h"

#include <stdio.h>

#define READER(verb)                                                                                           \
    static int verb(struct bj_reader *reader, const char *field, const json_t *value, void *target)

static int missing(struct bj_reader *reader, const char *field, const char *key, const char *fix)
{
    return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field, "%s is missing; %s", key, fix);
}

static int check_array(struct bj_reader *reader, const char *field, const json_t *value, size_t most)
{
    if (!json_is_array(value))
        return bj__json_wrong(reader, field, value, "an array of objects");
    if (json_array_size(value) > most)
        return bj__spec_build_error(-E2BIG, field, most, reader->err);
    return 0;
}

/* ---- files ---------------------------------------------------------------------------------------- */

/* What one of text, base64 and source gives twice. */
static int refuse_second(struct bj_reader *reader, const char *field)
{
    return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field,
                     "text, base64 and source exclude each other; give one of them");
}

READER(read_file_path)
{
    struct bj_file *file = target;
    int r = bj__json_copy_text(reader, field, value, BJ_MAX_STRING, &file->path);
    return r < 0 ? r : bj__spec_check_path(field, file->path, reader->err);
}

READER(read_file_text)
{
    struct bj_file *file = target;
    if (file->bytes || file->source)
        return refuse_second(reader, field);
    return bj__json_bytes(reader, field, value, false, &file->bytes, &file->length);
}

READER(read_file_base64)
{
    struct bj_file *file = target;
    if (file->bytes || file->source)
        return refuse_second(reader, field);
    return bj__json_bytes(reader, field, value, true, &file->bytes, &file->length);
}

READER(read_file_source)
{
    struct bj_file *file = target;
    if (file->bytes || file->source)
        return refuse_second(reader, field);
    file->kind = BJ_FILE_SOURCE;
    int r = bj__json_copy_text(reader, field, value, BJ_MAX_STRING, &file->source);
    return r < 0 ? r : bj__check_host_path(field, file->source, reader->err);
}

READER(read_file_executable)
{
    return bj__json_bool(reader, field, value, &((struct bj_file *)target)->executable);
}

READER(read_file_beneath)
{
    return bj__json_copy_text(reader, field, value, BJ_MAX_STRING, &((struct bj_file *)target)->beneath);
}

const struct bj_key bj__file_keys[] = {
    {"path", read_file_path, -1, false},
    {"text", read_file_text, -1, false},
    {"base64", read_file_base64, -1, false},
    {"source", read_file_source, -1, false},
    {"executable", read_file_executable, -1, false},
    {"beneath", read_file_beneath, -1, true},
    {NULL, NULL, -1, false},
};

int bj__read_files(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    struct bj_spec *spec = target;
    int r = check_array(reader, field, value, BJ_MAX_FILES_IN);
    for (size_t n = 0; r == 0 && n < json_array_size(value); n++) {
        char name[BJ_FIELD_SIZE];
        struct bj_file *file = bj__spec_new_file(spec);
        if (!file)
            return bj__error_memory(reader->err);
        (void)snprintf(name, sizeof(name), "%s[%zu]", field, n);
        r = bj__json_object(reader, name, json_array_get(value, n), bj__file_keys, file);
        if (r == 0 && !file->path)
            r = missing(reader, name, "path", "say where the file goes, relative to /box");
        if (r == 0 && !file->bytes && !file->source)
            r = missing(reader, name, "the content", "give one of text, base64 and source");
    }
    return r;
}

/* ---- mounts and links ----------------------------------------------------------------------------- */

READER(read_mount_source)
{
    struct bj_mount *mount = target;
    int r = bj__json_copy_text(reader, field, value, BJ_MAX_STRING, &mount->source);
    return r < 0 ? r : bj__check_host_path(field, mount->source, reader->err);
}

READER(read_mount_target)
{
    struct bj_mount *mount = target;
    int r = bj__json_copy_text(reader, field, value, BJ_MAX_STRING, &mount->target);
    return r < 0 ? r : bj__check_jail_path(field, mount->target, reader->err);
}

READER(read_mount_mode)
{
    int word = bj__json_word(reader, field, value, &bj__mount_mode_words);
    if (word >= 0)
        ((struct bj_mount *)target)->mode = (enum bj_mount_mode)word;
    return word < 0 ? word : 0;
}

READER(read_mount_optional)
{
    return bj__json_bool(reader, field, value, &((struct bj_mount *)target)->optional);
}

READER(read_mount_executable)
{
    return bj__json_bool(reader, field, value, &((struct bj_mount *)target)->executable);
}

READER(read_mount_beneath)
{
    return bj__json_copy_text(reader, field, value, BJ_MAX_STRING, &((struct bj_mount *)target)->beneath);
}

const struct bj_key bj__mount_keys[] = {
    {"source", read_mount_source, -1, false},
    {"target", read_mount_target, -1, false},
    {"mode", read_mount_mode, -1, false},
    {"optional", read_mount_optional, -1, false},
    {"executable", read_mount_executable, -1, false},
    {"beneath", read_mount_beneath, -1, true},
    {NULL, NULL, -1, false},
};

int bj__read_mounts(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    struct bj_spec *spec = target;
    int r = check_array(reader, field, value, BJ_MAX_MOUNTS);
    for (size_t n = 0; r == 0 && n < json_array_size(value); n++) {
        char name[BJ_FIELD_SIZE];
        struct bj_mount *mount = bj__spec_new_mount(spec);
        if (!mount)
            return bj__error_memory(reader->err);
        (void)snprintf(name, sizeof(name), "%s[%zu]", field, n);
        r = bj__json_object(reader, name, json_array_get(value, n), bj__mount_keys, mount);
        if (r == 0 && !mount->source)
            r = missing(reader, name, "source", "say which path of the host is shown");
        if (r == 0 && !mount->target)
            r = missing(reader, name, "target", "say where in the jail it is shown");
    }
    return r;
}

READER(read_link_path)
{
    return bj__json_copy_text(reader, field, value, BJ_MAX_STRING, &((struct bj_link *)target)->path);
}

READER(read_link_target)
{
    return bj__json_copy_text(reader, field, value, BJ_MAX_STRING, &((struct bj_link *)target)->target);
}

const struct bj_key bj__link_keys[] = {
    {"path", read_link_path, -1, true},
    {"target", read_link_target, -1, true},
    {NULL, NULL, -1, false},
};

int bj__read_links(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    struct bj_spec *spec = target;
    int r = check_array(reader, field, value, BJ_MAX_LINKS);
    for (size_t n = 0; r == 0 && n < json_array_size(value); n++) {
        char name[BJ_FIELD_SIZE];
        struct bj_link *link = bj__spec_new_link(spec);
        if (!link)
            return bj__error_memory(reader->err);
        (void)snprintf(name, sizeof(name), "%s[%zu]", field, n);
        r = bj__json_object(reader, name, json_array_get(value, n), bj__link_keys, link);
        if (r == 0 && (!link->path || !link->target))
            r = missing(reader, name, "path or target", "give both: where the link stands and what it says");
    }
    return r;
}

/* ---- limits --------------------------------------------------------------------------------------- */

/* Seconds to microseconds, rounded. The double is exact enough: the maximum is 8.64e10 microseconds. */
static int read_seconds(struct bj_reader *reader, const char *field, const json_t *value, uint64_t *ret_us)
{
    double seconds = json_number_value(value);
    if (!json_is_number(value) || !(seconds >= 0 && seconds < 1e12))
        return bj__json_wrong(reader, field, value, "a number of seconds, as 2 or 0.5");
    *ret_us = (uint64_t)(seconds * 1e6 + 0.5);
    return 0;
}

static int read_limit(struct bj_reader *reader, const char *field, const json_t *value, size_t limit)
{
    const struct bj_limit_row *row = &bj__limit_rows[limit];
    uint64_t number = 0;
    if (json_is_null(value) && bj__limit_may_be_unset(limit)) {
        if (reader->request)
            return bj__error(reader->err, BJ_ERROR_WIDENS, EPERM, field,
                             "null takes a limit away, which a request may not; leave it out");
    } else if (row->unit == BJ_LIMIT_SECONDS) {
        int r = read_seconds(reader, field, value, &number);
        if (r < 0)
            return r;
    } else {
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return bj__json_wrong(reader, field, value,
                                  row->unit == BJ_LIMIT_BYTES
                                      ? "a whole number of bytes, as 67108864 for 64 MiB"
                                      : "a whole number");
        number = (uint64_t)json_integer_value(value);
    }
    if (!json_is_null(value) && number < row->minimum) /* 0 does not stand for "not set" in JSON; null does */
        return bj__error(reader->err, BJ_ERROR_INVALID, ERANGE, field, "below the minimum; give at least %.15g",
                         (double)row->minimum / (row->unit == BJ_LIMIT_SECONDS ? 1e6 : 1));
    *bj__limit_at(&reader->spec->limits, limit) = number;
    reader->limit_keys |= 1u << limit;
    return bj__check_limit(limit, number, reader->err);
}

int bj__read_limits(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    static const char *const names[] = {
#define X(limit, name, unit, minimum, maximum) name,
        BJ_LIMIT_LIST(X)
#undef X
    };
    static const struct bj_words words = {names, BJ_COUNT(names)};
    const char *name;
    json_t *limit_value;
    if (!json_is_object(value))
        return bj__json_wrong(reader, field, value, "an object");
    json_object_foreach((json_t *)(uintptr_t)value, name, limit_value)
    {
        char full[BJ_FIELD_SIZE];
        (void)snprintf(full, sizeof(full), "%s.%s", field, name);
        int limit = bj__word_find(&words, full, name, reader->err);
        int r = limit < 0 ? limit : read_limit(reader, full, limit_value, (size_t)limit);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- layers, environment, opaque parts ------------------------------------------------------------ */

int bj__read_layers(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    struct bj_spec *spec = target;
    const char *name;
    json_t *mode;
    if (!json_is_object(value))
        return bj__json_wrong(reader, field, value, "an object");
    json_object_foreach((json_t *)(uintptr_t)value, name, mode)
    {
        char full[BJ_FIELD_SIZE];
        (void)snprintf(full, sizeof(full), "%s.%s", field, name);
        int layer = bj__word_find(&bj__layer_words, full, name, reader->err);
        int word = layer < 0 ? layer : bj__json_word(reader, full, mode, &bj__mode_words);
        if (word < 0)
            return word;
        spec->layers[layer] = (enum bj_mode)word;
        reader->layer_keys |= 1u << layer;
    }
    return 0;
}

int bj__read_env(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    struct bj_spec *spec = target;
    const char *name;
    json_t *variable;
    if (!json_is_object(value))
        return bj__json_wrong(reader, field, value, "an object");
    json_object_foreach((json_t *)(uintptr_t)value, name, variable)
    {
        char full[BJ_FIELD_SIZE];
        const char *text = NULL;
        (void)snprintf(full, sizeof(full), "%s.%s", field, name);
        int r = bj__check_variable_name(full, name, reader->err);
        bool removed = json_is_null(variable) && reader->request;
        if (r == 0 && !removed)
            r = bj__json_text(reader, full, variable, BJ_MAX_STRING - strnlen(name, BJ_MAX_STRING - 2) - 1,
                              &text);
        if (r < 0)
            return r;
        r = bj__spec_set_variable(spec, name, text, removed);
        if (r < 0)
            return bj__spec_build_error(r, field, BJ_MAX_ENVIRONMENT, reader->err);
    }
    return 0;
}

READER(read_trace_steps)
{
    int number = bj__json_integer(reader, field, value, 1, BJ_MAX_TRACE_STEPS);
    if (number > 0)
        ((struct bj_trace *)target)->max_steps = (uint64_t)number;
    return number < 0 ? number : 0;
}

READER(read_trace_bytes)
{
    int number = bj__json_integer(reader, field, value, BJ_MIN_TRACE_BYTES, BJ_MAX_OUTPUT);
    if (number > 0)
        ((struct bj_trace *)target)->max_bytes = (uint64_t)number;
    return number < 0 ? number : 0;
}

const struct bj_key bj__trace_keys[] = {
    {"max_steps", read_trace_steps, -1, false},
    {"max_bytes", read_trace_bytes, -1, false},
    {NULL, NULL, -1, false},
};

/* Longer than the int that bj__json_integer gives. */
READER(read_seed)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > (json_int_t)BJ_MAX_SEED)
        return bj__json_wrong(reader, field, value, "a whole number from 0 to 4294967295");
    ((struct bj_deterministic *)target)->seed = (uint32_t)number;
    return 0;
}

READER(read_start)
{
    bool whole = json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
    if (!whole || bj__moment_read(json_string_value(value), &((struct bj_deterministic *)target)->start_s) < 0)
        return bj__json_wrong(reader, field, value, BJ_MOMENT_FORM);
    return 0;
}

const struct bj_key bj__deterministic_keys[] = {
    {"seed", read_seed, -1, false},
    {"time", read_start, -1, false},
    {NULL, NULL, -1, false},
};

/* Kept as text: what is in it is the guest's matter. */
int bj__read_opaque(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    const char **ret_text = target;
    if (!json_is_object(value))
        return bj__json_wrong(reader, field, value, "an object");
    BJ_FREE char *text = bj__json_dump(value, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (!text || bj__copy_text(&reader->spec->arena, text, ret_text) < 0)
        return bj__error_memory(reader->err);
    return 0;
}
