/* What a client of Piston asks for, judged in Piston's words.
 * Its own file because the request is judged here, and run and told of in another file.
 * Changes when: Piston's requests have another field. */
#include "server/compat/compat.h"
#include "server/compat/hex.h"
#include "server/compat/piston.h"
#include "server/compat/semver.h"
#include "server/read_request.h"
#include "spec/base64.h"
#include "spec/json_read.h"

#include <stdio.h>

static bool bad(struct bj_refusal *refusal, const char *text)
{
    return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "%s", text);
}

static bool no_memory(struct bj_refusal *refusal)
{
    return bj__refuse(refusal, BJ_REFUSAL_BUFFERS, "there is no memory for it now");
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool is_utf8(const json_t *file)
{
    const char *encoding = text_of(file, "encoding");
    return !encoding || (strcmp(encoding, "base64") != 0 && strcmp(encoding, "hex") != 0);
}

/* ---- what can be judged by itself ------------------------------------------------------------------- */

static bool check_files(const json_t *files, struct bj_refusal *refusal)
{
    size_t n;
    const json_t *file;
    bool any = false;
    if (!json_is_array(files))
        return bad(refusal, "files is required as an array");
    json_array_foreach(files, n, file)
    {
        const json_t *name = json_object_get(file, "name");
        if (!json_is_string(json_object_get(file, "content")))
            return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "files[%zu].content is required as a string", n);
        if (name && !json_is_null(name) && !json_is_string(name))
            return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "files[%zu].name must be a string", n);
        any = any || is_utf8(file);
    }
    return any || bad(refusal, "files must include at least one utf8 encoded file");
}

static bool check_input(const json_t *root, struct bj_refusal *refusal)
{
    const json_t *input = json_object_get(root, "stdin");
    const json_t *args = json_object_get(root, "args");
    size_t n;
    const json_t *arg;
    if (input && !json_is_null(input) && !json_is_string(input))
        return bad(refusal, "stdin must be a string");
    if (args && !json_is_null(args) && !json_is_array(args))
        return bad(refusal, "args must be an array");
    json_array_foreach(
        args, n, arg) if (!json_is_string(arg) ||
                          strlen(json_string_value(arg)) !=
                              json_string_length(arg)) return bad(refusal, "args must be strings without NUL");
    return true;
}

bool bj__piston_read(const struct bj_exchange *exchange, json_t **ret_root, struct bj_refusal *refusal)
{
    struct bj_error error = {0};
    BJ_JSON json_t *root = NULL;
    if (!bj__read_has_few_values(&exchange->body, refusal))
        return bad(refusal, "there are too many values in it");
    if (exchange->body.length == 0 || bj__json_load((const char *)exchange->body.bytes, exchange->body.length,
                                                    BJ_MAX_SPEC_JSON, &root, &error) < 0)
        return bad(refusal, exchange->body.length ? error.message : "the body is empty");
    if (!text_of(root, "language") || !text_of(root, "language")[0])
        return bad(refusal, "language is required as a string");
    if (!text_of(root, "version") || !text_of(root, "version")[0])
        return bad(refusal, "version is required as a string");
    if (!check_files(json_object_get(root, "files"), refusal) || !check_input(root, refusal))
        return false;
    *ret_root = json_incref(root);
    return true;
}

/* ---- limits ----------------------------------------------------------------------------------------- */

static const struct {
    const char *name[BJ_PISTON__STAGES]; /* in a request */
    const char *key;                     /* in a profile */
    double scale;                        /* of the profile's number to the request's */
    size_t place;                        /* in BJ_LIMIT_LIST */
} limits[] = {{{"compile_memory_limit", "run_memory_limit"}, "memory_bytes", 1, 2},
              {{"compile_timeout", "run_timeout"}, "wall_seconds", 1000, 0},
              {{"compile_cpu_time", "run_cpu_time"}, "cpu_seconds", 1000, 1}};

/* 0, null and, of memory, -1: as much as there is. */
static double asked_limit(const json_t *root, size_t limit, size_t stage)
{
    const json_t *value = json_object_get(root, limits[limit].name[stage]);
    double number = json_is_number(value) ? json_number_value(value) : 0;
    return limits[limit].scale == 1 && number == -1 ? 0 : number;
}

static bool check_limit(const struct bj_piston_ask *ask, const json_t *given, size_t limit, size_t stage,
                        struct bj_refusal *refusal)
{
    const char *name = limits[limit].name[stage];
    const json_t *value = json_object_get(ask->root, name);
    double most = json_number_value(json_object_get(given, limits[limit].key)) * limits[limit].scale;
    double number = asked_limit(ask->root, limit, stage);
    if (!value || json_is_null(value) || json_is_false(value))
        return true;
    if (!json_is_number(value))
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "If specified, %s must be a number", name);
    if (most > 0 && number > most)
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "%s cannot exceed the configured limit of %.0f",
                          name, most);
    return number >= 0 || bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "%s must be non-negative", name);
}

bool bj__piston_choose(const struct bj_exchange *exchange, struct bj_piston_ask *ask,
                       struct bj_refusal *refusal)
{
    const char *language = text_of(ask->root, "language");
    const char *selector = text_of(ask->root, "version");
    const char *version = NULL;
    const struct bj_runtime *runtime = NULL;
    while ((runtime = bj__runtime_next(exchange, runtime, &version)))
        if (bj__runtime_is(runtime, language) && bj__semver_matches(version, selector))
            break;
    if (!runtime)
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "%.80s-%.80s runtime is unknown", language,
                          selector);
    ask->runtime = runtime;
    ask->version = version;
    const json_t *given = json_object_get(bj__compat_profile(exchange, runtime->profile)->tree, "limits");
    for (size_t limit = 0; limit < BJ_COUNT(limits); limit++)
        for (size_t stage = 0; stage < BJ_PISTON__STAGES; stage++)
            if (!check_limit(ask, given, limit, stage, refusal))
                return false;
    return true;
}

/* ---- the request ------------------------------------------------------------------------------------ */

static void set_limits(const json_t *root, size_t stage, struct bj_request *request)
{
    struct bj_limits *of = &request->spec->limits;
    uint64_t *const fields[] = {&of->wall_us, &of->cpu_us, &of->memory_bytes};
    static const double least[] = {1000, 1000, 65536};
    for (size_t n = 0; n < BJ_COUNT(limits); n++) {
        double number = asked_limit(root, n, stage) * (limits[n].scale == 1 ? 1 : 1000); /* ms to us */
        if (number <= 0)
            continue;
        *fields[limits[n].place] =
            (uint64_t)(number < least[limits[n].place] ? least[limits[n].place] : number);
        request->limit_keys |= 1u << limits[n].place;
        request->keys |= 1u << BJ_KEY_LIMITS;
    }
}

/* bytes has room for as many as the text has. */
static bool decode(const json_t *file, unsigned char *bytes, size_t *ret_length)
{
    const char *content = text_of(file, "content");
    const char *encoding = text_of(file, "encoding");
    size_t length = json_string_length(json_object_get(file, "content"));
    *ret_length = length;
    if (is_utf8(file)) {
        memcpy(bytes, content, length);
        return true;
    }
    if (encoding && strcmp(encoding, "base64") == 0)
        return bj__base64_decode(content, length, bytes, ret_length) == 0;
    *ret_length = length / 2;
    for (size_t n = 0; n < length / 2; n++) {
        int high = bj__hex(content[2 * n]);
        int low = bj__hex(content[2 * n + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[n] = (unsigned char)(high * 16 + low);
    }
    return length % 2 == 0;
}

/* Where it stands in the jail: "file0.code" without a name of its own. */
static const char *name_file(const json_t *file, size_t n, char fallback[32])
{
    const char *name = text_of(file, "name");
    (void)snprintf(fallback, 32, "file%zu.code", n); /* it fits */
    if (!name || !name[0])
        return fallback;
    return strncmp(name, "./", 2) == 0 ? name + 2 : name;
}

static bool add_file(struct bj_spec *spec, const json_t *source, size_t n, struct bj_refusal *refusal)
{
    char fallback[32];
    char field[40];
    struct bj_error error = {0};
    const json_t *name = json_object_get(source, "name");
    const char *path = name_file(source, n, fallback);
    (void)snprintf(field, sizeof(field), "files[%zu].name", n); /* it fits */
    if (json_is_string(name) && strlen(json_string_value(name)) != json_string_length(name))
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "%s has a NUL", field);
    if (bj__spec_check_path(field, path, &error) < 0)
        return bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "%s: %s", field, error.message);
    size_t length = json_string_length(json_object_get(source, "content"));
    struct bj_file *file = bj__spec_new_file(spec);
    unsigned char *bytes = bj__arena_alloc(&spec->arena, length + 1);
    if (!file || !bytes || bj__copy_text(&spec->arena, path, &file->path) < 0)
        return no_memory(refusal);
    file->bytes = bytes;
    return decode(source, bytes, &file->length) ||
           bj__refuse(refusal, BJ_REFUSAL_BAD_REQUEST, "files[%zu].content is not in its encoding", n);
}

static bool is_header(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (strcmp(dot, ".h") == 0 || strcmp(dot, ".hpp") == 0 || strcmp(dot, ".hh") == 0);
}

static int add_words(struct bj_spec *spec, const char *const *words, size_t most)
{
    int r = 0;
    for (size_t n = 0; r == 0 && n < most && words[n]; n++)
        r = bj__strings_add(&spec->arena, &spec->command, words[n]);
    return r;
}

/* compile FILE... LIBRARIES; run FILE ARGUMENT...; ./a.out ARGUMENT... */
static int set_command(const struct bj_piston_ask *ask, enum bj_piston_stage stage, struct bj_spec *spec)
{
    const struct bj_runtime *runtime = ask->runtime;
    bool compiles = stage == BJ_PISTON_COMPILE;
    const json_t *files = json_object_get(ask->root, "files");
    bool whole = runtime->compile[0] && !compiles; /* nothing but arguments follows */
    size_t n;
    const json_t *item;
    int r = add_words(spec, compiles ? runtime->compile : runtime->run,
                      compiles ? BJ_COUNT(runtime->compile) : BJ_COUNT(runtime->run));
    json_array_foreach(files, n, item)
    {
        char fallback[32];
        const char *name = name_file(item, n, fallback);
        if (r < 0 || whole || !is_utf8(item) || (compiles && is_header(name)))
            continue;
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s%s", name[0] == '-' ? "./" : "", name); /* it was checked */
        r = bj__strings_add(&spec->arena, &spec->command, path);
        whole = !compiles; /* the first is the program */
    }
    if (r == 0 && compiles && runtime->libraries)
        r = bj__strings_add(&spec->arena, &spec->command, runtime->libraries);
    json_array_foreach(json_object_get(ask->root, "args"), n, item) if (r == 0 && !compiles) r =
        bj__strings_add(&spec->arena, &spec->command, json_string_value(item));
    return r;
}

/* Always with a line end, as Piston does it. */
static int set_stdin(const json_t *root, struct bj_request *request)
{
    const json_t *input = json_object_get(root, "stdin");
    size_t length = json_string_length(input);
    char *bytes = bj__arena_alloc(&request->spec->arena, length + 2);
    if (!bytes)
        return -ENOMEM;
    if (length > 0)
        memcpy(bytes, json_string_value(input), length);
    if (length == 0 || bytes[length - 1] != '\n')
        bytes[length++] = '\n';
    request->spec->stdin_bytes = bytes;
    request->spec->stdin_length = length;
    request->keys |= 1u << BJ_KEY_STDIN;
    return 0;
}

static int add_binary(const struct bj_outcome_file *binary, struct bj_spec *spec)
{
    struct bj_file *file = bj__spec_new_file(spec);
    if (!file || bj__copy_text(&spec->arena, BJ_RUNTIME_BINARY, &file->path) < 0)
        return -ENOMEM;
    file->bytes = binary->bytes; /* until the request was sent */
    file->length = binary->length;
    file->executable = true;
    return 0;
}

static bool add_files(const struct bj_piston_ask *ask, bool binary, struct bj_spec *spec,
                      struct bj_refusal *refusal)
{
    size_t n;
    const json_t *item;
    char fallback[32];
    json_array_foreach(json_object_get(ask->root, "files"), n, item)
    {
        bool replaced = binary && strcmp(name_file(item, n, fallback), BJ_RUNTIME_BINARY) == 0;
        if (!replaced && !add_file(spec, item, n, refusal))
            return false;
    }
    return true;
}

bool bj__piston_request(const struct bj_piston_ask *ask, enum bj_piston_stage stage,
                        const struct bj_outcome_file *binary, struct bj_request *ret_request,
                        struct bj_refusal *refusal)
{
    struct bj_spec *spec = bj__spec_new_empty();
    struct bj_request *request = ret_request;
    *request = (struct bj_request){.spec = spec,
                                   .keys = 1u << BJ_KEY_PROFILE | 1u << BJ_KEY_COMMAND | 1u << BJ_KEY_FILES |
                                           1u << BJ_KEY_OUTPUT_ACTION};
    if (!spec)
        return no_memory(refusal);
    spec->output_action = BJ_OUTPUT_KILL;
    if (!add_files(ask, binary != NULL, spec, refusal))
        return false;
    set_limits(ask->root, stage, request);
    int r = bj__copy_text(&spec->arena, ask->runtime->profile, &spec->profile);
    if (r == 0)
        r = set_command(ask, stage, spec);
    if (r == 0 && stage == BJ_PISTON_RUN)
        r = set_stdin(ask->root, request);
    if (r == 0 && binary)
        r = add_binary(binary, spec);
    if (r == 0 && stage == BJ_PISTON_COMPILE) {
        request->keys |= 1u << BJ_KEY_COLLECT;
        r = bj__strings_add(&spec->arena, &spec->collect, BJ_RUNTIME_BINARY);
    }
    return r == 0 || (r == -E2BIG ? bad(refusal, "there are too many arguments") : no_memory(refusal));
}
