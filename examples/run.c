/* The library in one page: run a command in a jail, print its output as it arrives, then what came of it.
 * Its own file because people copy it.
 * Changes when: the public interface does.
 *
 *   cc -o run run.c $(pkg-config --cflags --libs belljar)
 *   ./run python3 -c 'print(6 * 7)' */
#include <belljar.h>
#include <stdio.h>
#include <stdlib.h>

static void print_output(void *user, enum bj_stream stream, const void *bytes, size_t length)
{
    (void)user;
    (void)fwrite(bytes, 1, length, stream == BJ_STDERR ? stderr : stdout);
}

static int make_plan(const char *const *command, struct bj_plan **plan, struct bj_error *err)
{
    struct bj_spec *spec = NULL;
    int r = bj_spec_from_profile("python", &spec, err);

    if (r == 0)
        r = bj_spec_set_limit(spec, "wall_us", 5 * 1000 * 1000, err);
    if (r == 0)
        r = bj_spec_set_limit(spec, "memory_bytes", 256u << 20, err);
    if (r == 0)
        r = bj_spec_set_command(spec, command, err);
    if (r == 0)
        r = bj_plan_new(spec, plan, err);
    bj_spec_free(spec);
    return r;
}

/* Starts, and does what there is to do until the run is over. A program with an event loop of its own would
 * wait for bj_run_fd() there and call bj_run_step(run, 0, err). */
static int run(const struct bj_plan *plan, struct bj_result **result, struct bj_error *err)
{
    struct bj_run *run = NULL;
    int r = bj_run_start(plan, &run, err);

    if (r < 0)
        return r;
    bj_run_on_output(run, print_output, NULL);
    do
        r = bj_run_step(run, -1, err);
    while (r == 0);
    if (r > 0)
        r = bj_run_result(run, result, err);
    bj_run_free(run);
    return r;
}

int main(int argc, char **argv)
{
    struct bj_plan *plan = NULL;
    struct bj_result *result = NULL;
    struct bj_error err;
    int status = 125;

    if (argc < 2) {
        fprintf(stderr, "usage: run COMMAND [ARGUMENT...]\n");
        return status;
    }
    if (make_plan((const char *const *)argv + 1, &plan, &err) < 0 || run(plan, &result, &err) < 0) {
        fprintf(stderr, "run: %s: %s\n", err.field, err.message);
    } else {
        char *json = bj_result_json(result);
        fprintf(stderr, "status %s\n%s\n", bj_status_name(bj_result_status(result)), json ? json : "");
        free(json);
        status = bj_result_exit_status(result);
    }
    bj_result_free(result);
    bj_plan_free(plan);
    return status;
}
