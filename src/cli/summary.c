/* The summary: what came of a run, for a person at a terminal.
 * Its own file because it is the only text about a result that is not meant for programs.
 * Changes when: people want to be told something more, or in better words. */
#include "base/buf.h"
#include "cli/cli.h"
#include "cli/facts.h"

#include <stdio.h>

/* Why the run has the status that it has, in words that name the option to turn. */
static const char *explain_limit(const struct facts *facts)
{
    switch (facts->status) {
    case BJ_STATUS_TIME_LIMIT:
        return !facts->limit                       ? "its time was over"
               : !strcmp(facts->limit, "cpu")      ? "its CPU time was used up (--time)"
               : !strcmp(facts->limit, "lifetime") ? "the session's time on the clock was over (--lifetime)"
                                                   : "its time on the clock was over (--wall-time)";
    case BJ_STATUS_MEMORY_LIMIT:
        return "it needed more memory than it may have (--mem)";
    case BJ_STATUS_PROCESS_LIMIT:
        return "it needed more processes than it may have (--processes)";
    case BJ_STATUS_OUTPUT_LIMIT:
        return "it wrote more output than it may (--output-limit)";
    case BJ_STATUS_DISK_LIMIT:
        return "it wrote more to its files than it may (--disk, --files, --fsize)";
    case BJ_STATUS_DENIED:
        return "a layer killed it for what it tried";
    case BJ_STATUS_CANCELLED:
        return "it was ended on request";
    case BJ_STATUS_JAIL_ERROR:
        return facts->error ? facts->error : "the jail failed";
    case BJ_STATUS_EXCEPTION:
        return "an exception ended it";
    case BJ_STATUS_OK:
    case BJ_STATUS_EXIT:
    case BJ_STATUS_SIGNAL:
    case BJ_STATUS__COUNT:
        break;
    }
    return "";
}

static void print_status(const struct facts *facts, const char *after)
{
    if (facts->status == BJ_STATUS_OK || facts->status == BJ_STATUS_EXIT)
        bj__say("belljar: %s: it ended by itself with exit code %d%s", facts->status_name, facts->exit_code,
                after);
    else if (facts->status == BJ_STATUS_SIGNAL)
        bj__say("belljar: %s: signal %d (%s) ended it%s", facts->status_name, facts->signal,
                strsignal(facts->signal), after);
    else
        bj__say("belljar: %s: %s%s", facts->status_name, explain_limit(facts), after);
}

static BJ_PRINTF(2, 3) void add(struct bj_buf *text, const char *format, ...)
{
    char part[80];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(part, sizeof(part), format, args);
    va_end(args);
    (void)bj__buf_printf(text, "%s %s", text->length > 0 ? "," : "", part); /* what does not fit is left out */
}

static void print_usage(const struct facts *facts)
{
    BJ_BUF struct bj_buf text;
    bj__buf_init(&text, 400);
    if (facts->wall_seconds >= 0)
        add(&text, "wall %.3f s", facts->wall_seconds);
    if (facts->cpu_seconds >= 0)
        add(&text, "cpu %.3f s", facts->cpu_seconds);
    if (facts->memory_peak_bytes >= 0)
        add(&text, "memory %.1f MiB at most (%s)", (double)facts->memory_peak_bytes / (1 << 20),
            facts->memory_source ? facts->memory_source : "?");
    if (facts->processes_peak >= 0)
        add(&text, "processes %lld at most", (long long)facts->processes_peak);
    if (text.length > 0)
        bj__say("  used:   %s", (const char *)text.bytes);
}

static void print_truncated(const struct facts *facts)
{
    if (facts->stdout_truncated || facts->stderr_truncated)
        bj__say("  cut:     %s%s%s went over its limit (--output-limit); the rest was dropped",
                facts->stdout_truncated ? "stdout" : "",
                facts->stdout_truncated && facts->stderr_truncated ? " and " : "",
                facts->stderr_truncated ? "stderr" : "");
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "?";
}

static void print_denials(const struct facts *facts)
{
    const json_t *denials = json_object_get(facts->root, "denials");

    for (size_t i = 0; i < json_array_size(denials); i++) {
        const json_t *denial = json_array_get(denials, i);
        json_int_t count = json_integer_value(json_object_get(denial, "count"));
        const char *feature = json_string_value(json_object_get(denial, "feature"));
        char times[32] = "";
        if (count > 1)
            (void)snprintf(times, sizeof(times), ", %lld times", (long long)count);
        bj__say("  denied:  %s%s, by %s%s%s%s", text_of(denial, "what"), times, text_of(denial, "layer"),
                feature ? " (the feature \"" : "", feature ? feature : "", feature ? "\" would allow it)" : "");
    }
}

static void print_missing_layers(const struct facts *facts)
{
    json_t *layers = json_object_get(facts->root, "layers");

    for (void *at = json_object_iter(layers); at; at = json_object_iter_next(layers, at)) {
        const char *text = json_string_value(json_object_iter_value(at));
        if (text && !strncmp(text, "unavailable", strlen("unavailable")))
            bj__say("  missing: %s (%s)", json_object_iter_key(at), text);
    }
}

void bj__summary_print_why(const struct facts *facts, const char *after)
{
    if (facts->status != BJ_STATUS_OK && facts->status != BJ_STATUS_EXCEPTION)
        print_status(facts, after);
    print_truncated(facts);
}

void bj__summary_print(const struct facts *facts)
{
    print_status(facts, "");
    print_usage(facts);
    print_truncated(facts);
    print_denials(facts);
    print_missing_layers(facts);
}

void bj__summary_print_timing(const struct facts *facts)
{
    json_t *timing = json_object_get(facts->root, "timing");
    const json_t *operations = json_object_get(timing, "operations");

    for (void *at = json_object_iter(timing); at; at = json_object_iter_next(timing, at))
        if (json_is_integer(json_object_iter_value(at)))
            bj__say("  %8lld us  %s", (long long)json_integer_value(json_object_iter_value(at)),
                    json_object_iter_key(at));
    for (size_t i = 0; i < json_array_size(operations); i++) {
        const json_t *operation = json_array_get(operations, i);
        bj__say("  %8lld us    %s", (long long)json_integer_value(json_object_get(operation, "us")),
                text_of(operation, "op"));
    }
}
