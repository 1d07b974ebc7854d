/* What a spec takes from the host: the bytes of its source files, the kind of its mount sources.
 * Its own file because a plan is built without a single system call: everything read from the host comes in
 * here.
 * Changes when: a spec can take something else from the host. */
#ifndef BJ_SOURCES_H
#define BJ_SOURCES_H

#include "spec/spec.h"

struct bj_source_entry {
    const char *path; /* below /box */
    const void *bytes;
    size_t length;
    bool directory;
    bool executable;
};

enum bj_source_kind { BJ_SOURCE_MISSING, BJ_SOURCE_FILE, BJ_SOURCE_DIRECTORY };

struct bj_sources {
    struct bj_arena arena; /* owns the bytes of source files; those of BJ_FILE_BYTES stay the spec's */
    struct bj_source_entry *entries; /* parents before children, no path twice */
    size_t entry_count;
    uint64_t total_bytes;
    enum bj_source_kind *mounts; /* one for each mount of the spec */
    const char *guest;           /* the program that runs snippets; NULL: the spec has none */
};

/* Reads them. A source that is missing, unreadable, a link, or not a regular file or directory is an error that
 * names it; a link is never followed, not even in the middle of a path below a source directory. */
int bj__sources_read(const struct bj_spec *spec, struct bj_sources *ret_sources, struct bj_error *err);
void bj__sources_done(struct bj_sources *sources);

#endif
