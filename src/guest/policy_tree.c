/* The syntax tree of a snippet, for those who read it before it is run.
 * Its own file because two levels of the policy read it, and what is read must be what is run.
 * Changes when: CPython gives its trees in another form. */
#include "policy.h"

static const PyCompilerFlags only_tree = {.cf_flags = PyCF_ONLY_AST | PyCF_SOURCE_IS_UTF8 | PyCF_IGNORE_COOKIE,
                                          .cf_feature_version = PY_MINOR_VERSION};

PyObject *guest_parse(const char *source, int start)
{
    PyCompilerFlags flags = only_tree;
    return Py_CompileStringFlags(source, guest_file_name, start, &flags);
}

/* By the built-in function, which is the only one that takes a tree. */
PyObject *guest_compile_tree(PyObject *tree, int start)
{
    PyObject *builtins = guest_policy.originals ? guest_policy.originals : PyEval_GetBuiltins(); /* borrowed */
    PyObject *compile = builtins ? PyDict_GetItemString(builtins, "compile") : NULL;             /* the same */
    PyObject *compiled = start == Py_single_input ? guest_make_interactive(tree) : Py_NewRef(tree);
    PyObject *code = compile && compiled ? PyObject_CallFunction(compile, "Oss", compiled, guest_file_name,
                                                                 start == Py_eval_input     ? "eval"
                                                                 : start == Py_single_input ? "single"
                                                                                            : "exec")
                                         : NULL;
    if (!code && !PyErr_Occurred())
        PyErr_SetString(PyExc_RuntimeError, "there is no compile to be had");
    Py_XDECREF(compiled);
    return code;
}

const char *guest_node_kind(PyObject *node)
{
    const char *name = Py_TYPE(node)->tp_name;
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

bool guest_is_node(PyObject *node, const char *kind)
{
    return strcmp(guest_node_kind(node), kind) == 0;
}

int guest_node_line(PyObject *node)
{
    PyObject *number = PyObject_GetAttrString(node, "lineno");
    int line = number ? (int)PyLong_AsLong(number) : 0;
    PyErr_Clear();
    Py_XDECREF(number);
    return line;
}

PyObject *guest_node_fields(PyObject *node)
{
    return PyObject_GetAttrString((PyObject *)Py_TYPE(node), "_fields");
}

const char *guest_node_text(PyObject *node, const char *field)
{
    PyObject *text = PyObject_GetAttrString(node, field);
    const char *bytes = text && PyUnicode_Check(text) ? PyUnicode_AsUTF8(text) : NULL;
    PyErr_Clear();
    Py_XDECREF(text); /* the node keeps it */
    return bytes;
}
