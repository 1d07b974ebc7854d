/* Fields of a form, as a browser sends them (application/x-www-form-urlencoded).
 * Its own file because it is pure, and fed with hostile bytes.
 * Changes when: forms are sent in another way. */
#ifndef BJ_CLI_CGI_FORM_H
#define BJ_CLI_CGI_FORM_H

#include "base/buf.h"

/* How often the field stands in the text. The value of the first, decoded, is appended to ret_value; a "%" that begins
 * no byte stands for itself, as in Python's urllib. -ENOMEM, -ENOBUFS. */
int bj__form_find(const char *text, size_t length, const char *name, struct bj_buf *ret_value);

/* Is this a search query, whose words a web server hands over as arguments (RFC 3875, 4.4)? It has no "=". */
bool bj__form_is_words(const char *query);
/* Is its first word, decoded, this one? */
bool bj__form_begins_with(const char *query, const char *word);

#endif
