/* Names of types and messages of exceptions, without asking the snippet.
 * Its own file because str() of an exception is the snippet's own code as soon as it has a class or an argument of its own.
 * Changes when: CPython's exceptions keep what they say in another way. */
#include "trace.h"

void guest_type_name(struct sheet *sheet, PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        guest_sheet_inside(sheet, ((PyHeapTypeObject *)type)->ht_name, SHEET_NAME);
        return;
    }
    const char *dot = strrchr(type->tp_name, '.');
    guest_sheet_name(sheet, dot ? dot + 1 : type->tp_name);
}

/* Its str and repr are CPython's, and short work. */
static bool is_plain(PyObject *object)
{
    if (!object || object == Py_None || PyBool_Check(object) || PyFloat_CheckExact(object))
        return true;
    if (PyUnicode_CheckExact(object) || PyBytes_CheckExact(object))
        return PyObject_Size(object) <= TRACE_MESSAGE;
    if (!PyLong_CheckExact(object))
        return false;
    bool small = PyLong_AsDouble(object) != -1.0 || !PyErr_Occurred();
    PyErr_Clear();
    return small;
}

static bool are_plain(PyObject *const *objects, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_plain(objects[i]))
            return false;
    return true;
}

static PyTypeObject *type_of(PyObject *exception_class)
{
    return (PyTypeObject *)exception_class;
}

/* Of which CPython's own class are its message and its fields? */
static PyTypeObject *own_class(PyObject *exception)
{
    PyTypeObject *type = Py_TYPE(exception);
    while (type->tp_flags & Py_TPFLAGS_HEAPTYPE && type->tp_base)
        type = type->tp_base;
    return type;
}

static bool has_plain_args(PyObject *exception)
{
    PyObject *args = ((PyBaseExceptionObject *)exception)->args;
    return args && PyTuple_CheckExact(args) && PyTuple_GET_SIZE(args) <= TRACE_ELEMENTS &&
           are_plain(((PyTupleObject *)args)->ob_item, (size_t)PyTuple_GET_SIZE(args));
}

/* Is what CPython's own class makes its message of, arguments and fields, nothing of the snippet's? They can be set to anything. */
static bool is_tellable(PyObject *exception, const PyTypeObject *type)
{
    if (type->tp_str == type_of(PyExc_BaseException)->tp_str ||
        type->tp_str == type_of(PyExc_KeyError)->tp_str || type->tp_str == type_of(PyExc_ImportError)->tp_str)
        return has_plain_args(exception);
    if (type->tp_str == type_of(PyExc_OSError)->tp_str) {
        const PyOSErrorObject *error = (const PyOSErrorObject *)exception;
        PyObject *const fields[] = {error->myerrno, error->strerror, error->filename, error->filename2};
        return are_plain(fields, BJ_COUNT(fields)) && has_plain_args(exception);
    }
    if (type->tp_str ==
        type_of(PyExc_SyntaxError)->tp_str) { /* its arguments hold a tuple, which it does not tell */
        const PySyntaxErrorObject *error = (const PySyntaxErrorObject *)exception;
        PyObject *const fields[] = {error->msg, error->filename, error->lineno};
        return are_plain(fields, BJ_COUNT(fields));
    }
    if (PyObject_TypeCheck(exception, type_of(PyExc_UnicodeError)) &&
        type->tp_basicsize >= (Py_ssize_t)sizeof(PyUnicodeErrorObject)) {
        const PyUnicodeErrorObject *error = (const PyUnicodeErrorObject *)exception;
        PyObject *const fields[] = {error->encoding, error->object, error->reason};
        return are_plain(fields, BJ_COUNT(fields)) && has_plain_args(exception);
    }
    return false;
}

void guest_exception_message(struct sheet *sheet, PyObject *exception)
{
    guest_type_name(sheet, Py_TYPE(exception));
    if (!PyExceptionInstance_Check(exception))
        return;
    PyTypeObject *type = own_class(exception);
    PyObject *text = is_tellable(exception, type) ? type->tp_str(exception) : NULL;
    PyErr_Clear();
    guest_sheet_add(sheet, ": ");
    if (text && PyUnicode_Check(text))
        guest_sheet_inside(sheet, text, TRACE_MESSAGE);
    Py_XDECREF(text);
}
