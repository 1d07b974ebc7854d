/* Checks of single values: paths, names, limits.
 * Its own file because a rule about a value must be the same wherever the value comes from.
 * Changes when: a value gets a rule of its own. */
#include "spec/check.h"

#include <stdio.h>

#define MAX_PATH      4096u      /* PATH_MAX of the kernel, with the NUL */
#define MAX_COMPONENT 255u       /* NAME_MAX */
#define RESERVED      ".belljar" /* begins the names that Belljar itself may use in the working directory */

/* ---- limits --------------------------------------------------------------------------------------- */

const struct bj_limit_row bj__limit_rows[] = {
#define X(field, name, unit, minimum, maximum)                                                                 \
    {#field, name, BJ_LIMIT_##unit, offsetof(struct bj_limits, field), minimum, maximum},
    BJ_LIMIT_LIST(X)
#undef X
};
const size_t bj__limit_count = BJ_COUNT(bj__limit_rows);

uint64_t *bj__limit_at(struct bj_limits *limits, size_t limit)
{
    return (uint64_t *)(void *)((char *)limits + bj__limit_rows[limit].offset);
}

uint64_t bj__limit_value(const struct bj_limits *limits, size_t limit)
{
    return *(const uint64_t *)(const void *)((const char *)limits + bj__limit_rows[limit].offset);
}

bool bj__limit_may_be_unset(size_t limit)
{
    size_t offset = bj__limit_rows[limit].offset;
    return offset == offsetof(struct bj_limits, cpu_us) || offset == offsetof(struct bj_limits, memory_bytes) ||
           offset == offsetof(struct bj_limits, address_space_bytes) ||
           offset == offsetof(struct bj_limits, call_us);
}

int bj__check_limit(size_t limit, uint64_t value, struct bj_error *err)
{
    const struct bj_limit_row *row = &bj__limit_rows[limit];
    if ((value >= row->minimum && value <= row->maximum) || (value == 0 && bj__limit_may_be_unset(limit)))
        return 0;
    char field[80];
    (void)snprintf(field, sizeof(field), "limits.%s", row->name);
    if (row->unit == BJ_LIMIT_SECONDS)
        return bj__error(err, BJ_ERROR_INVALID, ERANGE, field, "%.15g seconds; give %.15g to %.15g",
                         (double)value / 1e6, (double)row->minimum / 1e6, (double)row->maximum / 1e6);
    return bj__error(err, BJ_ERROR_INVALID, ERANGE, field, "%llu%s; give %llu to %llu",
                     (unsigned long long)value, row->unit == BJ_LIMIT_BYTES ? " bytes" : "",
                     (unsigned long long)row->minimum, (unsigned long long)row->maximum);
}

/* ---- paths ---------------------------------------------------------------------------------------- */

static int check_component(const char *component, size_t length, const char **ret_problem)
{
    if (length == 0)
        *ret_problem = "has an empty component (\"//\", or a '/' at the end)";
    else if (length > MAX_COMPONENT)
        *ret_problem = "has a component longer than 255 bytes";
    else if (component[0] == '.' && (length == 1 || (length == 2 && component[1] == '.')))
        *ret_problem = "has a \".\" or \"..\" in it";
    else
        return 0;
    return -EINVAL;
}

/* Components of a path without its leading '/'. */
static int check_components(const char *path, size_t most, const char **ret_problem)
{
    for (size_t depth = 1;; depth++) {
        size_t length = strcspn(path, "/");
        if (depth > most) {
            *ret_problem = "is too deep";
            return -EINVAL;
        }
        if (check_component(path, length, ret_problem) < 0)
            return -EINVAL;
        if (!path[length])
            return 0;
        path += length + 1;
    }
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

static int refuse_path(const char *field, const char *path, const char *problem, struct bj_error *err)
{
    return bj__error(err, BJ_ERROR_INVALID, EINVAL, field, "\"%.100s\" %s", path, problem);
}

static int check_common(const char *field, const char *path, const char *inner, struct bj_error *err)
{
    const char *problem = NULL;
    if (strlen(path) >= MAX_PATH)
        problem = "is longer than 4095 bytes";
    else if (has_control(path))
        problem = "has a control character in it";
    else if (check_components(inner, BJ_MAX_PATH_DEPTH, &problem) == 0)
        return 0;
    return refuse_path(field, path, problem, err);
}

int bj__spec_check_path(const char *field, const char *path, struct bj_error *err)
{
    if (!path || !*path)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, field, "empty; give a path relative to /box");
    if (path[0] == '/')
        return refuse_path(field, path, "is absolute; give a path relative to /box, the working directory",
                           err);
    if (strncmp(path, RESERVED, strlen(RESERVED)) == 0)
        return refuse_path(field, path, "begins with \"" RESERVED "\", which is reserved", err);
    return check_common(field, path, path, err);
}

int bj__check_jail_path(const char *field, const char *path, struct bj_error *err)
{
    if (!path || path[0] != '/')
        return refuse_path(field, path ? path : "", "is not absolute; begin it with '/'", err);
    if (!path[1])
        return refuse_path(field, path, "is the root of the jail; give a path below it", err);
    return check_common(field, path, path + 1, err);
}

int bj__check_host_path(const char *field, const char *path, struct bj_error *err)
{
    if (!path || path[0] != '/')
        return refuse_path(field, path ? path : "", "is not absolute; give the full path on the host", err);
    return path[1] ? check_common(field, path, path + 1, err) : 0;
}

bool bj__path_is_below(const char *path, const char *directory)
{
    size_t length = 0;
    while (directory[length] && directory[length] == path[length])
        length++;
    if (directory[length])
        return false;
    bool root = directory[0] == '/' && length == 1;
    return root || path[length] == '/' || !path[length];
}

/* ---- names ---------------------------------------------------------------------------------------- */

int bj__check_variable_name(const char *field, const char *name, struct bj_error *err)
{
    if (!*name)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, field, "a variable without a name");
    if (strchr(name, '=') || has_control(name))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, field,
                         "\"%.40s\" has a '=' or a control character in it; give a plain name", name);
    return 0;
}

int bj__check_hostname(const char *field, const char *name, struct bj_error *err)
{
    /* Letters, digits and '-', as RFC 1123; 64 is the kernel's __NEW_UTS_LEN. */
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");
    if (length > 0 && length <= 64 && !name[length] && name[0] != '-' && name[0] != '.')
        return 0;
    return bj__error(err, BJ_ERROR_INVALID, EINVAL, field,
                     "\"%.70s\" is not a host name: 1 to 64 letters, digits, '-' and '.'", name);
}

bool bj__profile_name_ok(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return length > 0 && length <= 63 && !name[length] && name[0] != '-';
}
