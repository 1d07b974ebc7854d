/* Where lines come from: an editor at a terminal, or any file.
 * Its own file because the loop is to see no difference.
 * Changes when: lines can come from somewhere else. */
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/repl/repl.h"
#include "spec/limits.h"

#define PIECE 65536u

struct source {
    struct editor *editor; /* NULL: it is no terminal */
    int session_fd;
    struct bj_buf read;
    size_t at; /* the line that comes next begins there */
    bool ended;
};

struct source *bj__source_new(bool terminal, int session_fd)
{
    struct source *source = calloc(1, sizeof(*source));

    if (!source)
        return NULL;
    source->session_fd = session_fd;
    bj__buf_init(&source->read, (size_t)BJ_MAX_SPEC_JSON + PIECE);
    source->editor = terminal ? bj__editor_new(session_fd) : NULL;
    if (terminal && !source->editor) {
        bj__source_free(source);
        return NULL;
    }
    return source;
}

void bj__source_free(struct source *source)
{
    if (!source)
        return;
    bj__editor_free(source->editor);
    bj__buf_done(&source->read);
    free(source);
}

/* Waits, so that neither a signal nor the session's end is slept through. HEARD_LINE: there is something to read. */
static enum heard wait_for_more(const struct source *source)
{
    struct pollfd polls[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                             {.fd = source->session_fd, .events = POLLIN}};

    bj__interrupt_poll(polls, BJ_COUNT(polls));
    int number = bj__interrupt_take();
    if (number)
        return number == SIGINT ? HEARD_INTERRUPT : HEARD_SIGNAL;
    return polls[1].revents ? HEARD_OVER : HEARD_LINE;
}

static enum heard read_more(struct source *source)
{
    enum heard heard = wait_for_more(source);

    if (heard != HEARD_LINE)
        return heard;
    if (source->at > 0 && source->read.bytes) {
        memmove(source->read.bytes, source->read.bytes + source->at, source->read.length - source->at);
        source->read.length -= source->at;
        source->at = 0;
    }
    int r = bj__buf_reserve(&source->read, PIECE);
    ssize_t n = r < 0 ? -1 : read(STDIN_FILENO, source->read.bytes + source->read.length, PIECE);
    if (n < 0) {
        if (r == 0 && (errno == EINTR || errno == EAGAIN))
            return HEARD_LINE;
        errno = r < 0 ? -r : errno;
        return HEARD_FAILED;
    }
    source->ended = n == 0;
    source->read.length += (size_t)n;
    return HEARD_LINE;
}

/* Its end is cut off. NULL: it is not all there; or, with EILSEQ in errno, it is no text. */
static const char *take_line(struct source *source)
{
    char *line = (char *)source->read.bytes + source->at;
    size_t left = source->read.length - source->at;
    char *end = left > 0 ? memchr(line, '\n', left) : NULL;

    errno = 0;
    if (!end && (!source->ended || left == 0))
        return NULL;
    end = end ? end : line + left; /* there is room for one more behind what was read */
    source->at = (size_t)(end - (char *)source->read.bytes) + (end < line + left);
    if (memchr(line, 0, (size_t)(end - line))) {
        errno = EILSEQ;
        return NULL;
    }
    if (end > line && end[-1] == '\r')
        end--;
    *end = 0;
    return line;
}

enum heard bj__source_line(struct source *source, const char *prompt, const char **ret_line)
{
    if (source->editor)
        return bj__editor_line(source->editor, prompt, ret_line);
    for (;;) {
        *ret_line = source->read.bytes ? take_line(source) : NULL;
        if (*ret_line)
            return HEARD_LINE;
        if (errno == EILSEQ)
            return HEARD_FAILED;
        if (source->ended)
            return HEARD_END;
        enum heard heard = read_more(source);
        if (heard != HEARD_LINE)
            return heard;
    }
}
