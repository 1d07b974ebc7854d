/* The reply of a snippet: read up to a maximum while it runs, and judged by its form when everything is dead.
 * Its own file because what is read here was written by the guest, and looks like our own words.
 * Changes when: base/reply.h does. */
#include "base/reply.h"
#include "base/json_scan.h"
#include "supervise/calls.h"

#include <jansson.h>
#include <unistd.h>

#define FORM (64u << 10) /* heads, and what is told instead of a result that is too large */

void bj__reply_start(struct bj_run *run)
{
    bj__buf_init(&run->reply, run->plan->limits.output_bytes + FORM);
}

void bj__reply_read(struct bj_run *run)
{
    unsigned char bytes[8192];
    if (run->calls && !bj__calls_read(run))
        return;
    for (int i = 0; i < 8 && run->streams.reply_fd >= 0; i++) {
        ssize_t n = read(run->streams.reply_fd, bytes, sizeof(bytes));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            bj__run_fail(run, errno, "read the snippet's reply");
        int r = n > 0 ? bj__buf_add(&run->reply, bytes, (size_t)n) : 0;
        if (r == -ENOBUFS)
            bj__run_end(run, BJ_KILL_OUTPUT);
        else if (r < 0)
            bj__run_fail(run, -r, "keep the snippet's reply");
        if (n <= 0 || r < 0) {
            bj__unwatch(run, run->streams.reply_fd);
            bj__fd_close(&run->streams.reply_fd);
        }
    }
}

bool bj__reply_has_end(const struct bj_run *run)
{
    struct bj_reply_head head;
    if (run->reply.length < sizeof(head))
        return false;
    memcpy(&head, run->reply.bytes + run->reply.length - sizeof(head), sizeof(head));
    return head.magic == BJ_REPLY_MAGIC && head.kind == BJ_REPLY_END && head.length == 0;
}

/* Three texts and nothing else. */
static bool is_exception(const char *text, size_t length)
{
    const char *type;
    const char *message;
    const char *traceback;
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    bool good = json_unpack_ex(object, NULL, JSON_STRICT, "{s:s, s:s, s:s}", "type", &type, "message", &message,
                               "traceback", &traceback) == 0;
    json_decref(object);
    return good;
}

#define POLICY_DENIALS_MAX 32u
#define POLICY_WHAT_MAX    96u

/* A short list of short texts and numbers: it is shown beside the kernel's own. */
static bool are_denials(const json_t *array)
{
    bool good = json_is_array(array) && json_array_size(array) <= POLICY_DENIALS_MAX;
    for (size_t i = 0; good && i < json_array_size(array); i++) {
        const char *what;
        const char *feature;
        json_int_t count;
        good = json_unpack_ex(json_array_get(array, i), NULL, JSON_STRICT, "{s:s, s:s, s:I}", "what", &what,
                              "feature", &feature, "count", &count) == 0 &&
               count > 0 && strlen(what) < POLICY_WHAT_MAX && strlen(feature) < POLICY_WHAT_MAX;
    }
    return good;
}

static bool are_texts(const json_t *array)
{
    bool good = json_is_array(array);
    for (size_t i = 0; good && i < json_array_size(array); i++)
        good = json_is_string(json_array_get(array, i));
    return good;
}

static bool is_policy(const char *text, size_t length)
{
    json_t *denials;
    json_t *names;
    json_t *printed;
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    bool good = json_unpack_ex(object, NULL, JSON_STRICT, "{s:o, s:o, s:o}", "denials", &denials, "names",
                               &names, "printed", &printed) == 0 &&
                are_denials(denials) && (json_is_null(names) || are_texts(names)) &&
                (json_is_null(printed) || json_is_string(printed));
    json_decref(object);
    return good;
}

static bool is_part(uint32_t kind, const char *text, size_t length)
{
    if (kind == BJ_REPLY_END)
        return length == 0;
    if (!bj__json_is_valid(text, length, BJ_REPLY_DEPTH))
        return false;
    if (kind == BJ_REPLY_TRACE)
        return bj__json_is_trace(text, length, BJ_REPLY_DEPTH);
    if (kind == BJ_REPLY_GLOBALS)
        return text[0] == '{';
    if (kind == BJ_REPLY_POLICY)
        return is_policy(text, length);
    return kind == BJ_REPLY_VALUE || (kind == BJ_REPLY_EXCEPTION && is_exception(text, length));
}

static void drop(struct bj_snippet_result *snippet)
{
    for (size_t i = 0; i < BJ_COUNT(snippet->parts); i++) {
        free(snippet->parts[i]);
        snippet->parts[i] = NULL;
    }
}

static const char *parse(const struct bj_buf *reply, struct bj_snippet_result *snippet, bool *ret_memory)
{
    uint32_t last = 0;
    for (size_t at = 0; last != BJ_REPLY_END;) {
        struct bj_reply_head head;
        if (reply->length - at < sizeof(head))
            return at == 0 ? "it ended without a result" : "its result has no end";
        memcpy(&head, reply->bytes + at, sizeof(head));
        at += sizeof(head);
        if (head.magic != BJ_REPLY_MAGIC || head.kind <= last || head.kind > BJ_REPLY_END ||
            head.length > reply->length - at)
            return "its result is no result";
        const char *text = (const char *)reply->bytes + at;
        if (!is_part(head.kind, text, head.length))
            return "its result holds what is no JSON";
        if (head.kind == BJ_REPLY_END && at != reply->length)
            return "it wrote more than one result";
        if (head.kind != BJ_REPLY_END) {
            snippet->parts[head.kind] = strndup(text, head.length);
            *ret_memory = !snippet->parts[head.kind];
        }
        if (*ret_memory)
            return "out of memory";
        at += head.length;
        last = head.kind;
    }
    return NULL;
}

const char *bj__reply_parse(const struct bj_buf *reply, struct bj_snippet_result *ret_snippet, bool *ret_memory)
{
    *ret_memory = false;
    *ret_snippet = (struct bj_snippet_result){.why = NULL};
    ret_snippet->why = parse(reply, ret_snippet, ret_memory);
    if (ret_snippet->why)
        drop(ret_snippet);
    return ret_snippet->why;
}

void bj__reply_take(struct bj_run *run, struct bj_evidence *evidence)
{
    struct bj_snippet_result *snippet = &run->result->snippet;
    bool memory = false;
    if (!run->plan->request)
        return;
    if (run->calls)
        bj__calls_finish(run);
    for (int i = 0; i < 64 && run->streams.reply_fd >= 0; i++) /* a pipe holds a megabyte at most */
        bj__reply_read(run);
    evidence->snippet = true;
    evidence->replied = bj__reply_parse(&run->reply, snippet, &memory) == NULL;
    if (memory)
        bj__run_fail(run, ENOMEM, "keep the snippet's result");
    evidence->raised = snippet->parts[BJ_REPLY_EXCEPTION] != NULL;
}
