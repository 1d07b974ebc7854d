/* What of the host a program of safeexec meets: the profile's root, the directory that it starts in, itself.
 * Its own file because it decides what the host shows to a program that was written for all of it.
 * Changes when: something else of the host must be there. */
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/safeexec/safeexec.h"
#include "spec/check.h"

/* What a jail makes itself (spec_check.c). Host directories below these are shown below HOST. */
static const char *const reserved[] = {"/proc", "/dev", "/tmp", "/box", "/.belljar"};
#define HOST "/host"

/* Names are looked up on the host's network by these. */
static const char *const network_files[] = {"/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/ssl/certs"};

#define OTHERS (S_IROTH | S_IXOTH)

struct host {
    json_t *profile;
    char directory[PATH_MAX]; /* where the program starts, on the host */
    bool shown;               /* and it is in the jail, as: */
    char *inside;
};

int bj__safeexec_show(json_t *profile, const char *source, const char *target, struct bj_error *err)
{
    struct stat status;

    if (stat(source, &status) < 0)
        return bj__error_system(err, errno, "--exec_dir", "cannot look at \"%s\"", source);
    bool writable = S_ISDIR(status.st_mode) && status.st_mode & S_IWOTH && !(status.st_mode & S_ISVTX);
    json_t *mount = json_pack("{s:s, s:s, s:s, s:b}", "source", source, "target", target, "mode",
                              writable ? "rw" : "ro", "executable", 1);
    if (!mount)
        return bj__error(err, BJ_ERROR_INVALID, EILSEQ, "--exec_dir", "\"%s\" is not UTF-8; rename it", source);
    return json_array_append_new(json_object_get(profile, "mounts"), mount) < 0 ? bj__error_memory(err) : 0;
}

static bool any_below(const json_t *list, const char *member, const char *path, bool is_above)
{
    size_t index;
    const json_t *item;

    json_array_foreach(list, index, item)
    {
        const char *place = json_string_value(member ? json_object_get(item, member) : item);
        if (place && (is_above ? bj__path_is_below(place, path) : bj__path_is_below(path, place)))
            return true;
    }
    return false;
}

/* Is it in the jail already? */
static bool is_there(const json_t *profile, const char *path)
{
    return any_below(json_object_get(profile, "mounts"), "target", path, false) ||
           any_below(json_object_get(profile, "links"), "path", path, false);
}

/* Would it hide what the jail has there, or what it keeps closed? */
static bool is_too_wide(const json_t *profile, const char *path)
{
    for (size_t i = 0; i < BJ_COUNT(reserved); i++)
        if (bj__path_is_below(reserved[i], path))
            return true;
    return any_below(json_object_get(profile, "mounts"), "target", path, true) ||
           any_below(json_object_get(profile, "links"), "path", path, true) ||
           any_below(json_object_get(profile, "closed_directories"), NULL, path, true) ||
           any_below(json_object_get(profile, "closed_files"), NULL, path, true);
}

static int place(const char *path, char ret_place[PATH_MAX], struct bj_error *err)
{
    const char *before = "";

    for (size_t i = 0; i < BJ_COUNT(reserved); i++)
        if (bj__path_is_below(path, reserved[i]))
            before = HOST;
    if (snprintf(ret_place, PATH_MAX, "%s%s", before, path) >= PATH_MAX)
        return bj__error(err, BJ_ERROR_INVALID, ENAMETOOLONG, "--exec", "\"%.60s...\" is too long a path",
                         path);
    return 0;
}

static int set_inside(struct host *host, const char *path)
{
    (void)snprintf(host->inside, PATH_MAX, "%s", path);
    return 0;
}

/* It is there, can be gone to, and says no more: as of a directory that is closed to others. */
static int close_directory(struct host *host, struct bj_error *err)
{
    json_t *closed = json_object_get(host->profile, "closed_directories");
    int r = place(host->directory, host->inside, err);

    if (r == 0 && json_array_append_new(closed, json_string(host->inside)) < 0)
        r = bj__error(err, BJ_ERROR_INVALID, EILSEQ, "--exec",
                      "\"%s\" is not UTF-8; start from another directory", host->directory);
    return r;
}

/* Where the program starts: what was named must be possible, the working directory may be left out. */
static int show_directory(struct host *host, const char *named, struct bj_error *err)
{
    struct stat status;

    if (!realpath(named ? named : ".", host->directory) || stat(host->directory, &status) < 0)
        return named ? bj__error_system(err, errno, "--exec_dir", "cannot go to \"%s\"", named) : 0;
    bool is_root = !strcmp(host->directory, "/");
    host->shown = is_there(host->profile, host->directory) || is_root;
    if (host->shown)
        return set_inside(host, host->directory);
    if (is_too_wide(host->profile, host->directory)) {
        if (named && strcmp(host->directory, "/tmp") != 0)
            return bj__error(err, BJ_ERROR_INVALID, EACCES, "--exec_dir",
                             "\"%s\" is a directory that a jail has of its own; give one below it", named);
        return strcmp(host->directory, "/tmp") == 0 ? set_inside(host, "/tmp") : 0;
    }
    if (named && !S_ISDIR(status.st_mode))
        return bj__error_system(err, ENOTDIR, "--exec_dir", "cannot go to \"%s\"", named);
    if ((status.st_mode & OTHERS) != OTHERS)
        return close_directory(host, err);
    host->shown = true;
    int r = place(host->directory, host->inside, err);
    return r < 0 ? r : bj__safeexec_show(host->profile, host->directory, host->inside, err);
}

/* A path that is not in the jail: the file itself is shown. */
static int find_path(struct host *host, const char *word, char ret_command[PATH_MAX], struct bj_error *err)
{
    char path[PATH_MAX];
    char real[PATH_MAX];
    struct stat status;
    bool absolute = word[0] == '/';

    (void)snprintf(ret_command, PATH_MAX, "%s", word);
    if (absolute && is_there(host->profile, word))
        return 0;
    if (snprintf(path, PATH_MAX, "%s%s%s", absolute ? "" : host->directory, absolute ? "" : "/", word) >=
            PATH_MAX ||
        !realpath(path, real) || stat(real, &status) < 0 || !S_ISREG(status.st_mode))
        return 0; /* execve tells it */
    if (!absolute && host->shown && strcmp(host->directory, "/") != 0 &&
        bj__path_is_below(real, host->directory))
        return 0;
    int r = place(real, ret_command, err);
    if (r < 0 || is_there(host->profile, ret_command))
        return r;
    return bj__safeexec_show(host->profile, real, ret_command, err);
}

/* A bare name is no longer only that of a file where it starts: else it is looked for as a shell does. */
static int find_bare(struct host *host, const char *word, char ret_command[PATH_MAX], struct bj_error *err)
{
    char path[PATH_MAX];
    struct stat status;

    (void)snprintf(ret_command, PATH_MAX, "%s", word);
    if (snprintf(path, PATH_MAX, "%s/%s", host->directory, word) >= PATH_MAX || stat(path, &status) < 0 ||
        !S_ISREG(status.st_mode) || snprintf(path, PATH_MAX, "./%s", word) >= PATH_MAX)
        return 0;
    return find_path(host, path, ret_command, err);
}

static int show_network(json_t *profile, struct bj_error *err)
{
    char real[PATH_MAX];
    int r = 0;

    for (size_t i = 0; r == 0 && i < BJ_COUNT(network_files); i++)
        if (realpath(network_files[i], real))
            r = bj__safeexec_show(profile, real, network_files[i], err);
    return r;
}

int bj__safeexec_view(const struct safeexec *request, json_t *profile, struct safeexec_view *ret_view,
                      struct bj_error *err)
{
    struct host host = {.profile = profile, .inside = ret_view->directory};
    const char *word = request->command[0];
    int r = show_directory(&host, request->texts[SAFEEXEC_EXEC_DIR], err);

    if (r == 0 && strchr(word, '/'))
        r = find_path(&host, word, ret_view->command, err);
    else if (r == 0)
        r = find_bare(&host, word, ret_view->command, err);
    if (r == 0 && request->flags[SAFEEXEC_SHARE_NEWNET])
        r = show_network(profile, err);
    return r;
}
