/* Globals and views that callers give as text: JSON as Python writes it, where NaN and Infinity are numbers.
 * Its own file because the setters see an object, and not how its text is taken apart.
 * Changes when: another text is put together from several. */
#ifndef BJ_SPEC_GLOBALS_H
#define BJ_SPEC_GLOBALS_H

#include "base/buf.h"

#include <belljar.h>

/* *text: the members of both objects, each value as it was written; of a name that both have, that of added. before may be
 * NULL. 0, or an error of added, which names field. */
int bj__globals_join(const char *before, const char *added, const char *field, struct bj_buf *text,
                     struct bj_error *err);

#endif
