/* A request as records: read by who is trusted.
 * Its own file because the broker believes nothing that did not pass here.
 * Changes when: a request can say something more. */
#include "spec/spec_wire.h"
#include "spec/build.h"
#include "spec/check.h"
#include "spec/moment.h"

#include <stdio.h>

struct decoder {
    struct bj_request request;
    struct bj_error *err;
};

static int malformed(const struct decoder *d, const char *field)
{
    return bj__error(d->err, BJ_ERROR_INVALID, EBADMSG, field, "is no record of a request");
}

static struct bj_arena *arena_of(const struct decoder *d)
{
    return &d->request.spec->arena;
}

/* Members of a nested record: numbers in slots[tag], texts in texts[tag]; each at most once. */
struct members {
    bool have[BJ_MEMBER_E + 1];
    struct bj_tlv records[BJ_MEMBER_E + 1];
};

static int read_members(const struct decoder *d, const char *field, const struct bj_tlv *record,
                        struct members *ret_members)
{
    struct bj_tlv_reader reader;
    struct bj_tlv member;
    int r;
    *ret_members = (struct members){0};
    bj__tlv_start(&reader, record->bytes, record->length);
    while ((r = bj__tlv_next(&reader, &member)) > 0) {
        if (member.tag < BJ_MEMBER_A || member.tag > BJ_MEMBER_E || ret_members->have[member.tag])
            return malformed(d, field);
        ret_members->have[member.tag] = true;
        ret_members->records[member.tag] = member;
    }
    return r < 0 ? malformed(d, field) : 0;
}

static int member_number(const struct decoder *d, const char *field, const struct members *members, int tag,
                         uint64_t most)
{
    uint64_t number = 0;
    if (most > INT32_MAX || !members->have[tag] || bj__tlv_number(&members->records[tag], most, &number) < 0)
        return malformed(d, field);
    return (int)number;
}

static int member_wide(const struct decoder *d, const char *field, const struct members *members, int tag,
                       uint64_t *ret_number)
{
    if (!members->have[tag] || bj__tlv_number(&members->records[tag], UINT64_MAX, ret_number) < 0)
        return malformed(d, field);
    return 0;
}

static int member_text(const struct decoder *d, const char *field, const struct members *members, int tag,
                       const char **ret_text)
{
    const char *text;
    if (!members->have[tag] || members->records[tag].length > BJ_MAX_STRING ||
        bj__tlv_text(&members->records[tag], &text) < 0)
        return malformed(d, field);
    return bj__copy_text(arena_of(d), text, ret_text) < 0 ? bj__error_memory(d->err) : 0;
}

static int add_text(const struct decoder *d, const char *field, const char *text, struct bj_strings *list,
                    size_t most)
{
    int r = list->count < most ? bj__strings_add(arena_of(d), list, text) : -E2BIG;
    return r < 0 ? bj__spec_build_error(r, field, most, d->err) : 0;
}

static int read_list(struct decoder *d, uint16_t tag, const char *text)
{
    struct bj_spec *spec = d->request.spec;
    const struct {
        uint16_t tag;
        const char *field;
        struct bj_strings *list;
        size_t most;
    } rows[] = {{BJ_REQUEST_COMMAND, "command", &spec->command, BJ_MAX_ARGUMENTS},
                {BJ_REQUEST_ARGS, "args", &spec->args, BJ_MAX_ARGUMENTS},
                {BJ_REQUEST_PYTHON_PATH, "python_path", &spec->python_path, BJ_MAX_PYTHON_PATH},
                {BJ_REQUEST_COLLECT, "collect", &spec->collect, BJ_MAX_COLLECT},
                {BJ_REQUEST_SYSCALLS, "syscalls", &spec->syscalls, BJ_MAX_CLOSED}};
    for (size_t n = 0; n < BJ_COUNT(rows); n++)
        if (rows[n].tag == tag)
            return strlen(text) < BJ_MAX_STRING ? add_text(d, rows[n].field, text, rows[n].list, rows[n].most)
                                                : malformed(d, rows[n].field);
    return malformed(d, "");
}

static int read_variable(struct decoder *d, const char *text)
{
    size_t length = strcspn(text, "=");
    if (strlen(text) >= BJ_MAX_STRING)
        return malformed(d, "env");
    char *name = bj__arena_copy(arena_of(d), text, length);
    if (!name)
        return bj__error_memory(d->err);
    int r = bj__check_variable_name("env", name, d->err);
    if (r < 0)
        return r;
    r = bj__spec_set_variable(d->request.spec, name, text[length] ? text + length + 1 : NULL, true);
    return r < 0 ? bj__spec_build_error(r, "env", BJ_MAX_ENVIRONMENT, d->err) : 0;
}

static int read_profile(struct decoder *d, const char *text)
{
    if (!bj__profile_name_ok(text))
        return malformed(d, "profile");
    return bj__copy_text(arena_of(d), text, &d->request.spec->profile) < 0 ? bj__error_memory(d->err) : 0;
}

static int read_text(struct decoder *d, uint16_t tag, const char *text)
{
    struct bj_spec *spec = d->request.spec;
    const struct {
        uint16_t tag;
        const char *field;
        const char **slot;
        size_t most;
    } rows[] = {{BJ_REQUEST_CODE, "code", &spec->code, BJ_MAX_SPEC_JSON},
                {BJ_REQUEST_EXPRESSION, "expression", &spec->expression, BJ_MAX_SPEC_JSON},
                {BJ_REQUEST_GLOBALS, "globals", &spec->globals, BJ_MAX_SPEC_JSON},
                {BJ_REQUEST_VIEWS, "views", &spec->views, BJ_MAX_SPEC_JSON},
                {BJ_REQUEST_POLICY, "policy", &spec->policy, BJ_MAX_SPEC_JSON},
                {BJ_REQUEST_DIRECTORY, "directory", &spec->directory, BJ_MAX_STRING},
                {BJ_REQUEST_HOSTNAME, "hostname", &spec->hostname, BJ_MAX_STRING}};
    if (tag == BJ_REQUEST_PROFILE)
        return read_profile(d, text);
    if (tag == BJ_REQUEST_ENV)
        return read_variable(d, text);
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        if (rows[n].tag != tag)
            continue;
        if (*rows[n].slot || strlen(text) > rows[n].most)
            return malformed(d, rows[n].field);
        return bj__copy_text(arena_of(d), text, rows[n].slot) < 0 ? bj__error_memory(d->err) : 0;
    }
    return read_list(d, tag, text);
}

static int read_stdin(struct decoder *d, const struct bj_tlv *record)
{
    struct bj_spec *spec = d->request.spec;
    if (spec->stdin_bytes || record->length > BJ_MAX_STDIN)
        return malformed(d, "stdin");
    spec->stdin_bytes = bj__arena_copy(arena_of(d), record->bytes, record->length);
    spec->stdin_length = record->length;
    return spec->stdin_bytes ? 0 : bj__error_memory(d->err);
}

static int read_file(struct decoder *d, const struct members *members)
{
    struct bj_spec *spec = d->request.spec;
    if (spec->file_count >= BJ_MAX_FILES_IN)
        return bj__spec_build_error(-E2BIG, "files", BJ_MAX_FILES_IN, d->err);
    struct bj_file *file = bj__spec_new_file(spec);
    if (!file)
        return bj__error_memory(d->err);
    int executable = member_number(d, "files.executable", members, BJ_MEMBER_D, 1);
    int r = executable < 0 ? executable : member_text(d, "files.path", members, BJ_MEMBER_A, &file->path);
    if (r == 0)
        r = bj__spec_check_path("files.path", file->path, d->err);
    if (r < 0)
        return r;
    file->executable = executable;
    if (members->have[BJ_MEMBER_B] == members->have[BJ_MEMBER_C])
        return malformed(d, "files");
    if (members->have[BJ_MEMBER_B]) {
        file->kind = BJ_FILE_SOURCE;
        r = member_text(d, "files.source", members, BJ_MEMBER_B, &file->source);
        return r < 0 ? r : bj__check_host_path("files.source", file->source, d->err);
    }
    file->kind = BJ_FILE_BYTES;
    file->length = members->records[BJ_MEMBER_C].length;
    file->bytes = bj__arena_copy(arena_of(d), members->records[BJ_MEMBER_C].bytes, file->length);
    return file->bytes ? 0 : bj__error_memory(d->err);
}

static int read_mount(struct decoder *d, const struct members *members)
{
    struct bj_spec *spec = d->request.spec;
    if (spec->mount_count >= BJ_MAX_MOUNTS)
        return bj__spec_build_error(-E2BIG, "mounts", BJ_MAX_MOUNTS, d->err);
    struct bj_mount *mount = bj__spec_new_mount(spec);
    if (!mount)
        return bj__error_memory(d->err);
    int r = member_text(d, "mounts.source", members, BJ_MEMBER_A, &mount->source);
    if (r == 0)
        r = bj__check_host_path("mounts.source", mount->source, d->err);
    if (r == 0)
        r = member_text(d, "mounts.target", members, BJ_MEMBER_B, &mount->target);
    if (r == 0)
        r = bj__check_jail_path("mounts.target", mount->target, d->err);
    int mode = r < 0 ? r : member_number(d, "mounts.mode", members, BJ_MEMBER_C, BJ_MOUNT_RW);
    int optional = mode < 0 ? mode : member_number(d, "mounts.mode", members, BJ_MEMBER_D, 1);
    int executable = optional < 0 ? optional : member_number(d, "mounts.mode", members, BJ_MEMBER_E, 1);
    if (executable < 0)
        return executable;
    mount->mode = (enum bj_mount_mode)mode;
    mount->optional = optional;
    mount->executable = executable;
    return 0;
}

static int read_limit(struct decoder *d, const struct members *members)
{
    uint64_t value = 0;
    int limit = member_number(d, "limits", members, BJ_MEMBER_A, bj__limit_count - 1);
    int r = limit < 0 ? limit : member_wide(d, "limits", members, BJ_MEMBER_B, &value);
    if (r == 0)
        r = bj__check_limit((size_t)limit, value, d->err);
    if (r < 0)
        return r;
    *bj__limit_at(&d->request.spec->limits, (size_t)limit) = value;
    d->request.limit_keys |= 1u << limit;
    return 0;
}

static int read_layer(struct decoder *d, const struct members *members)
{
    int layer = member_number(d, "layers", members, BJ_MEMBER_A, BJ_LAYER__COUNT - 1);
    int mode = layer < 0 ? layer : member_number(d, "layers", members, BJ_MEMBER_B, BJ_REQUIRE);
    if (mode < 0)
        return mode;
    d->request.spec->layers[layer] = (enum bj_mode)mode;
    d->request.layer_keys |= 1u << layer;
    return 0;
}

static int read_trace(struct decoder *d, const struct members *members)
{
    int steps = member_number(d, "trace.max_steps", members, BJ_MEMBER_A, BJ_MAX_TRACE_STEPS);
    int bytes = steps < 0 ? steps : member_number(d, "trace.max_bytes", members, BJ_MEMBER_B, BJ_MAX_OUTPUT);
    if (bytes < 0)
        return bytes;
    if (bytes > 0 && bytes < (int)BJ_MIN_TRACE_BYTES)
        return malformed(d, "trace.max_bytes");
    d->request.spec->trace = (struct bj_trace){.max_steps = (uint64_t)steps, .max_bytes = (uint64_t)bytes};
    return 0;
}

static int read_deterministic(struct decoder *d, const struct members *members)
{
    uint64_t seed = 0;
    uint64_t start = 0;
    int on = member_number(d, "deterministic", members, BJ_MEMBER_A, 1);
    int r = on < 0 ? on : member_wide(d, "deterministic.seed", members, BJ_MEMBER_B, &seed);
    if (r == 0)
        r = member_wide(d, "deterministic.time", members, BJ_MEMBER_C, &start);
    if (r < 0)
        return r;
    if (seed > BJ_MAX_SEED || start > (uint64_t)BJ_MOMENT_LAST)
        return malformed(d, "deterministic");
    d->request.spec->deterministic =
        (struct bj_deterministic){.on = on, .seed = (uint32_t)seed, .start_s = (int64_t)start};
    return 0;
}

static int read_nested(struct decoder *d, const struct bj_tlv *record)
{
    struct members members;
    int r = read_members(d, "", record, &members);
    if (r < 0)
        return r;
    switch (record->tag) {
    case BJ_REQUEST_FILE:
        return read_file(d, &members);
    case BJ_REQUEST_MOUNT:
        return read_mount(d, &members);
    case BJ_REQUEST_LIMIT:
        return read_limit(d, &members);
    case BJ_REQUEST_LAYER:
        return read_layer(d, &members);
    case BJ_REQUEST_TRACE:
        return read_trace(d, &members);
    default:
        return read_deterministic(d, &members);
    }
}

static int read_word(struct decoder *d, const struct bj_tlv *record)
{
    struct bj_spec *spec = d->request.spec;
    static const uint32_t most[BJ_REQUEST__COUNT] = {
        [BJ_REQUEST_KEYS] = (1u << BJ_KEY__COUNT) - 1, [BJ_REQUEST_DISPLAY] = 1,
        [BJ_REQUEST_NETWORK] = BJ_NETWORK_HOST,        [BJ_REQUEST_PROC] = BJ_PROC_OWN,
        [BJ_REQUEST_OUTPUT_ACTION] = BJ_OUTPUT_KILL,   [BJ_REQUEST_NICE] = 19};
    uint64_t number = 0;
    if (bj__tlv_number(record, most[record->tag], &number) < 0)
        return malformed(d, "");
    if (record->tag == BJ_REQUEST_KEYS)
        d->request.keys = (uint32_t)number;
    else if (record->tag == BJ_REQUEST_DISPLAY)
        spec->display = number != 0;
    else if (record->tag == BJ_REQUEST_NETWORK)
        spec->network = (enum bj_network)number;
    else if (record->tag == BJ_REQUEST_PROC)
        spec->proc = (enum bj_proc)number;
    else if (record->tag == BJ_REQUEST_OUTPUT_ACTION)
        spec->output_action = (enum bj_output_action)number;
    else
        spec->nice = (int)number;
    return 0;
}

static int read_record(struct decoder *d, const struct bj_tlv *record)
{
    static const enum {
        WRONG,
        TEXT,
        NUMBER,
        NESTED
    } forms[BJ_REQUEST__COUNT] = {[BJ_REQUEST_KEYS] = NUMBER,    [BJ_REQUEST_PROFILE] = TEXT,
                                  [BJ_REQUEST_COMMAND] = TEXT,   [BJ_REQUEST_ARGS] = TEXT,
                                  [BJ_REQUEST_CODE] = TEXT,      [BJ_REQUEST_EXPRESSION] = TEXT,
                                  [BJ_REQUEST_GLOBALS] = TEXT,   [BJ_REQUEST_VIEWS] = TEXT,
                                  [BJ_REQUEST_POLICY] = TEXT,    [BJ_REQUEST_PYTHON_PATH] = TEXT,
                                  [BJ_REQUEST_TRACE] = NESTED,   [BJ_REQUEST_DISPLAY] = NUMBER,
                                  [BJ_REQUEST_ENV] = TEXT,       [BJ_REQUEST_DETERMINISTIC] = NESTED,
                                  [BJ_REQUEST_DIRECTORY] = TEXT, [BJ_REQUEST_HOSTNAME] = TEXT,
                                  [BJ_REQUEST_FILE] = NESTED,    [BJ_REQUEST_COLLECT] = TEXT,
                                  [BJ_REQUEST_MOUNT] = NESTED,   [BJ_REQUEST_LIMIT] = NESTED,
                                  [BJ_REQUEST_LAYER] = NESTED,   [BJ_REQUEST_NETWORK] = NUMBER,
                                  [BJ_REQUEST_PROC] = NUMBER,    [BJ_REQUEST_OUTPUT_ACTION] = NUMBER,
                                  [BJ_REQUEST_SYSCALLS] = TEXT,  [BJ_REQUEST_NICE] = NUMBER};
    const char *text;
    if (record->tag == BJ_REQUEST_STDIN)
        return read_stdin(d, record);
    if (record->tag >= BJ_REQUEST__COUNT || forms[record->tag] == WRONG)
        return malformed(d, "");
    if (forms[record->tag] == NUMBER)
        return read_word(d, record);
    if (forms[record->tag] == NESTED)
        return read_nested(d, record);
    return bj__tlv_text(record, &text) < 0 ? malformed(d, "") : read_text(d, record->tag, text);
}

/* What is there was given, whatever "keys" says; what a key without a record leaves is an empty list, or nothing. */
static void complete_keys(struct bj_request *request)
{
    const struct bj_spec *spec = request->spec;
    const struct {
        enum bj_spec_key key;
        bool given;
    } rows[] = {{BJ_KEY_COMMAND, spec->command.count > 0},
                {BJ_KEY_CODE, spec->code},
                {BJ_KEY_EXPRESSION, spec->expression},
                {BJ_KEY_GLOBALS, spec->globals},
                {BJ_KEY_VIEWS, spec->views},
                {BJ_KEY_POLICY, spec->policy},
                {BJ_KEY_STDIN, spec->stdin_bytes},
                {BJ_KEY_DIRECTORY, spec->directory},
                {BJ_KEY_HOSTNAME, spec->hostname}};
    for (size_t n = 0; n < BJ_COUNT(rows); n++) {
        request->keys &= ~(1u << rows[n].key);
        if (rows[n].given)
            request->keys |= 1u << rows[n].key;
    }
    if (spec->syscalls.count > 0)
        request->keys |= 1u << BJ_KEY_SYSCALLS;
    bj__strings_sort(&request->spec->syscalls);
}

int bj__request_decode(const void *bytes, size_t length, struct bj_request *ret_request, struct bj_error *err)
{
    struct decoder d = {.request = {.spec = bj__spec_new_empty(), .policy_was_read = true}, .err = err};
    struct bj_tlv_reader reader;
    struct bj_tlv record;
    int r = 0;
    if (!d.request.spec)
        return bj__error_memory(err);
    bj__tlv_start(&reader, bytes, length);
    while (r == 0) {
        int more = bj__tlv_next(&reader, &record);
        if (more == 0)
            break;
        r = more < 0 ? malformed(&d, "") : read_record(&d, &record);
    }
    if (r < 0) {
        bj__request_done(&d.request);
        return r;
    }
    complete_keys(&d.request);
    *ret_request = d.request;
    return 0;
}
