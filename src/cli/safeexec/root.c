/* --chroot_dir: what is in a directory of the host, as what is in the jail's root.
 * Its own file because nothing of the ordinary view holds there.
 * Changes when: another kind of entry can be shown. */
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/safeexec/safeexec.h"

#define FIELD "--chroot_dir"

/* A jail makes these itself, as such a directory was given them by hand. */
static const char *const own[] = {".", "..", "proc", "dev", "tmp"};

static int clear(json_t *profile, struct bj_error *err)
{
    static const char *const lists[] = {"mounts", "links", "closed_directories", "closed_files"};

    for (size_t i = 0; i < BJ_COUNT(lists); i++)
        if (json_object_set_new(profile, lists[i], json_array()) < 0)
            return bj__error_memory(err);
    return 0;
}

static int add_link(json_t *profile, int directory_fd, const char *name, const char *target,
                    struct bj_error *err)
{
    char text[PATH_MAX];
    ssize_t length = readlinkat(directory_fd, name, text, sizeof(text) - 1);

    if (length < 0)
        return bj__error_system(err, errno, FIELD, "cannot read the link \"%s\"", name);
    text[length] = 0;
    json_t *link = json_pack("{s:s, s:s}", "path", target, "target", text);
    return !link || json_array_append_new(json_object_get(profile, "links"), link) < 0
               ? bj__error(err, BJ_ERROR_INVALID, EILSEQ, FIELD, "the link \"%s\" is not UTF-8; rename it",
                           name)
               : 0;
}

/* Devices, sockets and pipes have no place in a jail. */
static int add_entry(json_t *profile, int directory_fd, const char *root, const char *name,
                     struct bj_error *err)
{
    char source[PATH_MAX];
    char target[NAME_MAX + 2];
    struct stat status;

    for (size_t i = 0; i < BJ_COUNT(own); i++)
        if (!strcmp(name, own[i]))
            return 0;
    if (snprintf(source, sizeof(source), "%s/%s", root, name) >= (int)sizeof(source))
        return bj__error(err, BJ_ERROR_INVALID, ENAMETOOLONG, FIELD, "\"%.60s...\" is too long a path", root);
    (void)snprintf(target, sizeof(target), "/%s", name);
    if (fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return bj__error_system(err, errno, FIELD, "cannot look at \"%s\"", source);
    if (S_ISLNK(status.st_mode))
        return add_link(profile, directory_fd, name, target, err);
    if (S_ISDIR(status.st_mode) || S_ISREG(status.st_mode))
        return bj__safeexec_show(profile, source, target, err);
    return 0;
}

static void close_directory(DIR **directory)
{
    if (*directory)
        (void)closedir(*directory);
}

static int add_entries(json_t *profile, const char *root, struct bj_error *err)
{
    BJ_CLEANUP(close_directory) DIR *directory = opendir(root);
    const struct dirent *entry;
    int r = 0;

    if (!directory)
        return bj__error_system(err, errno, FIELD, "cannot open \"%s\"", root);
    errno = 0;
    while (r == 0 && (entry = readdir(directory)))
        r = add_entry(profile, dirfd(directory), root, entry->d_name, err);
    return r == 0 && errno ? bj__error_system(err, errno, FIELD, "cannot read \"%s\"", root) : r;
}

/* The directory below the root, clean: "/" and each name that is not "." */
static int clean(const char *text, char ret_path[PATH_MAX], struct bj_error *err)
{
    size_t used = 0;

    while (*text) {
        size_t length = strcspn(text, "/");
        if (used + length + 2 > PATH_MAX)
            return bj__error(err, BJ_ERROR_INVALID, ENAMETOOLONG, "--exec_dir", "too long a path");
        if (length > 0 && !(length == 1 && *text == '.')) {
            ret_path[used++] = '/';
            memcpy(ret_path + used, text, length);
            used += length;
        }
        text += length + (text[length] == '/');
    }
    if (used == 0)
        ret_path[used++] = '/';
    ret_path[used] = 0;
    return 0;
}

static bool is_file(const char *root, const char *directory, const char *name)
{
    char path[PATH_MAX];
    struct stat status;
    int length = snprintf(path, sizeof(path), "%s%s/%s", root, directory, name);

    return length < (int)sizeof(path) && lstat(path, &status) == 0;
}

int bj__safeexec_view_root(const struct safeexec *request, json_t *profile, struct safeexec_view *ret_view,
                           struct bj_error *err)
{
    const char *named = request->texts[SAFEEXEC_EXEC_DIR];
    const char *word = request->command[0];
    char root[PATH_MAX];

    if (!realpath(request->texts[SAFEEXEC_CHROOT_DIR], root))
        return bj__error_system(err, errno, FIELD, "cannot go to \"%s\"", request->texts[SAFEEXEC_CHROOT_DIR]);
    int r = clear(profile, err);
    if (r == 0)
        r = add_entries(profile, root, err);
    if (r == 0)
        r = clean(named ? named : "", ret_view->directory, err);
    if (r < 0)
        return r;
    bool here = !strchr(word, '/') && is_file(root, ret_view->directory, word);
    (void)snprintf(ret_view->command, PATH_MAX, "%s%s", here ? "./" : "", word);
    return 0;
}
