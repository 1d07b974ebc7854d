/* The file of --session: what was typed and did not fail, one JSON string a line.
 * Its own file because its form is a promise to files of yesterday.
 * Changes when: something else is kept of a session. */
#include <fcntl.h>
#include <jansson.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/repl/repl.h"
#include "spec/json_text.h"
#include "spec/limits.h"

int bj__keep_next(const char **at, const char *end, char **ret_text)
{
    const char *line = *at;
    const char *stop = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;

    if (line >= end)
        return 0;
    *at = stop ? stop + 1 : end;
    json_t *value = json_loadb(line, (size_t)((stop ? stop : end) - line), JSON_DECODE_ANY, NULL);
    const char *text = json_string_value(value); /* without a NUL: the parser refuses one */
    *ret_text = text ? strdup(text) : NULL;
    int r = !text ? -EINVAL : *ret_text ? 1 : -ENOMEM;
    json_decref(value);
    return r;
}

int bj__keep_add_line(struct bj_buf *out, const char *text)
{
    json_t *value = json_string(text);
    BJ_FREE char *line = value ? bj__json_dump(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;

    json_decref(value);
    if (!line)
        return -ENOMEM;
    int r = bj__buf_add(out, line, strlen(line));
    return r < 0 ? r : bj__buf_add(out, "\n", 1);
}

int bj__keep_open(const char *path, struct keep *ret_keep, struct bj_buf *ret_content, struct bj_error *err)
{
    struct stat status;

    bj__buf_init(ret_content, (size_t)BJ_MAX_SPEC_JSON + BJ_READ_PIECE);
    ret_keep->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (ret_keep->fd < 0 || fstat(ret_keep->fd, &status) < 0)
        return bj__error_system(err, errno, "--session", "cannot open \"%s\"", path);
    ret_keep->path = path;
    if (!S_ISREG(status.st_mode))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--session", "\"%s\" is no regular file; name another",
                         path);
    if (flock(ret_keep->fd, LOCK_EX | LOCK_NB) < 0)
        return bj__error(err, BJ_ERROR_INVALID, EBUSY, "--session",
                         "\"%s\" is another belljar's at this time; leave that one, or name another file",
                         path);
    int r = bj__read_all(ret_keep->fd, "--session", path, ret_content, err);
    ret_keep->cut = ret_content->length > 0 && ret_content->bytes[ret_content->length - 1] != '\n';
    return r;
}

int bj__keep_write(struct keep *keep, const char *text, struct bj_error *err)
{
    BJ_BUF struct bj_buf line;

    if (!keep->path)
        return 0;
    bj__buf_init(&line, SIZE_MAX / 4);
    int r = keep->cut ? bj__buf_add(&line, "\n", 1) : 0;
    if (r == 0)
        r = bj__keep_add_line(&line, text);
    if (r == 0)
        r = bj__write_all(keep->fd, line.bytes, line.length);
    if (r < 0)
        return bj__error_system(err, -r, "--session", "cannot write to \"%s\"", keep->path);
    keep->cut = false;
    return 0;
}

void bj__keep_close(struct keep *keep)
{
    bj__fd_close(&keep->fd);
    keep->path = NULL;
}
