/* JSON text to a spec: the keys of the outermost object.
 * Its own file because the table below is the list of everything that can be said in a spec.
 * Changes when: a key is added (and then schema/spec.schema.json as well). */
#include "spec/check.h"
#include "spec/json_read.h"
#include "spec/moment.h"

#include <stdio.h>

#define MAX_DESCRIPTION 200u

#define READER(verb)                                                                                           \
    static int verb(struct bj_reader *reader, const char *field, const json_t *value, void *target)

READER(read_version)
{
    if (json_is_integer(value) && json_integer_value(value) == 1)
        return 0;
    return bj__json_wrong(reader, field, value, "1, the only version there is");
}

READER(read_profile)
{
    struct bj_spec *spec = target;
    const char *name;
    int r = bj__json_text(reader, field, value, BJ_MAX_STRING, &name);
    if (r < 0)
        return r;
    /* In a profile it only tells what the file was made from (the output of bj_spec_json has it). */
    if (!reader->request)
        return 0;
    /* A request that could give a path would bring its own profile, and be held to nothing. */
    if (!bj__profile_name_ok(name))
        return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field,
                         "\"%.80s\" is not a profile's name: 1 to 63 of a-z, 0-9 and '-'", name);
    return bj__copy_text(&spec->arena, name, &spec->profile) < 0 ? bj__error_memory(reader->err) : 0;
}

READER(read_description)
{
    struct bj_spec *spec = target;
    return bj__json_copy_text(reader, field, value, MAX_DESCRIPTION, &spec->description);
}

READER(read_command)
{
    struct bj_spec *spec = target;
    if (json_is_array(value) && json_array_size(value) == 0)
        return bj__json_wrong(reader, field, value, "the program and its arguments");
    return bj__json_texts(reader, field, value, BJ_MAX_ARGUMENTS, &spec->command);
}

READER(read_args)
{
    return bj__json_texts(reader, field, value, BJ_MAX_ARGUMENTS, &((struct bj_spec *)target)->args);
}

READER(read_python_path)
{
    return bj__json_texts(reader, field, value, BJ_MAX_PYTHON_PATH, &((struct bj_spec *)target)->python_path);
}

READER(read_python)
{
    return bj__json_copy_text(reader, field, value, BJ_MAX_STRING, &((struct bj_spec *)target)->python);
}

READER(read_code)
{
    struct bj_spec *spec = target;
    return bj__json_copy_text(reader, field, value, BJ_MAX_SPEC_JSON, &spec->code);
}

READER(read_expression)
{
    struct bj_spec *spec = target;
    return bj__json_copy_text(reader, field, value, BJ_MAX_SPEC_JSON, &spec->expression);
}

READER(read_globals)
{
    return bj__read_opaque(reader, field, value, &((struct bj_spec *)target)->globals);
}

READER(read_views)
{
    return bj__read_opaque(reader, field, value, &((struct bj_spec *)target)->views);
}

/* null: none, whatever the profile has. */
READER(read_trace)
{
    struct bj_trace trace = {.max_steps = BJ_TRACE_STEPS};
    int r = 0;
    if (json_is_null(value))
        trace.max_steps = 0;
    else
        r = bj__json_object(reader, field, value, bj__trace_keys, &trace);
    if (r == 0)
        ((struct bj_spec *)target)->trace = trace;
    return r;
}

/* null: every run is another one, whatever the profile has. */
READER(read_deterministic)
{
    struct bj_deterministic asked = {.on = !json_is_null(value), .start_s = BJ_MOMENT_FIRST};
    int r = asked.on ? bj__json_object(reader, field, value, bj__deterministic_keys, &asked) : 0;
    if (r == 0)
        ((struct bj_spec *)target)->deterministic = asked;
    return r;
}

READER(read_display)
{
    return bj__json_bool(reader, field, value, &((struct bj_spec *)target)->display);
}

READER(read_policy)
{
    return bj__read_opaque(reader, field, value, &((struct bj_spec *)target)->policy);
}

static int read_stdin_as(struct bj_reader *reader, const char *field, const json_t *value, bool base64)
{
    struct bj_spec *spec = reader->spec;
    if (reader->stdin_given)
        return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field,
                         "stdin and stdin_base64 are both given; give one");
    reader->stdin_given = true;
    int r = bj__json_bytes(reader, field, value, base64, &spec->stdin_bytes, &spec->stdin_length);
    if (r == 0 && spec->stdin_length > BJ_MAX_STDIN)
        return bj__error(reader->err, BJ_ERROR_INVALID, E2BIG, field, "%zu bytes; at most %u",
                         spec->stdin_length, BJ_MAX_STDIN);
    return r;
}

READER(read_stdin)
{
    return read_stdin_as(reader, field, value, false);
}

READER(read_stdin_base64)
{
    return read_stdin_as(reader, field, value, true);
}

READER(read_directory)
{
    struct bj_spec *spec = target;
    return bj__json_copy_text(reader, field, value, BJ_MAX_STRING, &spec->directory);
}

READER(read_hostname)
{
    struct bj_spec *spec = target;
    return bj__json_copy_text(reader, field, value, BJ_MAX_STRING, &spec->hostname);
}

READER(read_collect)
{
    return bj__json_texts(reader, field, value, BJ_MAX_COLLECT, &((struct bj_spec *)target)->collect);
}

READER(read_closed_directories)
{
    return bj__json_texts(reader, field, value, BJ_MAX_CLOSED, &((struct bj_spec *)target)->closed_directories);
}

READER(read_closed_files)
{
    return bj__json_texts(reader, field, value, BJ_MAX_CLOSED, &((struct bj_spec *)target)->closed_files);
}

READER(read_preload)
{
    return bj__json_texts(reader, field, value, BJ_MAX_CLOSED, &((struct bj_spec *)target)->preload);
}

READER(read_mount_sources)
{
    return bj__json_texts(reader, field, value, BJ_MAX_MOUNTS, &((struct bj_spec *)target)->mount_sources);
}

READER(read_env_names)
{
    return bj__json_texts(reader, field, value, BJ_MAX_ENVIRONMENT, &((struct bj_spec *)target)->env_names);
}

READER(read_syscalls)
{
    struct bj_spec *spec = target;
    spec->syscalls = (struct bj_strings){0}; /* replaces the default */
    int r = bj__json_texts(reader, field, value, BJ_MAX_CLOSED, &spec->syscalls);
    if (r == 0)
        bj__strings_sort(&spec->syscalls);
    return r;
}

READER(read_network)
{
    int word = bj__json_word(reader, field, value, &bj__network_words);
    if (word >= 0)
        ((struct bj_spec *)target)->network = (enum bj_network)word;
    return word < 0 ? word : 0;
}

READER(read_proc)
{
    int word = bj__json_word(reader, field, value, &bj__proc_words);
    if (word >= 0)
        ((struct bj_spec *)target)->proc = (enum bj_proc)word;
    return word < 0 ? word : 0;
}

READER(read_output_action)
{
    int word = bj__json_word(reader, field, value, &bj__output_action_words);
    if (word >= 0)
        ((struct bj_spec *)target)->output_action = (enum bj_output_action)word;
    return word < 0 ? word : 0;
}

READER(read_scratch_executable)
{
    return bj__json_bool(reader, field, value, &((struct bj_spec *)target)->scratch_executable);
}

READER(read_nice)
{
    int number = bj__json_integer(reader, field, value, 0, 19);
    if (number >= 0)
        ((struct bj_spec *)target)->nice = number;
    return number < 0 ? number : 0;
}

const struct bj_key bj__spec_keys[] = {
    {"version", read_version, -1, false},
    {"profile", read_profile, BJ_KEY_PROFILE, false},
    {"description", read_description, -1, true},
    {"command", read_command, BJ_KEY_COMMAND, false},
    {"args", read_args, BJ_KEY_ARGS, false},
    {"code", read_code, BJ_KEY_CODE, false},
    {"expression", read_expression, BJ_KEY_EXPRESSION, false},
    {"globals", read_globals, BJ_KEY_GLOBALS, false},
    {"views", read_views, BJ_KEY_VIEWS, false},
    {"python_path", read_python_path, BJ_KEY_PYTHON_PATH, false},
    {"python", read_python, -1, true},
    {"policy", read_policy, BJ_KEY_POLICY, false},
    {"display", read_display, BJ_KEY_DISPLAY, false},
    {"trace", read_trace, BJ_KEY_TRACE, false},
    {"deterministic", read_deterministic, BJ_KEY_DETERMINISTIC, false},
    {"env", bj__read_env, BJ_KEY_ENV, false},
    {"stdin", read_stdin, BJ_KEY_STDIN, false},
    {"stdin_base64", read_stdin_base64, BJ_KEY_STDIN, false},
    {"directory", read_directory, BJ_KEY_DIRECTORY, false},
    {"hostname", read_hostname, BJ_KEY_HOSTNAME, false},
    {"files", bj__read_files, BJ_KEY_FILES, false},
    {"collect", read_collect, BJ_KEY_COLLECT, false},
    {"mounts", bj__read_mounts, BJ_KEY_MOUNTS, false},
    {"links", bj__read_links, -1, true},
    {"closed_directories", read_closed_directories, -1, true},
    {"preload", read_preload, -1, true},
    {"closed_files", read_closed_files, -1, true},
    {"limits", bj__read_limits, BJ_KEY_LIMITS, false},
    {"layers", bj__read_layers, BJ_KEY_LAYERS, false},
    {"network", read_network, BJ_KEY_NETWORK, false},
    {"proc", read_proc, BJ_KEY_PROC, false},
    {"output_action", read_output_action, BJ_KEY_OUTPUT_ACTION, false},
    {"scratch_executable", read_scratch_executable, -1, true},
    {"syscalls", read_syscalls, BJ_KEY_SYSCALLS, false},
    {"nice", read_nice, BJ_KEY_NICE, false},
    {"mount_sources", read_mount_sources, -1, true},
    {"env_names", read_env_names, -1, true},
    {NULL, NULL, -1, false},
};

/* ---- entry ---------------------------------------------------------------------------------------- */

static int read_text(struct bj_reader *reader, const char *json, size_t length, size_t maximum)
{
    BJ_JSON json_t *root = NULL;
    int r = bj__json_load(json, length, maximum, &root, reader->err);
    if (r == 0)
        r = bj__json_object(reader, "", root, bj__spec_keys, reader->spec);
    return r;
}

int bj__spec_parse_profile(const char *name, const char *json, size_t length, struct bj_spec **ret_spec,
                           struct bj_error *err)
{
    struct bj_reader reader = {.err = err};
    int r = bj__spec_new(&reader.spec, err);
    if (r < 0)
        return r;
    r = read_text(&reader, json, length, BJ_MAX_PROFILE_JSON);
    struct bj_spec *spec = reader.spec;
    if (r == 0 && bj__copy_text(&spec->arena, name, &spec->profile) < 0)
        r = bj__error_memory(err);
    if (r == 0)
        r = bj__spec_join_args(spec, err);
    if (r == 0)
        r = bj__spec_show_python(spec, err);
    /* The host's network and a network namespace exclude each other, so the one implies the absence of the
     * other. */
    if (spec->network == BJ_NETWORK_HOST && !(reader.layer_keys & 1u << BJ_LAYER_NET))
        spec->layers[BJ_LAYER_NET] = BJ_OFF;
    if (r == 0)
        r = bj__spec_check(spec, false, err);
    if (r < 0)
        bj_spec_free(spec);
    else
        *ret_spec = spec;
    return r;
}

int bj__spec_parse_request(const char *json, size_t length, struct bj_request *ret_request,
                           struct bj_error *err)
{
    BJ_JSON json_t *root = NULL;
    int r = bj__json_load(json, length, BJ_MAX_SPEC_JSON, &root, err);
    return r < 0 ? r : bj__spec_read_request(root, ret_request, err);
}

int bj__spec_read_request(const json_t *root, struct bj_request *ret_request, struct bj_error *err)
{
    struct bj_request request = {.spec = bj__spec_new_empty()};
    if (!request.spec)
        return bj__error_memory(err);
    struct bj_reader reader = {.spec = request.spec, .request = &request, .err = err};
    int r = bj__json_object(&reader, "", root, bj__spec_keys, request.spec);
    if (r < 0) {
        bj__request_done(&request);
        return r;
    }
    request.limit_keys = reader.limit_keys;
    request.layer_keys = reader.layer_keys;
    *ret_request = request;
    return 0;
}

void bj__request_done(struct bj_request *request)
{
    bj_spec_free(request->spec);
    *request = (struct bj_request){0};
}
