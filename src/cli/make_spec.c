/* From the options to a spec: the profile or the request, then each setting in order, then the command.
 * Its own file because run, plan and explain must mean the same by the same options.
 * Changes when: a spec can come from somewhere else. */
#include "cli/cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "spec/spec.h"

int bj__read_all(int fd, const char *field, const char *name, struct bj_buf *buf, struct bj_error *err)
{
    for (;;) {
        int r = bj__buf_reserve(buf, BJ_READ_PIECE);
        if (r == -ENOBUFS)
            return bj__error(err, BJ_ERROR_INVALID, EFBIG, field, "\"%s\" is larger than %zu bytes", name,
                             (size_t)BJ_MAX_SPEC_JSON);
        if (r < 0)
            return bj__error_memory(err);
        ssize_t got = read(fd, buf->bytes + buf->length, BJ_READ_PIECE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return bj__error_system(err, errno, field, "cannot read \"%s\"", name);
        if (got == 0)
            return 0;
        buf->length += (size_t)got;
    }
}

int bj__read_file(const char *field, const char *name, struct bj_buf *ret_buf, struct bj_error *err)
{
    BJ_FD int fd = -1;

    bj__buf_init(ret_buf, (size_t)BJ_MAX_SPEC_JSON + BJ_READ_PIECE);
    if (strcmp(name, "-") != 0) {
        fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return bj__error_system(err, errno, field, "cannot open \"%s\"", name);
    }
    return bj__read_all(fd < 0 ? STDIN_FILENO : fd, field, name, ret_buf, err);
}

static int load_request(const char *name, struct bj_spec **ret_spec, struct bj_error *err)
{
    BJ_BUF struct bj_buf buf;

    int r = bj__read_file("--spec", name, &buf, err);
    if (r < 0)
        return r;
    return bj_spec_from_json(buf.length ? (const char *)buf.bytes : "", buf.length, ret_spec, err);
}

/* A request is complete: what else is said about the run would widen it or contradict it. */
static int check_request_options(const struct options *options, struct bj_error *err)
{
    const char *name = options->setting_count ? options->settings[0].row->name
                       : options->profile     ? "profile"
                       : options->stdin_file  ? "stdin"
                                              : NULL;
    if (name) {
        char field[72];
        (void)snprintf(field, sizeof(field), "--%s", name);
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, field,
                         "cannot be combined with --spec; write it into the request");
    }
    if (options->rest_count && options->command != CLI_EXPLAIN)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--spec",
                         "\"%s\": the request says what is run; no command may follow", options->rest[0]);
    return 0;
}

static bool is_snippet(const struct options *options)
{
    return options->command == CLI_EXEC || options->command == CLI_EVAL;
}

static bool is_python(const struct options *options)
{
    return is_snippet(options) || options->command == CLI_REPL || options->command == CLI_CGI;
}

static int apply_settings(const struct options *options, struct bj_spec *spec, struct bj_error *err)
{
    for (size_t i = 0; i < options->setting_count; i++) {
        const struct setting *setting = &options->settings[i];
        int r = setting->row->apply(spec, setting, err);
        if (r < 0) {
            if (err)
                (void)snprintf(err->field, sizeof(err->field), "--%s", setting->row->name);
            return r;
        }
    }
    return 0;
}

/* A profile may say itself what is run. */
static int set_command(const struct options *options, struct bj_spec *spec, struct bj_error *err)
{
    if (is_snippet(options))
        return bj__snippet_set(options, spec, err);
    if (options->rest_count)
        return bj_spec_set_command(spec, options->rest, err);
    if (spec->command.count || spec->code || spec->expression)
        return 0;
    return bj__error(err, BJ_ERROR_INVALID, EINVAL, "",
                     "there is no command; write: belljar %s [options] -- COMMAND [ARGUMENT...]",
                     bj__command_name(options->command));
}

static void free_spec(struct bj_spec **spec)
{
    bj_spec_free(*spec);
}

int bj__make_spec(const struct options *options, bool for_command, struct bj_spec **ret_spec,
                  struct bj_error *err)
{
    BJ_CLEANUP(free_spec) struct bj_spec *spec = NULL;
    int r;

    if (options->spec_file) {
        r = check_request_options(options, err);
        if (r == 0)
            r = load_request(options->spec_file, &spec, err);
    } else {
        r = bj_spec_from_profile(options->profile     ? options->profile
                                 : is_python(options) ? "python"
                                                      : "default",
                                 &spec, err);
        if (r == 0)
            r = apply_settings(options, spec, err);
        if (r == 0 && for_command)
            r = set_command(options, spec, err);
    }
    if (r < 0)
        return r;
    *ret_spec = spec;
    spec = NULL;
    return 0;
}
