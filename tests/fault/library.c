/* library - a program that uses the library once, stays, and says what it has afterwards that it did not have
 * before: what a service would have leaked.
 * Its own file because the command ends, and whatever it forgot ends with it.
 * Changes when: a caller of the library holds another kind of thing.
 *
 * usage: library DIRECTORY AUDIT [LAYER...]: with these layers required. Prints one line: "r R status S field F
 * fds N live N children N message M". */
#include "allocations.h"

#include <belljar.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(call)                                                                                            \
    do {                                                                                                       \
        int checked = (call);                                                                                  \
        if (checked < 0)                                                                                       \
            return checked;                                                                                    \
    } while (0)

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0 || errno != EBADF;
    return count;
}

static int fill(struct bj_spec *spec, char **argv, struct bj_error *err)
{
    static const char *const command[] = {"./audit", "/mark/audit", NULL};
    static const char text[] = "handed in\n";
    CHECK(bj_spec_set_command(spec, command, err));
    CHECK(bj_spec_add_mount(spec, argv[1], "/mark", "rw", err));
    CHECK(bj_spec_add_file_source(spec, "audit", argv[2], err));
    CHECK(bj_spec_add_file_bytes(spec, "data.txt", text, sizeof(text) - 1, 0, err));
    CHECK(bj_spec_add_collect(spec, "out.txt", err));
    for (char **layer = argv + 3; *layer; layer++)
        CHECK(bj_spec_set_layer(spec, *layer, "require", err));
    return bj_spec_set_network(spec, "loopback", err);
}

static int run(char **argv, const char **ret_status, struct bj_error *err)
{
    struct bj_spec *spec = NULL;
    struct bj_plan *plan = NULL;
    struct bj_result *result = NULL;
    int r = bj_spec_from_profile("default", &spec, err);
    if (r == 0)
        r = fill(spec, argv, err);
    if (r == 0)
        r = bj_plan_new(spec, &plan, err);
    if (r == 0)
        r = bj_run_plan(plan, &result, err);
    if (r == 0) {
        char *json = bj_result_json(result);
        *ret_status = json ? bj_status_name(bj_result_status(result)) : "no-json";
        free(json);
    }
    bj_result_free(result);
    bj_plan_free(plan);
    bj_spec_free(spec);
    return r;
}

int main(int argc, char **argv)
{
    struct bj_error err = {0};
    const char *status = "-";
    char line[1024];
    if (argc < 3)
        return 2;
    int before = count_descriptors();
    long live = bj_test_live_allocations();
    int r = run(argv, &status, &err);
    int children = waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD ? 0 : 1;
    int length =
        snprintf(line, sizeof(line), "r %d status %s field %s fds %d live %ld children %d message %s\n", r,
                 status, err.field[0] ? err.field : "-", count_descriptors() - before,
                 bj_test_live_allocations() - live, children, err.message);
    /* write: stdio would allocate */
    return write(1, line, (size_t)length) == length && r == 0 ? 0 : 1;
}
