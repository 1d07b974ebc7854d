/* The objects of a step: each has a number, and is told once.
 * Its own file because numbers outlive the step that gave them.
 * Changes when: objects are numbered in another way, or another kind of value stands for itself.
 *
 * An object is known by its address, which is told to nobody. A number is kept from one step to the next; an object that a step
 * does not see gets another one when it is seen again, because something else may have come to live at its address. */
#include "trace.h"

#define SLOTS 4096 /* a power of two, and room enough for TRACE_OBJECTS to be found at once */

struct slot {
    const PyObject *object;
    const PyTypeObject *type;
    uint32_t step; /* that it was seen in; another one's slot is free */
    uint32_t number;
    uint32_t parent; /* of a function: the number of the frame that made it; 0: none, or the module */
};

struct trace_heap {
    struct slot slots[2][SLOTS]; /* by turns: of this step, and of the one before */
    PyObject *queue[TRACE_OBJECTS];
    size_t queued;
    bool left_out; /* something is not told */
    uint32_t step;
    uint32_t last_number;
    const struct trace_frames *frames;
};

struct trace_heap *guest_heap_new(void)
{
    struct trace_heap *heap = PyMem_RawCalloc(1, sizeof(*heap));
    if (heap)
        heap->step = 1; /* the step before the first: not 0, which is what free slots say */
    return heap;
}

void guest_heap_begin(struct trace_heap *heap, const struct trace_frames *frames)
{
    heap->step++;
    heap->queued = 0;
    heap->left_out = false;
    heap->frames = frames;
}

/* The object's slot in the table of that step, or the free one where it belongs. */
static struct slot *find(struct trace_heap *heap, uint32_t step, const PyObject *object)
{
    struct slot *slots = heap->slots[step & 1];
    size_t at = ((uintptr_t)object >> 4) * 2654435761u % SLOTS;
    while (slots[at].step == step && slots[at].object != object)
        at = (at + 1) % SLOTS;
    return &slots[at];
}

static bool is_constant_of(const PyCodeObject *code, const PyObject *object)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); i++)
        if (PyTuple_GET_ITEM(code->co_consts, i) == object)
            return true;
    return false;
}

/* A function that is seen for the first time was just made, by a frame that has its code. */
static uint32_t find_parent(const struct trace_heap *heap, PyObject *object)
{
    if (!PyFunction_Check(object))
        return 0;
    for (size_t i = heap->frames->count; i > 0; i--) {
        const struct trace_frame *frame = &heap->frames->items[i - 1];
        if (frame->code->co_flags & CO_OPTIMIZED && is_constant_of(frame->code, PyFunction_GetCode(object)))
            return frame->number; /* not a class's body: its methods see nothing of it */
    }
    return 0;
}

/* 0: there is no more room in this step. */
static uint32_t number_of(struct trace_heap *heap, PyObject *object)
{
    struct slot *slot = find(heap, heap->step, object);
    if (slot->step == heap->step)
        return slot->number;
    if (heap->queued == TRACE_OBJECTS) {
        heap->left_out = true;
        return 0;
    }
    const struct slot *before = find(heap, heap->step - 1, object);
    bool known = before->step == heap->step - 1 && before->type == Py_TYPE(object);
    *slot = (struct slot){object, Py_TYPE(object), heap->step, known ? before->number : ++heap->last_number,
                          known ? before->parent : find_parent(heap, object)};
    heap->queue[heap->queued++] = object;
    return slot->number;
}

void guest_heap_parent(struct trace_heap *heap, struct sheet *sheet, PyObject *function)
{
    const struct slot *slot = find(heap, heap->step, function);
    if (slot->step == heap->step && slot->parent > 0)
        guest_sheet_printf(sheet, "%u", slot->parent);
    else
        guest_sheet_add(sheet, "null");
}

/* ---- values ----------------------------------------------------------------------------------------- */

/* One that a double can hold has 309 digits at most; others would take time to write, and a reader would get no use from it. */
static bool add_int(struct sheet *sheet, PyObject *value)
{
    double size = PyLong_AsDouble(value);
    PyObject *digits = size == -1.0 && PyErr_Occurred() ? NULL : PyLong_Type.tp_repr(value);
    PyErr_Clear();
    if (digits)
        guest_sheet_inside(sheet, digits, PyUnicode_GET_LENGTH(digits));
    Py_XDECREF(digits);
    return digits != NULL;
}

/* pg_encoder's form for those that JSON does not know, and for whole ones, which would read like an int. */
static void add_float(struct sheet *sheet, PyObject *value)
{
    double number = PyFloat_AS_DOUBLE(value);
    const char *name = Py_IS_NAN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
    char *digits = Py_IS_FINITE(number) ? PyOS_double_to_string(number, 'r', 0, Py_DTSF_ADD_DOT_0, NULL) : NULL;
    bool whole = !digits || strpbrk(digits, "e") || strcmp(digits + strcspn(digits, "."), ".0") == 0;
    if (whole)
        guest_sheet_add(sheet, "[\"SPECIAL_FLOAT\", \"");
    guest_sheet_add(sheet, digits ? digits : name);
    if (whole)
        guest_sheet_add(sheet, "\"]");
    PyMem_Free(digits);
}

void guest_heap_value(struct trace_heap *heap, struct sheet *sheet, PyObject *value)
{
    if (!value || value == Py_None) /* a tuple that is being filled can be seen by way of gc.get_referrers */
        guest_sheet_add(sheet, "null");
    else if (PyBool_Check(value))
        guest_sheet_add(sheet, value == Py_True ? "true" : "false");
    else if (PyUnicode_Check(value))
        guest_sheet_text(sheet, value, TRACE_TEXT);
    else if (PyFloat_Check(value))
        add_float(sheet, value);
    else if (!PyLong_Check(value) || !add_int(sheet, value))
        guest_sheet_printf(sheet, "[\"REF\", %u]", number_of(heap, value));
}

void guest_heap_leave_out(struct trace_heap *heap, struct sheet *sheet)
{
    heap->left_out = true;
    guest_sheet_add(sheet, ", [\"REF\", 0]");
}

void guest_heap_write(struct trace_heap *heap, struct sheet *sheet)
{
    bool first = true;
    for (size_t i = 0; i < heap->queued && !sheet->full; i++) { /* grows while it is told */
        guest_sheet_comma(sheet, &first);
        guest_sheet_printf(sheet, "\"%u\": ", find(heap, heap->step, heap->queue[i])->number);
        guest_object_write(heap, sheet, heap->queue[i]);
    }
    if (heap->left_out) {
        guest_sheet_comma(sheet, &first);
        guest_sheet_add(sheet, "\"0\": [\"...\", \"not shown\"]");
    }
}
