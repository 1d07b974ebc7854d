/* What safeexec says of a run: one line for the verdict, then figures.
 * Its own file because scripts compare every byte of it.
 * Changes when: a status of a result is told in other words. */
#include "cli/safeexec/report.h"

#include <signal.h>
#include <stdio.h>

#define OUTPUT_LIMIT "Output Limit Exceeded"

static const char *const interruptions[] = {[SIGHUP] = "SIGHUP", [SIGINT] = "SIGINT", [SIGTERM] = "SIGTERM"};

/* NULL: the program ended by itself, or by a signal that is not ours. */
static const char *line_of_status(const struct facts *facts)
{
    switch (facts->status) {
    case BJ_STATUS_OK:
        return "OK";
    case BJ_STATUS_TIME_LIMIT:
        return "Time Limit Exceeded";
    case BJ_STATUS_MEMORY_LIMIT:
        return "Memory Limit Exceeded";
    case BJ_STATUS_OUTPUT_LIMIT:
    case BJ_STATUS_DISK_LIMIT:
        return OUTPUT_LIMIT;
    case BJ_STATUS_DENIED: /* what the words meant when safeexec looked at system calls itself */
        return "Invalid Function";
    case BJ_STATUS_CANCELLED: /* whoever read the output has gone: without a jail that is SIGPIPE */
    case BJ_STATUS_JAIL_ERROR:
        return "Internal Error";
    case BJ_STATUS_EXIT:
    case BJ_STATUS_EXCEPTION:
    case BJ_STATUS_SIGNAL:
    case BJ_STATUS_PROCESS_LIMIT:
    case BJ_STATUS__COUNT:
        break;
    }
    return NULL;
}

static const char *line_of_signal(int number)
{
    return number == SIGXFSZ   ? OUTPUT_LIMIT
           : number == SIGHUP  ? "Invalid Function"
           : number == SIGPIPE ? "Internal Error"
                               : NULL;
}

void bj__safeexec_verdict(const struct facts *facts, int interrupted, char *ret_line, size_t size)
{
    const char *line = line_of_status(facts);
    const char *name = json_string_value(json_object_get(facts->root, "signal"));
    int number = facts->signal;
    int exit_code =
        facts->error ? 1 : facts->exit_code; /* it could not be executed: as of the old command's child */

    if (facts->status == BJ_STATUS_CANCELLED && interrupted) {
        number = interrupted;
        name = interruptions[interrupted];
        line = NULL;
    } else if (!line && number > 0) {
        line = line_of_signal(number);
    }
    if ((!line || facts->status == BJ_STATUS_OK) && (facts->stdout_truncated || facts->stderr_truncated))
        line = OUTPUT_LIMIT;
    if (line)
        (void)snprintf(ret_line, size, "%s", line);
    else if (number > 0)
        (void)snprintf(ret_line, size, "Command terminated by signal (%d: %s)", number, name ? name : "");
    else
        (void)snprintf(ret_line, size, "Command exited with non-zero status (%d)", exit_code);
}

/* The CPU limit is looked at now and then: what was counted behind it is not the program's fault. */
static double cpu_seconds(const struct facts *facts, double limit)
{
    if (facts->status == BJ_STATUS_TIME_LIMIT && facts->limit && !strcmp(facts->limit, "cpu"))
        return limit;
    return facts->cpu_seconds >= 0 ? facts->cpu_seconds : 0;
}

bool bj__safeexec_report_add(struct bj_buf *out, const struct facts *facts, double cpu_limit, int interrupted)
{
    char line[96];

    bj__safeexec_verdict(facts, interrupted, line, sizeof(line));
    (void)bj__buf_printf(out, "%s\n", line);
    (void)bj__buf_printf(out, "elapsed time: %d seconds\n",
                         facts->wall_seconds > 0 ? (int)facts->wall_seconds : 0);
    if (facts->memory_peak_bytes >= 0)
        (void)bj__buf_printf(out, "memory usage: %lld kbytes\n", (long long)facts->memory_peak_bytes / 1024);
    (void)bj__buf_printf(out, "cpu usage: %0.3f seconds\n", cpu_seconds(facts, cpu_limit));
    return !strcmp(line, "OK");
}
