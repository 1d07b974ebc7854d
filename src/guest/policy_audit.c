/* An audit hook (PEP 578): what the interpreter is about to do, whoever asks for it.
 * Its own file because it is the last rail, which knows nothing of the others, and Python code cannot remove it.
 * Changes when: the interpreter tells of something more that a snippet needs. */
#include "policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* What anybody may do. */
static const char *const open_to_all[] = {"array.__new__",
                                          "builtins.id",
                                          "builtins.input",
                                          "builtins.input/result",
                                          "compile",
                                          "cpython.PyConfig_Get",
                                          "exec",
                                          "import",
                                          "object.__delattr__",
                                          "object.__getattr__",
                                          "object.__setattr__",
                                          "sys._getframe",
                                          "sys.settrace",
                                          "sys.excepthook",
                                          "sys.unraisablehook",
                                          "time.sleep"};
/* What the library does when it imports and makes classes. */
static const char *const open_to_library[] = {"code.__new__",       "function.__new__",        "marshal.loads",
                                              "marshal.load",       "sys._getframemodulename", "sys.setprofile",
                                              "sys._current_frames"};

static bool is_among(const char *event, const char *const *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(events[i], event) == 0)
            return true;
    return false;
}

/* "sqlite3.connect": its module is listed by name. */
static bool is_of_listed_module(const char *event)
{
    const char *dot = strchr(event, '.');
    PyObject *name = dot ? PyUnicode_FromStringAndSize(event, dot - event) : NULL;
    /* Of sys a feature may have listed a name. */
    bool listed = name && PyDict_Contains(guest_policy.modules, name) > 0 && strncmp(event, "sys.", 4) != 0;
    Py_XDECREF(name);
    return listed;
}

static bool is_within(PyObject *path, PyObject *paths)
{
    PyObject *text = NULL;
    bool within = !PyLong_Check(path) && PyUnicode_FSDecoder(path, &text) && PyUnicode_AsUTF8(text) &&
                  guest_is_path_within(PyUnicode_AsUTF8(text), paths);
    PyErr_Clear();
    Py_XDECREF(text);
    return within;
}

static bool may_read(PyObject *path)
{
    return is_within(path, guest_policy.paths) || (guest_is_library() && is_within(path, guest_policy.library));
}

static int deny(const char *event)
{
    char what[80];
    (void)snprintf(what, sizeof(what), "%.70s", event);
    (void)guest_deny(guest_sandbox_error, NULL, what, "%s blocked by the sandbox", what);
    return -1;
}

static int say_that_there_is_none(const char *path)
{
    errno = ENOENT;
    (void)PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
    return -1;
}

/* Where the interpreter looks for the line of a warning: the snippet's file, in each directory that modules are imported from. */
static bool is_name_of_snippet(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash && strcmp(slash + 1, guest_file_name) == 0;
}

static int check_open(const char *event, PyObject *args)
{
    PyObject *path = PyTuple_GET_SIZE(args) == 3 ? PyTuple_GET_ITEM(args, 0) : NULL;
    long flags = path ? PyLong_AsLong(PyTuple_GET_ITEM(args, 2)) : -1;
    PyErr_Clear();
    const char *text = path && PyUnicode_Check(path) ? PyUnicode_AsUTF8(path) : NULL;
    PyErr_Clear();
    /* The interpreter looks for the line of a SyntaxError, and the snippet is in no file. */
    if (text && (text[0] == '<' || strcmp(text, guest_file_name) == 0))
        return say_that_there_is_none(text);
    bool writes = flags == -1 || (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND));
    if (path && !writes && may_read(path))
        return 0;
    if (!path || PyLong_Check(path))
        return deny("open of a descriptor");
    if (!writes && is_name_of_snippet(text))
        return say_that_there_is_none(text);
    guest_deny_file(path);
    return -1;
}

static int watch(const char *event, PyObject *args, void *unused)
{
    (void)unused;
    if (is_among(event, open_to_all, BJ_COUNT(open_to_all)))
        return 0;
    if (guest_policy.over && guest_is_trusted()) /* what we do to tell of it */
        return 0;
    if (strcmp(event, "open") == 0)
        return check_open(event, args);
    if (strcmp(event, "os.listdir") == 0 || strcmp(event, "os.scandir") == 0)
        return PyTuple_GET_SIZE(args) == 1 && may_read(PyTuple_GET_ITEM(args, 0)) ? 0 : deny(event);
    if (guest_is_library() && is_among(event, open_to_library, BJ_COUNT(open_to_library)))
        return 0;
    return is_of_listed_module(event) ? 0 : deny(event);
}

int guest_watch(void)
{
    return PySys_AddAuditHook(watch, NULL);
}
