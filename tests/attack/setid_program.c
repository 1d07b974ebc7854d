/* Run a set-id program of somebody else.
 * Its own file because each attack is a program of its own.
 * Changes when: the wall that it tries is made in another way.
 *
 * abuse-case: 1
 * id: own-setid-program
 * title: Run a set-id program of somebody else
 * category: own
 * kind: breach
 * severity: high
 * tries: a set-id program in a mounted directory: does it run as its owner?
 * expected: denied
 * accept: denied, error, killed:syscall, killed:signal
 * settings: host
 * outside: safe
 * end-abuse-case */
#include "attack.h"

#include <stdlib.h>
#include <sys/wait.h>

static int run_and_read(const char *path)
{
    int ends[2];
    char text[32] = "";
    if (pipe(ends) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        execl(path, path, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], text, sizeof(text) - 1);
    waitpid(pid, NULL, 0);
    close(ends[0]);
    return n > 0 ? atoi(text) : -1;
}

int main(void)
{
    int got = run_and_read("/host/setid");
    if (got < 0)
        got = run_and_read("/tmp/sabotage-host/setid");
    if (got < 0)
        return CONTAINED("it cannot be run");
    if (got != (int)geteuid())
        return ESCAPED("a set-id program runs as %d, and I am %d", got, (int)geteuid());
    return CONTAINED("it runs as me, %d", got);
}
