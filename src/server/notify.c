/* What systemd is told.
 * Its own file because it is a protocol of somebody else's.
 * Changes when: systemd is told something more. */
#include "server/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void bj__notify(const char *text)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const char *path = secure_getenv("NOTIFY_SOCKET");
    size_t length = path ? strlen(path) : 0;
    if (length < 2 || length >= sizeof(name.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(name.sun_path, path, length);
    if (path[0] == '@') /* an abstract one begins with NUL */
        name.sun_path[0] = 0;
    BJ_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) /* nothing useful can be done about a failure: whoever waits will see that nothing comes */
        (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&name,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
}

void bj__notify_reloading(void)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)bj__now_us());
    bj__notify(text);
}

static bool read_variable(const char *name, uint64_t *ret_number)
{
    const char *text = secure_getenv(name);
    return text && bj__digits(&text, ret_number) == 0 && *text == 0;
}

uint64_t bj__notify_watchdog_us(void)
{
    uint64_t us;
    uint64_t pid;
    if (!read_variable("WATCHDOG_USEC", &us) ||
        (secure_getenv("WATCHDOG_PID") && (!read_variable("WATCHDOG_PID", &pid) || pid != (uint64_t)getpid())))
        return 0;
    return us;
}
