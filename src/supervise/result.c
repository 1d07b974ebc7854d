/* Results: freeing, reading, and the exit status that stands for one.
 * Its own file because it is the public face of a result.
 * Changes when: the public contract of results changes. */
#include "supervise/result.h"
#include "base/reply.h"

static const char *const status_names[] = {
#define X(name, text) text,
    BJ_STATUS_LIST(X)
#undef X
};
_Static_assert(BJ_COUNT(status_names) == BJ_STATUS__COUNT, "one name per status");

const char *bj_status_name(enum bj_status status)
{
    return (unsigned)status < BJ_STATUS__COUNT ? status_names[status] : "";
}

void bj_result_free(struct bj_result *result)
{
    if (!result)
        return;
    for (enum bj_stream stream = BJ_STDOUT; stream <= BJ_STDERR; stream++)
        bj__buf_done(&result->output[stream]);
    for (size_t i = 0; i < result->file_count; i++) {
        free(result->files[i].path);
        free(result->files[i].bytes);
    }
    free(result->files);
    for (size_t i = 0; i < BJ_COUNT(result->snippet.parts); i++)
        free(result->snippet.parts[i]);
    free(result->timing);
    free(result);
}

enum bj_status bj_result_status(const struct bj_result *result)
{
    return result->verdict.status;
}

const char *bj_result_limit(const struct bj_result *result)
{
    return result->verdict.limit;
}

int bj_result_exit_code(const struct bj_result *result)
{
    return result->verdict.exit_code;
}

int bj_result_signal(const struct bj_result *result)
{
    return result->verdict.signal;
}

int bj_result_exit_status(const struct bj_result *result)
{
    switch (result->verdict.status) {
    case BJ_STATUS_TIME_LIMIT:
        return 124; /* as timeout(1) */
    case BJ_STATUS_JAIL_ERROR:
        return 125;
    case BJ_STATUS_MEMORY_LIMIT:
    case BJ_STATUS_OUTPUT_LIMIT: /* also when it had just ended by itself: who was over the limit must not read 0 */
        return 137;
    case BJ_STATUS_DENIED:
        return 159; /* 128 + SIGSYS, as if the filter itself had killed it */
    case BJ_STATUS_CANCELLED:
        return 130;
    case BJ_STATUS_OK:
    case BJ_STATUS_EXIT:
    case BJ_STATUS_EXCEPTION:
    case BJ_STATUS_SIGNAL:
    case BJ_STATUS_PROCESS_LIMIT:
    case BJ_STATUS_DISK_LIMIT:
    case BJ_STATUS__COUNT:
    default:
        if (result->verdict.status == BJ_STATUS_EXIT && result->verdict.exit_code == 0)
            return 1; /* a snippet without a result */
        return result->verdict.signal ? 128 + result->verdict.signal : result->verdict.exit_code;
    }
}

const char *bj_result_value(const struct bj_result *result)
{
    return result->snippet.parts[BJ_REPLY_VALUE];
}

const char *bj_result_globals(const struct bj_result *result)
{
    return result->snippet.parts[BJ_REPLY_GLOBALS];
}

const char *bj_result_exception(const struct bj_result *result)
{
    return result->snippet.parts[BJ_REPLY_EXCEPTION];
}

const char *bj_result_trace(const struct bj_result *result)
{
    return result->snippet.parts[BJ_REPLY_TRACE];
}

const void *bj_result_output(const struct bj_result *result, enum bj_stream stream, size_t *ret_length)
{
    const struct bj_buf *buf = &result->output[stream == BJ_STDERR ? BJ_STDERR : BJ_STDOUT];
    *ret_length = buf->length;
    return buf->bytes ? (const void *)buf->bytes : "";
}

size_t bj_result_file_count(const struct bj_result *result)
{
    return result->file_count;
}

const void *bj_result_file(const struct bj_result *result, size_t n, const char **ret_path, size_t *ret_length,
                           const char **ret_why)
{
    if (n >= result->file_count)
        return NULL;
    const struct bj_collected *file = &result->files[n];
    *ret_path = file->path;
    *ret_length = file->length;
    *ret_why = file->why;
    return file->bytes;
}
