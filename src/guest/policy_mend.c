/* Faults of CPython that give a snippet the interpreter's memory, and with it everything that a policy keeps from it.
 * Its own file because these go when the interpreter is mended, and the policy stays.
 * Changes when: another one is found, or the oldest interpreter that we support has none of them.
 *
 * bytearray looks where to write, and only then asks a value for its number (__index__), which may have shrunk the buffer
 * meanwhile (gh-91153, gh-142560). Here the number is asked for first.
 * "except*" takes whatever a group's split() returns for the pair that it should be (CVE-2025-22153, 3.11 to 3.13). Here nobody
 * can put another one in its place: not a class, not an attribute of a group, not an assignment to the type. */
#include "policy.h"

static objobjargproc set_item;
static objobjproc contains;

/* A number where there is one, or else the object itself; NULL: its __index__ failed. */
static PyObject *as_number(PyObject *object)
{
    if (!object || PyLong_CheckExact(object) || !PyIndex_Check(object))
        return object ? Py_NewRef(object) : NULL;
    return PyNumber_Index(object);
}

static int set_item_of_numbers(PyObject *self, PyObject *key, PyObject *value)
{
    PyObject *index = as_number(key);
    PyObject *number = index ? as_number(value) : NULL;
    int r = index && (number || !value) ? set_item(self, index, number) : -1;
    Py_XDECREF(number);
    Py_XDECREF(index);
    return r;
}

static int contains_number(PyObject *self, PyObject *value)
{
    PyObject *number = as_number(value);
    int r = number ? contains(self, number) : -1;
    Py_XDECREF(number);
    return r;
}

/* ---- methods ---------------------------------------------------------------------------------------- */

struct mended {
    PyObject ob_base;
    PyObject *original;
};

/* All but the first, which is the bytearray. */
static PyObject *as_numbers(PyObject *args)
{
    PyObject *numbers = PyList_New(0);
    for (Py_ssize_t i = 0; numbers && i < PyTuple_GET_SIZE(args); i++) {
        PyObject *given = PyTuple_GET_ITEM(args, i);
        PyObject *number = i == 0 ? Py_NewRef(given) : as_number(given);
        if (!number || PyList_Append(numbers, number) < 0)
            Py_CLEAR(numbers);
        Py_XDECREF(number);
    }
    PyObject *tuple = numbers ? PyList_AsTuple(numbers) : NULL;
    Py_XDECREF(numbers);
    return tuple;
}

static PyObject *call(PyObject *self, PyObject *args, PyObject *keywords)
{
    PyObject *numbers = as_numbers(args);
    PyObject *result = numbers ? PyObject_Call(((struct mended *)self)->original, numbers, keywords) : NULL;
    Py_XDECREF(numbers);
    return result;
}

static PyObject *get(PyObject *self, PyObject *object, PyObject *type)
{
    (void)type;
    return object ? PyMethod_New(self, object) : Py_NewRef(self);
}

static PyTypeObject mended_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "method_descriptor",
                                   .tp_basicsize = sizeof(struct mended), .tp_flags = Py_TPFLAGS_DEFAULT,
                                   .tp_call = call, .tp_descr_get = get};

static int mend_method(PyObject *dict, const char *name)
{
    PyObject *original = PyDict_GetItemString(dict, name); /* borrowed */
    struct mended *mended = original ? PyObject_New(struct mended, &mended_type) : NULL;
    if (!mended)
        return -1;
    mended->original = Py_NewRef(original);
    int r = PyDict_SetItemString(dict, name, (PyObject *)mended);
    Py_DECREF(mended);
    return r;
}

#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030e0000
static PyObject *own_split; /* owned, for good */

static PyObject *get_split(PyObject *self, void *unused)
{
    (void)unused;
    return Py_TYPE(own_split)->tp_descr_get(own_split, self, (PyObject *)Py_TYPE(self));
}

static void close_type(PyTypeObject *type)
{
    type->tp_flags &= ~Py_TPFLAGS_BASETYPE;
    type->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE;
    PyType_Modified(type);
}

/* A descriptor with a setter, which refuses, goes before an attribute of the group's own (Descriptor Guide, "Invocation from an
 * instance"). */
static int mend_groups(void)
{
    static PyGetSetDef split = {.name = "split", .get = get_split};
    PyTypeObject *base = (PyTypeObject *)PyExc_BaseExceptionGroup;
    PyObject *group = PyDict_GetItemString(PyEval_GetBuiltins(), "ExceptionGroup"); /* borrowed */
    PyObject *dict = guest_type_dict(base);
    own_split = Py_XNewRef(PyDict_GetItemString(dict, "split"));
    PyObject *descriptor = own_split ? PyDescr_NewGetSet(base, &split) : NULL;
    int r = group && PyType_Check(group) && descriptor ? PyDict_SetItemString(dict, "split", descriptor) : -1;
    Py_XDECREF(descriptor);
    if (r < 0)
        return -1;
    close_type(base);
    close_type((PyTypeObject *)group);
    return 0;
}
#else
static int mend_groups(void)
{
    return 0;
}
#endif

int guest_mend_interpreter(void)
{
    static const char *const methods[] = {"append", "count",        "find",        "index",
                                          "insert", "pop",          "remove",      "rfind",
                                          "rindex", "__contains__", "__delitem__", "__setitem__"};
    PyObject *dict = guest_type_dict(&PyByteArray_Type);
    int r = PyType_Ready(&mended_type);
    for (size_t i = 0; r == 0 && i < BJ_COUNT(methods); i++)
        r = mend_method(dict, methods[i]);
    set_item = PyByteArray_Type.tp_as_mapping->mp_ass_subscript;
    contains = PyByteArray_Type.tp_as_sequence->sq_contains;
    PyByteArray_Type.tp_as_mapping->mp_ass_subscript = set_item_of_numbers;
    PyByteArray_Type.tp_as_sequence->sq_contains = contains_number;
    PyType_Modified(&PyByteArray_Type);
    return r == 0 ? mend_groups() : r;
}
