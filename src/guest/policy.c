/* The policy: read from the request, put in force before the snippet, lifted when it is over.
 * Its own file because it is the order of things, and everything else is in its parts.
 * Changes when: a policy can say something more, or is put in force in another order. */
#include "policy_expression.h"

struct policy guest_policy;

static int read_features(PyObject *policy)
{
    PyObject *list = PyDict_GetItemString(policy, "features"); /* borrowed, like each */
    for (Py_ssize_t i = 0; list && i < PyList_Size(list); i++)
        for (enum bj_feature feature = 0; feature < BJ_FEATURE__COUNT; feature++)
            if (PyUnicode_CompareWithASCIIString(PyList_GetItem(list, i), guest_feature_name(feature)) == 0)
                guest_policy.features |= 1u << feature;
    return PyErr_Occurred() ? -1 : 0;
}

static void read_level(PyObject *policy)
{
    PyObject *level = PyDict_GetItemString(policy, "level"); /* borrowed */
    if (level && PyUnicode_CompareWithASCIIString(level, "restricted") == 0)
        guest_policy.level = LEVEL_RESTRICTED;
    else if (level && PyUnicode_CompareWithASCIIString(level, "expression") == 0)
        guest_policy.level = LEVEL_EXPRESSION;
}

static int read_modules(PyObject *policy)
{
    PyObject *modules = PyDict_GetItemString(policy, "modules"); /* borrowed, like key and names */
    PyObject *key;
    PyObject *names;
    Py_ssize_t position = 0;
    guest_policy.modules = PyDict_New();
    int r = guest_policy.modules ? 0 : -1;
    while (r == 0 && modules && PyDict_Next(modules, &position, &key, &names)) {
        PyObject *set = PyFrozenSet_New(names);
        r = set ? PyDict_SetItem(guest_policy.modules, key, set) : -1;
        Py_XDECREF(set);
    }
    return r;
}

static int read_policy(PyObject *policy)
{
    PyObject *paths = PyDict_GetItemString(policy, "paths"); /* borrowed, like limit */
    PyObject *limit = PyDict_GetItemString(policy, "recursion_limit");
    read_level(policy);
    guest_policy.functions = Py_XNewRef(PyDict_GetItemString(policy, "functions"));
    guest_policy.paths = paths ? PySequence_Tuple(paths) : PyTuple_New(0);
    guest_policy.recursion_limit = limit ? (int)PyLong_AsLong(limit) : (int)BJ_POLICY_RECURSION;
    if (!guest_policy.paths || PyErr_Occurred() || read_features(policy) < 0 || read_modules(policy) < 0)
        return -1;
    return guest_add_feature_modules();
}

/* The snippet's own folder is no part of the library: a file in it would be imported with the real built-ins. */
static int find_library(void)
{
    PyObject *path = PySys_GetObject("path"); /* borrowed */
    PyObject *here = PyUnicode_FromString("/box");
    Py_ssize_t at = path && here ? PySequence_Index(path, here) : -1;
    PyErr_Clear();
    Py_XDECREF(here);
    int r = at >= 0 ? PySequence_DelItem(path, at) : 0;
    guest_policy.library = r == 0 && path ? PySequence_Tuple(path) : NULL;
    return guest_policy.library ? 0 : -1;
}

static int view_values(PyObject *values)
{
    PyObject *key;
    PyObject *value;
    Py_ssize_t position = 0;
    int r = 0;
    while (r == 0 && PyDict_Next(values, &position, &key, &value)) {
        PyObject *view = guest_read_only(value);
        r = view ? PyDict_SetItem(values, key, view) : -1; /* the key is there: the order stays */
        Py_XDECREF(view);
    }
    return r;
}

/* For another snippet of a session: nothing is told again, and no snippet is given the real built-ins because an earlier one
 * has deleted its own. */
static int resume(PyObject *globals, PyObject *values)
{
    guest_policy.over = false;
    Py_CLEAR(guest_policy.names);
    guest_forget_denials();
    guest_forget_printed();
    Py_SetRecursionLimit(guest_policy.recursion_limit);
    return PyDict_SetItemString(globals, "__builtins__", guest_policy.builtins) < 0 || view_values(values) < 0
               ? -1
               : guest_block_stdio();
}

int guest_policy_begin(PyObject *policy, PyObject *globals, PyObject *values)
{
    if (guest_policy.builtins)
        return resume(globals, values);
    guest_policy.originals = PyEval_GetBuiltins(); /* borrowed; the interpreter keeps it */
    if (read_policy(policy) < 0 || guest_make_sandbox_error() < 0 || guest_guard_views() < 0 ||
        find_library() < 0)
        return -1;
    guest_policy.builtins = guest_make_builtins();
    if (!guest_policy.builtins || PyDict_SetItemString(globals, "__builtins__", guest_policy.builtins) < 0 ||
        view_values(values) < 0)
        return -1;
    if (guest_mend_interpreter() < 0 || guest_hide_attributes() < 0 || guest_block_stdio() < 0 ||
        guest_watch() < 0)
        return -1;
    Py_SetRecursionLimit(guest_policy.recursion_limit);
    return 0;
}

void guest_policy_end(void)
{
    if (!guest_policy.builtins)
        return;
    guest_policy.over = true;
    Py_SetRecursionLimit(Py_GetRecursionLimit() < 1000 ? 1000 : Py_GetRecursionLimit());
    guest_unblock_stdio();
}

/* Of a text that is read before it is run. */
static PyObject *compile_restricted(const char *text, int start)
{
    PyObject *tree = guest_parse(text, start == Py_eval_input ? Py_eval_input : Py_file_input);
    PyObject *code = tree && guest_check_restricted(tree) == 0 ? guest_compile_tree(tree, start) : NULL;
    Py_XDECREF(tree);
    return code;
}

/* Of a module: not those that every module has, of which one has all built-ins. A reference. */
static PyObject *names_of(PyObject *globals)
{
    PyObject *names = PyDict_New();
    PyObject *key;
    PyObject *value;
    Py_ssize_t position = 0;
    while (names && PyDict_Next(globals, &position, &key, &value)) {
        const char *text = PyUnicode_AsUTF8(key);
        if (!text || (strncmp(text, "__", 2) != 0 && PyDict_SetItem(names, key, value) < 0))
            Py_CLEAR(names);
    }
    return names;
}

/* What the host's statements define, with the snippet's built-ins. A reference to a dict. */
static PyObject *define_functions(void)
{
    PyObject *module = PyDict_New();
    const char *text = guest_policy.functions ? PyUnicode_AsUTF8(guest_policy.functions) : "";
    int r = module && text ? PyDict_SetItemString(module, "__builtins__", guest_policy.builtins) : -1;
    PyObject *code = r == 0 ? Py_CompileString(text, "<functions>", Py_file_input) : NULL;
    PyObject *done = code ? PyEval_EvalCode(code, module, module) : NULL;
    PyObject *functions = done ? names_of(module) : NULL;
    Py_XDECREF(done);
    Py_XDECREF(code);
    Py_XDECREF(module);
    return functions;
}

static PyObject *evaluate(const char *text, PyObject *globals)
{
    if (!text[strspn(text, " \t\r\n")])
        return guest_expression_error("InvalidExpression", "%s", "Sorry, cannot evaluate empty string");
    PyObject *tree = guest_parse(text, Py_eval_input);
    PyObject *names = tree ? names_of(globals) : NULL;
    PyObject *functions = names ? define_functions() : NULL;
    PyObject *value = functions ? guest_evaluate(tree, names, functions) : NULL;
    Py_XDECREF(functions);
    Py_XDECREF(names);
    Py_XDECREF(tree);
    return value;
}

bool guest_policy_run(const char *text, int start, PyObject *globals, PyObject **ret_value)
{
    if (!guest_policy.builtins || guest_policy.level == LEVEL_FEATURES)
        return false;
    if (guest_policy.level == LEVEL_EXPRESSION) {
        *ret_value = evaluate(text, globals);
        return true;
    }
    PyObject *code = compile_restricted(text, start);
    *ret_value = code ? PyEval_EvalCode(code, globals, globals) : NULL;
    Py_XDECREF(code);
    return true;
}
