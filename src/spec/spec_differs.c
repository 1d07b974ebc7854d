/* Are two specs the same but for their snippet?
 * Its own file because pools and sessions must refuse what their jails were not made for, whatever a spec learns to say.
 * Changes when: a spec points to another kind of thing. */
#include "spec/policy.h"
#include "spec/spec.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_bytes(const void *a, size_t a_length, const void *b, size_t b_length)
{
    return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}

static bool same_list(const struct bj_strings *a, const struct bj_strings *b)
{
    if (a->count != b->count || !a->items != !b->items)
        return false;
    for (size_t i = 0; a->items && b->items && i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

static bool same_mounts(const struct bj_spec *a, const struct bj_spec *b)
{
    if (a->mount_count != b->mount_count)
        return false;
    for (size_t i = 0; i < a->mount_count; i++) {
        const struct bj_mount *one = &a->mounts[i];
        const struct bj_mount *other = &b->mounts[i];
        if (!same_text(one->source, other->source) || !same_text(one->target, other->target) ||
            !same_text(one->beneath, other->beneath) || one->mode != other->mode ||
            one->optional != other->optional || one->executable != other->executable)
            return false;
    }
    return true;
}

static bool same_links(const struct bj_spec *a, const struct bj_spec *b)
{
    if (a->link_count != b->link_count)
        return false;
    for (size_t i = 0; i < a->link_count; i++)
        if (!same_text(a->links[i].path, b->links[i].path) ||
            !same_text(a->links[i].target, b->links[i].target))
            return false;
    return true;
}

/* The zygote's interpreter has its hash seed and its addresses for good. */
static bool same_determinism(const struct bj_deterministic *a, const struct bj_deterministic *b)
{
    return a->on == b->on && (!a->on || (a->seed == b->seed && a->start_s == b->start_s));
}

static bool no_more(uint64_t asked, uint64_t given, bool may_be_unset)
{
    bool any = may_be_unset && given == 0;
    bool asks_any = may_be_unset && asked == 0;
    return any || (!asks_any && asked <= given);
}

/* Those that the supervisor watches, and memory of a jail that is the run's alone, may be lower; the rest is what it was made with. */
static bool fitting_limits(const struct bj_spec *a, const struct bj_spec *b)
{
    struct bj_limits rest = a->limits;
    rest.wall_us = b->limits.wall_us;
    rest.cpu_us = b->limits.cpu_us;
    rest.output_bytes = b->limits.output_bytes;
    rest.calls = b->limits.calls;
    rest.call_us = b->limits.call_us;
    rest.call_bytes = b->limits.call_bytes;
    rest.input_bytes = b->limits.input_bytes;
    if (!b->session)
        rest.memory_bytes = b->limits.memory_bytes;
    return memcmp(&rest, &b->limits, sizeof(rest)) == 0 &&
           no_more(a->limits.wall_us, b->limits.wall_us, false) &&
           no_more(a->limits.cpu_us, b->limits.cpu_us, true) &&
           no_more(a->limits.output_bytes, b->limits.output_bytes, false) &&
           no_more(a->limits.memory_bytes, b->limits.memory_bytes, true) &&
           no_more(a->limits.calls, b->limits.calls, false) &&
           no_more(a->limits.call_us, b->limits.call_us, true) &&
           no_more(a->limits.call_bytes, b->limits.call_bytes, false) &&
           no_more(a->limits.input_bytes, b->limits.input_bytes, false);
}

const char *bj__spec_differs(const struct bj_spec *a, const struct bj_spec *b)
{
    const struct {
        bool same;
        const char *field;
    } rows[] = {
        {same_text(a->profile, b->profile), "profile"},
        {same_list(&a->command, &b->command), "command"},
        {!b->policy || same_text(a->policy, b->policy),
         "policy"}, /* where there is none, one only takes away */
        {same_text(a->python, b->python), "python"},
        {same_determinism(&a->deterministic, &b->deterministic), "deterministic"},
        {same_list(&a->environment, &b->environment), "env"},
        {same_bytes(a->stdin_bytes, a->stdin_length, b->stdin_bytes, b->stdin_length), "stdin"},
        {same_text(a->directory, b->directory), "directory"},
        {same_text(a->hostname, b->hostname), "hostname"},

        {same_mounts(a, b), "mounts"},
        {same_links(a, b), "links"},
        {same_list(&a->closed_directories, &b->closed_directories), "closed_directories"},
        {same_list(&a->closed_files, &b->closed_files), "closed_files"},
        {fitting_limits(a, b), "limits"},
        {memcmp(a->layers, b->layers, sizeof(a->layers)) == 0, "layers"},
        {a->network == b->network, "network"},
        {a->proc == b->proc, "proc"},
        {a->output_action == b->output_action, "output_action"},
        {a->scratch_executable == b->scratch_executable, "scratch_executable"},
        {same_list(&a->syscalls, &b->syscalls), "syscalls"},
        {a->nice == b->nice, "nice"},
        {same_list(&a->preload, &b->preload), "preload"},
    };
    for (size_t i = 0; i < BJ_COUNT(rows); i++)
        if (!rows[i].same)
            return rows[i].field;
    return NULL;
}

int bj__spec_template(const struct bj_spec *spec, const char *what, struct bj_spec **ret_spec,
                      struct bj_error *err)
{
    const char *given = spec->command.count > 0 ? "command"
                        : spec->code            ? "code"
                        : spec->expression      ? "expression"
                                                : NULL;
    if (given)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, given,
                         "a %s is made before it is known what runs in it; give it to bj_%s_start", what, what);
    int r = bj__spec_copy(spec, ret_spec, err);
    if (r == 0 && spec->policy && bj__policy_is_of_expressions(spec->policy))
        return bj_spec_set_expression(*ret_spec, "None", err);
    return r < 0 ? r : bj_spec_set_code(*ret_spec, "", err);
}
