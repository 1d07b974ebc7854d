/* Reads what is to be run.
 * Its own file because it is the only part that reads, and what it reads was made by the supervisor.
 * Changes when: a request says something more. */
#include "guest.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* NaN and the infinities, as Python's json takes them (json.decoder). */
static PyObject *parse_constant(PyObject *self, PyObject *name)
{
    const char *text = PyUnicode_AsUTF8(name);
    if (!text)
        return NULL;
    double value = PyOS_string_to_double(text[0] == '-' ? "-inf" : text[0] == 'I' ? "inf" : "nan", NULL, NULL);
    return PyFloat_FromDouble(value);
}

/* The scanner of CPython's json in C, without the module around it, whose import costs as much as everything else here. */
static PyObject *make_scanner(void)
{
    static PyMethodDef constant = {"parse_constant", parse_constant, METH_O, NULL};
    PyObject *types = PyImport_ImportModule("types");
    PyObject *namespace = types ? PyObject_GetAttrString(types, "SimpleNamespace") : NULL;
    PyObject *function = PyCFunction_New(&constant, NULL);
    PyObject *settings =
        function ? Py_BuildValue("{s:O,s:O,s:O,s:O,s:O,s:O}", "strict", Py_True, "object_hook", Py_None,
                                 "object_pairs_hook", Py_None, "parse_float", &PyFloat_Type, "parse_int",
                                 &PyLong_Type, "parse_constant", function)
                 : NULL;
    PyObject *nothing = PyTuple_New(0);
    PyObject *context = namespace && settings && nothing ? PyObject_Call(namespace, nothing, settings) : NULL;
    PyObject *json = context ? PyImport_ImportModule("_json") : NULL;
    PyObject *scanner = json ? PyObject_CallMethod(json, "make_scanner", "O", context) : NULL;
    Py_XDECREF(json);
    Py_XDECREF(context);
    Py_XDECREF(nothing);
    Py_XDECREF(settings);
    Py_XDECREF(function);
    Py_XDECREF(namespace);
    Py_XDECREF(types);
    return scanner;
}

static PyObject *ready_scanner; /* owned; made once */

int guest_warm_request(void)
{
    if (!ready_scanner)
        ready_scanner = make_scanner();
    return ready_scanner ? 0 : -1;
}

int guest_rehearse_request(void)
{
    static const char text[] =
        "{\"code\": \"x = 1\", \"expression\": null, \"globals\": {\"a\": [1, 2.5, true]}, \"argv\": [],"
        " \"reply_bytes\": 1048576, \"files\": []}";
    PyObject *object = PyUnicode_FromString(text);
    PyObject *pair = object && guest_warm_request() == 0
                         ? PyObject_CallFunction(ready_scanner, "On", object, (Py_ssize_t)0)
                         : NULL;
    int r = pair ? 0 : -1;
    Py_XDECREF(pair);
    Py_XDECREF(object);
    return r;
}

/* What the memfd holds: the text up to its zero, and then the bytes of files. Owned by nobody but this file. */
static char *content;
static Py_ssize_t content_length;

static PyObject *read_text(void)
{
    struct stat status;
    if (fstat(BJ_GUEST_REQUEST, &status) < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    content = PyMem_Malloc((size_t)status.st_size + 1);
    if (!content)
        return PyErr_NoMemory();
    ssize_t n = 1;
    while (n > 0 && content_length < status.st_size) {
        n = pread(BJ_GUEST_REQUEST, content + content_length, (size_t)(status.st_size - content_length),
                  content_length);
        content_length += n > 0 ? n : 0;
    }
    content[content_length] = 0;
    (void)close(BJ_GUEST_REQUEST);
    return PyUnicode_DecodeUTF8(content, (Py_ssize_t)strlen(content), "strict");
}

static void forget_content(void)
{
    PyMem_Free(content);
    content = NULL;
    content_length = 0;
}

static int present =
    O_EXCL; /* what is done with a file that is there: nothing, and that is an error; or O_TRUNC */

void guest_replace_files(void)
{
    present = O_TRUNC;
}

static int write_file(const char *path, const char *bytes, Py_ssize_t length, int mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | present | O_CLOEXEC | O_NOFOLLOW, 0600);
    while (fd >= 0 && length > 0) {
        ssize_t n = write(fd, bytes, (size_t)length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        bytes += n;
        length -= n;
    }
    int r = fd >= 0 && length == 0 ? fchmod(fd, (mode_t)mode) : -1;
    if (fd >= 0)
        (void)close(fd);
    return r;
}

static int make_directory(const char *path, int mode)
{
    int r = mkdir(path, (mode_t)mode);
    return r < 0 && errno == EEXIST && present == O_TRUNC ? 0 : r;
}

/* One [path, length, mode]; *at moves behind its bytes. */
static int write_entry(PyObject *entry, Py_ssize_t *at)
{
    const char *name;
    Py_ssize_t length;
    int mode;
    char path[4200];
    PyObject *tuple = PySequence_Tuple(entry);
    int r = tuple && PyArg_ParseTuple(tuple, "sni", &name, &length, &mode) ? 0 : -1;
    if (r == 0 &&
        (length > content_length - *at || snprintf(path, sizeof(path), "/box/%s", name) >= (int)sizeof(path))) {
        PyErr_SetString(PyExc_ValueError, "a file is not whole");
        r = -1;
    }
    if (r == 0 &&
        (length < 0 ? make_directory(path, mode) : write_file(path, content + *at, length, mode)) < 0) {
        PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
        r = -1;
    }
    if (r == 0)
        *at += length < 0 ? 0 : length;
    Py_XDECREF(tuple);
    return r;
}

/* Those of a parked jail: in any other they are there before this program is. */
static int write_files(PyObject *object)
{
    PyObject *files = PyDict_GetItemString(object, "files"); /* borrowed */
    Py_ssize_t count = files ? PyList_Size(files) : 0;
    Py_ssize_t at = (Py_ssize_t)strlen(content) + 1;
    for (Py_ssize_t i = 0; i < count; i++)
        if (write_entry(PyList_GetItem(files, i), &at) < 0)
            return -1;
    return count < 0 ? -1 : 0;
}

static Py_ssize_t number(PyObject *object, const char *key)
{
    PyObject *value = PyDict_GetItemString(object, key); /* borrowed */
    return value ? PyLong_AsSsize_t(value) : -1;
}

/* A reference, or NULL without an exception when it is null or not there. */
static PyObject *take(PyObject *object, const char *key)
{
    PyObject *value = PyDict_GetItemString(object, key); /* borrowed */
    return value && value != Py_None ? Py_NewRef(value) : NULL;
}

int guest_read_request(struct request *ret_request)
{
    PyObject *text = read_text();
    PyObject *pair = text && guest_warm_request() == 0
                         ? PyObject_CallFunction(ready_scanner, "On", text, (Py_ssize_t)0)
                         : NULL;
    PyObject *object = pair ? PyTuple_GetItem(pair, 0) : NULL; /* borrowed */
    if (object && PyDict_Check(object) && write_files(object) == 0) {
        ret_request->code = take(object, "code");
        ret_request->expression = take(object, "expression");
        ret_request->globals = take(object, "globals");
        ret_request->argv = take(object, "argv");
        ret_request->path = take(object, "path");
        ret_request->policy = take(object, "policy");
        ret_request->reply_bytes = number(object, "reply_bytes");
        ret_request->display = PyDict_GetItemString(object, "display") == Py_True;
        ret_request->check = PyDict_GetItemString(object, "check") == Py_True;
        ret_request->session = PyDict_GetItemString(object, "session") == Py_True;
        PyObject *trace = PyDict_GetItemString(object, "trace"); /* borrowed */
        if (trace && PyDict_Check(trace)) {
            ret_request->trace_steps = number(trace, "max_steps");
            ret_request->trace_bytes = number(trace, "max_bytes");
        }
    }
    Py_XDECREF(pair);
    Py_XDECREF(text);
    forget_content();
    bool whole = ret_request->globals && ret_request->argv && ret_request->reply_bytes >= 0 &&
                 !ret_request->code != !ret_request->expression;
    if (!whole && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "this is no request");
    return whole ? 0 : -1;
}

void guest_forget_request(struct request *request)
{
    Py_CLEAR(request->code);
    Py_CLEAR(request->expression);
    Py_CLEAR(request->globals);
    Py_CLEAR(request->argv);
    Py_CLEAR(request->path);
    Py_CLEAR(request->policy);
}
