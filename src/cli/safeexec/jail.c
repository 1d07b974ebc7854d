/* What was asked of safeexec, as a spec: limits, environment, network, and the view of the host.
 * Its own file because what each option means in a jail is decided here, in tables.
 * Changes when: an option is mapped to something else. */
#include <jansson.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/safeexec/safeexec.h"
#include "spec/spec.h"

struct limit_row {
    enum safeexec_number number;
    const char *option;
    const char *field;
    uint64_t factor;
    uint64_t added; /* before the factor */
};

static const struct limit_row limits[] = {
    {SAFEEXEC_CPU, "cpu", "cpu_us", 1000000, 0},    {SAFEEXEC_CLOCK, "clock", "wall_us", 1000000, 0},
    {SAFEEXEC_MEM, "mem", "memory_bytes", 1024, 0}, {SAFEEXEC_STACK, "stack", "stack_bytes", 1024, 0},
    {SAFEEXEC_NPROC, "nproc", "processes", 1, 1},   {SAFEEXEC_FSIZE, "fsize", "file_bytes", 1024, 0},
    {SAFEEXEC_NFILE, "nfile", "open_files", 1, 0},
};

static const struct {
    const char *field;
    uint64_t least;
    uint64_t most;
} bounds[] = {
#define X(limit, name, unit, minimum, maximum) {#limit, minimum, maximum},
    BJ_LIMIT_LIST(X)
#undef X
};

static const char *const python_env[] = {"PYTHONIOENCODING=utf-8", "PYTHONHOME=/", "PYTHONPATH=/static"};

/* More than a jail can have is made less, and said; less than a jail needs is refused, never made more. */
static int set_limit(struct bj_spec *spec, const struct limit_row *row, uint64_t number, struct bj_error *err)
{
    size_t n = 0;

    while (n < BJ_COUNT(bounds) - 1 && strcmp(bounds[n].field, row->field) != 0)
        n++;
    uint64_t most = bounds[n].most / row->factor - row->added;
    uint64_t least = (bounds[n].least + row->factor - 1) / row->factor;
    char field[32];
    (void)snprintf(field, sizeof(field), "--%s", row->option);
    if (number + row->added < least)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, field,
                         "%llu is too little for a jail; give at least %llu", (unsigned long long)number,
                         (unsigned long long)(least - row->added));
    if (number > most) {
        bj__say("safeexec: --%s: %llu is more than a jail can have; %llu is used", row->option,
                (unsigned long long)number, (unsigned long long)most);
        number = most;
    }
    return bj_spec_set_limit(spec, row->field, (number + row->added) * row->factor, err);
}

/* Output is dropped behind its limit and the program goes on, so that one without an end still meets its time
 * limit, as ever; a report says what was dropped. */
static int set_limits(const struct safeexec *request, struct bj_spec *spec, struct bj_error *err)
{
    uint64_t address_space = request->numbers[SAFEEXEC_MEM] * 1024;
    uint64_t written = request->numbers[SAFEEXEC_FSIZE] * 1024;
    int r = 0;

    for (size_t i = 0; r == 0 && i < BJ_COUNT(limits); i++)
        r = set_limit(spec, &limits[i], request->numbers[limits[i].number], err);
    if (r == 0) /* its least is more than the least memory, and no wall beside it */
        r = bj_spec_set_limit(spec, "address_space_bytes", address_space < 1u << 20 ? 1u << 20 : address_space,
                              err);
    if (r == 0 && written > spec->limits.disk_bytes)
        r = bj_spec_set_limit(spec, "disk_bytes", written, err);
    if (r == 0)
        r = bj_spec_set_limit(spec, "output_bytes", BJ_MAX_OUTPUT, err);
    if (r == 0)
        r = bj_spec_set_output_action(spec, "truncate", err);
    if (r == 0 && request->numbers[SAFEEXEC_CORE] > 0)
        bj__say("safeexec: --core: a jail writes no core file; 0 is used");
    return r;
}

static int add_variable(struct bj_spec *spec, const char *line, size_t length, struct bj_error *err)
{
    const char *equals = memchr(line, '=', length);

    if (!equals)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--env_vars", "\"%.*s\" has no '='; write NAME=VALUE",
                         (int)(length < 60 ? length : 60), line);
    BJ_FREE char *name = strndup(line, length);
    if (!name)
        return bj__error_memory(err);
    char *value = name + (equals - line);
    *value++ = 0;
    return bj_spec_set_env(spec, name, value, err);
}

static int set_environment(const struct safeexec *request, struct bj_spec *spec, struct bj_error *err)
{
    const char *at = request->texts[SAFEEXEC_ENV_VARS];
    int r = 0;

    if (at && !strcmp(at, "PY")) {
        for (size_t i = 0; r == 0 && i < BJ_COUNT(python_env); i++)
            r = add_variable(spec, python_env[i], strlen(python_env[i]), err);
        return r;
    }
    while (r == 0 && at && *at) {
        size_t length = strcspn(at, "\n");
        if (length > 0)
            r = add_variable(spec, at, length, err);
        at += length + (at[length] == '\n');
    }
    return r;
}

static int set_command(const struct safeexec *request, const struct safeexec_view *view, struct bj_spec *spec,
                       struct bj_error *err)
{
    size_t count = 0;

    while (request->command[count])
        count++;
    BJ_FREE const char **argv = calloc(count + 1, sizeof(*argv));
    if (!argv)
        return bj__error_memory(err);
    for (size_t i = 0; i < count; i++)
        argv[i] = i ? request->command[i] : view->command;
    int r = bj_spec_set_command(spec, argv, err);
    return r < 0 ? r : bj_spec_set_directory(spec, view->directory, err);
}

/* The profile "default" of this host, with what its operator wrote into it, and what no setter can say. */
static int load_profile(const struct safeexec *request, json_t **ret_profile, struct bj_error *err)
{
    struct bj_spec *spec = NULL;
    int r = bj_spec_from_profile("default", &spec, err);
    if (r < 0)
        return r;
    BJ_FREE char *text = bj_spec_json(spec);
    bj_spec_free(spec);
    json_t *profile = text ? json_loads(text, 0, NULL) : NULL;
    if (!profile ||
        json_object_set_new(profile, "nice", json_integer((json_int_t)request->numbers[SAFEEXEC_NICENESS])) <
            0 ||
        (request->texts[SAFEEXEC_ENV_VARS] && json_object_set_new(profile, "env", json_object()) < 0)) {
        json_decref(profile);
        return bj__error_memory(err);
    }
    *ret_profile = profile;
    return 0;
}

static int from_profile(json_t *profile, struct bj_spec **ret_spec, struct bj_error *err)
{
    BJ_FREE char *text = json_dumps(profile, 0);

    return text ? bj__spec_parse_profile("safeexec", text, strlen(text), ret_spec, err) : bj__error_memory(err);
}

int bj__safeexec_spec(const struct safeexec *request, struct bj_spec **ret_spec, struct bj_error *err)
{
    struct safeexec_view view = {.directory = "/box"};
    struct bj_spec *spec = NULL;
    json_t *profile = NULL;
    int r = 0;

    if (strlen(request->command[0]) > PATH_MAX - 4) /* room for "./" */
        r = bj__error(err, BJ_ERROR_INVALID, ENAMETOOLONG, "--exec", "\"%.60s...\" is too long a path",
                      request->command[0]);
    if (r == 0)
        r = load_profile(request, &profile, err);
    if (r == 0)
        r = request->texts[SAFEEXEC_CHROOT_DIR] ? bj__safeexec_view_root(request, profile, &view, err)
                                                : bj__safeexec_view(request, profile, &view, err);
    if (r == 0)
        r = from_profile(profile, &spec, err);
    json_decref(profile);
    if (r == 0)
        r = set_limits(request, spec, err);
    if (r == 0)
        r = set_environment(request, spec, err);
    if (r == 0)
        r = set_command(request, &view, spec, err);
    if (r == 0 && request->flags[SAFEEXEC_SHARE_NEWNET])
        r = bj_spec_set_network(spec, "host", err);
    if (r < 0) {
        bj_spec_free(spec);
        return r;
    }
    *ret_spec = spec;
    return 0;
}
