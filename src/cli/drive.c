/* A run that was started, brought to its end.
 * Its own file because every command that relays a program's output waits in the same way.
 * Changes when: something else can end the wait. */
#include "cli/drive.h"

#include <unistd.h>

#include "cli/interrupt.h"

bool bj__drive_is_unheard(const struct relay *relay)
{
    return relay->out.failed == EPIPE && relay->out.fd == STDOUT_FILENO;
}

/* A signal, or a reader that has gone away, ends the run. */
static void watch_for_the_end(struct bj_run *run, const struct relay *relay)
{
    if (bj__interrupt_signal() || bj__drive_is_unheard(relay))
        bj_run_kill(run);
}

static int step_to_the_end(struct bj_run *run, struct relay *relay, struct bj_error *err)
{
    struct pollfd polls[3];
    int r;

    for (;;) {
        watch_for_the_end(run, relay);
        r = bj_run_step(run, 0, err);
        if (r != 0)
            break;
        (void)bj__relay_flush(relay);
        watch_for_the_end(run, relay);
        polls[0] = (struct pollfd){.fd = bj_run_fd(run), .events = POLLIN};
        bj__interrupt_poll(polls, 1 + bj__relay_poll(relay, polls + 1));
    }
    return r < 0 ? r : 0;
}

/* The program is gone; whoever reads its output may take as long as they like, until a signal. */
static void drain(struct relay *relay)
{
    struct pollfd polls[2];

    bj__relay_end(relay);
    while (!bj__relay_flush(relay) && !bj__interrupt_signal())
        bj__interrupt_poll(polls, bj__relay_poll(relay, polls));
}

int bj__drive(struct bj_run *run, struct relay *relay, struct bj_result **ret_result, struct bj_error *err)
{
    bj__interrupt_hold();
    bj_run_on_output(run, bj__relay_output, relay);
    int r = step_to_the_end(run, relay, err);
    if (r == 0)
        r = bj_run_result(run, ret_result, err);
    if (r == 0)
        drain(relay);
    return r;
}
