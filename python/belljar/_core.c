/* The module belljar._core: the library's errors, and its types.
 * Its own file because it is the module.
 * Changes when: another type is given to Python. */
#include "_core.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

PyTypeObject *core_spec_type, *core_plan_type, *core_pool_type, *core_session_type, *core_run_type;
PyTypeObject *core_result_type;
static PyObject *core_error; /* Error(message, code, field, errno) */

PyObject *core_raise(const struct bj_error *error)
{
    PyObject *arguments =
        Py_BuildValue("(sssi)", error->message, bj_error_name(error->code), error->field, (int)error->err);
    if (arguments)
        PyErr_SetObject(core_error, arguments);
    Py_XDECREF(arguments);
    return NULL;
}

PyObject *core_done(int r, const struct bj_error *error)
{
    if (r < 0)
        return core_raise(error);
    Py_RETURN_NONE;
}

PyObject *core_take_text(char *text)
{
    if (!text)
        return PyErr_NoMemory();
    PyObject *taken = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
    free(text);
    return taken;
}

bool core_enter(bool *in_use)
{
    if (*in_use) {
        PyErr_SetString(PyExc_RuntimeError,
                        "another thread uses it; each object is used by one thread at a time");
        return false;
    }
    *in_use = true;
    return true;
}

bool core_is_mine(pid_t process)
{
    if (process != getpid())
        PyErr_SetString(PyExc_RuntimeError, "it was made before a fork, by another process; make one here");
    return process == getpid();
}

static PyObject *doctor(PyObject *self, PyObject *arguments)
{
    struct bj_spec *spec;
    int missing = 0;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "O&:doctor", core_take_spec, &spec))
        return NULL;
    return core_take_text(bj_doctor(spec, 1, &missing));
}

static PyObject *profiles(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    return core_take_text(bj_profiles(1));
}

static PyObject *explain(PyObject *self, PyObject *arguments)
{
    struct bj_spec *spec;
    const char *question;
    struct bj_error error = {0};
    (void)self;
    if (!PyArg_ParseTuple(arguments, "O&s:explain", core_take_spec, &spec, &question))
        return NULL;
    char *answer = bj_explain(spec, question, &error);
    return answer ? core_take_text(answer) : core_raise(&error);
}

static PyObject *use_programs(PyObject *self, PyObject *arguments)
{
    const char *directory;
    struct bj_error error = {0};
    (void)self;
    if (!PyArg_ParseTuple(arguments, "s:use_programs", &directory))
        return NULL;
    return core_done(bj_use_programs(directory, &error), &error);
}

static PyMethodDef functions[] = {{"doctor", doctor, METH_VARARGS, "doctor(spec) -> JSON"},
                                  {"profiles", profiles, METH_NOARGS, "profiles() -> JSON"},
                                  {"explain", explain, METH_VARARGS, "explain(spec, question) -> text"},
                                  {"use_programs", use_programs, METH_VARARGS, "use_programs(directory)"},
                                  {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "belljar._core", .m_size = -1,
                                        .m_methods = functions};

static const struct {
    const char *name;
    PyObject *(*make)(void);
    PyTypeObject **place;
} types[] = {
    {"Spec", core_make_spec_type, &core_spec_type}, {"Plan", core_make_plan_type, &core_plan_type},
    {"Pool", core_make_pool_type, &core_pool_type}, {"Session", core_make_session_type, &core_session_type},
    {"Run", core_make_run_type, &core_run_type},    {"Result", core_make_result_type, &core_result_type}};

/* The module's own reference stays for good: types and error are used from everywhere. */
static int add(PyObject *module, const char *name, PyObject *object)
{
    if (!object)
        return -1;
    Py_INCREF(object);
    return PyModule_AddObject(module, name, object);
}

PyMODINIT_FUNC PyInit__core(void)
{
    PyObject *module = PyModule_Create(&definition);
    core_error = module ? PyErr_NewException("belljar._core.Error", NULL, NULL) : NULL;
    int r = core_error ? add(module, "Error", core_error) : -1;
    if (r == 0)
        r = PyModule_AddStringConstant(module, "version", bj_version());
    for (size_t i = 0; r == 0 && i < sizeof(types) / sizeof(types[0]); i++) {
        PyObject *type = types[i].make();
        *types[i].place = (PyTypeObject *)type;
        r = add(module, types[i].name, type);
    }
    if (r == 0)
        return module;
    Py_XDECREF(module);
    return NULL;
}
