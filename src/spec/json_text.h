/* JSON in memory against JSON as text, where memory may be short.
 * Its own file because Jansson (2.14) looks away when its string buffer cannot grow, and text that lacks a piece must
 * neither be given out nor be believed.
 * Changes when: Jansson does. */
#ifndef BJ_JSON_TEXT_H
#define BJ_JSON_TEXT_H

#include "base/base.h"

#include <jansson.h>
#include <stdbool.h>

/* As json_dumps, but NULL when any piece is missing. Owned by the caller. */
char *bj__json_dump(const json_t *root, size_t flags);
/* Are all bytes of the text's strings in what was read from it? The text has been accepted: it is JSON. */
bool bj__json_is_whole(const json_t *root, const char *text, size_t length);

#endif
