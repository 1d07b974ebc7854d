/* The end of every plan: descriptors, assertions, filter, exec.
 * Its own file because nothing may come after these, and the program's own data is prepared here.
 * Changes when: something is asserted, or a program is found in another way. */
#include "plan/plan_internal.h"

#include <signal.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

static const char *const *copy_list(struct bj_build *build, const struct bj_strings *from)
{
    const char **items = bj__arena_alloc(&build->plan->arena, (from->count + 1) * sizeof(*items));
    for (size_t i = 0; items && i < from->count; i++) {
        items[i] = bj__arena_string(&build->plan->arena, from->items[i]);
        if (!items[i])
            items = NULL;
    }
    if (!items)
        build->full = true;
    return items;
}

static const char *search_path(const struct bj_build *build)
{
    for (size_t i = 0; i < build->spec->environment.count; i++)
        if (strncmp(build->spec->environment.items[i], "PATH=", 5) == 0)
            return build->spec->environment.items[i] + 5;
    return DEFAULT_PATH;
}

/* Where execve is tried, in order: what execvp(3) would do, prepared here because the child formats no text. */
static const char *const *find_candidates(struct bj_build *build, const char *command)
{
    const char *path = strchr(command, '/') ? "" : search_path(build);
    size_t count = 2;
    for (const char *colon = path; *colon; colon++)
        count += *colon == ':';
    const char **items = bj__arena_alloc(&build->plan->arena, (count + 1) * sizeof(*items));
    if (!items) {
        build->full = true;
        return NULL;
    }
    if (strchr(command, '/')) {
        items[0] = bj__plan_copy(build, command);
        return items;
    }
    for (size_t i = 0; *path;) {
        size_t length = strcspn(path, ":");
        if (length > 0 && length < 2048)
            items[i++] = bj__plan_format(build, "%.*s/%s", (int)length, path, command);
        path += length + (path[length] == ':');
    }
    return items;
}

static int add_set(struct bj_filter_policy *policy, const char *name, struct bj_error *err)
{
    struct bj_filter_policy added;
    int r = bj__filter_policy_from_names(&name, 1, &added, err);
    policy->sets |= r == 0 ? added.sets : 0;
    return r;
}

static bool allows(const struct bj_filter_policy *policy, const char *call, uint64_t first)
{
    const uint64_t args[6] = {first};
    struct bj_filter_decision decision;
    bj__filter_decide(policy, bj__filter_syscall_number(call), args, &decision);
    return decision.action == BJ_FILTER_ALLOW;
}

/* What a session's interpreter needs. Where the policy gives it anyway it stays what it is: its program is made already. */
static int add_branches(struct bj_filter_policy *policy, struct bj_error *err)
{
    if (allows(policy, "clone", SIGCHLD) && allows(policy, "wait4", 0) && allows(policy, "recvmsg", 0))
        return 0;
    return add_set(policy, "branches", err);
}

static int copy_program(struct bj_build *build, bool notify, const char **ret_bytes, uint64_t *ret_count)
{
    struct bj_buf BJ_BUF program;
    bj__buf_init(&program, BPF_MAXINSNS * sizeof(struct sock_filter));
    int r = bj__filter_build(&build->plan->filter, notify, &program, build->err);
    if (r < 0)
        return r;
    *ret_bytes = bj__arena_copy(&build->plan->arena, program.bytes, program.length);
    *ret_count = program.length / sizeof(struct sock_filter);
    return *ret_bytes ? 0 : bj__error_memory(build->err);
}

static int add_filter(struct bj_build *build)
{
    struct bj_plan *plan = build->plan;
    const struct bj_strings *names = &build->spec->syscalls;
    int r = bj__filter_policy_from_names(names->items, names->count, &plan->filter, build->err);
    if (r == 0 && build->spec->network != BJ_NETWORK_NONE) /* a network without sockets is none */
        r = add_set(&plan->filter, "inet_sockets", build->err);
    if (r == 0 && build->spec->session)
        r = add_branches(&plan->filter, build->err);
    if (r < 0 || !bj__plan_layer_on(build, BJ_LAYER_SECCOMP))
        return r;
    size_t count = 0;
    struct bj_op *backstop = bj__plan_add(build, BJ_OP_BACKSTOP, NULL);
    backstop->text = (const char *)bj__filter_backstop(&plan->filter, &count);
    backstop->value = count;
    struct bj_op *op = bj__plan_add(build, BJ_OP_SECCOMP, NULL);
    r = copy_program(build, plan->notify, &op->text, &op->value);
    if (r == 0 && plan->notify && plan->layers[BJ_LAYER_DENIAL_REPORT].mode == BJ_PREFER)
        r = copy_program(build, false, &op->text2, &op->value2);
    op->flags = (uint16_t)((plan->notify ? BJ_OPF_NOTIFY : 0) |
                           (plan->notify && build->host->seccomp_wait_killable ? BJ_OPF_KILLABLE : 0));
    return r;
}

static void add_assertions(struct bj_build *build)
{
    bj__plan_add(build, BJ_OP_STDIO, NULL);
    bj__plan_add(build, BJ_OP_ASSERT_FDS, NULL);
    bj__plan_add(build, BJ_OP_ASSERT_NNP, NULL);
    if (bj__plan_layer_on(build, BJ_LAYER_CAPABILITIES)) {
        bj__plan_add(build, BJ_OP_ASSERT_IDS, NULL)->value = build->plan->two_ids;
        bj__plan_add(build, BJ_OP_ASSERT_USERNS, NULL);
    }
    bj__plan_add(build, BJ_OP_SIGNALS, NULL);
    bj__plan_add(build, BJ_OP_PIDFD, NULL);
}

/* Of the program that runs snippets: what it must know before there is an interpreter that could read a request. The hash
 * seed is made when that starts. */
static const char *const *snippet_arguments(struct bj_build *build)
{
    const struct bj_deterministic *deterministic = &build->spec->deterministic;
    const char *items[4] = {bj__snippet_program};
    struct bj_strings arguments = {items, 1};
    if (build->plan->deterministic) {
        items[arguments.count++] = bj__plan_format(build, "--seed=%u", deterministic->seed);
        items[arguments.count++] = bj__plan_format(build, "--start=%lld", (long long)deterministic->start_s);
    }
    if (build->spec->python)
        items[arguments.count++] = bj__plan_copy(build, "--python=" BJ_PYTHON_PLACE);
    return build->full ? NULL : copy_list(build, &arguments);
}

int bj__plan_final(struct bj_build *build)
{
    struct bj_plan *plan = build->plan;
    add_assertions(build);
    int r = add_filter(build);
    if (r < 0)
        return r;
    bj__plan_add(build, BJ_OP_HAND_OVER, NULL);
    bj__plan_open_files(build);
    bj__plan_add(build, BJ_OP_EXEC, NULL);
    bool guest = plan->program.guest;
    const struct bj_strings *command = &build->spec->command;
    plan->program.argv = guest ? snippet_arguments(build) : copy_list(build, command);
    plan->program.envp = copy_list(build, &build->spec->environment);
    plan->program.candidates = find_candidates(build, guest ? bj__snippet_program : command->items[0]);
    return 0;
}
