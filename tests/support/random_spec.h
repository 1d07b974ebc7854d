/* Profiles and requests of all kinds, as text: what is tested is what comes in from outside.
 * Its own file because the test and the fuzzer of "never weaker" must try the same ones.
 * Changes when: a profile or a request can ask for something more. */
#ifndef TEST_RANDOM_SPEC_H
#define TEST_RANDOM_SPEC_H

#include "choices.h"

#include "spec/check.h"

#include <jansson.h>

static const char *const set_names[] = {"base", "processes", "threads", "socket_pairs", "unix_sockets", NULL};
static const char *const variable_names[] = {"A", "B", "C", "LD_PRELOAD", NULL};
static const char *const host_paths[] = {"/srv", "/srv/data", "/srv/data/x", "/srvx", "/etc", "/", NULL};
static const char *const jail_paths[] = {"/usr", "/usr/x", "/data", "/data/x", "/opt", "/etc", "/etc/x", NULL};

static inline const char *pick(struct choices *choices, const char *const *list)
{
    unsigned count = 0;
    while (list[count])
        count++;
    return list[below(choices, count)];
}

static inline json_t *some_of(struct choices *choices, const char *const *list, unsigned percent)
{
    json_t *array = json_array();
    for (; *list; list++)
        if (chance(choices, percent))
            json_array_append_new(array, json_string(*list));
    return array;
}

static inline json_t *random_limits(struct choices *choices, bool request)
{
    static const uint64_t steps[] = {0, 23333, 70000, 1u << 20, 8u << 20};
    json_t *limits = json_object();
    for (size_t n = 0; n < bj__limit_count; n++) {
        const struct bj_limit_row *row = &bj__limit_rows[n];
        if (!chance(choices, request ? 12 : 70))
            continue;
        uint64_t value = row->minimum + steps[below(choices, BJ_COUNT(steps))];
        value = value > row->maximum ? row->maximum : value;
        bool unset = !request && bj__limit_may_be_unset(n) && chance(choices, 30);
        json_object_set_new(limits, row->name,
                            unset                           ? json_null()
                            : row->unit == BJ_LIMIT_SECONDS ? json_real((double)value / 1e6)
                                                            : json_integer((json_int_t)value));
    }
    return limits;
}

static inline json_t *random_layers(struct choices *choices, bool request)
{
    static const bool may_be_off[] = {
#define X(name, text, mode, optional) optional,
        BJ_LAYER_LIST(X)
#undef X
    };
    json_t *layers = json_object();
    for (unsigned n = 0; n < BJ_LAYER__COUNT; n++)
        if (n != BJ_LAYER_NET && chance(choices, request ? 8 : 50))
            json_object_set_new(
                layers, bj__layer_name(n),
                json_string(bj__mode_name(may_be_off[n] ? below(choices, 3) : 1 + below(choices, 2))));
    return layers;
}

static inline json_t *random_mount(struct choices *choices)
{
    json_t *mount = json_object();
    json_object_set_new(mount, "source", json_string(pick(choices, host_paths)));
    json_object_set_new(mount, "target", json_string(pick(choices, jail_paths)));
    if (chance(choices, 30))
        json_object_set_new(mount, "mode", json_string(chance(choices, 70) ? "ro" : "rw"));
    if (chance(choices, 20))
        json_object_set_new(mount, "executable", json_boolean(chance(choices, 50)));
    return mount;
}

static inline void add_tree(struct choices *choices, json_t *root, bool request)
{
    json_t *mounts = json_array();
    json_t *files = json_array();
    for (unsigned n = 0; n < 2; n++) {
        if (chance(choices, request ? 12 : 40))
            json_array_append_new(mounts, random_mount(choices));
        if (!chance(choices, 12))
            continue;
        json_t *file = json_pack("{s:s}", "path", n ? "f" : request ? "q" : "p");
        if (chance(choices, 50))
            json_object_set_new(file, "source", json_string(pick(choices, host_paths)));
        else
            json_object_set_new(file, "text", json_string("#!/bin/sh\n"));
        if (chance(choices, 50))
            json_object_set_new(file, "executable", json_true());
        json_array_append_new(files, file);
    }
    json_object_set_new(root, "mounts", mounts);
    json_object_set_new(root, "files", files);
}

static inline void add_words(struct choices *choices, json_t *root, bool request)
{
    const char *word = request ? "asked" : "fixed";
    unsigned percent = request ? 12 : 60;
    if (chance(choices, percent))
        json_object_set_new(root, "network", json_string(bj__network_name(below(choices, 3))));
    if (chance(choices, percent))
        json_object_set_new(root, "proc", json_string(bj__proc_name(below(choices, 2))));
    if (chance(choices, percent))
        json_object_set_new(root, "nice", json_integer(below(choices, 20)));
    if (chance(choices, percent))
        json_object_set_new(root, "output_action", json_string(bj__output_action_name(below(choices, 2))));
    json_t *env = json_object();
    for (size_t n = 0; variable_names[n]; n++)
        if (chance(choices, request ? 8 : 40))
            json_object_set_new(env, variable_names[n],
                                request && chance(choices, 30) ? json_null() : json_string(word));
    json_object_set_new(root, "env", env);
}

static inline void add_program(struct choices *choices, json_t *root, bool request)
{
    const char *word = request ? "asked" : "fixed";
    if (chance(choices, request ? 30 : 20))
        json_object_set_new(root, "command", json_pack("[s]", word));
    else if (chance(choices, request ? 30 : 20))
        json_object_set_new(root, chance(choices, 50) ? "code" : "expression", json_string(word));
    if (chance(choices, request ? 20 : 0))
        json_object_set_new(root, "args", json_pack("[s]", "argument"));
    if (chance(choices, request ? 5 : 10))
        json_object_set_new(root, "policy", json_pack("{s:[s]}", "features", request ? "math" : "time"));
    if (chance(choices, 5))
        json_object_set_new(root, "deterministic", json_pack("{s:i}", "seed", 1));
    if (chance(choices, 5))
        json_object_set_new(root, "python_path", json_pack("[s]", word));
    if (!request && chance(choices, 10))
        json_object_set_new(root, "python", json_string("/srv/venv"));
}

/* Caller frees. */
static inline char *random_text(struct choices *choices, bool request)
{
    json_t *root = json_object();
    json_object_set_new(root, "limits", random_limits(choices, request));
    json_object_set_new(root, "layers", random_layers(choices, request));
    add_tree(choices, root, request);
    add_words(choices, root, request);
    add_program(choices, root, request);
    /* Mostly a policy that is compiled already: the compiler would take nine tenths of a fuzzer's time. */
    if (!request || chance(choices, 8))
        json_object_set_new(root, "syscalls", some_of(choices, set_names, chance(choices, 85) ? 100 : 60));
    if (!request) {
        json_object_set_new(root, "scratch_executable", json_boolean(chance(choices, 50)));
        json_object_set_new(root, "mount_sources", some_of(choices, host_paths, 30));
        json_object_set_new(root, "closed_directories", some_of(choices, jail_paths + 6, 40));
        if (chance(choices, 30))
            json_object_set_new(root, "env_names", some_of(choices, variable_names, 60));
    }
    char *text = json_dumps(root, 0);
    json_decref(root);
    return text;
}

#endif
