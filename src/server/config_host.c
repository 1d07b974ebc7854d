/* A configuration against this host.
 * Its own file because the front reads the same configuration, and may not look at the host.
 * Changes when: something that is configured must be there. */
#include "server/config_host.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "server/address.h"

#define ADVICE_SIZE 320

static int check_profile(const char *name, size_t n, struct bj_error *err)
{
    struct bj_spec *spec = NULL;
    struct bj_error why = {0};
    char field[64];
    int r = bj_spec_from_profile(name, &spec, &why);
    bj_spec_free(spec);
    if (r >= 0)
        return 0;
    (void)snprintf(field, sizeof(field), "profiles[%zu].name", n);
    return bj__error(err, BJ_ERROR_INVALID, -r, field, "the profile \"%s\" cannot be used: %s%s%.200s", name,
                     why.field, why.field[0] ? ": " : "", why.message);
}

/* Only root can let the front be somebody else. */
static int check_user(const char *name, struct bj_error *err)
{
    if (geteuid() != 0)
        return 0;
    const struct passwd *entry = getpwnam(name);
    if (!entry)
        return bj__error(err, BJ_ERROR_NOT_FOUND, ENOENT, "user",
                         "there is no user \"%s\"; fix: useradd --system %s, or name another one", name, name);
    if (entry->pw_uid == 0 || entry->pw_gid == 0)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "user",
                         "\"%s\" has uid %ld and gid %ld; name a user who has no rights", name,
                         (long)entry->pw_uid, (long)entry->pw_gid);
    return 0;
}

int bj__config_check_host(const struct bj_config *config, struct bj_error *err)
{
    for (size_t n = 0; n < config->profile_count; n++) {
        int r = check_profile(config->profiles[n].name, n, err);
        if (r < 0)
            return r;
    }
    return check_user(config->user, err);
}

void bj__config_advise(const struct bj_config *config, void (*say)(const char *text, void *user), void *user)
{
    char text[ADVICE_SIZE];
    if (config->listener_count == 0)
        say("there is no listener, so nobody can reach this service", user);
    for (size_t n = 0; n < config->listener_count; n++) {
        const struct bj_config_listener *listener = &config->listeners[n];
        struct bj_address address;
        if (listener->kind == BJ_LISTENER_METRICS ||
            bj__address_read("", listener->address, &address, NULL) < 0 || bj__address_is_unix(&address))
            continue;
        if (!config->anonymous && config->token_count == 0) {
            (void)snprintf(
                text, sizeof(text),
                "there are no tokens, so whoever comes to %s is refused; fix: belljard --new-token NAME, or "
                "use a unix socket",
                listener->address);
            say(text, user);
        } else if (config->anonymous && !bj__address_is_local(&address)) {
            (void)snprintf(text, sizeof(text), "anybody who reaches %s may run programs, without a token",
                           listener->address);
            say(text, user);
        }
    }
}
