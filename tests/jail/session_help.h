/* What the tests of sessions share: a session, a snippet in it, and what came of it.
 * Its own file because two tests make sessions in the same way.
 * Changes when: those tests need another step. */
#ifndef SESSION_HELP_H
#define SESSION_HELP_H

#include "pool_help.h"

static inline struct bj_session *make_session(struct bj_spec *spec)
{
    struct bj_session *session = NULL;
    struct bj_error err = {0};
    if (bj_session_new(spec, &session, &err) < 0)
        fail_msg("%s: %s", err.field, err.message);
    bj_spec_free(spec);
    return session;
}

static inline struct bj_run *start_in(struct bj_session *session, unsigned branch, const char *code)
{
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    struct bj_error err = {0};
    assert_int_equal(bj_session_spec(session, &spec, &err), 0);
    assert_int_equal(bj_spec_set_code(spec, code, &err), 0);
    if (bj_session_start(session, branch, spec, &run, &err) < 0)
        fail_msg("%s: %s", err.field, err.message);
    bj_spec_free(spec);
    return run;
}

static inline void runs(struct bj_session *session, unsigned branch, const char *code, const char *expected)
{
    struct bj_result *result = finish(start_in(session, branch, code));
    assert_output(result, expected);
    bj_result_free(result);
}

static inline void ends(struct bj_session *session, unsigned branch, const char *code, enum bj_status status,
                        const char *limit)
{
    struct bj_result *result = finish(start_in(session, branch, code));
    const char *told = bj_result_limit(result);
    if (bj_result_status(result) != status || strcmp(limit, told ? told : "") != 0)
        fail_msg("%s", bj_result_json(result));
    bj_result_free(result);
}

static inline unsigned snapshot_of(struct bj_session *session, unsigned branch)
{
    unsigned snapshot = 0;
    struct bj_error err = {0};
    if (bj_session_snapshot(session, branch, &snapshot, &err) < 0)
        fail_msg("%s", err.message);
    return snapshot;
}

static inline unsigned fork_of(struct bj_session *session, unsigned branch)
{
    unsigned fork = 0;
    struct bj_error err = {0};
    if (bj_session_fork(session, branch, &fork, &err) < 0)
        fail_msg("%s", err.message);
    return fork;
}

static inline void restore(struct bj_session *session, unsigned branch, unsigned snapshot)
{
    struct bj_error err = {0};
    if (bj_session_restore(session, branch, snapshot, &err) < 0)
        fail_msg("%s", err.message);
}

/* The error that starting a snippet gives. */
static inline struct bj_error refused(struct bj_session *session, unsigned branch)
{
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    struct bj_error err = {0};
    assert_int_equal(bj_session_spec(session, &spec, &err), 0);
    assert_int_equal(bj_spec_set_code(spec, "pass", &err), 0);
    assert_true(bj_session_start(session, branch, spec, &run, &err) < 0);
    bj_spec_free(spec);
    return err;
}

static inline struct bj_spec *short_spec(void)
{
    struct bj_spec *spec = template_spec();
    assert_int_equal(bj_spec_set_limit(spec, "wall_us", 500000, NULL), 0);
    return spec;
}

/* Says so, as the runner of tests reads it. */
static inline int has_no_sessions(void)
{
    struct bj_session *session = NULL;
    struct bj_error err = {0};
    find_guest();
    struct bj_spec *spec = template_spec();
    int r = bj_session_new(spec, &session, &err);
    bj_spec_free(spec);
    bj_session_free(session);
    if (r == 0 || err.code != BJ_ERROR_UNAVAILABLE)
        return 0;
    (void)printf("1..0 # SKIP host lacks what a session needs: %s\n", err.message);
    return 1;
}

#endif
