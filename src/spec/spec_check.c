/* Is a spec complete and sane? The rules between its fields, and every single value once more.
 * Its own file because specs come from files, requests, calls and copies, and all must pass one gate.
 * Changes when: a field is added, or two fields turn out not to go together. */
#include "spec/check.h"
#include "spec/names.h"

#include <inttypes.h>
#include <stdio.h>

#define MAX_PLACES (BJ_MAX_MOUNTS + BJ_MAX_LINKS + 2 * BJ_MAX_CLOSED + 5)

static int too_many(const char *field, size_t count, size_t most, struct bj_error *err)
{
    return bj__error(err, BJ_ERROR_INVALID, E2BIG, field, "%zu of them; at most %zu", count, most);
}

/* ---- what is run ---------------------------------------------------------------------------------- */

static int check_strings(const char *field, const struct bj_strings *strings, size_t most, struct bj_error *err)
{
    if (strings->count > most)
        return too_many(field, strings->count, most, err);
    for (size_t n = 0; n < strings->count; n++)
        if (strlen(strings->items[n]) >= BJ_MAX_STRING) {
            char name[80];
            (void)snprintf(name, sizeof(name), "%s[%zu]", field, n);
            return bj__error(err, BJ_ERROR_INVALID, E2BIG, name, "%zu bytes long; execve(2) takes less than %u",
                             strlen(strings->items[n]), BJ_MAX_STRING);
        }
    return 0;
}

static int check_program(const struct bj_spec *spec, bool for_run, struct bj_error *err)
{
    int given = (spec->command.count > 0) + (spec->code != NULL) + (spec->expression != NULL);
    if (for_run && given == 0)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "command",
                         "nothing to run; give one of command, code and expression");
    if (given > 1)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, spec->command.count > 0 ? "command" : "code",
                         "command, code and expression exclude each other; give one of them");
    if (spec->command.count > 0 && !spec->command.items[0][0])
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "command[0]", "empty; give the name of a program");
    int r = check_strings("command", &spec->command, BJ_MAX_ARGUMENTS, err);
    if (r == 0)
        r = check_strings("env", &spec->environment, BJ_MAX_ENVIRONMENT, err);
    if (r == 0 && spec->stdin_length > BJ_MAX_STDIN)
        r = bj__error(err, BJ_ERROR_INVALID, E2BIG, "stdin", "%zu bytes; at most %u", spec->stdin_length,
                      BJ_MAX_STDIN);
    if (r == 0 && strcmp(spec->directory, "/") != 0)
        r = bj__check_jail_path("directory", spec->directory, err);
    return r < 0 ? r : bj__check_hostname("hostname", spec->hostname, err);
}

/* ---- files in and out ----------------------------------------------------------------------------- */

/* Orders paths so that what is below a path follows it at once: '/' counts lower than any other character. */
static int compare_paths(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    int left = *a == '/' ? 1 : (unsigned char)*a;
    int right = *b == '/' ? 1 : (unsigned char)*b;
    return left - right;
}

static int compare_files(const void *a, const void *b)
{
    const struct bj_file *const *left = a;
    const struct bj_file *const *right = b;
    return compare_paths((*left)->path, (*right)->path);
}

static int check_file_overlap(const struct bj_spec *spec, struct bj_error *err)
{
    if (spec->file_count < 2)
        return 0;
    BJ_FREE const struct bj_file **sorted = calloc(spec->file_count, sizeof(*sorted));
    if (!sorted)
        return bj__error_memory(err);
    for (size_t n = 0; n < spec->file_count; n++)
        sorted[n] = &spec->files[n];
    qsort(sorted, spec->file_count, sizeof(*sorted), compare_files);
    for (size_t n = 1; n < spec->file_count; n++) {
        const char *path = sorted[n]->path;
        const char *before = sorted[n - 1]->path;
        if (!bj__path_is_below(path, before))
            continue;
        char field[80];
        (void)snprintf(field, sizeof(field), "files[%zu].path", (size_t)(sorted[n] - spec->files));
        return bj__error(err, BJ_ERROR_INVALID, EEXIST, field,
                         "\"%.100s\" %s files[%zu] (\"%.100s\"); rename one", path,
                         path[strlen(before)] ? "is below" : "is the same as",
                         (size_t)(sorted[n - 1] - spec->files), before);
    }
    return 0;
}

static int check_beneath(const char *field, const char *source, const char *beneath, struct bj_error *err)
{
    if (!beneath)
        return 0;
    int r = bj__check_host_path(field, beneath, err);
    if (r == 0 && !bj__path_is_below(source, beneath))
        r = bj__error(err, BJ_ERROR_INVALID, EINVAL, field, "\"%.100s\" is not below \"%.100s\"", source,
                      beneath);
    return r;
}

static int check_files(const struct bj_spec *spec, struct bj_error *err)
{
    size_t total = 0;
    if (spec->file_count > BJ_MAX_FILES_IN)
        return too_many("files", spec->file_count, BJ_MAX_FILES_IN, err);
    for (size_t n = 0; n < spec->file_count; n++) {
        const struct bj_file *file = &spec->files[n];
        char field[80];
        (void)snprintf(field, sizeof(field), "files[%zu].path", n);
        int r = bj__spec_check_path(field, file->path, err);
        (void)snprintf(field, sizeof(field), "files[%zu].source", n);
        if (r == 0 && file->kind == BJ_FILE_SOURCE) {
            r = bj__check_host_path(field, file->source, err);
            if (r == 0)
                r = check_beneath(field, file->source, file->beneath, err);
        }
        if (r < 0)
            return r;
        if (file->length > BJ_MAX_FILES_IN_BYTES - total)
            return bj__error(err, BJ_ERROR_INVALID, E2BIG, "files", "more than %u bytes in all",
                             BJ_MAX_FILES_IN_BYTES);
        total += file->length;
    }
    return check_file_overlap(spec, err);
}

static int check_collect(const struct bj_spec *spec, struct bj_error *err)
{
    if (spec->collect.count > BJ_MAX_COLLECT)
        return too_many("collect", spec->collect.count, BJ_MAX_COLLECT, err);
    for (size_t n = 0; n < spec->collect.count; n++) {
        char field[80];
        (void)snprintf(field, sizeof(field), "collect[%zu]", n);
        int r = bj__spec_check_path(field, spec->collect.items[n], err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* What a request brings with it. What is shown of the host is none of it: it is not copied. */
static int check_input(const struct bj_spec *spec, struct bj_error *err)
{
    const char *const texts[] = {spec->code, spec->expression, spec->globals, spec->views};
    uint64_t total = spec->stdin_length;
    for (size_t n = 0; n < BJ_COUNT(texts); n++)
        total += texts[n] ? strlen(texts[n]) : 0;
    for (size_t n = 0; n < spec->command.count; n++)
        total += strlen(spec->command.items[n]);
    for (size_t n = 0; n < spec->args.count; n++)
        total += strlen(spec->args.items[n]);
    for (size_t n = 0; n < spec->file_count; n++)
        total += spec->files[n].kind == BJ_FILE_BYTES ? spec->files[n].length : 0;
    if (total <= spec->limits.input_bytes)
        return 0;
    return bj__error(err, BJ_ERROR_INVALID, E2BIG, "limits.input_bytes",
                     "command or code, variables, arguments, stdin and files have %" PRIu64
                     " bytes together, and may have %" PRIu64 "; give less, or raise the limit",
                     total, spec->limits.input_bytes);
}

/* ---- the tree of the jail ------------------------------------------------------------------------- */

enum place_kind { PLACE_RESERVED, PLACE_MOUNT, PLACE_LINK, PLACE_CLOSED_DIRECTORY, PLACE_CLOSED_FILE };

struct place {
    enum place_kind kind;
    size_t index;
    const char *path;
};

static void name_place(const struct place *place, char *text, size_t size)
{
    static const char *const formats[] = {[PLACE_RESERVED] = "",
                                          [PLACE_MOUNT] = "mounts",
                                          [PLACE_LINK] = "links",
                                          [PLACE_CLOSED_DIRECTORY] = "closed_directories",
                                          [PLACE_CLOSED_FILE] = "closed_files"};
    static const char *const members[] = {[PLACE_RESERVED] = "",
                                          [PLACE_MOUNT] = ".target",
                                          [PLACE_LINK] = ".path",
                                          [PLACE_CLOSED_DIRECTORY] = "",
                                          [PLACE_CLOSED_FILE] = ""};
    (void)snprintf(text, size, "%s[%zu]%s", formats[place->kind], place->index, members[place->kind]);
}

static size_t list_places(const struct bj_spec *spec, struct place *places)
{
    static const char *const reserved[] = {"/proc", "/dev", "/tmp", "/box", "/.belljar"};
    size_t count = 0;
    for (size_t n = 0; n < BJ_COUNT(reserved); n++)
        places[count++] = (struct place){PLACE_RESERVED, n, reserved[n]};
    for (size_t n = 0; n < spec->mount_count; n++)
        places[count++] = (struct place){PLACE_MOUNT, n, spec->mounts[n].target};
    for (size_t n = 0; n < spec->link_count; n++)
        places[count++] = (struct place){PLACE_LINK, n, spec->links[n].path};
    for (size_t n = 0; n < spec->closed_directories.count; n++)
        places[count++] = (struct place){PLACE_CLOSED_DIRECTORY, n, spec->closed_directories.items[n]};
    for (size_t n = 0; n < spec->closed_files.count; n++)
        places[count++] = (struct place){PLACE_CLOSED_FILE, n, spec->closed_files.items[n]};
    return count;
}

/* lower is at or below upper: may both be made? */
static const char *conflict(const struct place *upper, const struct place *lower)
{
    if (strcmp(upper->path, lower->path) == 0)
        return "is the same as";
    switch (upper->kind) {
    case PLACE_CLOSED_DIRECTORY:
        return NULL;
    case PLACE_MOUNT: /* a later mount stands on an earlier one; nothing else can be made in it */
        return lower->kind == PLACE_MOUNT && lower->index > upper->index ? NULL : "would be hidden by";
    case PLACE_RESERVED:
    case PLACE_LINK:
    case PLACE_CLOSED_FILE:
    default:
        return "is below";
    }
}

static int check_places(const struct bj_spec *spec, struct bj_error *err)
{
    struct place places[MAX_PLACES];
    size_t count = list_places(spec, places);
    for (size_t n = 0; n < count; n++)
        for (size_t m = 0; m < count; m++) {
            const struct place *upper = &places[n];
            const struct place *lower = &places[m];
            /* The same path twice is met in both orders: it is told of the later one, never of a reserved one. */
            if (n == m || lower->kind == PLACE_RESERVED || !bj__path_is_below(lower->path, upper->path))
                continue;
            const char *problem = conflict(upper, lower);
            if (!problem)
                continue;
            char field[80];
            char other[80];
            name_place(lower, field, sizeof(field));
            name_place(upper, other, sizeof(other));
            return bj__error(
                err, BJ_ERROR_INVALID, EEXIST, field, "\"%.100s\" %s %s (\"%.100s\")%s", lower->path, problem,
                upper->kind == PLACE_RESERVED ? "what Belljar makes itself" : other, upper->path,
                upper->kind == PLACE_MOUNT && lower->kind == PLACE_MOUNT ? "; change the order or a path" : "");
        }
    return 0;
}

static int check_mounts_and_links(const struct bj_spec *spec, struct bj_error *err)
{
    char field[80];
    if (spec->mount_count > BJ_MAX_MOUNTS)
        return too_many("mounts", spec->mount_count, BJ_MAX_MOUNTS, err);
    if (spec->link_count > BJ_MAX_LINKS)
        return too_many("links", spec->link_count, BJ_MAX_LINKS, err);
    for (size_t n = 0; n < spec->mount_count; n++) {
        const struct bj_mount *mount = &spec->mounts[n];
        (void)snprintf(field, sizeof(field), "mounts[%zu].source", n);
        int r = bj__check_host_path(field, mount->source, err);
        if (r == 0)
            r = check_beneath(field, mount->source, mount->beneath, err);
        (void)snprintf(field, sizeof(field), "mounts[%zu].target", n);
        if (r == 0)
            r = bj__check_jail_path(field, mount->target, err);
        if (r < 0)
            return r;
    }
    for (size_t n = 0; n < spec->link_count; n++) {
        const char *target = spec->links[n].target;
        (void)snprintf(field, sizeof(field), "links[%zu].path", n);
        int r = bj__check_jail_path(field, spec->links[n].path, err);
        (void)snprintf(field, sizeof(field), "links[%zu].target", n);
        if (r == 0 && (!*target || strlen(target) >= 4096))
            r = bj__error(err, BJ_ERROR_INVALID, EINVAL, field, "empty or longer than 4095 bytes");
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_paths(const char *field, const struct bj_strings *paths, size_t most,
                       int (*check)(const char *, const char *, struct bj_error *), struct bj_error *err)
{
    if (paths->count > most)
        return too_many(field, paths->count, most, err);
    for (size_t n = 0; n < paths->count; n++) {
        char name[80];
        (void)snprintf(name, sizeof(name), "%s[%zu]", field, n);
        int r = check(name, paths->items[n], err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_tree(const struct bj_spec *spec, struct bj_error *err)
{
    int r = check_mounts_and_links(spec, err);
    if (r == 0)
        r = check_paths("closed_directories", &spec->closed_directories, BJ_MAX_CLOSED, bj__check_jail_path,
                        err);
    if (r == 0)
        r = check_paths("closed_files", &spec->closed_files, BJ_MAX_CLOSED, bj__check_jail_path, err);
    if (r == 0)
        r = check_paths("mount_sources", &spec->mount_sources, BJ_MAX_MOUNTS, bj__check_host_path, err);
    if (r == 0)
        r = check_paths("env_names", &spec->env_names, BJ_MAX_ENVIRONMENT, bj__check_variable_name, err);
    return r < 0 ? r : check_places(spec, err);
}

/* ---- walls ---------------------------------------------------------------------------------------- */

static int check_network(const struct bj_spec *spec, struct bj_error *err)
{
    bool apart = spec->layers[BJ_LAYER_NET] != BJ_OFF;
    if (spec->network == BJ_NETWORK_HOST && apart)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "layers.network",
                         "\"%s\" contradicts network \"host\"; set it to \"off\", or network to \"none\"",
                         bj__mode_name(spec->layers[BJ_LAYER_NET]));
    if (spec->network == BJ_NETWORK_LOOPBACK && !apart)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "layers.network",
                         "\"off\" would give network \"loopback\" the host's loopback; set it to \"require\"");
    return 0;
}

static int check_layers(const struct bj_spec *spec, struct bj_error *err)
{
    static const bool may_be_off[] = {
#define X(name, text, mode, optional) optional,
        BJ_LAYER_LIST(X)
#undef X
    };
    for (size_t n = 0; n < BJ_LAYER__COUNT; n++)
        if (spec->layers[n] == BJ_OFF && !may_be_off[n]) {
            char field[80];
            (void)snprintf(field, sizeof(field), "layers.%s", bj__layer_name((enum bj_layer)n));
            return bj__error(err, BJ_ERROR_INVALID, EINVAL, field,
                             "\"off\": there is no jail without this layer; set \"require\"");
        }
    return check_network(spec, err);
}

static int check_syscalls(const struct bj_spec *spec, struct bj_error *err)
{
    if (spec->syscalls.count == 0)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "syscalls", "empty; name at least the set \"base\"");
    for (size_t n = 0; n < spec->syscalls.count; n++) {
        const char *name = spec->syscalls.items[n];
        if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")])
            return bj__error(err, BJ_ERROR_INVALID, EINVAL, "syscalls",
                             "\"%.40s\" is not a name of a set: a-z, 0-9 and '_'", name);
    }
    return 0;
}

int bj__spec_check_snippet(const struct bj_spec *spec, struct bj_error *err)
{
    int r = check_program(spec, true, err);
    if (r == 0)
        r = check_files(spec, err);
    if (r == 0)
        r = check_input(spec, err);
    if (r == 0)
        r = check_collect(spec, err);
    return r < 0 ? r : bj__spec_check_python(spec, true, err);
}

int bj__spec_check(const struct bj_spec *spec, bool for_run, struct bj_error *err)
{
    int r = check_program(spec, for_run, err);
    if (r == 0)
        r = check_files(spec, err);
    if (r == 0)
        r = check_collect(spec, err);
    if (r == 0)
        r = check_tree(spec, err);
    for (size_t n = 0; r == 0 && n < bj__limit_count; n++)
        r = bj__check_limit(n, bj__limit_value(&spec->limits, n), err);
    if (r == 0)
        r = check_input(spec, err);
    if (r == 0)
        r = check_layers(spec, err);
    if (r == 0)
        r = check_syscalls(spec, err);
    if (r == 0)
        r = bj__spec_check_python(spec, for_run, err);
    if (r == 0 && (spec->nice < 0 || spec->nice > 19))
        r = bj__error(err, BJ_ERROR_INVALID, ERANGE, "nice", "%d; give 0 to 19", spec->nice);
    return r;
}
