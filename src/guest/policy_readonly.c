/* The methods of dict and list, so that none of them changes a view: dict.update(view, ...).
 * Its own file because a subclass can be got round by the methods of its base, and only a policy minds.
 * Changes when: a base type can be changed in another way. */
#include "policy.h"

struct guarded {
    PyObject ob_base;
    PyObject *original;
};

static PyObject *call_guarded(PyObject *self, PyObject *args, PyObject *keywords)
{
    if (PyTuple_GET_SIZE(args) > 0 && guest_is_view(PyTuple_GET_ITEM(args, 0)))
        return guest_refuse_change(PyTuple_GET_ITEM(args, 0), args, keywords);
    return PyObject_Call(((struct guarded *)self)->original, args, keywords);
}

static PyObject *get_guarded(PyObject *self, PyObject *object, PyObject *type)
{
    PyObject *original = ((struct guarded *)self)->original;
    if (!object || guest_is_view(object))
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

int guest_guard_views(void)
{
    static const char *const of_dict[] = {"__init__", "__setitem__", "__delitem__", "__ior__", "clear",
                                          "pop",      "popitem",     "setdefault",  "update",  NULL};
    static const char *const of_list[] = {"__init__", "__setitem__", "__delitem__", "__iadd__", "__imul__",
                                          "append",   "clear",       "extend",      "insert",   "pop",
                                          "remove",   "reverse",     "sort",        NULL};
    if (guest_warm_views() < 0 || guard(&PyDict_Type, of_dict) < 0)
        return -1;
    return guard(&PyList_Type, of_list);
}
