/* Looks at each layer on this host: on, or why not and what would fix it.
 * Its own file because it ties probes and trials to the names that specs and results use.
 * Changes when: a layer is added or needs something more of the host. */
#include "host/doctor.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SAY(to, ...) ((void)snprintf((to), sizeof(to), __VA_ARGS__))

/* "why; fix: command" becomes two texts. */
static void blame(struct bj_finding *finding, enum bj_cause cause, const char *problem)
{
    finding->cause = cause;
    SAY(finding->problem, "%s", problem);
    char *fix = strstr(finding->problem, "; fix: ");
    if (!fix)
        return;
    *fix = 0;
    finding->fix = fix + strlen("; fix: ");
}

/* On when all these trials went well; otherwise the first that did not is to blame. */
static void judge_trials(const struct bj_diagnosis *diagnosis, struct bj_finding *finding,
                         const enum bj_trial *trials, size_t count)
{
    char text[BJ_WHY_SIZE];
    finding->on = true;
    for (size_t i = 0; i < count; i++) {
        enum bj_cause cause = bj__trial_why(&diagnosis->trial, trials[i], text, sizeof(text));
        if (cause == BJ_CAUSE_NONE)
            continue;
        finding->on = false;
        blame(finding, cause, text);
        return;
    }
}

#define TRIALS(...)                                                                                            \
    (const enum bj_trial[]){__VA_ARGS__}, sizeof((enum bj_trial[]){__VA_ARGS__}) / sizeof(enum bj_trial)

static void look_at_user(const struct bj_diagnosis *diagnosis, struct bj_finding *finding)
{
    const struct bj_host *host = &diagnosis->host;
    char text[BJ_WHY_SIZE];
    finding->on = host->user_namespace;
    enum bj_cause cause =
        finding->on ? BJ_CAUSE_NONE : bj__trial_why_userns(host, &diagnosis->trial, text, sizeof(text));
    if (cause != BJ_CAUSE_NONE)
        blame(finding, cause, text);
    else if (!finding->on) /* judged by its sysctl alone: Ubuntu's leaves the call, and takes the rights */
        blame(finding, BJ_CAUSE_USERNS_APPARMOR, host->user_namespace_problem);
    else if (host->root || host->maps_ids)
        SAY(finding->detail, "ids %u to %u, two for each run", host->id_first,
            host->id_first + host->id_count - 1);
    else
        SAY(finding->detail, "every run has id %u outside", (unsigned)host->uid);
}

/* In a container the fix is a flag of its engine. */
static void blame_cgroup(const struct bj_diagnosis *diagnosis, struct bj_finding *finding)
{
    const struct bj_host_cgroup *cgroup = &diagnosis->host.cgroup;
    enum bj_engine engine = diagnosis->trial.around.engine;
    enum bj_cause cause = cgroup->error == EROFS    ? BJ_CAUSE_CGROUP_READ_ONLY
                          : cgroup->error == ENOENT ? BJ_CAUSE_CGROUP_ABSENT
                                                    : BJ_CAUSE_OTHER;
    if (!cgroup->problem[0])
        return;
    blame(finding, cause, cgroup->problem);
    if (cause != BJ_CAUSE_OTHER && engine != BJ_ENGINE_NONE)
        finding->fix = bj__cause_fix(cause, engine);
}

static void look_at_cgroup(const struct bj_diagnosis *diagnosis, struct bj_finding *finding)
{
    const struct bj_host_cgroup *cgroup = &diagnosis->host.cgroup;
    bool memory = cgroup->unified_memory || cgroup->v1_memory[0];
    bool pids = cgroup->unified_pids || cgroup->v1_pids[0];
    bool v1 = cgroup->v1_memory[0] || cgroup->v1_pids[0] || cgroup->v1_cpuacct[0];
    finding->on = memory || pids;
    blame_cgroup(diagnosis, finding);
    if (finding->on)
        SAY(finding->detail, "%s%s%s%s%s%s%s", v1 ? "v1" : "", v1 && cgroup->unified[0] ? " + " : "",
            cgroup->unified[0] ? "v2" : "", memory ? ", memory" : "",
            memory && cgroup->v1_memory[0] && !cgroup->v1_swap ? " (swap not counted)" : "",
            pids ? ", pids" : "", cgroup->unified_kill ? ", kill" : "");
}

/* The version is asked for by the same call as everything else, so a filter that refuses it hides Landlock. */
static void judge_landlock_refusal(const struct bj_diagnosis *diagnosis, struct bj_finding *finding)
{
    char text[BJ_WHY_SIZE];
    if (bj__trial_why(&diagnosis->trial, BJ_TRIAL_LANDLOCK, text, sizeof(text)) == BJ_CAUSE_SECCOMP)
        blame(finding, BJ_CAUSE_SECCOMP, text);
}

/* In every kernel. But where they stand in for a control group, the supervisor adds up the memory of
 * processes. */
static void look_at_rlimits(const struct bj_diagnosis *diagnosis, struct bj_finding *finding)
{
    const struct bj_host_cgroup *cgroup = &diagnosis->host.cgroup;
    if (!cgroup->unified_memory && !cgroup->v1_memory[0])
        judge_trials(diagnosis, finding, TRIALS(BJ_TRIAL_COMPARE));
    finding->on = true;
}

static void look_at_landlock(const struct bj_diagnosis *diagnosis, struct bj_finding *finding)
{
    const struct bj_host *host = &diagnosis->host;
    if (host->landlock_abi <= 0) {
        blame(finding, BJ_CAUSE_KERNEL, host->landlock_problem);
        judge_landlock_refusal(diagnosis, finding);
        return;
    }
    judge_trials(diagnosis, finding, TRIALS(BJ_TRIAL_LANDLOCK));
    SAY(finding->detail, "abi %d", host->landlock_abi);
}

static void look_at_mount(const struct bj_diagnosis *diagnosis, struct bj_finding *finding)
{
    judge_trials(diagnosis, finding,
                 TRIALS(BJ_TRIAL_MOUNT, BJ_TRIAL_ALL, BJ_TRIAL_PRIVATE, BJ_TRIAL_BIND, BJ_TRIAL_TMPFS,
                        BJ_TRIAL_READ_ONLY, BJ_TRIAL_PIVOT));
    if (finding->on && diagnosis->trial.outcome[BJ_TRIAL_NOSYMFOLLOW].error != 0)
        SAY(finding->detail, "without nosymfollow (Linux 5.14)");
    else if (finding->on)
        SAY(finding->detail, "nosymfollow where guests write");
}

static void look_at_apparmor(const struct bj_diagnosis *diagnosis, struct bj_finding *finding)
{
    finding->on = diagnosis->host.apparmor;
    if (finding->on)
        SAY(finding->detail, "profile %s", diagnosis->host.apparmor_profile);
    else
        blame(finding, BJ_CAUSE_OTHER, diagnosis->host.apparmor_problem);
}

static void look_at_denials(const struct bj_diagnosis *diagnosis, struct bj_finding *finding)
{
    finding->on = diagnosis->host.seccomp_notify;
    if (!finding->on)
        blame(finding, diagnosis->trial.around.filter ? BJ_CAUSE_SECCOMP : BJ_CAUSE_KERNEL,
              diagnosis->host.notify_problem);
    else if (diagnosis->trial.around.filter)
        SAY(finding->detail, "not of what the filter around this process refuses by itself");
    else if (!diagnosis->host.seccomp_wait_killable)
        SAY(finding->detail, "before Linux 5.19 signals may restart a refused call");
}

/* In a v1 group it is made anew, by another call, when the run has joined the group (src/jail/child). */
static void look_at_cgroup_namespace(const struct bj_diagnosis *diagnosis, struct bj_finding *finding)
{
    const struct bj_host_cgroup *cgroup = &diagnosis->host.cgroup;
    if (cgroup->v1_memory[0] || cgroup->v1_pids[0] || cgroup->v1_cpuacct[0])
        judge_trials(diagnosis, finding, TRIALS(BJ_TRIAL_CGROUP, BJ_TRIAL_UNSHARE));
    else
        judge_trials(diagnosis, finding, TRIALS(BJ_TRIAL_CGROUP));
}

static void look_at(struct bj_diagnosis *diagnosis, enum bj_layer layer)
{
    struct bj_finding *finding = &diagnosis->layers[layer];
    switch (layer) {
    case BJ_LAYER_USER:
        look_at_user(diagnosis, finding);
        break;
    case BJ_LAYER_MOUNT:
        look_at_mount(diagnosis, finding);
        break;
    case BJ_LAYER_PID:
        judge_trials(diagnosis, finding, TRIALS(BJ_TRIAL_PID));
        break;
    case BJ_LAYER_IPC:
        judge_trials(diagnosis, finding, TRIALS(BJ_TRIAL_IPC));
        break;
    case BJ_LAYER_UTS:
        judge_trials(diagnosis, finding, TRIALS(BJ_TRIAL_UTS, BJ_TRIAL_HOST_NAME));
        break;
    case BJ_LAYER_CGROUP_NS:
        look_at_cgroup_namespace(diagnosis, finding);
        break;
    case BJ_LAYER_NET:
        judge_trials(diagnosis, finding, TRIALS(BJ_TRIAL_NET));
        break;
    case BJ_LAYER_TIME:
        judge_trials(diagnosis, finding, TRIALS(BJ_TRIAL_TIME));
        break;
    case BJ_LAYER_KEYRING:
        judge_trials(diagnosis, finding, TRIALS(BJ_TRIAL_KEYRING));
        break;
    case BJ_LAYER_SECCOMP:
        judge_trials(diagnosis, finding, TRIALS(BJ_TRIAL_FILTER));
        break;
    case BJ_LAYER_LANDLOCK:
        look_at_landlock(diagnosis, finding);
        break;
    case BJ_LAYER_APPARMOR:
        look_at_apparmor(diagnosis, finding);
        break;
    case BJ_LAYER_DENIAL_REPORT:
        look_at_denials(diagnosis, finding);
        break;
    case BJ_LAYER_CGROUP:
        look_at_cgroup(diagnosis, finding);
        break;
    case BJ_LAYER_RLIMITS:
        look_at_rlimits(diagnosis, finding);
        break;
    case BJ_LAYER_CAPABILITIES:
    case BJ_LAYER_NO_NEW_PRIVS:
    case BJ_LAYER__COUNT:
    default:
        finding->on = true; /* in every kernel that has clone3(2) */
        break;
    }
}

static void look_at_proc(struct bj_diagnosis *diagnosis)
{
    diagnosis->proc.mode = diagnosis->spec && diagnosis->spec->proc == BJ_PROC_OWN ? BJ_REQUIRE : BJ_OFF;
    judge_trials(diagnosis, &diagnosis->proc, TRIALS(BJ_TRIAL_PROC));
    if (diagnosis->proc.mode == BJ_REQUIRE && !diagnosis->proc.on)
        diagnosis->missing++;
}

static void count_layer(struct bj_diagnosis *diagnosis, enum bj_layer layer, enum bj_mode otherwise)
{
    struct bj_finding *finding = &diagnosis->layers[layer];
    finding->mode = diagnosis->spec ? diagnosis->spec->layers[layer] : otherwise;
    if (diagnosis->probed)
        look_at(diagnosis, layer);
    if (finding->mode == BJ_REQUIRE && !finding->on)
        diagnosis->missing++;
}

static void probe(struct bj_diagnosis *diagnosis)
{
    struct bj_error err = {0};
    struct utsname name;
    if (uname(&name) == 0)
        SAY(diagnosis->kernel, "%s", name.release);
    bj__look_around(&diagnosis->trial.around); /* also when no trial can be made */
    int r = bj__host_probe(false, &diagnosis->host, &err);
    if (r < 0) {
        SAY(diagnosis->problem, "%s%s%s", err.field, err.field[0] ? ": " : "", err.message);
        return;
    }
    r = bj__host_trial(&diagnosis->host, &diagnosis->trial);
    if (r < 0)
        SAY(diagnosis->problem, "no process could be made to try the layers: %s", strerror(-r));
    diagnosis->probed = r == 0;
}

char *bj_doctor(const struct bj_spec *spec, int as_json, int *ret_missing)
{
    struct bj_diagnosis *diagnosis = calloc(1, sizeof(*diagnosis));
    if (!diagnosis)
        return NULL;
    diagnosis->spec = spec;
    probe(diagnosis);
#define X(layer, text, mode, optional) count_layer(diagnosis, BJ_LAYER_##layer, mode);
    BJ_LAYER_LIST(X)
#undef X
    if (diagnosis->probed)
        look_at_proc(diagnosis);
    char *text = as_json ? bj__doctor_json(diagnosis) : bj__doctor_text(diagnosis);
    if (text && ret_missing)
        *ret_missing = diagnosis->missing;
    free(diagnosis);
    return text;
}
