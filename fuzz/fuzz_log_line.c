/* Any message as a line of the front's log: what the keeper writes is one line of printable JSON that is the front's, and a word is
 * heard only from a good one. Its own file because each fuzzer is one property.
 * Changes when: a line may hold something more. */
#include "fuzz.h"
#include "server/log_line.h"

#include <jansson.h>
#include <sys/socket.h>
#include <unistd.h>

/* As the log has it; its length. */
static size_t logged(const struct bj_log_line *made, char text[BJ_LOG_MAX + 2])
{
    struct bj_log_line line = *made;
    int ends[2];
    fuzz_must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "no socket", "");
    struct bj_log log = {.fd = ends[0], .process = "front"};
    bj__log_end(&log, &line);
    ssize_t n = recv(ends[1], text, BJ_LOG_MAX + 1, MSG_DONTWAIT);
    (void)close(ends[0]);
    (void)close(ends[1]);
    fuzz_must(n > 0 && (size_t)n <= BJ_LOG_MAX, "no line, or one that is too long", "");
    text[n] = 0;
    return (size_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char text[BJ_LOG_MAX + 2];
    struct bj_log log = {.fd = -1, .process = "front"};
    struct bj_log_line line;
    struct bj_log_heard heard;
    if (size > BJ_LOG_MAX)
        size = BJ_LOG_MAX;
    int r = bj__log_rewrite(&log, bytes, size, &line, &heard);
    fuzz_must(r == 0 || strcmp(heard.event, "front_said") == 0, "a word was heard from what is no line",
              heard.event);
    size_t length = logged(&line, text);
    for (size_t n = 0; n + 1 < length; n++)
        fuzz_must(text[n] >= 0x20 && text[n] < 0x7f, "not printable", text);
    fuzz_must(text[length - 1] == '\n', "a line has no end", text);
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const char *process = json_string_value(json_object_get(root, "process"));
    const char *event = json_string_value(json_object_get(root, "event"));
    fuzz_must(process && strcmp(process, "front") == 0, "not the front's", text);
    fuzz_must(event && strcmp(event, heard.event) == 0, "another event than was heard", text);
    json_decref(root);
    return 0;
}
