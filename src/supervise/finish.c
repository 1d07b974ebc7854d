/* Fills the result once everything in the jail is dead, or stands in its last call (told_end.c).
 * Its own file because the order matters: report, pipes, counters, files, then the verdict.
 * Changes when: something more is told of a run. */
#include "jail/child/child.h"
#include "supervise/session.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>

/* What the kernel has told of the program's last call counts, whatever became of pid 1, which was killed then. Otherwise
 * pid 1's report counts only if pid 1 itself ended as it does after reporting, by our own wait; or if that was
 * taken from us, since nobody but pid 1 holds the other end of this socket. */
static void take_report(struct bj_run *run, struct bj_evidence *evidence)
{
    struct bj_status_message message;
    if (run->told_end) {
        evidence->reported = true;
        evidence->code = CLD_EXITED;
        evidence->status = run->exit_code;
        return;
    }
    ssize_t n = recv(run->jail->status_fd, &message, sizeof(message), MSG_DONTWAIT);
    bool init_exited = run->jail->wait_code == CLD_EXITED && !run->jail->wait_lost;
    if (init_exited && run->jail->wait_status == BJ_INIT_TIMED_OUT && evidence->killed == BJ_KILL_NONE)
        evidence->killed = BJ_KILL_WALL; /* we were stopped, or not called, when our own clock rang */
    if (n != (ssize_t)sizeof(message) || message.magic != BJ_STATUS_MAGIC)
        return;
    if (message.code != CLD_EXITED && message.code != CLD_KILLED && message.code != CLD_DUMPED)
        return;
    bool init_ended_well = run->jail->wait_code == CLD_EXITED && run->jail->wait_status == 0;
    evidence->reported = init_ended_well || run->jail->wait_lost || run->killed != BJ_KILL_NONE;
    evidence->code = message.code;
    evidence->status = message.status;
}

/* Without the kernel's count: the largest process, or all of them together if more than that was seen at once. */
static void take_memory(struct bj_run *run, uint64_t counted_bytes)
{
    struct bj_result *result = run->result;
    uint64_t maxrss = (uint64_t)run->jail->usage.ru_maxrss * 1024u;
    if (maxrss <= run->jail->caller_rss_bytes)
        maxrss = 0; /* the caller's own size at the clone */
    bool together = run->memory_seen_bytes > maxrss;
    uint64_t seen = together ? run->memory_seen_bytes : maxrss;
    bool counted = counted_bytes != UINT64_MAX;
    result->memory_source = counted ? "cgroup" : seen == 0 ? "none" : together ? "processes" : "maxrss";
    result->memory_peak_bytes = counted ? counted_bytes : seen == 0 ? UINT64_MAX : seen;
}

/* 0 when it is not known. */
static uint64_t increase(uint64_t count, uint64_t before)
{
    return count == UINT64_MAX || before == UINT64_MAX || count < before ? 0 : count - before;
}

static void take_counters(struct bj_run *run, struct bj_evidence *evidence)
{
    struct bj_result *result = run->result;
    struct bj_cgroup_usage usage = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    if (run->plan->cgroup)
        (void)bj__cgroup_read(&run->jail->cgroup, &usage); /* what cannot be read stays unknown */
    result->cpu_us = usage.cpu_us != UINT64_MAX ? usage.cpu_us - run->before.cpu_us : bj__run_cpu_us(run);
    take_memory(run, usage.memory_peak_bytes);
    unsigned ours = run->branch ? 2 : 1; /* pid 1 of the jail is not the guest's, nor is a session's root */
    result->processes_peak = usage.processes_peak == UINT64_MAX || usage.processes_peak < ours
                                 ? UINT64_MAX
                                 : usage.processes_peak - ours;
    evidence->oom_kills = increase(usage.oom_kills, run->before.oom_kills);
    evidence->foreign_kills = increase(usage.foreign_kills, run->before.foreign_kills);
    evidence->process_refusals = increase(usage.process_refusals, run->before.process_refusals);
    evidence->cpu_us = result->cpu_us;
    evidence->cpu_limit_us = run->limits.cpu_us;
}

static void look_at_disk(const struct bj_run *run, struct bj_evidence *evidence)
{
    struct statfs status;
    if (run->jail->box_fd < 0 || fstatfs(run->jail->box_fd, &status) < 0)
        return;
    evidence->disk_bytes_used_up = status.f_blocks > 0 && status.f_bavail == 0;
    evidence->disk_files_used_up = status.f_files > 0 && status.f_ffree == 0;
}

static void take_timing(const struct bj_run *run)
{
    struct bj_result *result = run->result;
    uint32_t count = run->plan->op_count;
    if (!run->jail->op_ns)
        return;
    result->timing = calloc(count, sizeof(*result->timing));
    if (!result->timing)
        return;
    uint64_t before = run->jail->start_ns;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t after = run->jail->op_ns[i];
        result->timing[i].op = run->plan->ops[i].code;
        if (after > before) {
            result->timing[i].us = (after - before + 500) / 1000;
            before = after;
        }
    }
    result->timing_count = count;
}

/* What was planned, less what turned out not to be had when the jail was made. */
static void take_layers(struct bj_run *run)
{
    struct bj_result *result = run->result;
    memcpy(result->layers, run->plan->layers, sizeof(result->layers));
    if (run->jail->without_time)
        result->layers[BJ_LAYER_TIME] = (struct bj_plan_layer){
            .mode = BJ_PREFER,
            .detail = "unavailable: this kernel's clone3 refuses CLONE_NEWTIME (Linux 6.3 does not)"};
    if (run->plan->notify && run->jail->listener_fd < 0 && !run->jail->exec_errno && !run->jail->died_early)
        result->layers[BJ_LAYER_DENIAL_REPORT] = (struct bj_plan_layer){
            .mode = BJ_PREFER, .detail = "unavailable: a listener is in force already, as in some containers"};
}

static void explain(struct bj_run *run, const struct bj_evidence *evidence)
{
    struct bj_result *result = run->result;
    const char *command = run->plan->program.argv[0];
    if (evidence->exec_errno && !evidence->failed)
        (void)snprintf(result->error, sizeof(result->error), "cannot execute \"%.200s\" in the jail: %s",
                       command, strerror(evidence->exec_errno));
    else if (run->failure[0])
        (void)snprintf(result->error, sizeof(result->error), "%s", run->failure);
    else if (evidence->snippet && result->verdict.status == BJ_STATUS_EXIT && result->snippet.why)
        (void)snprintf(result->error, sizeof(result->error), "the snippet left no result: %s",
                       result->snippet.why);
    else if (result->verdict.status == BJ_STATUS_JAIL_ERROR && evidence->foreign_kills > 0)
        (void)snprintf(
            result->error, sizeof(result->error),
            "the host, or a control group above the run's, was out of memory, and the kernel chose this "
            "run; its own limit was not reached");
    else if (result->verdict.status == BJ_STATUS_JAIL_ERROR)
        (void)snprintf(result->error, sizeof(result->error),
                       "the jail's first process ended without a report (%s %d)",
                       run->jail->wait_code == CLD_EXITED ? "exit" : "signal", run->jail->wait_status);
}

void bj__run_finish(struct bj_run *run)
{
    struct bj_result *result = run->result;
    struct bj_evidence evidence = {.killed = run->killed, .exec_errno = run->jail->exec_errno};
    uint64_t now = bj__now_us();
    result->wall_us = result->run_us = now - run->exec_us;
    result->setup_us = run->exec_us - run->start_us;
    if (run->branch)
        bj__branch_report(run, &evidence);
    else
        take_report(run, &evidence);
    bj__capture_drain(run);
    bj__reply_take(run, &evidence);
    take_counters(run, &evidence);
    if (run->branch &&
        evidence.oom_kills > 0) /* one that has lost a process has nothing left that is worth keeping */
        bj__branch_kill(run->branch);
    look_at_disk(run, &evidence);
    take_timing(run);
    take_layers(run);
    if (run->jail->box_fd >= 0 && run->collect.count > 0) {
        int r = bj__collect(result, run->jail->box_fd, &run->collect);
        if (r < 0)
            bj__run_fail(run, -r, "collect files");
    }
    evidence.failed = run->failure[0] != 0;
    bj__verdict(&evidence, &result->verdict);
    explain(run, &evidence);
    run->over = true; /* what is left on the host is removed with the run: nobody waits for that */
    if (run->branch)
        bj__branch_leave(run);
}
