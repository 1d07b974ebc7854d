/* What a snippet may change, at the level "restricted": RestrictedPython's full_write_guard.
 * Its own file because one rule answers a statement, setattr and a method of the interpreter's that stores.
 * Changes when: another kind of object may be changed, or something else stores.
 *
 * Attributes of objects of the snippet's own classes; items of these, of lists and of dicts. Functions, classes, modules,
 * exceptions and what the library made keep theirs: who is called by the snippet, or tells of it, finds them as they were. A
 * statement that stores asks a guard, which stands in its tree (policy_restricted.c) under a name that no text can have. */
#include "policy.h"

#include <stdio.h>

static PyObject
    *module_key; /* "__module__"; owned. Objects are asked at every store: it is not made anew each time */

/* An object of a class of the snippet's: a class statement notes its module in the class. What the guest itself made under that
 * module's name is none of it, and no class is one, whatever its metaclass. */
static bool is_own(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE) || PyType_Check(object) || guest_is_view(object) ||
        (PyObject *)type == guest_sandbox_error || guest_is_host_error(type))
        return false;
    PyObject *module = PyDict_GetItemWithError(guest_type_dict(type), module_key); /* borrowed */
    return module && PyUnicode_Check(module) && PyUnicode_CompareWithASCIIString(module, "__main__") == 0;
}

/* Of other modules' containers, those that hold and do nothing else; those that derive from list and dict are them. */
static bool is_container(PyObject *object)
{
    if (PyList_Check(object) || PyDict_Check(object))
        return true;
    static const char *const others[] = {"array.array", "bytearray", "collections.deque"};
    for (size_t i = 0; i < BJ_COUNT(others); i++)
        if (strcmp(Py_TYPE(object)->tp_name, others[i]) == 0)
            return true;
    return false;
}

int guest_check_attribute_store(PyObject *object, const char *name)
{
    char what[96];
    const char *type = Py_TYPE(object)->tp_name;
    if (is_own(object))
        return 0;
    (void)snprintf(what, sizeof(what), "change of %.40s.%.40s", type, name);
    (void)guest_deny(PyExc_TypeError, NULL, what,
                     "attribute-less object (assign or del): a snippet may change attributes of objects of its "
                     "own classes, not '%.100s' of a '%.100s'",
                     name, type);
    return -1;
}

int guest_check_item_store(PyObject *object)
{
    char what[96];
    const char *type = Py_TYPE(object)->tp_name;
    if (is_container(object) || is_own(object))
        return 0;
    (void)snprintf(what, sizeof(what), "change of an item of %.60s", type);
    (void)guest_deny(PyExc_TypeError, NULL, what,
                     "object does not support item or slice assignment: a snippet may change items of lists, "
                     "dicts and objects of its own classes, not of a '%.100s'",
                     type);
    return -1;
}

/* ---- guards of statements --------------------------------------------------------------------------- */

static PyObject *guard_attribute(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    const char *name = count == 2 ? PyUnicode_AsUTF8(args[1]) : NULL;
    if (!name)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "an object and a name are wanted");
    return guest_check_attribute_store(args[0], name) < 0 ? NULL : Py_NewRef(args[0]);
}

static PyObject *guard_item(PyObject *self, PyObject *object)
{
    (void)self;
    return guest_check_item_store(object) < 0 ? NULL : Py_NewRef(object);
}

int guest_add_write_guards(PyObject *builtins)
{
    static PyMethodDef guards[] = {
        {GUEST_ATTRIBUTE_GUARD, (PyCFunction)(void (*)(void))guard_attribute, METH_FASTCALL, NULL},
        {GUEST_ITEM_GUARD, guard_item, METH_O, NULL}};
    module_key = PyUnicode_InternFromString("__module__");
    int r = module_key ? 0 : -1;
    for (size_t i = 0; r == 0 && i < BJ_COUNT(guards); i++) {
        PyObject *guard = PyCFunction_New(&guards[i], NULL);
        r = guard ? PyDict_SetItemString(builtins, guards[i].ml_name, guard) : -1;
        Py_XDECREF(guard);
    }
    return r;
}

/* ---- methods of the interpreter's that store -------------------------------------------------------- */

static ternaryfunc call_unbound, call_bound;

/* No text can name them, but a function of the library that is given their name may hand one over. `object` is whose method it is;
 * `target` its first argument, which a descriptor changes; both may be NULL. */
static int check_method(const char *name, PyObject *object, PyObject *target)
{
    bool descriptor = strcmp(name, "__set__") == 0 || strcmp(name, "__delete__") == 0;
    if (strcmp(name, "__setitem__") == 0 || strcmp(name, "__delitem__") == 0)
        return object ? guest_check_item_store(object) : 0;
    if (!descriptor && strcmp(name, "__setattr__") != 0 && strcmp(name, "__delattr__") != 0)
        return 0;
    PyObject *changed = descriptor ? target : object;
    return changed ? guest_check_attribute_store(changed, name) : 0;
}

/* type.method(object, ...) */
static PyObject *call_of_type(PyObject *self, PyObject *args, PyObject *keywords)
{
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    PyObject *object = count > 0 ? PyTuple_GET_ITEM(args, 0) : NULL; /* borrowed, like target */
    PyObject *target = count > 1 ? PyTuple_GET_ITEM(args, 1) : NULL;
    bool denied =
        !guest_is_library() && check_method(((PyWrapperDescrObject *)self)->d_base->name, object, target) < 0;
    return denied ? NULL : call_unbound(self, args, keywords);
}

/* object.method(...): CPython keeps to itself what is in such a method, and shows these two. */
static PyObject *call_of_object(PyObject *self, PyObject *args, PyObject *keywords)
{
    if (guest_is_library())
        return call_bound(self, args, keywords);
    PyObject *object = PyObject_GetAttrString(self, "__self__");
    PyObject *name = object ? PyObject_GetAttrString(self, "__name__") : NULL;
    const char *text = name ? PyUnicode_AsUTF8(name) : NULL;
    PyObject *target = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : NULL; /* borrowed */
    int r = text ? check_method(text, object, target) : -1;
    Py_XDECREF(name);
    Py_XDECREF(object);
    return r == 0 ? call_bound(self, args, keywords) : NULL;
}

/* In the types of these methods, and not in each type that has one: a class whose base had another object in its place would
 * no longer inherit how the base stores. */
int guest_guard_storing_methods(void)
{
    PyObject *bound = PyObject_GetAttrString(Py_None, "__repr__");
    if (!bound)
        return -1;
    call_unbound = PyWrapperDescr_Type.tp_call;
    call_bound = Py_TYPE(bound)->tp_call;
    PyWrapperDescr_Type.tp_call = call_of_type;
    Py_TYPE(bound)->tp_call = call_of_object;
    Py_DECREF(bound);
    return 0;
}
