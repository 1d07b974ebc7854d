/* Dictionaries and lists that cannot be changed: the built-ins, and what the host gave.
 * Its own file because a subclass can be got round by the methods of its base, so both are dealt with here.
 * Changes when: a base type can be changed in another way. */
#include "policy.h"

static PyTypeObject *dict_type, *list_type; /* owned */

static PyObject *refuse(PyObject *self, PyObject *args, PyObject *keywords)
{
    (void)args;
    (void)keywords;
    return guest_deny(guest_sandbox_error, NULL,
                      PyDict_Check(self) ? "change of a read-only dict" : "change of a read-only list",
                      "Read only object");
}

static int refuse_item(PyObject *self, PyObject *key, PyObject *value)
{
    (void)key;
    (void)value;
    (void)refuse(self, NULL, NULL);
    return -1;
}

static int refuse_index(PyObject *self, Py_ssize_t index, PyObject *value)
{
    (void)index;
    return refuse_item(self, NULL, value);
}

static int refuse_init(PyObject *self, PyObject *args, PyObject *keywords)
{
    (void)args;
    return refuse_item(self, NULL, keywords);
}

static PyObject *refuse_operator(PyObject *self, PyObject *other)
{
    return refuse(self, other, NULL);
}

static PyObject *refuse_repeat(PyObject *self, Py_ssize_t count)
{
    (void)count;
    return refuse(self, NULL, NULL);
}

#define REFUSED(name)                                                                                          \
    {                                                                                                          \
        name, (PyCFunction)(void (*)(void))refuse, METH_VARARGS | METH_KEYWORDS, NULL                          \
    }
/* Of the built-ins, at the level "restricted": the name has the text that was printed so far. */
static PyObject *missing(PyObject *self, PyObject *key)
{
    bool printed = self == guest_policy.builtins && guest_policy.level == LEVEL_RESTRICTED &&
                   PyUnicode_CheckExact(key) && PyUnicode_CompareWithASCIIString(key, "printed") == 0;
    if (printed)
        return guest_printed();
    PyErr_SetObject(PyExc_KeyError, key);
    return NULL;
}

static PyMethodDef dict_methods[] = {{"__missing__", missing, METH_O, NULL},
                                     REFUSED("clear"),
                                     REFUSED("pop"),
                                     REFUSED("popitem"),
                                     REFUSED("setdefault"),
                                     REFUSED("update"),
                                     {0}};
static PyMethodDef list_methods[] = {REFUSED("append"),  REFUSED("clear"), REFUSED("extend"),
                                     REFUSED("insert"),  REFUSED("pop"),   REFUSED("remove"),
                                     REFUSED("reverse"), REFUSED("sort"),  {0}};

static int make_types(void)
{
    PyType_Slot dict_slots[] = {{Py_tp_methods, dict_methods},
                                {Py_tp_init, refuse_init},
                                {Py_mp_ass_subscript, refuse_item},
                                {Py_nb_inplace_or, refuse_operator},
                                {0, NULL}};
    PyType_Slot list_slots[] = {{Py_tp_methods, list_methods},
                                {Py_tp_init, refuse_init},
                                {Py_mp_ass_subscript, refuse_item},
                                {Py_sq_ass_item, refuse_index},
                                {Py_sq_inplace_concat, refuse_operator},
                                {Py_sq_inplace_repeat, refuse_repeat},
                                {0, NULL}};
    PyType_Spec dict_spec = {"__main__.ReadOnlyDict", 0, 0, Py_TPFLAGS_DEFAULT, dict_slots};
    PyType_Spec list_spec = {"__main__.ReadOnlyList", 0, 0, Py_TPFLAGS_DEFAULT, list_slots};
    PyObject *bases = PyTuple_Pack(1, &PyDict_Type);
    dict_type = bases ? (PyTypeObject *)PyType_FromSpecWithBases(&dict_spec, bases) : NULL;
    Py_XDECREF(bases);
    bases = PyTuple_Pack(1, &PyList_Type);
    list_type = bases ? (PyTypeObject *)PyType_FromSpecWithBases(&list_spec, bases) : NULL;
    Py_XDECREF(bases);
    return dict_type && list_type ? 0 : -1;
}

/* ---- the methods of the base: dict.update(view, ...) ------------------------------------------------ */

struct guarded {
    PyObject ob_base;
    PyObject *original;
};

static bool is_read_only(PyObject *object)
{
    return Py_TYPE(object) == dict_type || Py_TYPE(object) == list_type;
}

static PyObject *call_guarded(PyObject *self, PyObject *args, PyObject *keywords)
{
    if (PyTuple_GET_SIZE(args) > 0 && is_read_only(PyTuple_GET_ITEM(args, 0)))
        return refuse(PyTuple_GET_ITEM(args, 0), args, keywords);
    return PyObject_Call(((struct guarded *)self)->original, args, keywords);
}

static PyObject *get_guarded(PyObject *self, PyObject *object, PyObject *type)
{
    PyObject *original = ((struct guarded *)self)->original;
    if (!object || is_read_only(object))
        return object ? PyMethod_New(self, object) : Py_NewRef(self);
    return Py_TYPE(original)->tp_descr_get(original, object, type);
}

static PyTypeObject guarded_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "method_descriptor",
                                    .tp_basicsize = sizeof(struct guarded), .tp_flags = Py_TPFLAGS_DEFAULT,
                                    .tp_call = call_guarded, .tp_descr_get = get_guarded};

static int guard(PyTypeObject *type, const char *const *names)
{
    PyObject *dict = guest_type_dict(type);
    int r = PyType_Ready(&guarded_type);
    for (; r == 0 && *names; names++) {
        struct guarded *guarded = PyObject_New(struct guarded, &guarded_type);
        PyObject *original = PyDict_GetItemString(dict, *names); /* borrowed */
        if (!guarded || !original)
            return -1;
        guarded->original = Py_NewRef(original);
        r = PyDict_SetItemString(dict, *names, (PyObject *)guarded);
        Py_DECREF(guarded);
    }
    PyType_Modified(type);
    return r;
}

int guest_make_read_only_types(void)
{
    static const char *const of_dict[] = {"__init__", "__setitem__", "__delitem__", "__ior__", "clear",
                                          "pop",      "popitem",     "setdefault",  "update",  NULL};
    static const char *const of_list[] = {"__init__", "__setitem__", "__delitem__", "__iadd__", "__imul__",
                                          "append",   "clear",       "extend",      "insert",   "pop",
                                          "remove",   "reverse",     "sort",        NULL};
    if (make_types() < 0 || guard(&PyDict_Type, of_dict) < 0)
        return -1;
    return guard(&PyList_Type, of_list);
}

/* ---- views ------------------------------------------------------------------------------------------ */

static PyObject *new_of(PyTypeObject *type)
{
    PyObject *nothing = PyTuple_New(0);
    PyObject *object = nothing ? type->tp_base->tp_new(type, nothing, NULL) : NULL;
    Py_XDECREF(nothing);
    return object;
}

PyObject *guest_read_only_dict(PyObject *dict)
{
    PyObject *view = new_of(dict_type);
    if (view && PyDict_Update(view, dict) < 0)
        Py_CLEAR(view);
    return view;
}

/* NOLINTNEXTLINE(misc-no-recursion): bounded by Py_EnterRecursiveCall */
static PyObject *view_of_list(PyObject *list)
{
    PyObject *items = PyList_New(0);
    for (Py_ssize_t i = 0; items && i < PyList_GET_SIZE(list); i++) {
        PyObject *item = guest_read_only(PyList_GET_ITEM(list, i));
        if (!item || PyList_Append(items, item) < 0)
            Py_CLEAR(items);
        Py_XDECREF(item);
    }
    PyObject *view = items ? new_of(list_type) : NULL;
    if (view && PyList_SetSlice(view, 0, 0, items) < 0)
        Py_CLEAR(view);
    Py_XDECREF(items);
    return view;
}

/* NOLINTNEXTLINE(misc-no-recursion): bounded by Py_EnterRecursiveCall */
static PyObject *view_of_dict(PyObject *dict)
{
    PyObject *items = PyDict_New();
    PyObject *key;
    PyObject *value;
    Py_ssize_t position = 0;
    while (items && PyDict_Next(dict, &position, &key, &value)) {
        PyObject *item = guest_read_only(value);
        if (!item || PyDict_SetItem(items, key, item) < 0)
            Py_CLEAR(items);
        Py_XDECREF(item);
    }
    PyObject *view = items ? guest_read_only_dict(items) : NULL;
    Py_XDECREF(items);
    return view;
}

/* NOLINTNEXTLINE(misc-no-recursion): bounded by Py_EnterRecursiveCall */
PyObject *guest_read_only(PyObject *value)
{
    if (PyDict_CheckExact(value) || PyList_CheckExact(value)) {
        if (Py_EnterRecursiveCall(" in a value of the host"))
            return NULL;
        PyObject *view = PyDict_CheckExact(value) ? view_of_dict(value) : view_of_list(value);
        Py_LeaveRecursiveCall();
        return view;
    }
    return Py_NewRef(value);
}
