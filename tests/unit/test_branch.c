/* What ending a branch of a session does to processes that are not the session's: nothing.
 * Its own file because no session of ours gets that far: here the session is made up.
 * Changes when: a branch is ended in another way. The rest is in tests/jail/test_session*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "supervise/session.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A jail whose pid 1 was reaped leaves its number to anybody, here to this process, whose children are nobody's branches. */
static void a_number_that_was_given_away_is_not_followed(void **state)
{
    (void)state;
    struct bj_session session = {.branch_count = 0};
    struct bj_branch branch;
    const struct timespec moment = {.tv_nsec = 100000000};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)pause();
        _exit(0);
    }
    bj__jail_init(&session.jail);
    session.jail.pid = getpid();
    session.jail.reaped = true;
    bj__branch_init(&branch, &session);
    bj__branch_kill(&branch);
    assert_int_equal(nanosleep(&moment, NULL), 0);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0); /* it lives */
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_number_that_was_given_away_is_not_followed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
