/* Attributes that lead from an object of the snippet's to everything else: each is replaced by one that denies.
 * Its own file because it is a list that grows with every escape that is found, and the one kind of thing that it is made of.
 * Changes when: another attribute leads out, or Python has another name for one.
 *
 * They are taken out of their types, so that there is one place for getattr, str.format, operator.attrgetter, match, vars and
 * whatever else reads attributes. */
#include "policy.h"

#include <frameobject.h>
#include <stdio.h>

#define NOBODY  0u
#define FRAMES  (1u << BJ_FEATURE_TRACEBACK)
#define SANDBOX (1u << BJ_FEATURE_DEBUG_SANDBOX)
#define LIBRARY                                                                                                \
    (1u << 31) /* code of the library, whoever has called it: Enum and copy read these of any class */

static PyTypeObject *type_of(const char *name)
{
    static const struct {
        const char *name;
        PyTypeObject *type;
    } types[] = {
        {"builtin", &PyCFunction_Type},        {"code", &PyCode_Type},           {"frame", &PyFrame_Type},
        {"function", &PyFunction_Type},        {"generator", &PyGen_Type},       {"coroutine", &PyCoro_Type},
        {"async_generator", &PyAsyncGen_Type}, {"traceback", &PyTraceBack_Type}, {"type", &PyType_Type},
        {"object", &PyBaseObject_Type},        {"cell", &PyCell_Type},           {"str", &PyUnicode_Type}};
    for (size_t i = 0; i < BJ_COUNT(types); i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    return NULL;
}

/* Who may see it all the same: one of these features. */
static const struct {
    const char *type, *names;
    uint32_t features;
} rows[] = {
    {"builtin", "__self__", NOBODY},
    {"cell", "cell_contents", NOBODY},
    {"code",
     "co_code co_consts co_lnotab co_linetable co_exceptiontable _co_code_adaptive replace __replace__ "
     "_varname_from_oparg",
     NOBODY},
    {"code", "co_names co_varnames co_cellvars co_freevars co_lines co_positions", LIBRARY},
    {"code", "co_filename co_name co_qualname co_firstlineno", LIBRARY | FRAMES},
    {"frame", "f_back f_builtins f_globals f_locals f_trace f_generator clear", SANDBOX},
    {"frame", "f_code", FRAMES},
    {"function", "__builtins__ __closure__ __globals__", NOBODY},
    {"function", "__code__ __defaults__ __kwdefaults__", LIBRARY},
    {"generator", "gi_code gi_frame gi_yieldfrom", NOBODY},
    {"coroutine", "cr_await cr_code cr_frame cr_origin", NOBODY},
    {"async_generator", "ag_await ag_code ag_frame", NOBODY},
    {"object", "__reduce__ __reduce_ex__", LIBRARY},
    {"traceback", "tb_frame tb_next", FRAMES},
    {"type", "__base__ __bases__ __mro__ mro", LIBRARY},
    {"type", "__subclasses__", NOBODY},
    {"function", "__dict__", LIBRARY}, /* this and the rest: of the level "restricted" */
    {"str", "format format_map", LIBRARY},
};

#define ROWS_RESTRICTED 2 /* the last ones */

struct hidden {
    PyObject ob_base;
    PyObject *original;
    const char *type, *name; /* static; owned by nobody */
    uint32_t features;
};

static bool is_allowed(const struct hidden *hidden)
{
    return (guest_policy.features & hidden->features) || guest_is_trusted() ||
           ((hidden->features & LIBRARY) && guest_is_library());
}

static PyObject *deny(const struct hidden *hidden, PyObject *object)
{
    char what[80];
    const char *owner = object ? Py_TYPE(object)->tp_name : hidden->type;
    const char *feature = (hidden->features & FRAMES)    ? "traceback"
                          : (hidden->features & SANDBOX) ? "debug_sandbox"
                                                         : NULL;
    (void)snprintf(what, sizeof(what), "%s.%s", hidden->type, hidden->name);
    if (strcmp(hidden->type, "str") == 0)
        return guest_deny(PyExc_NotImplementedError, NULL, what,
                          "Using the format*() methods of `str` is not safe");
    return guest_deny(PyExc_AttributeError, feature, what, "'%.100s' object has no attribute '%s'", owner,
                      hidden->name);
}

static PyObject *get(PyObject *self, PyObject *object, PyObject *type)
{
    const struct hidden *hidden = (struct hidden *)self;
    if (!is_allowed(hidden))
        return deny(hidden, object);
    descrgetfunc original = Py_TYPE(hidden->original)->tp_descr_get;
    return original ? original(hidden->original, object, type) : Py_NewRef(hidden->original);
}

static int set(PyObject *self, PyObject *object, PyObject *value)
{
    const struct hidden *hidden = (struct hidden *)self;
    descrsetfunc original = Py_TYPE(hidden->original)->tp_descr_set;
    if (is_allowed(hidden) && original)
        return original(hidden->original, object, value);
    (void)deny(hidden, object);
    return -1;
}

/* Of vars(type), say, where it stands as it is. */
static PyObject *call(PyObject *self, PyObject *args, PyObject *keywords)
{
    const struct hidden *hidden = (struct hidden *)self;
    return is_allowed(hidden) ? PyObject_Call(hidden->original, args, keywords) : deny(hidden, NULL);
}

/* What could be covered by an own attribute can be still: a class may have a __reduce_ex__ of its own. */
static PyTypeObject hidden_method_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "hidden attribute",
                                          .tp_basicsize = sizeof(struct hidden), .tp_flags = Py_TPFLAGS_DEFAULT,
                                          .tp_call = call, .tp_descr_get = get};
static PyTypeObject hidden_data_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "hidden attribute",
                                        .tp_basicsize = sizeof(struct hidden),
                                        .tp_flags = Py_TPFLAGS_DEFAULT,
                                        .tp_call = call,
                                        .tp_descr_get = get,
                                        .tp_descr_set = set};

/* The names in the table stand for as long as the process. */
static int hide_one(PyObject *dict, const char *type, const char *name, uint32_t features)
{
    PyObject *original = PyDict_GetItemString(dict, name); /* borrowed */
    if (!original)
        return 0; /* this version of Python does without */
    struct hidden *hidden =
        PyObject_New(struct hidden, Py_TYPE(original)->tp_descr_set ? &hidden_data_type : &hidden_method_type);
    if (!hidden)
        return -1;
    hidden->original = Py_NewRef(original);
    hidden->type = type;
    hidden->name = name;
    hidden->features = features;
    int r = PyDict_SetItemString(dict, name, (PyObject *)hidden);
    Py_DECREF(hidden);
    return r;
}

static int hide_all(const char *type_name, const char *names, uint32_t features)
{
    PyTypeObject *type = type_of(type_name);
    if (!type)
        return -1;
    PyObject *dict = guest_type_dict(type);
    char *words = PyMem_Malloc(strlen(names) + 1); /* kept: the rows point into it */
    char *rest = words;
    int r = words ? 0 : -1;
    if (words)
        memcpy(words, names, strlen(names) + 1);
    for (char *name; r == 0 && (name = strsep(&rest, " "));)
        r = hide_one(dict, type_name, name, features);
    PyType_Modified(type);
    return r;
}

/* A code object could hold any machine code of the interpreter's. */
static PyObject *refuse_code(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    (void)type;
    (void)args;
    (void)keywords;
    return guest_deny(guest_sandbox_error, NULL, "code()", "code() blocked by the sandbox");
}

int guest_hide_attributes(void)
{
    int r = PyType_Ready(&hidden_method_type) < 0 ? -1 : PyType_Ready(&hidden_data_type);
    size_t count = BJ_COUNT(rows) - (guest_policy.level == LEVEL_RESTRICTED ? 0 : ROWS_RESTRICTED);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = hide_all(rows[i].type, rows[i].names, rows[i].features);
    PyCode_Type.tp_new = refuse_code;
    return r == 0 && guest_policy.level == LEVEL_RESTRICTED ? guest_guard_storing_methods() : r;
}
