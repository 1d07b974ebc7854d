/* From evidence to a verdict.
 * Its own file because it is pure: each row of the table can be tested without a jail.
 * Changes when: a status is added, or a case was judged wrongly. */
#include "supervise/result.h"

#include <signal.h>
#include <sys/wait.h>

/* Refusals and a full disk explain a program that failed; one that went on to succeed coped with them. */
static bool explains_failure(const struct bj_evidence *evidence)
{
    return !evidence->reported || evidence->code != CLD_EXITED || evidence->status != 0;
}

static bool was_signalled(const struct bj_evidence *evidence)
{
    return evidence->reported && evidence->code != CLD_EXITED;
}

/* RLIMIT_CPU ends a process without the supervisor: the counted time tells it from a signal that was sent. */
static bool cpu_used_up(const struct bj_evidence *evidence)
{
    return evidence->cpu_limit_us > 0 && evidence->cpu_us != UINT64_MAX &&
           evidence->cpu_us >= evidence->cpu_limit_us && was_signalled(evidence) &&
           (evidence->status == SIGXCPU || evidence->status == SIGKILL);
}

/* Nothing ended it but itself. A snippet without a result is not ok, whatever it ended with. */
static enum bj_status own_end(const struct bj_evidence *evidence)
{
    if (was_signalled(evidence))
        return BJ_STATUS_SIGNAL;
    if (evidence->raised && evidence->status != 0)
        return BJ_STATUS_EXCEPTION;
    return evidence->status == 0 && (evidence->replied || !evidence->snippet) ? BJ_STATUS_OK : BJ_STATUS_EXIT;
}

static enum bj_status judge(const struct bj_evidence *evidence, const char **ret_limit)
{
    bool ended = evidence->reported || evidence->exec_errno;
    if (evidence->failed)
        return BJ_STATUS_JAIL_ERROR;
    if (!ended && evidence->killed == BJ_KILL_NONE && evidence->oom_kills == 0)
        return BJ_STATUS_JAIL_ERROR;
    if (evidence->killed == BJ_KILL_DENIED)
        return BJ_STATUS_DENIED;
    if (evidence->oom_kills > 0 || evidence->killed == BJ_KILL_MEMORY)
        return BJ_STATUS_MEMORY_LIMIT;
    if (evidence->killed == BJ_KILL_CANCELLED)
        return BJ_STATUS_CANCELLED;
    if (evidence->killed == BJ_KILL_WALL || evidence->killed == BJ_KILL_LIFETIME ||
        evidence->killed == BJ_KILL_CPU || cpu_used_up(evidence)) {
        *ret_limit = evidence->killed == BJ_KILL_WALL       ? "wall"
                     : evidence->killed == BJ_KILL_LIFETIME ? "lifetime"
                                                            : "cpu";
        return BJ_STATUS_TIME_LIMIT;
    }
    if (evidence->killed == BJ_KILL_OUTPUT)
        return BJ_STATUS_OUTPUT_LIMIT;
    if (evidence->exec_errno)
        return BJ_STATUS_EXIT;
    if (evidence->process_refusals > 0 && explains_failure(evidence))
        return BJ_STATUS_PROCESS_LIMIT;
    if ((evidence->disk_bytes_used_up || evidence->disk_files_used_up) && explains_failure(evidence)) {
        *ret_limit = evidence->disk_bytes_used_up ? "bytes" : "files";
        return BJ_STATUS_DISK_LIMIT;
    }
    return own_end(evidence);
}

/* As a shell says it: 127 not found, 126 found but not to be executed. */
static int exec_exit_code(int exec_errno)
{
    return exec_errno == ENOENT || exec_errno == ENOTDIR ? 127 : 126;
}

void bj__verdict(const struct bj_evidence *evidence, struct bj_verdict *ret_verdict)
{
    struct bj_verdict verdict = {.exit_code = -1};
    verdict.status = judge(evidence, &verdict.limit);
    if (evidence->exec_errno)
        verdict.exit_code = exec_exit_code(evidence->exec_errno);
    else if (evidence->reported && evidence->code == CLD_EXITED)
        verdict.exit_code = evidence->status;
    else if (evidence->reported)
        verdict.signal = evidence->status;
    else if (evidence->killed != BJ_KILL_NONE || evidence->oom_kills > 0)
        verdict.signal = SIGKILL;
    *ret_verdict = verdict;
}
