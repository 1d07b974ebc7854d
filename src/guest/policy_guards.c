/* Built-in functions of the level "restricted", which look at what they are given; and print, whose text is collected.
 * Its own file because each stands in the place of a function of Python's, and RestrictedPython's hosts wrote them themselves.
 * Changes when: the level guards another function. */
#include "policy.h"

#define PRINTED_MAX (1 << 20) /* characters */

static PyObject *pieces; /* list of str; owned */
static Py_ssize_t printed_length;

void guest_forget_printed(void)
{
    Py_CLEAR(pieces);
    printed_length = 0;
}

PyObject *guest_printed(void)
{
    PyObject *nothing = PyUnicode_FromString("");
    PyObject *text = nothing && pieces ? PyUnicode_Join(nothing, pieces) : Py_XNewRef(nothing);
    Py_XDECREF(nothing);
    return text;
}

static int collect(PyObject *text)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (length > PRINTED_MAX - printed_length) {
        (void)guest_deny(guest_sandbox_error, NULL, "print", "more is printed than %d characters", PRINTED_MAX);
        return -1;
    }
    printed_length += length;
    if (!pieces)
        pieces = PyList_New(0);
    return pieces ? PyList_Append(pieces, text) : -1;
}

/* A text, or the default where it is None; a new reference. */
static PyObject *text_or(PyObject *given, const char *otherwise)
{
    if (given == Py_None)
        return PyUnicode_FromString(otherwise);
    if (PyUnicode_Check(given))
        return Py_NewRef(given);
    return PyErr_Format(PyExc_TypeError, "sep and end must be None or a string, not %.100s",
                        Py_TYPE(given)->tp_name);
}

static PyObject *print(PyObject *self, PyObject *args, PyObject *keywords)
{
    static const char *const words[] = {"sep", "end", "file", "flush", NULL};
    PyObject *given[4] = {Py_None, Py_None, Py_None, Py_None};
    PyObject *nothing = PyTuple_New(0);
    bool good = nothing && PyArg_ParseTupleAndKeywords(nothing, keywords, "|OOOO:print", guest_words(words),
                                                       &given[0], &given[1], &given[2], &given[3]);
    PyObject *between = good ? text_or(given[0], " ") : NULL;
    PyObject *end = between ? text_or(given[1], "\n") : NULL;
    PyObject *texts = end ? PyList_New(0) : NULL;
    (void)self;
    for (Py_ssize_t i = 0; texts && i < PyTuple_GET_SIZE(args); i++) {
        PyObject *text = PyObject_Str(PyTuple_GET_ITEM(args, i));
        if (!text || PyList_Append(texts, text) < 0)
            Py_CLEAR(texts);
        Py_XDECREF(text);
    }
    PyObject *line = texts ? PyUnicode_Join(between, texts) : NULL;
    int r = line && collect(line) == 0 ? collect(end) : -1;
    Py_XDECREF(line);
    Py_XDECREF(texts);
    Py_XDECREF(end);
    Py_XDECREF(between);
    Py_XDECREF(nothing);
    return r == 0 ? Py_NewRef(Py_None) : NULL;
}

/* What is checked is the text that it holds, and that is what is used. */
PyObject *guest_checked_name(PyObject *given)
{
    if (!PyUnicode_Check(given))
        return PyErr_Format(PyExc_TypeError, "type(name) must be str");
    PyObject *name = PyUnicode_FromObject(given);
    const char *text = name ? PyUnicode_AsUTF8(name) : NULL;
    if (text && (text[0] == '_' || guest_is_inspection(text))) {
        (void)guest_deny(PyExc_AttributeError, NULL, text, "\"%s\" is an invalid attribute name because it %s",
                         text, text[0] == '_' ? "starts with \"_\"" : "shows the interpreter");
        Py_CLEAR(name);
    }
    return name;
}

static PyObject *get_attribute(PyObject *self, PyObject *args)
{
    PyObject *object;
    PyObject *given;
    PyObject *otherwise = NULL;
    (void)self;
    if (!PyArg_ParseTuple(args, "OO|O:getattr", &object, &given, &otherwise))
        return NULL;
    PyObject *name = guest_checked_name(given);
    PyObject *value = name ? PyObject_GetAttr(object, name) : NULL;
    Py_XDECREF(name);
    if (value || !name || !otherwise || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return value;
    PyErr_Clear();
    return Py_NewRef(otherwise);
}

static PyObject *set_attribute(PyObject *self, PyObject *args)
{
    PyObject *object;
    PyObject *given;
    PyObject *value = NULL; /* none: delattr */
    (void)self;
    if (!PyArg_ParseTuple(args, "OO|O", &object, &given, &value))
        return NULL;
    PyObject *name = guest_checked_name(given);
    const char *text = name ? PyUnicode_AsUTF8(name) : NULL;
    int r = text && guest_check_attribute_store(object, text) == 0 ? PyObject_SetAttr(object, name, value) : -1;
    Py_XDECREF(name);
    return r == 0 ? Py_NewRef(Py_None) : NULL;
}

static PyMethodDef guards[] = {
    {"delattr", set_attribute, METH_VARARGS, NULL},
    {"getattr", get_attribute, METH_VARARGS, NULL},
    {"print", (PyCFunction)(void (*)(void))print, METH_VARARGS | METH_KEYWORDS, NULL},
    {"setattr", set_attribute, METH_VARARGS, NULL}};

int guest_add_guards(PyObject *builtins)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < BJ_COUNT(guards); i++) {
        if (strcmp(guards[i].ml_name, "print") == 0 && guest_has_feature(BJ_FEATURE_STDOUT))
            continue;
        PyObject *guard = PyCFunction_New(&guards[i], NULL);
        r = guard ? PyDict_SetItemString(builtins, guards[i].ml_name, guard) : -1;
        Py_XDECREF(guard);
    }
    return r == 0 ? guest_add_write_guards(builtins) : r;
}
