/* Exceptions: how one is told, and what one asks for.
 * Its own file because tracebacks are made by a module of Python's, and everything about them is here.
 * Changes when: an exception is told in another way. */
#include "guest.h"

#define TRACEBACK_BYTES 65536 /* as much of it as is told; the end says most */

static PyObject *take_exception(void)
{
#if PY_VERSION_HEX >= 0x030c0000
    return PyErr_GetRaisedException();
#else
    PyObject *type;
    PyObject *value;
    PyObject *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value && traceback)
        PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}

/* "ValueError", "json.decoder.JSONDecodeError". */
static PyObject *type_name(PyObject *exception)
{
    PyTypeObject *type = Py_TYPE(exception);
    PyObject *module = PyObject_GetAttrString((PyObject *)type, "__module__");
    PyObject *name = PyObject_GetAttrString((PyObject *)type, "__qualname__");
    PyObject *full = NULL;
    if (module && name && PyUnicode_Check(module) && PyUnicode_Check(name))
        full = PyUnicode_CompareWithASCIIString(module, "builtins") == 0 ||
                       PyUnicode_CompareWithASCIIString(module, "__main__") == 0
                   ? Py_NewRef(name)
                   : PyUnicode_FromFormat("%U.%U", module, name);
    PyErr_Clear();
    Py_XDECREF(module);
    Py_XDECREF(name);
    return full ? full : PyUnicode_FromString("Exception");
}

static PyObject *message_of(PyObject *exception)
{
    PyObject *message = PyObject_Str(exception); /* the snippet's own code may run here, and fail */
    PyErr_Clear();
    return message ? message : PyUnicode_FromString("<exception str() failed>");
}

/* Of a single snippet not before it is needed: the import is not cheap. */
void guest_remember_source(PyObject *source)
{
    PyObject *linecache = PyImport_ImportModule("linecache");
    PyObject *cache = linecache ? PyObject_GetAttrString(linecache, "cache") : NULL;
    PyObject *end = cache ? PyUnicode_FromString("\n") : NULL;
    PyObject *whole =
        end ? PyUnicode_Concat(source, end) : NULL; /* as linecache: of the last line, too, it has one */
    PyObject *lines = whole ? PyUnicode_Splitlines(whole, 1) : NULL;
    PyObject *entry =
        lines ? Py_BuildValue("(nOOs)", PyUnicode_GET_LENGTH(source), Py_None, lines, guest_file_name) : NULL;
    if (entry)
        (void)PyDict_SetItemString(cache, guest_file_name, entry);
    PyErr_Clear();
    Py_XDECREF(entry);
    Py_XDECREF(lines);
    Py_XDECREF(whole);
    Py_XDECREF(end);
    Py_XDECREF(cache);
    Py_XDECREF(linecache);
}

static PyObject *format_traceback(PyObject *source, PyObject *exception)
{
    guest_remember_source(source);
    PyObject *traceback = PyException_GetTraceback(exception);
    PyObject *module = PyImport_ImportModule("traceback");
    PyObject *lines =
        module ? PyObject_CallMethod(module, "format_exception", "OOO", (PyObject *)Py_TYPE(exception),
                                     exception, traceback ? traceback : Py_None)
               : NULL;
    PyObject *nothing = PyUnicode_FromString("");
    PyObject *text = lines && nothing ? PyUnicode_Join(nothing, lines) : NULL;
    PyErr_Clear();
    Py_XDECREF(lines);
    Py_XDECREF(module);
    Py_XDECREF(traceback);
    if (!text)
        return nothing;
    Py_XDECREF(nothing);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (length <= TRACEBACK_BYTES)
        return text;
    PyObject *end = PyUnicode_Substring(text, length - TRACEBACK_BYTES, length);
    Py_DECREF(text);
    return end;
}

/* Text that has no UTF-8 is told with escapes. */
static PyObject *tellable(PyObject *text)
{
    PyObject *bytes = text ? PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace") : NULL;
    PyObject *clean =
        bytes ? PyUnicode_DecodeUTF8(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), "strict") : NULL;
    PyErr_Clear();
    Py_XDECREF(bytes);
    Py_XDECREF(text);
    return clean ? clean : PyUnicode_FromString("");
}

void guest_tell_exception(PyObject *source, struct reply *reply)
{
    BJ_BUF struct bj_buf text;
    PyObject *exception = take_exception();
    PyObject *told = exception ? Py_BuildValue("{s:N,s:N,s:N}", "type", tellable(type_name(exception)),
                                               "message", tellable(message_of(exception)), "traceback",
                                               tellable(format_traceback(source, exception)))
                               : NULL;
    bj__buf_init(&text, reply->bytes.maximum);
    if (told && guest_write_json(told, &text) == 0)
        guest_reply_add(reply, BJ_REPLY_EXCEPTION, &text);
    else
        reply->truncated = true;
    PyErr_Clear();
    Py_XDECREF(told);
    Py_XDECREF(exception);
}

int guest_exit_code(void)
{
    PyObject *exception = take_exception();
    PyObject *code = exception ? PyObject_GetAttrString(exception, "code") : NULL;
    int result = 1;
    if (code == Py_None)
        result = 0;
    else if (code && PyLong_Check(code))
        result = (int)(PyLong_AsLong(code) & 0xff);
    else if (code)
        PySys_FormatStderr("%S\n", code);
    PyErr_Clear();
    Py_XDECREF(code);
    Py_XDECREF(exception);
    return result;
}

/* Its modules compile their patterns at the first traceback that they format, which takes longer than most snippets. */
int guest_warm_exceptions(void)
{
    struct reply reply = {.bytes = {.maximum = TRACEBACK_BYTES}};
    PyObject *source = PyUnicode_FromString("1 / 0\n");
    PyObject *linecache = PyImport_ImportModule("linecache");
    PyObject *variables = PyDict_New();
    PyObject *code = Py_CompileString("1 / 0\n", guest_file_name, Py_file_input);
    PyObject *value =
        code && variables && source && linecache ? PyEval_EvalCode(code, variables, variables) : NULL;
    bool raised = PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_ZeroDivisionError);
    if (raised)
        guest_tell_exception(source, &reply);
    PyObject *cleared = raised ? PyObject_CallMethod(linecache, "clearcache", NULL) : NULL;
    bj__buf_done(&reply.bytes);
    Py_XDECREF(value);
    Py_XDECREF(code);
    Py_XDECREF(variables);
    Py_XDECREF(linecache);
    Py_XDECREF(source);
    Py_XDECREF(cleared);
    return cleared ? 0 : -1;
}
