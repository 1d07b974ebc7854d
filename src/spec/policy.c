/* Is a policy one? Every value in it, before anything is started.
 * Its own file because what a policy may say is read here and kept in src/guest.
 * Changes when: a policy can say something more. */
#include "spec/policy.h"

#include "spec/check.h"
#include "spec/json_read.h"

#include <ctype.h>
#include <stdio.h>

static const char *const features[] = {
#define X(name, text, doc) text,
#include "spec/features.def"
#undef X
};
static const struct bj_words feature_words = {features, BJ_COUNT(features)};

static int too_many(struct bj_reader *reader, const char *field, size_t count, size_t most)
{
    return bj__error(reader->err, BJ_ERROR_INVALID, E2BIG, field, "%zu of them; at most %zu", count, most);
}

/* "a", or "a.b.c" where dots are allowed. ASCII: what is allowed is what is read. */
static bool is_name(const char *text, bool dotted)
{
    bool begins = true;
    for (; *text; text++) {
        bool letter = isalpha((unsigned char)*text) || *text == '_';
        if (*text == '.' && dotted && !begins) {
            begins = true;
            continue;
        }
        if (!letter && (begins || !isdigit((unsigned char)*text)))
            return false;
        begins = false;
    }
    return !begins;
}

static int read_each(struct bj_reader *reader, const char *field, const json_t *value, size_t most,
                     int (*read)(struct bj_reader *reader, const char *field, const json_t *value))
{
    if (!json_is_array(value))
        return bj__json_wrong(reader, field, value, "an array of strings");
    if (json_array_size(value) > most)
        return too_many(reader, field, json_array_size(value), most);
    for (size_t i = 0; i < json_array_size(value); i++) {
        char name[BJ_FIELD_SIZE];
        (void)snprintf(name, sizeof(name), "%s[%zu]", field, i);
        int r = read(reader, name, json_array_get(value, i));
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_feature(struct bj_reader *reader, const char *field, const json_t *value)
{
    int r = bj__json_word(reader, field, value, &feature_words);
    return r < 0 ? r : 0;
}

static int read_symbol(struct bj_reader *reader, const char *field, const json_t *value)
{
    const char *text = NULL;
    int r = bj__json_text(reader, field, value, BJ_MAX_STRING, &text);
    if (r == 0 && strcmp(text, "*") != 0 && !is_name(text, false))
        r = bj__json_wrong(reader, field, value,
                           "the name of something in the module, or \"*\" for all that is public");
    return r;
}

static int read_path(struct bj_reader *reader, const char *field, const json_t *value)
{
    const char *text = NULL;
    int r = bj__json_text(reader, field, value, BJ_MAX_STRING, &text);
    return r < 0 ? r : bj__check_jail_path(field, text, reader->err);
}

static int read_features(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    (void)target;
    return read_each(reader, field, value, BJ_FEATURE__COUNT, read_feature);
}

static int read_modules(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    const char *name;
    json_t *names;
    (void)target;
    if (!json_is_object(value))
        return bj__json_wrong(reader, field, value, "an object of modules, each with an array of names");
    if (json_object_size(value) > BJ_MAX_POLICY_MODULES)
        return too_many(reader, field, json_object_size(value), BJ_MAX_POLICY_MODULES);
    json_object_foreach((json_t *)(uintptr_t)value, name, names)
    {
        char full[BJ_FIELD_SIZE];
        (void)snprintf(full, sizeof(full), "%s.%.40s", field, name);
        if (!is_name(name, true))
            return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, full,
                             "\"%.40s\" is no name of a module; give one as in \"import json\"", name);
        int r = read_each(reader, full, names, BJ_MAX_POLICY_NAMES, read_symbol);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_paths(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    (void)target;
    return read_each(reader, field, value, BJ_MAX_POLICY_PATHS, read_path);
}

static int read_recursion_limit(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    (void)target;
    int r = bj__json_integer(reader, field, value, 10, BJ_MAX_RECURSION);
    return r < 0 ? r : 0;
}

static int read_level(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    static const char *const levels[] = {"features", "restricted", "expression"};
    static const struct bj_words words = {levels, BJ_COUNT(levels)};
    (void)target;
    int r = bj__json_word(reader, field, value, &words);
    return r < 0 ? r : 0;
}

static int read_functions(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    const char *text = NULL;
    (void)target;
    return bj__json_text(reader, field, value, BJ_MAX_STRING, &text);
}

static const struct bj_key keys[] = {{"level", read_level, -1, false},
                                     {"features", read_features, -1, false},
                                     {"modules", read_modules, -1, false},
                                     {"paths", read_paths, -1, false},
                                     {"recursion_limit", read_recursion_limit, -1, false},
                                     {"functions", read_functions, -1, false},
                                     {0}};

static bool is_of_expressions(const json_t *policy)
{
    const char *level = json_string_value(json_object_get(policy, "level"));
    return level && strcmp(level, "expression") == 0;
}

int bj__policy_check(const char *text, struct bj_error *err)
{
    struct bj_reader reader = {.err = err};
    BJ_JSON json_t *policy = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!policy)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "policy", "not a JSON object");
    int r = bj__json_object(&reader, "policy", policy, keys, NULL);
    if (r == 0 && json_object_get(policy, "functions") && !is_of_expressions(policy))
        r = bj__error(err, BJ_ERROR_INVALID, EINVAL, "policy.functions",
                      "only with the level \"expression\"; code defines its own");
    return r;
}

void bj__policy_join(const json_t *first, json_t *second)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)first, name, value)
    {
        json_t *other = json_object_get(second, name);
        json_t *both = json_is_array(value) && json_is_array(other) ? json_copy(value) : NULL;
        if (both && json_array_extend(both, other) == 0)
            (void)json_object_set(second, name, both);
        json_decref(both);
        if (json_is_object(value) && json_is_object(other))
            (void)json_object_update_missing(other, value);
    }
}

bool bj__policy_is_of_expressions(const char *text)
{
    BJ_JSON json_t *policy = json_loads(text, 0, NULL);
    return is_of_expressions(policy);
}
