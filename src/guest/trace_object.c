/* One object of the heap, as Python Tutor's pg_encoder writes it.
 * Its own file because it is the list of the kinds of objects that can be shown.
 * Changes when: another kind of object is shown in a form of its own.
 *
 * What a kind is, is asked of CPython's own types; a subclass is told like what it is made from, its methods are not called, and
 * no dictionary of the snippet's is searched, because a search may call its keys' __eq__: they are walked over. */
#include "trace.h"

#include <structmember.h>

/* Elements of one object, with commas before them: their heads stand before the first. */
struct elements {
    struct trace_heap *heap;
    struct sheet *sheet;
    size_t count;
};

/* False: it is not told, nor are those behind it. */
static bool next_element(struct elements *elements)
{
    if (elements->count == TRACE_ELEMENTS)
        guest_heap_leave_out(elements->heap, elements->sheet);
    return elements->count++ < TRACE_ELEMENTS;
}

static void add_element(struct elements *elements, PyObject *value)
{
    if (!next_element(elements))
        return;
    guest_sheet_add(elements->sheet, ", ");
    guest_heap_value(elements->heap, elements->sheet, value);
}

static void add_pair(struct elements *elements, PyObject *key, PyObject *value)
{
    if (!next_element(elements))
        return;
    guest_sheet_add(elements->sheet, ", [");
    guest_heap_value(elements->heap, elements->sheet, key);
    guest_sheet_add(elements->sheet, ", ");
    guest_heap_value(elements->heap, elements->sheet, value);
    guest_sheet_add(elements->sheet, "]");
}

static void add_array(struct elements *elements, PyObject *const *items, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count && elements->count <= TRACE_ELEMENTS; i++)
        add_element(elements, items[i]);
}

static void add_set(struct elements *elements, PyObject *set)
{
    PyObject *iterator = PySet_Type.tp_iter(set); /* set's own, of a subclass as well */
    PyObject *item = NULL;
    while (iterator && elements->count <= TRACE_ELEMENTS &&
           (item = Py_TYPE(iterator)->tp_iternext(iterator)) != NULL) {
        add_element(elements, item);
        Py_DECREF(item); /* the set has it */
    }
    Py_XDECREF(iterator);
}

/* own: also the names that Python makes by itself. */
static void add_dict(struct elements *elements, PyObject *dict, bool own)
{
    PyObject *key;
    PyObject *value;
    Py_ssize_t position = 0;
    while (elements->count <= TRACE_ELEMENTS && PyDict_Next(dict, &position, &key, &value))
        if (own || !PyUnicode_CheckExact(key) || !guest_name_is_pythons(key))
            add_pair(elements, key, value);
}

/* Without asking anybody: the value of a dictionary's key that is such a text. Borrowed; NULL: there is none. */
static PyObject *walk_to(PyObject *dict, const char *name)
{
    PyObject *key;
    PyObject *value;
    Py_ssize_t position = 0;
    while (dict && PyDict_Next(dict, &position, &key, &value))
        if (PyUnicode_CheckExact(key) && PyUnicode_CompareWithASCIIString(key, name) == 0)
            return value;
    return NULL;
}

/* ---- classes and instances -------------------------------------------------------------------------- */

static bool is_python_class(const PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE;
}

static void write_class(struct elements *elements, PyTypeObject *type)
{
    struct sheet *sheet = elements->sheet;
    bool first = true;
    guest_sheet_add(sheet, "[\"CLASS\", \"");
    guest_type_name(sheet, type);
    guest_sheet_add(sheet, "\", [");
    for (Py_ssize_t i = 0; type->tp_bases && i < PyTuple_GET_SIZE(type->tp_bases); i++) {
        PyObject *base = PyTuple_GET_ITEM(type->tp_bases, i);
        if (base == (PyObject *)&PyBaseObject_Type || !PyType_Check(base))
            continue;
        guest_sheet_comma(sheet, &first);
        guest_sheet_add(sheet, "\"");
        guest_type_name(sheet, (PyTypeObject *)base);
        guest_sheet_add(sheet, "\"");
    }
    guest_sheet_add(sheet, "]");
    PyObject *module = is_python_class(type) ? walk_to(type->tp_dict, "__module__") : NULL;
    if (module && PyUnicode_Check(module) && PyUnicode_CompareWithASCIIString(module, "__main__") == 0)
        add_dict(elements, type->tp_dict, false);
    guest_sheet_add(sheet, "]");
}

/* What __slots__ made of the class. A descriptor could also have been put there from another class. */
static void add_slots(struct elements *elements, PyObject *object, const PyTypeObject *type)
{
    PyObject *key;
    PyObject *member;
    Py_ssize_t position = 0;
    while (PyDict_Next(type->tp_dict, &position, &key, &member)) {
        if (!Py_IS_TYPE(member, &PyMemberDescr_Type) || PyDescr_TYPE(member) != type)
            continue;
        PyMemberDef *definition = ((PyMemberDescrObject *)member)->d_member;
        PyObject *value =
            definition->type == T_OBJECT_EX ? PyMember_GetOne((const char *)object, definition) : NULL;
        if (value)
            add_pair(elements, PyDescr_NAME(member), value);
        Py_XDECREF(value); /* the object has it */
        PyErr_Clear();
    }
}

/* The attributes; false: of such objects there are none to see. Before 3.10 a type that only CPython itself uses may never have been
 * made ready, and has no mro: what an asynchronous generator yields is wrapped in such an object. */
static bool add_attributes(struct elements *elements, PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject *dict = type->tp_dictoffset != 0 ? PyObject_GenericGetDict(object, NULL) : NULL;
    PyErr_Clear();
    bool own = is_python_class(type);
    bool seen =
        own ? dict || walk_to(type->tp_dict, "__slots__") : dict && PyDict_Check(dict) && PyDict_Size(dict) > 0;
    for (Py_ssize_t i = seen && type->tp_mro ? PyTuple_GET_SIZE(type->tp_mro) : 0; i > 0; i--) {
        const PyTypeObject *base = (const PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i - 1);
        if (is_python_class(base) && walk_to(base->tp_dict, "__slots__"))
            add_slots(elements, object, base);
    }
    if (dict && PyDict_Check(dict))
        add_dict(elements, dict, true);
    Py_XDECREF(dict); /* the object has it */
    return seen;
}

static void write_other(struct elements *elements, PyObject *object)
{
    struct sheet *sheet = elements->sheet;
    guest_sheet_add(sheet, "[\"");
    guest_type_name(sheet, Py_TYPE(object));
    guest_sheet_add(sheet, "\", \"<");
    guest_type_name(sheet, Py_TYPE(object));
    guest_sheet_add(sheet, " object>\"]");
}

/* If there are no attributes to see, what was begun is taken back. */
static void write_instance(struct elements *elements, PyObject *object)
{
    struct sheet *sheet = elements->sheet;
    size_t length = sheet->bytes.length;
    bool exception = PyExceptionInstance_Check(object);
    guest_sheet_add(sheet, "[\"INSTANCE\", \"");
    guest_type_name(sheet, Py_TYPE(object));
    guest_sheet_add(sheet, "\"");
    if (exception && ((PyBaseExceptionObject *)object)->args) {
        guest_sheet_add(sheet, ", [\"args\", ");
        guest_heap_value(elements->heap, sheet, ((PyBaseExceptionObject *)object)->args);
        guest_sheet_add(sheet, "]");
    }
    if (add_attributes(elements, object) || exception) {
        guest_sheet_add(sheet, "]");
    } else if (!sheet->full) {
        sheet->bytes.length = length;
        write_other(elements, object);
    }
}

/* A namedtuple's fields, or NULL. */
static PyObject *fields_of(PyObject *tuple)
{
    PyTypeObject *type = Py_TYPE(tuple);
    PyObject *fields = is_python_class(type) ? walk_to(type->tp_dict, "_fields") : NULL;
    bool whole = fields && PyTuple_CheckExact(fields) && PyTuple_GET_SIZE(fields) == PyTuple_GET_SIZE(tuple);
    return whole ? fields : NULL;
}

static void write_fields(struct elements *elements, PyObject *tuple, PyObject *fields)
{
    guest_sheet_add(elements->sheet, "[\"INSTANCE\", \"");
    guest_type_name(elements->sheet, Py_TYPE(tuple));
    guest_sheet_add(elements->sheet, "\"");
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++)
        add_pair(elements, PyTuple_GET_ITEM(fields, i), PyTuple_GET_ITEM(tuple, i));
}

static void write_tuple(struct elements *elements, PyObject *tuple)
{
    PyObject *fields = fields_of(tuple);
    if (fields) {
        write_fields(elements, tuple, fields);
    } else {
        guest_sheet_add(elements->sheet, "[\"TUPLE\"");
        add_array(elements, ((PyTupleObject *)tuple)->ob_item, PyTuple_GET_SIZE(tuple));
    }
    guest_sheet_add(elements->sheet, "]");
}

/* ---- functions, and what is told by name ------------------------------------------------------------ */

static PyObject *variable_names(PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030b0000
    return PyCode_GetVarnames(code);
#else
    return Py_NewRef(code->co_varnames);
#endif
}

static void write_parameters(struct sheet *sheet, PyCodeObject *code)
{
    PyObject *names = variable_names(code);
    Py_ssize_t plain = code->co_argcount;
    Py_ssize_t named = plain + code->co_kwonlyargcount;
    Py_ssize_t rest = named + (code->co_flags & CO_VARARGS ? 1 : 0);
    Py_ssize_t count = names ? rest + (code->co_flags & CO_VARKEYWORDS ? 1 : 0) : 0;
    bool first = true;
    for (Py_ssize_t i = 0; i < count && i < TRACE_ELEMENTS; i++) {
        /* In the code *args stands behind those that are only given by name; in a head before them. */
        bool swapped = rest > named && i >= plain && i < rest;
        Py_ssize_t at = !swapped ? i : i == plain ? named : i - 1;
        guest_sheet_comma(sheet, &first);
        guest_sheet_add(sheet, at >= rest ? "**" : at >= named ? "*" : "");
        guest_sheet_inside(sheet, PyTuple_GET_ITEM(names, at), SHEET_NAME);
    }
    Py_XDECREF(names);
    PyErr_Clear();
}

static void write_function(struct elements *elements, PyObject *object, PyObject *function)
{
    struct sheet *sheet = elements->sheet;
    PyCodeObject *code = (PyCodeObject *)PyFunction_GetCode(function);
    PyObject *name = ((PyFunctionObject *)function)->func_name;
    guest_sheet_add(sheet, "[\"FUNCTION\", \"");
    guest_sheet_inside(sheet, name, SHEET_NAME);
    guest_sheet_add(sheet, "(");
    write_parameters(sheet, code);
    guest_sheet_add(sheet, ")");
    if (PyUnicode_CompareWithASCIIString(name, "<lambda>") == 0)
        guest_sheet_printf(sheet, " <line %d>", code->co_firstlineno);
    guest_sheet_add(sheet, "\", ");
    guest_heap_parent(elements->heap, sheet, object);
    guest_sheet_add(sheet, "]");
}

static void write_builtin(struct elements *elements, PyObject *function)
{
    guest_sheet_add(elements->sheet, "[\"FUNCTION\", \"");
    guest_sheet_name(elements->sheet, ((PyCFunctionObject *)function)->m_ml->ml_name);
    guest_sheet_add(elements->sheet, "(...)\", null]");
}

static void write_module(struct elements *elements, PyObject *module)
{
    PyObject *name = walk_to(PyModule_GetDict(module), "__name__");
    guest_sheet_add(elements->sheet, "[\"module\", \"");
    if (name && PyUnicode_Check(name))
        guest_sheet_inside(elements->sheet, name, SHEET_NAME);
    guest_sheet_add(elements->sheet, "\"]");
}

static void write_repr(struct elements *elements, const char *type, PyObject *text)
{
    guest_sheet_printf(elements->sheet, "[\"%s\", ", type);
    if (text)
        guest_sheet_text(elements->sheet, text, TRACE_MESSAGE);
    else
        guest_sheet_add(elements->sheet, "\"...\"");
    guest_sheet_add(elements->sheet, "]");
    Py_XDECREF(text);
    PyErr_Clear();
}

static void write_bytes(struct elements *elements, const char *type, const char *bytes, Py_ssize_t length)
{
    PyObject *shown = PyBytes_FromStringAndSize(bytes, length < TRACE_TEXT ? length : TRACE_TEXT);
    PyObject *text = shown ? PyBytes_Type.tp_repr(shown) : NULL;
    if (text && length > TRACE_TEXT)
        PyUnicode_AppendAndDel(&text, PyUnicode_FromString("\xe2\x80\xa6"));
    Py_XDECREF(shown);
    write_repr(elements, type, text);
}

/* ---- entry ------------------------------------------------------------------------------------------ */

/* Those whose repr is all that there is to them, and calls nobody's. False: it is none of them. */
static bool write_scalar(struct elements *elements, PyObject *object)
{
    if (PyBytes_Check(object))
        write_bytes(elements, "bytes", PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object));
    else if (PyByteArray_Check(object))
        write_bytes(elements, "bytearray", PyByteArray_AS_STRING(object), PyByteArray_GET_SIZE(object));
    else if (PyComplex_Check(object))
        write_repr(elements, "complex", PyComplex_Type.tp_repr(object));
    else if (PyLong_Check(object))
        guest_sheet_add(elements->sheet, "[\"int\", \"an int of more than 308 digits\"]");
#if PY_VERSION_HEX >= 0x030a0000 /* before, its bounds could be of a subclass of int */
    else if (PyRange_Check(object))
        write_repr(elements, "range", PyRange_Type.tp_repr(object));
#endif
    else
        return false;
    return true;
}

/* The Python function that it is or wraps, borrowed; NULL: it is something else. Of a subclass nothing is asked: what it is asked
 * by could be the snippet's own. */
static PyObject *function_of(PyObject *object)
{
    PyObject *function = object;
    if (PyMethod_Check(object)) {
        function = PyMethod_GET_FUNCTION(object);
    } else if (Py_IS_TYPE(object, &PyStaticMethod_Type) || Py_IS_TYPE(object, &PyClassMethod_Type)) {
        PyObject *name = PyUnicode_FromString("__func__");
        function = name ? PyObject_GenericGetAttr(object, name) : NULL;
        Py_XDECREF(function); /* the object has it */
        Py_XDECREF(name);
        PyErr_Clear();
    }
    return function && PyFunction_Check(function) ? function : NULL;
}

static bool write_callable(struct elements *elements, PyObject *object)
{
    PyObject *function = function_of(object);
    if (function)
        write_function(elements, object, function);
    else if (PyCFunction_Check(object))
        write_builtin(elements, object);
    else
        return false;
    return true;
}

void guest_object_write(struct trace_heap *heap, struct sheet *sheet, PyObject *object)
{
    struct elements elements = {.heap = heap, .sheet = sheet};
    if (PyList_Check(object)) {
        guest_sheet_add(sheet, "[\"LIST\"");
        add_array(&elements, ((PyListObject *)object)->ob_item, PyList_GET_SIZE(object));
    } else if (PyDict_Check(object)) {
        guest_sheet_add(sheet, "[\"DICT\"");
        add_dict(&elements, object, true);
    } else if (PyAnySet_Check(object)) {
        guest_sheet_add(sheet, "[\"SET\"");
        add_set(&elements, object);
    } else {
        if (PyTuple_Check(object))
            write_tuple(&elements, object);
        else if (PyType_Check(object))
            write_class(&elements, (PyTypeObject *)object);
        else if (PyModule_Check(object))
            write_module(&elements, object);
        else if (!write_callable(&elements, object) && !write_scalar(&elements, object))
            write_instance(&elements, object);
        return;
    }
    guest_sheet_add(sheet, "]");
}
