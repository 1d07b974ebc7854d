/* What an interactive interpreter does with a text: values that are written, and input that goes on in the next line.
 * Its own file because scripts have neither.
 * Changes when: CPython reads its input in another way, or writes values in another way. */
#include "policy.h"

/* What codeop refuses may still be a script: a block with a statement behind it, as it is pasted. If it is not, the message of
 * the parser itself is the better one, and there is no traceback through codeop. */
static PyObject *is_script(PyObject *source, bool expression)
{
    const char *text = PyUnicode_AsUTF8(source);
    PyErr_Clear();
    PyObject *tree = text ? guest_parse(text, expression ? Py_eval_input : Py_file_input) : NULL;
    Py_XDECREF(tree);
    return tree ? Py_NewRef(Py_True) : NULL;
}

/* By codeop, which knows its interpreter: None is what may become whole. Nothing of it runs, and no policy is in force: who
 * asks this asks it of a process that has run nothing and is to run nothing. */
PyObject *guest_is_whole(PyObject *source, bool expression)
{
    PyObject *codeop = PyImport_ImportModule("codeop");
    PyObject *code = codeop ? PyObject_CallMethod(codeop, "compile_command", "Oss", source, guest_file_name,
                                                  expression ? "eval" : "single")
                            : NULL;
    PyObject *whole = code ? PyBool_FromLong(code != Py_None) : NULL;
    if (codeop && !code && PyErr_ExceptionMatches(PyExc_SyntaxError))
        whole = is_script(source, expression);
    Py_XDECREF(code);
    Py_XDECREF(codeop);
    return whole;
}

PyObject *guest_make_interactive(PyObject *tree)
{
    PyObject *ast = PyImport_ImportModule("_ast"); /* built in */
    PyObject *body = ast ? PyObject_GetAttrString(tree, "body") : NULL;
    PyObject *interactive = body ? PyObject_CallMethod(ast, "Interactive", "(O)", body) : NULL;
    Py_XDECREF(body);
    Py_XDECREF(ast);
    return interactive;
}

/* Whoever sits there sees a line when it is written, and not when it is one of thousands. */
int guest_buffer_lines(void)
{
    static bool done;                                            /* a fork has it from its parent */
    PyObject *out = done ? NULL : PySys_GetObject("__stdout__"); /* borrowed */
    PyObject *reconfigure = out && out != Py_None ? PyObject_GetAttrString(out, "reconfigure") : NULL;
    PyObject *nothing = PyTuple_New(0);
    PyObject *how = Py_BuildValue("{s:O}", "line_buffering", Py_True);
    PyObject *result = reconfigure && nothing && how ? PyObject_Call(reconfigure, nothing, how) : NULL;
    int r = PyErr_Occurred() ? -1 : 0;
    done = true;
    Py_XDECREF(result);
    Py_XDECREF(how);
    Py_XDECREF(nothing);
    Py_XDECREF(reconfigure);
    return r;
}

PyObject *guest_run_displayed(const char *text, PyObject *globals)
{
    PyObject *tree = guest_parse(text, Py_file_input);
    PyObject *code = tree ? guest_compile_tree(tree, Py_single_input) : NULL;
    PyObject *value = code ? PyEval_EvalCode(code, globals, globals) : NULL;
    Py_XDECREF(code);
    Py_XDECREF(tree);
    return value;
}
