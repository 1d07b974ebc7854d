/* The snippet's __import__, and the modules that it gives: views with the names that the policy lists.
 * Its own file because a module is a door to all others, and this is the only one that opens.
 * Changes when: something else of a module may be had.
 *
 * The real module is imported by the real machinery, and stays where the snippet cannot reach it. */
#include "policy.h"

static PyObject *views; /* dict: full name to its view; owned */

struct view {
    PyObject ob_base;
    PyObject *name, *values; /* str; dict of what may be had */
};

/* ---- views ------------------------------------------------------------------------------------------ */

/* A subclass of str may say that it equals another text than it holds. */
static PyObject *exact_text(PyObject *name)
{
    if (PyUnicode_Check(name))
        return PyUnicode_FromObject(name);
    return PyErr_Format(PyExc_TypeError, "expect string, not %.100s", Py_TYPE(name)->tp_name);
}

static PyObject *deny_name(const struct view *view, PyObject *name, PyObject *type)
{
    char what[120];
    const char *module = PyUnicode_AsUTF8(view->name);
    const char *text = PyUnicode_AsUTF8(name);
    if (!module || !text)
        return NULL;
    if (guest_is_library()) /* pydoc asks each thing for what it may be: that is no attempt */
        return PyErr_Format(type, "module '%U' has no attribute '%U'", view->name, name);
    (void)snprintf(what, sizeof(what), "%.60s.%.50s", module, text);
    if (type == PyExc_ImportError)
        return guest_deny(type, guest_feature_of(what), what, "cannot import name '%U' from '%U'", name,
                          view->name);
    return guest_deny(type, guest_feature_of(what), what, "SafeModule '%U' has no attribute '%U'", view->name,
                      name);
}

/* And yet not there: this version of Python has no such name, which is no denial. */
static bool is_listed_name(const struct view *view, PyObject *name)
{
    PyObject *names = PyDict_GetItem(guest_policy.modules, view->name); /* borrowed */
    return names && PySequence_Contains(names, name) > 0;
}

static PyObject *get_name(PyObject *self, PyObject *given)
{
    const struct view *view = (struct view *)self;
    PyObject *name = exact_text(given);
    PyObject *value = name ? PyDict_GetItemWithError(view->values, name) : NULL; /* borrowed */
    if (value) {
        Py_INCREF(value);
    } else if (name && !PyErr_Occurred()) {
        value = PyObject_GenericGetAttr(self, name); /* __class__, __dir__ and their like are of every object */
        if (!value && PyErr_ExceptionMatches(PyExc_AttributeError) && !is_listed_name(view, name)) {
            PyErr_Clear();
            (void)deny_name(view, name, PyExc_AttributeError);
        }
    }
    Py_XDECREF(name);
    return value;
}

static int set_name(PyObject *self, PyObject *name, PyObject *value)
{
    (void)name;
    (void)value;
    (void)guest_deny(guest_sandbox_error, NULL, "change of a module", "Read only object");
    (void)self;
    return -1;
}

static PyObject *show(PyObject *self)
{
    return PyUnicode_FromFormat("<SafeModule '%U'>", ((struct view *)self)->name);
}

static PyObject *list_names(PyObject *self, PyObject *nothing)
{
    (void)nothing;
    return PyDict_Keys(((struct view *)self)->values);
}

static PyMethodDef methods[] = {{"__dir__", list_names, METH_NOARGS, NULL}, {0}};
static PyTypeObject view_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "SafeModule",
                                 .tp_basicsize = sizeof(struct view),
                                 .tp_flags = Py_TPFLAGS_DEFAULT,
                                 .tp_getattro = get_name,
                                 .tp_setattro = set_name,
                                 .tp_repr = show,
                                 .tp_methods = methods};

/* Code of the library keeps its rights when the snippet calls it by this door. Types are called by what they are, and modules
 * never pass. */
static int add_value(PyObject *values, PyObject *name, PyObject *value)
{
    if (PyModule_Check(value))
        return 0;
    /* A function that is named as a base (typing.NamedTuple) is looked for there as what it is. */
    bool base = PyObject_HasAttrString(value, "__mro_entries__");
    bool function = !base && (PyFunction_Check(value) || PyMethod_Check(value));
    PyObject *door = function ? guest_trusted_function(value) : guest_deputy_for(value);
    int r = door ? PyDict_SetItem(values, name, door) : -1;
    Py_XDECREF(door);
    return r;
}

static int add_listed(PyObject *values, PyObject *module, PyObject *names)
{
    PyObject *name;
    PyObject *each = PyObject_GetIter(names);
    int r = each ? 0 : -1;
    while (r == 0 && (name = PyIter_Next(each))) {
        PyObject *value = PyObject_GetAttr(module, name);
        r = value ? add_value(values, name, value) : 0;
        PyErr_Clear(); /* this version of Python has no such name */
        Py_XDECREF(value);
        Py_DECREF(name);
    }
    Py_XDECREF(each);
    return r;
}

static int add_public(PyObject *values, PyObject *module)
{
    PyObject *names = PyModule_Check(module) ? PyDict_Keys(PyModule_GetDict(module)) : NULL;
    int r = names ? 0 : -1;
    for (Py_ssize_t i = 0; r == 0 && i < PyList_GET_SIZE(names); i++) {
        PyObject *name = PyList_GET_ITEM(names, i);
        PyObject *value = PyDict_GetItemWithError(PyModule_GetDict(module), name); /* borrowed */
        if (value && PyUnicode_Check(name) && PyUnicode_GET_LENGTH(name) > 0 &&
            PyUnicode_READ_CHAR(name, 0) != '_')
            r = add_value(values, name, value);
    }
    Py_XDECREF(names);
    return r;
}

static PyObject *make_view(PyObject *name, PyObject *module)
{
    PyObject *names =
        PyDict_GetItemWithError(guest_policy.modules, name); /* borrowed; NULL: only a package of one */
    PyObject *star = PyUnicode_FromString("*");
    int all = names && star ? PySequence_Contains(names, star) : 0;
    struct view *view = PyType_Ready(&view_type) == 0 ? PyObject_New(struct view, &view_type) : NULL;
    Py_XDECREF(star);
    if (!view)
        return NULL;
    view->name = Py_NewRef(name);
    view->values = PyDict_New();
    int r = view->values ? 0 : -1;
    if (r == 0 && names)
        r = add_listed(view->values, module, names);
    if (r == 0 && all > 0)
        r = add_public(view->values, module);
    PyObject *exported = r == 0 ? PyDict_Keys(view->values) : NULL;
    if (exported && r == 0)
        r = PyDict_SetItemString(view->values, "__all__", exported);
    if (r == 0)
        r = PyDict_SetItemString(view->values, "__name__", name);
    Py_XDECREF(exported);
    if (r == 0 && PyDict_SetItem(views, name, (PyObject *)view) == 0)
        return (PyObject *)view;
    Py_DECREF(view);
    return NULL;
}

/* ---- importing -------------------------------------------------------------------------------------- */

/* Listed, or a package of which something is. */
static bool is_listed(PyObject *name)
{
    const char *text = PyUnicode_AsUTF8(name);
    size_t length = text ? strlen(text) : 0;
    PyObject *listed;
    PyObject *names;
    Py_ssize_t position = 0;
    while (text && PyDict_Next(guest_policy.modules, &position, &listed, &names)) {
        const char *other = PyUnicode_AsUTF8(listed);
        if (other && strncmp(other, text, length) == 0 && (!other[length] || other[length] == '.'))
            return true;
    }
    return false;
}

static PyObject *import_really(PyObject *name)
{
    PyObject *submodule =
        PyUnicode_FromString("*"); /* anything: the module itself is wanted, and not its package */
    PyObject *from = submodule ? PyTuple_Pack(1, submodule) : NULL;
    PyObject *real = PyDict_GetItemString(guest_policy.originals, "__import__"); /* borrowed */
    PyObject *nothing = PyDict_New();
    struct guest_door before = guest_trust_begin();
    PyObject *module =
        real && from && nothing ? PyObject_CallFunction(real, "OOOOi", name, nothing, nothing, from, 0) : NULL;
    guest_trust_end(before);
    Py_XDECREF(nothing);
    Py_XDECREF(from);
    Py_XDECREF(submodule);
    return module;
}

/* A new reference to the view of a listed module. */
static PyObject *view_of(PyObject *name)
{
    PyObject *view = PyDict_GetItemWithError(views, name); /* borrowed */
    if (view)
        return Py_NewRef(view);
    if (PyErr_Occurred())
        return NULL;
    if (!is_listed(name)) {
        char what[100];
        const char *text = PyUnicode_AsUTF8(name);
        (void)snprintf(what, sizeof(what), "import %.80s", text ? text : "?");
        return guest_deny(PyExc_ImportError, text ? guest_feature_of(text) : NULL, what,
                          "Import \"%U\" blocked by the sandbox", name);
    }
    PyObject *module = import_really(name);
    bool good = module && (!guest_has_feature(BJ_FEATURE_TRACEBACK) || guest_allow_source(module) == 0);
    view = good ? make_view(name, module) : NULL;
    Py_XDECREF(module);
    return view;
}

/* "a.b.c": each is a name of the one before. The last view, or the first. */
static PyObject *view_path(PyObject *full, bool last)
{
    PyObject *first = NULL;
    PyObject *view = NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(full);
    for (Py_ssize_t end = 0; end <= length; end++) {
        if (end < length && PyUnicode_READ_CHAR(full, end) != '.')
            continue;
        Py_ssize_t dot = PyUnicode_FindChar(full, '.', 0, end, -1);
        PyObject *name = PyUnicode_Substring(full, 0, end);
        PyObject *short_name = PyUnicode_Substring(full, dot + 1, end);
        PyObject *next = name && short_name ? view_of(name) : NULL;
        if (next && view && PyDict_SetItem(((struct view *)view)->values, short_name, next) < 0)
            Py_CLEAR(next);
        Py_XDECREF(short_name);
        Py_XDECREF(name);
        Py_XDECREF(view);
        view = next;
        if (!view)
            break;
        if (!first)
            first = Py_NewRef(view);
    }
    if (!view || last) {
        Py_XDECREF(first);
        return view;
    }
    Py_DECREF(view);
    return first;
}

/* What "from module import name" would look for elsewhere when the view has it not. */
static int check_names(const struct view *view, PyObject *names)
{
    Py_ssize_t count = PySequence_Size(names);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *given = PySequence_GetItem(names, i);
        PyObject *name = given ? exact_text(given) : NULL;
        bool good = name && (PyUnicode_CompareWithASCIIString(name, "*") == 0 ||
                             PyDict_Contains(view->values, name) > 0);
        if (name && !good && !PyErr_Occurred())
            (void)deny_name(view, name, PyExc_ImportError);
        Py_XDECREF(name);
        Py_XDECREF(given);
        if (!good)
            return -1;
    }
    return count < 0 ? -1 : 0;
}

static PyObject *import(PyObject *self, PyObject *args, PyObject *keywords)
{
    static const char *const words[] = {"name", "globals", "locals", "fromlist", "level", NULL};
    PyObject *given;
    PyObject *globals = NULL;
    PyObject *locals = NULL;
    PyObject *names = NULL;
    int level = 0;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|OOOi:__import__", guest_words(words), &given, &globals,
                                     &locals, &names, &level))
        return NULL;
    PyObject *name = exact_text(given);
    if (!name)
        return NULL;
    PyObject *result = NULL;
    if (names && PyList_CheckExact(names)) {
        /* From C: PyImport_Import gives an empty list, takes the module from sys.modules, and drops what is returned. */
        PyObject *module = import_really(name);
        result = module ? Py_NewRef(Py_None) : NULL;
        Py_XDECREF(module);
    } else if (level != 0) {
        (void)guest_deny(PyExc_ImportError, NULL, "relative import", "Import \"%U\" blocked by the sandbox",
                         name);
    } else {
        bool wants_names = names && names != Py_None && PyObject_IsTrue(names) > 0;
        result = view_path(name, wants_names);
        if (result && wants_names && check_names((struct view *)result, names) < 0)
            Py_CLEAR(result);
    }
    Py_DECREF(name);
    return result;
}

PyObject *guest_import_listed(PyObject *name)
{
    return is_listed(name) ? view_path(name, false) : NULL;
}

PyObject *guest_make_import(void)
{
    static PyMethodDef method = {"__import__", (PyCFunction)(void (*)(void))import,
                                 METH_VARARGS | METH_KEYWORDS, NULL};
    views = PyDict_New();
    return views ? PyCFunction_New(&method, NULL) : NULL;
}
