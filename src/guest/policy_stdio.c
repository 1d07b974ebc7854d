/* Standard streams that the policy does not give.
 * Its own file because print and input find them in sys, behind the snippet's back.
 * Changes when: a stream can be used in another way. */
#include "policy.h"

#include <stdio.h>

struct blocked {
    PyObject ob_base;
    const char *name; /* static */
};

static PyObject *do_nothing(PyObject *self, PyObject *args)
{
    (void)self;
    (void)args;
    return Py_NewRef(Py_None);
}

/* print and input flush what they do not write to, the library asks what a stream can do, and its warnings are nobody's: that is
 * no attempt. */
static PyObject *get(PyObject *self, PyObject *name)
{
    static PyMethodDef nothing = {"nothing", do_nothing, METH_VARARGS, NULL};
    const char *stream = ((struct blocked *)self)->name;
    const char *text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    char what[80];
    bool write = text && strcmp(text, "write") == 0;
    bool warning = write && strcmp(stream, "stderr") == 0 && guest_is_library();
    if (warning || (text && strcmp(text, "flush") == 0))
        return PyCFunction_New(&nothing, NULL);
    if (!write && guest_is_library())
        return PyErr_Format(PyExc_AttributeError, "sys.%s has no attribute '%S'", stream, name);
    (void)snprintf(what, sizeof(what), "sys.%s.%.50s", stream, text ? text : "?");
    PyErr_Clear();
    return guest_deny(guest_sandbox_error, stream, what, "Block access to %s", what);
}

static PyTypeObject blocked_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "blocked stream",
                                    .tp_basicsize = sizeof(struct blocked), .tp_flags = Py_TPFLAGS_DEFAULT,
                                    .tp_getattro = get};

static const struct {
    enum bj_feature feature;
    const char *name;
} streams[] = {{BJ_FEATURE_STDIN, "stdin"}, {BJ_FEATURE_STDOUT, "stdout"}, {BJ_FEATURE_STDERR, "stderr"}};
static PyObject *real[BJ_COUNT(streams)]; /* owned */

static int block(size_t i)
{
    struct blocked *blocked = PyObject_New(struct blocked, &blocked_type);
    PyObject *present = PySys_GetObject(streams[i].name); /* borrowed */
    if (!blocked)
        return -1;
    blocked->name = streams[i].name;
    real[i] = present ? Py_NewRef(present) : NULL;
    int r = PySys_SetObject(streams[i].name, (PyObject *)blocked);
    Py_DECREF(blocked);
    return r;
}

int guest_block_stdio(void)
{
    int r = PyType_Ready(&blocked_type);
    for (size_t i = 0; r == 0 && i < BJ_COUNT(streams); i++)
        if (!guest_has_feature(streams[i].feature))
            r = block(i);
    return r;
}

void guest_unblock_stdio(void)
{
    for (size_t i = 0; i < BJ_COUNT(streams); i++)
        if (real[i])
            (void)PySys_SetObject(streams[i].name, real[i]);
}
