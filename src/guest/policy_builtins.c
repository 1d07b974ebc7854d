/* The snippet's built-ins: an allow-list, in a dictionary that cannot be changed.
 * Its own file because what is kept, and what is made anew, is decided here.
 * Changes when: Python has another built-in that needs a thought. */
#include "policy.h"

static PyObject *refuse_exit(PyObject *self, PyObject *args)
{
    (void)self;
    (void)args;
    return guest_deny(guest_sandbox_error, "exit", "exit()", "exit() function blocked by the sandbox");
}

/* Under another name than that of a file: what a traceback or a SyntaxError shows of a file is read from it. */
static PyObject *compile(PyObject *self, PyObject *args, PyObject *keywords)
{
    static const char *const words[] = {"source",   "filename",         "mode", "flags", "dont_inherit",
                                        "optimize", "_feature_version", NULL};
    PyObject *source;
    PyObject *given = NULL;
    const char *mode;
    int flags = 0;
    int alone = 0;
    int optimize = -1;
    int version = -1;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO&s|iii$i:compile", guest_words(words), &source,
                                     PyUnicode_FSDecoder, &given, &mode, &flags, &alone, &optimize, &version))
        return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(given);
    bool plain = length > 2 && PyUnicode_READ_CHAR(given, 0) == '<' &&
                 PyUnicode_READ_CHAR(given, length - 1) == '>' &&
                 PyUnicode_FindChar(given, '/', 0, length, 1) < 0;
    PyObject *name = plain ? Py_NewRef(given) : PyUnicode_FromString("<compiled>");
    PyObject *real = PyDict_GetItemString(guest_policy.originals, "compile"); /* borrowed */
    PyObject *result =
        name && real ? PyObject_CallFunction(real, "OOsiii", source, name, mode, flags, alone, optimize) : NULL;
    Py_XDECREF(name);
    Py_DECREF(given);
    return result;
}

static PyMethodDef own[] = {
    {"compile", (PyCFunction)(void (*)(void))compile, METH_VARARGS | METH_KEYWORDS, NULL},
    {"exit", refuse_exit, METH_VARARGS, NULL},
    {"quit", refuse_exit, METH_VARARGS, NULL},
};

/* Exceptions are kept but for those that end a program, which come with the feature exit. */
static bool is_ordinary_exception(const char *name, PyObject *value)
{
    static const char *const ends[] = {"BaseException", "BaseExceptionGroup", "KeyboardInterrupt",
                                       "SystemExit"};
    if (!PyExceptionClass_Check(value))
        return false;
    for (size_t i = 0; i < BJ_COUNT(ends); i++)
        if (strcmp(name, ends[i]) == 0)
            return false;
    return true;
}

static int add_kept(PyObject *builtins)
{
    PyObject *key;
    PyObject *value;
    Py_ssize_t position = 0;
    int r = 0;
    while (r == 0 && PyDict_Next(guest_policy.originals, &position, &key, &value)) {
        const char *name = PyUnicode_AsUTF8(key);
        if (!name)
            return -1;
        if (!guest_is_builtin_kept(name) && !is_ordinary_exception(name, value))
            continue;
        bool door = strcmp(name, "help") == 0 || strcmp(name, "license") == 0; /* of the library's own code */
        PyObject *kept = door ? guest_trusted_function(value) : Py_NewRef(value);
        r = kept ? PyDict_SetItem(builtins, key, kept) : -1;
        Py_XDECREF(kept);
    }
    return r;
}

static int add_new(PyObject *builtins, const char *name, PyObject *value)
{
    int r = value ? PyDict_SetItemString(builtins, name, value) : -1;
    Py_XDECREF(value);
    return r;
}

PyObject *guest_make_builtins(void)
{
    PyObject *builtins = PyDict_New();
    int r = builtins ? add_kept(builtins) : -1;
    for (size_t i = 0; r == 0 && i < BJ_COUNT(own); i++)
        if (!PyDict_GetItemString(builtins, own[i].ml_name))
            r = add_new(builtins, own[i].ml_name, PyCFunction_New(&own[i], NULL));
    if (r == 0 && guest_policy.level == LEVEL_RESTRICTED)
        r = guest_add_guards(builtins);
    if (r == 0)
        r = add_new(builtins, "__import__", guest_make_import());
    if (r == 0)
        r = add_new(builtins, "open", guest_make_open());
    if (r == 0)
        r = add_new(builtins, "SandboxError", Py_NewRef(guest_sandbox_error));
    PyObject *view = r == 0 ? guest_read_only_dict(builtins) : NULL;
    Py_XDECREF(builtins);
    return view;
}
