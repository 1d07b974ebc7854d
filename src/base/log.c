/* Lines of a service's log.
 * Its own file because what anybody's bytes become in a log is decided once.
 * Changes when: a line can hold something more, or goes somewhere else. */
#include "base/log.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define END_ROOM 16u /* ,"cut":true} and a newline */

static const char *const level_names[] = {
#define X(name, text, number) text,
    BJ_LOG_LEVEL_LIST(X)
#undef X
};
static const int level_numbers[] = {
#define X(name, text, number) number,
    BJ_LOG_LEVEL_LIST(X)
#undef X
};

const char *bj__log_level_name(enum bj_log_level level)
{
    return level_names[level];
}

int bj__log_level_find(const char *name)
{
    for (int level = 0; level < BJ_LOG__COUNT; level++)
        if (strcmp(level_names[level], name) == 0)
            return level;
    return -1;
}

/* systemd says which file the journal's is, so that a redirected stderr is not taken for it (systemd.exec(5)). */
static bool is_journal(int fd)
{
    const char *said = secure_getenv("JOURNAL_STREAM");
    struct stat status;
    char here[64];
    if (!said || fstat(fd, &status) < 0)
        return false;
    (void)snprintf(here, sizeof(here), "%llu:%llu", (unsigned long long)status.st_dev,
                   (unsigned long long)status.st_ino);
    return strcmp(said, here) == 0;
}

void bj__log_init(struct bj_log *log, int fd, const char *process)
{
    *log = (struct bj_log){.fd = fd, .process = process, .journal = process && is_journal(fd)};
}

/* ---- what stands in a line ------------------------------------------------------------------------ */

/* All or nothing; room stays for the end, and for a closing quote. */
static bool put(struct bj_log_line *line, const char *piece, size_t length)
{
    if (line->cut || line->length + length + 1 > BJ_LOG_MAX - END_ROOM) {
        line->cut = true;
        return false;
    }
    memcpy(line->text + line->length, piece, length);
    line->length += length;
    return true;
}

/* One character of UTF-8; its length, or 0: no such (RFC 3629, section 4). */
static size_t decode(const unsigned char *bytes, size_t left, uint32_t *ret_code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = bytes[0] < 0x80             ? 1
                    : (bytes[0] & 0xe0) == 0xc0 ? 2
                    : (bytes[0] & 0xf0) == 0xe0 ? 3
                    : (bytes[0] & 0xf8) == 0xf0 ? 4
                                                : 0;
    if (length == 0 || length > left)
        return 0;
    uint32_t code = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
    for (size_t n = 1; n < length; n++) {
        if ((bytes[n] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (bytes[n] & 0x3fu);
    }
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    *ret_code = code;
    return length;
}

/* Printable ASCII only: nothing that a terminal obeys, and no letters that look like others. */
static bool put_character(struct bj_log_line *line, uint32_t code)
{
    char piece[16];
    int length;
    if (code == '"' || code == '\\')
        length = snprintf(piece, sizeof(piece), "\\%c", (char)code);
    else if (code == '\n')
        length = snprintf(piece, sizeof(piece), "\\n");
    else if (code >= 0x20 && code < 0x7f)
        length = snprintf(piece, sizeof(piece), "%c", (char)code);
    else if (code < 0x10000)
        length = snprintf(piece, sizeof(piece), "\\u%04x", (unsigned)code);
    else
        length = snprintf(piece, sizeof(piece), "\\u%04x\\u%04x", 0xd800u + (unsigned)((code - 0x10000) >> 10),
                          0xdc00u + (unsigned)((code - 0x10000) & 0x3ff));
    return put(line, piece, (size_t)length);
}

static bool put_key(struct bj_log_line *line, const char *key, const char *value)
{
    char piece[128];
    int length = snprintf(piece, sizeof(piece), ",\"%.63s\":%s", key, value);
    return put(line, piece, (size_t)length);
}

void bj__log_bytes(struct bj_log_line *line, const char *key, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    if (!put_key(line, key, "\""))
        return;
    for (size_t n = 0, taken = 0; n < length; n += taken) {
        uint32_t code = 0xfffd;
        taken = decode(at + n, length - n, &code);
        if (taken == 0)
            taken = 1;
        if (!put_character(line, code))
            break;
    }
    line->text[line->length++] = '"'; /* put() keeps room for it */
}

void bj__log_text(struct bj_log_line *line, const char *key, const char *value)
{
    if (value)
        bj__log_bytes(line, key, value, strlen(value));
}

void bj__log_number(struct bj_log_line *line, const char *key, int64_t value)
{
    char digits[32];
    (void)snprintf(digits, sizeof(digits), "%lld", (long long)value);
    (void)put_key(line, key, digits);
}

void bj__log_real(struct bj_log_line *line, const char *key, double value)
{
    char digits[40];
    (void)snprintf(digits, sizeof(digits), "%.17g", value);
    (void)put_key(line, key, digits);
}

void bj__log_flag(struct bj_log_line *line, const char *key, bool value)
{
    (void)put_key(line, key, value ? "true" : "false");
}

/* "2026-03-01T12:34:56.789012Z" */
static void write_time(char text[40])
{
    struct timespec now;
    struct tm parts;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (!gmtime_r(&now.tv_sec, &parts))
        parts = (struct tm){.tm_year = 70, .tm_mday = 1};
    size_t length = strftime(text, 40, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text + length, 40 - length, ".%06ldZ", now.tv_nsec / 1000);
}

void bj__log_begin(struct bj_log_line *line, const struct bj_log *log, enum bj_log_level level,
                   const char *event)
{
    char begin[128];
    char now[40];
    int length = 0;
    line->length = 0;
    line->cut = false;
    if (log->journal)
        length = snprintf(begin, sizeof(begin), "<%d>", level_numbers[level]);
    if (log->process) {
        write_time(now);
        length += snprintf(begin + length, sizeof(begin) - (size_t)length,
                           "{\"time\":\"%s\",\"level\":\"%s\",\"process\":\"%.16s\"", now, level_names[level],
                           log->process);
    } else {
        length +=
            snprintf(begin + length, sizeof(begin) - (size_t)length, "{\"level\":\"%s\"", level_names[level]);
    }
    (void)put(line, begin, (size_t)length);
    bj__log_text(line, "event", event);
}

/* ---- where it goes -------------------------------------------------------------------------------- */

/* A pipe that has room at all has room for PIPE_BUF bytes; a socket says itself. */
static bool send_line(const struct bj_log *log, const struct bj_log_line *line)
{
    if (!log->process)
        return send(log->fd, line->text, line->length, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)line->length;
    struct pollfd room = {.fd = log->fd, .events = POLLOUT};
    if (poll(&room, 1, log->wait_ms) != 1 || !(room.revents & POLLOUT))
        return false;
    return write(log->fd, line->text, line->length) == (ssize_t)line->length;
}

static void finish(const struct bj_log *log, struct bj_log_line *line)
{
    static const char cut[] = ",\"cut\":true";
    if (line->cut) {
        memcpy(line->text + line->length, cut, sizeof(cut) - 1);
        line->length += sizeof(cut) - 1;
    }
    line->text[line->length++] = '}';
    if (log->process)
        line->text[line->length++] = '\n';
    line->text[line->length] = 0;
}

static bool tell_dropped(const struct bj_log *log)
{
    struct bj_log_line line;
    bj__log_begin(&line, log, BJ_LOG_WARNING, "log_dropped");
    bj__log_number(&line, "lines", (int64_t)log->dropped);
    finish(log, &line);
    return send_line(log, &line);
}

void bj__log_end(struct bj_log *log, struct bj_log_line *line)
{
    int saved = errno;
    finish(log, line);
    if (log->dropped > 0 && tell_dropped(log))
        log->dropped = 0;
    if (log->dropped > 0 || !send_line(log, line))
        log->dropped++;
    errno = saved;
}

void bj__log_say(struct bj_log *log, enum bj_log_level level, const char *event, const char *format, ...)
{
    struct bj_log_line line;
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    bj__log_begin(&line, log, level, event);
    bj__log_text(&line, "text", text);
    bj__log_end(log, &line);
}

void bj__log_problem(struct bj_log *log, enum bj_log_level level, const char *event, const struct bj_error *err)
{
    struct bj_log_line line;
    bj__log_begin(&line, log, level, event);
    if (err->field[0])
        bj__log_text(&line, "field", err->field);
    bj__log_text(&line, "text", err->message);
    bj__log_end(log, &line);
}
