/* Reports for programs that start belljar: the key:value file in the manner of isolate(1), and the JSON lines
 * of
 * --status-fd in the manner of bwrap(1).
 * Its own file because scripts depend on every byte of these two formats.
 * Changes when: a key is added; none is ever renamed. */
#include "cli/cli.h"
#include "cli/facts.h"

#include <stdio.h>

#include "base/buf.h"

/* isolate's two letters; nothing for a program that ended with 0. */
static const char *isolate_status(const struct facts *facts)
{
    switch (facts->status) {
    case BJ_STATUS_OK:
        return NULL;
    case BJ_STATUS_TIME_LIMIT:
        return "TO";
    case BJ_STATUS_JAIL_ERROR:
        return "XX";
    case BJ_STATUS_EXIT:
    case BJ_STATUS_EXCEPTION:
    case BJ_STATUS_SIGNAL:
    case BJ_STATUS_MEMORY_LIMIT:
    case BJ_STATUS_PROCESS_LIMIT:
    case BJ_STATUS_OUTPUT_LIMIT:
    case BJ_STATUS_DISK_LIMIT:
    case BJ_STATUS_DENIED:
    case BJ_STATUS_CANCELLED:
    case BJ_STATUS__COUNT:
        break;
    }
    return facts->exit_code >= 0 ? "RE" : "SG";
}

static bool is_killed(const struct facts *facts)
{
    return facts->status == BJ_STATUS_TIME_LIMIT || facts->status == BJ_STATUS_MEMORY_LIMIT ||
           facts->status == BJ_STATUS_CANCELLED ||
           (facts->exit_code < 0 && facts->status != BJ_STATUS_SIGNAL && facts->status != BJ_STATUS_JAIL_ERROR);
}

static void add_usage(struct bj_buf *out, const struct facts *facts)
{
    const char *source = facts->memory_source;

    if (facts->cpu_seconds >= 0)
        (void)bj__buf_printf(out, "time:%.3f\n", facts->cpu_seconds);
    if (facts->wall_seconds >= 0)
        (void)bj__buf_printf(out, "time-wall:%.3f\n", facts->wall_seconds);
    if (facts->memory_peak_bytes >= 0)
        (void)bj__buf_printf(out, "%s:%lld\n", source && !strncmp(source, "cgroup", 6) ? "cg-mem" : "max-rss",
                             (long long)(facts->memory_peak_bytes / 1024));
    if (facts->processes_peak >= 0)
        (void)bj__buf_printf(out, "processes-peak:%lld\n", (long long)facts->processes_peak);
}

static void add_facts(struct bj_buf *out, const struct facts *facts)
{
    const char *status = isolate_status(facts);

    add_usage(out, facts);
    if (facts->exit_code >= 0)
        (void)bj__buf_printf(out, "exitcode:%d\n", facts->exit_code);
    if (facts->signal > 0)
        (void)bj__buf_printf(out, "exitsig:%d\n", facts->signal);
    if (facts->status == BJ_STATUS_MEMORY_LIMIT)
        (void)bj__buf_printf(out, "cg-oom-killed:1\n");
    if (is_killed(facts))
        (void)bj__buf_printf(out, "killed:1\n");
    if (status)
        (void)bj__buf_printf(out, "status:%s\n", status);
    if (facts->error)
        (void)bj__buf_printf(out, "message:%s\n", facts->error);
    (void)bj__buf_printf(out, "belljar-status:%s\n", facts->status_name);
    if (facts->limit)
        (void)bj__buf_printf(out, "limit:%s\n", facts->limit);
    (void)bj__buf_printf(out, "stdout-truncated:%d\nstderr-truncated:%d\nexit-status:%d\n",
                         facts->stdout_truncated, facts->stderr_truncated, facts->exit_status);
}

/* The buffer is far larger than what is put into it; one that could not grow for lack of memory shows in
 * length. */
int bj__meta_write(int fd, const struct facts *facts, const struct bj_error *error)
{
    BJ_BUF struct bj_buf out;

    bj__buf_init(&out, 8192);
    if (facts)
        add_facts(&out, facts);
    else
        (void)bj__buf_printf(&out, "status:XX\nmessage:%s%s%s\nbelljar-status:jail_error\nexit-status:%d\n",
                             error->field, error->field[0] ? ": " : "", error->message, CLI_FAILED);
    return out.length ? bj__write_all(fd, out.bytes, out.length) : -ENOMEM;
}

int bj__status_write_start(int fd, int pid)
{
    char line[64];
    int length = snprintf(line, sizeof(line), "{\"child-pid\": %d}\n", pid);

    return bj__write_all(fd, line, (size_t)length);
}

int bj__status_write_end(int fd, const char *status, int exit_status)
{
    char line[96];
    int length = snprintf(line, sizeof(line), "{\"status\": \"%s\", \"exit-code\": %d}\n", status, exit_status);

    return bj__write_all(fd, line, (size_t)length);
}
