/* session - what can be done in a session, through the library, for run.py.
 * Its own file because one session is kept, and each line is another snippet or branch of it.
 * Changes when: a session is used in another way.
 *
 * usage: session snippet|snapshot|fork|restore STATE CODE
 *        runs STATE once; then for each line on stdin one of these, and prints its nanoseconds */
#include <belljar.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST 1u /* branch */

static struct bj_error error;

static void must(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "session: %s: %s: %s\n", what, error.field, error.message);
    exit(125);
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static struct bj_session *make_session(void)
{
    struct bj_spec *spec = NULL;
    struct bj_session *session = NULL;
    must(bj_spec_from_profile("python", &spec, &error), "profile");
    must(bj_session_new(spec, &session, &error), "new");
    bj_spec_free(spec);
    return session;
}

static void run(struct bj_session *session, const char *code)
{
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    struct bj_result *result = NULL;
    must(bj_session_spec(session, &spec, &error), "spec");
    must(bj_spec_set_code(spec, code, &error), "code");
    must(bj_session_start(session, FIRST, spec, &run, &error), "start");
    int r;
    while ((r = bj_run_step(run, -1, &error)) == 0)
        ;
    must(r, "step");
    must(bj_run_result(run, &result, &error), "result");
    if (bj_result_status(result) != BJ_STATUS_OK) {
        fprintf(stderr, "session: %s\n", bj_result_json(result));
        exit(125);
    }
    bj_result_free(result);
    bj_run_free(run);
    bj_spec_free(spec);
}

/* What has to be there before, and what must not stay, is not measured. */
static long long measure(struct bj_session *session, const char *what, const char *code)
{
    unsigned made = 0;
    if (strcmp(what, "restore") == 0)
        must(bj_session_snapshot(session, FIRST, &made, &error), "snapshot");
    long long began = now();
    if (strcmp(what, "snippet") == 0)
        run(session, code);
    else if (strcmp(what, "snapshot") == 0)
        must(bj_session_snapshot(session, FIRST, &made, &error), "snapshot");
    else if (strcmp(what, "fork") == 0)
        must(bj_session_fork(session, FIRST, &made, &error), "fork");
    else
        must(bj_session_restore(session, FIRST, made, &error), "restore");
    long long took = now() - began;
    if (made)
        must(bj_session_drop(session, made, &error), "drop");
    return took;
}

int main(int argc, char **argv)
{
    char line[16];
    if (argc != 4)
        return 125;
    struct bj_session *session = make_session();
    run(session, argv[2]);
    while (fgets(line, sizeof(line), stdin)) {
        printf("%lld\n", measure(session, argv[1], argv[3]));
        fflush(stdout);
    }
    bj_session_free(session);
    return 0;
}
