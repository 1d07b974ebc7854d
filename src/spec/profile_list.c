/* The list of all profiles that can be named, for people.
 * Its own file because listing directories is not on the way of a run.
 * Changes when: people want to know more of a profile before they name it. */
#include "spec/check.h"
#include "spec/json_text.h"
#include "spec/profile.h"

#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>

#define MAX_ENTRIES 1024u

struct list {
    struct bj_arena *arena;
    struct bj_profile_entry *entries;
    size_t count;
};

/* "python.json" to "python"; false for what is not a profile's file. */
static bool stem_of(const char *file, char *name, size_t size)
{
    size_t length = strlen(file);
    if (length < 6 || strcmp(file + length - 5, ".json") != 0 || length - 5 >= size)
        return false;
    memcpy(name, file, length - 5);
    name[length - 5] = 0;
    return bj__profile_name_ok(name);
}

static struct bj_profile_entry *new_entry(struct list *list, const char *name)
{
    for (size_t n = 0; n < list->count; n++)
        if (strcmp(list->entries[n].name, name) == 0)
            return NULL; /* an earlier directory has it */
    if (list->count == MAX_ENTRIES)
        return NULL;
    struct bj_profile_entry *entry = &list->entries[list->count++];
    *entry = (struct bj_profile_entry){.from = "", .description = ""};
    (void)snprintf(entry->name, sizeof(entry->name), "%s", name);
    return entry;
}

/* err is NULL for a good one. */
static int fill_entry(struct list *list, struct bj_profile_entry *entry, const char *from,
                      const char *description, const struct bj_error *err)
{
    entry->from = bj__arena_string(list->arena, from);
    entry->description = bj__arena_string(list->arena, description);
    if (err) {
        char problem[sizeof(err->field) + sizeof(err->message) + 4];
        (void)snprintf(problem, sizeof(problem), "%s: %s", err->field, err->message);
        entry->problem = bj__arena_string(list->arena, problem);
    }
    return entry->from && entry->description && (!err || entry->problem) ? 0 : -ENOMEM;
}

static int list_file(struct list *list, const char *directory, const char *file)
{
    char name[sizeof(list->entries->name)];
    char path[PATH_MAX];
    if (!stem_of(file, name, sizeof(name)))
        return 0;
    int length = snprintf(path, sizeof(path), "%s/%s", directory, file);
    struct bj_profile_entry *entry =
        length < 0 || (size_t)length >= sizeof(path) ? NULL : new_entry(list, name);
    if (!entry)
        return 0;
    struct bj_error err = {0};
    struct bj_spec *spec = NULL;
    int r = bj__profile_load(path, name, &spec, &err);
    if (r == -ENOENT) { /* a dangling link, or gone meanwhile: the lookup does not find it either */
        list->count--;
        return 0;
    }
    if (r < 0)
        return fill_entry(list, entry, path, "", &err);
    r = fill_entry(list, entry, path, spec->description, NULL);
    bj_spec_free(spec);
    return r;
}

static int list_builtin(struct list *list)
{
    int r = 0;
    for (const struct bj_spec *spec = bj__builtin_profiles; r == 0 && spec->profile; spec++) {
        struct bj_profile_entry *entry = new_entry(list, spec->profile);
        if (entry)
            r = fill_entry(list, entry, "built in", spec->description, NULL);
    }
    return r;
}

static int list_place(const char *directory, void *user)
{
    if (!directory)
        return list_builtin(user);
    DIR *stream = opendir(directory);
    if (!stream)
        return 0; /* most hosts lack some of them */
    int r = 0;
    /* Safe on a stream of one's own (readdir(3)); readdir_r is deprecated. */
    /* cppcheck-suppress readdirCalled */
    for (const struct dirent *entry = readdir(stream); r == 0 && entry; entry = readdir(stream))
        r = list_file(user, directory, entry->d_name);
    (void)closedir(stream); /* was only read */
    return r;
}

static int compare_entries(const void *a, const void *b)
{
    const struct bj_profile_entry *left = a;
    const struct bj_profile_entry *right = b;
    return strcmp(left->name, right->name);
}

int bj__profile_list(struct bj_arena *arena, struct bj_profile_entry **ret_entries, size_t *ret_count)
{
    struct list list = {.arena = arena};
    list.entries = bj__arena_alloc(arena, MAX_ENTRIES * sizeof(*list.entries));
    int r = list.entries ? bj__profile_places(list_place, &list) : -ENOMEM;
    if (r < 0)
        return r;
    qsort(list.entries, list.count, sizeof(*list.entries), compare_entries);
    *ret_entries = list.entries;
    *ret_count = list.count;
    return 0;
}

/* ---- for people ----------------------------------------------------------------------------------- */

static char *print_json(const struct bj_profile_entry *entries, size_t count)
{
    json_t *array = json_array();
    for (size_t n = 0; array && n < count; n++) {
        const struct bj_profile_entry *entry = &entries[n];
        /* "?" after "s": a path that is not UTF-8 gives null. */
        json_t *item = json_pack("{s:s, s:s*, s:s, s:s*}", "name", entry->name, "from", entry->from,
                                 "description", entry->description, "problem", entry->problem);
        if (!item || json_array_append_new(array, item) < 0) {
            json_decref(array);
            return NULL;
        }
    }
    char *text = array ? bj__json_dump(array, JSON_INDENT(2)) : NULL;
    json_decref(array);
    return text;
}

static char *print_text(const struct bj_profile_entry *entries, size_t count)
{
    BJ_BUF struct bj_buf buf;
    bj__buf_init(&buf, (size_t)4 << 20);
    size_t widest = 0;
    for (size_t n = 0; n < count; n++)
        widest = strlen(entries[n].name) > widest ? strlen(entries[n].name) : widest;
    for (size_t n = 0; n < count; n++) {
        const struct bj_profile_entry *entry = &entries[n];
        if (bj__buf_printf(&buf, "%-*s  %s%s (%s)\n", (int)widest, entry->name,
                           entry->problem ? "NOT GOOD: " : "",
                           entry->problem ? entry->problem : entry->description, entry->from) < 0)
            return NULL;
    }
    return bj__buf_take(&buf);
}

char *bj_profiles(int as_json)
{
    struct bj_arena arena;
    struct bj_profile_entry *entries;
    size_t count;
    bj__arena_init(&arena, (size_t)16 << 20);
    char *text = NULL;
    if (bj__profile_list(&arena, &entries, &count) == 0)
        text = as_json ? print_json(entries, count) : print_text(entries, count);
    bj__arena_done(&arena);
    return text;
}
