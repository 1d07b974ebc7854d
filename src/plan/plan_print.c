/* A plan as text and as JSON.
 * Its own file because golden tests and people read plans, and neither needs pointers.
 * Changes when: an operation is shown differently. */
#include "plan/plan_internal.h"

#include <jansson.h>

static const char *const phase_names[] = {"source", "root",     "shed",   "payload", "ids", "files",
                                          "caps",   "landlock", "assert", "seccomp", "exec"};
_Static_assert(BJ_COUNT(phase_names) == BJ_PHASE_EXEC + 1, "one name per phase");

/* text and text2 hold bytes, not text, in these. */
static bool has_bytes(const struct bj_op *op)
{
    return op->code == BJ_OP_SECCOMP || op->code == BJ_OP_GUEST_FILE || op->code == BJ_OP_PROGRAM;
}

static const char *shown_text(const struct bj_op *op)
{
    return op->code == BJ_OP_SECCOMP ? NULL : op->text;
}

static const char *shown_text2(const struct bj_op *op)
{
    return has_bytes(op) ? NULL : op->text2;
}

static void print_op(struct bj_buf *out, uint32_t index, const struct bj_op *op)
{
    /* A failing append leaves a short text; bj_plan_text checks the last one. */
    (void)bj__buf_printf(out, "%3u %-8s %-16s", index, phase_names[bj__op_phase(op->code)],
                         bj_op_name(op->code));
    if (op->slot >= 0)
        (void)bj__buf_printf(out, " #%d", op->slot);
    if (shown_text(op))
        (void)bj__buf_printf(out, " %s", shown_text(op));
    if (shown_text2(op))
        (void)bj__buf_printf(out, " %s", shown_text2(op));
    if (op->value || op->value2)
        (void)bj__buf_printf(out, " 0x%llx", (unsigned long long)op->value);
    if (op->value2)
        (void)bj__buf_printf(out, " 0x%llx", (unsigned long long)op->value2);
    if (op->flags)
        (void)bj__buf_printf(out, " flags=%u", op->flags);
    (void)bj__buf_printf(out, "\n");
}

char *bj_plan_text(const struct bj_plan *plan)
{
    struct bj_buf BJ_BUF out;
    bj__buf_init(&out, 64u << 20);
    (void)bj__buf_printf(&out, "clone    namespaces 0x%llx\n", (unsigned long long)plan->clone_flags);
    for (enum bj_layer layer = 0; layer < BJ_LAYER__COUNT; layer++)
        (void)bj__buf_printf(
            &out, "layer    %-16s %s%s%s\n", bj__layer_name(layer), plan->layers[layer].on ? "on" : "",
            plan->layers[layer].on && plan->layers[layer].detail[0] ? ", " : "", plan->layers[layer].detail);
    for (uint32_t i = 0; i < plan->op_count; i++)
        print_op(&out, i, &plan->ops[i]);
    return bj__buf_printf(&out, "%s", "") < 0 ? NULL : bj__buf_take(&out);
}

static json_t *op_json(const struct bj_op *op)
{
    json_t *object =
        json_pack("{s:s, s:s, s:s*, s:s*}", "op", bj_op_name(op->code), "phase",
                  phase_names[bj__op_phase(op->code)], "text", shown_text(op), "text2", shown_text2(op));
    if (!object)
        return NULL;
    int r = 0;
    if (op->slot >= 0)
        r |= json_object_set_new(object, "slot", json_integer(op->slot));
    if (op->value)
        r |= json_object_set_new(object, "value", json_integer((json_int_t)op->value));
    if (op->value2)
        r |= json_object_set_new(object, "value2", json_integer((json_int_t)op->value2));
    if (op->flags)
        r |= json_object_set_new(object, "flags", json_integer(op->flags));
    r |= json_object_set_new(object, "does", json_string(bj__op_doc(op->code)));
    if (r == 0)
        return object;
    json_decref(object);
    return NULL;
}

char *bj_plan_json(const struct bj_plan *plan)
{
    json_t *layers = json_object();
    json_t *ops = json_array();
    json_t *root = json_pack("{s:i, s:I, s:o, s:o}", "version", 1, "clone_flags", (json_int_t)plan->clone_flags,
                             "layers", layers, "operations", ops);
    if (!root)
        return NULL;
    int r = 0;
    for (enum bj_layer layer = 0; layer < BJ_LAYER__COUNT; layer++)
        r |= json_object_set_new(
            layers, bj__layer_name(layer),
            json_pack("{s:b, s:s}", "on", plan->layers[layer].on, "detail", plan->layers[layer].detail));
    for (uint32_t i = 0; i < plan->op_count; i++)
        r |= json_array_append_new(ops, op_json(&plan->ops[i]));
    char *text = r == 0 ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    return text;
}
