/* Typed reading of JSON values, with errors that name field, value and what was expected.
 * Its own file because every value of a spec is read by one of these, so that all errors are worded alike.
 * Changes when: a field has a new type of value, or the wording of errors changes. */
#include "spec/json_read.h"
#include "spec/json_text.h"

#include "spec/base64.h"

#include <stdio.h>

/* ---- text to tree --------------------------------------------------------------------------------- */

/* Depth before the parser sees it: jansson recurses, and a thread's stack may be small. */
static size_t deepest(const char *text, size_t length)
{
    size_t depth = 0;
    size_t most = 0;
    bool in_string = false;
    for (size_t n = 0; n < length; n++) {
        char c = text[n];
        if (in_string) {
            if (c == '\\')
                n++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > most)
                most = depth;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return most;
}

int bj__json_load(const char *text, size_t length, size_t maximum, json_t **ret_root, struct bj_error *err)
{
    if (length > maximum)
        return bj__error(err, BJ_ERROR_INVALID, E2BIG, "", "%zu bytes of JSON; at most %zu are read", length,
                         maximum);
    if (deepest(text, length) > BJ_MAX_OPAQUE_DEPTH)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "JSON is nested more than %u deep",
                         BJ_MAX_OPAQUE_DEPTH);
    json_error_t problem;
    BJ_JSON json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &problem);
    if (!root &&
        (json_error_code(&problem) == json_error_out_of_memory || problem.line < 0)) /* or says nothing */
        return bj__error_memory(err);
    if (!root)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "not valid JSON at line %d, column %d: %s",
                         problem.line, problem.column, problem.text);
    if (!bj__json_is_whole(root, text, length))
        return bj__error_memory(err);
    if (!json_is_object(root))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "expected a JSON object: { ... }");
    *ret_root = root;
    root = NULL;
    return 0;
}

/* ---- errors --------------------------------------------------------------------------------------- */

struct quote {
    char text[64];
    size_t used;
};

static int quote_piece(const char *bytes, size_t length, void *user)
{
    struct quote *quote = user;
    size_t room = sizeof(quote->text) - 1 - quote->used;
    size_t taken = length < room ? length : room;
    memcpy(quote->text + quote->used, bytes, taken);
    quote->used += taken;
    return taken < length ? -1 : 0; /* a value may be megabytes: stop writing it */
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        return "null";
    default:
        return "unknown";
    }
}

int bj__json_wrong(struct bj_reader *reader, const char *field, const json_t *value, const char *expected)
{
    struct quote quote = {0};
    /* ASCII only, so that a cut never splits a character. */
    bool cut =
        json_dump_callback(value, quote_piece, &quote,
                           JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_COMPACT | JSON_REAL_PRECISION(15)) < 0;
    quote.text[quote.used] = 0;
    bool plain = json_is_null(value);
    return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field, "%s%s%s%s; expected %s", quote.text,
                     cut ? "..." : "", plain ? "" : " is ", plain ? "" : type_name(value), expected);
}

/* ---- values --------------------------------------------------------------------------------------- */

int bj__json_text(struct bj_reader *reader, const char *field, const json_t *value, size_t maximum,
                  const char **ret_text)
{
    if (!json_is_string(value))
        return bj__json_wrong(reader, field, value, "a string");
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    if (strlen(text) != length)
        return bj__json_wrong(reader, field, value, "a string without a NUL character");
    if (length >= maximum)
        return bj__error(reader->err, BJ_ERROR_INVALID, E2BIG, field, "%zu bytes long; at most %zu fit", length,
                         maximum - 1);
    *ret_text = text;
    return 0;
}

int bj__json_copy_text(struct bj_reader *reader, const char *field, const json_t *value, size_t maximum,
                       const char **ret_text)
{
    const char *text = NULL;
    int r = bj__json_text(reader, field, value, maximum, &text);
    if (r < 0)
        return r;
    return bj__copy_text(&reader->spec->arena, text, ret_text) < 0 ? bj__error_memory(reader->err) : 0;
}

int bj__json_bytes(struct bj_reader *reader, const char *field, const json_t *value, bool base64,
                   const void **ret_bytes, size_t *ret_length)
{
    if (!json_is_string(value))
        return bj__json_wrong(reader, field, value, base64 ? "a string of base64" : "a string");
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    struct bj_arena *arena = &reader->spec->arena;
    if (!base64) {
        *ret_bytes = bj__arena_copy(arena, text, length);
        *ret_length = length;
        return *ret_bytes ? 0 : bj__error_memory(reader->err);
    }
    unsigned char *bytes = bj__arena_alloc(arena, BJ_BASE64_DECODED(length) + 1);
    if (!bytes)
        return bj__error_memory(reader->err);
    if (bj__base64_decode(text, length, bytes, ret_length) < 0)
        return bj__json_wrong(reader, field, value,
                              "base64 (A-Z a-z 0-9 + /, padded with = to a multiple of four, no white space)");
    *ret_bytes = bytes;
    return 0;
}

int bj__json_bool(struct bj_reader *reader, const char *field, const json_t *value, bool *ret_value)
{
    if (!json_is_boolean(value))
        return bj__json_wrong(reader, field, value, "true or false");
    *ret_value = json_is_true(value);
    return 0;
}

int bj__json_integer(struct bj_reader *reader, const char *field, const json_t *value, long long minimum,
                     long long maximum)
{
    long long number = json_integer_value(value);
    if (json_is_integer(value) && number >= minimum && number <= maximum)
        return (int)number;
    char expected[80];
    (void)snprintf(expected, sizeof(expected), "a whole number from %lld to %lld", minimum, maximum);
    return bj__json_wrong(reader, field, value, expected);
}

int bj__json_word(struct bj_reader *reader, const char *field, const json_t *value,
                  const struct bj_words *words)
{
    const char *text = NULL;
    char list[256] = "one of ";
    bj__words_join(words, list + strlen(list), sizeof(list) - strlen(list));
    if (!json_is_string(value))
        return bj__json_wrong(reader, field, value, list);
    int r = bj__json_text(reader, field, value, BJ_MAX_STRING, &text);
    return r < 0 ? r : bj__word_find(words, field, text, reader->err);
}

int bj__json_texts(struct bj_reader *reader, const char *field, const json_t *value, size_t most,
                   struct bj_strings *strings)
{
    if (!json_is_array(value))
        return bj__json_wrong(reader, field, value, "an array of strings");
    struct bj_arena *arena = &reader->spec->arena;
    if (bj__strings_present(arena, strings) < 0)
        return bj__error_memory(reader->err);
    for (size_t n = 0; n < json_array_size(value); n++) {
        char name[BJ_FIELD_SIZE];
        const char *text = NULL;
        (void)snprintf(name, sizeof(name), "%s[%zu]", field, n);
        int r = bj__json_text(reader, name, json_array_get(value, n), BJ_MAX_STRING, &text);
        if (r < 0)
            return r;
        r = strings->count < most ? bj__strings_add(arena, strings, text) : -E2BIG;
        if (r < 0)
            return bj__spec_build_error(r, field, most, reader->err);
    }
    return 0;
}

/* ---- objects -------------------------------------------------------------------------------------- */

static int refuse_key(struct bj_reader *reader, const char *prefix, const char *name, const struct bj_key *keys)
{
    const char *known[40];
    size_t count = 0;
    for (size_t n = 0; keys[n].name && count < BJ_COUNT(known); n++)
        if (!reader->request || !keys[n].profile_only)
            known[count++] = keys[n].name;
    const char *nearest = bj__nearest(name, known, count);
    char list[320];
    char field[BJ_FIELD_SIZE];
    struct bj_words words = {known, count};
    bj__words_join(&words, list, sizeof(list));
    (void)snprintf(field, sizeof(field), "%s%s%.40s", prefix, *prefix ? "." : "", name);
    if (nearest)
        return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field,
                         "unknown key \"%.40s\"; did you mean \"%s\"?", name, nearest);
    return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field, "unknown key \"%.40s\"; there is %s", name,
                     list);
}

static const struct bj_key *find_key(const struct bj_key *keys, const char *name)
{
    for (; keys->name; keys++)
        if (strcmp(keys->name, name) == 0)
            return keys;
    return NULL;
}

int bj__json_object(struct bj_reader *reader, const char *prefix, const json_t *object,
                    const struct bj_key *keys, void *target)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object))
        return bj__json_wrong(reader, prefix, object, "an object");
    /* jansson's iteration takes a non-const object and does not change it. */
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        char field[BJ_FIELD_SIZE];
        const struct bj_key *key = find_key(keys, name);
        if (!key)
            return refuse_key(reader, prefix, name, keys);
        (void)snprintf(field, sizeof(field), "%s%s%s", prefix, *prefix ? "." : "", name);
        if (key->profile_only && reader->request)
            return bj__error(reader->err, BJ_ERROR_WIDENS, EPERM, field,
                             "a request may not give this; it belongs in a profile");
        int r = key->read(reader, field, value, target);
        if (r < 0)
            return r;
        if (reader->request && key->bit >= 0)
            reader->request->keys |= 1u << key->bit;
    }
    return 0;
}
