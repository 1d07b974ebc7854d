/* What an HTML form sends: fields by name, some of them files.
 * Its own file because who serves forms need not know in which of two ways they were written.
 * Changes when: more of a field must be known. */
#ifndef BJ_COMPAT_FORM_H
#define BJ_COMPAT_FORM_H

#include "base/base.h"

#define BJ_FORM_FIELDS 16u
#define BJ_FORM_NAME   256u /* bytes of a name, NUL included */

struct bj_form_field {
    char name[BJ_FORM_NAME];
    char file[BJ_FORM_NAME]; /* what its file was called; nobody may make a path of it */
    bool is_file;
    const char *bytes; /* in the body */
    size_t length;
};

struct bj_form {
    struct bj_form_field fields[BJ_FORM_FIELDS];
    size_t count;
};

/* multipart.c: RFC 7578, in the one way that clients write it; all else is -EBADMSG, with what is wrong in err. Pure. type: of the
 * whole, with its boundary. */
int bj__form_multipart(const char *type, const char *body, size_t length, struct bj_form *ret_form,
                       struct bj_error *err);
/* form.c: the same of application/x-www-form-urlencoded. The body is decoded where it stands. */
int bj__form_urlencoded(char *body, size_t length, struct bj_form *ret_form, struct bj_error *err);

/* For both: the next free field, with its name. NULL: there is one of that name, or there are too many, and err says so. */
struct bj_form_field *bj__form_add(struct bj_form *form, const char *name, size_t length, struct bj_error *err);
/* NULL: there is none. */
const struct bj_form_field *bj__form_find(const struct bj_form *form, const char *name);

#endif
