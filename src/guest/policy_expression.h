/* What the evaluator of expressions and its operators share.
 * Its own file because two files divide one language between them.
 * Changes when: either offers something more to the other. */
#ifndef BJ_GUEST_POLICY_EXPRESSION_H
#define BJ_GUEST_POLICY_EXPRESSION_H

#include "policy.h"

struct expression {
    PyObject *scopes;     /* list of dicts: functions, names, and those of comprehensions; the last one first */
    Py_ssize_t generated; /* items of comprehensions so far */
};

/* policy_expression.c: of a node, of one below it, and of a list of them. New references, or NULL with an exception. */
PyObject *guest_node_value(struct expression *expression, PyObject *node);
PyObject *guest_child_value(struct expression *expression, PyObject *node, const char *field);
PyObject *guest_child_values(struct expression *expression, PyObject *node, const char *field);
/* policy_comprehension.c: a list, set or dict; a generator expression is worked out as a list. */
PyObject *guest_comprehension(struct expression *expression, PyObject *node);

/* policy_operators.c. New references, or NULL with an exception. kind: of the node, as "Add". */
PyObject *guest_binary(const char *kind, PyObject *left, PyObject *right);
PyObject *guest_unary(const char *kind, PyObject *operand);
PyObject *guest_compare(const char *kind, PyObject *left, PyObject *right);
/* Takes the reference: nothing, where it is longer than a value may be. */
PyObject *guest_bounded(PyObject *value);
bool guest_is_format_bounded(PyObject *format);
/* dict: rand, randint, int, float, str. */
PyObject *guest_expression_functions(void);
/* simpleeval's names: InvalidExpression and what comes of it. Always NULL. */
PyObject *guest_expression_error(const char *type, const char *format, ...);
bool guest_is_expression_error(const char *type);

#endif
