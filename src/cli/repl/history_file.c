/* Where the history of typed lines is kept.
 * Its own file because it is the only file of the user's that is made without being asked for.
 * Changes when: it is kept elsewhere. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/repl/repl.h"

/* Each directory of an absolute path but the last name; what cannot be made is noticed when the file is opened. */
static void make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        (void)mkdir(path, 0700);
        *slash = '/';
    }
}

/* XDG Base Directory Specification: a relative one is to be ignored. */
char *bj__history_path(void)
{
    const char *state = secure_getenv("XDG_STATE_HOME");
    const char *home = secure_getenv("HOME");
    char *path = NULL;
    int written = -1;

    if (state && state[0] == '/')
        written = asprintf(&path, "%s/belljar/repl_history", state);
    else if (home && home[0] == '/')
        written = asprintf(&path, "%s/.local/state/belljar/repl_history", home);
    if (written < 0)
        return NULL;
    make_directories(path);
    BJ_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    struct stat status;
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        return path;
    free(path);
    return NULL;
}
