/* The session of a repl: how it begins, what its branch was before, and snapshots that have a name.
 * Its own file because only here the numbers of branches mean something.
 * Changes when: one can go back to something else. */
#include <stdio.h>

#include "cli/repl/repl.h"
#include "spec/policy.h"
#include "spec/spec.h"

#define LEAST_BRANCHES 2u /* the checker, and what the branch was before */

bool bj__state_is_over(const struct bj_error *err)
{
    return err->code == BJ_ERROR_STATE && !strcmp(err->field, "session") &&
           (err->err == ETIME || err->err == ESRCH);
}

/* ---- the beginning --------------------------------------------------------------------------------- */

static int fail_first(const struct bj_result *result, struct bj_error *err)
{
    if (bj_result_exception(result))
        bj__snippet_print_exception(bj_result_exception(result));
    return bj__error(err, BJ_ERROR_STATE, ECHILD, "",
                     "the variables and files that were given cannot be put there: %s",
                     bj_status_name(bj_result_status(result)));
}

/* What was given on the command line is put there once: it may be changed afterwards like anything else. */
static int begin(struct repl *repl, struct bj_error *err)
{
    struct bj_result *result = NULL;
    int r = repl->first ? bj__ask_first(repl, &result, err) : 0;

    if (r == 0 && result && bj_result_status(result) != BJ_STATUS_OK)
        r = fail_first(result, err);
    bj_result_free(result);
    return r;
}

static int split_first(struct repl *repl, struct bj_spec *spec, struct bj_error *err)
{
    if (!spec->globals && spec->file_count == 0)
        return 0;
    int r = bj__spec_copy(spec, &repl->first, err);
    if (r == 0)
        r = repl->expressions ? bj_spec_set_expression(repl->first, "None", err)
                              : bj_spec_set_code(repl->first, "", err);
    spec->globals = NULL;
    spec->file_count = 0;
    return r;
}

static int check(const struct bj_spec *spec, struct bj_error *err)
{
    if (spec->command.count > 0 || spec->code || spec->expression)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "--profile",
                         "\"%s\" says itself what is run; take one that leaves it open", spec->profile);
    if (spec->limits.branches < LEAST_BRANCHES)
        return bj__error(err, BJ_ERROR_INVALID, ERANGE, "--branches",
                         "%llu; give %u at least: two are needed to read input and to go back",
                         (unsigned long long)spec->limits.branches, LEAST_BRANCHES);
    return 0;
}

int bj__state_open(struct repl *repl, struct bj_error *err)
{
    struct bj_spec *spec = NULL;
    int r = bj__make_spec(repl->options, false, &spec, err);

    if (r == 0)
        r = check(spec, err);
    if (r == 0) {
        repl->expressions = spec->policy && bj__policy_is_of_expressions(spec->policy);
        spec->trace.max_steps = 0; /* a session has no record */
        spec->display = false;     /* said of each snippet */
        r = split_first(repl, spec, err);
    }
    if (r == 0)
        r = bj_session_new(spec, &repl->session, err);
    bj_spec_free(spec);
    if (r == 0)
        r = bj_session_fork(repl->session, 0, &repl->checker, err);
    if (r == 0)
        r = begin(repl, err);
    return r < 0 ? r : bj_session_snapshot(repl->session, BRANCH, &repl->before, err);
}

void bj__state_close(struct repl *repl)
{
    bj_session_free(repl->session);
    bj_spec_free(repl->first);
    repl->session = NULL;
    repl->first = NULL;
}

/* ---- what the branch was before -------------------------------------------------------------------- */

static void drop_before(struct repl *repl)
{
    if (repl->before)
        (void)bj_session_drop(repl->session, repl->before, NULL); /* gone already: as good */
    repl->before = 0;
}

static int renew_before(struct repl *repl, struct bj_error *err)
{
    unsigned now = 0;
    int r = bj_session_snapshot(repl->session, BRANCH, &now, err);

    if (r == -EMFILE) { /* all others have names: this one's own place is taken again */
        drop_before(repl);
        r = bj_session_snapshot(repl->session, BRANCH, &now, err);
    }
    if (r < 0)
        return r;
    drop_before(repl);
    repl->before = now;
    return 0;
}

static int start_over(struct repl *repl, struct bj_error *err)
{
    int r = bj_session_restore(repl->session, BRANCH, 0, err);

    return r < 0 ? r : begin(repl, err);
}

/* The snapshot may have gone as well: all processes of the session are the guest's. */
static int go_back(struct repl *repl, struct bj_error *err)
{
    int r = repl->before ? bj_session_restore(repl->session, BRANCH, repl->before, err) : -ENOENT;

    if (r == 0 || (repl->before && bj__state_is_over(err)))
        return r;
    bj__say("belljar: repl: what was there before is lost as well; all variables are gone");
    drop_before(repl);
    return start_over(repl, err);
}

int bj__state_settle(struct repl *repl, bool *ret_lost, struct bj_error *err)
{
    int r = renew_before(repl, err);

    *ret_lost = false;
    if (r == 0 || bj__state_is_over(err))
        return r;
    if (err->code == BJ_ERROR_SYSTEM) { /* processes that a snippet has left may have taken all places */
        bj__say("belljar: repl: the variables cannot be remembered: %s", err->message);
        return 0;
    }
    r = go_back(repl, err);
    if (r == 0)
        r = renew_before(repl, err);
    *ret_lost = r == 0;
    return r;
}

int bj__state_renew_checker(struct repl *repl, struct bj_error *err)
{
    return bj_session_restore(repl->session, repl->checker, 0, err);
}

/* ---- snapshots with a name ------------------------------------------------------------------------- */

static struct named *find(struct repl *repl, const char *name)
{
    for (size_t i = 0; i < repl->named_count; i++)
        if (!strcmp(repl->named[i].name, name))
            return &repl->named[i];
    return NULL;
}

int bj__state_snapshot(struct repl *repl, const char *name, struct bj_error *err)
{
    struct named *named = find(repl, name);
    unsigned snapshot = 0;
    int r = bj_session_snapshot(repl->session, BRANCH, &snapshot, err);

    if (r == -EMFILE)
        return bj__error(err, BJ_ERROR_INVALID, EMFILE, ":snapshot",
                         "there is no room for another; start with a higher --branches");
    if (r < 0)
        return r;
    if (named)
        (void)bj_session_drop(repl->session, named->snapshot, NULL); /* gone already: as good */
    else
        named = &repl->named[repl->named_count++]; /* as many as a session can have (limits.branches) */
    (void)snprintf(named->name, sizeof(named->name), "%s", name);
    named->snapshot = snapshot;
    return 0;
}

int bj__state_restore(struct repl *repl, const char *name, struct bj_error *err)
{
    const struct named *named = find(repl, name);

    if (!named)
        return bj__error(err, BJ_ERROR_NOT_FOUND, ENOENT, ":restore",
                         "there is no snapshot \"%s\"; make one with :snapshot %s", name, name);
    int r = bj_session_restore(repl->session, BRANCH, named->snapshot, err);
    return r < 0 ? r : renew_before(repl, err);
}

int bj__state_reset(struct repl *repl, struct bj_error *err)
{
    int r = start_over(repl, err);

    return r < 0 ? r : renew_before(repl, err);
}
