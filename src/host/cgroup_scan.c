/* Parsers of /proc/self/cgroup and /proc/self/mountinfo.
 * Its own file because it is pure: no system call, no allocation, any input.
 * Changes when: proc(5) or cgroups(7) change one of the two formats. */
#include "host/cgroup_scan.h"

typedef void (*line_fn)(struct bj_cgroup_scan *scan, char *line);

void bj__cgroup_scan_init(struct bj_cgroup_scan *scan)
{
    for (int i = 0; i < BJ_HIERARCHY__COUNT; i++) {
        scan->own[i][0] = scan->directory[i][0] = 0;
        scan->mount_length[i] = 0;
    }
    scan->too_long = scan->skip = false;
    scan->used = 0;
}

static void end_line(struct bj_cgroup_scan *scan, line_fn parse)
{
    scan->line[scan->used] = 0;
    /* A NUL inside would hide the rest of the line from the parsers; no kernel writes one. */
    if (!scan->skip && scan->used > 0 && strlen(scan->line) == scan->used)
        parse(scan, scan->line);
    scan->used = 0;
    scan->skip = false;
}

static void feed(struct bj_cgroup_scan *scan, line_fn parse, const char *piece, size_t length)
{
    if (length == 0)
        end_line(scan, parse);
    while (length > 0) {
        const char *newline = memchr(piece, '\n', length);
        size_t part = newline ? (size_t)(newline - piece) : length;
        if (part < sizeof(scan->line) - scan->used) {
            memcpy(scan->line + scan->used, piece, part);
            scan->used += part;
        } else {
            scan->skip = true; /* overlay mounts with many layers; never a control group */
        }
        if (!newline)
            return;
        end_line(scan, parse);
        piece = newline + 1;
        length -= part + 1;
    }
}

/* A word of a comma-separated list. */
static bool list_has(const char *list, const char *word)
{
    size_t length = strlen(word);
    while (*list) {
        size_t item = strcspn(list, ",");
        if (item == length && memcmp(list, word, length) == 0)
            return true;
        list += item;
        list += *list == ',';
    }
    return false;
}

/* cgroup_namespaces(7): a path that leads out of the namespace's root begins with "/..": its directory cannot
 * be named from here. */
static bool is_usable(const char *path)
{
    if (path[0] != '/')
        return false;
    for (const char *at = path; (at = strstr(at, "/..")) != NULL; at += 3)
        if (at[3] == 0 || at[3] == '/')
            return false;
    return true;
}

static void keep_own(struct bj_cgroup_scan *scan, enum bj_hierarchy hierarchy, const char *path)
{
    size_t length = strlen(path);
    if (length >= BJ_CGROUP_PATH)
        scan->too_long = true;
    else if (is_usable(path))
        memcpy(scan->own[hierarchy], path, length + 1);
}

/* "4:memory:/user.slice", "0::/user.slice", "3:cpu,cpuacct:/" */
static void parse_own(struct bj_cgroup_scan *scan, char *line)
{
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return;
    *controllers++ = 0;
    *path++ = 0;
    if (*controllers == 0 && strcmp(line, "0") == 0)
        keep_own(scan, BJ_V2, path);
    if (list_has(controllers, "memory"))
        keep_own(scan, BJ_V1_MEMORY, path);
    if (list_has(controllers, "pids"))
        keep_own(scan, BJ_V1_PIDS, path);
    if (list_has(controllers, "cpuacct"))
        keep_own(scan, BJ_V1_CPUACCT, path);
}

/* mountinfo writes blanks, newlines, '#' and backslashes as three octal digits. In place. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' && from[2] <= '7' &&
            from[3] >= '0' && from[3] <= '7') {
            *to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = 0;
}

/* What of the group's path lies below the mount: NULL when the mount does not show that group. */
static const char *below(const char *own, const char *root)
{
    if (strcmp(root, "/") == 0)
        return strcmp(own, "/") == 0 ? "" : own;
    size_t length = strlen(root);
    if (strncmp(own, root, length) != 0 || (own[length] != '/' && own[length] != 0))
        return NULL;
    return own + length;
}

static void keep_mount(struct bj_cgroup_scan *scan, enum bj_hierarchy hierarchy, const char *root,
                       const char *point)
{
    if (scan->own[hierarchy][0] == 0 || scan->directory[hierarchy][0] != 0)
        return;
    const char *rest = below(scan->own[hierarchy], root);
    if (!rest)
        return;
    size_t point_length = strlen(point);
    size_t rest_length = strlen(rest);
    if (point_length + rest_length >= BJ_CGROUP_PATH) {
        scan->too_long = true;
        return;
    }
    memcpy(scan->directory[hierarchy], point, point_length);
    memcpy(scan->directory[hierarchy] + point_length, rest, rest_length + 1);
    scan->mount_length[hierarchy] = point_length;
}

void bj__cgroup_scan_mount(struct bj_cgroup_scan *scan, const char *v1_options, const char *root,
                           const char *point)
{
    if (!is_usable(root) || !is_usable(point))
        return;
    if (!v1_options) {
        keep_mount(scan, BJ_V2, root, point);
        return;
    }
    if (list_has(v1_options, "memory"))
        keep_mount(scan, BJ_V1_MEMORY, root, point);
    if (list_has(v1_options, "pids"))
        keep_mount(scan, BJ_V1_PIDS, root, point);
    if (list_has(v1_options, "cpuacct"))
        keep_mount(scan, BJ_V1_CPUACCT, root, point);
}

/* "36 35 0:31 /root /point rw,relatime shared:1 - cgroup2 source rw": proc_pid_mountinfo(5). */
static void parse_mount(struct bj_cgroup_scan *scan, char *line)
{
    char *separator = strstr(line, " - cgroup");
    if (!separator) /* nearly every line */
        return;
    *separator = 0;
    char *type = separator + 3;
    char *rest = line;
    char *fields[5];
    for (size_t i = 0; i < BJ_COUNT(fields); i++)
        if (!(fields[i] = strsep(&rest, " ")))
            return;
    char *root = fields[3];
    char *point = fields[4];
    char *options = type;
    type = strsep(&options, " ");
    if (!options || !strsep(&options, " ") || !options)
        return;
    unescape(root);
    unescape(point);
    if (strcmp(type, "cgroup2") == 0)
        bj__cgroup_scan_mount(scan, NULL, root, point);
    else if (strcmp(type, "cgroup") == 0)
        bj__cgroup_scan_mount(scan, options, root, point);
}

void bj__cgroup_scan_own(struct bj_cgroup_scan *scan, const char *piece, size_t length)
{
    feed(scan, parse_own, piece, length);
}

bool bj__cgroup_scan_mounts(struct bj_cgroup_scan *scan, const char *piece, size_t length)
{
    feed(scan, parse_mount, piece, length);
    for (int i = 0; i < BJ_HIERARCHY__COUNT; i++)
        if (scan->own[i][0] != 0 && scan->directory[i][0] == 0)
            return false;
    return true;
}
