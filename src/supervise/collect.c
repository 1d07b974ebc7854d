/* Files handed out, after everything in the jail is dead.
 * Its own file because following what the guest made is the most repeated hole of the field (CVE-2024-28185,
 * CVE-2024-28189, CVE-2018-15664): here nothing is followed, and only plain files with one name are read.
 * Changes when: another kind of thing may be handed out. */
#include "base/utf8.h"
#include "supervise/result.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_SCANNED 20000u /* directory entries looked at */

struct collector {
    struct bj_result *result;
    const struct bj_strings *patterns;
    int box_fd;
    uint64_t bytes;
    unsigned scanned;
    int failed; /* -errno: something of the guest's is missing because of us */
};

/* Never a link, never another mount, never outside; a fifo or a device does not block. */
static int open_beneath(int box_fd, const char *path, int flags)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
    long fd = syscall(SYS_openat2, box_fd, path, &how, sizeof(how));
    return fd < 0 ? -errno : (int)fd;
}

static struct bj_collected *add_file(struct collector *collector, const char *path, const char *why)
{
    struct bj_result *result = collector->result;
    if (result->file_count == BJ_MAX_COLLECTED_FILES)
        return NULL;
    if (result->file_count == BJ_MAX_COLLECTED_FILES - 1) /* the last place tells that there was more */
        why = "too many files: this one and the rest were left out";
    if (!result->files) {
        result->files = calloc(BJ_MAX_COLLECTED_FILES, sizeof(*result->files));
        if (!result->files) {
            collector->failed = -ENOMEM;
            return NULL;
        }
    }
    struct bj_collected *file = &result->files[result->file_count];
    *file = (struct bj_collected){.path = strdup(path), .why = why};
    if (!file->path) {
        collector->failed = -ENOMEM;
        return NULL;
    }
    result->file_count++;
    return file;
}

static const char *read_bytes(struct collector *collector, int fd, size_t size, struct bj_collected *file)
{
    file->bytes = malloc(size + 1);
    if (!file->bytes)
        return "out of memory";
    while (file->length < size) {
        ssize_t n = read(fd, file->bytes + file->length, size - file->length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return "cannot be read";
        if (n == 0)
            break;
        file->length += (size_t)n;
    }
    collector->bytes += file->length;
    return NULL;
}

static const char *refusal(const struct stat *status, uint64_t bytes_so_far)
{
    if (!S_ISREG(status->st_mode))
        return "not a regular file";
    if (status->st_nlink != 1)
        return "has more than one link";
    if ((uint64_t)status->st_size > BJ_MAX_COLLECTED_BYTES - bytes_so_far)
        return "too large";
    return NULL;
}

static void collect_one(struct collector *collector, const char *path)
{
    struct stat status;
    struct bj_collected *file = add_file(collector, path, NULL);
    if (!file || file->why)
        return;
    BJ_FD int fd = open_beneath(collector->box_fd, path, 0);
    if (fd == -ELOOP || fd == -ENXIO || fd == -EXDEV)
        file->why = "not a regular file"; /* a link; a socket; something mounted */
    else if (fd == -ENOENT || fd == -ENOTDIR)
        file->why = "does not exist";
    else if (fd < 0)
        file->why = "cannot be opened";
    else if (fstat(fd, &status) < 0)
        file->why = "cannot be read";
    else
        file->why = refusal(&status, collector->bytes);
    if (!file->why)
        file->why = read_bytes(collector, fd, (size_t)status.st_size, file);
}

/* No control characters: those of C1 (U+0080 to U+009F) drive terminals as well. */
static bool is_clean_name(const char *name)
{
    for (const unsigned char *byte = (const unsigned char *)name; *byte; byte++)
        if (*byte < 0x20 || *byte == 0x7f || (*byte == 0xc2 && byte[1] < 0xa0))
            return false;
    return bj__utf8_valid((const unsigned char *)name, strlen(name));
}

static bool is_literal(const char *pattern)
{
    return !strpbrk(pattern, "*?[\\");
}

/* Is the path one of the first count patterns, by name? Then it is collected as that, and not once more. */
static bool is_named(const struct collector *collector, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(collector->patterns->items[i], path) == 0)
            return true;
    return false;
}

static bool matches(const struct collector *collector, const char *path)
{
    const struct bj_strings *patterns = collector->patterns;
    for (size_t i = 0; i < patterns->count; i++)
        if (!is_literal(patterns->items[i]) &&
            fnmatch(patterns->items[i], path, FNM_PATHNAME | FNM_PERIOD) == 0)
            return !is_literal(path) || !is_named(collector, patterns->count, path);
    return false;
}

/* Depth first; the depth, the number of entries and of files are bounded. NOLINTNEXTLINE(misc-no-recursion) */
static void scan(struct collector *collector, const char *directory, unsigned depth)
{
    int fd = open_beneath(collector->box_fd, directory[0] ? directory : ".", O_DIRECTORY);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    if (!stream) {
        int error = fd < 0 ? -fd : errno;
        if (error != EACCES && error != ENOTDIR && error != ENOENT && error != ELOOP && error != EXDEV)
            collector->failed = -error; /* those are the guest's doing */
        bj__fd_close(&fd);
        return;
    }
    const struct dirent *entry;
    errno = 0;
    while (collector->scanned++ < MAX_SCANNED &&
           (entry = readdir(stream)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        char path[4096];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            !is_clean_name(entry->d_name) ||
            snprintf(path, sizeof(path), "%s%s%s", directory, directory[0] ? "/" : "", entry->d_name) >=
                (int)sizeof(path))
            continue;
        if (matches(collector, path))
            collect_one(collector, path);
        if (depth + 1 < BJ_MAX_PATH_DEPTH && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN))
            scan(collector, path, depth + 1);
        errno = 0; /* readdir(3) tells its end from a failure by it */
    }
    if (errno != 0)
        collector->failed = -errno;
    (void)closedir(stream); /* read only: nothing can be lost */
}

int bj__collect(struct bj_result *result, int box_fd, const struct bj_strings *patterns)
{
    struct collector collector = {.result = result, .patterns = patterns, .box_fd = box_fd};
    bool any_pattern = false;
    for (size_t i = 0; i < patterns->count; i++) {
        if (!is_literal(patterns->items[i]))
            any_pattern = true;
        else if (!is_named(&collector, i, patterns->items[i]))
            collect_one(&collector, patterns->items[i]);
    }
    if (any_pattern)
        scan(&collector, "", 0);
    return collector.failed;
}
