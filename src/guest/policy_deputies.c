/* Functions of the module operator that read and store what a snippet names: at the level "restricted" they hold to its rules.
 * Its own file because each does for the snippet what its text may not say, and is found by what it is, in any listed module.
 * Changes when: Python has another function in C that is given the name of an attribute, or stores an item. */
#include "policy.h"

static PyObject *call_original(PyObject *original, PyObject *args, PyObject *keywords)
{
    PyObject *result = args ? PyObject_Call(original, args, keywords) : NULL;
    Py_XDECREF(args);
    return result;
}

/* Each name of "a.b.c". */
static int check_path(PyObject *path)
{
    PyObject *dot = PyUnicode_FromString(".");
    PyObject *names = dot && PyUnicode_Check(path) ? PyUnicode_Split(path, dot, -1) : NULL;
    int r = names || !PyErr_Occurred() ? 0 : -1;
    for (Py_ssize_t i = 0; names && r == 0 && i < PyList_GET_SIZE(names); i++) {
        PyObject *name = guest_checked_name(PyList_GET_ITEM(names, i));
        r = name ? 0 : -1;
        Py_XDECREF(name);
    }
    Py_XDECREF(names);
    Py_XDECREF(dot);
    return r;
}

/* The texts that are checked are those that are used: a subclass of str may be another one for everybody who asks. */
static PyObject *exact_paths(PyObject *args)
{
    PyObject *paths = PyTuple_New(PyTuple_GET_SIZE(args));
    for (Py_ssize_t i = 0; paths && i < PyTuple_GET_SIZE(args); i++) {
        PyObject *given = PyTuple_GET_ITEM(args, i);
        PyObject *path = PyUnicode_Check(given) ? PyUnicode_FromObject(given) : Py_NewRef(given);
        if (!path || check_path(path) < 0) {
            Py_XDECREF(path);
            Py_CLEAR(paths);
        } else {
            PyTuple_SET_ITEM(paths, i, path);
        }
    }
    return paths;
}

static PyObject *attrgetter(PyObject *original, PyObject *args, PyObject *keywords)
{
    return call_original(original, exact_paths(args), keywords);
}

static PyObject *methodcaller(PyObject *original, PyObject *args, PyObject *keywords)
{
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (count == 0)
        return PyObject_Call(original, args, keywords); /* which says what it misses */
    PyObject *name = guest_checked_name(PyTuple_GET_ITEM(args, 0));
    PyObject *first = name ? PyTuple_Pack(1, name) : NULL;
    PyObject *rest = first ? PyTuple_GetSlice(args, 1, count) : NULL;
    PyObject *all = rest ? PySequence_Concat(first, rest) : NULL;
    Py_XDECREF(rest);
    Py_XDECREF(first);
    Py_XDECREF(name);
    return call_original(original, all, keywords);
}

static PyObject *store_item(PyObject *original, PyObject *args, PyObject *keywords)
{
    if (PyTuple_GET_SIZE(args) > 0 && guest_check_item_store(PyTuple_GET_ITEM(args, 0)) < 0)
        return NULL;
    return PyObject_Call(original, args, keywords);
}

#define DEPUTY(name, function)                                                                                 \
    {                                                                                                          \
        name, (PyCFunction)(void (*)(void))(function), METH_VARARGS | METH_KEYWORDS, NULL                      \
    }
static PyMethodDef deputies[] = {DEPUTY("attrgetter", attrgetter), DEPUTY("methodcaller", methodcaller),
                                 DEPUTY("setitem", store_item), DEPUTY("delitem", store_item)};

/* Each deputy has its original as its own, and hidden, __self__. */
PyObject *guest_deputy_for(PyObject *value)
{
    PyObject *name = PyUnicode_FromString("_operator");
    /* That it is looked for is enough: who has one of its functions has imported it. */
    PyObject *module = name && guest_policy.level == LEVEL_RESTRICTED ? PyImport_GetModule(name) : NULL;
    PyObject *result = NULL;
    for (size_t i = 0; module && !result && i < BJ_COUNT(deputies); i++) {
        PyObject *original = PyObject_GetAttrString(module, deputies[i].ml_name);
        if (original == value)
            result = PyCFunction_New(&deputies[i], original);
        Py_XDECREF(original);
    }
    Py_XDECREF(module);
    Py_XDECREF(name);
    if (!result && !PyErr_Occurred())
        result = Py_NewRef(value);
    return result;
}
