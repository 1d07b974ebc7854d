/* The configuration of a service: rules of two values together.
 * Its own file because it is pure, and each of its rules is one that no single key can keep.
 * Changes when: two values can contradict each other in another way. */
#include <stdio.h>

#include "server/address.h"
#include "server/config_internal.h"

static bool is_profile(const struct bj_config *config, const char *name)
{
    for (size_t n = 0; n < config->profile_count; n++)
        if (strcmp(config->profiles[n].name, name) == 0)
            return true;
    return false;
}

static int check_name(const struct bj_config *config, const char *field, const char *name, struct bj_error *err)
{
    if (is_profile(config, name))
        return 0;
    return bj__error(err, BJ_ERROR_INVALID, ENOENT, field,
                     "\"%.63s\" is not one of profiles; name one of them, or add it there", name);
}

static int check_profiles(const struct bj_config *config, struct bj_error *err)
{
    for (size_t n = 0; n < config->profile_count; n++)
        for (size_t other = 0; other < n; other++)
            if (strcmp(config->profiles[n].name, config->profiles[other].name) == 0) {
                char field[BJ_FIELD_SIZE];
                (void)snprintf(field, sizeof(field), "profiles[%zu].name", n);
                return bj__error(err, BJ_ERROR_INVALID, EEXIST, field,
                                 "\"%s\" stands there twice; take one of them out", config->profiles[n].name);
            }
    return check_name(config, "default_profile", config->default_profile, err);
}

static int check_quota(const struct bj_config *config, const char *field, const struct bj_config_quota *quota,
                       struct bj_error *err)
{
    for (size_t n = 0; n < quota->profile_count; n++) {
        char name[BJ_FIELD_SIZE];
        (void)snprintf(name, sizeof(name), "%.30s.profiles[%zu]", field, n);
        int r = check_name(config, name, quota->profiles[n], err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_token(const struct bj_config *config, size_t n, struct bj_error *err)
{
    const struct bj_config_token *token = &config->tokens[n];
    char field[BJ_FIELD_SIZE];
    for (size_t other = 0; other < n; other++) {
        bool same = strcmp(token->name, config->tokens[other].name) == 0;
        if (!same && memcmp(token->sha256, config->tokens[other].sha256, sizeof(token->sha256)) != 0)
            continue;
        (void)snprintf(field, sizeof(field), "tokens[%zu].%s", n, same ? "name" : "sha256");
        return bj__error(err, BJ_ERROR_INVALID, EEXIST, field,
                         "is that of tokens[%zu] as well; give another one", other);
    }
    (void)snprintf(field, sizeof(field), "tokens[%zu].quota", n);
    return check_quota(config, field, &token->quota, err);
}

static int check_tokens(const struct bj_config *config, struct bj_error *err)
{
    for (size_t n = 0; n < config->token_count; n++) {
        int r = check_token(config, n, err);
        if (r < 0)
            return r;
    }
    return check_quota(config, "anonymous_quota", &config->anonymous_quota, err);
}

/* Several may ask for any port (0), and each gets another one. */
static bool is_taken(const struct bj_config *config, size_t listeners, const struct bj_address *address)
{
    char text[BJ_ADDRESS_SIZE];
    struct bj_address other;
    bool any =
        bj__address_write(address, text) == 0 && strlen(text) > 2 && strcmp(text + strlen(text) - 2, ":0") == 0;
    for (size_t n = 0; n < listeners; n++)
        if (!any && bj__address_read("", config->listeners[n].address, &other, NULL) == 0 &&
            bj__address_same(address, &other))
            return true;
    return false;
}

static int check_listener(const struct bj_config *config, size_t n, struct bj_error *err)
{
    const struct bj_config_listener *listener = &config->listeners[n];
    struct bj_address address;
    char field[BJ_FIELD_SIZE];
    (void)snprintf(field, sizeof(field), "listeners[%zu].address", n);
    int r = bj__address_read(field, listener->address, &address, err);
    if (r < 0)
        return r;
    if (is_taken(config, n, &address))
        return bj__error(err, BJ_ERROR_INVALID, EEXIST, field,
                         "%.110s is that of a listener before it as well; give another one", listener->address);
    /* These say nothing but a program, so there is no place for a token. */
    if ((listener->kind == BJ_LISTENER_NUL || listener->kind == BJ_LISTENER_JSON) && !config->anonymous &&
        !bj__address_is_unix(&address))
        return bj__error(err, BJ_ERROR_INVALID, EPERM, field,
                         "a client of a %s listener cannot show a token, so anybody who reaches %s could run "
                         "programs; give the path of a unix socket, or \"anonymous\": true",
                         bj__listener_kind_name(listener->kind), listener->address);
    return 0;
}

static int check_control(const struct bj_config *config, struct bj_error *err)
{
    struct bj_address address;
    if (!config->control_socket)
        return 0;
    int r = bj__address_read("control_socket", config->control_socket, &address, err);
    if (r < 0)
        return r;
    if (!bj__address_is_unix(&address))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "control_socket",
                         "\"%.110s\" is not a path; give an absolute one, or null for none",
                         config->control_socket);
    if (is_taken(config, config->listener_count, &address))
        return bj__error(err, BJ_ERROR_INVALID, EEXIST, "control_socket",
                         "%.110s is that of a listener as well; give another one", config->control_socket);
    return 0;
}

static int check_sums(const struct bj_config *config, struct bj_error *err)
{
    uint64_t jails = 0;
    for (size_t n = 0; n < config->profile_count; n++)
        jails += config->profiles[n].jails;
    if (jails > BJ_CONFIG_MAX_PARKED)
        return bj__error(err, BJ_ERROR_INVALID, ERANGE, "profiles", "%llu jails together; give at most %u",
                         (unsigned long long)jails, BJ_CONFIG_MAX_PARKED);
    if (config->buffered_bytes < config->request_bytes)
        return bj__error(
            err, BJ_ERROR_INVALID, ERANGE, "buffered_bytes",
            "%llu is less than request_bytes (%llu), so the largest request would never fit; give at "
            "least as much",
            (unsigned long long)config->buffered_bytes, (unsigned long long)config->request_bytes);
    return 0;
}

int bj__config_check(const struct bj_config *config, struct bj_error *err)
{
    int r = check_profiles(config, err);
    if (r == 0)
        r = check_tokens(config, err);
    for (size_t n = 0; r == 0 && n < config->listener_count; n++)
        r = check_listener(config, n, err);
    if (r == 0)
        r = check_control(config, err);
    return r < 0 ? r : check_sums(config, err);
}
