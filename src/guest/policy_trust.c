/* Which code is the library's, and when it may do what the snippet may not.
 * Its own file because every other part asks, and the answer is the policy's only exception.
 * Changes when: code of the library is known in another way.
 *
 * Modules run with the real built-ins, whoever calls them; the snippet's functions never do, and cannot get them. That alone is
 * not enough: string.Formatter reads attributes that its caller names. So only a call through a trusted function counts, and in
 * it only frames of the library with none of the snippet's between them and that door: what a callback of the snippet's calls
 * has no rights again. When the snippet is over, our own telling of it is such a call. */
#include "policy.h"

#include <frameobject.h>
#include <structmember.h>

#define LIBRARY_RECURSION                                                                                      \
    1000 /* Python's own; importing and compiling patterns nest deeper than snippets may */

static _Thread_local int depth;
static _Thread_local PyFrameObject
    *door; /* that called the innermost trusted function; it lives while that runs */

bool guest_is_library(void)
{
    return PyEval_GetBuiltins() == guest_policy.originals;
}

static bool is_frame_of_library(PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030b0000
    PyObject *builtins = PyFrame_GetBuiltins(frame);
    Py_XDECREF(builtins); /* the frame keeps them */
    return builtins == guest_policy.originals;
#else
    return frame->f_builtins == guest_policy.originals;
#endif
}

/* From the frame that runs up to the door. */
static bool is_way_clear(void)
{
    PyFrameObject *frame = (PyFrameObject *)Py_XNewRef((PyObject *)PyEval_GetFrame());
    bool clear = true;
    while (frame && frame != door && clear) {
        clear = is_frame_of_library(frame);
        PyFrameObject *outer = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = outer;
    }
    Py_XDECREF((PyObject *)frame);
    return clear;
}

bool guest_is_trusted(void)
{
    return (depth > 0 || guest_policy.over) && guest_is_library() && is_way_clear();
}

struct guest_door guest_trust_begin(void)
{
    struct guest_door before = {door};
    door = PyEval_GetFrame(); /* borrowed */
    if (depth++ == 0 && guest_policy.recursion_limit < LIBRARY_RECURSION)
        Py_SetRecursionLimit(LIBRARY_RECURSION);
    return before;
}

void guest_trust_end(struct guest_door before)
{
    door = before.frame;
    if (--depth == 0 && !guest_policy.over)
        Py_SetRecursionLimit(guest_policy.recursion_limit);
}

/* By the built-ins that it was made with. */
static bool is_of_library(PyObject *function)
{
    PyObject *globals = PyFunction_GetGlobals(function); /* borrowed, like builtins */
    PyObject *builtins = PyDict_GetItemString(globals, "__builtins__");
    if (builtins && PyModule_Check(builtins))
        builtins = PyModule_GetDict(builtins);
    return builtins == guest_policy.originals;
}

struct trusted {
    PyObject ob_base;
    PyObject *function, *name, *doc;
};

/* dataclass(order=True) and contextmanager(f) come to functions of the library's: they are doors like the first one. Takes the
 * reference, also NULL. */
static PyObject *as_door(PyObject *value)
{
    if (!value || !PyFunction_Check(value) || !is_of_library(value))
        return value;
    PyObject *made = guest_trusted_function(value);
    Py_DECREF(value);
    return made;
}

static PyObject *call(PyObject *self, PyObject *args, PyObject *keywords)
{
    struct guest_door before = guest_trust_begin();
    PyObject *result = PyObject_Call(((struct trusted *)self)->function, args, keywords);
    guest_trust_end(before);
    return as_door(result);
}

static PyObject *bind(PyObject *self, PyObject *object, PyObject *type)
{
    (void)type;
    return object && object != Py_None ? PyMethod_New(self, object) : Py_NewRef(self);
}

/* Functions have attributes of their own: singledispatch puts its register there. What is hidden of a function stays hidden. */
static PyObject *get(PyObject *self, PyObject *name)
{
    PyObject *value = PyObject_GenericGetAttr(self, name);
    if (value || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return value;
    const char *text = PyUnicode_AsUTF8(name);
    if (!text || (text[0] == '_' && text[1] == '_' && strcmp(text, "__module__") != 0))
        return NULL; /* not even for the library: inspect would hand on what it sees */
    PyErr_Clear();
    return as_door(PyObject_GetAttr(((struct trusted *)self)->function, name));
}

static int set(PyObject *self, PyObject *name, PyObject *value)
{
    (void)name;
    (void)value;
    (void)self;
    (void)guest_deny(guest_sandbox_error, NULL, "change of a function of the library", "Read only object");
    return -1;
}

/* A door equals what is behind it: typing looks for NamedTuple, a function, among the bases of a class. */
static PyObject *compare(PyObject *self, PyObject *other, int operation)
{
    PyObject *behind = Py_TYPE(other) == Py_TYPE(self) ? ((struct trusted *)other)->function : other;
    return PyObject_RichCompare(((struct trusted *)self)->function, behind, operation);
}

static Py_hash_t hash(PyObject *self)
{
    return PyObject_Hash(((struct trusted *)self)->function);
}

static PyObject *show(PyObject *self)
{
    return PyUnicode_FromFormat("<function %S>", ((struct trusted *)self)->name);
}

static PyMemberDef members[] = {{"__name__", T_OBJECT, offsetof(struct trusted, name), READONLY, NULL},
                                {"__qualname__", T_OBJECT, offsetof(struct trusted, name), READONLY, NULL},
                                {"__doc__", T_OBJECT, offsetof(struct trusted, doc), READONLY, NULL},
                                {0}};

static PyTypeObject trusted_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "function",
                                    .tp_basicsize = sizeof(struct trusted),
                                    .tp_flags = Py_TPFLAGS_DEFAULT,
                                    .tp_call = call,
                                    .tp_repr = show,
                                    .tp_members = members,
                                    .tp_hash = hash,
                                    .tp_richcompare = compare,
                                    .tp_descr_get = bind,
                                    .tp_getattro = get,
                                    .tp_setattro = set};

PyObject *guest_trusted_function(PyObject *function)
{
    if (PyType_Ready(&trusted_type) < 0)
        return NULL;
    struct trusted *trusted = PyObject_New(struct trusted, &trusted_type);
    if (!trusted)
        return NULL;
    trusted->function = Py_NewRef(function);
    trusted->name = PyObject_GetAttrString(function, "__name__");
    trusted->doc = PyObject_GetAttrString(function, "__doc__");
    PyErr_Clear();
    if (!trusted->name)
        trusted->name = Py_NewRef(Py_None);
    if (!trusted->doc)
        trusted->doc = Py_NewRef(Py_None);
    return (PyObject *)trusted;
}
