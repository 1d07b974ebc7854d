/* What the tests of pools share: a pool, a run in it, and what it printed.
 * Its own file because two tests make pools in the same way.
 * Changes when: those tests need another step. */
#ifndef POOL_HELP_H
#define POOL_HELP_H

#include <belljar.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/kernel_version.h"

static inline struct bj_spec *template_spec(void)
{
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    if (bj_spec_from_profile("python", &spec, &err) < 0)
        fail_msg("%s", err.message);
    return spec;
}

static inline struct bj_pool *make_pool(struct bj_spec *spec, unsigned jails)
{
    struct bj_pool *pool = NULL;
    struct bj_error err = {0};
    if (bj_pool_new(spec, jails, &pool, &err) < 0)
        fail_msg("%s: %s", err.field, err.message);
    bj_spec_free(spec);
    return pool;
}

static inline struct bj_run *start(struct bj_pool *pool, const char *code)
{
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    struct bj_error err = {0};
    assert_int_equal(bj_pool_spec(pool, &spec, &err), 0);
    assert_int_equal(bj_spec_set_code(spec, code, &err), 0);
    if (bj_pool_start(pool, spec, &run, &err) < 0)
        fail_msg("%s: %s", err.field, err.message);
    bj_spec_free(spec);
    return run;
}

static inline struct bj_result *finish(struct bj_run *run)
{
    struct bj_result *result = NULL;
    struct bj_error err = {0};
    int r;
    while ((r = bj_run_step(run, -1, &err)) == 0)
        ;
    if (r < 0 || bj_run_result(run, &result, &err) < 0)
        fail_msg("%s", err.message);
    bj_run_free(run);
    return result;
}

static inline void assert_output(struct bj_result *result, const char *expected)
{
    size_t length = 0;
    const char *output = bj_result_output(result, BJ_STDOUT, &length);
    if (bj_result_status(result) != BJ_STATUS_OK || length != strlen(expected) ||
        memcmp(output, expected, length) != 0)
        fail_msg("instead of \"%s\": %s", expected, bj_result_json(result));
}

static inline void assert_prints(struct bj_pool *pool, const char *code, const char *expected)
{
    struct bj_result *result = finish(start(pool, code));
    assert_output(result, expected);
    bj_result_free(result);
}

static inline void assert_refused(int r, const struct bj_error *err, const char *field, const char *word)
{
    if (r >= 0 || strcmp(err->field, field) != 0 || !strstr(err->message, word))
        fail_msg("%d, %s: %s; instead of %s, %s", r, err->field, err->message, field, word);
}

static inline double number_of(struct bj_result *result, const char *key)
{
    char *json = bj_result_json(result);
    const char *at = strstr(json, key);
    if (!at)
        fail_msg("%s is not in %s", key, json);
    double number = strtod(at + strlen(key), NULL);
    free(json);
    return number;
}

/* In a build directory: src/guest stands beside tests/jail/.., for the version of Debian's python3. */
static inline void find_guest(void)
{
    char own[512] = "";
    char target[64] = "";
    char path[700];
    if (getenv("BELLJAR_GUEST") || readlink("/proc/self/exe", own, sizeof(own) - 1) <= 0 ||
        readlink("/usr/bin/python3", target, sizeof(target) - 1) <= 0)
        return;
    const char *version = strstr(target, "python");
    char *slash = strrchr(own, '/');
    if (!version || !slash)
        return;
    *slash = 0;
    (void)snprintf(path, sizeof(path), "%s/../../src/guest/belljar-guest-%s", own, version + strlen("python"));
    (void)setenv("BELLJAR_GUEST", path, 1);
}

/* NULL: it has it. The jails of a pool need more than others, and say what. */
static inline const char *host_lacks(struct bj_error *err)
{
    struct bj_pool *pool = NULL;
    struct bj_spec *spec = template_spec();
    int r = bj_pool_new(spec, 1, &pool, err);
    bj_spec_free(spec);
    bj_pool_free(pool);
    return r < 0 && err->code == BJ_ERROR_UNAVAILABLE ? err->message : NULL;
}

#endif
