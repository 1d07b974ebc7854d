/* Making, copying and freeing specs, and growing their arrays.
 * Its own file because ownership inside a spec is decided here and nowhere else.
 * Changes when: a field that points to something is added. */
#include "spec/build.h"

#include <stdio.h>

/* What a profile that says nothing gets: little. The limits are those of a small Python program. */
static const struct bj_limits default_limits = {
    .wall_us = 6000000,
    .cpu_us = 5000000,
    .memory_bytes = 128u << 20,
    .processes = 1,
    .output_bytes = 1u << 20,
    .disk_bytes = 16u << 20,
    .files = 1000,
    .file_bytes = 16u << 20,
    .open_files = 64,
    .stack_bytes = 8u << 20,
    .address_space_bytes = 0,
    .lifetime_us = 3600000000,
    .idle_us = 600000000,
    .branches = 8,
    .calls = 1000,
    .call_us = 0,
    .call_bytes = 1u << 20,
    .input_bytes = BJ_MAX_INPUT,
};

static const enum bj_mode default_layers[BJ_LAYER__COUNT] = {
#define X(name, text, mode, optional) [BJ_LAYER_##name] = mode,
    BJ_LAYER_LIST(X)
#undef X
};

struct bj_spec *bj__spec_new_empty(void)
{
    struct bj_arena arena;
    bj__arena_init(&arena, BJ_SPEC_ARENA);
    struct bj_spec *spec = bj__arena_alloc(&arena, sizeof(*spec)); /* the spec lives in its own arena */
    if (spec)
        spec->arena = arena;
    return spec;
}

void bj_spec_free(struct bj_spec *spec)
{
    if (!spec)
        return;
    struct bj_arena arena = spec->arena;
    bj__arena_done(&arena);
}

int bj__spec_new(struct bj_spec **ret_spec, struct bj_error *err)
{
    struct bj_spec *spec = bj__spec_new_empty();
    if (!spec)
        return bj__error_memory(err);
    spec->profile = spec->description = "";
    spec->directory = "/box";
    spec->hostname = "belljar";
    spec->limits = default_limits;
    memcpy(spec->layers, default_layers, sizeof(default_layers));
    if (bj__strings_add(&spec->arena, &spec->syscalls, "base") < 0) {
        bj_spec_free(spec);
        return bj__error_memory(err);
    }
    *ret_spec = spec;
    return 0;
}

/* ---- arrays --------------------------------------------------------------------------------------- */

/* Slots of an array that holds count items: a power of two. It follows from the count, so it need not be kept. */
static size_t capacity_of(size_t count)
{
    size_t capacity = 4;
    while (capacity < count)
        capacity *= 2;
    return capacity;
}

/* items, with room for `count + extra` of them. */
static void *grow(struct bj_arena *arena, void *items, size_t count, size_t extra, size_t size)
{
    size_t capacity = capacity_of(count + extra);
    if (items && capacity == capacity_of(count))
        return items;
    void *grown = bj__arena_alloc(arena, capacity * size);
    if (grown && count > 0)
        memcpy(grown, items, count * size);
    return grown;
}

int bj__copy_text(struct bj_arena *arena, const char *text, const char **ret_copy)
{
    *ret_copy = text ? bj__arena_string(arena, text) : NULL;
    return text && !*ret_copy ? -ENOMEM : 0;
}

/* The terminating NULL is an item of the array as far as its capacity goes. */
static int insert_item(struct bj_arena *arena, struct bj_strings *strings, size_t at, const char *item)
{
    size_t held = strings->items ? strings->count + 1 : 0;
    const char **items = grow(arena, strings->items, held, held ? 1 : 2, sizeof(*items));
    if (!items)
        return -ENOMEM;
    memmove(items + at + 1, items + at, (strings->count - at) * sizeof(*items));
    items[at] = item;
    items[++strings->count] = NULL;
    strings->items = items;
    return 0;
}

int bj__strings_add(struct bj_arena *arena, struct bj_strings *strings, const char *text)
{
    const char *copy;
    int r = bj__copy_text(arena, text, &copy);
    return r < 0 ? r : insert_item(arena, strings, strings->count, copy);
}

int bj__strings_present(struct bj_arena *arena, struct bj_strings *strings)
{
    if (!strings->items)
        strings->items = grow(arena, NULL, 0, 1, sizeof(*strings->items));
    return strings->items ? 0 : -ENOMEM;
}

int bj__strings_copy(struct bj_arena *arena, const struct bj_strings *from, struct bj_strings *ret_to)
{
    struct bj_strings to = {0};
    int r = from->items ? bj__strings_present(arena, &to) : 0;
    for (size_t n = 0; r == 0 && n < from->count; n++)
        r = bj__strings_add(arena, &to, from->items[n]);
    if (r == 0)
        *ret_to = to;
    return r;
}

bool bj__strings_have(const struct bj_strings *strings, const char *text)
{
    for (size_t n = 0; n < strings->count; n++)
        if (strcmp(strings->items[n], text) == 0)
            return true;
    return false;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void bj__strings_sort(struct bj_strings *strings)
{
    if (strings->count < 2)
        return;
    qsort(strings->items, strings->count, sizeof(*strings->items), compare_texts);
    size_t kept = 1;
    for (size_t n = 1; n < strings->count; n++)
        if (strcmp(strings->items[n], strings->items[kept - 1]) != 0)
            strings->items[kept++] = strings->items[n];
    /* The capacity follows from the count, so a list that shrank may only claim less than it has: harmless. */
    strings->count = kept;
    strings->items[kept] = NULL;
}

struct bj_file *bj__spec_new_file(struct bj_spec *spec)
{
    struct bj_file *files = grow(&spec->arena, spec->files, spec->file_count, 1, sizeof(*files));
    if (!files)
        return NULL;
    spec->files = files;
    files[spec->file_count] = (struct bj_file){0};
    return &files[spec->file_count++];
}

struct bj_mount *bj__spec_new_mount(struct bj_spec *spec)
{
    struct bj_mount *mounts = grow(&spec->arena, spec->mounts, spec->mount_count, 1, sizeof(*mounts));
    if (!mounts)
        return NULL;
    spec->mounts = mounts;
    mounts[spec->mount_count] = (struct bj_mount){0};
    return &mounts[spec->mount_count++];
}

struct bj_link *bj__spec_new_link(struct bj_spec *spec)
{
    struct bj_link *links = grow(&spec->arena, spec->links, spec->link_count, 1, sizeof(*links));
    if (!links)
        return NULL;
    spec->links = links;
    links[spec->link_count] = (struct bj_link){0};
    return &links[spec->link_count++];
}

int bj__spec_append_file(struct bj_spec *spec, const struct bj_file *file)
{
    struct bj_file *slot = bj__spec_new_file(spec);
    if (!slot)
        return -ENOMEM;
    struct bj_arena *arena = &spec->arena;
    *slot = *file;
    slot->bytes = file->bytes ? bj__arena_copy(arena, file->bytes, file->length) : NULL;
    if (file->bytes && !slot->bytes)
        return -ENOMEM;
    if (bj__copy_text(arena, file->path, &slot->path) < 0 ||
        bj__copy_text(arena, file->source, &slot->source) < 0)
        return -ENOMEM;
    return bj__copy_text(arena, file->beneath, &slot->beneath);
}

int bj__spec_append_mount(struct bj_spec *spec, const struct bj_mount *mount)
{
    struct bj_mount *slot = bj__spec_new_mount(spec);
    if (!slot)
        return -ENOMEM;
    struct bj_arena *arena = &spec->arena;
    *slot = *mount;
    if (bj__copy_text(arena, mount->source, &slot->source) < 0 ||
        bj__copy_text(arena, mount->target, &slot->target) < 0)
        return -ENOMEM;
    return bj__copy_text(arena, mount->beneath, &slot->beneath);
}

/* ---- environment ---------------------------------------------------------------------------------- */

/* Compares the name in an item ("NAME=VALUE" or a bare "NAME") with a name. */
static int compare_variable(const char *item, const char *name)
{
    size_t length = strcspn(item, "=");
    int order = strncmp(item, name, length);
    return order != 0 ? order : -(name[length] != 0);
}

int bj__spec_set_variable(struct bj_spec *spec, const char *name, const char *value, bool keep_removed)
{
    struct bj_strings *env = &spec->environment;
    size_t at = 0;
    while (at < env->count && compare_variable(env->items[at], name) < 0)
        at++;
    bool found = at < env->count && compare_variable(env->items[at], name) == 0;
    if (!value && !keep_removed) {
        if (found) {
            memmove(env->items + at, env->items + at + 1, (env->count - at) * sizeof(*env->items));
            env->count--;
        }
        return 0;
    }
    if (!found && env->count >= BJ_MAX_ENVIRONMENT)
        return -E2BIG;
    size_t name_length = strlen(name);
    size_t value_length = value ? strlen(value) : 0;
    char *item = bj__arena_alloc(&spec->arena, name_length + value_length + 2);
    if (!item)
        return -ENOMEM;
    memcpy(item, name, name_length);
    if (value) {
        item[name_length] = '=';
        memcpy(item + name_length + 1, value, value_length);
    }
    if (!found)
        return insert_item(&spec->arena, env, at, item);
    env->items[at] = item;
    return 0;
}

int bj__spec_build_error(int r, const char *field, size_t maximum, struct bj_error *err)
{
    if (r == -E2BIG)
        return bj__error(err, BJ_ERROR_INVALID, E2BIG, field, "more than %zu of them; give fewer", maximum);
    return bj__error_memory(err);
}

/* ---- copy ----------------------------------------------------------------------------------------- */

static int copy_arrays(const struct bj_spec *from, struct bj_spec *to)
{
    static const size_t lists[] = {
        offsetof(struct bj_spec, command),      offsetof(struct bj_spec, environment),
        offsetof(struct bj_spec, collect),      offsetof(struct bj_spec, closed_directories),
        offsetof(struct bj_spec, closed_files), offsetof(struct bj_spec, syscalls),
        offsetof(struct bj_spec, env_names),    offsetof(struct bj_spec, mount_sources),
        offsetof(struct bj_spec, preload),      offsetof(struct bj_spec, args),
        offsetof(struct bj_spec, python_path),  offsetof(struct bj_spec, calls)};
    int r = 0;
    for (size_t n = 0; r == 0 && n < BJ_COUNT(lists); n++)
        r = bj__strings_copy(&to->arena, (const void *)((const char *)from + lists[n]),
                             (void *)((char *)to + lists[n]));
    for (size_t n = 0; r == 0 && n < from->file_count; n++)
        r = bj__spec_append_file(to, &from->files[n]);
    for (size_t n = 0; r == 0 && n < from->mount_count; n++)
        r = bj__spec_append_mount(to, &from->mounts[n]);
    for (size_t n = 0; r == 0 && n < from->link_count; n++) {
        struct bj_link *link = bj__spec_new_link(to);
        r = !link ? -ENOMEM : bj__copy_text(&to->arena, from->links[n].path, &link->path);
        if (r == 0)
            r = bj__copy_text(&to->arena, from->links[n].target, &link->target);
    }
    return r;
}

static int copy_texts(const struct bj_spec *from, struct bj_spec *to)
{
    static const size_t texts[] = {offsetof(struct bj_spec, profile),   offsetof(struct bj_spec, description),
                                   offsetof(struct bj_spec, code),      offsetof(struct bj_spec, expression),
                                   offsetof(struct bj_spec, globals),   offsetof(struct bj_spec, policy),
                                   offsetof(struct bj_spec, directory), offsetof(struct bj_spec, hostname),
                                   offsetof(struct bj_spec, python),    offsetof(struct bj_spec, views)};
    int r = 0;
    for (size_t n = 0; r == 0 && n < BJ_COUNT(texts); n++) {
        const char *const *text = (const void *)((const char *)from + texts[n]);
        r = bj__copy_text(&to->arena, *text, (void *)((char *)to + texts[n]));
    }
    if (r == 0 && from->stdin_bytes) {
        to->stdin_bytes = bj__arena_copy(&to->arena, from->stdin_bytes, from->stdin_length);
        r = to->stdin_bytes ? 0 : -ENOMEM;
    }
    return r;
}

int bj__spec_copy(const struct bj_spec *spec, struct bj_spec **ret_spec, struct bj_error *err)
{
    struct bj_spec *copy = bj__spec_new_empty();
    if (!copy)
        return bj__error_memory(err);
    /* Plain values all at once, so that a new one cannot be forgotten; then everything that points. */
    struct bj_arena arena = copy->arena;
    *copy = *spec;
    copy->arena = arena;
    copy->files = NULL;
    copy->mounts = NULL;
    copy->links = NULL;
    copy->file_count = copy->mount_count = copy->link_count = 0;
    if (copy_texts(spec, copy) < 0 || copy_arrays(spec, copy) < 0) {
        bj_spec_free(copy);
        return bj__error_memory(err);
    }
    *ret_spec = copy;
    return 0;
}
