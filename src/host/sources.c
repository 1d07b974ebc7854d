/* Reads what a spec takes from the host.
 * Its own file because following no link, and reading no more than the maximum, is one argument.
 * Changes when: a spec can take something else from the host. */
#include "host/sources.h"
#include "host/guest.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct reader {
    const struct bj_spec *spec;
    struct bj_sources *sources;
    struct bj_error *err;
    size_t capacity;
    char field[64]; /* "files[2].source" */
};

static int add_entry(struct reader *reader, const struct bj_source_entry *entry)
{
    struct bj_sources *sources = reader->sources;
    if (sources->entry_count >= BJ_MAX_FILES_IN)
        return bj__error(reader->err, BJ_ERROR_INVALID, E2BIG, reader->field,
                         "more than %u files and directories", BJ_MAX_FILES_IN);
    if (entry->length > BJ_MAX_FILES_IN_BYTES - sources->total_bytes)
        return bj__error(reader->err, BJ_ERROR_INVALID, EFBIG, reader->field,
                         "the files handed in are larger than %u bytes together", BJ_MAX_FILES_IN_BYTES);
    if (sources->entry_count == reader->capacity) {
        size_t capacity = reader->capacity ? reader->capacity * 2 : 16;
        struct bj_source_entry *entries = reallocarray(sources->entries, capacity, sizeof(*entries));
        if (!entries)
            return bj__error_memory(reader->err);
        sources->entries = entries;
        reader->capacity = capacity;
    }
    sources->entries[sources->entry_count++] = *entry;
    sources->total_bytes += entry->length;
    return 0;
}

static bool has_directory(const struct bj_sources *sources, const char *path, size_t length)
{
    for (size_t i = sources->entry_count; i-- > 0;) {
        const struct bj_source_entry *entry = &sources->entries[i];
        if (entry->directory && strncmp(entry->path, path, length) == 0 && entry->path[length] == 0)
            return true;
    }
    return false;
}

/* "lib/a/b.py" needs "lib" and "lib/a" first. */
static int add_parents(struct reader *reader, const char *path)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - path);
        if (has_directory(reader->sources, path, length))
            continue;
        const char *parent = bj__arena_copy(&reader->sources->arena, path, length);
        if (!parent)
            return bj__error_memory(reader->err);
        int r = add_entry(reader, &(struct bj_source_entry){.path = parent, .directory = true});
        if (r < 0)
            return r;
    }
    return 0;
}

/* Reads a regular file to its end, or to the size that fstat said plus one: a growing file is refused. Only a
 * file that is named itself stays executable: what comes with a directory is data. */
static int read_file(struct reader *reader, int fd, const struct stat *status, const char *path, bool top)
{
    if (status->st_size > (off_t)BJ_MAX_FILES_IN_BYTES)
        return bj__error(reader->err, BJ_ERROR_INVALID, EFBIG, reader->field, "\"%s\" is larger than %u bytes",
                         path, BJ_MAX_FILES_IN_BYTES);
    size_t size = (size_t)status->st_size;
    unsigned char *bytes = bj__arena_alloc(&reader->sources->arena, size + 1);
    if (!bytes)
        return bj__error_memory(reader->err);
    size_t length = 0;
    while (length <= size) {
        ssize_t n = read(fd, bytes + length, size + 1 - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bj__error_system(reader->err, errno, reader->field, "cannot read \"%s\"", path);
        if (n == 0)
            break;
        length += (size_t)n;
    }
    if (length > size)
        return bj__error(reader->err, BJ_ERROR_INVALID, EBUSY, reader->field, "\"%s\" grows while it is read",
                         path);
    return add_entry(reader, &(struct bj_source_entry){.path = path,
                                                       .bytes = bytes,
                                                       .length = length,
                                                       .executable = top && (status->st_mode & 0111) != 0});
}

static int read_node(struct reader *reader, int dirfd, const char *name, const char *path, unsigned depth);

static int read_directory(struct reader *reader, int fd, const char *path, unsigned depth)
{
    if (depth >= BJ_MAX_PATH_DEPTH)
        return bj__error(reader->err, BJ_ERROR_INVALID, ELOOP, reader->field, "\"%s\" is nested deeper than %u",
                         path, BJ_MAX_PATH_DEPTH);
    int r = add_entry(reader, &(struct bj_source_entry){.path = path, .directory = true});
    if (r < 0)
        return r;
    BJ_FD int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    DIR *directory = own_fd < 0 ? NULL : fdopendir(own_fd);
    if (directory)
        (void)bj__fd_take(&own_fd); /* the stream's now */
    else
        return bj__error_system(reader->err, errno, reader->field, "cannot list \"%s\"", path);
    struct dirent *entry;
    while (r == 0 && (entry = readdir(directory)) != NULL) { /* NOLINT(concurrency-mt-unsafe): our own stream */
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char joined[4096];
        if (snprintf(joined, sizeof(joined), "%s/%s", path, entry->d_name) >= (int)sizeof(joined)) {
            r = bj__error(reader->err, BJ_ERROR_INVALID, ENAMETOOLONG, reader->field,
                          "a path below \"%s\" is too long", path);
            break;
        }
        const char *copy = bj__arena_string(&reader->sources->arena, joined);
        r = copy ? bj__spec_check_path(reader->field, copy, reader->err) : bj__error_memory(reader->err);
        if (r == 0)
            r = read_node(reader, fd, entry->d_name, copy, depth + 1);
    }
    (void)closedir(directory); /* read only: nothing can be lost */
    return r;
}

/* No link anywhere in the name is followed. */
static int open_plainly(int dirfd, const char *name)
{
    struct open_how how = {.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
}

/* NOLINTNEXTLINE(misc-no-recursion): the depth is bounded */
static int read_node(struct reader *reader, int dirfd, const char *name, const char *path, unsigned depth)
{
    BJ_FD int fd = open_plainly(dirfd, name);
    if (fd < 0 && errno == ELOOP)
        return bj__error(
            reader->err, BJ_ERROR_INVALID, ELOOP, reader->field,
            "\"%s\" is or leads through a symbolic link, and links are not followed; name what it points to",
            name);
    if (fd < 0)
        return bj__error(reader->err, errno == ENOENT ? BJ_ERROR_NOT_FOUND : BJ_ERROR_INVALID, errno,
                         reader->field, "cannot open \"%s\": %s", name, strerror(errno));
    struct stat status;
    if (fstat(fd, &status) < 0)
        return bj__error_system(reader->err, errno, reader->field, "cannot stat \"%s\"", name);
    if (S_ISREG(status.st_mode))
        return read_file(reader, fd, &status, path, depth == 0);
    if (S_ISDIR(status.st_mode))
        return read_directory(reader, fd, path, depth);
    return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, reader->field,
                     "\"%s\" is neither a regular file nor a directory", name);
}

static int read_files(struct reader *reader)
{
    for (size_t i = 0; i < reader->spec->file_count; i++) {
        const struct bj_file *file = &reader->spec->files[i];
        (void)snprintf(reader->field, sizeof(reader->field), "files[%zu].source", i);
        int r = add_parents(reader, file->path);
        if (r == 0 && file->kind == BJ_FILE_SOURCE)
            r = read_node(reader, AT_FDCWD, file->source, file->path, 0);
        else if (r == 0)
            r = add_entry(reader, &(struct bj_source_entry){.path = file->path,
                                                            .bytes = file->bytes,
                                                            .length = file->length,
                                                            .executable = file->executable});
        if (r < 0)
            return r;
    }
    return 0;
}

/* The source of a mount may be a link of the operator's (/usr/lib64 and the like): it is the target that
 * counts. One that a request names leads through no link: the answer alone would tell what there is behind it. */
static int stat_source(const struct bj_mount *mount, struct stat *ret_status)
{
    if (!mount->beneath)
        return stat(mount->source, ret_status);
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    BJ_FD int fd = (int)syscall(SYS_openat2, AT_FDCWD, mount->source, &how, sizeof(how));
    return fd < 0 ? -1 : fstat(fd, ret_status);
}

static int look_at_mounts(struct reader *reader)
{
    const struct bj_spec *spec = reader->spec;
    if (spec->mount_count == 0)
        return 0;
    reader->sources->mounts = calloc(spec->mount_count, sizeof(*reader->sources->mounts));
    if (!reader->sources->mounts)
        return bj__error_memory(reader->err);
    for (size_t i = 0; i < spec->mount_count; i++) {
        const struct bj_mount *mount = &spec->mounts[i];
        struct stat status;
        (void)snprintf(reader->field, sizeof(reader->field), "mounts[%zu].source", i);
        if (stat_source(mount, &status) < 0) {
            if (mount->optional && (errno == ENOENT || errno == ENOTDIR))
                continue; /* BJ_SOURCE_MISSING */
            return bj__error(reader->err, errno == ENOENT ? BJ_ERROR_NOT_FOUND : BJ_ERROR_INVALID, errno,
                             reader->field, "\"%s\": %s; make it, or set \"optional\"", mount->source,
                             strerror(errno));
        }
        reader->sources->mounts[i] = S_ISDIR(status.st_mode) ? BJ_SOURCE_DIRECTORY : BJ_SOURCE_FILE;
    }
    return 0;
}

int bj__sources_read(const struct bj_spec *spec, struct bj_sources *ret_sources, struct bj_error *err)
{
    memset(ret_sources, 0, sizeof(*ret_sources));
    bj__arena_init(&ret_sources->arena, BJ_MAX_FILES_IN_BYTES + (64u << 20));
    struct reader reader = {.spec = spec, .sources = ret_sources, .err = err};
    int r = read_files(&reader);
    if (r == 0)
        r = look_at_mounts(&reader);
    if (r == 0 && (spec->code || spec->expression))
        r = bj__guest_find(&ret_sources->arena, spec->python, &ret_sources->guest, err);
    if (r < 0)
        bj__sources_done(ret_sources);
    return r;
}

void bj__sources_done(struct bj_sources *sources)
{
    free(sources->entries);
    free(sources->mounts);
    bj__arena_done(&sources->arena);
    memset(sources, 0, sizeof(*sources));
}
