/* Sessions when the host gives nothing any more: each call of the library's that can fail does so once, in turn.
 * Its own file because the calls are taken from the linker (--wrap), which no other test of sessions wants.
 * Changes when: a session asks the host for something else. */
#include "session_help.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "../support/count_entries.h"

static int left;    /* calls until one fails; 0: none does */
static bool failed; /* it did */

static bool is_due(int number)
{
    if (left == 0 || --left > 0)
        return false;
    failed = true;
    errno = number;
    return true;
}

/* X(type, name, parameters, arguments, what it returns when it fails, errno) */
#define CALLS(X)                                                                                               \
    X(int, socketpair, (int domain, int type, int protocol, int pair[2]), (domain, type, protocol, pair), -1,  \
      EMFILE)                                                                                                  \
    X(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t length),                     \
      (fd, level, name, value, length), -1, ENOBUFS)                                                           \
    X(int, pipe2, (int ends[2], int flags), (ends, flags), -1, EMFILE)                                         \
    X(int, memfd_create, (const char *name, unsigned flags), (name, flags), -1, EMFILE)                        \
    X(ssize_t, sendmsg, (int fd, const struct msghdr *header, int flags), (fd, header, flags), -1, ENOBUFS)    \
    X(ssize_t, recvmsg, (int fd, struct msghdr *header, int flags), (fd, header, flags), -1, ENOMEM)           \
    X(int, epoll_create1, (int flags), (flags), -1, EMFILE)                                                    \
    X(int, epoll_ctl, (int epoll, int what, int fd, struct epoll_event *event), (epoll, what, fd, event), -1,  \
      ENOSPC)                                                                                                  \
    X(int, timerfd_create, (int clock, int flags), (clock, flags), -1, EMFILE)                                 \
    X(void *, calloc, (size_t count, size_t size), (count, size), NULL, ENOMEM)                                \
    X(void *, realloc, (void *old, size_t size), (old, size), NULL, ENOMEM)                                    \
    X(void *, malloc, (size_t size), (size), NULL, ENOMEM)

#define X(type, name, parameters, arguments, value, number)                                                    \
    type __real_##name parameters;                                                                             \
    type __wrap_##name parameters;                                                                             \
    type __wrap_##name parameters                                                                              \
    {                                                                                                          \
        return is_due(number) ? (value) : __real_##name arguments;                                             \
    }
CALLS(X)
#undef X

/* Without an answer the guest would wait until its time is over. */
static void answer(void *user, uint32_t call, const char *name, const char *arguments, const char *keywords)
{
    struct bj_run *run = user;
    (void)name;
    (void)keywords;
    int r = strcmp(arguments, "[1]") == 0 ? bj_run_answer(run, call, "[1]", NULL)
                                          : bj_run_answer_error(run, call, "KeyError", "no such thing", NULL);
    if (r < 0)
        bj_run_kill(run);
}

static int run_in(struct bj_session *session, const char *code, struct bj_error *err)
{
    struct bj_spec *spec = NULL;
    struct bj_run *run = NULL;
    struct bj_result *result = NULL;
    static const char *const functions[] = {"f", NULL};
    int r = bj_session_spec(session, &spec, err);
    if (r == 0)
        r = bj_spec_set_calls(spec, functions, err);
    if (r == 0)
        r = bj_spec_set_code(spec, code, err);
    if (r == 0)
        r = bj_session_start(session, 1, spec, &run, err);
    if (r == 0)
        bj_run_on_call(run, answer, run);
    while (r == 0)
        r = bj_run_step(run, -1, err);
    if (r > 0)
        r = bj_run_result(run, &result, err);
    bj_run_free(run);
    bj_result_free(result);
    bj_spec_free(spec);
    return r;
}

/* What can be done with a session, until something fails. */
static int use(struct bj_session *session, struct bj_error *err)
{
    unsigned snapshot = 0;
    unsigned fork = 0;
    int r = run_in(session, "x = f(1)\ntry: f(2)\nexcept RuntimeError: pass", err);
    if (r == 0)
        r = bj_session_snapshot(session, 1, &snapshot, err);
    if (r == 0)
        r = bj_session_fork(session, snapshot, &fork, err);
    if (r == 0)
        r = run_in(session, "import os; os._exit(1)", err);
    if (r == 0)
        r = bj_session_restore(session, 1, snapshot, err);
    return r < 0 ? r : bj_session_drop(session, fork, err);
}

static void each_call_fails_once(void **state)
{
    (void)state;
    struct bj_session *session = make_session(template_spec()); /* what is opened once for good is open now */
    bj_session_free(session);
    int before = count_entries("/proc/self/fd");
    int n = 0;
    do {
        struct bj_error err = {0};
        struct bj_spec *spec = template_spec();
        session = NULL;
        failed = false;
        left = ++n;
        int r = bj_session_new(spec, &session, &err);
        if (r == 0)
            r = use(session, &err);
        left = 0;
        if (r < 0 && (!err.code || !err.message[0]))
            fail_msg("call %d: no word of what failed", n);
        if (session && run_in(session, "pass", &err) < 0 && bj_session_restore(session, 1, 0, &err) == 0)
            assert_int_equal(run_in(session, "pass", &err), 0); /* whatever failed, it can be gone on with */
        bj_session_free(session);
        bj_spec_free(spec);
        if (count_entries("/proc/self/fd") != before)
            fail_msg("call %d leaves descriptors: %d, there were %d", n, count_entries("/proc/self/fd"),
                     before);
        if (waitpid(-1, NULL, WNOHANG | __WALL) >= 0 || errno != ECHILD)
            fail_msg("call %d leaves a process", n);
    } while (failed);
    print_message("%d calls failed, each once\n", n - 1);
    assert_true(n > 50); /* or the linker has wrapped nothing */
}

int main(void)
{
    if (has_no_sessions())
        return 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_call_fails_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
