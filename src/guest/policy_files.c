/* The snippet's open: reading what the policy lists, and nothing else.
 * Its own file because what a path contains is asked by the audit hook as well.
 * Changes when: files may be had in another way. */
#include "policy.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

bool guest_is_path_within(const char *path, PyObject *paths)
{
    char real[PATH_MAX];
    if (!realpath(path, real)) /* also of what is not there: nothing leads to it */
        return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(paths); i++) {
        char allowed[PATH_MAX];
        const char *text = PyUnicode_AsUTF8(PyTuple_GET_ITEM(paths, i));
        size_t length = text && realpath(text, allowed) ? strlen(allowed) : 0;
        bool root = length == 1;
        if (length > 0 &&
            (root || (strncmp(real, allowed, length) == 0 && (!real[length] || real[length] == '/'))))
            return true;
    }
    PyErr_Clear();
    return false;
}

/* As pysandbox: who may see frames may read what they are of. Extensions and what is built in have no source. */
int guest_allow_source(PyObject *module)
{
    PyObject *file = PyModule_Check(module) ? PyModule_GetFilenameObject(module) : NULL;
    const char *text = file ? PyUnicode_AsUTF8(file) : NULL;
    size_t length = text ? strlen(text) : 0;
    PyObject *added = length > 3 && strcmp(text + length - 3, ".py") == 0 ? PyTuple_Pack(1, file) : NULL;
    PyObject *paths = added ? PySequence_Concat(guest_policy.paths, added) : NULL;
    bool failed = PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_MemoryError);
    if (!failed)
        PyErr_Clear(); /* it has no file */
    if (paths)
        Py_SETREF(guest_policy.paths, paths);
    Py_XDECREF(added);
    Py_XDECREF(file);
    return failed ? -1 : 0;
}

void guest_deny_file(PyObject *path)
{
    PyObject *text = PyUnicode_FromFormat("Sandbox deny access to the file '%S'", path);
    PyObject *arguments = text ? Py_BuildValue("(iN)", EACCES, text) : NULL;
    (void)guest_deny_with(PyExc_OSError, arguments, NULL, "open of a file that is not among policy.paths");
}

static int check_mode(PyObject *mode)
{
    if (!mode)
        return 0;
    if (!PyUnicode_CheckExact(mode)) {
        PyErr_Format(PyExc_TypeError, "mode have to be a string, not %.100s", Py_TYPE(mode)->tp_name);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(mode); i++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(mode, i);
        if (c != 'r' && c != 'b' && c != 't') {
            (void)guest_deny(PyExc_ValueError, NULL, "open for writing", "Only read modes are allowed.");
            return -1;
        }
    }
    return 0;
}

/* The path as text, which is what is opened: an object may say another one when it is asked again. */
static PyObject *check_path(PyObject *given)
{
    PyObject *path = NULL;
    if (PyLong_Check(given)) /* a descriptor: the interpreter's own */
        return guest_deny(PyExc_TypeError, NULL, "open of a descriptor", "a path is wanted, and no descriptor");
    if (!PyUnicode_FSDecoder(given, &path))
        return NULL;
    const char *text = PyUnicode_AsUTF8(path);
    if (!text || !guest_is_path_within(text, guest_policy.paths)) {
        PyErr_Clear();
        guest_deny_file(path);
        Py_CLEAR(path);
    }
    return path;
}

/* No opener and no closefd: they are about descriptors. */
static PyObject *open_file(PyObject *self, PyObject *args, PyObject *keywords)
{
    static const char *const words[] = {"file", "mode", "buffering", "encoding", "errors", "newline", NULL};
    PyObject *file;
    PyObject *mode = NULL;
    PyObject *buffering = NULL;
    PyObject *encoding = Py_None;
    PyObject *errors = Py_None;
    PyObject *newline = Py_None;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|OOOOO:open", guest_words(words), &file, &mode,
                                     &buffering, &encoding, &errors, &newline) ||
        check_mode(mode) < 0)
        return NULL;
    PyObject *path = check_path(file);
    PyObject *real = PyDict_GetItemString(guest_policy.originals, "open"); /* borrowed */
    PyObject *size = buffering ? Py_NewRef(buffering) : PyLong_FromLong(-1);
    PyObject *result = NULL;
    struct guest_door before = guest_trust_begin();
    if (path && real && size)
        result = mode ? PyObject_CallFunction(real, "OOOOOO", path, mode, size, encoding, errors, newline)
                      : PyObject_CallFunction(real, "OsOOOO", path, "r", size, encoding, errors, newline);
    guest_trust_end(before);
    Py_XDECREF(size);
    Py_XDECREF(path);
    return result;
}

PyObject *guest_make_open(void)
{
    static PyMethodDef method = {"open", (PyCFunction)(void (*)(void))open_file, METH_VARARGS | METH_KEYWORDS,
                                 NULL};
    return PyCFunction_New(&method, NULL);
}
