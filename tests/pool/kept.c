/* Snippets one after another in the jails of one pool, or in branches of one session: a result, or a refusal, a line.
 * Its own file because what a hostile snippet leaves to the next one only shows where the pool outlives it.
 * Changes when: a program keeps jails in another way. For tests only, never installed.
 *
 *   belljar-kept pool|session [LIMIT=VALUE]... -- HOSTILE NEXT...
 * pool: HOSTILE and each NEXT in a jail of its own, of the same pool. session: HOSTILE in a fork of branch 1, each NEXT in
 * branch 1, and then in another session. Limits are those of bj_spec_set_limit. */
#include <belljar.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_MAX (64 * 1024)

/* What is run: in a pool, or in a branch of a session. */
struct place {
    struct bj_pool *pool;
    struct bj_session *session;
    unsigned branch;
};

static int read_source(const char *path, char *source, struct bj_error *err)
{
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(source, 1, SOURCE_MAX - 1, file) : 0;

    source[length] = 0;
    if (file && fclose(file) == 0)
        return 0;
    (void)snprintf(err->message, sizeof(err->message), "%s cannot be read", path);
    return -EIO;
}

static int start(const struct place *place, const char *path, struct bj_run **run, struct bj_error *err)
{
    static char source[SOURCE_MAX];
    struct bj_spec *spec = NULL;
    int r = read_source(path, source, err);

    if (r == 0)
        r = place->pool ? bj_pool_spec(place->pool, &spec, err) : bj_session_spec(place->session, &spec, err);
    if (r == 0)
        r = bj_spec_set_code(spec, source, err);
    if (r == 0)
        r = place->pool ? bj_pool_start(place->pool, spec, run, err)
                        : bj_session_start(place->session, place->branch, spec, run, err);
    bj_spec_free(spec);
    return r;
}

static int finish(struct bj_run *run, struct bj_result **result, struct bj_error *err)
{
    int r;

    do
        r = bj_run_step(run, -1, err);
    while (r == 0);
    return r < 0 ? r : bj_run_result(run, result, err);
}

/* One line. A session that its guest has ended refuses, which is for the reader of the lines to judge. */
static int tell(const struct place *place, const char *path)
{
    struct bj_error err = {0};
    struct bj_run *run = NULL;
    struct bj_result *result = NULL;
    int r = start(place, path, &run, &err);

    if (r == 0)
        r = finish(run, &result, &err);
    bj_run_free(run);
    char *json = r == 0 ? bj_result_json(result) : NULL;
    if (json)
        printf("%s\n", json);
    else
        printf("{\"refused\": \"%s\", \"errno\": %d}\n", bj_error_name(err.code), err.err);
    free(json);
    bj_result_free(result);
    return r == 0 && place->pool ? bj_pool_fill(place->pool, &err) : 0;
}

static int in_a_pool(const struct bj_spec *spec, char **files, struct bj_error *err)
{
    struct place place = {0};
    int r = bj_pool_new(spec, 2, &place.pool, err); /* two: the next run's jail stands beside the hostile one */

    for (; r == 0 && *files; files++)
        r = tell(&place, *files);
    bj_pool_free(place.pool);
    return r;
}

/* hostile: may be NULL. */
static int in_a_session(const struct bj_spec *spec, const char *hostile, char **files, struct bj_error *err)
{
    struct place place = {.branch = 1};
    int r = bj_session_new(spec, &place.session, err);
    struct place fork = {.session = place.session};

    if (r == 0 && hostile)
        r = bj_session_fork(place.session, 1, &fork.branch, err);
    if (r == 0 && hostile)
        r = tell(&fork, hostile);
    for (; r == 0 && *files; files++)
        r = tell(&place, *files);
    bj_session_free(place.session);
    return r;
}

static int set_limit(struct bj_spec *spec, char *word, struct bj_error *err)
{
    char *value = strchr(word, '=');

    if (!value)
        return -EINVAL;
    *value++ = 0;
    return bj_spec_set_limit(spec, word, strtoull(value, NULL, 10), err);
}

int main(int argc, char **argv)
{
    struct bj_error err = {0};
    struct bj_spec *spec = NULL;
    char **word = argv + 2;
    int r = bj_spec_from_profile("python", &spec, &err);

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (; r == 0 && argc > 2 && *word && strcmp(*word, "--") != 0; word++)
        r = set_limit(spec, *word, &err);
    if (r == 0 && (argc < 5 || !*word || !word[1]))
        r = -EINVAL;
    if (r == 0 && strcmp(argv[1], "pool") == 0)
        r = in_a_pool(spec, word + 1, &err);
    else if (r == 0)
        r = in_a_session(spec, word[1], word + 2, &err);
    if (r == 0 && strcmp(argv[1], "session") == 0)
        r = in_a_session(spec, NULL, word + 2, &err);
    bj_spec_free(spec);
    if (r < 0)
        (void)fprintf(stderr, "belljar-kept: %s: %s\n", err.field, err.message);
    return r < 0;
}
