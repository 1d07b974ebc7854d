/* A file for bj__profile_load: in memory, with an owner's mode or with one that lets anybody write.
 * Its own file because what kind of file it is decides before a byte of it is read.
 * Changes when: another kind of file is refused. */
#ifndef FUZZ_PROFILE_FILE_H
#define FUZZ_PROFILE_FILE_H

#include "fuzz.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* True when it was taken. A file that ends in a space is one that anybody may write to. */
static inline bool load_profile(const uint8_t *bytes, size_t size, struct bj_spec **ret_spec)
{
    char path[40];
    struct bj_error err = {0};
    BJ_FD int fd = memfd_create("profile", MFD_CLOEXEC);
    bool loose = size > 0 && bytes[size - 1] == ' ';
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || fchmod(fd, loose ? 0666 : 0644) < 0)
        abort();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (bj__profile_load(path, "fuzz", ret_spec, &err) == 0) {
        fuzz_must(!loose, "a file that anybody may write to was taken", path);
        return true;
    }
    fuzz_must_say(&err);
    fuzz_must(strncmp(err.message, path, strlen(path)) == 0, "an error that does not name the file",
              err.message);
    return false;
}

#endif
