/* warm - snippets in parked jails, through the library, for run.py.
 * Its own file because what is measured is a program that keeps a pool, not a command that starts.
 * Changes when: a pool is used in another way.
 *
 * usage: warm latency CODE [MODULE|- [POLICY]]
 *                                   for each line on stdin one run; prints nanoseconds from the code to the result
 *        warm throughput CODE MS    runs for so many milliseconds as fast as it goes; prints runs and nanoseconds
 *        warm flat CODE RUNS        so many runs; prints nanoseconds of each tenth of them */
#include <belljar.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JAILS 8

static struct bj_error error;

static void must(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "warm: %s: %s: %s\n", what, error.field, error.message);
    exit(125);
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

/* module: imported beforehand; installed packages have a profile of their own. */
static struct bj_pool *make_pool(const char *module)
{
    struct bj_spec *spec = NULL;
    struct bj_pool *pool = NULL;
    const char *const modules[] = {module, NULL};
    must(bj_spec_from_profile(module ? "python-packages" : "python", &spec, &error), "profile");
    if (module)
        must(bj_spec_set_preload(spec, modules, &error), "preload");
    must(bj_pool_new(spec, JAILS, &pool, &error), "pool");
    bj_spec_free(spec);
    return pool;
}

static long long run(struct bj_pool *pool, const char *code, const char *policy)
{
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    struct bj_result *result = NULL;
    long long began = now();
    must(bj_pool_spec(pool, &spec, &error), "spec");
    must(bj_spec_set_code(spec, code, &error), "code");
    if (policy)
        must(bj_spec_add_policy(spec, policy, &error), "policy");
    must(bj_pool_start(pool, spec, &run, &error), "start");
    int r;
    while ((r = bj_run_step(run, -1, &error)) == 0)
        ;
    must(r, "step");
    must(bj_run_result(run, &result, &error), "result");
    long long took = now() - began;
    if (bj_result_status(result) != BJ_STATUS_OK) {
        fprintf(stderr, "warm: %s\n", bj_result_json(result));
        exit(125);
    }
    bj_result_free(result);
    bj_spec_free(spec);
    bj_run_kill(run); /* the kernel takes it apart while another one is made */
    must(bj_pool_fill(pool, &error), "fill");
    bj_run_free(run);
    return took;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 125;
    bool latency = strcmp(argv[1], "latency") == 0;
    bool module = latency && argc > 3 && strcmp(argv[3], "-") != 0;
    const char *policy = latency && argc > 4 ? argv[4] : NULL;
    struct bj_pool *pool = make_pool(module ? argv[3] : NULL);
    long wanted = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
    if (latency) {
        char line[16];
        while (fgets(line, sizeof(line), stdin)) {
            printf("%lld\n", run(pool, argv[2], policy));
            fflush(stdout);
        }
    } else if (strcmp(argv[1], "throughput") == 0) {
        long long began = now();
        long runs = 0;
        for (; now() - began < wanted * 1000000ll; runs++)
            (void)run(pool, argv[2], NULL);
        printf("%ld %lld\n", runs, now() - began);
    } else {
        for (int tenth = 0; tenth < 10; tenth++) {
            long long began = now();
            for (long i = 0; i < wanted / 10; i++)
                (void)run(pool, argv[2], NULL);
            printf("%lld\n", now() - began);
            fflush(stdout);
        }
    }
    bj_pool_free(pool);
    return 0;
}
