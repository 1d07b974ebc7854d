/* multipart/form-data, as clients write it and in no other way.
 * Its own file because two readers of such a body can believe different things (where a part ends, what it is called, whether it is
 * a file), and every place where they could is refused here.
 * Changes when: a client that is meant to be served writes it differently.
 *
 * The whole of what is read (RFC 7578, RFC 2046 5.1.1), with CR LF everywhere:
 *     --BOUNDARY / headers / empty line / bytes / --BOUNDARY ... --BOUNDARY--
 * Nothing stands before the first boundary, and nothing but an end of line behind the last one. */
#include "server/compat/form.h"

#include <stdio.h>
#include <strings.h>

#define BOUNDARY_MAX 70u   /* RFC 2046 */
#define HEADERS_MAX  8u    /* lines of one part */
#define HEADER_BYTES 1024u /* bytes of one of them */

struct cursor {
    const char *at, *end;
};

struct header {
    const char *name, *value;
    size_t name_length, value_length;
};

static int wrong(struct bj_error *err, const char *what)
{
    return bj__error(err, BJ_ERROR_INVALID, EBADMSG, "", "%s", what);
}

static bool take(struct cursor *cursor, const char *text, size_t length)
{
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, text, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c > 0x20 && c < 0x7f && strchr("!#$%&'*+-.^_`|~", c));
}

static bool same(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

/* ---- parameters: NAME=token or NAME="text" ----------------------------------------------------------- */

/* In a quoted text a backslash stands before a quote or a backslash, and nowhere else: some clients mean a path by it. */
static int take_quoted(struct cursor *cursor, char *text, size_t size)
{
    size_t length = 0;
    while (cursor->at < cursor->end) {
        char c = *cursor->at++;
        if (c == '"') {
            text[length] = 0;
            return 0;
        }
        if (c == '\\') {
            if (cursor->at == cursor->end || (*cursor->at != '"' && *cursor->at != '\\'))
                return -EBADMSG;
            c = *cursor->at++;
        }
        if (length + 1 >= size)
            return -EBADMSG;
        text[length++] = c;
    }
    return -EBADMSG;
}

/* "; name=value". 0: there is no more. */
static int take_parameter(struct cursor *cursor, char name[32], char *value, size_t size)
{
    size_t length = 0;
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
        cursor->at++;
    if (cursor->at == cursor->end)
        return 0;
    if (*cursor->at++ != ';')
        return -EBADMSG;
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
        cursor->at++;
    while (cursor->at < cursor->end && is_token(*cursor->at) && length < 31)
        name[length++] = *cursor->at++;
    name[length] = 0;
    if (length == 0 || !take(cursor, "=", 1))
        return -EBADMSG;
    if (take(cursor, "\"", 1))
        return take_quoted(cursor, value, size) < 0 ? -EBADMSG : 1;
    for (length = 0; cursor->at < cursor->end && is_token(*cursor->at); length++) {
        if (length + 1 >= size)
            return -EBADMSG;
        value[length] = *cursor->at++;
    }
    value[length] = 0;
    return length > 0 ? 1 : -EBADMSG;
}

/* ---- boundary -------------------------------------------------------------------------------------- */

static bool is_boundary(const char *text)
{
    size_t length = strlen(text);
    for (const char *c = text; *c; c++)
        if (!(*c >= '0' && *c <= '9') && !(*c >= 'A' && *c <= 'Z') && !(*c >= 'a' && *c <= 'z') &&
            !strchr("'()+_,-./:=? ", *c))
            return false;
    return length >= 1 && length <= BOUNDARY_MAX && text[length - 1] != ' ';
}

static int read_boundary(const char *type, char boundary[BJ_FORM_NAME], struct bj_error *err)
{
    static const char expected[] = "multipart/form-data";
    char name[32];
    char value[BJ_FORM_NAME];
    int r;
    boundary[0] = 0;
    if (!type || strncasecmp(type, expected, sizeof(expected) - 1) != 0)
        return wrong(err, "the body is no multipart/form-data");
    struct cursor cursor = {type + sizeof(expected) - 1, type + strlen(type)};
    while ((r = take_parameter(&cursor, name, value, sizeof(value))) > 0) {
        bool is_charset = strcasecmp(name, "charset") == 0 && strcasecmp(value, "utf-8") == 0;
        if (strcasecmp(name, "boundary") == 0 && !boundary[0] && is_boundary(value))
            (void)snprintf(boundary, BJ_FORM_NAME, "%s", value); /* as long */
        else if (!is_charset)
            return wrong(err,
                         "Content-Type has one boundary of 1 to 70 characters, and may have charset=utf-8");
    }
    return r < 0 || !boundary[0] ? wrong(err, "Content-Type has no boundary") : 0;
}

/* ---- headers of a part ----------------------------------------------------------------------------- */

/* 0: the empty line. */
static int take_header(struct cursor *cursor, struct header *ret_header, struct bj_error *err)
{
    const char *line = cursor->at;
    if (take(cursor, "\r\n", 2))
        return 0;
    while (cursor->at < cursor->end && *cursor->at != '\r' && *cursor->at != '\n') {
        unsigned char c = (unsigned char)*cursor->at++;
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return wrong(err, "a header has control characters");
        if (cursor->at - line > (ptrdiff_t)HEADER_BYTES)
            return wrong(err, "a header is too long");
    }
    const char *end = cursor->at;
    if (!take(cursor, "\r\n", 2))
        return wrong(err, "a header has no end");
    const char *colon = memchr(line, ':', (size_t)(end - line));
    ret_header->name = line;
    ret_header->name_length = colon ? (size_t)(colon - line) : 0;
    for (size_t n = 0; n < ret_header->name_length; n++)
        if (!is_token(line[n]))
            return wrong(err, "a header has no name");
    if (ret_header->name_length == 0)
        return wrong(err, "a header has no name");
    for (colon++; colon < end && (*colon == ' ' || *colon == '\t'); colon++)
        ;
    ret_header->value = colon;
    ret_header->value_length = (size_t)(end - colon);
    return 1;
}

/* form-data; name="..."; filename="...": each once, and nothing else. filename* is a second name for who knows it. */
static int read_disposition(const struct header *header, struct bj_form *form, struct bj_form_field **ret_field,
                            struct bj_error *err)
{
    static const char kind[] = "form-data";
    struct cursor cursor = {header->value, header->value + header->value_length};
    char parameter[32];
    char value[BJ_FORM_NAME];
    char name[BJ_FORM_NAME] = "";
    char file[BJ_FORM_NAME] = "";
    bool is_file = false;
    int r;
    if (*ret_field)
        return wrong(err, "a part has one Content-Disposition");
    if (header->value_length < sizeof(kind) - 1 || strncasecmp(header->value, kind, sizeof(kind) - 1) != 0)
        return wrong(err, "a part is form-data");
    cursor.at += sizeof(kind) - 1;
    while ((r = take_parameter(&cursor, parameter, value, sizeof(value))) > 0) {
        if (strcasecmp(parameter, "name") == 0 && !name[0]) {
            memcpy(name, value, sizeof(name));
        } else if (strcasecmp(parameter, "filename") == 0 && !is_file) {
            memcpy(file, value, sizeof(file));
            is_file = true;
        } else {
            return wrong(err, "Content-Disposition has name and filename, each once");
        }
    }
    if (r < 0)
        return wrong(err, "Content-Disposition cannot be read");
    *ret_field = bj__form_add(form, name, strlen(name), err);
    if (!*ret_field)
        return -EBADMSG;
    (*ret_field)->is_file = is_file;
    memcpy((*ret_field)->file, file, sizeof(file));
    return 0;
}

static bool is_plain_encoding(const struct header *header)
{
    static const char *const plain[] = {"binary", "8bit", "7bit"};
    for (size_t n = 0; n < BJ_COUNT(plain); n++)
        if (same(header->value, header->value_length, plain[n]))
            return true;
    return false;
}

static int read_headers(struct cursor *cursor, struct bj_form *form, struct bj_form_field **ret_field,
                        struct bj_error *err)
{
    struct header header = {0};
    int r;
    *ret_field = NULL;
    for (unsigned count = 0; (r = take_header(cursor, &header, err)) > 0; count++) {
        if (count == HEADERS_MAX)
            return wrong(err, "a part has too many headers");
        if (same(header.name, header.name_length, "content-disposition") &&
            (r = read_disposition(&header, form, ret_field, err)) < 0)
            return r;
        if (same(header.name, header.name_length, "content-transfer-encoding") && !is_plain_encoding(&header))
            return wrong(err, "a part's bytes are not encoded");
        if (same(header.name, header.name_length, "content-type") && header.value_length >= 10 &&
            strncasecmp(header.value, "multipart/", 10) == 0)
            return wrong(err, "a part has no parts of its own");
    }
    return r;
}

/* ---- the whole ------------------------------------------------------------------------------------- */

int bj__form_multipart(const char *type, const char *body, size_t length, struct bj_form *ret_form,
                       struct bj_error *err)
{
    char boundary[BJ_FORM_NAME];
    char mark[BJ_FORM_NAME + 4];
    struct cursor cursor = {body, body + length};
    ret_form->count = 0;
    int r = read_boundary(type, boundary, err);
    if (r < 0)
        return r;
    size_t mark_length = (size_t)snprintf(mark, sizeof(mark), "\r\n--%s", boundary);
    if (!take(&cursor, mark + 2, mark_length - 2))
        return wrong(err, "the body does not begin with its boundary");
    while (!take(&cursor, "--", 2)) {
        struct bj_form_field *field;
        if (!take(&cursor, "\r\n", 2))
            return wrong(err, "a boundary is not alone on its line");
        if ((r = read_headers(&cursor, ret_form, &field, err)) < 0)
            return r;
        if (!field)
            return wrong(err, "a part has no Content-Disposition");
        field->bytes = cursor.at;
        const char *end = memmem(cursor.at, (size_t)(cursor.end - cursor.at), mark, mark_length);
        if (!end)
            return wrong(err, "the last boundary is missing");
        field->length = (size_t)(end - cursor.at);
        cursor.at = end + mark_length;
    }
    (void)take(&cursor, "\r\n", 2);
    return cursor.at == cursor.end ? 0 : wrong(err, "there is something behind the last boundary");
}
