/* The processes of a run, found from outside.
 * Its own file because without a control group the kernel has no list of them, and two clocks need one.
 * Changes when: the list can be had in another way. */
#include "supervise/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

ssize_t bj__proc_read(int dirfd, const char *path, char *text, size_t size)
{
    BJ_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, text, size - 1);
    if (n >= 0)
        text[n] = 0;
    return n;
}

/* Needs CONFIG_PROC_CHILDREN. */
static void add_children(struct bj_tree *tree, pid_t parent, int tasks_fd, const char *thread)
{
    char path[300];
    char text[8192];
    (void)snprintf(path, sizeof(path), "%s/children", thread);
    if (bj__proc_read(tasks_fd, path, text, sizeof(text)) <= 0)
        return;
    for (char *next = text; *next && tree->count < BJ_TREE_MAX;) {
        char *end;
        long child = strtol(next, &end, 10);
        if (end == next)
            break;
        tree->parents[tree->count] = parent;
        tree->pids[tree->count++] = (pid_t)child;
        next = end + (*end == ' ');
    }
}

static void close_directory(DIR **directory)
{
    if (*directory)
        (void)closedir(*directory); /* read only: nothing can be lost */
}

/* A process is listed with the thread that made it, and which one that is, is the guest's choice. */
static void add_children_of_threads(struct bj_tree *tree, pid_t pid)
{
    char path[64];
    const struct dirent *entry;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    BJ_CLEANUP(close_directory) DIR *tasks = opendir(path);
    while (tasks && (entry = readdir(tasks)) != NULL) /* NOLINT(concurrency-mt-unsafe): our own stream */
        if (entry->d_name[0] != '.')
            add_children(tree, pid, dirfd(tasks), entry->d_name);
}

struct bj_tree *bj__tree_walk(pid_t root)
{
    struct bj_tree *tree = malloc(sizeof(*tree));
    if (!tree)
        return NULL;
    tree->count = 1;
    tree->pids[0] = root;
    tree->parents[0] = 0;
    for (size_t i = 0; i < tree->count; i++)
        add_children_of_threads(tree, tree->pids[i]);
    return tree;
}
