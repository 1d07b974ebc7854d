/* A session in one page: each line of the input is Python, and state is kept. A line that fails is undone.
 * Its own file because people copy it.
 * Changes when: the public interface does.
 *
 *   cc -o session session.c $(pkg-config --cflags --libs belljar)
 *   printf 'x = 20\nx = 0; 1 / 0\nprint(x + 1)\n' | ./session */
#include <belljar.h>
#include <stdio.h>
#include <string.h>

#define BRANCH 1u /* the first, which every session has */

static int make_session(struct bj_session **session, struct bj_error *err)
{
    struct bj_spec *spec = NULL;
    int r = bj_spec_from_profile("python", &spec, err);

    if (r == 0)
        r = bj_session_new(spec, session, err);
    bj_spec_free(spec);
    return r;
}

static int run(struct bj_session *session, const char *code, struct bj_result **result, struct bj_error *err)
{
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    int r = bj_session_spec(session, &spec, err);

    if (r == 0)
        r = bj_spec_set_code(spec, code, err);
    if (r == 0)
        r = bj_session_start(session, BRANCH, spec, &run, err);
    while (r == 0)
        r = bj_run_step(run, -1, err);
    if (r > 0)
        r = bj_run_result(run, result, err);
    bj_run_free(run);
    bj_spec_free(spec);
    return r;
}

static int answer(struct bj_session *session, const char *code, struct bj_error *err)
{
    struct bj_result *result = NULL;
    unsigned before = 0;
    size_t length = 0;
    int r = bj_session_snapshot(session, BRANCH, &before, err);

    if (r == 0)
        r = run(session, code, &result, err);
    if (r < 0)
        return r;
    const char *output = bj_result_output(result, BJ_STDOUT, &length);
    printf("%s: %.*s\n", bj_status_name(bj_result_status(result)), (int)length, output);
    if (bj_result_status(result) != BJ_STATUS_OK)
        r = bj_session_restore(session, BRANCH, before, err);
    if (r == 0)
        r = bj_session_drop(session, before, err);
    bj_result_free(result);
    return r;
}

int main(void)
{
    char line[4096];
    struct bj_session *session = NULL;
    struct bj_error err;
    int r = make_session(&session, &err);

    while (r == 0 && fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = 0;
        r = answer(session, line, &err);
    }
    if (r < 0)
        fprintf(stderr, "session: %s: %s\n", err.field, err.message);
    bj_session_free(session);
    return r < 0;
}
