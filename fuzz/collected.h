/* Questions about what was collected, answered from the tree as it was made.
 * Its own file because the fuzzer should read like the property.
 * Changes when: the rules of collecting change. */
#ifndef FUZZ_COLLECTED_H
#define FUZZ_COLLECTED_H

#include "box_tree.h"

#include "cli/collect.h"
#include "supervise/result.h"

static inline bool is_plain(const struct box_tree *tree, const char *path)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->plain[i] && strcmp(tree->paths[i], path) == 0)
            return true;
    return false;
}

/* A file that is named is taken under any name; one that a pattern finds must have a name that may be shown. */
static inline bool is_selected(const struct bj_strings *patterns, const char *path)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (is_pattern(patterns->items[i]) ? is_clean(path) && naive_match(patterns->items[i], path)
                                           : strcmp(patterns->items[i], path) == 0)
            return true;
    return false;
}

static inline bool is_collected(const struct bj_result *result, const char *path)
{
    for (size_t i = 0; i < result->file_count; i++)
        if (!result->files[i].why && strcmp(result->files[i].path, path) == 0)
            return true;
    return false;
}

/* What was refused is said on stderr, a thousand times a second: it goes. */
static inline void keep_collected(struct bj_result *result)
{
    size_t kept = 0;
    for (size_t i = 0; i < result->file_count; i++) {
        if (result->files[i].why)
            free(result->files[i].path);
        else
            result->files[kept++] = result->files[i];
    }
    result->file_count = kept;
}

/* The secret, which links of the guest lead to, is as empty as it was. */
static inline bool holds_nothing_else(const struct box_tree *tree)
{
    struct stat status;
    return fstatat(tree->out_fd, "../secret", &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_size == 0;
}

#endif
