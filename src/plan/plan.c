/* Makes plans: probe, read, build, check, freeze.
 * Its own file because the order of the builders is the order of the plan.
 * Changes when: a plan gets another part. */
#include "plan/plan_internal.h"

#include <stdio.h>

#define PLAN_MAXIMUM (BJ_MAX_FILES_IN_BYTES + (128u << 20)) /* bytes */

static const char *const op_names[BJ_OP__COUNT] = {
    "",
#define X(name, text, phase, doc) text,
#include "plan/ops.def"
#undef X
};
static const char *const op_docs[BJ_OP__COUNT] = {
    "",
#define X(name, text, phase, doc) doc,
#include "plan/ops.def"
#undef X
};
static const enum bj_phase op_phases[BJ_OP__COUNT] = {
    BJ_PHASE_SOURCE,
#define X(name, text, phase, doc) BJ_PHASE_##phase,
#include "plan/ops.def"
#undef X
};

const char *bj_op_name(uint32_t op)
{
    return op < BJ_OP__COUNT ? op_names[op] : "";
}

const char *bj__op_doc(uint32_t code)
{
    return code < BJ_OP__COUNT ? op_docs[code] : "";
}

enum bj_phase bj__op_phase(uint32_t code)
{
    return code < BJ_OP__COUNT ? op_phases[code] : BJ_PHASE_EXEC;
}

struct bj_op *bj__plan_add(struct bj_build *build, enum bj_opcode code, const char *text)
{
    struct bj_plan *plan = build->plan;
    if (plan->op_count == BJ_MAX_OPS) {
        build->full = true;
        plan->op_count--; /* overwritten: the plan is refused at the end */
    }
    struct bj_op *op = &plan->ops[plan->op_count++];
    *op = (struct bj_op){.code = (uint16_t)code, .slot = -1, .text = text};
    return op;
}

int bj__plan_new_slot(struct bj_build *build)
{
    if (build->plan->slots == BJ_SLOT_MAX) {
        build->full = true;
        return 0;
    }
    return build->plan->slots++;
}

char *bj__plan_copy(struct bj_build *build, const char *text)
{
    char *copy = bj__arena_string(&build->plan->arena, text);
    if (!copy)
        build->full = true;
    return copy;
}

char *bj__plan_format(struct bj_build *build, const char *format, ...)
{
    char text[4200];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    char *copy = length < 0 || length >= (int)sizeof(text) ? NULL : bj__arena_string(&build->plan->arena, text);
    if (!copy)
        build->full = true;
    return copy;
}

static int copy_strings(struct bj_build *build, const struct bj_strings *from, struct bj_strings *to)
{
    struct bj_arena *arena = &build->plan->arena;
    to->count = from->count;
    to->items = bj__arena_alloc(arena, (from->count + 1) * sizeof(*to->items));
    for (size_t i = 0; to->items && i < from->count; i++) {
        to->items[i] = bj__arena_string(arena, from->items[i]);
        if (!to->items[i])
            return bj__error_memory(build->err);
    }
    return to->items ? 0 : bj__error_memory(build->err);
}

/* What the parent half needs of the spec, copied: the spec may go before the plan does. */
static int copy_parent_part(struct bj_build *build)
{
    const struct bj_spec *spec = build->spec;
    struct bj_plan *plan = build->plan;
    plan->limits = spec->limits;
    plan->program.session = spec->session;
    plan->own_processes = 1u + (spec->session ? 3u + (unsigned)spec->limits.branches : 0);
    plan->output_action = spec->output_action;
    plan->stdin_length = spec->stdin_length;
    plan->cgroup_parents = build->host->cgroup;
    if (spec->stdin_length > 0) {
        plan->stdin_bytes = bj__arena_copy(&plan->arena, spec->stdin_bytes, spec->stdin_length);
        if (!plan->stdin_bytes)
            return bj__error_memory(build->err);
    }
    int r = copy_strings(build, &spec->collect, &plan->collect);
    return r < 0 || spec->calls.count == 0 ? r : copy_strings(build, &spec->calls, &plan->calls);
}

static int build_parts(struct bj_build *build)
{
    int r = bj__plan_layers(build);
    if (r == 0)
        r = copy_parent_part(build);
    if (r == 0)
        r = bj__plan_snippet(build);
    if (r == 0)
        r = bj__plan_sources(build);
    if (r < 0)
        return r;
    bj__plan_root(build);
    bj__plan_shed(build);
    build->plan->program.payload_first = build->plan->op_count;
    bj__plan_payload(build);
    bj__plan_files(build);
    bj__plan_limits(build);
    if (bj__plan_layer_on(build, BJ_LAYER_CAPABILITIES))
        (void)bj__plan_add(build, BJ_OP_CAPABILITIES, NULL);
    bj__plan_landlock(build);
    r = bj__plan_final(build);
    if (r == 0 && build->full && build->plan->arena.starved)
        r = bj__error_memory(build->err);
    else if (r == 0 && build->full)
        r = bj__error(build->err, BJ_ERROR_INVALID, E2BIG, "",
                      "the spec needs more than %u operations or %d mounts", BJ_MAX_OPS, BJ_SLOT_MAX - 8);
    return r;
}

static struct bj_plan *new_plan(void)
{
    struct bj_plan *plan = calloc(1, sizeof(*plan));
    if (!plan)
        return NULL;
    bj__arena_init_pages(&plan->arena, PLAN_MAXIMUM);
    plan->ops = bj__arena_alloc(&plan->arena, BJ_MAX_OPS * sizeof(*plan->ops));
    if (!plan->ops) {
        bj_plan_free(plan);
        return NULL;
    }
    return plan;
}

int bj__plan_build(const struct bj_spec *spec, const struct bj_host *host, const struct bj_sources *sources,
                   struct bj_plan **ret_plan, struct bj_error *err)
{
    struct bj_plan *plan = new_plan();
    if (!plan)
        return bj__error_memory(err);
    struct bj_build build = {.spec = spec,
                             .host = host,
                             .sources = sources,
                             .plan = plan,
                             .err = err,
                             .guest_slot = -1,
                             .proc_slot = -1};
    build.made = malloc(BJ_MAX_MADE * sizeof(*build.made));
    int r = build.made ? build_parts(&build) : bj__error_memory(err);
    free(build.made);
    if (r == 0) {
        plan->program.ops = plan->ops;
        plan->program.op_count = plan->op_count;
        plan->program.host_ids = !plan->user_namespace;
        r = bj__plan_check(plan, err);
    }
    if (r == 0 && (r = bj__arena_freeze(&plan->arena)) < 0)
        (void)bj__error_system(err, -r, "", "cannot make the plan read-only");
    if (r < 0) {
        bj_plan_free(plan);
        return r;
    }
    *ret_plan = plan;
    return 0;
}

int bj_plan_new(const struct bj_spec *spec, struct bj_plan **ret_plan, struct bj_error *err)
{
    struct bj_host host;
    struct bj_sources sources;
    int r = bj__spec_check(spec, true, err);
    if (r == 0)
        r = bj__host_probe(true, &host, err);
    if (r == 0)
        r = bj__sources_read(spec, &sources, err);
    if (r < 0)
        return r;
    r = bj__plan_build(spec, &host, &sources, ret_plan, err);
    bj__sources_done(&sources);
    return r;
}

void bj_plan_free(struct bj_plan *plan)
{
    if (!plan)
        return;
    bj__arena_done(&plan->arena);
    free(plan);
}

void bj_plan_set_timing(struct bj_plan *plan, int on)
{
    plan->timing = on != 0;
}
