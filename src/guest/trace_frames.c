/* The snippet's own frames: which there are, and what their variables hold.
 * Its own file because no two versions of CPython keep a frame's variables in the same way.
 * Changes when: CPython keeps them in another way, or other frames are to be shown.
 *
 * A frame's f_locals is not asked for: making it up to date writes into a dictionary that locals() may have given to the snippet,
 * and in the body of a class it calls whatever a metaclass has put there (__prepare__). */
#include "trace.h"

#if PY_VERSION_HEX < 0x030b0000
#include <frameobject.h>
#elif PY_VERSION_HEX < 0x030d0000
#define Py_BUILD_CORE 1 /* they keep the variables in a struct that they do not show otherwise */
#include <internal/pycore_code.h>
#include <internal/pycore_frame.h>
#endif

static bool is_snippets(const PyCodeObject *code)
{
    return PyUnicode_CompareWithASCIIString(code->co_filename, guest_file_name) == 0;
}

/* Borrowed: the frame has it. */
static PyCodeObject *code_of(PyFrameObject *frame)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    Py_DECREF(code);
    return code;
}

/* Borrowed: it is under way as long as the one that it called is. */
static PyFrameObject *caller_of(PyFrameObject *frame)
{
    PyFrameObject *caller = PyFrame_GetBack(frame);
    Py_XDECREF(caller);
    return caller;
}

bool guest_frame_is_snippets(PyFrameObject *frame)
{
    return is_snippets(code_of(frame));
}

void guest_frames_look(struct trace_frames *frames, PyFrameObject *top, const PyFrameObject *root)
{
    size_t count = 0;
    for (PyFrameObject *frame = top; frame; frame = caller_of(frame))
        count += frame != root && is_snippets(code_of(frame));
    frames->too_many = count > TRACE_FRAMES;
    if (frames->too_many)
        return;
    size_t known = frames->count;
    size_t at = frames->count = count;
    for (PyFrameObject *frame = top; frame; frame = caller_of(frame)) {
        PyCodeObject *code = code_of(frame);
        if (frame == root || !is_snippets(code))
            continue;
        struct trace_frame *item = &frames->items[--at];
        if (at >= known || item->frame != frame)
            *item = (struct trace_frame){frame, code, 0};
    }
    for (size_t i = 0; i < count; i++)
        if (frames->items[i].number == 0)
            frames->items[i].number = ++frames->last_number;
}

void guest_frames_drop(struct trace_frames *frames, const PyFrameObject *frame)
{
    if (frames->count > 0 && frames->items[frames->count - 1].frame == frame)
        frames->count--;
}

void guest_frame_name(struct sheet *sheet, PyCodeObject *code)
{
    guest_sheet_inside(sheet, code->co_name, SHEET_NAME);
    if (PyUnicode_CompareWithASCIIString(code->co_name, "<lambda>") == 0)
        guest_sheet_printf(sheet, " <line %d>", code->co_firstlineno);
}

bool guest_name_is_pythons(PyObject *name)
{
    static const char *const names[] = {
        "__module__",        "__qualname__",          "__doc__",
        "__dict__",          "__weakref__",           "__annotations__",
        "__firstlineno__",   "__static_attributes__", "__annotate__",
        "__annotate_func__", "__annotations_cache__", "__classcell__",
        "__classdict__",     "__classdictcell__",     "__conditional_annotations__",
        "__orig_bases__",    "__parameters__"};
    for (size_t i = 0; i < BJ_COUNT(names); i++)
        if (PyUnicode_CompareWithASCIIString(name, names[i]) == 0)
            return true;
    return PyUnicode_GET_LENGTH(name) > 0 &&
           PyUnicode_READ_CHAR(name, 0) == '.'; /* ".0": what a comprehension walks over */
}

/* ---- variables -------------------------------------------------------------------------------------- */

struct variables {
    struct trace_variable *items;
    size_t count;
};

static void keep(struct variables *variables, PyObject *name, PyObject *value)
{
    if (value && variables->count < TRACE_VARIABLES && PyUnicode_CheckExact(name) &&
        !guest_name_is_pythons(name))
        variables->items[variables->count++] = (struct trace_variable){name, value};
}

/* A class's body, as long as it keeps its names in a dictionary; the order is that in which they came. */
static void keep_all(struct variables *variables, PyObject *names)
{
    PyObject *name;
    PyObject *value;
    Py_ssize_t position = 0;
    while (names && PyDict_Check(names) && PyDict_Next(names, &position, &name, &value))
        keep(variables, name, value);
}

#if PY_VERSION_HEX < 0x030b0000
static void keep_cells(struct variables *variables, PyObject *names, PyObject **cells)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++)
        if (cells[i] && PyCell_Check(cells[i]))
            keep(variables, PyTuple_GET_ITEM(names, i), PyCell_GET(cells[i]));
}

static void keep_fast(struct variables *variables, PyFrameObject *frame, PyCodeObject *code)
{
    PyObject **cells = frame->f_localsplus + code->co_nlocals;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_varnames); i++)
        keep(variables, PyTuple_GET_ITEM(code->co_varnames, i), frame->f_localsplus[i]);
    keep_cells(variables, code->co_cellvars, cells);
    keep_cells(variables, code->co_freevars, cells + PyTuple_GET_SIZE(code->co_cellvars));
}

static void keep_names(struct variables *variables, PyFrameObject *frame)
{
    keep_all(variables, frame->f_locals);
}
#elif PY_VERSION_HEX < 0x030d0000
static void keep_fast(struct variables *variables, PyFrameObject *frame, PyCodeObject *code)
{
    const char *kinds = PyBytes_AS_STRING(code->co_localspluskinds);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_localsplusnames); i++) {
        PyObject *value = frame->f_frame->localsplus[i];
        if (value && kinds[i] & (CO_FAST_CELL | CO_FAST_FREE))
            value = PyCell_Check(value) ? PyCell_GET(value) : NULL;
        keep(variables, PyTuple_GET_ITEM(code->co_localsplusnames, i), value);
    }
}

static void keep_names(struct variables *variables, PyFrameObject *frame)
{
    keep_all(variables, frame->f_frame->f_locals);
}
#else
/* Takes over the tuple; the code has its names all the same. */
static void keep_named(struct variables *variables, PyFrameObject *frame, PyObject *names)
{
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++) {
        PyObject *value = PyFrame_GetVar(frame, PyTuple_GET_ITEM(names, i));
        keep(variables, PyTuple_GET_ITEM(names, i), value);
        Py_XDECREF(value); /* the frame has it */
        PyErr_Clear();
    }
    Py_XDECREF(names);
}

static void keep_fast(struct variables *variables, PyFrameObject *frame, PyCodeObject *code)
{
    keep_named(variables, frame, PyCode_GetVarnames(code));
    size_t plain = variables->count;
    keep_named(variables, frame, PyCode_GetCellvars(code));
    keep_named(variables, frame, PyCode_GetFreevars(code));
    for (size_t i = plain; i < variables->count; i++) /* an argument that is a cell as well has been kept */
        for (size_t k = 0; k < plain; k++)
            if (PyUnicode_Compare(variables->items[i].name, variables->items[k].name) == 0) {
                variables->items[i--] = variables->items[--variables->count];
                break;
            }
}

/* Of a body that is not optimized this is the namespace itself (PEP 667). */
static void keep_names(struct variables *variables, PyFrameObject *frame)
{
    PyObject *names = PyFrame_GetLocals(frame);
    keep_all(variables, names);
    Py_XDECREF(names);
    PyErr_Clear();
}
#endif

size_t guest_frame_variables(PyFrameObject *frame, struct trace_variable *ret_variables)
{
    struct variables variables = {.items = ret_variables};
    PyCodeObject *code = code_of(frame);
    if (code->co_flags & CO_OPTIMIZED)
        keep_fast(&variables, frame, code);
    else
        keep_names(&variables, frame);
    return variables.count;
}
