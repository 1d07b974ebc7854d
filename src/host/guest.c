/* Finds belljar-guest, and belljar-repl.
 * Its own file because they are the only programs that Belljar itself brings.
 * Changes when: it is installed elsewhere. */
#include "host/guest.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *_Atomic brought; /* where a program has them that brings them along; for good */

int bj_use_programs(const char *directory, struct bj_error *err)
{
    if (!directory || directory[0] != '/')
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "directory", "\"%s\" is no absolute path; give one",
                         directory ? directory : "");
    char *copy = strdup(directory);
    if (!copy)
        return bj__error_memory(err);
    free(atomic_exchange(&brought, copy));
    return 0;
}

static bool is_brought(const char *name, char path[PATH_MAX])
{
    const char *directory = atomic_load(&brought);
    int written = directory ? snprintf(path, PATH_MAX, "%s/%s", directory, name) : -1;
    return written > 0 && written < PATH_MAX;
}

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_mode & S_IXUSR;
}

static int found(struct bj_arena *arena, const char *path, const char **ret_path, struct bj_error *err)
{
    *ret_path = bj__arena_string(arena, path);
    return *ret_path ? 0 : bj__error_memory(err);
}

/* "3.11": Debian's python3 is a link to python3.11, whose library is what the jail shows; that of a virtual environment is a
 * link to it. Empty: it is none of Debian's. */
static void python_version(const char *link, char version[16])
{
    static const char debians[] = "/usr/bin/python";
    BJ_FREE char *target = realpath(link, NULL);
    version[0] = 0;
    if (target && strncmp(target, debians, sizeof(debians) - 1) == 0)
        (void)snprintf(version, 16, "%.15s", target + sizeof(debians) - 1);
}

/* What makes it one is a file (PEP 405). */
static int check_environment(const char *python, struct bj_error *err)
{
    char path[PATH_MAX];
    struct stat status;
    int written = snprintf(path, sizeof(path), "%s/pyvenv.cfg", python);
    if (written < (int)sizeof(path) && stat(path, &status) == 0 && S_ISREG(status.st_mode))
        return 0;
    return bj__error(
        err, BJ_ERROR_NOT_FOUND, ENOENT, "python",
        "\"%.200s\" is no virtual environment (it has no pyvenv.cfg); make one: python3 -m venv PATH", python);
}

/* "3.11" of "3.11.2", or nothing. */
static void take_version(const char *text, char version[16])
{
    size_t major = strspn(text, "0123456789");
    size_t minor = major > 0 && text[major] == '.' ? strspn(text + major + 1, "0123456789") : 0;
    if (minor > 0 && major + 1 + minor < 16)
        (void)snprintf(version, 16, "%.*s", (int)(major + 1 + minor), text);
}

/* One with copies instead of links (venv --copies, which CodeJail's documentation asks for): whose copies they are, and of which
 * version, the file says. */
static void configured_version(const char *python, char version[16])
{
    static const char *const keys[] = {"version = ", "version_info = "}; /* of venv, and of virtualenv */
    char line[PATH_MAX];
    bool debians = false;
    if (snprintf(line, sizeof(line), "%s/pyvenv.cfg", python) >= (int)sizeof(line))
        return;
    FILE *file = fopen(line, "re");
    while (file && fgets(line, sizeof(line), file)) {
        debians |= strcmp(line, "home = /usr/bin\n") == 0;
        for (size_t i = 0; i < BJ_COUNT(keys); i++)
            if (strncmp(line, keys[i], strlen(keys[i])) == 0)
                take_version(line + strlen(keys[i]), version);
    }
    if (file)
        (void)fclose(file);
    if (!debians)
        version[0] = 0;
}

static int environment_version(const char *python, char version[16], struct bj_error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/bin/python3", python) >= (int)sizeof(path))
        path[0] = 0;
    python_version(path, version);
    if (!version[0])
        configured_version(python, version);
    if (version[0])
        return 0;
    return bj__error(
        err, BJ_ERROR_INVALID, EINVAL, "python",
        "\"%.200s\" was not made by a Python below /usr/bin, whose library is what the jail shows; make it "
        "anew: /usr/bin/python3 -m venv PATH, or set BELLJAR_GUEST",
        python);
}

/* A build directory: src/guest stands beside src/cli. */
static bool beside_command(const char *folder, const char *name, char path[PATH_MAX])
{
    char command[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", command, sizeof(command) - 1);
    if (length <= 0)
        return false;
    command[length] = 0;
    const char *slash = strrchr(command, '/');
    int written =
        snprintf(path, PATH_MAX, "%.*s/../%s/%s", slash ? (int)(slash - command) : 0, command, folder, name);
    return written > 0 && written < PATH_MAX && is_program(path);
}

int bj__guest_find(struct bj_arena *arena, const char *python, const char **ret_path, struct bj_error *err)
{
    char path[PATH_MAX];
    char version[16];
    char name[40];
    int r = python ? check_environment(python, err) : 0;
    if (r < 0)
        return r;
    const char *given = secure_getenv("BELLJAR_GUEST");
    if (given && given[0]) {
        if (given[0] == '/' && is_program(given))
            return found(arena, given, ret_path, err);
        return bj__error(err, BJ_ERROR_NOT_FOUND, ENOENT, "BELLJAR_GUEST",
                         "\"%s\" is not the absolute path of a program; correct it, or unset the variable",
                         given);
    }
    if (python && (r = environment_version(python, version, err)) < 0)
        return r;
    if (!python)
        python_version("/usr/bin/python3", version);
    if (!version[0])
        return bj__error(err, BJ_ERROR_NOT_FOUND, ENOENT, "code",
                         "snippets need Debian's Python, and /usr/bin/python3 is none; install python3, or set "
                         "BELLJAR_GUEST");
    (void)snprintf(name, sizeof(name), "belljar-guest-%s", version);
    if (is_brought(name, path) && is_program(path))
        return found(arena, path, ret_path, err);
    (void)snprintf(path, sizeof(path), "%s/%s", BJ_GUEST_DIR, name);
    if (is_program(path) || beside_command("guest", name, path))
        return found(arena, path, ret_path, err);
    return bj__error(
        err, BJ_ERROR_NOT_FOUND, ENOENT, "code",
        "there is no belljar-guest-%s in %s; install python3-dev and build Belljar again, or set BELLJAR_GUEST",
        version, BJ_GUEST_DIR);
}

int bj__repl_find(char ret_path[PATH_MAX], struct bj_error *err)
{
    if (is_brought("belljar-repl", ret_path) && is_program(ret_path))
        return 0;
    (void)snprintf(ret_path, PATH_MAX, "%s/belljar-repl", BJ_GUEST_DIR);
    if (is_program(ret_path) || beside_command("cli", "belljar-repl", ret_path))
        return 0;
    return bj__error(err, BJ_ERROR_NOT_FOUND, ENOENT, "",
                     "there is no belljar-repl in %s; install libedit-dev and build Belljar again",
                     BJ_GUEST_DIR);
}
