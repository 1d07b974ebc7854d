/* belljar exec and eval: where the Python comes from, and how what it told is printed.
 * Its own file because everything else of a run is the same for a command.
 * Changes when: a snippet can come from somewhere else, or is told in another way. */
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/escape.h"

int bj__snippet_set(const struct options *options, struct bj_spec *spec, struct bj_error *err)
{
    BJ_BUF struct bj_buf source = {.maximum = 0};

    bool takes_arguments = options->command == CLI_EXEC;
    if (options->rest_count == 0 || (options->rest_count > 1 && !takes_arguments))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "%s; write: belljar %s [options] -- %s",
                         options->rest_count ? "there is more than one word" : "there is nothing to run",
                         bj__command_name(options->command),
                         takes_arguments ? "FILE [ARGUMENT...]" : "'EXPRESSION'");
    if (options->command == CLI_EVAL)
        return bj_spec_set_expression(spec, options->rest[0], err);
    int r = bj__read_file("", options->rest[0], &source, err);
    if (r == 0 && source.length && memchr(source.bytes, 0, source.length))
        r = bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "\"%s\" holds a NUL byte; it is no Python",
                      options->rest[0]);
    if (r == 0 && bj__buf_add(&source, "", 1) < 0)
        r = bj__error_memory(err);
    if (r == 0)
        r = bj_spec_set_code(spec, (const char *)source.bytes, err);
    return r < 0 || options->rest_count == 1 ? r : bj_spec_set_args(spec, options->rest + 1, err);
}

/* The guest wrote it: control characters are shown, not sent. */
void bj__snippet_print_exception(const char *exception)
{
    BJ_BUF struct bj_buf shown;
    struct escape escape = {0};
    json_t *object = json_loads(exception, JSON_ALLOW_NUL, NULL);
    json_t *traceback = json_object_get(object, "traceback");

    bj__buf_init(&shown, SIZE_MAX / 4);
    int r = bj__escape_add(&escape, &shown, json_string_value(traceback), json_string_length(traceback));
    if (r == 0 && json_string_length(traceback) == 0) {
        const char *message = json_string_value(json_object_get(object, "message"));
        r = bj__buf_printf(&shown, "%s: ", json_string_value(json_object_get(object, "type")));
        if (r == 0)
            r = bj__escape_add(&escape, &shown, message, strlen(message));
        if (r == 0)
            r = bj__buf_add(&shown, "\n", 1);
    }
    if (r == 0 && bj__escape_end(&escape, &shown) == 0)
        (void)bj__write_all(STDERR_FILENO, shown.bytes, shown.length);
    json_decref(object);
}

/* So is what a terminal is shown of a value: JSON lets through what is above 0x7f. */
int bj__snippet_print_value(const struct options *options, const char *value)
{
    BJ_BUF struct bj_buf shown;
    struct escape escape = {0};

    bj__buf_init(&shown, SIZE_MAX / 4);
    if (options->raw_output || !isatty(STDOUT_FILENO))
        return bj__print(options->command, value);
    if (bj__escape_add(&escape, &shown, value, strlen(value)) < 0 || bj__escape_end(&escape, &shown) < 0 ||
        bj__buf_add(&shown, "\n", 1) < 0) {
        bj__say("belljar: %s: out of memory for the value", bj__command_name(options->command));
        return CLI_FAILED;
    }
    return bj__print(options->command, (const char *)shown.bytes);
}

int bj__snippet_print(const struct options *options, const struct bj_result *result)
{
    const char *value = bj_result_value(result);

    if (bj_result_exception(result))
        bj__snippet_print_exception(bj_result_exception(result));
    return value && options->command == CLI_EVAL ? bj__snippet_print_value(options, value) : 0;
}
