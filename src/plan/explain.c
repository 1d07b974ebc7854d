/* Answers "would this be allowed, and which layer says so?" about a system call or a path of a spec's jail.
 * Its own file because it says in words what the filter and the plan do, and neither needs it.
 * Changes when: another kind of question can be asked, or the layout of the jail's root changes (plan_root.c). */
#include "base/names.h"
#include "filter/filter.h"
#include "spec/spec.h"

#include <ctype.h>
#include <stdio.h>

#define MAX_ANSWER    (256u << 10)
#define MAX_PATH      4096u
#define MAX_LINK_STEP 8u /* links that are followed before a path counts as a loop */

static const char *mode_of(const struct bj_spec *spec, enum bj_layer layer)
{
    return bj__mode_name(spec->layers[layer]);
}

/* ---- system calls ---- */

struct call {
    int number;
    unsigned argument_count;
    uint64_t args[6];
};

static int refuse_question(struct bj_error *err, const char *what, const char *text, size_t length)
{
    return bj__error(err, BJ_ERROR_INVALID, EINVAL, "question", "%s: \"%.*s\"", what,
                     (int)(length > 80 ? 80 : length), text);
}

/* One word: a number in C's notation, "_" for 0, or a name ("AF_UNIX"). */
static int parse_word(const char *text, size_t length, uint64_t *ret_value, struct bj_error *err)
{
    char word[64];
    if (length == 0 || length >= sizeof(word))
        return refuse_question(err, "an argument is a number or a name like AF_UNIX, not", text, length);
    memcpy(word, text, length);
    word[length] = 0;
    if (strcmp(word, "_") == 0) {
        *ret_value = 0;
        return 0;
    }
    uint32_t symbol = 0;
    if (bj__filter_symbol(word, &symbol) == 0) {
        *ret_value = symbol;
        return 0;
    }
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(word, &end, 0);
    if (!(isdigit((unsigned char)word[0]) || word[0] == '-') || *end || errno)
        return refuse_question(err, "an argument is a number or a name like AF_UNIX, not", text, length);
    *ret_value = value;
    return 0;
}

static void trim(const char **text, size_t *length)
{
    while (*length && isspace((unsigned char)**text)) {
        (*text)++;
        (*length)--;
    }
    while (*length && isspace((unsigned char)(*text)[*length - 1]))
        (*length)--;
}

/* Words joined by '|'. */
static int parse_argument(const char *text, size_t length, uint64_t *ret_value, struct bj_error *err)
{
    uint64_t all = 0;
    for (const char *end = text + length;;) {
        const char *bar = memchr(text, '|', (size_t)(end - text));
        size_t word_length = (size_t)((bar ? bar : end) - text);
        const char *word = text;
        uint64_t value = 0;
        trim(&word, &word_length);
        int rc = parse_word(word, word_length, &value, err);
        if (rc < 0)
            return rc;
        all |= value;
        if (!bar)
            break;
        text = bar + 1;
    }
    *ret_value = all;
    return 0;
}

static int parse_arguments(const char *text, size_t length, struct call *call, struct bj_error *err)
{
    trim(&text, &length);
    while (length > 0) {
        const char *comma = memchr(text, ',', length);
        size_t argument_length = comma ? (size_t)(comma - text) : length;
        if (call->argument_count == BJ_COUNT(call->args))
            return refuse_question(err, "a system call has at most six arguments; too many is", text, length);
        int rc = parse_argument(text, argument_length, &call->args[call->argument_count], err);
        if (rc < 0)
            return rc;
        call->argument_count++;
        if (!comma)
            break;
        text += argument_length + 1;
        length -= argument_length + 1;
        if (length == 0)
            return refuse_question(err, "there is an argument missing behind", comma, 1);
    }
    return 0;
}

static int parse_call(const char *text, struct call *call, struct bj_error *err)
{
    *call = (struct call){.number = -1};
    size_t length = strlen(text);
    trim(&text, &length);
    const char *open = memchr(text, '(', length);
    if (open && text[length - 1] != ')')
        return refuse_question(err, "the arguments end with \")\", but not in", text, length);
    const char *name_text = text;
    size_t name_length = open ? (size_t)(open - text) : length;
    trim(&name_text, &name_length);
    char name[64];
    if (name_length == 0 || name_length >= sizeof(name))
        return refuse_question(err, "not the name of a system call", name_text, name_length);
    memcpy(name, name_text, name_length);
    name[name_length] = 0;
    char *end = NULL;
    long number = isdigit((unsigned char)name[0]) ? strtol(name, &end, 0) : -1;
    call->number = end && !*end && number <= 0x7fffffff ? (int)number : bj__filter_syscall_number(name);
    if (call->number < 0)
        return refuse_question(err, "this machine has no system call that Belljar knows as", name, name_length);
    return open ? parse_arguments(open + 1, length - (size_t)(open - text) - 2, call, err) : 0;
}

static int say_sets(const struct bj_spec *spec, struct bj_buf *text)
{
    int rc = bj__buf_printf(text, "  sets of this profile:");
    for (size_t i = 0; i < spec->syscalls.count && rc == 0; i++)
        rc = bj__buf_printf(text, "%s %s", i ? "," : "", spec->syscalls.items[i]);
    return rc ? rc : bj__buf_printf(text, "\n");
}

/* A call whose arguments matter, asked about without them. */
static int say_rows(const struct bj_spec *spec, const struct call *call, struct bj_buf *text)
{
    int rc = bj__buf_printf(text, "it depends on the arguments; layer seccomp (%s) allows it by\n",
                            mode_of(spec, BJ_LAYER_SECCOMP));
    if (rc == 0)
        rc = bj__filter_list(call->number, text);
    return rc < 0 ? rc : bj__buf_printf(text, "  ask again with arguments: \"syscall NAME(ARG,...)\"\n");
}

static int say_decision(const struct bj_spec *spec, const struct bj_filter_decision *decision,
                        struct bj_buf *text)
{
    const char *mode = mode_of(spec, BJ_LAYER_SECCOMP);
    if (decision->action == BJ_FILTER_ALLOW)
        return bj__buf_printf(text, "allowed\n  layer seccomp (%s): set %s: %s\n", mode, decision->set,
                              decision->why);
    if (decision->action == BJ_FILTER_KILL)
        return bj__buf_printf(text, "kills the program\n  layer seccomp (%s): %s\n", mode, decision->why);
    int rc =
        bj__buf_printf(text, "refused with %s (%s)%s\n  layer seccomp (%s): ",
                       bj__errno_name(decision->errnum) ? bj__errno_name(decision->errnum) : "?",
                       strerror(decision->errnum), decision->silent ? ", not reported as a denial" : "", mode);
    if (rc == 0 && decision->set)
        rc = bj__buf_printf(text, "it needs the set %s: ", decision->set);
    return rc ? rc : bj__buf_printf(text, "%s\n", decision->why);
}

static int explain_call(const struct bj_spec *spec, const char *question, struct bj_buf *text,
                        struct bj_error *err)
{
    struct call call;
    struct bj_filter_policy policy;
    int rc = parse_call(question, &call, err);
    if (rc == 0)
        rc = bj__filter_policy_from_names(spec->syscalls.items, spec->syscalls.count, &policy, err);
    if (rc < 0)
        return rc;
    char name[128];
    bj__filter_describe(call.number, call.argument_count ? call.args : NULL, name, sizeof(name));
    rc = bj__buf_printf(text, "%s: ", name);
    if (rc == 0 && spec->layers[BJ_LAYER_SECCOMP] == BJ_OFF)
        return bj__buf_printf(text, "allowed\n  layer seccomp is off: every system call is\n");
    struct bj_filter_decision decision;
    bj__filter_decide(&policy, call.number, call.argument_count ? call.args : NULL, &decision);
    BJ_BUF struct bj_buf rows;
    bj__buf_init(&rows, MAX_ANSWER);
    int row_count = bj__filter_list(call.number, &rows);
    if (rc < 0 || row_count < 0)
        return bj__error_memory(err);
    bool open =
        decision.action == BJ_FILTER_ERRNO && call.argument_count == 0 && !decision.set && row_count > 0;
    rc = open ? say_rows(spec, &call, text) : say_decision(spec, &decision, text);
    return rc < 0 || say_sets(spec, text) < 0 ? bj__error_memory(err) : 0;
}

/* ---- paths ---- */

enum place_kind {
    PLACE_NOWHERE,
    PLACE_ROOT,
    PLACE_CLOSED,
    PLACE_MOUNT,
    PLACE_SCRATCH,
    PLACE_DEVICE,
    PLACE_PROC
};

struct place {
    enum place_kind kind;
    size_t length; /* of the part of the path that was recognised */
    bool exact;
    bool read, write, execute;
    const struct bj_mount *mount;
    const char *what; /* for kinds without a mount */
};

static bool is_at_or_below(const char *path, const char *root)
{
    size_t length = strlen(root);
    if (length == 1) /* "/" */
        return true;
    return strncmp(path, root, length) == 0 && (path[length] == 0 || path[length] == '/');
}

/* Takes the place if it says more than the one known; later calls win where both say as much. */
static bool is_nearer(const struct place *place, const char *path, const char *root)
{
    return is_at_or_below(path, root) && strlen(root) >= place->length;
}

static void take(struct place *place, enum place_kind kind, const char *path, const char *root,
                 const char *what)
{
    *place =
        (struct place){.kind = kind, .length = strlen(root), .exact = strcmp(path, root) == 0, .what = what};
}

static void look_at_skeleton(struct place *place, const struct bj_spec *spec, const char *path)
{
    take(place, PLACE_NOWHERE, path, "", "there is nothing; the root is private, and read-only");
    bool parent = strcmp(path, "/") == 0;
    for (size_t i = 0; i < spec->mount_count; i++)
        parent |= is_at_or_below(spec->mounts[i].target, path);
    for (size_t i = 0; i < spec->link_count; i++)
        parent |= is_at_or_below(spec->links[i].path, path);
    for (size_t i = 0; i < spec->closed_files.count; i++)
        parent |= is_at_or_below(spec->closed_files.items[i], path);
    if (parent || strcmp(path, "/dev") == 0) {
        take(place, PLACE_ROOT, path, path, "a directory of the private root, which is read-only");
        /* No rule of Landlock covers the skeleton, but /dev. */
        place->read = spec->layers[BJ_LAYER_LANDLOCK] == BJ_OFF || strcmp(path, "/dev") == 0;
    }
}

static void look_at_closed(struct place *place, const struct bj_spec *spec, const char *path)
{
    for (size_t i = 0; i < spec->closed_directories.count; i++) {
        const char *door = spec->closed_directories.items[i];
        if (is_nearer(place, path, door) && strcmp(path, door) == 0)
            take(place, PLACE_CLOSED, path, door, "a closed door: the directory exists, and may not be listed");
        else if (place->kind == PLACE_NOWHERE && is_nearer(place, path, door))
            take(place, PLACE_NOWHERE, path, door, "there is nothing behind this closed door");
    }
    for (size_t i = 0; i < spec->closed_files.count; i++)
        if (strcmp(path, spec->closed_files.items[i]) == 0)
            take(place, PLACE_CLOSED, path, path, "a closed door: the file exists, and may not be opened");
}

static void look_at_mounts(struct place *place, const struct bj_spec *spec, const char *path)
{
    for (size_t i = 0; i < spec->mount_count; i++) {
        const struct bj_mount *mount = &spec->mounts[i];
        if (!is_nearer(place, path, mount->target))
            continue;
        take(place, PLACE_MOUNT, path, mount->target, NULL);
        place->mount = mount;
        place->read = true;
        place->write = mount->mode == BJ_MOUNT_RW;
        place->execute = mount->executable;
    }
}

static void look_at_own(struct place *place, const struct bj_spec *spec, const char *path)
{
    static const char *const scratch[] = {"/tmp", "/box", "/dev/shm"};
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
    for (size_t i = 0; i < BJ_COUNT(scratch); i++) {
        if (!is_nearer(place, path, scratch[i]))
            continue;
        take(place, PLACE_SCRATCH, path, scratch[i], "scratch space of the run, gone when it ends");
        place->read = place->write = true;
        place->execute = spec->scratch_executable;
    }
    for (size_t i = 0; i < BJ_COUNT(devices); i++) {
        if (strcmp(path, devices[i]) != 0)
            continue;
        take(place, PLACE_DEVICE, path, devices[i], "one of the five harmless devices");
        place->read = place->write = true;
    }
    if (spec->proc != BJ_PROC_NONE && is_nearer(place, path, "/proc")) {
        take(place, PLACE_PROC, path, "/proc", "the jail's own processes, read-only");
        place->read = true;
    }
}

/* What was handed in stands in /box; an executable file there can be run, and not changed. */
static const struct bj_file *file_handed_in(const struct bj_spec *spec, const char *path)
{
    for (size_t i = 0; i < spec->file_count && strncmp(path, "/box/", 5) == 0; i++)
        if (strcmp(path + 5, spec->files[i].path) == 0 ||
            (spec->files[i].kind == BJ_FILE_SOURCE && is_at_or_below(path + 5, spec->files[i].path)))
            return &spec->files[i];
    return NULL;
}

static int say_place(const struct bj_spec *spec, const struct place *place, const char *path,
                     struct bj_buf *text)
{
    static const char *const modes[] = {[BJ_MOUNT_RO] = "read-only", [BJ_MOUNT_RW] = "read-write"};
    int rc = 0;
    const char *layer = mode_of(spec, BJ_LAYER_MOUNT);
    if (place->kind == PLACE_MOUNT)
        rc = bj__buf_printf(text, "  layer mount (%s): %s of the host at %s, %s, %s%s\n", layer,
                            place->mount->source, place->mount->target, modes[place->mount->mode],
                            place->mount->executable ? "programs may run" : "noexec",
                            place->mount->optional ? ", if the host has it" : "");
    else
        rc = bj__buf_printf(text, "  layer mount (%s): %s\n", layer, place->what);
    if (rc == 0 && place->kind == PLACE_SCRATCH)
        rc = bj__buf_printf(text,
                            "  limits: disk_bytes %llu and files %llu for all scratch space, file_bytes %llu\n",
                            (unsigned long long)spec->limits.disk_bytes, (unsigned long long)spec->limits.files,
                            (unsigned long long)spec->limits.file_bytes);
    const struct bj_file *file = file_handed_in(spec, path);
    if (rc == 0 && file && place->kind == PLACE_SCRATCH)
        rc = bj__buf_printf(text, "  handed in with \"files\"%s\n",
                            file->executable ? ", executable and unchangeable" : "");
    return rc;
}

/* As plan_landlock.c: the rights of the place, once more. */
static int say_landlock(const struct bj_spec *spec, const struct place *place, struct bj_buf *text)
{
    if (spec->layers[BJ_LAYER_LANDLOCK] == BJ_OFF)
        return bj__buf_printf(text, "  layer landlock is off\n");
    bool ruled = place->read || place->write || place->execute;
    return bj__buf_printf(text, "  layer landlock (%s): %s%s%s%s\n", mode_of(spec, BJ_LAYER_LANDLOCK),
                          ruled ? "the same rights:" : "no rights here", place->read ? " read" : "",
                          place->write ? " write" : "", place->execute ? " execute" : "");
}

static int say_verdict(const struct place *place, const char *path, struct bj_buf *text)
{
    static const char *const words[] = {"no", "yes"};
    if (place->kind == PLACE_NOWHERE)
        return bj__buf_printf(text, "%s: does not exist (ENOENT), and cannot be made\n", path);
    if (place->kind == PLACE_CLOSED)
        return bj__buf_printf(text, "%s: exists, and is refused (EACCES)\n", path);
    return bj__buf_printf(text, "%s: read %s, write %s, execute %s\n", path, words[place->read],
                          words[place->write], words[place->execute]);
}

/* Copies without "//", "." and a slash at the end. */
static int clean_path(const char *question, char clean[MAX_PATH], struct bj_error *err)
{
    size_t used = 0;
    const char *at = question;
    if (*at != '/')
        return refuse_question(err, "a path of the jail begins with \"/\", unlike", question, strlen(question));
    while (*at) {
        at += strspn(at, "/");
        size_t length = strcspn(at, "/");
        if (length == 2 && at[0] == '.' && at[1] == '.')
            return refuse_question(err, "write the path without \"..\"", question, strlen(question));
        if (used + length + 2 > MAX_PATH)
            return refuse_question(err, "the path is too long", question, strlen(question));
        if (length && !(length == 1 && at[0] == '.')) {
            clean[used++] = '/';
            memcpy(clean + used, at, length);
            used += length;
        }
        at += length;
    }
    if (used == 0)
        clean[used++] = '/';
    clean[used] = 0;
    return 0;
}

/* If a link of the spec stands on the way, puts its target in its place. 1: done; 0: there is none. */
static int follow_link(const struct bj_spec *spec, char path[MAX_PATH], struct bj_error *err)
{
    for (size_t i = 0; i < spec->link_count; i++) {
        const struct bj_link *link = &spec->links[i];
        if (!is_at_or_below(path, link->path))
            continue;
        const char *slash = strrchr(link->path, '/');
        int parent = link->target[0] == '/' || !slash ? 0 : (int)(slash - link->path);
        char next[2 * MAX_PATH];
        int length = snprintf(next, sizeof(next), "%.*s/%s%s", parent, link->path, link->target,
                              path + strlen(link->path));
        if (length < 0 || (size_t)length >= MAX_PATH)
            return refuse_question(err, "behind a link the path is too long", path, strlen(path));
        int rc = clean_path(next, path, err);
        return rc < 0 ? rc : 1;
    }
    return 0;
}

static int explain_path(const struct bj_spec *spec, const char *question, struct bj_buf *text,
                        struct bj_error *err)
{
    char path[MAX_PATH];
    int rc = clean_path(question, path, err);
    if (rc < 0)
        return rc;
    unsigned steps = 0;
    while ((rc = follow_link(spec, path, err)) > 0)
        if (++steps == MAX_LINK_STEP)
            return refuse_question(err, "the links of this spec never end at", path, strlen(path));
    if (rc < 0)
        return rc;
    struct place place;
    look_at_skeleton(&place, spec, path);
    look_at_closed(&place, spec, path);
    look_at_mounts(&place, spec, path);
    look_at_own(&place, spec, path);
    const struct bj_file *file = file_handed_in(spec, path);
    if (file && file->executable && place.kind == PLACE_SCRATCH) {
        place.execute = true;
        place.write = false;
    }
    rc = say_verdict(&place, path, text);
    if (rc == 0 && steps > 0)
        rc = bj__buf_printf(text, "  %s leads there by a link\n", question);
    if (rc == 0)
        rc = say_place(spec, &place, path, text);
    if (rc == 0)
        rc = say_landlock(spec, &place, text);
    if (rc == 0 && place.kind == PLACE_MOUNT)
        rc = bj__buf_printf(text, "  whether it exists there, and its own mode, are the host's\n");
    return rc < 0 ? bj__error_memory(err) : 0;
}

char *bj_explain(const struct bj_spec *spec, const char *question, struct bj_error *err)
{
    BJ_BUF struct bj_buf text;
    bj__buf_init(&text, MAX_ANSWER);
    int rc = 0;
    if (strncmp(question, "syscall ", 8) == 0)
        rc = explain_call(spec, question + 8, &text, err);
    else if (strncmp(question, "path ", 5) == 0)
        rc = explain_path(spec, question + 5, &text, err);
    else
        rc = bj__error(err, BJ_ERROR_INVALID, EINVAL, "question",
                       "\"%.64s\": ask \"syscall NAME\", \"syscall NAME(ARG,...)\" or \"path PATH\"", question);
    if (rc < 0)
        return NULL;
    char *answer = bj__buf_take(&text);
    if (!answer)
        bj__error_memory(err);
    return answer;
}
