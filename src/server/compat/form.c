/* Fields of a form, and those that are written as in an address.
 * Its own file because it knows nothing of parts and boundaries.
 * Changes when: more of a field must be known. */
#include "server/compat/form.h"
#include "server/compat/hex.h"

#include <stdio.h>

struct bj_form_field *bj__form_add(struct bj_form *form, const char *name, size_t length, struct bj_error *err)
{
    struct bj_form_field *field = &form->fields[form->count];
    if (form->count == BJ_FORM_FIELDS) {
        (void)bj__error(err, BJ_ERROR_INVALID, E2BIG, "", "more than %u fields", BJ_FORM_FIELDS);
        return NULL;
    }
    if (length == 0 || length >= sizeof(field->name)) {
        (void)bj__error(err, BJ_ERROR_INVALID, EBADMSG, "", "a field's name has 1 to %zu bytes",
                        sizeof(field->name) - 1);
        return NULL;
    }
    *field = (struct bj_form_field){0};
    memcpy(field->name, name, length);
    if (strlen(field->name) != length || bj__form_find(form, field->name)) {
        (void)bj__error(err, BJ_ERROR_INVALID, EBADMSG, "", "a field came twice, or its name has a NUL");
        return NULL;
    }
    form->count++;
    return field;
}

const struct bj_form_field *bj__form_find(const struct bj_form *form, const char *name)
{
    for (size_t n = 0; n < form->count; n++)
        if (strcmp(form->fields[n].name, name) == 0)
            return &form->fields[n];
    return NULL;
}

/* In place: it only gets shorter. -EBADMSG: '%' and no two digits. */
static int decode(char *text, size_t length, size_t *ret_length)
{
    size_t out = 0;
    for (size_t n = 0; n < length; n++) {
        char c = text[n];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = length - n > 2 ? bj__hex(text[n + 1]) : -1;
            int low = length - n > 2 ? bj__hex(text[n + 2]) : -1;
            if (high < 0 || low < 0)
                return -EBADMSG;
            c = (char)(high * 16 + low);
            n += 2;
        }
        text[out++] = c;
    }
    *ret_length = out;
    return 0;
}

static int read_pair(char *pair, size_t length, struct bj_form *form, struct bj_error *err)
{
    char *equals = memchr(pair, '=', length);
    size_t name_length = equals ? (size_t)(equals - pair) : length;
    char *value = equals ? equals + 1 : pair + length;
    size_t value_length = (size_t)(pair + length - value);
    if (decode(pair, name_length, &name_length) < 0 || decode(value, value_length, &value_length) < 0)
        return bj__error(err, BJ_ERROR_INVALID, EBADMSG, "", "a %% without two digits");
    struct bj_form_field *field = bj__form_add(form, pair, name_length, err);
    if (!field)
        return -EBADMSG;
    field->bytes = value;
    field->length = value_length;
    return 0;
}

int bj__form_urlencoded(char *body, size_t length, struct bj_form *ret_form, struct bj_error *err)
{
    int r = 0;
    ret_form->count = 0;
    for (size_t begin = 0; r == 0 && begin < length;) {
        char *amp = memchr(body + begin, '&', length - begin);
        size_t end = amp ? (size_t)(amp - body) : length;
        if (end > begin)
            r = read_pair(body + begin, end - begin, ret_form, err);
        begin = end + 1;
    }
    return r;
}
