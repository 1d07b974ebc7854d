/* Spec and Plan: what is to be run, and the frozen list of operations.
 * Its own file because both are data.
 * Changes when: the library has another setter for a spec. */
#include "_core.h"

#include <stdlib.h>
#include <string.h>

/* ---- arguments ------------------------------------------------------------------------------------- */

void core_free_strings(char **strings)
{
    for (size_t i = 0; strings && strings[i]; i++)
        free(strings[i]);
    free(strings);
}

static char *copy_string(PyObject *item)
{
    PyObject *bytes =
        item && PyUnicode_Check(item) ? PyUnicode_AsEncodedString(item, "utf-8", "surrogateescape") : NULL;
    const char *text = bytes ? PyBytes_AsString(bytes) : NULL;
    char *copy = NULL;
    if (text && strlen(text) != (size_t)PyBytes_Size(bytes))
        PyErr_SetString(PyExc_ValueError, "a text holds a zero byte");
    else if (text && !(copy = strdup(text)))
        PyErr_NoMemory();
    else if (!text && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "a list of str is needed");
    Py_XDECREF(bytes);
    return copy;
}

char **core_strings(PyObject *sequence)
{
    Py_ssize_t count = PySequence_Size(sequence);
    char **strings = count >= 0 ? calloc((size_t)count + 1, sizeof(char *)) : NULL;
    if (count >= 0 && !strings)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; strings && i < count; i++) {
        PyObject *item = PySequence_GetItem(sequence, i);
        strings[i] = copy_string(item);
        Py_XDECREF(item);
        if (!strings[i]) {
            core_free_strings(strings);
            return NULL;
        }
    }
    return strings;
}

int core_take_spec(PyObject *object, void *ret_spec)
{
    if (!PyObject_TypeCheck(object, core_spec_type)) {
        PyErr_SetString(PyExc_TypeError, "a Spec is needed");
        return 0;
    }
    *(struct bj_spec **)ret_spec = ((struct spec *)object)->spec;
    return 1;
}

PyObject *core_new_spec(struct bj_spec *spec)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(core_spec_type, Py_tp_alloc);
    struct spec *self = (struct spec *)allocate(core_spec_type, 0);
    if (self)
        self->spec = spec;
    else
        bj_spec_free(spec);
    return (PyObject *)self;
}

/* ---- Spec ------------------------------------------------------------------------------------------ */

static PyObject *spec_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    const char *profile = "default";
    struct bj_spec *spec = NULL;
    struct bj_error error = {0};
    (void)type;
    if ((keywords && PyDict_Size(keywords) > 0) || !PyArg_ParseTuple(arguments, "|s:Spec", &profile)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "Spec takes the name of a profile");
        return NULL;
    }
    if (bj_spec_from_profile(profile, &spec, &error) < 0)
        return core_raise(&error);
    return core_new_spec(spec);
}

static void spec_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    bj_spec_free(((struct spec *)self)->spec);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

#define SPEC(self) (((struct spec *)(self))->spec)

/* Setters of one text, of two, and of a list of them. */
#define ONE_TEXT(name)                                                                                         \
    static PyObject *name(PyObject *self, PyObject *arguments)                                                 \
    {                                                                                                          \
        struct bj_error error = {0};                                                                           \
        const char *text;                                                                                      \
        if (!PyArg_ParseTuple(arguments, "s:" #name, &text))                                                   \
            return NULL;                                                                                       \
        return core_done(bj_spec_##name(SPEC(self), text, &error), &error);                                    \
    }
#define TWO_TEXTS(name)                                                                                        \
    static PyObject *name(PyObject *self, PyObject *arguments)                                                 \
    {                                                                                                          \
        struct bj_error error = {0};                                                                           \
        const char *first;                                                                                     \
        const char *second;                                                                                    \
        if (!PyArg_ParseTuple(arguments, "ss:" #name, &first, &second))                                        \
            return NULL;                                                                                       \
        return core_done(bj_spec_##name(SPEC(self), first, second, &error), &error);                           \
    }
#define TEXT_LIST(name)                                                                                        \
    static PyObject *name(PyObject *self, PyObject *arguments)                                                 \
    {                                                                                                          \
        struct bj_error error = {0};                                                                           \
        PyObject *list;                                                                                        \
        if (!PyArg_ParseTuple(arguments, "O:" #name, &list))                                                   \
            return NULL;                                                                                       \
        char **strings = core_strings(list);                                                                   \
        if (!strings)                                                                                          \
            return NULL;                                                                                       \
        int r = bj_spec_##name(SPEC(self), (const char *const *)strings, &error);                              \
        core_free_strings(strings);                                                                            \
        return core_done(r, &error);                                                                           \
    }

ONE_TEXT(set_code)
ONE_TEXT(set_expression)
ONE_TEXT(add_python_path)
ONE_TEXT(set_python)
ONE_TEXT(add_globals)
ONE_TEXT(add_views)
ONE_TEXT(add_policy)
ONE_TEXT(set_directory)
ONE_TEXT(set_hostname)
ONE_TEXT(set_network)
ONE_TEXT(set_output_action)
ONE_TEXT(add_collect)
TWO_TEXTS(set_env)
TWO_TEXTS(set_layer)
TWO_TEXTS(add_file_source)
TEXT_LIST(set_command)
TEXT_LIST(set_args)
TEXT_LIST(set_syscalls)
TEXT_LIST(set_preload)
TEXT_LIST(set_calls)

static PyObject *set_limit(PyObject *self, PyObject *arguments)
{
    struct bj_error error = {0};
    const char *field;
    unsigned long long value;
    if (!PyArg_ParseTuple(arguments, "sK:set_limit", &field, &value))
        return NULL;
    return core_done(bj_spec_set_limit(SPEC(self), field, value, &error), &error);
}

static PyObject *set_trace(PyObject *self, PyObject *arguments)
{
    struct bj_error error = {0};
    unsigned long long steps;
    unsigned long long bytes;
    if (!PyArg_ParseTuple(arguments, "KK:set_trace", &steps, &bytes))
        return NULL;
    return core_done(bj_spec_set_trace(SPEC(self), steps, bytes, &error), &error);
}

static PyObject *set_display(PyObject *self, PyObject *arguments)
{
    struct bj_error error = {0};
    int on;
    if (!PyArg_ParseTuple(arguments, "p:set_display", &on))
        return NULL;
    return core_done(bj_spec_set_display(SPEC(self), on, &error), &error);
}

static PyObject *set_deterministic(PyObject *self, PyObject *arguments)
{
    struct bj_error error = {0};
    unsigned long long seed;
    const char *start;
    if (!PyArg_ParseTuple(arguments, "Kz:set_deterministic", &seed, &start))
        return NULL;
    return core_done(bj_spec_set_deterministic(SPEC(self), seed, start, &error), &error);
}

static PyObject *set_stdin(PyObject *self, PyObject *arguments)
{
    struct bj_error error = {0};
    const char *bytes;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(arguments, "y#:set_stdin", &bytes, &length))
        return NULL;
    return core_done(bj_spec_set_stdin(SPEC(self), bytes, (size_t)length, &error), &error);
}

static PyObject *add_file_bytes(PyObject *self, PyObject *arguments)
{
    struct bj_error error = {0};
    const char *path;
    const char *bytes;
    Py_ssize_t length;
    int executable;
    if (!PyArg_ParseTuple(arguments, "sy#p:add_file_bytes", &path, &bytes, &length, &executable))
        return NULL;
    return core_done(bj_spec_add_file_bytes(SPEC(self), path, bytes, (size_t)length, executable, &error),
                     &error);
}

static PyObject *add_mount(PyObject *self, PyObject *arguments)
{
    struct bj_error error = {0};
    const char *source;
    const char *target;
    const char *mode;
    if (!PyArg_ParseTuple(arguments, "sss:add_mount", &source, &target, &mode))
        return NULL;
    return core_done(bj_spec_add_mount(SPEC(self), source, target, mode, &error), &error);
}

/* clang-format off */
#define METHOD(name) {#name, name, METH_VARARGS, NULL}
/* clang-format on */
static PyMethodDef spec_methods[] = {
    METHOD(set_code),          METHOD(set_expression), METHOD(set_args),          METHOD(set_command),
    METHOD(add_python_path),   METHOD(set_python),     METHOD(add_globals),       METHOD(add_policy),
    METHOD(set_trace),         METHOD(set_display),    METHOD(set_deterministic), METHOD(set_env),
    METHOD(set_stdin),         METHOD(set_directory),  METHOD(set_hostname),      METHOD(set_network),
    METHOD(set_limit),         METHOD(set_layer),      METHOD(set_syscalls),      METHOD(set_preload),
    METHOD(set_output_action), METHOD(add_file_bytes), METHOD(add_file_source),   METHOD(add_mount),
    METHOD(add_collect),       METHOD(add_views),      METHOD(set_calls),         {NULL, NULL, 0, NULL},
};

PyObject *core_make_spec_type(void)
{
    static PyType_Slot slots[] = {
        {Py_tp_new, spec_new}, {Py_tp_dealloc, spec_dealloc}, {Py_tp_methods, spec_methods}, {0, NULL}};
    static PyType_Spec type = {"belljar._core.Spec", sizeof(struct spec), 0, Py_TPFLAGS_DEFAULT, slots};
    return PyType_FromSpec(&type);
}

/* ---- Plan ------------------------------------------------------------------------------------------ */

struct plan {
    PyObject_HEAD struct bj_plan *plan;
};

static PyObject *plan_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    struct bj_spec *spec;
    struct bj_plan *plan = NULL;
    struct bj_error error = {0};
    int r;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "O&:Plan", core_take_spec, &spec))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    r = bj_plan_new(spec, &plan, &error);
    Py_END_ALLOW_THREADS
    if (r < 0)
        return core_raise(&error);
    struct plan *self = (struct plan *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self)
        self->plan = plan;
    else
        bj_plan_free(plan);
    return (PyObject *)self;
}

static void plan_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    bj_plan_free(((struct plan *)self)->plan);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *plan_start(PyObject *self, PyObject *arguments)
{
    int stdin_fd = -1;
    struct bj_run *run = NULL;
    struct bj_error error = {0};
    int r;
    if (!PyArg_ParseTuple(arguments, "|i:start", &stdin_fd))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    r = bj_run_start_stdin(((struct plan *)self)->plan, stdin_fd, &run, &error);
    Py_END_ALLOW_THREADS
    return r < 0 ? core_raise(&error) : core_new_run(run, self, NULL);
}

PyObject *core_make_plan_type(void)
{
    static PyMethodDef methods[] = {{"start", plan_start, METH_VARARGS, "start(stdin_fd=-1) -> Run"},
                                    {NULL, NULL, 0, NULL}};
    static PyType_Slot slots[] = {
        {Py_tp_new, plan_new}, {Py_tp_dealloc, plan_dealloc}, {Py_tp_methods, methods}, {0, NULL}};
    static PyType_Spec type = {"belljar._core.Plan", sizeof(struct plan), 0, Py_TPFLAGS_DEFAULT, slots};
    return PyType_FromSpec(&type);
}
