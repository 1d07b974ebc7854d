/* Build-time tool: reads and checks the shipped profiles, and prints them as a C table of complete specs.
 * Its own file because it is a program of its own, which is not installed.
 * Changes when: struct bj_spec gets another field (as bj__spec_copy does). */
#include "spec/check.h"

#include <stdio.h>

#define AT(field) #field, offsetof(struct bj_spec, field)

struct row {
    const char *field;
    size_t offset;
};

static const struct row texts[] = {{AT(profile)},  {AT(description)}, {AT(code)},   {AT(expression)},
                                   {AT(python)},   {AT(globals)},     {AT(policy)}, {AT(directory)},
                                   {AT(hostname)}, {AT(views)}};
static const struct row lists[] = {
    {AT(command)},      {AT(environment)}, {AT(collect)},     {AT(closed_directories)},
    {AT(closed_files)}, {AT(syscalls)},    {AT(env_names)},   {AT(mount_sources)},
    {AT(preload)},      {AT(args)},        {AT(python_path)}, {AT(calls)}};

static const void *member(const struct bj_spec *spec, const struct row *row)
{
    return (const char *)spec + row->offset;
}

/* Three octal digits always, so that no digit behind can belong to them; '?' could begin a trigraph. */
static void print_bytes(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    if (!at) {
        (void)printf("NULL");
        return;
    }
    (void)putchar('"');
    for (size_t n = 0; n < length; n++)
        if (at[n] < 0x20 || at[n] >= 0x7f || strchr("\"\\?", at[n]))
            (void)printf("\\%03o", at[n]);
        else
            (void)putchar(at[n]);
    (void)putchar('"');
}

static void print_text(const char *text)
{
    print_bytes(text, text ? strlen(text) : 0);
}

static void print_bool(const char *field, bool value)
{
    (void)printf(", .%s = %s", field, value ? "true" : "false");
}

/* ---- what a spec points to, each as an array of its own ------------------------------------------------ */

static void print_lists(const struct bj_spec *spec, size_t number)
{
    for (size_t n = 0; n < BJ_COUNT(lists); n++) {
        const struct bj_strings *strings = member(spec, &lists[n]);
        if (!strings->items)
            continue;
        (void)printf("static const char *const %s_%zu[] = {", lists[n].field, number);
        for (size_t i = 0; i < strings->count; i++) {
            print_text(strings->items[i]);
            (void)printf(", ");
        }
        (void)printf("NULL};\n");
    }
}

static void print_files(const struct bj_spec *spec, size_t number)
{
    if (spec->file_count == 0)
        return;
    (void)printf("static const struct bj_file files_%zu[] = {\n", number);
    for (size_t n = 0; n < spec->file_count; n++) {
        const struct bj_file *file = &spec->files[n];
        (void)printf("    {.kind = %d", (int)file->kind);
        print_bool("executable", file->executable);
        (void)printf(", .path = ");
        print_text(file->path);
        (void)printf(", .length = %zu, .bytes = ", file->length);
        print_bytes(file->bytes, file->length);
        (void)printf(", .source = ");
        print_text(file->source);
        (void)printf(", .beneath = ");
        print_text(file->beneath);
        (void)printf("},\n");
    }
    (void)printf("};\n");
}

static void print_mounts(const struct bj_spec *spec, size_t number)
{
    if (spec->mount_count == 0)
        return;
    (void)printf("static const struct bj_mount mounts_%zu[] = {\n", number);
    for (size_t n = 0; n < spec->mount_count; n++) {
        const struct bj_mount *mount = &spec->mounts[n];
        (void)printf("    {.mode = %d", (int)mount->mode);
        print_bool("optional", mount->optional);
        print_bool("executable", mount->executable);
        (void)printf(", .source = ");
        print_text(mount->source);
        (void)printf(", .target = ");
        print_text(mount->target);
        (void)printf(", .beneath = ");
        print_text(mount->beneath);
        (void)printf("},\n");
    }
    (void)printf("};\n");
}

static void print_links(const struct bj_spec *spec, size_t number)
{
    if (spec->link_count == 0)
        return;
    (void)printf("static const struct bj_link links_%zu[] = {\n", number);
    for (size_t n = 0; n < spec->link_count; n++) {
        (void)printf("    {.path = ");
        print_text(spec->links[n].path);
        (void)printf(", .target = ");
        print_text(spec->links[n].target);
        (void)printf("},\n");
    }
    (void)printf("};\n");
}

/* ---- the spec itself ----------------------------------------------------------------------------------- */

static void print_array(const char *type, const char *field, size_t count, size_t number)
{
    if (count > 0)
        (void)printf("     .%ss = (struct bj_%s *)%ss_%zu, .%s_count = %zu,\n", field, type, field, number,
                     field, count);
}

static void print_pointers(const struct bj_spec *spec, size_t number)
{
    for (size_t n = 0; n < BJ_COUNT(texts); n++) {
        (void)printf("     .%s = ", texts[n].field);
        print_text(*(const char *const *)member(spec, &texts[n]));
        (void)printf(",\n");
    }
    for (size_t n = 0; n < BJ_COUNT(lists); n++) {
        const struct bj_strings *strings = member(spec, &lists[n]);
        if (strings->items)
            (void)printf("     .%s = {(const char **)%s_%zu, %zu},\n", lists[n].field, lists[n].field, number,
                         strings->count);
    }
    print_array("file", "file", spec->file_count, number);
    print_array("mount", "mount", spec->mount_count, number);
    print_array("link", "link", spec->link_count, number);
    (void)printf("     .stdin_length = %zu, .stdin_bytes = ", spec->stdin_length);
    print_bytes(spec->stdin_bytes, spec->stdin_length);
    (void)printf(",\n");
}

static void print_values(const struct bj_spec *spec)
{
    (void)printf("     .limits = {");
    for (size_t n = 0; n < bj__limit_count; n++)
        (void)printf(".%s = %lluu, ", bj__limit_rows[n].field,
                     (unsigned long long)bj__limit_value(&spec->limits, n));
    (void)printf("},\n     .layers = {");
    for (size_t n = 0; n < BJ_LAYER__COUNT; n++)
        (void)printf("%d, ", (int)spec->layers[n]);
    (void)printf("},\n     .network = %d, .proc = %d, .output_action = %d, .nice = %d", (int)spec->network,
                 (int)spec->proc, (int)spec->output_action, spec->nice);
    print_bool("scratch_executable", spec->scratch_executable);
    print_bool("display", spec->display);
    (void)printf(", .trace = {.max_steps = %llu, .max_bytes = %llu}", (unsigned long long)spec->trace.max_steps,
                 (unsigned long long)spec->trace.max_bytes);
    (void)printf(", .deterministic = {.on = %d, .seed = %uu, .start_s = %lld}", spec->deterministic.on,
                 spec->deterministic.seed, (long long)spec->deterministic.start_s);
    (void)printf(",\n");
}

/* ---- files --------------------------------------------------------------------------------------------- */

/* NULL when there is no such profile, or it is not good. "profiles/sh.json" is the profile "sh". */
static struct bj_spec *read_profile(const char *path)
{
    const char *slash = strrchr(path, '/');
    BJ_FREE char *name = strdup(slash ? slash + 1 : path);
    BJ_FREE char *text = malloc(BJ_MAX_PROFILE_JSON + 1);
    char *end = name ? strstr(name, ".json") : NULL;
    FILE *file = fopen(path, "re");
    struct bj_spec *spec = NULL;
    struct bj_error err = {.message = "cannot be read"};
    if (file && text && end) {
        *end = 0;
        size_t length = fread(text, 1, BJ_MAX_PROFILE_JSON + 1, file);
        if (!ferror(file) && bj__spec_parse_profile(name, text, length, &spec, &err) < 0)
            spec = NULL;
    }
    if (file)
        (void)fclose(file); /* was only read */
    if (!spec)
        (void)fprintf(stderr, "generate: %s: %s: %s\n", path, err.field, err.message);
    return spec;
}

static int print_profiles(struct bj_spec *const specs[], size_t count)
{
    /* What is const here stays so: nobody writes through a const spec. */
    (void)printf("/* Made by generate.c from the shipped profiles when Belljar was built. */\n"
                 "#include \"spec/profile.h\"\n\n"
                 "#pragma GCC diagnostic ignored \"-Wcast-qual\"\n\n");
    for (size_t n = 0; n < count; n++) {
        print_lists(specs[n], n);
        print_files(specs[n], n);
        print_mounts(specs[n], n);
        print_links(specs[n], n);
    }
    (void)printf("\nconst struct bj_spec bj__builtin_profiles[] = {\n");
    for (size_t n = 0; n < count; n++) {
        (void)printf("    {\n");
        print_pointers(specs[n], n);
        print_values(specs[n]);
        (void)printf("    },\n");
    }
    (void)printf("    {.profile = NULL},\n};\n");
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -EIO;
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? (size_t)argc - 1 : 0;
    size_t good = 0;
    struct bj_spec **specs = calloc(count + 1, sizeof(*specs));
    if (!specs)
        return 1;
    for (size_t n = 0; n < count; n++)
        specs[n] = read_profile(argv[n + 1]);
    while (good < count && specs[good])
        good++;
    bool done = good == count && print_profiles(specs, count) == 0;
    for (size_t n = 0; n < count; n++)
        bj_spec_free(specs[n]);
    free(specs);
    return done ? 0 : 1;
}
