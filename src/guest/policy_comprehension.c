/* Comprehensions of expressions: loops, and the only place where an expression can take long.
 * Its own file because it has scopes, and a limit that counts through the whole expression.
 * Changes when: a comprehension may hold something more. */
#include "policy_expression.h"

#define COMPREHENSION_MAX 10000 /* items, of the whole expression */

struct comprehension {
    PyObject *node, *generators; /* borrowed */
    PyObject *result;            /* list of the items, or of pairs */
};

static int assign(PyObject *scope, PyObject *target, PyObject *value)
{
    if (guest_is_node(target, "Name"))
        return PyDict_SetItemString(scope, guest_node_text(target, "id"), value);
    PyObject *targets = guest_is_node(target, "Tuple") ? PyObject_GetAttrString(target, "elts") : NULL;
    PyObject *items = targets ? PySequence_List(value) : NULL;
    int r = items && PyList_GET_SIZE(items) == PyList_GET_SIZE(targets) ? 0 : -1;
    if (r < 0 && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "the items do not fit the names");
    for (Py_ssize_t i = 0; r == 0 && i < PyList_GET_SIZE(items); i++)
        r = guest_is_node(PyList_GET_ITEM(targets, i), "Name")
                ? PyDict_SetItemString(scope, guest_node_text(PyList_GET_ITEM(targets, i), "id"),
                                       PyList_GET_ITEM(items, i))
                : -1;
    if (r < 0 && !PyErr_Occurred())
        (void)guest_expression_error("FeatureNotAvailable", "Sorry, %s is not available in this evaluator",
                                     "a nested target");
    Py_XDECREF(items);
    Py_XDECREF(targets);
    return r;
}

static int add_item(struct expression *expression, struct comprehension *made)
{
    bool pair = guest_is_node(made->node, "DictComp");
    PyObject *first = guest_child_value(expression, made->node, pair ? "key" : "elt");
    PyObject *second = first && pair ? guest_child_value(expression, made->node, "value") : Py_XNewRef(first);
    PyObject *item = second ? PyTuple_Pack(2, first, second) : NULL;
    int r = item ? PyList_Append(made->result, item) : -1;
    Py_XDECREF(item);
    Py_XDECREF(second);
    Py_XDECREF(first);
    return r;
}

static int is_wanted(struct expression *expression, PyObject *generator)
{
    PyObject *tests = guest_child_values(expression, generator, "ifs");
    int wanted = tests ? 1 : -1;
    for (Py_ssize_t i = 0; wanted > 0 && i < PyList_GET_SIZE(tests); i++)
        wanted = PyObject_IsTrue(PyList_GET_ITEM(tests, i));
    Py_XDECREF(tests);
    return wanted;
}

static int generate(struct expression *expression, struct comprehension *made, Py_ssize_t level);

static int take_item(struct expression *expression, struct comprehension *made, Py_ssize_t level,
                     PyObject *item)
{
    PyObject *generator = PyList_GET_ITEM(made->generators, level);
    PyObject *scope = PyList_GET_ITEM(expression->scopes, PyList_GET_SIZE(expression->scopes) - 1);
    if (++expression->generated > COMPREHENSION_MAX) {
        (void)guest_expression_error("IterableTooLong", "%s", "Comprehension generates too many elements");
        return -1;
    }
    PyObject *target = PyObject_GetAttrString(generator, "target");
    int r = target ? assign(scope, target, item) : -1;
    Py_XDECREF(target);
    int wanted = r == 0 ? is_wanted(expression, generator) : -1;
    return wanted > 0 ? generate(expression, made, level + 1) : wanted;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as there are generators in the text */
static int generate(struct expression *expression, struct comprehension *made, Py_ssize_t level)
{
    if (level == PyList_GET_SIZE(made->generators))
        return add_item(expression, made);
    PyObject *items = guest_child_value(expression, PyList_GET_ITEM(made->generators, level), "iter");
    PyObject *each = items ? PyObject_GetIter(items) : NULL;
    PyObject *item;
    int r = each ? 0 : -1;
    while (r >= 0 && (item = PyIter_Next(each))) {
        r = take_item(expression, made, level, item);
        Py_DECREF(item);
    }
    if (PyErr_Occurred())
        r = -1;
    Py_XDECREF(each);
    Py_XDECREF(items);
    return r < 0 ? -1 : 0;
}

static PyObject *as_collection(PyObject *node, PyObject *pairs)
{
    if (guest_is_node(node, "DictComp")) {
        PyObject *dict = PyDict_New();
        if (dict && PyDict_MergeFromSeq2(dict, pairs, 1) < 0)
            Py_CLEAR(dict);
        return dict;
    }
    PyObject *items = PyList_New(0);
    for (Py_ssize_t i = 0; items && i < PyList_GET_SIZE(pairs); i++)
        if (PyList_Append(items, PyTuple_GET_ITEM(PyList_GET_ITEM(pairs, i), 0)) < 0)
            Py_CLEAR(items);
    PyObject *result = items && guest_is_node(node, "SetComp") ? PySet_New(items) : Py_XNewRef(items);
    Py_XDECREF(items);
    return result;
}

PyObject *guest_comprehension(struct expression *expression, PyObject *node)
{
    PyObject *generators = PyObject_GetAttrString(node, "generators");
    PyObject *scope = generators ? PyDict_New() : NULL;
    struct comprehension made = {node, generators, scope ? PyList_New(0) : NULL};
    PyObject *result = NULL;
    if (made.result && PyList_Append(expression->scopes, scope) == 0) {
        if (generate(expression, &made, 0) == 0)
            result = as_collection(node, made.result);
        Py_ssize_t last = PyList_GET_SIZE(expression->scopes) - 1;
        if (PyList_SetSlice(expression->scopes, last, last + 1, NULL) < 0)
            Py_CLEAR(result);
    }
    Py_XDECREF(made.result);
    Py_XDECREF(scope);
    Py_XDECREF(generators);
    return result;
}
