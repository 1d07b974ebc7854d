/* A guest's working directory, with names and kinds of files as an input says, and a place to write collected files to.
 * Its own file because making and removing trees has nothing to do with what is asked of them.
 * Changes when: a guest can leave another kind of thing behind. */
#ifndef FUZZ_BOX_TREE_H
#define FUZZ_BOX_TREE_H

#include "../tests/support/choices.h"
#include "naive_glob.h"

#include "base/base.h"

#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOX_ENTRIES 8

struct box_tree {
    char root[128]; /* with "box", "out" and, beside them, "secret" */
    int box_fd, out_fd;
    char paths[BOX_ENTRIES][40];
    bool plain[BOX_ENTRIES];     /* a regular file with one link, in real directories only */
    bool directory[BOX_ENTRIES]; /* a real one, in real ones only */
    size_t count;
};

/* Few letters, so that patterns meet names. */
static inline void random_name(struct choices *choices, char *name, size_t size, const char *letters)
{
    size_t length = 1 + below(choices, (unsigned)size - 2);
    for (size_t i = 0; i < length; i++)
        name[i] = letters[below(choices, (unsigned)strlen(letters))];
    name[length] = 0;
}

static inline bool is_clean(const char *name)
{
    json_t *string = json_string(name); /* NULL for what is not UTF-8 */
    bool clean = string != NULL;
    json_decref(string);
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        clean = clean && *c >= 0x20 && *c != 0x7f && !(*c == 0xc2 && c[1] < 0xa0);
    return clean;
}

/* A file whose bytes are its own path, or something that must not be collected. */
static inline void make_entry(struct box_tree *tree, unsigned kind, bool reached)
{
    const char *path = tree->paths[tree->count];
    if (kind == 1) {
        tree->directory[tree->count] = mkdirat(tree->box_fd, path, 0755) == 0 && reached;
    } else if (kind == 2) {
        (void)!symlinkat("../secret", tree->box_fd, path);
    } else if (kind == 3) {
        (void)!symlinkat(tree->root, tree->box_fd, path);
    } else if (kind == 4) {
        (void)!linkat(tree->out_fd, "../secret", tree->box_fd, path, 0);
    } else if (kind == 5) {
        (void)!mkfifoat(tree->box_fd, path, 0644);
    } else {
        BJ_FD int fd = openat(tree->box_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        tree->plain[tree->count] = fd >= 0 && write(fd, path, strlen(path)) >= 0 && reached;
    }
}

/* A name may have been tried twice: only the first attempt made something. */
static inline bool is_real_directory(const struct box_tree *tree, const char *path)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->directory[i] && strcmp(tree->paths[i], path) == 0)
            return true;
    return false;
}

static inline void add_entry(struct box_tree *tree, struct choices *choices)
{
    char name[10];
    char joined[sizeof(tree->paths[0])];
    char *path = tree->paths[tree->count];
    unsigned parent = below(choices, 2 * BOX_ENTRIES);
    bool nested = parent < tree->count;
    random_name(choices, name, sizeof(name), "ab.-]\\!*c[?^\x1b\x9b\xc2\xc3\xa4");
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        name[0] = 'd';
    nested = nested && strlen(tree->paths[parent]) + sizeof(name) < sizeof(joined);
    (void)snprintf(joined, sizeof(joined), "%.30s%s%s", nested ? tree->paths[parent] : "", nested ? "/" : "",
                   name);
    memcpy(path, joined, sizeof(joined));
    make_entry(tree, below(choices, 9), !nested || is_real_directory(tree, tree->paths[parent]));
    tree->count++;
}

static inline void make_tree(struct box_tree *tree, struct choices *choices)
{
    char path[160];
    const char *directory = getenv("TMPDIR");
    *tree = (struct box_tree){.count = 0};
    (void)snprintf(tree->root, sizeof(tree->root), "%s/fuzz-box-XXXXXX", directory ? directory : "/tmp");
    if (!mkdtemp(tree->root))
        abort();
    (void)snprintf(path, sizeof(path), "%s/secret", tree->root);
    (void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    for (int out = 0; out < 2; out++) {
        (void)snprintf(path, sizeof(path), "%s/%s", tree->root, out ? "out" : "box");
        (void)mkdir(path, 0755);
        *(out ? &tree->out_fd : &tree->box_fd) = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    for (size_t count = below(choices, BOX_ENTRIES); tree->count < count;)
        add_entry(tree, choices);
}

static inline int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    return remove(path);
}

static inline void remove_tree(struct box_tree *tree)
{
    bj__fd_close(&tree->box_fd);
    bj__fd_close(&tree->out_fd);
    if (nftw(tree->root, remove_one, 8, FTW_DEPTH | FTW_PHYS) < 0)
        abort();
}

/* Is there a file in the directory whose bytes are its path? */
static inline bool holds_path(int directory_fd, const char *path)
{
    char bytes[64];
    BJ_FD int fd = openat(directory_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, bytes, sizeof(bytes)) : -1;
    return n == (ssize_t)strlen(path) && memcmp(bytes, path, (size_t)n) == 0;
}

#endif
