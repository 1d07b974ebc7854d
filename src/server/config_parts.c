/* The configuration of a service: the keys of the objects within.
 * Its own file because each of these is an array whose items have keys of their own.
 * Changes when: a listener, a profile, a token or a quota gets another key. */
#include <stdio.h>

#include "server/address.h"
#include "server/config_internal.h"
#include "server/token.h"
#include "spec/check.h"

#define READER(verb)                                                                                           \
    static int verb(struct bj_reader *reader, const char *field, const json_t *value, void *target)

static const char *const kind_names[] = {
#define X(name, text) text,
    BJ_LISTENER_LIST(X)
#undef X
};
static const struct bj_words kind_words = {kind_names, BJ_COUNT(kind_names)};

const char *bj__listener_kind_name(enum bj_listener_kind kind)
{
    return kind_names[kind];
}

static int missing(struct bj_reader *reader, const char *field, const char *key, const char *fix)
{
    return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field, "%s is missing; %s", key, fix);
}

/* How many items value has, which is an array of at most most. */
static int count_items(struct bj_reader *reader, const char *field, const json_t *value, size_t most,
                       const char *expected)
{
    if (!json_is_array(value))
        return bj__json_wrong(reader, field, value, expected);
    if (json_array_size(value) > most)
        return bj__error(reader->err, BJ_ERROR_INVALID, E2BIG, field, "%zu of them; give at most %zu",
                         json_array_size(value), most);
    return (int)json_array_size(value);
}

/* ---- listeners ------------------------------------------------------------------------------------ */

struct listener_parts {
    struct bj_config_listener *listener;
    bool kind_given, mode_given;
};

READER(read_kind)
{
    struct listener_parts *parts = target;
    int word = bj__json_word(reader, field, value, &kind_words);
    if (word < 0)
        return word;
    parts->listener->kind = (enum bj_listener_kind)word;
    parts->kind_given = true;
    return 0;
}

READER(read_address)
{
    struct listener_parts *parts = target;
    struct bj_address address;
    int r = bj__config_copy(reader, field, value, &parts->listener->address);
    return r < 0 ? r : bj__address_read(field, parts->listener->address, &address, reader->err);
}

/* Octal, as a text: JSON has no octal numbers, and 660 would be taken for one. */
READER(read_mode)
{
    struct listener_parts *parts = target;
    const char *text = json_string_value(value);
    if (!text || strlen(text) < 3 || strlen(text) > 4 || strspn(text, "01234567") != strlen(text) ||
        (strlen(text) == 4 && text[0] != '0'))
        return bj__json_wrong(reader, field, value,
                              "the permissions of the socket as a string of octal digits, as \"0660\"");
    parts->listener->mode = (uint32_t)strtoul(text, NULL, 8);
    parts->mode_given = true;
    return 0;
}

const struct bj_key bj__config_listener_keys[] = {{"kind", read_kind, -1, false},
                                                  {"address", read_address, -1, false},
                                                  {"mode", read_mode, -1, false},
                                                  {NULL, NULL, -1, false}};

static int read_listener(struct bj_reader *reader, const char *field, const json_t *value,
                         struct bj_config_listener *listener)
{
    struct listener_parts parts = {.listener = listener};
    *listener = (struct bj_config_listener){.mode = 0660};
    int r = bj__json_object(reader, field, value, bj__config_listener_keys, &parts);
    if (r < 0)
        return r;
    if (!parts.kind_given)
        return missing(reader, field, "kind", "give http, metrics, nul or json");
    if (!listener->address)
        return missing(reader, field, "address", "give one, as \"127.0.0.1:8060\"");
    if (parts.mode_given && listener->address[0] != '/')
        return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field,
                         "mode is of a unix socket, and %.80s is none; leave mode out", listener->address);
    return 0;
}

int bj__config_read_listeners(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    struct bj_config *config = target;
    bj__config_reader(reader)->listeners_given = true;
    int count = count_items(reader, field, value, BJ_CONFIG_LISTENERS, "an array of listeners");
    for (int n = 0; n < count; n++) {
        char name[BJ_FIELD_SIZE];
        (void)snprintf(name, sizeof(name), "%s[%d]", field, n);
        int r = read_listener(reader, name, json_array_get(value, (size_t)n), &config->listeners[n]);
        if (r < 0)
            return r;
    }
    config->listener_count = count < 0 ? 0 : (size_t)count;
    return count < 0 ? count : 0;
}

/* ---- profiles ------------------------------------------------------------------------------------- */

static int read_profile_name(struct bj_reader *reader, const char *field, const json_t *value,
                             const char **ret_name)
{
    int r = bj__config_copy(reader, field, value, ret_name);
    if (r == 0 && !bj__profile_name_ok(*ret_name))
        return bj__json_wrong(reader, field, value, "a profile's name: 1 to 63 of a-z, 0-9 and '-'");
    return r;
}

READER(read_name)
{
    return read_profile_name(reader, field, value, &((struct bj_config_profile *)target)->name);
}

READER(read_jails)
{
    return bj__config_number(reader, field, value, BJ_POOL_MAX, &((struct bj_config_profile *)target)->jails);
}

const struct bj_key bj__config_profile_keys[] = {
    {"name", read_name, -1, false}, {"jails", read_jails, -1, false}, {NULL, NULL, -1, false}};

int bj__config_read_profiles(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    struct bj_config *config = target;
    bj__config_reader(reader)->profiles_given = true;
    int count = count_items(reader, field, value, BJ_CONFIG_PROFILES, "an array of profiles");
    if (count == 0)
        return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field,
                         "is empty, so nothing could be run; name a profile, or leave it out");
    for (int n = 0; n < count; n++) {
        char name[BJ_FIELD_SIZE];
        (void)snprintf(name, sizeof(name), "%s[%d]", field, n);
        int r = bj__json_object(reader, name, json_array_get(value, (size_t)n), bj__config_profile_keys,
                                &config->profiles[n]);
        if (r == 0 && !config->profiles[n].name)
            r = missing(reader, name, "name", "name a profile, as \"python\"");
        if (r < 0)
            return r;
    }
    config->profile_count = count < 0 ? 0 : (size_t)count;
    return count < 0 ? count : 0;
}

/* ---- quotas --------------------------------------------------------------------------------------- */

READER(read_quota_profiles)
{
    struct bj_config_quota *quota = target;
    int count = count_items(reader, field, value, BJ_CONFIG_PROFILES, "an array of names of profiles");
    if (count == 0)
        return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field,
                         "is empty, so nothing could be run; name a profile, or leave it out for all");
    if (count < 0)
        return count;
    struct bj_config *config = bj__config_reader(reader)->config;
    quota->profiles = bj__arena_alloc(&config->arena, (size_t)count * sizeof(*quota->profiles));
    if (!quota->profiles)
        return bj__error_memory(reader->err);
    for (; quota->profile_count < (size_t)count; quota->profile_count++) {
        char name[BJ_FIELD_SIZE];
        (void)snprintf(name, sizeof(name), "%s[%zu]", field, quota->profile_count);
        int r = read_profile_name(reader, name, json_array_get(value, quota->profile_count),
                                  &quota->profiles[quota->profile_count]);
        if (r < 0)
            return r;
    }
    return 0;
}

#define X(name, maximum)                                                                                       \
    READER(read_quota_##name)                                                                                  \
    {                                                                                                          \
        return bj__config_number(reader, field, value, maximum, &((struct bj_config_quota *)target)->name);    \
    }
BJ_CONFIG_QUOTA_LIST(X)
#undef X

const struct bj_key bj__config_quota_keys[] = {{"profiles", read_quota_profiles, -1, false},
#define X(name, maximum) {#name, read_quota_##name, -1, false},
                                               BJ_CONFIG_QUOTA_LIST(X)
#undef X
                                                   {NULL, NULL, -1, false}};

int bj__config_read_quota(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    struct bj_config_quota *quota = target;
    int r = bj__json_object(reader, field, value, bj__config_quota_keys, quota);
    if (r < 0)
        return r;
    if (quota->runs_burst && !quota->runs_per_minute)
        return bj__error(
            reader->err, BJ_ERROR_INVALID, EINVAL, field,
            "runs_burst is how much of runs_per_minute may come at once; give runs_per_minute as well");
    if (!quota->runs_burst)
        quota->runs_burst = quota->runs_per_minute < 1000000u ? quota->runs_per_minute : 1000000u;
    return 0;
}

/* ---- tokens --------------------------------------------------------------------------------------- */

struct token_parts {
    struct bj_config_token *token;
    bool hash_given;
};

READER(read_token_name)
{
    struct bj_config_token *token = ((struct token_parts *)target)->token;
    int r = bj__config_copy(reader, field, value, &token->name);
    if (r == 0 && !bj__token_name_ok(token->name))
        return bj__json_wrong(reader, field, value,
                              "a name for the log: 1 to 63 letters, digits, '.', '-' and '_'");
    return r;
}

static int nibble(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* What is wrong is not quoted: who pasted the token itself here should not find it in a log. */
READER(read_sha256)
{
    struct token_parts *parts = target;
    const char *text = json_string_value(value);
    bool good = text && json_string_length(value) == BJ_TOKEN_HEX - 1;
    for (size_t n = 0; good && n < BJ_TOKEN_HASH; n++) {
        int high = nibble(text[2 * n]);
        int low = nibble(text[2 * n + 1]);
        good = high >= 0 && low >= 0;
        parts->token->sha256[n] = (unsigned char)(good ? high << 4 | low : 0);
    }
    if (!good)
        return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field,
                         "is not a SHA-256 of 64 hexadecimal digits; fix: belljard --hash-token prints it");
    parts->hash_given = true;
    return 0;
}

READER(read_token_quota)
{
    return bj__config_read_quota(reader, field, value, &((struct token_parts *)target)->token->quota);
}

const struct bj_key bj__config_token_keys[] = {{"name", read_token_name, -1, false},
                                               {"sha256", read_sha256, -1, false},
                                               {"quota", read_token_quota, -1, false},
                                               {NULL, NULL, -1, false}};

int bj__config_read_tokens(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    struct bj_config *config = target;
    int count = count_items(reader, field, value, BJ_CONFIG_TOKENS, "an array of tokens");
    if (count <= 0)
        return count;
    config->tokens = bj__arena_alloc(&config->arena, (size_t)count * sizeof(*config->tokens));
    if (!config->tokens)
        return bj__error_memory(reader->err);
    for (; config->token_count < (size_t)count; config->token_count++) {
        char name[BJ_FIELD_SIZE];
        struct token_parts parts = {.token = &config->tokens[config->token_count]};
        (void)snprintf(name, sizeof(name), "%s[%zu]", field, config->token_count);
        int r = bj__json_object(reader, name, json_array_get(value, config->token_count), bj__config_token_keys,
                                &parts);
        if (r == 0 && !parts.token->name)
            r = missing(reader, name, "name", "give the name that the log has for it");
        if (r == 0 && !parts.hash_given)
            r = missing(reader, name, "sha256", "fix: belljard --hash-token prints it");
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- hosts ---------------------------------------------------------------------------------------- */

/* In small letters, as they are compared. */
static int read_host(struct bj_reader *reader, const char *field, const json_t *value, const char **ret_name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    int r = bj__config_copy(reader, field, value, ret_name);
    if (r < 0)
        return r;
    char *name = bj__arena_string(&bj__config_reader(reader)->config->arena, *ret_name);
    if (!name)
        return bj__error_memory(reader->err);
    for (char *c = name; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    *ret_name = name;
    if (strspn(name, letters) != strlen(name) || strlen(name) > 253 || name[0] == '.' || name[0] == '-')
        return bj__json_wrong(reader, field, value,
                              "the name of a host without a port, as \"run.example.org\"");
    return 0;
}

int bj__config_read_hosts(struct bj_reader *reader, const char *field, const json_t *value, void *target)
{
    struct bj_config *config = target;
    int count = count_items(reader, field, value, 256, "an array of names of hosts");
    if (count <= 0)
        return count;
    config->hosts = bj__arena_alloc(&config->arena, (size_t)count * sizeof(*config->hosts));
    if (!config->hosts)
        return bj__error_memory(reader->err);
    for (; config->host_count < (size_t)count; config->host_count++) {
        char name[BJ_FIELD_SIZE];
        (void)snprintf(name, sizeof(name), "%s[%zu]", field, config->host_count);
        int r = read_host(reader, name, json_array_get(value, config->host_count),
                          &config->hosts[config->host_count]);
        if (r < 0)
            return r;
    }
    return 0;
}
