/* Result: what came of a run, read as it is asked for.
 * Its own file because most who run something look at a few of its parts, and all of them are dear: a text of JSON, written and read.
 * Changes when: a part of a result that everybody looks at can be had from the library by itself. */
#include "_core.h"

#include <string.h>

struct told {
    PyObject_HEAD struct bj_result *result;
};

#define RESULT(self) (((struct told *)(self))->result)

PyObject *core_new_result(struct bj_result *result)
{
    struct told *self =
        (struct told *)((allocfunc)PyType_GetSlot(core_result_type, Py_tp_alloc))(core_result_type, 0);
    if (self)
        self->result = result;
    else
        bj_result_free(result);
    return (PyObject *)self;
}

static void result_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    bj_result_free(RESULT(self));
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* Made by its type's name it has none. */
static bool is_there(PyObject *self)
{
    if (!RESULT(self))
        PyErr_SetString(PyExc_RuntimeError, "a result is had from a run");
    return RESULT(self);
}

static PyObject *result_output(PyObject *self, PyObject *arguments)
{
    size_t length;
    int stream;
    if (!PyArg_ParseTuple(arguments, "i:output", &stream) || !is_there(self))
        return NULL;
    const char *bytes = bj_result_output(RESULT(self), (enum bj_stream)stream, &length);
    return PyBytes_FromStringAndSize(bytes, (Py_ssize_t)length);
}

/* A reference; None where there is nothing. */
static PyObject *text_or_none(const char *text)
{
    if (!text)
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
}

static PyObject *result_figures(PyObject *self, PyObject *nothing)
{
    const struct bj_result *result = RESULT(self);
    (void)nothing;
    if (!is_there(self))
        return NULL;
    return Py_BuildValue("(sziii)", bj_status_name(bj_result_status(result)), bj_result_limit(result),
                         bj_result_exit_code(result), bj_result_signal(result), bj_result_exit_status(result));
}

static PyObject *result_told(PyObject *self, PyObject *nothing)
{
    const struct bj_result *result = RESULT(self);
    (void)nothing;
    if (!is_there(self))
        return NULL;
    return Py_BuildValue("(NNN)", text_or_none(bj_result_value(result)),
                         text_or_none(bj_result_globals(result)), text_or_none(bj_result_exception(result)));
}

static PyObject *result_json(PyObject *self, PyObject *nothing)
{
    (void)nothing;
    return is_there(self) ? core_take_text(bj_result_json(RESULT(self))) : NULL;
}

PyObject *core_make_result_type(void)
{
    static PyMethodDef methods[] = {
        {"figures", result_figures, METH_NOARGS, "(status, limit, exit code or -1, signal or 0, exit status)"},
        {"output", result_output, METH_VARARGS, "output(stream) -> bytes"},
        {"told", result_told, METH_NOARGS, "(value, variables, exception): JSON, or None"},
        {"json", result_json, METH_NOARGS, "All of it."},
        {NULL, NULL, 0, NULL}};
    static PyType_Slot slots[] = {{Py_tp_dealloc, result_dealloc}, {Py_tp_methods, methods}, {0, NULL}};
    static PyType_Spec type = {"belljar._core.Result", sizeof(struct told), 0, Py_TPFLAGS_DEFAULT, slots};
    return PyType_FromSpec(&type);
}
