/* What is asked of Python: code, its arguments, its modules, its rules.
 * Its own file because none of it concerns a command.
 * Changes when: something more can be asked of Python.
 *
 * Nothing here looks at the host: whether there is such an interpreter is found out when the plan is made. */
#include "spec/build.h"
#include "spec/check.h"
#include "spec/policy.h"

#include <jansson.h>
#include <stdio.h>

/* ---- what was given, put in its place ------------------------------------------------------------- */

int bj__spec_join_args(struct bj_spec *spec, struct bj_error *err)
{
    if (spec->args.count == 0 || (spec->command.count == 0 && (spec->code || spec->expression)))
        return 0;
    if (spec->command.count == 0)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "args",
                         "there is no command and no code that they belong to");
    for (size_t n = 0; n < spec->args.count; n++) {
        int r = -E2BIG;
        if (spec->command.count < BJ_MAX_ARGUMENTS)
            r = bj__strings_add(&spec->arena, &spec->command, spec->args.items[n]);
        if (r < 0)
            return bj__spec_build_error(r, "args", BJ_MAX_ARGUMENTS, err);
    }
    spec->args = (struct bj_strings){0};
    return 0;
}

int bj__spec_show_python(struct bj_spec *spec, struct bj_error *err)
{
    if (!spec->python)
        return 0;
    int r = bj__check_host_path("python", spec->python, err);
    for (size_t n = 0; r == 0 && n < spec->mount_count; n++) {
        struct bj_mount *mount = &spec->mounts[n];
        if (strcmp(mount->target, BJ_PYTHON_PLACE) == 0 && mount->executable && mount->mode == BJ_MOUNT_RO) {
            mount->source = spec->python; /* that of a profile, which another one takes the place of */
            return 0;
        }
    }
    const struct bj_mount mount = {
        .source = spec->python, .target = BJ_PYTHON_PLACE, .mode = BJ_MOUNT_RO, .executable = true};
    if (r == 0 && bj__spec_append_mount(spec, &mount) < 0)
        r = bj__error_memory(err);
    return r;
}

int bj_spec_set_python(struct bj_spec *spec, const char *path, struct bj_error *err)
{
    const char *before = spec->python;
    if (!path)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "python",
                         "missing; give the path of a virtual environment");
    if (bj__copy_text(&spec->arena, path, &spec->python) < 0)
        return bj__error_memory(err);
    int r = bj__spec_show_python(spec, err);
    if (r < 0)
        spec->python = before;
    return r;
}

/* ---- checks --------------------------------------------------------------------------------------- */

static bool is_module_name(const char *name)
{
    static const char digits_last[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    for (;; name++) {
        size_t length = strspn(name, digits_last);
        if (length == 0 || (*name >= '0' && *name <= '9'))
            return false;
        name += length;
        if (*name != '.')
            return *name == 0;
    }
}

static int check_preload(const struct bj_spec *spec, struct bj_error *err)
{
    char field[32];
    for (size_t n = 0; n < spec->preload.count; n++) {
        (void)snprintf(field, sizeof(field), "preload[%zu]", n);
        if (!is_module_name(spec->preload.items[n]))
            return bj__error(err, BJ_ERROR_INVALID, EINVAL, field,
                             "\"%.60s\" is not the name of a Python module, such as numpy or xml.etree",
                             spec->preload.items[n]);
    }
    return 0;
}

/* Of a program that is no snippet nobody would keep it. */
static int check_policy(const struct bj_spec *spec, bool for_run, struct bj_error *err)
{
    if (spec->policy && for_run && spec->command.count > 0)
        return bj__error(
            err, BJ_ERROR_INVALID, EINVAL, "policy",
            "a policy is for code and expression, and this runs a command; give one of those, or no policy");
    bool read = spec->policy && !spec->policy_was_read;
    int r = read ? bj__policy_check(spec->policy, err) : 0;
    if (r == 0 && read && spec->code && bj__policy_is_of_expressions(spec->policy))
        r = bj__error(
            err, BJ_ERROR_INVALID, EINVAL, "policy.level",
            "\"expression\" is for an expression, and this is a script; give expression, or another level");
    return r;
}

/* They reach the interpreter as JSON. */
static int check_args(const struct bj_spec *spec, struct bj_error *err)
{
    char field[32];
    for (size_t n = 0; n < spec->args.count; n++) {
        json_t *text = json_string(spec->args.items[n]);
        json_decref(text);
        (void)snprintf(field, sizeof(field), "args[%zu]", n);
        if (!text)
            return bj__error(err, BJ_ERROR_INVALID, EILSEQ, field, "is no UTF-8; give text");
    }
    return 0;
}

/* Names of variables that a snippet can say, and that nobody else has put there. */
static int check_calls(const struct bj_spec *spec, struct bj_error *err)
{
    char field[32];
    for (size_t n = 0; n < spec->calls.count; n++) {
        const char *name = spec->calls.items[n];
        size_t length = strnlen(name, BJ_MAX_CALL_NAME + 1);
        (void)snprintf(field, sizeof(field), "calls[%zu]", n);
        if (!is_module_name(name) || strchr(name, '.') || length > BJ_MAX_CALL_NAME ||
            strncmp(name, "__", 2) == 0)
            return bj__error(err, BJ_ERROR_INVALID, EINVAL, field,
                             "\"%.64s\" is no name for a function; give a letter and then letters, digits and "
                             "_, at most %u of them",
                             name, BJ_MAX_CALL_NAME);
        for (size_t m = 0; m < n; m++)
            if (strcmp(name, spec->calls.items[m]) == 0)
                return bj__error(err, BJ_ERROR_INVALID, EEXIST, field, "\"%.64s\" stands twice", name);
    }
    return 0;
}

int bj_spec_set_calls(struct bj_spec *spec, const char *const *names, struct bj_error *err)
{
    struct bj_strings calls = {0};
    const struct bj_strings before = spec->calls;
    int r = names ? bj__strings_present(&spec->arena, &calls) : 0;
    for (size_t n = 0; r == 0 && names && names[n]; n++)
        r = n < BJ_MAX_CALLS ? bj__strings_add(&spec->arena, &calls, names[n]) : -E2BIG;
    if (r < 0)
        return bj__spec_build_error(r, "calls", BJ_MAX_CALLS, err);
    spec->calls = calls;
    r = check_calls(spec, err);
    if (r < 0)
        spec->calls = before;
    return r;
}

static int check_path(const struct bj_spec *spec, struct bj_error *err)
{
    char field[40];
    for (size_t n = 0; n < spec->python_path.count; n++) {
        const char *path = spec->python_path.items[n];
        (void)snprintf(field, sizeof(field), "python_path[%zu]", n);
        int r = path[0] == '/' ? bj__check_jail_path(field, path, err) : bj__spec_check_path(field, path, err);
        if (r < 0)
            return r;
    }
    if (spec->python_path.count > 0 && spec->policy)
        return bj__error(
            err, BJ_ERROR_INVALID, EINVAL, "python_path",
            "a policy lets modules of the library be imported, and no others; leave one of them out");
    return 0;
}

/* What a command has no use for. */
static int check_command(const struct bj_spec *spec, struct bj_error *err)
{
    const struct {
        bool given;
        const char *field, *why, *instead;
    } rows[] = {
        {spec->trace.max_steps > 0, "trace", "there are no steps to tell", "code, or null for the trace"},
        {spec->display, "display", "no statement has a value", "code, or false for display"},
        {spec->deterministic.on, "deterministic", "clocks and chance are its own",
         "code or expression, or null"},
        {spec->python_path.count > 0, "python_path", "modules are its own matter (PYTHONPATH)",
         "code or expression, or []"},
        {spec->calls.count > 0, "calls", "nobody could call a function of the caller's", "code or expression"},
        {spec->views != NULL, "views", "there are no variables", "code or expression"},
    };
    for (size_t n = 0; spec->command.count > 0 && n < BJ_COUNT(rows); n++)
        if (rows[n].given)
            return bj__error(err, BJ_ERROR_INVALID, EINVAL, rows[n].field, "of a command %s; give %s",
                             rows[n].why, rows[n].instead);
    return 0;
}

int bj__spec_check_python(const struct bj_spec *spec, bool for_run, struct bj_error *err)
{
    int r = check_command(spec, err);
    if (r == 0 && spec->trace.max_steps > 0 && spec->expression)
        r = bj__error(err, BJ_ERROR_INVALID, EINVAL, "trace",
                      "of an expression there are no steps to tell; give code, or null for the trace");
    if (r == 0 && spec->display && spec->expression)
        r = bj__error(err, BJ_ERROR_INVALID, EINVAL, "display",
                      "an expression is no statement whose value is written; give code, or false for display");
    if (r == 0)
        r = check_preload(spec, err);
    if (r == 0)
        r = check_args(spec, err);
    if (r == 0)
        r = check_path(spec, err);
    return r < 0 ? r : check_policy(spec, for_run, err);
}
