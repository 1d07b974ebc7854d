/* Messages: whole lines, harmless for a terminal, in one write each so that two programs' lines do not mix.
 * Its own file because nothing else of the command writes to stderr.
 * Changes when: the form of a message changes. */
#include "cli/cli.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/escape.h"

int bj__write_all(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;

    while (length > 0) {
        ssize_t written = write(fd, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        at += written;
        length -= (size_t)written;
    }
    return 0;
}

void bj__say(const char *format, ...)
{
    char text[2048];
    unsigned char room[4 * sizeof(text) + 1];
    struct escape escape = {0};
    /* Never grows: that memory is short must be said, too. */
    struct bj_buf out = {.bytes = room, .capacity = sizeof(room), .maximum = sizeof(room) - 1};
    va_list args;

    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (length < 0)
        return;
    size_t used = (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1;
    if (bj__escape_add(&escape, &out, text, used) < 0 || bj__escape_end(&escape, &out) < 0 ||
        bj__buf_add(&out, "\n", 1) < 0)
        return;
    (void)bj__write_all(STDERR_FILENO, out.bytes, out.length); /* there is nowhere to complain to */
}

void bj__say_error(enum cli_command command, const struct bj_error *err)
{
    bj__say("belljar: %s: %s%s%s", bj__command_name(command), err->field, err->field[0] ? ": " : "",
            err->message);
}

int bj__print(enum cli_command command, const char *text)
{
    size_t length = strlen(text);
    int r = bj__write_all(STDOUT_FILENO, text, length);

    if (r == 0 && (length == 0 || text[length - 1] != '\n'))
        r = bj__write_all(STDOUT_FILENO, "\n", 1);
    if (r < 0)
        bj__say("belljar: %s: cannot write to stdout: %s", bj__command_name(command), strerror(-r));
    return r < 0 ? CLI_FAILED : 0;
}
