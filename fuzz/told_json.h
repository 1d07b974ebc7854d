/* Is it JSON, but for NaN and the infinities? Judged by jansson, after these words were replaced outside of strings.
 * Its own file because the judge must not share a mistake with src/base/json_scan.c.
 * Changes when: JSON that Python writes has another word of its own. */
#ifndef FUZZ_TOLD_JSON_H
#define FUZZ_TOLD_JSON_H

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Each becomes a number of the same length, so that nothing moves. */
static inline void replace_words(char *text)
{
    bool inside = false;
    for (char *at = text; *at; at++) {
        if (inside && *at == '\\' && at[1])
            at++;
        else if (*at == '"')
            inside = !inside;
        else if (!inside && strncmp(at, "NaN", 3) == 0)
            memcpy(at, "0.0", 3);
        else if (!inside && strncmp(at, "Infinity", 8) == 0)
            memcpy(at, "0.000000", 8);
    }
}

static inline bool is_told_json(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    replace_words(copy);
    json_error_t error;
    json_t *json = json_loads(copy, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    /* Numbers that jansson cannot hold are JSON all the same. */
    bool good = json || json_error_code(&error) == json_error_numeric_overflow;
    json_decref(json);
    free(copy);
    return good;
}

#endif
