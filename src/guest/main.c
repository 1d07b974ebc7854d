/* The order of things: Python, the request, the snippet, the reply, the end.
 * Its own file because it is what the program does, on one screen.
 * Changes when: another thing has to happen, or in another order. */
#include "guest.h"

#include <stdio.h>
#include <unistd.h>

#define NOT_STARTED 120 /* as python3 says that it could not even end well */

/* The process is thrown away in any case: taking the interpreter apart would only cost time. */
static _Noreturn void give_up(void)
{
    PyErr_Print();
    _exit(NOT_STARTED);
}

/* -1: they are not the library's. */
static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
    const struct {
        const char *name;
        const char **place;
    } rows[] = {
        {"--seed=", &arguments->seed}, {"--start=", &arguments->start}, {"--python=", &arguments->python}};
    for (int i = 1; i < argc; i++) {
        size_t n = 0;
        while (n < BJ_COUNT(rows) && strncmp(argv[i], rows[n].name, strlen(rows[n].name)) != 0)
            n++;
        if (n == BJ_COUNT(rows))
            return -1;
        *rows[n].place = argv[i] + strlen(rows[n].name);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct request request = {0};
    struct reply reply;
    if (read_arguments(argc, argv, &arguments) < 0 || guest_fix(&arguments) < 0) {
        (void)fputs("belljar-guest and the library are of different builds; install both anew\n", stderr);
        _exit(NOT_STARTED);
    }
    if (guest_is_zygote())
        guest_watch_arenas();
    guest_start_python(arguments.python);
    if (guest_set_path() < 0 || (guest_is_zygote() && guest_zygote() < 0) || guest_read_request(&request) < 0)
        give_up();
    if (request.session)
        guest_session();
    if (request.answers && !request.calls)
        (void)close(BJ_GUEST_ANSWERS);
    guest_fixed_begin(); /* behind all that differs between a cold start and a parked one */
    guest_reply_init(&reply, (size_t)request.reply_bytes);
    int code = guest_execute(&request, &reply);
    if (guest_end_python() < 0 && code == 0)
        code = NOT_STARTED;
    if (reply.truncated && code == 0)
        code = 1;
    guest_reply_send(&reply);
    _exit(code);
}
