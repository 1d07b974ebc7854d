/* Comprehensions of expressions: loops, and the only place where an expression can take long.
 * Its own file because it has scopes, and a limit that counts through the whole expression.
 * Changes when: a comprehension may hold something more. */
#include "policy_expression.h"

#define COMPREHENSION_MAX 10000 /* items, of the whole expression */

struct comprehension {
    PyObject *node, *generators; /* borrowed */
    PyObject *result;            /* list of the items, or of pairs */
};

static int assign_name(PyObject *scope, PyObject *target, PyObject *value)
{
    if (guest_is_node(target, "Name"))
        return PyDict_SetItemString(scope, guest_node_text(target, "id"), value);
    (void)guest_expression_error("FeatureNotAvailable", "Sorry, %s is not available in this evaluator",
                                 "a nested target");
    return -1;
}

static int assign_each(PyObject *scope, PyObject *targets, PyObject *items)
{
    int r = 0;
    if (PyList_GET_SIZE(items) != PyList_GET_SIZE(targets)) {
        PyErr_SetString(PyExc_ValueError, "the items do not fit the names");
        return -1;
    }
    for (Py_ssize_t i = 0; r == 0 && i < PyList_GET_SIZE(items); i++)
        r = assign_name(scope, PyList_GET_ITEM(targets, i), PyList_GET_ITEM(items, i));
    return r;
}

/* To a name, or to a row of them. */
static int assign(PyObject *scope, PyObject *target, PyObject *value)
{
    if (!guest_is_node(target, "Tuple"))
        return assign_name(scope, target, value);
    PyObject *targets = PyObject_GetAttrString(target, "elts");
    PyObject *items = targets ? PySequence_List(value) : NULL;
    int r = items ? assign_each(scope, targets, items) : -1;
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

/* NOLINTNEXTLINE(misc-no-recursion): with generate */
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

static PyObject *as_dict(PyObject *pairs)
{
    PyObject *dict = PyDict_New();
    if (dict && PyDict_MergeFromSeq2(dict, pairs, 1) < 0)
        Py_CLEAR(dict);
    return dict;
}

/* The first of each pair. */
static PyObject *as_list(PyObject *pairs)
{
    Py_ssize_t count = PyList_Size(pairs);
    PyObject *items = PyList_New(count);
    for (Py_ssize_t i = 0; items && i < count; i++)
        (void)PyList_SetItem(items, i, Py_NewRef(PyTuple_GetItem(PyList_GetItem(pairs, i), 0)));
    return items;
}

static PyObject *as_collection(PyObject *node, PyObject *pairs)
{
    if (guest_is_node(node, "DictComp"))
        return as_dict(pairs);
    PyObject *items = as_list(pairs);
    if (!items || !guest_is_node(node, "SetComp"))
        return items;
    PyObject *set = PySet_New(items);
    Py_DECREF(items);
    return set;
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
