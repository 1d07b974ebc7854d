/* The configuration of a service as JSON, with every default written out.
 * Its own file because the front, which has no environment and no files, must read the very values that were checked.
 * Changes when: a key is added. */
#include <stdio.h>

#include "server/config_internal.h"
#include "server/token.h"
#include "spec/json_text.h"

/* As a number that people write: 2, 0.5. */
static json_t *seconds_of(uint64_t us)
{
    return us % 1000000 == 0 ? json_integer((json_int_t)(us / 1000000)) : json_real((double)us / 1e6);
}

static json_t *count_of(uint64_t number)
{
    return json_integer((json_int_t)number);
}

static json_t *texts_of(const char *const *texts, size_t count)
{
    json_t *array = json_array();
    for (size_t n = 0; array && n < count; n++)
        if (json_array_append_new(array, json_string(texts[n])) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static int put_quota(json_t *object, const char *key, const struct bj_config_quota *quota)
{
    BJ_JSON json_t *value = json_object();
    int r = value ? 0 : -1;
    if (r == 0 && quota->profiles)
        r = json_object_set_new(value, "profiles", texts_of(quota->profiles, quota->profile_count));
#define X(name, maximum)                                                                                       \
    if (r == 0)                                                                                                \
        r = json_object_set_new(value, #name, count_of(quota->name));
    BJ_CONFIG_QUOTA_LIST(X)
#undef X
    return r < 0 ? r : json_object_set(object, key, value);
}

static int put_listeners(json_t *root, const struct bj_config *config)
{
    BJ_JSON json_t *array = json_array();
    int r = array ? 0 : -1;
    for (size_t n = 0; r == 0 && n < config->listener_count; n++) {
        const struct bj_config_listener *listener = &config->listeners[n];
        char mode[8];
        (void)snprintf(mode, sizeof(mode), "0%03o", (unsigned)listener->mode & 0777);
        json_t *item = json_pack("{s:s, s:s}", "kind", bj__listener_kind_name(listener->kind), "address",
                                 listener->address);
        if (item && listener->address[0] == '/')
            r = json_object_set_new(item, "mode", json_string(mode));
        if (json_array_append_new(array, item) < 0)
            r = -1;
    }
    return r < 0 ? r : json_object_set(root, "listeners", array);
}

static int put_profiles(json_t *root, const struct bj_config *config)
{
    BJ_JSON json_t *array = json_array();
    int r = array ? 0 : -1;
    for (size_t n = 0; r == 0 && n < config->profile_count; n++)
        r = json_array_append_new(array, json_pack("{s:s, s:I}", "name", config->profiles[n].name, "jails",
                                                   (json_int_t)config->profiles[n].jails));
    return r < 0 ? r : json_object_set(root, "profiles", array);
}

static int put_tokens(json_t *root, const struct bj_config *config)
{
    BJ_JSON json_t *array = json_array();
    int r = array ? 0 : -1;
    for (size_t n = 0; r == 0 && n < config->token_count; n++) {
        char hex[BJ_TOKEN_HEX];
        bj__token_hex(config->tokens[n].sha256, hex);
        BJ_JSON json_t *item = json_pack("{s:s, s:s}", "name", config->tokens[n].name, "sha256", hex);
        r = item ? put_quota(item, "quota", &config->tokens[n].quota) : -1;
        if (r == 0)
            r = json_array_append(array, item);
    }
    return r < 0 ? r : json_object_set(root, "tokens", array);
}

static int put_rest(json_t *root, const struct bj_config *config)
{
    int r = json_object_set_new(root, "default_profile", json_string(config->default_profile));
    if (r == 0)
        r = put_tokens(root, config);
    if (r == 0)
        r = json_object_set_new(root, "anonymous", json_boolean(config->anonymous));
    if (r == 0)
        r = put_quota(root, "anonymous_quota", &config->anonymous_quota);
    if (r == 0)
        r = json_object_set_new(root, "hosts", texts_of(config->hosts, config->host_count));
    if (r == 0)
        r = json_object_set_new(root, "control_socket",
                                config->control_socket ? json_string(config->control_socket) : json_null());
    if (r == 0)
        r = json_object_set_new(root, "user", json_string(config->user));
#define as_COUNT   count_of
#define as_SECONDS seconds_of
#define X(field_name, name, unit, minimum, maximum, otherwise)                                                 \
    if (r == 0)                                                                                                \
        r = json_object_set_new(root, name, as_##unit(config->field_name));
    BJ_CONFIG_NUMBER_LIST(X)
#undef X
    return r;
}

char *bj__config_text(const struct bj_config *config)
{
    BJ_JSON json_t *root = json_object();
    if (!root || json_object_set_new(root, "version", json_integer(1)) < 0 || put_listeners(root, config) < 0 ||
        put_profiles(root, config) < 0 || put_rest(root, config) < 0)
        return NULL;
    return bj__json_dump(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
}
