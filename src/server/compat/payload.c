/* The JSON of codejail's clients, judged in the words of Python's json and of jsonschema.
 * Its own file because it is judged as that service judges it, in its words, and its variables must not be read on the way.
 * Changes when: that payload has another member. */
#include "server/compat/payload.h"
#include "base/json_scan.h"
#include "spec/json_read.h"

#define SHOWN_BYTES 200 /* of a value that is wrong */

enum member { CODE, GLOBALS, PYTHON_PATH, CONTEXT, SLUG, UNSAFELY, MEMBER__COUNT };
enum type { STRING, OBJECT, TEXTS_OR_NULL, STRING_OR_NULL, BOOLEAN };

static const struct {
    const char *name;
    enum type type;
} members[MEMBER__COUNT] = {[CODE] = {"code", STRING},
                            [GLOBALS] = {"globals_dict", OBJECT},
                            [PYTHON_PATH] = {"python_path", TEXTS_OR_NULL},
                            [CONTEXT] = {"limit_overrides_context", STRING_OR_NULL},
                            [SLUG] = {"slug", STRING_OR_NULL},
                            [UNSAFELY] = {"unsafely", BOOLEAN}};

struct found {
    struct bj_json_member raw[MEMBER__COUNT]; /* value NULL: not there */
    json_t *value[MEMBER__COUNT];             /* owned; NULL also of what only Python can read */
};

static void drop_found(struct found *found)
{
    for (size_t n = 0; n < MEMBER__COUNT; n++)
        json_decref(found->value[n]);
}

/* ---- words ----------------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "line 1 column 1 (char 0)", in characters. */
static int no_json(const char *text, size_t length, size_t at, struct bj_buf *message)
{
    size_t line = 1;
    size_t column = 1;
    size_t character = 0;
    while (at < length && is_space(text[at]))
        at++;
    for (size_t n = 0; n < at; n++) {
        if (((unsigned char)text[n] & 0xc0) == 0x80)
            continue;
        character++;
        column = text[n] == '\n' ? 1 : column + 1;
        line += text[n] == '\n';
    }
    (void)bj__buf_printf(message,
                         "Unable to parse payload JSON: Expecting value: line %zu column %zu (char %zu)", line,
                         column, character);
    return -EINVAL;
}

/* As Python shows it; objects and arrays as they were written. */
static void show(struct bj_buf *message, const char *text, size_t length)
{
    static const char *const words[][2] = {{"null", "None"}, {"true", "True"}, {"false", "False"}};
    for (size_t n = 0; n < BJ_COUNT(words); n++)
        if (length == strlen(words[n][0]) && memcmp(text, words[n][0], length) == 0) {
            (void)bj__buf_add(message, words[n][1], strlen(words[n][1]));
            return;
        }
    bool quoted = length >= 2 && text[0] == '"' && !memchr(text, '\'', length);
    size_t shown = length > SHOWN_BYTES ? SHOWN_BYTES : length;
    while (shown < length && ((unsigned char)text[shown] & 0xc0) == 0x80)
        shown--;
    if (quoted && shown == length)
        (void)bj__buf_printf(message, "'%.*s'", (int)length - 2, text + 1);
    else
        (void)bj__buf_printf(message, "%.*s%s", (int)shown, text, shown < length ? "..." : "");
}

static int mismatch(struct bj_buf *message, const char *member, const char *text, size_t length,
                    const char *what)
{
    (void)bj__buf_printf(message, "Payload JSON did not match schema at path $%s%s: ", member ? "." : "",
                         member ? member : "");
    show(message, text, length);
    (void)bj__buf_printf(message, " %s", what);
    return -EINVAL;
}

/* ---- reading --------------------------------------------------------------------------------------- */

static json_t *load(const char *text, size_t length)
{
    return json_loadb(text, length, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
}

static int take_member(const struct bj_json_member *member, struct found *found, struct bj_buf *message)
{
    BJ_JSON json_t *name = load(member->name, member->name_length);
    const char *text = name ? json_string_value(name) : NULL;
    for (size_t n = 0; text && n < MEMBER__COUNT; n++) {
        if (json_string_length(name) != strlen(members[n].name) || strcmp(text, members[n].name) != 0)
            continue;
        if (found->raw[n].value) {
            (void)bj__buf_printf(message, "Unable to parse payload JSON: %s is there twice", members[n].name);
            return -EINVAL;
        }
        found->raw[n] = *member;
        if (n != GLOBALS)
            found->value[n] = load(member->value, member->value_length);
    }
    return 0;
}

static int read_members(const char *text, size_t length, struct found *found, struct bj_buf *message)
{
    struct bj_json_members object = {.text = text, .length = length};
    struct bj_json_member member;
    int r;
    while ((r = bj__json_next_member(&object, BJ_MAX_OPAQUE_DEPTH, &member)) > 0)
        if (take_member(&member, found, message) < 0)
            return -EINVAL;
    if (r == 0)
        return 0;
    size_t begin = 0;
    while (begin < length && is_space(text[begin]))
        begin++;
    if (!bj__json_is_valid(text, length, BJ_MAX_OPAQUE_DEPTH))
        return no_json(text, length, object.at, message);
    while (length > begin && is_space(text[length - 1]))
        length--;
    return mismatch(message, NULL, text + begin, length - begin, "is not of type 'object'");
}

static bool are_texts(const json_t *list)
{
    for (size_t n = 0; n < json_array_size(list); n++)
        if (!json_is_string(json_array_get(list, n)))
            return false;
    return json_is_array(list);
}

static const char *check_type(enum type type, const struct bj_json_member *raw, const json_t *value)
{
    static const char neither[] = "is not valid under any of the given schemas";
    bool null = json_is_null(value);
    switch (type) {
    case STRING:
        return json_is_string(value) ? NULL : "is not of type 'string'";
    case OBJECT:
        return raw->value[0] == '{' ? NULL : "is not of type 'object'";
    case BOOLEAN:
        return json_is_boolean(value) ? NULL : "is not of type 'boolean'";
    case TEXTS_OR_NULL:
        return null || are_texts(value) ? NULL : neither;
    case STRING_OR_NULL:
    default:
        return null || json_is_string(value) ? NULL : neither;
    }
}

static int check(const struct found *found, struct bj_buf *message)
{
    for (size_t n = CODE; n <= GLOBALS; n++)
        if (!found->raw[n].value) {
            (void)bj__buf_printf(message,
                                 "Payload JSON did not match schema at path $: '%s' is a required property",
                                 members[n].name);
            return -EINVAL;
        }
    for (size_t n = 0; n < MEMBER__COUNT; n++) {
        const struct bj_json_member *raw = &found->raw[n];
        const char *what = raw->value ? check_type(members[n].type, raw, found->value[n]) : NULL;
        if (what)
            return mismatch(message, members[n].name, raw->value, raw->value_length, what);
    }
    return 0;
}

int bj__payload_read(const char *text, size_t length, struct bj_payload *ret_payload, struct bj_buf *message)
{
    BJ_CLEANUP(drop_found) struct found found = {0};
    int r = read_members(text, length, &found, message);
    if (r == 0)
        r = check(&found, message);
    if (r < 0)
        return r;
    *ret_payload = (struct bj_payload){.code = json_incref(found.value[CODE]),
                                       .python_path = json_incref(found.value[PYTHON_PATH]),
                                       .context = json_incref(found.value[CONTEXT]),
                                       .unsafely = json_incref(found.value[UNSAFELY]),
                                       .globals = found.raw[GLOBALS].value,
                                       .globals_length = found.raw[GLOBALS].value_length};
    return 0;
}

void bj__payload_done(struct bj_payload *payload)
{
    json_decref(payload->code);
    json_decref(payload->python_path);
    json_decref(payload->context);
    json_decref(payload->unsafely);
    *payload = (struct bj_payload){0};
}

/* ---- bytes ----------------------------------------------------------------------------------------- */

int bj__payload_show_bytes(struct bj_buf *buf, const void *bytes, size_t length)
{
    static const char escaped[] = "\\\t\n\r";
    static const char letters[] = "\\tnr";
    const unsigned char *c = bytes;
    char quote = length > 0 && memchr(bytes, '\'', length) && !memchr(bytes, '"', length) ? '"' : '\'';
    int r = bj__buf_printf(buf, "b%c", quote);
    for (size_t n = 0; r == 0 && n < length; n++) {
        const char *found = c[n] ? strchr(escaped, c[n]) : NULL;
        if (found)
            r = bj__buf_printf(buf, "\\%c", letters[found - escaped]);
        else if (c[n] == (unsigned char)quote)
            r = bj__buf_printf(buf, "\\%c", quote);
        else if (c[n] < 0x20 || c[n] >= 0x7f)
            r = bj__buf_printf(buf, "\\x%02x", c[n]);
        else
            r = bj__buf_add(buf, &c[n], 1);
    }
    return r < 0 ? r : bj__buf_printf(buf, "%c", quote);
}
