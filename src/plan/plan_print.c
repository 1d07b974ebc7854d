/* A plan as text and as JSON.
 * Its own file because golden tests and people read plans, and neither needs pointers.
 * Changes when: an operation is shown differently. */
#include "plan/plan_internal.h"
#include "spec/json_text.h"

#include <jansson.h>

static const char *const phase_names[] = {"source", "root",     "shed",   "payload", "ids", "files",
                                          "caps",   "landlock", "assert", "seccomp", "exec"};
_Static_assert(BJ_COUNT(phase_names) == BJ_PHASE_EXEC + 1, "one name per phase");

static bool is_filter(const struct bj_op *op)
{
    return op->code == BJ_OP_BACKSTOP || op->code == BJ_OP_SECCOMP;
}

/* text and text2 hold bytes, not text, in these. */
static bool has_bytes(const struct bj_op *op)
{
    return is_filter(op) || op->code == BJ_OP_GUEST_FILE || op->code == BJ_OP_PROGRAM;
}

static const char *shown_text(const struct bj_op *op)
{
    return is_filter(op) ? NULL : op->text;
}

static const char *shown_text2(const struct bj_op *op)
{
    return has_bytes(op) ? NULL : op->text2;
}

/* 0, or -errno: a plan that lacks a word would be another one. */
static int print_op(struct bj_buf *out, uint32_t index, const struct bj_op *op)
{
    int r =
        bj__buf_printf(out, "%3u %-8s %-16s", index, phase_names[bj__op_phase(op->code)], bj_op_name(op->code));
    if (r == 0 && op->slot >= 0)
        r = bj__buf_printf(out, " #%d", op->slot);
    if (r == 0 && shown_text(op))
        r = bj__buf_printf(out, " %s", shown_text(op));
    if (r == 0 && shown_text2(op))
        r = bj__buf_printf(out, " %s", shown_text2(op));
    if (r == 0 && (op->value || op->value2))
        r = bj__buf_printf(out, " 0x%llx", (unsigned long long)op->value);
    if (r == 0 && op->value2)
        r = bj__buf_printf(out, " 0x%llx", (unsigned long long)op->value2);
    if (r == 0 && op->flags)
        r = bj__buf_printf(out, " flags=%u", op->flags);
    return r < 0 ? r : bj__buf_printf(out, "\n");
}

char *bj_plan_text(const struct bj_plan *plan)
{
    struct bj_buf BJ_BUF out;
    bj__buf_init(&out, 64u << 20);
    int r = bj__buf_printf(&out, "clone    namespaces 0x%llx\n", (unsigned long long)plan->clone_flags);
    for (enum bj_layer layer = 0; r == 0 && layer < BJ_LAYER__COUNT; layer++)
        r = bj__buf_printf(
            &out, "layer    %-16s %s%s%s\n", bj__layer_name(layer), plan->layers[layer].on ? "on" : "",
            plan->layers[layer].on && plan->layers[layer].detail[0] ? ", " : "", plan->layers[layer].detail);
    for (uint32_t i = 0; r == 0 && i < plan->op_count; i++)
        r = print_op(&out, i, &plan->ops[i]);
    return r < 0 ? NULL : bj__buf_take(&out);
}

static json_t *op_json(const struct bj_op *op)
{
    json_t *object =
        json_pack("{s:s, s:s}", "op", bj_op_name(op->code), "phase", phase_names[bj__op_phase(op->code)]);
    if (!object)
        return NULL;
    int r = 0;
    if (shown_text(op)) /* "s*" would leave it out when memory is short */
        r |= json_object_set_new(object, "text", json_string(shown_text(op)));
    if (shown_text2(op))
        r |= json_object_set_new(object, "text2", json_string(shown_text2(op)));
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
    char *text = r == 0 ? bj__json_dump(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    return text;
}
