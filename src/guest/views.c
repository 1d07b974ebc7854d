/* Dictionaries and lists that cannot be changed: what the host gave to be looked at, and the built-ins of a policy.
 * Its own file because it makes two types and fills them, and knows no policy but for what a change is answered with.
 * Changes when: a change can be tried in another way.
 *
 * By the methods of their bases (list.append(view, 1)) they can be changed all the same: that is the guest's own copy, and the
 * host's value stays what it is. A policy closes that way as well (policy_readonly.c), at the cost of slower methods. */
#include "policy.h"

static PyTypeObject *dict_type, *list_type; /* owned; made once */

/* Under a policy it is a denial as any other, and counted. */
PyObject *guest_refuse_change(PyObject *self, PyObject *args, PyObject *keywords)
{
    bool dict = PyDict_Check(self);
    (void)args;
    (void)keywords;
    if (guest_policy.builtins)
        return guest_deny(guest_sandbox_error, NULL,
                          dict ? "change of a read-only dict" : "change of a read-only list",
                          "Read only object");
    return PyErr_Format(PyExc_TypeError,
                        "this %s is a read-only view of what the host gave; change a copy of it",
                        dict ? "dict" : "list");
}

static int refuse_item(PyObject *self, PyObject *key, PyObject *value)
{
    (void)key;
    (void)value;
    (void)guest_refuse_change(self, NULL, NULL);
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
    return guest_refuse_change(self, other, NULL);
}

static PyObject *refuse_repeat(PyObject *self, Py_ssize_t count)
{
    (void)count;
    return guest_refuse_change(self, NULL, NULL);
}

#define REFUSED(name)                                                                                          \
    {                                                                                                          \
        name, (PyCFunction)(void (*)(void))guest_refuse_change, METH_VARARGS | METH_KEYWORDS, NULL             \
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

/* copy and pickle make what can be changed of it. */
static PyObject *reduce(PyObject *self, PyObject *protocol)
{
    (void)protocol;
    PyObject *base = (PyObject *)(PyDict_Check(self) ? &PyDict_Type : &PyList_Type);
    PyObject *plain = PyDict_Check(self) ? PyDict_Copy(self) : PyList_GetSlice(self, 0, PyList_GET_SIZE(self));
    return plain ? Py_BuildValue("(O(N))", base, plain) : NULL;
}

static PyMethodDef dict_methods[] = {{"__missing__", missing, METH_O, NULL},
                                     {"__reduce_ex__", reduce, METH_O, NULL},
                                     REFUSED("clear"),
                                     REFUSED("pop"),
                                     REFUSED("popitem"),
                                     REFUSED("setdefault"),
                                     REFUSED("update"),
                                     {0}};
static PyMethodDef list_methods[] = {{"__reduce_ex__", reduce, METH_O, NULL},
                                     REFUSED("append"),
                                     REFUSED("clear"),
                                     REFUSED("extend"),
                                     REFUSED("insert"),
                                     REFUSED("pop"),
                                     REFUSED("remove"),
                                     REFUSED("reverse"),
                                     REFUSED("sort"),
                                     {0}};

int guest_warm_views(void)
{
    if (dict_type && list_type)
        return 0;
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

bool guest_is_view(PyObject *object)
{
    return dict_type && (Py_TYPE(object) == dict_type || Py_TYPE(object) == list_type);
}

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

int guest_give_views(PyObject *values, PyObject *globals)
{
    PyObject *key;
    PyObject *value;
    Py_ssize_t position = 0;
    int r = values ? guest_warm_views() : 0;
    while (r == 0 && values && PyDict_Next(values, &position, &key, &value)) {
        PyObject *view = guest_read_only(value);
        r = view ? PyDict_SetItem(globals, key, view) : -1;
        Py_XDECREF(view);
    }
    return r;
}
