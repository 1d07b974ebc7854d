/* From Python objects to JSON: what codejail's json_safe keeps, and in its form.
 * Its own file because the objects are the snippet's, and nothing here may call what is in them.
 * Changes when: another kind of object can be told. */
#include "guest.h"

static int full(int r)
{
    if (r < 0)
        PyErr_NoMemory();
    return r < 0 ? -1 : 0;
}

static int add(struct bj_buf *text, const char *bytes)
{
    return full(bj__buf_add(text, bytes, strlen(bytes)));
}

static int write_text(const char *bytes, Py_ssize_t length, struct bj_buf *text)
{
    int r = add(text, "\"");
    Py_ssize_t begin = 0;
    for (Py_ssize_t i = 0; r == 0 && i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        r = full(bj__buf_add(text, bytes + begin, (size_t)(i - begin)));
        begin = i + 1;
        if (r == 0)
            r = full(bj__buf_printf(text, c == '"' || c == '\\' ? "\\%c" : "\\u%04x", c));
    }
    if (r == 0)
        r = full(bj__buf_add(text, bytes + begin, (size_t)(length - begin)));
    return r < 0 ? r : add(text, "\"");
}

/* A str with half of a surrogate pair has no UTF-8, and bytes may be none. */
static int write_str(PyObject *object, struct bj_buf *text)
{
    Py_ssize_t length = 0;
    const char *bytes = PyUnicode_AsUTF8AndSize(object, &length);
    return bytes ? write_text(bytes, length, text) : -1;
}

static int write_bytes(PyObject *object, struct bj_buf *text)
{
    PyObject *decoded = PyUnicode_DecodeUTF8(PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object), "strict");
    int r = decoded ? write_str(decoded, text) : -1;
    Py_XDECREF(decoded);
    return r;
}

/* As int itself would print it, whatever a subclass says of itself. */
static int write_int(PyObject *object, struct bj_buf *text)
{
    PyObject *digits = PyLong_Type.tp_repr(object);
    Py_ssize_t length = 0;
    const char *bytes = digits ? PyUnicode_AsUTF8AndSize(digits, &length) : NULL;
    int r = bytes ? full(bj__buf_add(text, bytes, (size_t)length)) : -1;
    Py_XDECREF(digits);
    return r;
}

static int write_float(PyObject *object, struct bj_buf *text)
{
    double value = PyFloat_AS_DOUBLE(object);
    if (Py_IS_NAN(value))
        return add(text, "NaN");
    if (Py_IS_INFINITY(value))
        return add(text, value > 0 ? "Infinity" : "-Infinity");
    char *digits = PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    int r = digits ? add(text, digits) : -1;
    PyMem_Free(digits);
    return r;
}

static int write_any(PyObject *object, struct bj_buf *text, int depth);

/* What json.dumps makes of a key: numbers and constants become text. */
static int write_key(PyObject *key, struct bj_buf *text)
{
    if (PyUnicode_Check(key))
        return write_str(key, text);
    if (PyBytes_Check(key))
        return write_bytes(key, text);
    if (key != Py_None && !PyBool_Check(key) && !PyLong_Check(key) && !PyFloat_Check(key)) {
        PyErr_Format(PyExc_TypeError, "a key of type %.100s is not of JSON", Py_TYPE(key)->tp_name);
        return -1;
    }
    int r = add(text, "\"");
    if (r == 0)
        r = write_any(key, text, 0);
    return r < 0 ? r : add(text, "\"");
}

static int write_dict(PyObject *dict, struct bj_buf *text, int depth)
{
    PyObject *key;
    PyObject *value;
    Py_ssize_t position = 0;
    bool first = true;
    int r = add(text, "{");
    while (r == 0 && PyDict_Next(dict, &position, &key, &value)) {
        if (!first)
            r = add(text, ", ");
        first = false;
        if (r == 0)
            r = write_key(key, text);
        if (r == 0)
            r = add(text, ": ");
        if (r == 0)
            r = write_any(value, text, depth);
    }
    return r < 0 ? r : add(text, "}");
}

static int write_sequence(PyObject *sequence, struct bj_buf *text, int depth)
{
    int r = add(text, "[");
    PyObject **items = PySequence_Fast_ITEMS(sequence); /* stays: nothing that is called here can change it */
    Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence);
    for (Py_ssize_t i = 0; r == 0 && i < count; i++) {
        if (i > 0)
            r = add(text, ", ");
        if (r == 0)
            r = write_any(items[i], text, depth);
    }
    return r < 0 ? r : add(text, "]");
}

static int write_any(PyObject *object, struct bj_buf *text, int depth)
{
    if (object == Py_None)
        return add(text, "null");
    if (PyBool_Check(object))
        return add(text, object == Py_True ? "true" : "false");
    if (PyLong_Check(object))
        return write_int(object, text);
    if (PyFloat_Check(object))
        return write_float(object, text);
    if (PyUnicode_Check(object))
        return write_str(object, text);
    if (PyBytes_Check(object))
        return write_bytes(object, text);
    if (depth >= BJ_REPLY_DEPTH) { /* a cycle as well */
        PyErr_SetString(PyExc_ValueError, "the data is nested too deeply, or holds itself");
        return -1;
    }
    if (PyDict_Check(object))
        return write_dict(object, text, depth + 1);
    if (PyList_Check(object) || PyTuple_Check(object))
        return write_sequence(object, text, depth + 1);
    PyErr_Format(PyExc_TypeError, "an object of type %.100s is not of JSON", Py_TYPE(object)->tp_name);
    return -1;
}

int guest_write_json(PyObject *object, struct bj_buf *text)
{
    return write_any(object, text, 0);
}

static bool was_there(PyObject *before, PyObject *key, PyObject *value)
{
    return PyDict_GetItem(before, key) ==
           value; /* borrowed; no error: a key of a module is a str, and hashes */
}

int guest_write_globals(PyObject *globals, PyObject *before, struct bj_buf *text)
{
    PyObject *key;
    PyObject *value;
    Py_ssize_t position = 0;
    bool first = true;
    int r = add(text, "{");
    while (r == 0 && PyDict_Next(globals, &position, &key, &value)) {
        if (!PyUnicode_CheckExact(key) || was_there(before, key, value))
            continue;
        size_t length = text->length;
        r = first ? 0 : add(text, ", ");
        if (r == 0)
            r = write_str(key, text);
        if (r == 0)
            r = add(text, ": ");
        if (r == 0)
            r = write_any(value, text, 1);
        first = first && r < 0;
        if (r < 0 &&
            !PyErr_ExceptionMatches(PyExc_MemoryError)) { /* it cannot be told: as if it were not there */
            PyErr_Clear();
            text->length = length;
            r = 0;
        }
    }
    return r < 0 ? r : add(text, "}");
}
