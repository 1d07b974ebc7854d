/* What a client of snekbox asks for, judged in the words of jsonschema.
 * Its own file because the request is judged here, and run and told of in another file.
 * Changes when: snekbox's requests have another field. */
#include "server/compat/compat.h"
#include "server/compat/repr.h"
#include "server/compat/snekbox.h"
#include "server/read_request.h"
#include "spec/base64.h"
#include "spec/json_read.h"

#define PATH_BYTES 2048

static const char bad_data[] = "Request data failed validation";
static const char bad_file[] = "Request file is invalid";
static const char python[] = "python3";

static bool no_memory(struct bj_refusal *refusal)
{
    return bj__refuse(refusal, BJ_REFUSAL_BUFFERS, "there is no memory for it now");
}

/* "VALUE WHAT" */
static bool mismatch(struct bj_refusal *refusal, const json_t *value, const char *what)
{
    BJ_BUF struct bj_buf text;
    bj__buf_init(&text, sizeof(refusal->error.message));
    bj__repr(&text, value);
    return bj__refuse_field(refusal, BJ_REFUSAL_BAD_REQUEST, bad_data, "%.200s %s",
                            text.length ? (const char *)text.bytes : "", what);
}

static bool is_type(const json_t *value, json_type type, struct bj_refusal *refusal)
{
    static const char *const words[] = {[JSON_OBJECT] = "is not of type 'object'",
                                        [JSON_ARRAY] = "is not of type 'array'",
                                        [JSON_STRING] = "is not of type 'string'"};
    return json_typeof(value) == type || mismatch(refusal, value, words[type]);
}

/* ---- schema ---------------------------------------------------------------------------------------- */

static bool check_file(const json_t *file, struct bj_refusal *refusal)
{
    const json_t *path = json_object_get(file, "path");
    const json_t *content = json_object_get(file, "content");
    if (!is_type(file, JSON_OBJECT, refusal))
        return false;
    if (!path)
        return bj__refuse_field(refusal, BJ_REFUSAL_BAD_REQUEST, bad_data, "'path' is a required property");
    if (!is_type(path, JSON_STRING, refusal) || (content && !is_type(content, JSON_STRING, refusal)))
        return false;
    const char *text = json_string_value(path);
    if (text[0] == '/' || strstr(text, "\\0") || strlen(text) != json_string_length(path))
        return mismatch(refusal, path, "does not match '^(?!/)(?!.*\\\\\\\\0).*$'");
    return true;
}

static bool check_schema(const json_t *root, struct bj_refusal *refusal)
{
    const json_t *input = json_object_get(root, "input");
    const json_t *args = json_object_get(root, "args");
    const json_t *files = json_object_get(root, "files");
    const json_t *program = json_object_get(root, "executable_path");
    size_t n;
    const json_t *item;
    if (!is_type(root, JSON_OBJECT, refusal))
        return false;
    if (!input && !args)
        return mismatch(refusal, root, "is not valid under any of the given schemas");
    if ((input && !is_type(input, JSON_STRING, refusal)) || (args && !is_type(args, JSON_ARRAY, refusal)) ||
        (files && !is_type(files, JSON_ARRAY, refusal)) || (program && !is_type(program, JSON_STRING, refusal)))
        return false;
    json_array_foreach(args, n, item) if (!is_type(item, JSON_STRING, refusal)) return false;
    json_array_foreach(files, n, item) if (!check_file(item, refusal)) return false;
    return true;
}

/* ---- files ----------------------------------------------------------------------------------------- */

/* "a/./b/../c" is "a/c". False: it leads out. */
static bool normalize(const char *path, char clean[PATH_BYTES])
{
    size_t length = 0;
    clean[0] = 0;
    for (size_t step; *path; path += step + (path[step] == '/')) {
        step = strcspn(path, "/");
        if (step == 0 || (step == 1 && path[0] == '.'))
            continue;
        if (step == 2 && strncmp(path, "..", 2) == 0) {
            if (length == 0)
                return false;
            while (length > 0 && clean[--length] != '/')
                ;
        } else {
            if (length + step + 2 > PATH_BYTES)
                return false;
            if (length > 0)
                clean[length++] = '/';
            memcpy(clean + length, path, step);
            length += step;
        }
        clean[length] = 0;
    }
    return true;
}

static bool add_file(const json_t *source, struct bj_spec *spec, struct bj_refusal *refusal)
{
    char path[PATH_BYTES];
    struct bj_error error = {0};
    const char *given = json_string_value(json_object_get(source, "path"));
    const json_t *content = json_object_get(source, "content");
    size_t length = json_string_length(content);
    if (!normalize(given, path))
        return bj__refuse_field(refusal, BJ_REFUSAL_BAD_REQUEST, bad_file,
                                "File path '%.300s' may not traverse beyond root", given);
    if (bj__spec_check_path("path", path, &error) < 0)
        return bj__refuse_field(refusal, BJ_REFUSAL_BAD_REQUEST, bad_file, "File path: %s", error.message);
    struct bj_file *file = bj__spec_new_file(spec);
    unsigned char *bytes = bj__arena_alloc(&spec->arena, BJ_BASE64_DECODED(length) + 1);
    if (!file || !bytes || bj__copy_text(&spec->arena, path, &file->path) < 0)
        return no_memory(refusal);
    file->bytes = bytes;
    if (length > 0 && bj__base64_decode(json_string_value(content), length, bytes, &file->length) < 0)
        return bj__refuse_field(refusal, BJ_REFUSAL_BAD_REQUEST, bad_file,
                                "Invalid base64 encoding for file '%.300s'", given);
    return true;
}

/* ---- the request ------------------------------------------------------------------------------------ */

static bool is_our_python(const char *path)
{
    return path[0] == 0 || strcmp(path, "/snekbin/python/default/bin/python") == 0 ||
           strcmp(path, "/usr/bin/python3") == 0;
}

/* python3 and the arguments, without empty ones in front; or, which is the same and starts at once, the very code. */
static bool set_program(const json_t *root, struct bj_request *request, struct bj_refusal *refusal)
{
    struct bj_spec *spec = request->spec;
    const json_t *input = json_object_get(root, "input");
    const json_t *args = json_object_get(root, "args");
    size_t count = json_array_size(args);
    size_t n;
    const json_t *arg;
    bool begun = false;
    const char *first = json_string_value(json_array_get(args, 0));
    const json_t *code = !args || (input && count == 1 && strcmp(first, "-c") == 0) ? input
                         : !input && count == 2 && strcmp(first, "-c") == 0         ? json_array_get(args, 1)
                                                                                    : NULL;
    json_array_foreach(
        args, n, arg) if (strlen(json_string_value(arg)) !=
                          json_string_length(arg)) return bj__refuse_field(refusal, BJ_REFUSAL_BAD_REQUEST,
                                                                           bad_data, "an argument has a NUL");
    if (input && strlen(json_string_value(input)) != json_string_length(input))
        return bj__refuse_field(refusal, BJ_REFUSAL_BAD_REQUEST, bad_data, "the input has a NUL");
    if (code) {
        request->keys |= 1u << BJ_KEY_CODE;
        return bj__copy_text(&spec->arena, json_string_value(code), &spec->code) == 0 || no_memory(refusal);
    }
    request->keys |= 1u << BJ_KEY_COMMAND;
    int r = bj__strings_add(&spec->arena, &spec->command, python);
    json_array_foreach(args, n, arg)
    {
        begun = begun || json_string_length(arg) > 0;
        if (r == 0 && begun)
            r = bj__strings_add(&spec->arena, &spec->command, json_string_value(arg));
    }
    if (r == 0 && input && (begun || json_string_length(input) > 0))
        r = bj__strings_add(&spec->arena, &spec->command, json_string_value(input));
    return r == 0 || no_memory(refusal);
}

/* A profile that hands files out by itself says which. */
static bool set_collect(const struct bj_exchange *exchange, const char *profile, struct bj_request *request,
                        struct bj_refusal *refusal)
{
    static const char *const patterns[] = {"[!_.]*", "[!.]*/[!_.]*", "[!.]*/[!.]*/[!_.]*",
                                           "[!.]*/[!.]*/[!.]*/[!_.]*"};
    const struct bj_profile_known *known = bj__service_profile(exchange->service, profile);
    if (known && json_array_size(json_object_get(known->tree, "collect")) > 0)
        return true;
    request->keys |= 1u << BJ_KEY_COLLECT;
    for (size_t n = 0; n < BJ_COUNT(patterns); n++)
        if (bj__strings_add(&request->spec->arena, &request->spec->collect, patterns[n]) < 0)
            return no_memory(refusal);
    return true;
}

static bool fill(const struct bj_exchange *exchange, const json_t *root, const char *profile,
                 struct bj_request *request, struct bj_refusal *refusal)
{
    size_t n;
    const json_t *file;
    const char *program = json_string_value(json_object_get(root, "executable_path"));
    if (program && !is_our_python(program))
        return bj__refuse_field(refusal, BJ_REFUSAL_BAD_REQUEST, "executable_path does not exist", "%s", "");
    if (!request->spec || bj__copy_text(&request->spec->arena, profile, &request->spec->profile) < 0)
        return no_memory(refusal);
    json_array_foreach(json_object_get(root, "files"), n, file)
    {
        request->keys |= 1u << BJ_KEY_FILES;
        if (!add_file(file, request->spec, refusal))
            return false;
    }
    return set_program(root, request, refusal) && set_collect(exchange, profile, request, refusal);
}

bool bj__snekbox_read(const struct bj_exchange *exchange, const char *profile, struct bj_request *ret_request,
                      struct bj_refusal *refusal)
{
    struct bj_error error = {0};
    BJ_JSON json_t *root = NULL;
    if (exchange->body.length == 0)
        return bj__refuse_field(refusal, BJ_REFUSAL_BAD_REQUEST, "Invalid JSON",
                                "Could not parse an empty JSON body");
    if (!bj__read_has_few_values(&exchange->body, refusal))
        return bj__refuse_field(refusal, BJ_REFUSAL_BAD_REQUEST, "Invalid JSON",
                                "There are too many values in it");
    if (bj__json_load((const char *)exchange->body.bytes, exchange->body.length, BJ_MAX_SPEC_JSON, &root,
                      &error) < 0)
        return bj__refuse_field(refusal, BJ_REFUSAL_BAD_REQUEST, "Invalid JSON",
                                "Could not parse JSON body - %s", error.message);
    if (!check_schema(root, refusal))
        return false;
    *ret_request = (struct bj_request){.spec = bj__spec_new_empty(), .keys = 1u << BJ_KEY_PROFILE};
    if (fill(exchange, root, profile, ret_request, refusal))
        return true;
    bj__request_done(ret_request);
    return false;
}
