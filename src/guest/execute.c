/* Runs the snippet in the module __main__, as a script or as an expression.
 * Its own file because it is the only place where the snippet's code begins to run.
 * Changes when: a snippet can be run in another way. */
#include "guest.h"

const char *guest_file_name = "main.py";

/* more: what follows the program's own name, or NULL. */
static int set_arguments(PyObject *more)
{
    PyObject *argv = PyList_New(0);
    PyObject *name = PyUnicode_FromString(guest_file_name);
    int r = argv && name ? PyList_Append(argv, name) : -1;
    if (r == 0 && more)
        r = PyList_SetSlice(argv, 1, 1, more);
    if (r == 0)
        r = PySys_SetObject("argv", argv);
    Py_XDECREF(name);
    Py_XDECREF(argv);
    return r;
}

/* The working directory comes first, as for a script that lies in it. */
int guest_set_path(void)
{
    PyObject *path = PySys_GetObject("path"); /* borrowed */
    PyObject *here = PyUnicode_FromString("/box");
    int r = path && here ? PyList_Insert(path, 0, here) : -1;
    Py_XDECREF(here);
    return r;
}

/* After /box, in their order; one that is there already (in a session) stays where it is. */
static int add_path(const struct request *request)
{
    PyObject *path = PySys_GetObject("path"); /* borrowed */
    Py_ssize_t count = request->path ? PyList_Size(request->path) : 0;
    for (Py_ssize_t i = count; path && i-- > 0;) {
        PyObject *item = PyList_GetItem(request->path, i); /* borrowed */
        const char *text = item ? PyUnicode_AsUTF8(item) : NULL;
        PyObject *full = text ? PyUnicode_FromFormat(text[0] == '/' ? "%s" : "/box/%s", text) : NULL;
        int there = full ? PySequence_Contains(path, full) : -1;
        int r = there == 0 ? PyList_Insert(path, 1, full) : there;
        Py_XDECREF(full);
        if (r < 0)
            return -1;
    }
    return count < 0 ? -1 : 0;
}

static PyObject *get_source(PyObject *holder, PyObject *name)
{
    (void)name;
    return Py_XNewRef(PyList_GetItem(holder, 0));
}

/* As of a script in the working directory. There is no such file: traceback and inspect ask the module's loader for its
 * lines (linecache.lazycache). A list of one, the source, which is still to be told. */
static PyObject *set_origin(PyObject *globals)
{
    static PyMethodDef method = {"get_source", get_source, METH_O, NULL};
    PyObject *implementation = PySys_GetObject("implementation"); /* borrowed; a types.SimpleNamespace */
    PyObject *namespace = implementation ? (PyObject *)Py_TYPE(implementation) : NULL;
    PyObject *holder = Py_BuildValue("[s]", "");
    PyObject *function = holder ? PyCFunction_New(&method, holder) : NULL;
    PyObject *nothing = PyTuple_New(0);
    PyObject *members = function ? Py_BuildValue("{s:O}", "get_source", function) : NULL;
    PyObject *loader = namespace && nothing && members ? PyObject_Call(namespace, nothing, members) : NULL;
    PyObject *file = PyUnicode_FromFormat("/box/%s", guest_file_name);
    int r = loader && file ? PyDict_SetItemString(globals, "__loader__", loader) : -1;
    if (r == 0)
        r = PyDict_SetItemString(globals, "__file__", file);
    Py_XDECREF(file);
    Py_XDECREF(loader);
    Py_XDECREF(members);
    Py_XDECREF(nothing);
    Py_XDECREF(function);
    if (r == 0)
        return holder;
    Py_XDECREF(holder);
    return NULL;
}

static PyObject *run(const struct request *request, PyObject *globals)
{
    PyObject *source = request->code ? request->code : request->expression;
    const char *text = PyUnicode_AsUTF8(source);
    PyObject *value = NULL;
    int start = !request->code ? Py_eval_input : request->display ? Py_single_input : Py_file_input;
    if (!text || guest_policy_run(text, start, globals, &value))
        return value;
    if (start == Py_single_input)
        return guest_run_displayed(text, globals);
    /* Text is text: a cookie (PEP 263) would decode it once more, into something that nobody has read. */
    PyCompilerFlags flags = {.cf_flags = PyCF_SOURCE_IS_UTF8 | PyCF_IGNORE_COOKIE,
                             .cf_feature_version = PY_MINOR_VERSION};
    PyObject *code = Py_CompileStringFlags(text, guest_file_name, start, &flags);
    value = code ? PyEval_EvalCode(code, globals, globals) : NULL;
    Py_XDECREF(code);
    return value;
}

static void tell(struct reply *reply, enum bj_reply_kind kind, PyObject *value, PyObject *globals,
                 PyObject *before)
{
    BJ_BUF struct bj_buf text;
    bool truncated = reply->truncated;
    bj__buf_init(&text, reply->bytes.maximum);
    int r = value ? guest_write_json(value, &text) : guest_write_globals(globals, before, &text);
    if (r == 0)
        guest_reply_add(reply, kind, &text);
    else
        reply->truncated |= PyErr_ExceptionMatches(PyExc_MemoryError);
    if (reply->keeps && kind == BJ_REPLY_GLOBALS) {
        reply->truncated = truncated;
        PyErr_Clear();
    }
}

/* An exception is set: what it means for the process, and for whoever asked. */
static int fail(const struct request *request, struct reply *reply)
{
    if (PyErr_ExceptionMatches(PyExc_SystemExit)) {
        PyObject *parts[3];
        PyErr_Fetch(&parts[0], &parts[1], &parts[2]);
        PyErr_Restore(Py_NewRef(parts[0]), Py_XNewRef(parts[1]), Py_XNewRef(parts[2]));
        int code = guest_exit_code();
        PyErr_Restore(parts[0], parts[1], parts[2]);
        if (request->display) /* who speaks with it has to know that it wants to leave, also with 0 */
            guest_tell_exception(request->code, reply);
        PyErr_Clear();
        return code;
    }
    guest_tell_exception(request->code ? request->code : request->expression, reply);
    return 1;
}

/* A module that waits for its snippet: what it holds before, and where the source goes. Owned; NULL: there is none yet. */
static struct {
    PyObject *before, *source;
} ready;

static int make_ready(PyObject *globals)
{
    ready.source = set_origin(globals);
    if (ready.source && set_arguments(NULL) == 0)
        ready.before = PyDict_Copy(globals);
    return ready.before ? 0 : -1;
}

/* A policy has a say in what the module holds. */
static int begin_policy(const struct request *request, PyObject *globals, PyObject **before)
{
    int r = guest_policy_begin(request->policy, globals, request->globals);
    Py_CLEAR(*before);
    *before = r == 0 ? PyDict_Copy(globals) : NULL;
    return *before ? 0 : -1;
}

/* What the module holds before. A reference. */
static PyObject *prepare(const struct request *request, PyObject *globals)
{
    if (!ready.before && make_ready(globals) < 0)
        return NULL;
    PyObject *before = ready.before;
    int r = PyList_SetItem(ready.source, 0, Py_NewRef(request->code ? request->code : request->expression));
    Py_CLEAR(ready.source);
    ready.before = NULL;
    if (r == 0 && PyList_Size(request->argv) > 0)
        r = set_arguments(request->argv);
    if (r == 0)
        r = add_path(request);
    if (r == 0 && request->display)
        r = guest_buffer_lines();
    if (r == 0 && request->merged && dup3(STDOUT_FILENO, STDERR_FILENO, 0) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        r = -1;
    }
    if (r == 0 && request->policy)
        r = begin_policy(request, globals, &before);
    if (r == 0)
        return before;
    Py_XDECREF(before);
    return NULL;
}

/* Nothing is run, so nothing else is told. */
static int check(const struct request *request, struct reply *reply)
{
    PyObject *source = request->code ? request->code : request->expression;
    PyObject *whole = guest_is_whole(source, !request->code);
    if (!whole)
        return fail(request, reply);
    tell(reply, BJ_REPLY_VALUE, whole, NULL, NULL);
    Py_DECREF(whole);
    return 0;
}

int guest_execute(const struct request *request, struct reply *reply)
{
    if (request->check)
        return check(request, reply);
    PyObject *module = PyImport_AddModule("__main__"); /* borrowed, like its dictionary */
    PyObject *globals = module ? PyModule_GetDict(module) : NULL;
    PyObject *before = globals ? prepare(request, globals) : NULL;
    PyObject *value = NULL;
    int code = 0;
    bool traced = request->trace_steps > 0;
    if (before && PyDict_Update(globals, request->globals) == 0 &&
        guest_give_views(request->views, globals) == 0 && guest_give_calls(request, globals) == 0 &&
        (!traced || guest_trace_begin(request, globals, before) == 0))
        value = run(request, globals);
    PyObject *type;
    PyObject *error;
    PyObject *traceback;
    PyErr_Fetch(&type, &error, &traceback); /* to be told later: the parts of a reply are in order */
    if (traced) {
        PyErr_NormalizeException(&type, &error, &traceback);
        guest_trace_end(error);
    }
    guest_policy_end();
    if (value && request->expression)
        tell(reply, BJ_REPLY_VALUE, value, NULL, NULL);
    if (PyErr_Occurred())
        code = fail(request, reply); /* the value cannot be told */
    else if (before && request->code)
        tell(reply, BJ_REPLY_GLOBALS, NULL, globals, before);
    PyErr_Clear();
    PyErr_Restore(type, error, traceback);
    if (!value)
        code = fail(request, reply);
    guest_tell_policy(reply);
    if (traced)
        guest_trace_tell(reply);
    Py_XDECREF(value);
    Py_XDECREF(before);
    return code;
}

/* A snippet of our own, whose traces are wiped out. The module is ready for the next. */
int guest_rehearse(void)
{
    PyObject *module = PyImport_AddModule("__main__"); /* borrowed, like its dictionary */
    PyObject *globals = module ? PyModule_GetDict(module) : NULL;
    PyObject *before = globals ? PyDict_Copy(globals) : NULL;
    struct request request = {.code = PyUnicode_FromString("x = 1\n"),
                              .globals = PyDict_New(),
                              .argv = PyList_New(0),
                              .reply_bytes = 1024};
    struct reply reply;
    guest_reply_init(&reply, 1024);
    int r = -1;
    if (before && request.code && request.globals && request.argv)
        r = guest_execute(&request, &reply) == 0 ? 0 : -1;
    bj__buf_done(&reply.bytes);
    if (r == 0) {
        PyDict_Clear(globals);
        r = PyDict_Update(globals, before) == 0 ? make_ready(globals) : -1;
    }
    Py_XDECREF(request.code);
    Py_XDECREF(request.globals);
    Py_XDECREF(request.argv);
    Py_XDECREF(before);
    return r;
}
