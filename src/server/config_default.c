/* The configuration of a service: what nobody said.
 * Its own file because these are the only values that depend on the host and on who starts it.
 * Changes when: a default does. */
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "server/address.h"
#include "server/config_internal.h"

#define HTTP_ADDRESS    "127.0.0.1:8060"
#define SYSTEM_SOCKETS  "/run"
#define PARKED_PROFILE  "python"
#define DEFAULT_USER    "nobody"
#define MOST_PROCESSORS 256

/* Those that this process may use, which a container may have fewer of than the machine. */
static uint64_t processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > MOST_PROCESSORS ? MOST_PROCESSORS : (uint64_t)count;
}

/* NULL: this user has no directory for sockets. */
static const char *socket_directory(void)
{
    const char *directory = geteuid() == 0 ? SYSTEM_SOCKETS : secure_getenv("XDG_RUNTIME_DIR");
    return directory && directory[0] == '/' ? directory : NULL;
}

/* "DIRECTORY/belljar/NAME"; *ret_path stays NULL where there is no such directory, or its path is too long for a socket. */
static int default_socket(struct bj_config_reader *reader, const char *name, const char **ret_path)
{
    char path[BJ_ADDRESS_SIZE];
    struct bj_address address;
    const char *directory = socket_directory();
    if (!directory)
        return 0;
    int length = snprintf(path, sizeof(path), "%s/belljar/%s", directory, name);
    if (length >= (int)sizeof(path) || bj__address_read("", path, &address, NULL) < 0)
        return 0;
    *ret_path = bj__arena_string(&reader->config->arena, path);
    return *ret_path ? 0 : bj__error_memory(reader->reader.err);
}

static int default_listeners(struct bj_config_reader *reader)
{
    struct bj_config *config = reader->config;
    const char *path = NULL;
    int r = default_socket(reader, "http.sock", &path);
    config->listeners[config->listener_count++] =
        (struct bj_config_listener){.kind = BJ_LISTENER_HTTP, .address = HTTP_ADDRESS, .mode = 0660};
    if (path)
        config->listeners[config->listener_count++] =
            (struct bj_config_listener){.kind = BJ_LISTENER_HTTP, .address = path, .mode = 0660};
    return r;
}

/* Those that are shipped. Only one is warm: a parked jail costs memory whether it is used or not. */
static void default_profiles(struct bj_config *config)
{
    static const char *const names[] = {PARKED_PROFILE, "default", "python-packages", "c", "node", "sh"};
    uint64_t parked = config->concurrent_runs < 2 * processors() ? config->concurrent_runs : 2 * processors();
    for (size_t n = 0; n < BJ_COUNT(names); n++)
        config->profiles[config->profile_count++] =
            (struct bj_config_profile){.name = names[n], .jails = n == 0 ? parked : 0};
}

int bj__config_defaults(struct bj_config_reader *reader)
{
    struct bj_config *config = reader->config;
    int r = 0;
    if (!config->concurrent_runs)
        config->concurrent_runs = 2 * processors();
    if (!reader->profiles_given)
        default_profiles(config);
    if (!config->default_profile)
        config->default_profile = config->profiles[0].name;
    if (!config->user)
        config->user = DEFAULT_USER;
    if (!reader->listeners_given)
        r = default_listeners(reader);
    if (r == 0 && !reader->control_given)
        r = default_socket(reader, "control.sock", &config->control_socket);
    return r;
}
