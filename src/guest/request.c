/* Reads what is to be run.
 * Its own file because it is the only part that reads, and what it reads was made by the supervisor.
 * Changes when: a request says something more. */
#include "guest.h"

#include "base/request_wire.h"

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

/* What the memfd holds, until the request is read. Owned by nobody but this file. */
static struct {
    char *bytes;
    size_t length, at;
} content;

static int read_content(struct bj_request_head *head)
{
    struct stat status;
    if (fstat(BJ_GUEST_REQUEST, &status) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    content.bytes = PyMem_Malloc((size_t)status.st_size + 1);
    content.length = content.at = 0;
    ssize_t n = 1;
    while (content.bytes && n > 0 && content.length < (size_t)status.st_size) {
        n = pread(BJ_GUEST_REQUEST, content.bytes + content.length, (size_t)status.st_size - content.length,
                  (off_t)content.length);
        content.length += n > 0 ? (size_t)n : 0;
    }
    if (!content.bytes) {
        PyErr_NoMemory();
        return -1;
    }
    (void)close(BJ_GUEST_REQUEST);
    if (content.length >= sizeof(*head))
        memcpy(head, content.bytes, sizeof(*head));
    content.at = sizeof(*head);
    return 0;
}

static void forget_content(void)
{
    PyMem_Free(content.bytes);
    content.bytes = NULL;
}

/* The next part; NULL with an exception. */
static PyObject *next_text(uint64_t length)
{
    if (length > content.length - content.at) {
        PyErr_SetString(PyExc_ValueError, "this is no request");
        return NULL;
    }
    content.at += (size_t)length;
    return PyUnicode_DecodeUTF8(content.bytes + content.at - length, (Py_ssize_t)length, "strict");
}

static PyObject *value_of(PyObject *text)
{
    PyObject *pair = text && guest_warm_request() == 0
                         ? PyObject_CallFunction(ready_scanner, "On", text, (Py_ssize_t)0)
                         : NULL;
    PyObject *value = pair ? Py_XNewRef(PyTuple_GetItem(pair, 0)) : NULL;
    Py_XDECREF(pair);
    return value;
}

PyObject *guest_read_json(const char *text, size_t length)
{
    PyObject *decoded = PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "strict");
    PyObject *value = value_of(decoded);
    Py_XDECREF(decoded);
    return value;
}

/* The next part, of one that is JSON. */
static PyObject *next_value(uint64_t length)
{
    PyObject *text = next_text(length);
    PyObject *value = value_of(text);
    Py_XDECREF(text);
    return value;
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

/* One [path, length, mode], whose bytes are the next. */
static int write_entry(PyObject *entry)
{
    const char *name;
    Py_ssize_t length;
    int mode;
    char path[4200];
    PyObject *tuple = PySequence_Tuple(entry);
    int r = tuple && PyArg_ParseTuple(tuple, "sni", &name, &length, &mode) ? 0 : -1;
    if (r == 0 && (length > (Py_ssize_t)(content.length - content.at) ||
                   snprintf(path, sizeof(path), "/box/%s", name) >= (int)sizeof(path))) {
        PyErr_SetString(PyExc_ValueError, "a file is not whole");
        r = -1;
    }
    if (r == 0 && (length < 0 ? make_directory(path, mode)
                              : write_file(path, content.bytes + content.at, length, mode)) < 0) {
        PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
        r = -1;
    }
    if (r == 0)
        content.at += length < 0 ? 0 : (size_t)length;
    Py_XDECREF(tuple);
    return r;
}

/* Those of a parked jail: in any other they are there before this program is. */
static int write_files(uint64_t length)
{
    PyObject *files = length > 0 ? next_value(length) : NULL;
    Py_ssize_t count = files ? PyList_Size(files) : 0;
    int r = length > 0 && !files ? -1 : 0;
    for (Py_ssize_t i = 0; r == 0 && i < count; i++)
        r = write_entry(PyList_GetItem(files, i));
    Py_XDECREF(files);
    return count < 0 ? -1 : r;
}

static int take_parts(const uint64_t lengths[BJ_REQUEST__PARTS], PyObject **source, struct request *request)
{
    *source = next_text(lengths[BJ_REQUEST_SOURCE]);
    if (!*source)
        return -1;
    request->globals = lengths[BJ_REQUEST_GLOBALS] > 0 ? next_value(lengths[BJ_REQUEST_GLOBALS]) : PyDict_New();
    if (request->globals && lengths[BJ_REQUEST_VIEWS] > 0)
        request->views = next_value(lengths[BJ_REQUEST_VIEWS]);
    if (!PyErr_Occurred())
        request->argv = lengths[BJ_REQUEST_ARGV] > 0 ? next_value(lengths[BJ_REQUEST_ARGV]) : PyList_New(0);
    if (request->argv && lengths[BJ_REQUEST_PATH] > 0)
        request->path = next_value(lengths[BJ_REQUEST_PATH]);
    if (!PyErr_Occurred() && lengths[BJ_REQUEST_POLICY] > 0)
        request->policy = next_value(lengths[BJ_REQUEST_POLICY]);
    if (!PyErr_Occurred() && lengths[BJ_REQUEST_CALLS] > 0)
        request->calls = next_value(lengths[BJ_REQUEST_CALLS]);
    return PyErr_Occurred() ? -1 : write_files(lengths[BJ_REQUEST_FILES]);
}

int guest_read_request(struct request *ret_request)
{
    struct bj_request_head head = {.magic = 0};
    int r = read_content(&head);
    if (r == 0 && head.magic != BJ_REQUEST_MAGIC) {
        PyErr_SetString(PyExc_ValueError,
                        "belljar-guest and the library are of different builds; install both anew");
        r = -1;
    }
    if (r == 0)
        r = take_parts(head.lengths,
                       head.flags & BJ_REQUEST_EXPRESSION ? &ret_request->expression : &ret_request->code,
                       ret_request);
    ret_request->reply_bytes = (Py_ssize_t)head.reply_bytes;
    ret_request->trace_steps = (Py_ssize_t)head.trace_steps;
    ret_request->trace_bytes = (Py_ssize_t)head.trace_bytes;
    ret_request->most_calls = (Py_ssize_t)head.calls;
    ret_request->call_bytes = (Py_ssize_t)head.call_bytes;
    ret_request->answers = head.flags & BJ_REQUEST_ANSWERS;
    ret_request->display = head.flags & BJ_REQUEST_DISPLAY;
    ret_request->check = head.flags & BJ_REQUEST_CHECK;
    ret_request->session = head.flags & BJ_REQUEST_SESSION;
    ret_request->merged = head.flags & BJ_REQUEST_MERGED;
    forget_content();
    return r;
}

void guest_forget_request(struct request *request)
{
    Py_CLEAR(request->code);
    Py_CLEAR(request->expression);
    Py_CLEAR(request->globals);
    Py_CLEAR(request->views);
    Py_CLEAR(request->argv);
    Py_CLEAR(request->path);
    Py_CLEAR(request->policy);
    Py_CLEAR(request->calls);
}
