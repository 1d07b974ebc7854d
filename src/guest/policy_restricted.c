/* The level "restricted": what RestrictedPython refuses, refused before anything runs.
 * Its own file because it is one rule for each kind of node, read against RestrictedPython's list.
 * Changes when: Python has new syntax, which is refused until somebody has thought about it.
 *
 * Names and attributes that begin with "_" are refused in the text; at run time the attributes that lead out are gone from their types
 * (policy_hide.c). Only what stores is rewritten: the object whose attribute or item it changes goes through a guard
 * (policy_writes.c). The tree that is read here, with these guards, is what is run. */
#include "policy.h"

#include <stdio.h>

#define ERRORS_MAX 20

static const char known[] = " Add And Assert Assign Attribute AugAssign BinOp BitAnd BitOr BitXor BoolOp Break "
                            "Call ClassDef Compare Constant Continue Del Delete "
                            "Dict DictComp Div Eq ExceptHandler Expr Expression FloorDiv For FormattedValue "
                            "FunctionDef GeneratorExp Global Gt GtE If IfExp Import "
                            "ImportFrom In Invert Is IsNot JoinedStr LShift Lambda List ListComp Load Lt LtE "
                            "MatMult Mod Module Mult Name NamedExpr Not NotEq NotIn "
                            "Or Pass Pow RShift Raise Return Set SetComp Slice Starred Store Sub Subscript Try "
                            "Tuple UAdd USub UnaryOp While With Yield YieldFrom "
                            "alias arg arguments comprehension keyword withitem ";
static const char reserved[] = " print printed builtins breakpoint ";
static const char inspected[] = " tb_frame tb_next f_back f_builtins f_code f_generator f_globals f_locals "
                                "f_trace co_code gi_frame gi_code gi_yieldfrom cr_await "
                                "cr_frame cr_code cr_origin ag_await ag_code ag_frame ";
static const char magic[] = " __init__ __contains__ __lt__ __le__ __eq__ __ne__ __gt__ __ge__ ";

struct reading {
    PyObject *errors; /* list of str */
    PyObject *names;  /* dict: in the order in which they are first used */
    int classes;      /* that the node is in, directly */
};

static bool is_in(const char *words, const char *word)
{
    char framed[64];
    int length = snprintf(framed, sizeof(framed), " %s ", word);
    return length < (int)sizeof(framed) && strstr(words, framed);
}

bool guest_is_inspection(const char *name)
{
    return is_in(inspected, name);
}

static void refuse(const struct reading *reading, PyObject *node, const char *format, const char *name)
{
    PyObject *what = PyUnicode_FromFormat(format, name);
    PyObject *text = what ? PyUnicode_FromFormat("Line %d: %U", guest_node_line(node), what) : NULL;
    if (text && PyList_GET_SIZE(reading->errors) < ERRORS_MAX)
        (void)PyList_Append(reading->errors, text);
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(what);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static void check_name(const struct reading *reading, PyObject *node, const char *name)
{
    if (!name)
        return;
    if (name[0] == '_' && name[1])
        refuse(reading, node, "\"%s\" is an invalid variable name because it starts with \"_\"", name);
    else if (ends_with(name, "__roles__"))
        refuse(reading, node, "\"%s\" is an invalid variable name because it ends with \"__roles__\".", name);
    else if (is_in(reserved, name))
        refuse(reading, node, "\"%s\" is a reserved name.", name);
}

static void check_attribute(const struct reading *reading, PyObject *node, const char *name)
{
    if (name[0] == '_' && name[1])
        refuse(reading, node, "\"%s\" is an invalid attribute name because it starts with \"_\".", name);
    else if (ends_with(name, "__roles__"))
        refuse(reading, node, "\"%s\" is an invalid attribute name because it ends with \"__roles__\".", name);
    else if (is_in(inspected, name))
        refuse(reading, node, "\"%s\" is a restricted name, that is forbidden to access in RestrictedPython.",
               name);
}

/* A child node, or NULL: a new reference. */
static PyObject *child_of(PyObject *node, const char *field)
{
    PyObject *child = PyObject_GetAttrString(node, field);
    PyErr_Clear();
    return child;
}

static void read_name(struct reading *reading, PyObject *node)
{
    const char *name = guest_node_text(node, "id");
    PyObject *context = child_of(node, "ctx");
    bool used = context && guest_is_node(context, "Load");
    Py_XDECREF(context);
    if (!name)
        return;
    bool prints = strcmp(name, "print") == 0 || strcmp(name, "printed") == 0;
    if (used && !prints)
        (void)PyDict_SetItemString(reading->names, name, Py_None);
    if (!used || !prints)
        check_name(reading, node, name);
}

static void read_call(struct reading *reading, PyObject *node)
{
    PyObject *function = child_of(node, "func");
    const char *name = function && guest_is_node(function, "Name") ? guest_node_text(function, "id") : NULL;
    if (name && strcmp(name, "exec") == 0)
        refuse(reading, node, "Exec calls are not allowed.", "");
    if (name && strcmp(name, "eval") == 0)
        refuse(reading, node, "Eval calls are not allowed.", "");
    Py_XDECREF(function);
}

static void read_change(struct reading *reading, PyObject *node)
{
    PyObject *target = child_of(node, "target");
    if (target && guest_is_node(target, "Attribute"))
        refuse(reading, node, "Augmented assignment of attributes is not allowed.", "");
    if (target && guest_is_node(target, "Subscript"))
        refuse(reading, node, "Augmented assignment of object items and slices is not allowed.", "");
    Py_XDECREF(target);
}

static void read_import(struct reading *reading, PyObject *node)
{
    const char *name = guest_node_text(node, "name");
    if (name && strcmp(name, "*") == 0)
        refuse(reading, node, "\"*\" imports are not allowed.", "");
    else
        check_name(reading, node, name);
    check_name(reading, node, guest_node_text(node, "asname"));
}

static void read_function(struct reading *reading, PyObject *node)
{
    const char *name = guest_node_text(node, "name");
    if (name && (!reading->classes || !is_in(magic, name)))
        check_name(reading, node, name);
}

static void read_keyword(struct reading *reading, PyObject *node)
{
    const char *name = guest_node_text(node, "arg");
    if (name && strcmp(name, "metaclass") == 0)
        refuse(reading, node, "The keyword argument \"metaclass\" is not allowed.", "");
}

static void read_definition(struct reading *reading, PyObject *node)
{
    check_name(reading, node, guest_node_text(node, "name"));
}

static void read_argument(struct reading *reading, PyObject *node)
{
    check_name(reading, node, guest_node_text(node, "arg"));
}

/* Where it is, as the node that it is put into. */
static int copy_place(PyObject *to, PyObject *from)
{
    static const char *const fields[] = {"lineno", "col_offset", "end_lineno", "end_col_offset"};
    int r = to ? 0 : -1;
    for (size_t i = 0; r == 0 && i < BJ_COUNT(fields); i++) {
        PyObject *number = PyObject_GetAttrString(from, fields[i]);
        r = number ? PyObject_SetAttrString(to, fields[i], number) : -1;
        Py_XDECREF(number);
    }
    return r;
}

/* "object" of "object.name = 1" becomes "guard(object, 'name')", which is the object or a denial: it is worked out once, when it
 * always was, and whatever the statement is. A reference. */
static PyObject *call_of_guard(PyObject *node, PyObject *object, PyObject *name)
{
    PyObject *ast = PyImport_ImportModule("_ast"); /* built in */
    PyObject *load = ast ? PyObject_CallMethod(ast, "Load", NULL) : NULL;
    PyObject *guard =
        load ? PyObject_CallMethod(ast, "Name", "(sO)", name ? GUEST_ATTRIBUTE_GUARD : GUEST_ITEM_GUARD, load)
             : NULL;
    PyObject *constant = guard && name ? PyObject_CallMethod(ast, "Constant", "(O)", name) : NULL;
    PyObject *args = constant ? Py_BuildValue("[OO]", object, constant) : Py_BuildValue("[O]", object);
    PyObject *call =
        guard && args && (constant || !name) ? PyObject_CallMethod(ast, "Call", "(OO[])", guard, args) : NULL;
    if (call && (copy_place(call, node) < 0 || copy_place(guard, node) < 0 ||
                 (constant && copy_place(constant, node) < 0)))
        Py_CLEAR(call);
    Py_XDECREF(args);
    Py_XDECREF(constant);
    Py_XDECREF(guard);
    Py_XDECREF(load);
    Py_XDECREF(ast);
    return call;
}

/* Once its children are read: the guard is no part of the snippet's text. */
static int guard_store(PyObject *node)
{
    bool attribute = guest_is_node(node, "Attribute");
    if (!attribute && !guest_is_node(node, "Subscript"))
        return 0;
    PyObject *context = child_of(node, "ctx");
    bool loads = context && guest_is_node(context, "Load");
    Py_XDECREF(context);
    if (loads)
        return 0;
    PyObject *object = child_of(node, "value");
    PyObject *name = attribute ? child_of(node, "attr") : NULL;
    PyObject *call = object && (name || !attribute) ? call_of_guard(node, object, name) : NULL;
    int r = call ? PyObject_SetAttrString(node, "value", call) : -1;
    Py_XDECREF(call);
    Py_XDECREF(name);
    Py_XDECREF(object);
    if (r < 0 && !PyErr_Occurred())
        PyErr_SetString(PyExc_SystemError, "a node of the tree lacks a field");
    return r;
}

static void read_attribute(struct reading *reading, PyObject *node)
{
    const char *name = guest_node_text(node, "attr");
    if (name)
        check_attribute(reading, node, name);
}

static const struct {
    const char *kind;
    void (*read)(struct reading *reading, PyObject *node);
} rules[] = {{"Name", read_name},           {"Attribute", read_attribute},
             {"Call", read_call},           {"AugAssign", read_change},
             {"alias", read_import},        {"FunctionDef", read_function},
             {"ClassDef", read_definition}, {"ExceptHandler", read_definition},
             {"arg", read_argument},        {"keyword", read_keyword}};

static int read_any(struct reading *reading, PyObject *object);

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the text is nested, which the parser bounds */
static int read_children(struct reading *reading, PyObject *node)
{
    PyObject *fields = guest_node_fields(node);
    Py_ssize_t count = fields ? PySequence_Size(fields) : -1;
    int r = count < 0 ? -1 : 0;
    for (Py_ssize_t i = 0; r == 0 && i < count; i++) {
        PyObject *field = PySequence_GetItem(fields, i);
        PyObject *child = field ? PyObject_GetAttr(node, field) : NULL;
        PyErr_Clear(); /* an optional one may not be there */
        r = child ? read_any(reading, child) : 0;
        Py_XDECREF(child);
        Py_XDECREF(field);
    }
    Py_XDECREF(fields);
    return r;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static int read_list(struct reading *reading, PyObject *list)
{
    int r = 0;
    for (Py_ssize_t i = 0; r == 0 && i < PyList_GET_SIZE(list); i++)
        r = read_any(reading, PyList_GET_ITEM(list, i));
    return r;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static int read_node(struct reading *reading, PyObject *node)
{
    const char *kind = guest_node_kind(node);
    int classes = reading->classes;
    if (!is_in(known, kind))
        refuse(reading, node, "%s statements are not allowed.", kind);
    for (size_t i = 0; i < BJ_COUNT(rules); i++)
        if (strcmp(rules[i].kind, kind) == 0)
            rules[i].read(reading, node);
    if (strcmp(kind, "ClassDef") == 0)
        reading->classes = 1;
    else if (strcmp(kind, "FunctionDef") == 0 || strcmp(kind, "Lambda") == 0)
        reading->classes = 0;
    int r = read_children(reading, node);
    reading->classes = classes;
    return r == 0 ? guard_store(node) : r;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static int read_any(struct reading *reading, PyObject *object)
{
    if (Py_EnterRecursiveCall(" in the text of the snippet"))
        return -1;
    int r = 0;
    if (PyList_Check(object))
        r = read_list(reading, object);
    else if (PyObject_HasAttrString(object, "_fields"))
        r = read_node(reading, object);
    Py_LeaveRecursiveCall();
    return r;
}

static int raise_errors(PyObject *errors)
{
    PyObject *end = PyUnicode_FromString("\n");
    PyObject *text = end ? PyUnicode_Join(end, errors) : NULL;
    for (Py_ssize_t i = 0; text && i < PyList_GET_SIZE(errors); i++) {
        const char *what = PyUnicode_AsUTF8(PyList_GET_ITEM(errors, i));
        PyErr_Clear(); /* each is noted, and all are told together */
        (void)guest_deny(PyExc_SyntaxError, NULL, what ? what : "syntax", "%U", text);
    }
    Py_XDECREF(text);
    Py_XDECREF(end);
    return -1;
}

int guest_check_restricted(PyObject *tree)
{
    struct reading reading = {.errors = PyList_New(0), .names = PyDict_New()};
    int r = reading.errors && reading.names ? read_any(&reading, tree) : -1;
    if (r == 0 && PyList_GET_SIZE(reading.errors) > 0)
        r = raise_errors(reading.errors);
    guest_policy.names = reading.names ? PyDict_Keys(reading.names) : NULL;
    Py_XDECREF(reading.names);
    Py_XDECREF(reading.errors);
    return r;
}
