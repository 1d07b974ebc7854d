/* The level "expression": an expression over given names and functions, worked out node by node, with simpleeval's rules and limits.
 * Its own file because nothing of it is run by the interpreter: what has no function here does not exist.
 * Changes when: an expression may hold something more. Operators and their limits: policy_operators.c. */
#include "policy_expression.h"

/* ---- parts of a node ---------------------------------------------------------------------------------- */

PyObject *guest_child_value(struct expression *expression, PyObject *node, const char *field)
{
    PyObject *child = PyObject_GetAttrString(node, field);
    PyObject *value = child ? guest_node_value(expression, child) : NULL;
    Py_XDECREF(child);
    return value;
}

/* A list of the values of a list of nodes. */
PyObject *guest_child_values(struct expression *expression, PyObject *node, const char *field)
{
    PyObject *children = PyObject_GetAttrString(node, field);
    PyObject *values = children ? PyList_New(0) : NULL;
    for (Py_ssize_t i = 0; values && i < PyList_GET_SIZE(children); i++) {
        PyObject *value = guest_node_value(expression, PyList_GET_ITEM(children, i));
        if (!value || PyList_Append(values, value) < 0)
            Py_CLEAR(values);
        Py_XDECREF(value);
    }
    Py_XDECREF(children);
    return values;
}

/* ---- names and attributes ------------------------------------------------------------------------------ */

static PyObject *name_value(struct expression *expression, PyObject *node)
{
    PyObject *name = PyObject_GetAttrString(node, "id");
    PyObject *found = NULL; /* borrowed */
    for (Py_ssize_t i = PyList_GET_SIZE(expression->scopes); name && !found && i > 0; i--)
        found = PyDict_GetItemWithError(PyList_GET_ITEM(expression->scopes, i - 1), name);
    PyObject *value = found ? Py_NewRef(found) : NULL;
    if (!value && name && !PyErr_Occurred())
        value = guest_import_listed(name);
    if (!value && name && !PyErr_Occurred())
        value = guest_expression_error("NameNotDefined", "'%U' is not defined", name);
    Py_XDECREF(name);
    return value;
}

static bool is_private(const char *name)
{
    return name[0] == '_' || strncmp(name, "func_", 5) == 0;
}

static bool is_refused_method(const char *name)
{
    static const char *const methods[] = {"format",   "format_map", "mro",      "tb_frame",
                                          "gi_frame", "ag_frame",   "cr_frame", "exec"};
    for (size_t i = 0; i < BJ_COUNT(methods); i++)
        if (strcmp(methods[i], name) == 0)
            return true;
    return false;
}

/* An attribute, or else the item of that name: a.b of {"b": 1}. */
static PyObject *attribute_value(struct expression *expression, PyObject *node)
{
    PyObject *name = PyObject_GetAttrString(node, "attr");
    const char *text = name ? PyUnicode_AsUTF8(name) : NULL;
    PyObject *value = NULL;
    if (text && is_private(text))
        value = guest_expression_error(
            "FeatureNotAvailable", "Sorry, access to __attributes  or func_ attributes is not available. (%U)",
            name);
    else if (text && is_refused_method(text))
        value =
            guest_expression_error("FeatureNotAvailable", "Sorry, this method is not available. (%U)", name);
    PyObject *object = text && !PyErr_Occurred() ? guest_child_value(expression, node, "value") : NULL;
    if (object) {
        value = PyObject_GetAttr(object, name);
        if (!value && PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Clear();
            value = PyDict_Check(object) ? Py_XNewRef(PyDict_GetItemWithError(object, name)) : NULL;
        }
        if (!value && !PyErr_Occurred())
            value = guest_expression_error("AttributeDoesNotExist", "there is no attribute '%U'", name);
    }
    Py_XDECREF(object);
    Py_XDECREF(name);
    return value;
}

static PyObject *subscript_value(struct expression *expression, PyObject *node)
{
    PyObject *object = guest_child_value(expression, node, "value");
    PyObject *key = object ? guest_child_value(expression, node, "slice") : NULL;
    PyObject *value = key ? PyObject_GetItem(object, key) : NULL;
    Py_XDECREF(key);
    Py_XDECREF(object);
    return value;
}

static PyObject *optional_value(struct expression *expression, PyObject *node, const char *field)
{
    PyObject *child = PyObject_GetAttrString(node, field);
    PyObject *value = child && child != Py_None ? guest_node_value(expression, child) : Py_XNewRef(child);
    Py_XDECREF(child);
    return value;
}

static PyObject *slice_value(struct expression *expression, PyObject *node)
{
    PyObject *lower = optional_value(expression, node, "lower");
    PyObject *upper = lower ? optional_value(expression, node, "upper") : NULL;
    PyObject *step = upper ? optional_value(expression, node, "step") : NULL;
    PyObject *value = step ? PySlice_New(lower, upper, step) : NULL;
    Py_XDECREF(step);
    Py_XDECREF(upper);
    Py_XDECREF(lower);
    return value;
}

/* ---- operators ----------------------------------------------------------------------------------------- */

static const char *operator_of(PyObject *node, PyObject **ret_operator)
{
    *ret_operator = PyObject_GetAttrString(node, "op");
    return *ret_operator ? guest_node_kind(*ret_operator) : "";
}

static PyObject *binary_value(struct expression *expression, PyObject *node)
{
    PyObject *operator;
    const char *kind = operator_of(node, &operator);
    PyObject *left = operator? guest_child_value(expression, node, "left") : NULL;
    PyObject *right = left ? guest_child_value(expression, node, "right") : NULL;
    PyObject *value = right ? guest_binary(kind, left, right) : NULL;
    Py_XDECREF(right);
    Py_XDECREF(left);
    Py_XDECREF(operator);
    return value;
}

static PyObject *unary_value(struct expression *expression, PyObject *node)
{
    PyObject *operator;
    const char *kind = operator_of(node, &operator);
    PyObject *operand = operator? guest_child_value(expression, node, "operand") : NULL;
    PyObject *value = operand ? guest_unary(kind, operand) : NULL;
    Py_XDECREF(operand);
    Py_XDECREF(operator);
    return value;
}

/* The first that decides it, or the last. */
static PyObject *logical_value(struct expression *expression, PyObject *node)
{
    PyObject *operator;
    bool wants = strcmp(operator_of(node, &operator), "Or") == 0;
    PyObject *operands = operator? PyObject_GetAttrString(node, "values") : NULL;
    PyObject *value = NULL;
    for (Py_ssize_t i = 0; operands && i < PyList_GET_SIZE(operands); i++) {
        Py_XDECREF(value);
        value = guest_node_value(expression, PyList_GET_ITEM(operands, i));
        int truth = value ? PyObject_IsTrue(value) : -1;
        if (truth < 0)
            Py_CLEAR(value);
        if (truth < 0 || (truth > 0) == wants)
            break;
    }
    Py_XDECREF(operands);
    Py_XDECREF(operator);
    return value;
}

/* One of a chain; *left moves on to what it was compared with. */
static PyObject *compare_next(struct expression *expression, PyObject *operator, PyObject * other,
                              PyObject **left)
{
    PyObject *right = guest_node_value(expression, other);
    PyObject *value = right ? guest_compare(guest_node_kind(operator), *left, right) : NULL;
    Py_DECREF(*left);
    *left = right;
    return value;
}

/* a < b < c ends at the first that does not hold. */
static PyObject *compare_all(struct expression *expression, PyObject *operators, PyObject *others,
                             PyObject **left)
{
    PyObject *value = NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(operators); i++) {
        Py_XDECREF(value);
        value = compare_next(expression, PyList_GET_ITEM(operators, i), PyList_GET_ITEM(others, i), left);
        int truth = value ? PyObject_IsTrue(value) : -1;
        if (truth < 0)
            Py_CLEAR(value);
        if (truth <= 0)
            break;
    }
    return value;
}

static PyObject *comparison_value(struct expression *expression, PyObject *node)
{
    PyObject *operators = PyObject_GetAttrString(node, "ops");
    PyObject *others = operators ? PyObject_GetAttrString(node, "comparators") : NULL;
    PyObject *left = others ? guest_child_value(expression, node, "left") : NULL;
    PyObject *value = left ? compare_all(expression, operators, others, &left) : NULL;
    Py_XDECREF(left);
    Py_XDECREF(others);
    Py_XDECREF(operators);
    return value;
}

static PyObject *choice_value(struct expression *expression, PyObject *node)
{
    PyObject *test = guest_child_value(expression, node, "test");
    int truth = test ? PyObject_IsTrue(test) : -1;
    Py_XDECREF(test);
    return truth < 0 ? NULL : guest_child_value(expression, node, truth ? "body" : "orelse");
}

/* ---- calls --------------------------------------------------------------------------------------------- */

static PyObject *keyword_values(struct expression *expression, PyObject *node)
{
    PyObject *keywords = PyObject_GetAttrString(node, "keywords");
    PyObject *values = keywords ? PyDict_New() : NULL;
    for (Py_ssize_t i = 0; values && i < PyList_GET_SIZE(keywords); i++) {
        PyObject *keyword = PyList_GET_ITEM(keywords, i);
        const char *name = guest_node_text(keyword, "arg");
        PyObject *value = name ? guest_child_value(expression, keyword, "value") : NULL;
        if (!name)
            (void)guest_expression_error("FeatureNotAvailable", "Sorry, %s is not available in this evaluator",
                                         "**");
        if (!value || PyDict_SetItemString(values, name, value) < 0)
            Py_CLEAR(values);
        Py_XDECREF(value);
    }
    Py_XDECREF(keywords);
    return values;
}

/* Functions are those that were given, and methods of values. A name that is none of them is told as a function's. */
static PyObject *function_value(struct expression *expression, PyObject *node)
{
    PyObject *function = PyObject_GetAttrString(node, "func");
    PyObject *value = function ? guest_node_value(expression, function) : NULL;
    if (!value && function && guest_is_node(function, "Name") && guest_is_expression_error("NameNotDefined")) {
        PyErr_Clear();
        (void)guest_expression_error("FunctionNotDefined", "the function '%s' is not defined",
                                     guest_node_text(function, "id"));
    }
    Py_XDECREF(function);
    return value;
}

static PyObject *call_value(struct expression *expression, PyObject *node)
{
    PyObject *function = function_value(expression, node);
    PyObject *list = function ? guest_child_values(expression, node, "args") : NULL;
    PyObject *arguments = list ? PyList_AsTuple(list) : NULL;
    PyObject *keywords = arguments ? keyword_values(expression, node) : NULL;
    PyObject *value = keywords ? guest_bounded(PyObject_Call(function, arguments, keywords)) : NULL;
    Py_XDECREF(keywords);
    Py_XDECREF(arguments);
    Py_XDECREF(list);
    Py_XDECREF(function);
    return value;
}

/* ---- collections --------------------------------------------------------------------------------------- */

static PyObject *list_value(struct expression *expression, PyObject *node)
{
    return guest_child_values(expression, node, "elts");
}

static PyObject *tuple_value(struct expression *expression, PyObject *node)
{
    PyObject *list = guest_child_values(expression, node, "elts");
    PyObject *tuple = list ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return tuple;
}

static PyObject *set_value(struct expression *expression, PyObject *node)
{
    PyObject *list = guest_child_values(expression, node, "elts");
    PyObject *set = list ? PySet_New(list) : NULL;
    Py_XDECREF(list);
    return set;
}

static PyObject *dict_value(struct expression *expression, PyObject *node)
{
    PyObject *keys = guest_child_values(expression, node, "keys");
    PyObject *values = keys ? guest_child_values(expression, node, "values") : NULL;
    PyObject *dict = values ? PyDict_New() : NULL;
    for (Py_ssize_t i = 0; dict && i < PyList_GET_SIZE(keys); i++)
        if (PyDict_SetItem(dict, PyList_GET_ITEM(keys, i), PyList_GET_ITEM(values, i)) < 0)
            Py_CLEAR(dict);
    Py_XDECREF(values);
    Py_XDECREF(keys);
    return dict;
}

static PyObject *string_value(struct expression *expression, PyObject *node)
{
    PyObject *parts = guest_child_values(expression, node, "values");
    PyObject *nothing = parts ? PyUnicode_FromString("") : NULL;
    PyObject *text = nothing ? guest_bounded(PyUnicode_Join(nothing, parts)) : NULL;
    Py_XDECREF(nothing);
    Py_XDECREF(parts);
    return text;
}

/* {value!r:format} */
static PyObject *formatted_value(struct expression *expression, PyObject *node)
{
    PyObject *value = guest_child_value(expression, node, "value");
    PyObject *format = value ? optional_value(expression, node, "format_spec") : NULL;
    PyObject *number = format ? PyObject_GetAttrString(node, "conversion") : NULL;
    long conversion = number ? PyLong_AsLong(number) : -1;
    PyObject *shown = NULL;
    if (number)
        shown = conversion == 'r'   ? PyObject_Repr(value)
                : conversion == 's' ? PyObject_Str(value)
                : conversion == 'a' ? PyObject_ASCII(value)
                                    : Py_NewRef(value);
    PyObject *text = shown && guest_is_format_bounded(format)
                         ? PyObject_Format(shown, format == Py_None ? NULL : format)
                         : NULL;
    Py_XDECREF(shown);
    Py_XDECREF(number);
    Py_XDECREF(format);
    Py_XDECREF(value);
    return text;
}

/* ---- all of them --------------------------------------------------------------------------------------- */

static PyObject *constant_value(struct expression *expression, PyObject *node)
{
    (void)expression;
    return guest_bounded(PyObject_GetAttrString(node, "value"));
}

static PyObject *body_value(struct expression *expression, PyObject *node)
{
    return guest_child_value(expression, node, "body");
}

static const struct {
    const char *kind;
    PyObject *(*value)(struct expression *expression, PyObject *node);
} kinds[] = {{"Expression", body_value},
             {"Constant", constant_value},
             {"Name", name_value},
             {"Attribute", attribute_value},
             {"Subscript", subscript_value},
             {"Slice", slice_value},
             {"BinOp", binary_value},
             {"UnaryOp", unary_value},
             {"BoolOp", logical_value},
             {"Compare", comparison_value},
             {"IfExp", choice_value},
             {"Call", call_value},
             {"List", list_value},
             {"Tuple", tuple_value},
             {"Set", set_value},
             {"Dict", dict_value},
             {"JoinedStr", string_value},
             {"FormattedValue", formatted_value},
             {"ListComp", guest_comprehension},
             {"SetComp", guest_comprehension},
             {"DictComp", guest_comprehension},
             {"GeneratorExp", guest_comprehension}};

/* NOLINTNEXTLINE(misc-no-recursion): bounded by Py_EnterRecursiveCall */
PyObject *guest_node_value(struct expression *expression, PyObject *node)
{
    if (Py_EnterRecursiveCall(" in an expression"))
        return NULL;
    const char *kind = guest_node_kind(node);
    PyObject *value = NULL;
    size_t i = 0;
    while (i < BJ_COUNT(kinds) && strcmp(kinds[i].kind, kind) != 0)
        i++;
    if (i < BJ_COUNT(kinds))
        value = kinds[i].value(expression, node);
    else if (strcmp(kind, "Lambda") == 0)
        value = guest_expression_error("FeatureNotAvailable", "%s", "Lambda Functions not implemented");
    else
        value =
            guest_expression_error("FeatureNotAvailable", "Sorry, %s is not available in this evaluator", kind);
    Py_LeaveRecursiveCall();
    return value;
}

PyObject *guest_evaluate(PyObject *tree, PyObject *names, PyObject *functions)
{
    PyObject *own = guest_expression_functions();
    struct expression expression = {.scopes = own ? Py_BuildValue("[OOO]", own, functions, names) : NULL};
    PyObject *value = expression.scopes ? guest_node_value(&expression, tree) : NULL;
    Py_XDECREF(expression.scopes);
    Py_XDECREF(own);
    return value;
}
