/* What the tests of spec/ share.
 * Its own file because four tests parse text and look at errors in the same way.
 * Changes when: those tests need another assertion. */
#ifndef SPEC_HELP_H
#define SPEC_HELP_H

#include "spec/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* Text in C with ' for ": JSON that can be read. Caller frees. */
static inline char *quoted(const char *text)
{
    char *copy = strdup(text);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

static inline struct bj_spec *good_profile(const char *text)
{
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    char *json = quoted(text);
    if (bj__spec_parse_profile("test", json, strlen(json), &spec, &err) != 0)
        fail_msg("%s\n%s: %s", text, err.field, err.message);
    free(json);
    return spec;
}

static inline struct bj_request good_request(const char *text)
{
    struct bj_request request = {0};
    struct bj_error err = {0};
    char *json = quoted(text);
    if (bj__spec_parse_request(json, strlen(json), &request, &err) != 0)
        fail_msg("%s\n%s: %s", text, err.field, err.message);
    free(json);
    return request;
}

/* The error names the field and says these words. */
static inline void check_error(const char *what, const struct bj_error *err, enum bj_error_code code,
                               const char *field, const char *words)
{
    if (err->code != (int32_t)code || strcmp(err->field, field) != 0 || !strstr(err->message, words))
        fail_msg("%s\n  expected %s in \"%s\" with \"%s\"\n  got      %s in \"%s\": %s", what,
                 bj_error_name(code), field, words, bj_error_name(err->code), err->field, err->message);
}

static inline void bad_profile(const char *text, const char *field, const char *words)
{
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    char *json = quoted(text);
    if (bj__spec_parse_profile("test", json, strlen(json), &spec, &err) >= 0)
        fail_msg("%s\nwas accepted", text);
    assert_null(spec); /* untouched on failure */
    check_error(text, &err, BJ_ERROR_INVALID, field, words);
    free(json);
}

static inline void bad_request(const char *text, enum bj_error_code code, const char *field, const char *words)
{
    struct bj_request request = {0};
    struct bj_error err = {0};
    char *json = quoted(text);
    if (bj__spec_parse_request(json, strlen(json), &request, &err) >= 0)
        fail_msg("%s\nwas accepted", text);
    assert_null(request.spec);
    check_error(text, &err, code, field, words);
    free(json);
}

#endif
