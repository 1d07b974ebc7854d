/* A request as records: written by who read the JSON.
 * Its own file because the writer is not trusted, and the reader (spec_wire.c) does without it.
 * Changes when: a request can say something more. */
#include "spec/check.h"
#include "spec/spec_wire.h"

static int add_strings(struct bj_buf *buf, uint16_t tag, const struct bj_strings *strings)
{
    int r = 0;
    for (size_t n = 0; r == 0 && n < strings->count; n++)
        r = bj__tlv_add_text(buf, tag, strings->items[n]);
    return r;
}

struct member {
    uint16_t tag;
    uint64_t number;
};

static int add_numbers(struct bj_buf *buf, uint16_t tag, const struct member *members, size_t count)
{
    size_t start;
    int r = bj__tlv_open(buf, tag, &start);
    for (size_t n = 0; r == 0 && n < count; n++)
        r = bj__tlv_add_number(buf, members[n].tag, members[n].number);
    return r < 0 ? r : bj__tlv_close(buf, start);
}

static int add_file(struct bj_buf *buf, const struct bj_file *file)
{
    size_t start;
    int r = bj__tlv_open(buf, BJ_REQUEST_FILE, &start);
    if (r == 0)
        r = bj__tlv_add_text(buf, BJ_MEMBER_A, file->path);
    if (r == 0 && file->kind == BJ_FILE_SOURCE)
        r = bj__tlv_add_text(buf, BJ_MEMBER_B, file->source);
    if (r == 0 && file->kind == BJ_FILE_BYTES)
        r = bj__tlv_add(buf, BJ_MEMBER_C, file->bytes, file->length);
    if (r == 0)
        r = bj__tlv_add_number(buf, BJ_MEMBER_D, file->executable);
    return r < 0 ? r : bj__tlv_close(buf, start);
}

static int add_mount(struct bj_buf *buf, const struct bj_mount *mount)
{
    size_t start;
    int r = bj__tlv_open(buf, BJ_REQUEST_MOUNT, &start);
    if (r == 0)
        r = bj__tlv_add_text(buf, BJ_MEMBER_A, mount->source);
    if (r == 0)
        r = bj__tlv_add_text(buf, BJ_MEMBER_B, mount->target);
    if (r == 0)
        r = bj__tlv_add_number(buf, BJ_MEMBER_C, (uint64_t)mount->mode);
    if (r == 0)
        r = bj__tlv_add_number(buf, BJ_MEMBER_D, mount->optional);
    if (r == 0)
        r = bj__tlv_add_number(buf, BJ_MEMBER_E, mount->executable);
    return r < 0 ? r : bj__tlv_close(buf, start);
}

static int add_program(const struct bj_spec *spec, struct bj_buf *buf)
{
    int r = bj__tlv_add_text(buf, BJ_REQUEST_PROFILE, spec->profile);
    if (r == 0)
        r = add_strings(buf, BJ_REQUEST_COMMAND, &spec->command);
    if (r == 0)
        r = add_strings(buf, BJ_REQUEST_ARGS, &spec->args);
    if (r == 0)
        r = bj__tlv_add_text(buf, BJ_REQUEST_CODE, spec->code);
    if (r == 0)
        r = bj__tlv_add_text(buf, BJ_REQUEST_EXPRESSION, spec->expression);
    if (r == 0)
        r = bj__tlv_add_text(buf, BJ_REQUEST_GLOBALS, spec->globals);
    if (r == 0)
        r = bj__tlv_add_text(buf, BJ_REQUEST_VIEWS, spec->views);
    if (r == 0)
        r = bj__tlv_add_text(buf, BJ_REQUEST_POLICY, spec->policy);
    if (r == 0)
        r = add_strings(buf, BJ_REQUEST_PYTHON_PATH, &spec->python_path);
    return r;
}

static int add_python(const struct bj_request *request, struct bj_buf *buf)
{
    const struct bj_spec *spec = request->spec;
    const struct member trace[] = {{BJ_MEMBER_A, spec->trace.max_steps}, {BJ_MEMBER_B, spec->trace.max_bytes}};
    const struct member deterministic[] = {{BJ_MEMBER_A, spec->deterministic.on},
                                           {BJ_MEMBER_B, spec->deterministic.seed},
                                           {BJ_MEMBER_C, (uint64_t)spec->deterministic.start_s}};
    int r = 0;
    if (request->keys & 1u << BJ_KEY_TRACE)
        r = add_numbers(buf, BJ_REQUEST_TRACE, trace, BJ_COUNT(trace));
    if (r == 0 && request->keys & 1u << BJ_KEY_DISPLAY)
        r = bj__tlv_add_number(buf, BJ_REQUEST_DISPLAY, spec->display);
    if (r == 0 && request->keys & 1u << BJ_KEY_DETERMINISTIC)
        r = add_numbers(buf, BJ_REQUEST_DETERMINISTIC, deterministic, BJ_COUNT(deterministic));
    return r;
}

static int add_surroundings(const struct bj_spec *spec, struct bj_buf *buf)
{
    int r = add_strings(buf, BJ_REQUEST_ENV, &spec->environment);
    if (r == 0 && spec->stdin_bytes)
        r = bj__tlv_add(buf, BJ_REQUEST_STDIN, spec->stdin_bytes, spec->stdin_length);
    if (r == 0)
        r = bj__tlv_add_text(buf, BJ_REQUEST_DIRECTORY, spec->directory);
    if (r == 0)
        r = bj__tlv_add_text(buf, BJ_REQUEST_HOSTNAME, spec->hostname);
    for (size_t n = 0; r == 0 && n < spec->file_count; n++)
        r = add_file(buf, &spec->files[n]);
    if (r == 0)
        r = add_strings(buf, BJ_REQUEST_COLLECT, &spec->collect);
    for (size_t n = 0; r == 0 && n < spec->mount_count; n++)
        r = add_mount(buf, &spec->mounts[n]);
    return r;
}

static int add_walls(const struct bj_request *request, struct bj_buf *buf)
{
    const struct bj_spec *spec = request->spec;
    const struct {
        enum bj_spec_key key;
        uint16_t tag;
        uint64_t number;
    } words[] = {{BJ_KEY_NETWORK, BJ_REQUEST_NETWORK, (uint64_t)spec->network},
                 {BJ_KEY_PROC, BJ_REQUEST_PROC, (uint64_t)spec->proc},
                 {BJ_KEY_OUTPUT_ACTION, BJ_REQUEST_OUTPUT_ACTION, (uint64_t)spec->output_action},
                 {BJ_KEY_NICE, BJ_REQUEST_NICE, (uint64_t)spec->nice}};
    int r = add_strings(buf, BJ_REQUEST_SYSCALLS, &spec->syscalls);
    for (size_t n = 0; r == 0 && n < bj__limit_count; n++) {
        const struct member limit[] = {{BJ_MEMBER_A, n}, {BJ_MEMBER_B, bj__limit_value(&spec->limits, n)}};
        if (request->limit_keys & 1u << n)
            r = add_numbers(buf, BJ_REQUEST_LIMIT, limit, BJ_COUNT(limit));
    }
    for (size_t n = 0; r == 0 && n < BJ_LAYER__COUNT; n++) {
        const struct member layer[] = {{BJ_MEMBER_A, n}, {BJ_MEMBER_B, (uint64_t)spec->layers[n]}};
        if (request->layer_keys & 1u << n)
            r = add_numbers(buf, BJ_REQUEST_LAYER, layer, BJ_COUNT(layer));
    }
    for (size_t n = 0; r == 0 && n < BJ_COUNT(words); n++)
        if (request->keys & 1u << words[n].key)
            r = bj__tlv_add_number(buf, words[n].tag, words[n].number);
    return r;
}

int bj__request_encode(const struct bj_request *request, struct bj_buf *buf)
{
    int r = bj__tlv_add_number(buf, BJ_REQUEST_KEYS, request->keys);
    if (r == 0)
        r = add_program(request->spec, buf);
    if (r == 0)
        r = add_python(request, buf);
    if (r == 0)
        r = add_surroundings(request->spec, buf);
    return r < 0 ? r : add_walls(request, buf);
}
