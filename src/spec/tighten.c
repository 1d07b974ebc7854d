/* Profile and request make a spec that is nowhere weaker than the profile.
 * Its own file because this is the one place where "may a request have that?" is decided. Pure.
 * Changes when: a request can ask for something more, or a field gets another order of strength.
 *
 * What a request may do with each field:
 *   command, code, expression   give one, if the profile has none of them
 *   args                        append to the command, the profile's or its own, or are the code's
 *   env                         set and remove the variables in env_names (all, if the profile has no list)
 *   files                       add; a source must lie below one of mount_sources
 *   mounts                      add, read-only and not executable, from below mount_sources, to a target that
 * is apart from all that the profile mounts or closes limits, nice                only lower, only higher
 *   layers                      only stronger: off < prefer < require
 *   network, proc               only less: none < loopback < host; none < own
 *   syscalls                    some of the profile's sets
 *   policy                      give one, if the profile has none
 *   stdin, globals, views, trace, display, deterministic, directory, hostname, collect, output_action: free; they widen
 *                               nothing (collect adds; of a trace the result holds no more than output_bytes; the addresses that
 *                               deterministic makes known are the run's own) */
#include "spec/build.h"
#include "spec/check.h"

#include <stdio.h>

struct tighten {
    const struct bj_spec *profile;
    const struct bj_request *request;
    const struct bj_spec *asked; /* request->spec */
    struct bj_spec *spec;        /* the profile's copy that is narrowed */
    struct bj_error *err;
};

static bool has(const struct tighten *t, enum bj_spec_key key)
{
    return t->request->keys & 1u << key;
}

static int refuse(const struct tighten *t, const char *field, const char *asked, const char *allowed)
{
    return bj__error(t->err, BJ_ERROR_WIDENS, EPERM, field,
                     "asked for %.150s; the profile \"%.63s\" allows %.150s, and a request can only narrow it",
                     asked, t->profile->profile, allowed);
}

static int out_of_memory(const struct tighten *t)
{
    return bj__error_memory(t->err);
}

/* ---- what is run ---------------------------------------------------------------------------------- */

static bool has_program(const struct bj_spec *spec)
{
    return spec->command.count > 0 || spec->code || spec->expression;
}

static int narrow_program(const struct tighten *t)
{
    struct bj_spec *spec = t->spec;
    static const struct {
        enum bj_spec_key key;
        const char *field;
    } programs[] = {{BJ_KEY_COMMAND, "command"}, {BJ_KEY_CODE, "code"}, {BJ_KEY_EXPRESSION, "expression"}};
    for (size_t n = 0; n < BJ_COUNT(programs); n++)
        if (has(t, programs[n].key) && has_program(t->profile))
            return refuse(t, programs[n].field, "another program",
                          t->profile->command.count > 0 ? "its own command, with args behind it"
                                                        : "its own code");
    for (size_t n = 0; n < t->asked->command.count; n++)
        if (bj__strings_add(&spec->arena, &spec->command, t->asked->command.items[n]) < 0)
            return out_of_memory(t);
    if (has(t, BJ_KEY_CODE) && bj__copy_text(&spec->arena, t->asked->code, &spec->code) < 0)
        return out_of_memory(t);
    if (has(t, BJ_KEY_EXPRESSION) && bj__copy_text(&spec->arena, t->asked->expression, &spec->expression) < 0)
        return out_of_memory(t);
    for (size_t n = 0; n < t->asked->args.count; n++) {
        if (spec->args.count >= BJ_MAX_ARGUMENTS)
            return bj__spec_build_error(-E2BIG, "args", BJ_MAX_ARGUMENTS, t->err);
        if (bj__strings_add(&spec->arena, &spec->args, t->asked->args.items[n]) < 0)
            return out_of_memory(t);
    }
    return bj__spec_join_args(spec, t->err);
}

static int narrow_environment(const struct tighten *t)
{
    const struct bj_strings *names = &t->profile->env_names;
    for (size_t n = 0; n < t->asked->environment.count; n++) {
        const char *item = t->asked->environment.items[n];
        size_t length = strcspn(item, "=");
        BJ_FREE char *name = strndup(item, length);
        if (!name)
            return out_of_memory(t);
        if (names->items && !bj__strings_have(names, name)) {
            char field[64];
            (void)snprintf(field, sizeof(field), "env.%.40s", name);
            return refuse(t, field, "a change of this variable", "only those in its env_names");
        }
        int r = bj__spec_set_variable(t->spec, name, item[length] ? item + length + 1 : NULL, false);
        if (r < 0)
            return bj__spec_build_error(r, "env", BJ_MAX_ENVIRONMENT, t->err);
    }
    return 0;
}

/* Fields that any request may set. */
static int take_free_fields(const struct tighten *t)
{
    struct bj_spec *spec = t->spec;
    const struct bj_spec *asked = t->asked;
    int r = 0;
    if (has(t, BJ_KEY_STDIN)) {
        spec->stdin_bytes = bj__arena_copy(&spec->arena, asked->stdin_bytes, asked->stdin_length);
        spec->stdin_length = asked->stdin_length;
        r = spec->stdin_bytes ? 0 : -ENOMEM;
    }
    if (r == 0 && has(t, BJ_KEY_GLOBALS))
        r = bj__copy_text(&spec->arena, asked->globals, &spec->globals);
    if (r == 0 && has(t, BJ_KEY_VIEWS))
        r = bj__copy_text(&spec->arena, asked->views, &spec->views);
    if (r == 0 && has(t, BJ_KEY_DIRECTORY))
        r = bj__copy_text(&spec->arena, asked->directory, &spec->directory);
    if (r == 0 && has(t, BJ_KEY_HOSTNAME))
        r = bj__copy_text(&spec->arena, asked->hostname, &spec->hostname);
    if (r == 0 && has(t, BJ_KEY_PYTHON_PATH))
        r = bj__strings_copy(&spec->arena, &asked->python_path, &spec->python_path);
    for (size_t n = 0; r == 0 && n < asked->collect.count; n++)
        if (!bj__strings_have(&spec->collect, asked->collect.items[n]))
            r = bj__strings_add(&spec->arena, &spec->collect, asked->collect.items[n]);
    if (has(t, BJ_KEY_TRACE))
        spec->trace = asked->trace;
    if (has(t, BJ_KEY_DISPLAY))
        spec->display = asked->display;
    if (has(t, BJ_KEY_DETERMINISTIC))
        spec->deterministic = asked->deterministic;
    if (has(t, BJ_KEY_OUTPUT_ACTION))
        spec->output_action = asked->output_action;
    return r < 0 ? out_of_memory(t) : 0;
}

/* ---- files and mounts ----------------------------------------------------------------------------- */

/* The directory of mount_sources that holds the path, or NULL. */
static const char *source_root(const struct tighten *t, const char *source)
{
    const struct bj_strings *roots = &t->profile->mount_sources;
    const char *found = NULL;
    for (size_t n = 0; n < roots->count; n++)
        if (bj__path_is_below(source, roots->items[n]) && (!found || strlen(roots->items[n]) > strlen(found)))
            found = roots->items[n];
    return found;
}

static int refuse_source(const struct tighten *t, const char *field, const char *source)
{
    char asked[160];
    char allowed[160] = "no source of the host";
    (void)snprintf(asked, sizeof(asked), "\"%.140s\"", source);
    if (t->profile->mount_sources.count > 0)
        (void)snprintf(allowed, sizeof(allowed), "what is below \"%.100s\"%s",
                       t->profile->mount_sources.items[0],
                       t->profile->mount_sources.count > 1 ? " and the like" : "");
    return refuse(t, field, asked, allowed);
}

static int add_files(const struct tighten *t)
{
    for (size_t n = 0; n < t->asked->file_count; n++) {
        struct bj_file file = t->asked->files[n];
        char field[64];
        (void)snprintf(field, sizeof(field), "files[%zu].source", n);
        if (file.kind == BJ_FILE_SOURCE) {
            int r = bj__check_host_path(field, file.source, t->err);
            if (r < 0)
                return r;
            file.beneath = source_root(t, file.source);
            if (!file.beneath)
                return refuse_source(t, field, file.source);
        }
        if (bj__spec_append_file(t->spec, &file) < 0)
            return out_of_memory(t);
    }
    return 0;
}

static bool overlaps(const char *a, const char *b)
{
    return bj__path_is_below(a, b) || bj__path_is_below(b, a);
}

/* A mount over or inside what the profile shows or closes would change the profile's tree. */
static const char *overlapped_place(const struct bj_spec *profile, const char *target)
{
    for (size_t n = 0; n < profile->mount_count; n++)
        if (overlaps(target, profile->mounts[n].target))
            return profile->mounts[n].target;
    for (size_t n = 0; n < profile->link_count; n++)
        if (overlaps(target, profile->links[n].path))
            return profile->links[n].path;
    for (size_t n = 0; n < profile->closed_directories.count; n++)
        if (overlaps(target, profile->closed_directories.items[n]))
            return profile->closed_directories.items[n];
    for (size_t n = 0; n < profile->closed_files.count; n++)
        if (overlaps(target, profile->closed_files.items[n]))
            return profile->closed_files.items[n];
    return NULL;
}

static int add_mount(const struct tighten *t, size_t index)
{
    struct bj_mount mount = t->asked->mounts[index];
    char field[64];
    char source_field[64];
    char allowed[160];
    (void)snprintf(field, sizeof(field), "mounts[%zu].mode", index);
    if (mount.mode != BJ_MOUNT_RO)
        return refuse(t, field, "\"rw\"", "\"ro\"");
    (void)snprintf(field, sizeof(field), "mounts[%zu].executable", index);
    if (mount.executable)
        return refuse(t, field, "true", "false");
    (void)snprintf(source_field, sizeof(source_field), "mounts[%zu].source", index);
    (void)snprintf(field, sizeof(field), "mounts[%zu].target", index);
    int r = bj__check_host_path(source_field, mount.source, t->err);
    if (r == 0)
        r = bj__check_jail_path(field, mount.target, t->err);
    if (r < 0)
        return r;
    mount.beneath = source_root(t, mount.source);
    if (!mount.beneath)
        return refuse_source(t, source_field, mount.source);
    const char *place = overlapped_place(t->profile, mount.target);
    if (place) {
        (void)snprintf(allowed, sizeof(allowed), "what is apart from its \"%.100s\"", place);
        return refuse(t, field, mount.target, allowed);
    }
    return bj__spec_append_mount(t->spec, &mount) < 0 ? out_of_memory(t) : 0;
}

/* ---- walls ---------------------------------------------------------------------------------------- */

static void print_limit(size_t limit, uint64_t value, char *text, size_t size)
{
    if (value == 0 && bj__limit_may_be_unset(limit))
        (void)snprintf(text, size, "no limit");
    else if (bj__limit_rows[limit].unit == BJ_LIMIT_SECONDS)
        (void)snprintf(text, size, "%.15g seconds", (double)value / 1e6);
    else
        (void)snprintf(text, size, "%llu", (unsigned long long)value);
}

/* Where no control group limits memory, memory_bytes stands in for an address space that is not set (plan_limits.c): a
 * request that sets one must not get more by that. A profile may: its operator knows what its programs reserve. */
static uint64_t allowed_limit(const struct bj_limits *limits, size_t limit)
{
    uint64_t allowed = bj__limit_value(limits, limit);
    bool address_space = bj__limit_rows[limit].offset == offsetof(struct bj_limits, address_space_bytes);
    return address_space && allowed == 0 ? limits->memory_bytes : allowed;
}

static int narrow_limits(const struct tighten *t)
{
    for (size_t n = 0; n < bj__limit_count; n++) {
        if (!(t->request->limit_keys & 1u << n))
            continue;
        uint64_t asked = bj__limit_value(&t->asked->limits, n);
        uint64_t allowed = allowed_limit(&t->profile->limits, n);
        bool asked_none = asked == 0 && bj__limit_may_be_unset(n);
        bool allowed_any = allowed == 0 && bj__limit_may_be_unset(n);
        if (!allowed_any && (asked_none || asked > allowed)) {
            char field[80];
            char asked_text[64];
            char allowed_text[64];
            (void)snprintf(field, sizeof(field), "limits.%s", bj__limit_rows[n].name);
            print_limit(n, asked, asked_text, sizeof(asked_text));
            print_limit(n, allowed, allowed_text, sizeof(allowed_text));
            return refuse(t, field, asked_text, allowed_text);
        }
        *bj__limit_at(&t->spec->limits, n) = asked;
    }
    return 0;
}

static int narrow_layers(const struct tighten *t)
{
    for (size_t n = 0; n < BJ_LAYER__COUNT; n++) {
        enum bj_mode asked = t->asked->layers[n];
        enum bj_mode least = t->profile->layers[n];
        if (!(t->request->layer_keys & 1u << n))
            continue;
        if (asked < least) {
            char field[80];
            (void)snprintf(field, sizeof(field), "layers.%s", bj__layer_name((enum bj_layer)n));
            return refuse(t, field, bj__mode_name(asked), bj__mode_name(least));
        }
        t->spec->layers[n] = asked;
    }
    return 0;
}

static int narrow_words(const struct tighten *t)
{
    const struct bj_spec *asked = t->asked;
    const struct bj_spec *profile = t->profile;
    struct bj_spec *spec = t->spec;
    if (has(t, BJ_KEY_NETWORK)) {
        if (asked->network > profile->network)
            return refuse(t, "network", bj__network_name(asked->network), bj__network_name(profile->network));
        spec->network = asked->network;
        /* A profile with the host's network has no network namespace; less than that needs one. */
        if (profile->network == BJ_NETWORK_HOST && asked->network != BJ_NETWORK_HOST &&
            spec->layers[BJ_LAYER_NET] == BJ_OFF)
            spec->layers[BJ_LAYER_NET] = BJ_REQUIRE;
    }
    if (has(t, BJ_KEY_PROC)) {
        if (asked->proc > profile->proc)
            return refuse(t, "proc", bj__proc_name(asked->proc), bj__proc_name(profile->proc));
        spec->proc = asked->proc;
    }
    if (has(t, BJ_KEY_NICE)) {
        char asked_text[16];
        char allowed_text[32];
        (void)snprintf(asked_text, sizeof(asked_text), "%d", asked->nice);
        (void)snprintf(allowed_text, sizeof(allowed_text), "%d and more", profile->nice);
        if (asked->nice < profile->nice)
            return refuse(t, "nice", asked_text, allowed_text);
        spec->nice = asked->nice;
    }
    return 0;
}

static int narrow_syscalls(const struct tighten *t)
{
    if (!has(t, BJ_KEY_SYSCALLS))
        return 0;
    for (size_t n = 0; n < t->asked->syscalls.count; n++)
        if (!bj__strings_have(&t->profile->syscalls, t->asked->syscalls.items[n])) {
            char asked[64];
            (void)snprintf(asked, sizeof(asked), "the set \"%.40s\"", t->asked->syscalls.items[n]);
            return refuse(t, "syscalls", asked, "only the sets that it names itself");
        }
    return bj__strings_copy(&t->spec->arena, &t->asked->syscalls, &t->spec->syscalls) < 0 ? out_of_memory(t)
                                                                                          : 0;
}

static int narrow_policy(const struct tighten *t)
{
    if (!has(t, BJ_KEY_POLICY))
        return 0;
    if (t->profile->policy)
        return refuse(t, "policy", "another policy", "its own");
    t->spec->policy_was_read = t->request->policy_was_read;
    return bj__copy_text(&t->spec->arena, t->asked->policy, &t->spec->policy) < 0 ? out_of_memory(t) : 0;
}

/* "mounts[3].target" of the result is "mounts[0].target" to whoever wrote the request. */
static void renumber(struct bj_error *err, const char *array, size_t profiles_own)
{
    size_t length = strlen(array);
    if (strncmp(err->field, array, length) != 0 || err->field[length] != '[')
        return;
    char *rest;
    size_t index = strtoul(err->field + length + 1, &rest, 10);
    if (index < profiles_own)
        return;
    char member[sizeof(err->field)];
    (void)snprintf(member, sizeof(member), "%s", rest);
    (void)snprintf(err->field, sizeof(err->field), "%.20s[%zu%.30s", array, index - profiles_own, member);
}

static int check_result(const struct tighten *t)
{
    int r = bj__spec_check(t->spec, false, t->err);
    if (r < 0 && t->err) {
        renumber(t->err, "files", t->profile->file_count);
        renumber(t->err, "mounts", t->profile->mount_count);
        renumber(t->err, "collect", t->profile->collect.count);
    }
    return r;
}

static int narrow(const struct tighten *t)
{
    static int (*const steps[])(const struct tighten *) = {
        narrow_program, narrow_environment, take_free_fields, add_files,     narrow_limits,
        narrow_layers,  narrow_words,       narrow_syscalls,  narrow_policy,
    };
    int r = 0;
    for (size_t n = 0; r == 0 && n < BJ_COUNT(steps); n++)
        r = steps[n](t);
    for (size_t n = 0; r == 0 && n < t->asked->mount_count; n++)
        r = add_mount(t, n);
    return r < 0 ? r : check_result(t);
}

int bj__spec_tighten(const struct bj_spec *profile, const struct bj_request *request, struct bj_spec **ret_spec,
                     struct bj_error *err)
{
    struct tighten t = {.profile = profile, .request = request, .asked = request->spec, .err = err};
    int r = bj__spec_copy(profile, &t.spec, err);
    if (r == 0)
        r = narrow(&t);
    if (r < 0)
        bj_spec_free(t.spec);
    else
        *ret_spec = t.spec;
    return r;
}
