/* Is a spec weaker than another? The measure, written apart from tighten.c on purpose.
 * Its own file because the test with random specs and the fuzzer must not measure with two yardsticks.
 * Changes when: a request can ask for something more. */
#ifndef TEST_NEVER_WEAKER_H
#define TEST_NEVER_WEAKER_H

#include "spec/check.h"

#include <stdio.h>

static inline bool same_bytes(const struct bj_file *a, const struct bj_file *b)
{
    return strcmp(a->path, b->path) == 0 && a->kind == b->kind && a->executable == b->executable &&
           (a->kind != BJ_FILE_SOURCE || strcmp(a->source, b->source) == 0);
}

static inline bool contains(const struct bj_strings *strings, const char *text)
{
    for (size_t n = 0; n < strings->count; n++)
        if (strcmp(strings->items[n], text) == 0)
            return true;
    return false;
}

static inline bool below_some(const struct bj_strings *roots, const char *path, const char *beneath)
{
    if (!beneath || !contains(roots, beneath))
        return false;
    size_t length = strcmp(beneath, "/") == 0 ? 0 : strlen(beneath);
    return strncmp(path, beneath, length) == 0 && (path[length] == '/' || !path[length]) && !strstr(path, "..");
}

static inline const char *weaker_walls(const struct bj_spec *a, const struct bj_spec *b)
{
    for (size_t n = 0; n < bj__limit_count; n++) {
        uint64_t had = bj__limit_value(&a->limits, n);
        uint64_t has = bj__limit_value(&b->limits, n);
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

static inline bool is_same_mount(const struct bj_mount *a, const struct bj_mount *b)
{
    return strcmp(a->source, b->source) == 0 && strcmp(a->target, b->target) == 0 && a->mode == b->mode &&
           a->executable == b->executable && a->optional == b->optional;
}

/* Read-only, without programs, of what may be shown, and on nothing of the profile's. */
static inline bool is_harmless_mount(const struct bj_spec *profile, const struct bj_mount *mount)
{
    if (mount->mode != BJ_MOUNT_RO || mount->executable ||
        !below_some(&profile->mount_sources, mount->source, mount->beneath))
        return false;
    for (size_t m = 0; m < profile->mount_count; m++) {
        size_t length = strlen(profile->mounts[m].target);
        if (strncmp(mount->target, profile->mounts[m].target, length) == 0 &&
            (mount->target[length] == 0 || mount->target[length] == '/'))
            return false;
    }
    return true;
}

static inline bool is_harmless_file(const struct bj_spec *profile, const struct bj_file *file)
{
    return file->kind != BJ_FILE_SOURCE || below_some(&profile->mount_sources, file->source, file->beneath);
}

static inline const char *weaker_tree(const struct bj_spec *a, const struct bj_spec *b)
{
    if (b->mount_count < a->mount_count || b->file_count < a->file_count || b->link_count != a->link_count ||
        b->closed_directories.count != a->closed_directories.count ||
        b->closed_files.count != a->closed_files.count)
        return "a count";
    for (size_t n = 0; n < b->mount_count; n++)
        if (n < a->mount_count ? !is_same_mount(&a->mounts[n], &b->mounts[n])
                               : !is_harmless_mount(a, &b->mounts[n]))
            return n < a->mount_count ? "the profile's mount" : "the request's mount";
    for (size_t n = 0; n < b->file_count; n++)
        if (n < a->file_count ? !same_bytes(&a->files[n], &b->files[n]) : !is_harmless_file(a, &b->files[n]))
            return "files";
    return NULL;
}

static inline const char *weaker_program(const struct bj_spec *a, const struct bj_spec *b)
{
    if (a->command.count > 0 &&
        (b->command.count < a->command.count || strcmp(a->command.items[0], b->command.items[0]) != 0))
        return "command";
    if ((a->code && (!b->code || strcmp(a->code, b->code) != 0)) ||
        (a->expression && (!b->expression || strcmp(a->expression, b->expression) != 0)))
        return "code";
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

/* The first field in which b is weaker than a, or NULL. */
static inline const char *weaker_spec(const struct bj_spec *a, const struct bj_spec *b)
{
    const char *weaker = weaker_walls(a, b);
    if (!weaker)
        weaker = weaker_tree(a, b);
    return weaker ? weaker : weaker_program(a, b);
}

#endif
