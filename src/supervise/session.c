/* Sessions: state that is kept between the snippets of one guest, and branches of it.
 * Its own file because it is the public contract of sessions, and its parts are elsewhere: branch.c knows one process.
 * Changes when: a session can do something more. */
#include "supervise/session.h"
#include "supervise/calls.h"

#include "jail/child/child.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIRST_BRANCH      1u
#define START_DEADLINE_MS 30000 /* an interpreter that starts on a busy host is slow, not broken */

/* ---- its clock ------------------------------------------------------------------------------------ */

/* Waiting for somebody who types is as good as being idle, also when it is we who stand still. */
static uint64_t end_of_run_us(const struct bj_run *run, uint64_t idle_end_us)
{
    uint64_t end = run->wall_deadline_us + BJ_INIT_GRACE_US;
    return run->waits && idle_end_us > end ? idle_end_us : end;
}

static uint64_t next_end_us(const struct bj_session *session)
{
    uint64_t idle_end = bj__now_us() + session->plan->limits.idle_us;
    uint64_t latest = 0;
    for (unsigned i = 0; i < session->branch_count; i++) {
        const struct bj_run *run = session->branches[i].run;
        uint64_t end = run && run->wall_deadline_us > 0 ? end_of_run_us(run, idle_end) : 0;
        latest = end > latest ? end : latest;
    }
    uint64_t next = latest > 0 ? latest : idle_end;
    return next < session->end_us ? next : session->end_us;
}

/* The jail ends by itself: whoever made the session may never come back. */
void bj__session_set_clock(struct bj_session *session)
{
    uint64_t now = bj__now_us();
    uint64_t end = next_end_us(session);
    uint64_t us = end > now ? end - now : 1;
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(us / 1000000u), .tv_nsec = (long)(us % 1000000u) * 1000}};
    if (session->jail.clock_fd >= 0)
        (void)timerfd_settime(session->jail.clock_fd, 0, &when,
                              NULL); /* can only fail for a time that is none */
}

/* ---- branches ------------------------------------------------------------------------------------- */

static int is_over(struct bj_session *session, struct bj_error *err)
{
    if (!bj__jail_reap(&session->jail, false))
        return 0;
    bool timed_out = session->jail.wait_code == CLD_EXITED && session->jail.wait_status == BJ_INIT_TIMED_OUT;
    return bj__error(err, BJ_ERROR_STATE, timed_out ? ETIME : ESRCH, "session",
                     timed_out ? "it is over: its idle or its life time has ended"
                               : "it is over: its guest has ended it");
}

/* One that can be forked, or run when that is asked. */
static int find_branch(struct bj_session *session, unsigned number, struct bj_branch **ret_branch,
                       struct bj_error *err)
{
    int r = is_over(session, err);
    if (r < 0)
        return r;
    struct bj_branch *branch = number < session->branch_count ? &session->branches[number] : NULL;
    if (!branch || branch->control_fd < 0)
        return bj__error(err, BJ_ERROR_NOT_FOUND, ENOENT, "branch", "the session has no branch %u", number);
    if (branch->run)
        return bj__error(err, BJ_ERROR_STATE, EBUSY, "branch", "a snippet runs in branch %u; wait for its end",
                         number);
    if (!bj__branch_is_alive(branch)) {
        bj__branch_close(branch);
        return bj__error(err, BJ_ERROR_NOT_FOUND, ESRCH, "branch", "branch %u has ended; restore a snapshot",
                         number);
    }
    *ret_branch = branch;
    return 0;
}

static int open_control(int *ret_ours, int *ret_theirs, struct bj_error *err)
{
    int pair[2];
    const int on = 1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return bj__error_system(err, errno, "session", "cannot make a branch's socket");
    *ret_ours = pair[0];
    *ret_theirs = pair[1];
    if (setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
        return bj__error_system(err, errno, "session", "cannot ask who speaks on a branch's socket");
    return 0;
}

/* Both stand still afterwards. */
static int fork_into(const struct bj_branch *from, struct bj_branch *to, struct bj_error *err)
{
    BJ_FD int theirs = -1;
    int r = open_control(&to->control_fd, &theirs, err);
    if (r < 0)
        return r;
    const struct bj_session_message message = {.magic = BJ_SESSION_MAGIC, .word = BJ_SESSION_FORK};
    bj__branch_forget(from);
    bj__branch_thaw(from);
    r = bj__branch_tell(from, &message, &theirs, 1);
    if (r < 0)
        (void)bj__error_system(err, -r, "session", "cannot speak to what is to be forked");
    bj__fd_close(&theirs);
    if (r == 0)
        r = bj__branch_adopt(to, (int)(from->session->plan->limits.wall_us / 1000) + 1, err);
    bj__branch_settle(from);
    if (r == 0)
        bj__branch_freeze(to);
    return r;
}

static unsigned free_number(const struct bj_session *session)
{
    unsigned number = FIRST_BRANCH;
    while (number < session->branch_count && session->branches[number].control_fd >= 0)
        number++;
    return number;
}

static int add_branch(struct bj_session *session, unsigned from, bool snapshot, unsigned *ret_number,
                      struct bj_error *err)
{
    struct bj_branch *origin = NULL;
    int r = find_branch(session, from, &origin, err);
    if (r < 0 || !origin)
        return r;
    unsigned number = free_number(session);
    if (number == session->branch_count)
        return bj__error(err, BJ_ERROR_INVALID, EMFILE, "limits.branches",
                         "the session has %u besides its first already; drop one, or raise the limit",
                         session->branch_count - FIRST_BRANCH - 1);
    struct bj_branch *branch = &session->branches[number];
    bj__branch_init(branch, session);
    r = fork_into(origin, branch, err);
    branch->snapshot = snapshot;
    if (r < 0)
        bj__branch_close(branch);
    else
        *ret_number = number;
    bj__session_set_clock(session);
    return r;
}

int bj_session_fd(const struct bj_session *session)
{
    return session->jail.pidfd;
}

int bj_session_fork(struct bj_session *session, unsigned from, unsigned *ret_branch, struct bj_error *err)
{
    return add_branch(session, from, false, ret_branch, err);
}

int bj_session_snapshot(struct bj_session *session, unsigned branch, unsigned *ret_snapshot,
                        struct bj_error *err)
{
    return add_branch(session, branch, true, ret_snapshot, err);
}

int bj_session_restore(struct bj_session *session, unsigned number, unsigned snapshot, struct bj_error *err)
{
    struct bj_branch *origin = NULL;
    struct bj_branch fork;
    int r = find_branch(session, snapshot, &origin, err);
    if (r < 0 || !origin)
        return r;
    if (number < FIRST_BRANCH || number >= session->branch_count || number == snapshot)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "branch", "%u cannot be made what %u was", number,
                         snapshot);
    struct bj_branch *branch = &session->branches[number];
    if (branch->run || branch->snapshot)
        return bj__error(
            err, BJ_ERROR_STATE, EBUSY, "branch",
            branch->run ? "a snippet runs in branch %u; wait for its end" : "%u is a snapshot itself", number);
    bj__branch_init(&fork, session);
    r = fork_into(origin, &fork, err);
    if (r < 0) {
        bj__branch_end(&fork);
        return r;
    }
    struct bj_branch old = *branch; /* ended only now: without a successor it stays what it was */
    *branch = fork;
    bj__branch_end(&old);
    bj__session_set_clock(session);
    return 0;
}

int bj_session_drop(struct bj_session *session, unsigned number, struct bj_error *err)
{
    struct bj_branch *branch = number < session->branch_count ? &session->branches[number] : NULL;
    if (number < FIRST_BRANCH || !branch || branch->control_fd < 0)
        return bj__error(err, BJ_ERROR_NOT_FOUND, ENOENT, "branch", "the session has no branch %u to drop",
                         number);
    if (branch->run)
        return bj__error(err, BJ_ERROR_STATE, EBUSY, "branch", "a snippet runs in branch %u; wait for its end",
                         number);
    bj__branch_end(branch);
    return 0;
}

/* ---- snippets ------------------------------------------------------------------------------------- */

static int check_snippet(const struct bj_session *session, const struct bj_spec *spec, struct bj_error *err)
{
    const char *other = bj__spec_differs(spec, session->spec);
    if (!other && spec->policy && !session->spec->policy)
        other = "policy";
    if (other)
        return bj__error(
            err, BJ_ERROR_INVALID, EINVAL, other,
            "is not what the session was made for; take the spec from bj_session_spec and change nothing "
            "but code, expression, globals, views, calls, files, collect and lower limits of time, input, "
            "output and "
            "calls, or "
            "make "
            "another session");
    if (spec->trace.max_steps > 0)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "trace",
                         "a session has no record of its steps; run the script by itself");
    return bj__spec_check_snippet(spec, err);
}

static void note_beginning(struct bj_run *run)
{
    run->start_us = run->exec_us = bj__now_us();
    run->before = (struct bj_cgroup_usage){.oom_kills = 0};
    if (run->plan->cgroup)
        (void)bj__cgroup_read(&run->jail->cgroup, &run->before); /* what cannot be read stays unknown */
    run->before.cpu_us = 0;
    run->before.cpu_us = bj__run_cpu_us(run);
    run->cpu_seen_us = 0;
}

/* Its descriptors go to the branch, which runs it at once. */
static int send_snippet(struct bj_run *run, const struct bj_buf *request, struct bj_error *err)
{
    struct bj_session *session = run->branch->session;
    struct bj_ends ends;
    int fds[BJ_SESSION_SEATS];
    static const enum bj_seat seats[BJ_SESSION_SEATS] = {
        [BJ_SESSION_STDIN] = BJ_SEAT_STDIN,   [BJ_SESSION_STDOUT] = BJ_SEAT_STDOUT,
        [BJ_SESSION_STDERR] = BJ_SEAT_STDERR, [BJ_SESSION_REQUEST] = BJ_SEAT_REQUEST,
        [BJ_SESSION_REPLY] = BJ_SEAT_REPLY,   [BJ_SESSION_ANSWERS] = BJ_SEAT_ANSWERS,
    };
    const struct bj_session_message message = {
        .magic = BJ_SESSION_MAGIC, .word = BJ_SESSION_RUN, .number = ++session->snippets};
    run->branch->number = session->snippets;
    size_t count = run->calls ? BJ_SESSION_SEATS : BJ_SESSION_ANSWERS;
    int r = bj__stdio_open_snippet(&run->streams, &ends, request, run->calls != NULL, err);
    for (size_t i = 0; i < count; i++)
        fds[i] = ends.theirs[seats[i]];
    if (r == 0) {
        bj__branch_forget(run->branch);
        note_beginning(run);
        bj__branch_thaw(run->branch);
        r = bj__branch_tell(run->branch, &message, fds, count);
        if (r < 0)
            (void)bj__error_system(err, -r, "session", "cannot speak to branch");
    }
    bj__stdio_close_theirs(&ends);
    return r;
}

/* One that may run something. */
static int find_runner(struct bj_session *session, unsigned number, struct bj_branch **ret_branch,
                       struct bj_error *err)
{
    int r = find_branch(session, number, ret_branch, err);
    if (r < 0 || !*ret_branch || (number != BJ_SESSION_ROOT && !(*ret_branch)->snapshot))
        return r;
    return bj__error(err, BJ_ERROR_STATE, EINVAL, "branch", "%u is a snapshot, which runs nothing; fork it",
                     number);
}

static int begin(struct bj_run *run, const struct bj_buf *request, int stdin_fd, struct bj_run **ret_run,
                 struct bj_error *err)
{
    struct bj_branch *branch = run->branch;
    struct bj_session *session = branch->session;
    branch->run = run;
    branch->done = false;
    int r = send_snippet(run, request, err);
    r = bj__run_hand_over(run, r, stdin_fd, ret_run, err);
    bj__session_set_clock(session);
    return r;
}

/* A branch more than bj_pool_start_stdin. NOLINTNEXTLINE(readability-function-size) */
int bj_session_start_stdin(struct bj_session *session, unsigned number, const struct bj_spec *spec,
                           int stdin_fd, struct bj_run **ret_run, struct bj_error *err)
{
    BJ_BUF struct bj_buf request = {.maximum = 0};
    struct bj_branch *branch = NULL;
    int r = check_snippet(session, spec, err);
    if (r == 0)
        r = find_runner(session, number, &branch, err);
    if (r == 0)
        r = bj__snippet_make_request(spec, &request, err);
    if (r < 0 || !branch)
        return r < 0 ? r : -EINVAL;
    struct bj_run *run = bj__run_new(session->plan);
    if (!run)
        return bj__error_memory(err);
    r = bj__run_narrow(run, spec, err);
    if (r == 0)
        r = bj__calls_start(run, &spec->calls, err);
    if (r < 0) {
        bj_run_free(run); /* which has no jail yet */
        return r;
    }
    run->jail = &session->jail;
    run->branch = branch;
    return begin(run, &request, stdin_fd, ret_run, err);
}

int bj_session_start(struct bj_session *session, unsigned branch, const struct bj_spec *spec,
                     struct bj_run **ret_run, struct bj_error *err)
{
    return bj_session_start_stdin(session, branch, spec, -1, ret_run, err);
}

int bj_session_spec(const struct bj_session *session, struct bj_spec **ret_spec, struct bj_error *err)
{
    int r = bj__spec_copy(session->spec, ret_spec, err);
    if (r == 0) {
        (*ret_spec)->code = (*ret_spec)->expression = NULL;
        (*ret_spec)->session = false;
    }
    return r;
}

/* ---- its life ------------------------------------------------------------------------------------- */

/* What it wrote before it gave up says more than that it did. */
static int ended(const struct bj_session *session, int r, struct bj_error *err)
{
    char words[512];
    bj__jail_last_words(&session->jail, words, sizeof(words));
    return words[0] ? bj__error(err, BJ_ERROR_SETUP, ECHILD, "session", "its interpreter has ended: %s", words)
                    : r;
}

static int start_root(struct bj_session *session, struct bj_error *err)
{
    struct bj_branch *root = &session->branches[BJ_SESSION_ROOT];
    int r = bj__jail_start(&session->jail, session->plan, err);
    if (r < 0)
        return r;
    if (session->jail.exec_errno)
        return bj__error_system(err, session->jail.exec_errno, "session",
                                "cannot execute belljar-guest in the jail");
    session->end_us = bj__now_us() + session->plan->limits.lifetime_us;
    bj__session_set_clock(session);
    bj__fd_close(&session->jail.streams.stdin_fd);
    root->control_fd = bj__fd_take(&session->jail.streams.reply_fd);
    root->snapshot = true;
    r = bj__branch_adopt(root, START_DEADLINE_MS, err);
    if (r < 0)
        return ended(session, r, err);
    bj__branch_freeze(root);
    return 0;
}

static int make_plan(struct bj_session *session, const struct bj_spec *spec, struct bj_error *err)
{
    int r = bj__spec_template(spec, "session", &session->spec, err);
    if (r == 0) {
        session->spec->session = true;
        r = bj_plan_new(session->spec, &session->plan, err);
    }
    return r;
}

static int start(struct bj_session *session, const struct bj_spec *spec, struct bj_error *err)
{
    unsigned first = 0;
    int r = make_plan(session, spec, err);
    if (r < 0)
        return r;
    session->branch_count = FIRST_BRANCH + 1 + (unsigned)session->plan->limits.branches;
    session->branches = calloc(session->branch_count, sizeof(*session->branches));
    if (!session->branches) {
        session->branch_count = 0;
        return bj__error_memory(err);
    }
    for (unsigned i = 0; i < session->branch_count; i++)
        bj__branch_init(&session->branches[i], session);
    r = start_root(session, err);
    return r < 0 ? r : bj_session_fork(session, BJ_SESSION_ROOT, &first, err);
}

int bj_session_new(const struct bj_spec *spec, struct bj_session **ret_session, struct bj_error *err)
{
    struct bj_session *session = calloc(1, sizeof(*session));
    if (!session)
        return bj__error_memory(err);
    bj__jail_init(&session->jail);
    int r = start(session, spec, err);
    if (r < 0) {
        bj_session_free(session);
        return r;
    }
    *ret_session = session;
    return 0;
}

void bj_session_free(struct bj_session *session)
{
    if (!session)
        return;
    for (unsigned i = 0; i < session->branch_count; i++)
        bj__branch_close(&session->branches[i]);
    bj__jail_done(&session->jail);
    bj_plan_free(session->plan);
    bj_spec_free(session->spec);
    free(session->branches);
    free(session);
}
