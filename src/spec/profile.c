/* Profiles by name: from the directories of the operator, then from the library itself.
 * Its own file because it is the only part of spec/ that reads the host.
 * Changes when: profiles come from somewhere new. */
#include "spec/profile.h"

#include "spec/check.h"
#include "spec/names.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ETC_PROFILES "/etc/belljar/profiles"

int bj__profile_places(int (*visit)(const char *directory, void *user), void *user)
{
    /* NULL when the process has privileges that its caller lacks (AT_SECURE, getauxval(3)). */
    const char *rest = secure_getenv("BELLJAR_PROFILE_PATH");
    int r = 0;
    while (r == 0 && rest && *rest) {
        char directory[PATH_MAX];
        size_t length = strcspn(rest, ":");
        if (length >= sizeof(directory))
            return -ENAMETOOLONG;
        memcpy(directory, rest, length);
        directory[length] = 0;
        if (length > 0)
            r = visit(directory, user);
        rest += length + (rest[length] == ':');
    }
    if (r == 0)
        r = visit(ETC_PROFILES, user);
    if (r == 0)
        r = visit(NULL, user);
    /* Last: the copies of the shipped ones are there to be read, and a run need not open any. */
    return r != 0 ? r : visit(BJ_PROFILE_DIR, user);
}

/* ---- files ---------------------------------------------------------------------------------------- */

static int check_file(int fd, const char *path, size_t *ret_length, struct bj_error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return bj__error_system(err, errno, "profile", "%.200s: cannot be examined", path);
    if (!S_ISREG(st.st_mode))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "profile", "%.200s: not a regular file", path);
    if (st.st_mode & S_IWOTH)
        return bj__error(err, BJ_ERROR_INVALID, EPERM, "profile",
                         "%.200s: anyone may change it, so it can hold nobody; chmod o-w it", path);
    if (st.st_size > BJ_MAX_PROFILE_JSON)
        return bj__error(err, BJ_ERROR_INVALID, E2BIG, "profile", "%.200s: larger than %u bytes", path,
                         BJ_MAX_PROFILE_JSON);
    *ret_length = (size_t)st.st_size;
    return 0;
}

/* The whole of it: a file that changes while it is read is refused, not cut. */
static int read_whole(int fd, const char *path, char *text, size_t length, struct bj_error *err)
{
    size_t done = 0;
    for (;;) {
        ssize_t n = read(fd, text + done, length + 1 - done); /* one more than there is, to see the end */
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bj__error_system(err, errno, "profile", "%.200s: cannot be read", path);
        done += (size_t)n;
        if (n == 0 && done == length)
            return 0;
        if (n == 0 || done > length)
            return bj__error(err, BJ_ERROR_INVALID, EAGAIN, "profile", "%.200s: changed while it was read",
                             path);
    }
}

/* An error in a file says which file. */
static void add_path(struct bj_error *err, const char *path)
{
    if (!err)
        return;
    char message[sizeof(err->message)];
    memcpy(message, err->message, sizeof(message));
    (void)snprintf(err->message, sizeof(err->message), "%.150s: %.270s", path, message);
}

int bj__profile_load(const char *path, const char *name, struct bj_spec **ret_spec, struct bj_error *err)
{
    /* Links are followed: the directories are the operator's, and Kubernetes and Nix fill such ones with links.
     * O_NONBLOCK: a fifo must not hold us. */
    BJ_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return -ENOENT;
    if (fd < 0)
        return bj__error_system(err, errno, "profile", "%.200s: cannot be opened", path);
    size_t length = 0;
    int r = check_file(fd, path, &length, err);
    if (r < 0)
        return r;
    BJ_FREE char *text = malloc(length + 1);
    if (!text)
        return bj__error_memory(err);
    r = read_whole(fd, path, text, length, err);
    if (r < 0)
        return r;
    r = bj__spec_parse_profile(name, text, length, ret_spec, err);
    if (r < 0)
        add_path(err, path);
    return r;
}

/* ---- by name -------------------------------------------------------------------------------------- */

struct lookup {
    const char *name;
    struct bj_spec **ret_spec;
    struct bj_error *err;
};

static int look_inside(const struct lookup *lookup)
{
    for (const struct bj_spec *spec = bj__builtin_profiles; spec->profile; spec++)
        if (strcmp(spec->profile, lookup->name) == 0)
            return bj__spec_copy(spec, lookup->ret_spec, lookup->err) < 0 ? -ENOMEM : 1;
    return 0;
}

/* 1 when found; a file that is there and not good ends the search: a weaker one must not stand in for it. */
static int look_in(const char *directory, void *user)
{
    struct lookup *lookup = user;
    if (!directory)
        return look_inside(lookup);
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/%s.json", directory, lookup->name);
    if (length < 0 || (size_t)length >= sizeof(path))
        return bj__error(lookup->err, BJ_ERROR_INVALID, ENAMETOOLONG, "profile", "%.100s...: too long a path",
                         path);
    int r = bj__profile_load(path, lookup->name, lookup->ret_spec, lookup->err);
    return r == -ENOENT ? 0 : r == 0 ? 1 : r;
}

static int refuse_name(const char *name, struct bj_error *err)
{
    struct bj_arena arena;
    struct bj_profile_entry *entries;
    const char *names[64];
    size_t count = 0;
    bj__arena_init(&arena, (size_t)16 << 20);
    if (bj__profile_list(&arena, &entries, &count) < 0)
        count = 0;
    if (count > BJ_COUNT(names))
        count = BJ_COUNT(names);
    for (size_t n = 0; n < count; n++)
        names[n] = entries[n].name;
    char list[256];
    struct bj_words words = {names, count};
    bj__words_join(&words, list, sizeof(list));
    const char *nearest = bj__nearest(name, names, count);
    int r = bj__error(err, BJ_ERROR_NOT_FOUND, ENOENT, "profile",
                      "there is no profile \"%.63s\"%s%s%s; there is %s", name,
                      nearest ? " (did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?)" : "", list);
    bj__arena_done(&arena);
    return r;
}

int bj_spec_from_profile(const char *name, struct bj_spec **ret_spec, struct bj_error *err)
{
    if (strchr(name, '/')) {
        int r = bj__profile_load(name, name, ret_spec, err);
        return r != -ENOENT
                   ? r
                   : bj__error(err, BJ_ERROR_NOT_FOUND, ENOENT, "profile", "there is no file \"%.200s\"", name);
    }
    if (!bj__profile_name_ok(name))
        return bj__error(
            err, BJ_ERROR_INVALID, EINVAL, "profile",
            "\"%.80s\" is not a profile's name (1 to 63 of a-z, 0-9 and '-') nor a path with a '/'", name);
    struct lookup lookup = {.name = name, .ret_spec = ret_spec, .err = err};
    int r = bj__profile_places(look_in, &lookup);
    return r == 0 ? refuse_name(name, err) : r < 0 ? r : 0;
}

/* ---- requests ------------------------------------------------------------------------------------- */

static void drop_spec(struct bj_spec **spec)
{
    bj_spec_free(*spec);
}

int bj_spec_from_json(const char *json, size_t length, struct bj_spec **ret_spec, struct bj_error *err)
{
    BJ_CLEANUP(bj__request_done) struct bj_request request = {0};
    int r = bj__spec_parse_request(json, length, &request, err);
    if (r < 0)
        return r;
    BJ_CLEANUP(drop_spec) struct bj_spec *profile = NULL;
    r = bj_spec_from_profile(request.spec->profile ? request.spec->profile : "default", &profile, err);
    return r < 0 ? r : bj__spec_tighten(profile, &request, ret_spec, err);
}
