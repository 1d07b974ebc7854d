/* One snippet: started, relayed, interrupted, over.
 * Its own file because nothing else waits while a snippet runs.
 * Changes when: a snippet is asked for something in another way. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/relay.h"
#include "cli/repl/repl.h"
#include "spec/spec.h"

struct question {
    struct repl *repl;
    struct bj_run *run;
    struct relay relay;
    unsigned interrupts;
};

/* The first Ctrl-C is the snippet's to handle, the second is not. */
static void heed(struct question *question)
{
    int number = bj__interrupt_take();

    if (number == SIGINT && question->interrupts++ == 0)
        (void)bj_run_signal(question->run, SIGINT, NULL); /* it has ended: as good */
    else if (number)
        bj_run_kill(question->run);
    if (question->relay.out.failed)
        bj_run_kill(question->run);
}

static int drive(struct question *question, struct bj_error *err)
{
    struct pollfd polls[3];

    for (;;) {
        heed(question);
        int r = bj_run_step(question->run, 0, err);
        if (r != 0)
            return r < 0 ? r : 0;
        (void)bj__relay_flush(&question->relay);
        heed(question);
        polls[0] = (struct pollfd){.fd = bj_run_fd(question->run), .events = POLLIN};
        bj__interrupt_poll(polls, 1 + bj__relay_poll(&question->relay, polls + 1));
    }
}

/* A terminal that is held (Ctrl-S) may take as long as it likes, until somebody wants it back. */
static void drain(struct question *question)
{
    struct pollfd polls[2];

    bj__relay_end(&question->relay);
    while (!bj__relay_flush(&question->relay) && !bj__interrupt_take())
        bj__interrupt_poll(polls, bj__relay_poll(&question->relay, polls));
}

/* Nobody is there any more to whom something could be said. */
static void look_for_the_end(struct question *question)
{
    struct repl *repl = question->repl;
    int number = bj__interrupt_take();
    bool lost = question->relay.out.failed != 0;

    if (!repl->leaving && (number || lost)) {
        repl->leaving = number != SIGINT || lost;
        repl->status = 128 + (number ? number : SIGPIPE);
    }
}

static int run(struct repl *repl, const struct bj_spec *spec, enum ask how, struct bj_result **ret_result,
               struct bj_error *err)
{
    struct question question = {.repl = repl};
    bool aloud = how == ASK_ALOUD;
    int stdin_fd = aloud && repl->terminal ? STDIN_FILENO : -1;
    unsigned branch = how == ASK_WHETHER_WHOLE ? repl->checker : BRANCH;
    int r = bj_session_start_stdin(repl->session, branch, spec, stdin_fd, &question.run, err);

    if (r < 0)
        return r;
    bj__relay_init(&question.relay);
    if (aloud) {
        question.relay.out.fd = STDOUT_FILENO;
        question.relay.err.fd = STDERR_FILENO;
        question.relay.raw = repl->options->raw_output;
        bj_run_on_output(question.run, bj__relay_output, &question.relay);
    }
    if (stdin_fd >= 0)
        r = bj_run_pause_for_input(question.run, 1, err);
    if (r >= 0)
        r = drive(&question, err);
    drain(&question);
    look_for_the_end(&question);
    if (r == 0)
        r = bj_run_result(question.run, ret_result, err);
    bj_run_free(question.run);
    bj__relay_done(&question.relay);
    return r;
}

int bj__ask(struct repl *repl, enum ask how, const char *source, struct bj_result **ret_result,
            struct bj_error *err)
{
    struct bj_spec *spec = NULL;
    int r = bj_session_spec(repl->session, &spec, err);

    if (r == 0)
        r = repl->expressions ? bj_spec_set_expression(spec, source, err) : bj_spec_set_code(spec, source, err);
    if (r == 0) {
        spec->check = how == ASK_WHETHER_WHOLE;
        spec->display = !repl->expressions && how != ASK_WHETHER_WHOLE;
        r = run(repl, spec, how, ret_result, err);
    }
    bj_spec_free(spec);
    return r;
}

int bj__ask_first(struct repl *repl, struct bj_result **ret_result, struct bj_error *err)
{
    return run(repl, repl->first, ASK_QUIETLY, ret_result, err);
}
