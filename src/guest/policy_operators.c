/* Operators of expressions, with their limits, the functions that are always there, and the errors.
 * Its own file because each limit is simpleeval's, or closes what simpleeval left open.
 * Changes when: an operator or a limit is added. */
#include "policy_expression.h"

#include <ctype.h>
#include <float.h>
#include <stdlib.h>

#define LENGTH_MAX 100000
#define POWER_MAX  4000000
#define SHIFT_MAX  10000

/* ---- errors -------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *base;
} errors[] = {{"InvalidExpression", NULL},
              {"FunctionNotDefined", "InvalidExpression"},
              {"NameNotDefined", "InvalidExpression"},
              {"AttributeDoesNotExist", "InvalidExpression"},
              {"OperatorNotDefined", "InvalidExpression"},
              {"FeatureNotAvailable", "InvalidExpression"},
              {"NumberTooHigh", "InvalidExpression"},
              {"IterableTooLong", "InvalidExpression"}};
static PyObject *made[BJ_COUNT(errors)]; /* owned */

static PyObject *make_error(size_t i)
{
    PyObject *text = made[i] ? NULL : PyUnicode_FromFormat("__main__.%s", errors[i].name);
    if (text)
        made[i] = PyErr_NewException(PyUnicode_AsUTF8(text), errors[i].base ? made[0] : NULL, NULL);
    Py_XDECREF(text);
    return made[i];
}

static PyObject *error_type(const char *name)
{
    size_t i = 0;
    while (i + 1 < BJ_COUNT(errors) && strcmp(errors[i].name, name) != 0)
        i++;
    return make_error(0) && make_error(i) ? made[i] : PyExc_ValueError; /* the first is the base of all */
}

PyObject *guest_expression_error(const char *type, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    PyObject *text = PyUnicode_FromFormatV(format, list);
    va_end(list);
    const char *what = text ? PyUnicode_AsUTF8(text) : NULL;
    if (what)
        (void)guest_deny(error_type(type), NULL, what, "%U", text);
    Py_XDECREF(text);
    return NULL;
}

bool guest_is_expression_error(const char *type)
{
    return PyErr_ExceptionMatches(error_type(type));
}

/* ---- limits -------------------------------------------------------------------------------------------- */

static PyObject *too_long(void)
{
    return guest_expression_error("IterableTooLong", "%s", "Sorry, I will not evaluate something that long.");
}

static Py_ssize_t length_of(PyObject *value)
{
    bool has = PyUnicode_Check(value) || PyBytes_Check(value) || PyByteArray_Check(value) ||
               PyList_Check(value) || PyTuple_Check(value) || PyDict_Check(value) || PyAnySet_Check(value);
    return has ? PyObject_Size(value) : -1;
}

PyObject *guest_bounded(PyObject *value)
{
    if (!value || length_of(value) <= LENGTH_MAX)
        return value;
    Py_DECREF(value);
    return too_long();
}

/* A width or a precision is as long as what comes of it. */
static bool are_numbers_bounded(const char *text)
{
    for (; *text; text++)
        if (isdigit((unsigned char)*text)) {
            char *end;
            if (strtoull(text, &end, 10) > LENGTH_MAX)
                return false;
            text = end - 1;
        }
    return true;
}

bool guest_is_format_bounded(PyObject *format)
{
    const char *text = PyUnicode_Check(format) ? PyUnicode_AsUTF8(format) : "";
    bool bounded = text && are_numbers_bounded(text);
    if (!bounded && !PyErr_Occurred())
        (void)too_long();
    return bounded;
}

static double magnitude(PyObject *number)
{
    double value = PyNumber_Check(number) && !PyComplex_Check(number) ? PyFloat_AsDouble(number) : 0;
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return DBL_MAX; /* an int that no float can hold */
    }
    return value < 0 ? -value : value;
}

static PyObject *power(PyObject *left, PyObject *right)
{
    if (magnitude(left) > POWER_MAX || magnitude(right) > POWER_MAX)
        return guest_expression_error("NumberTooHigh", "Sorry! I don't want to evaluate %S ** %S", left, right);
    return PyNumber_Power(left, right, Py_None);
}

static PyObject *multiply(PyObject *left, PyObject *right)
{
    Py_ssize_t length = length_of(left) >= 0 ? length_of(left) : length_of(right);
    PyObject *times = length_of(left) >= 0 ? right : left;
    if (length >= 0 && (double)length * magnitude(times) > LENGTH_MAX)
        return too_long();
    return PyNumber_Multiply(left, right);
}

static PyObject *add(PyObject *left, PyObject *right)
{
    if (length_of(left) >= 0 && length_of(right) >= 0 && length_of(left) + length_of(right) > LENGTH_MAX)
        return too_long();
    return PyNumber_Add(left, right);
}

static PyObject *shift_left(PyObject *left, PyObject *right)
{
    if (magnitude(right) > SHIFT_MAX || magnitude(left) >= DBL_MAX)
        return guest_expression_error("NumberTooHigh", "Sorry! I don't want to evaluate %S << %S", left, right);
    return PyNumber_Lshift(left, right);
}

static PyObject *remainder_of(PyObject *left, PyObject *right)
{
    const char *format = PyUnicode_Check(left) ? PyUnicode_AsUTF8(left)
                         : PyBytes_Check(left) ? PyBytes_AsString(left)
                                               : "";
    bool star = format && *format && strchr(format, '*'); /* the width is a value */
    if (format && (star || !are_numbers_bounded(format)))
        return too_long();
    return format ? guest_bounded(PyNumber_Remainder(left, right)) : NULL;
}

/* ---- operators ----------------------------------------------------------------------------------------- */

PyObject *guest_binary(const char *kind, PyObject *left, PyObject *right)
{
    static const struct {
        const char *kind;
        PyObject *(*work)(PyObject *left, PyObject *right);
    } operators[] = {{"Add", add},
                     {"Sub", PyNumber_Subtract},
                     {"Mult", multiply},
                     {"Div", PyNumber_TrueDivide},
                     {"FloorDiv", PyNumber_FloorDivide},
                     {"Mod", remainder_of},
                     {"Pow", power},
                     {"LShift", shift_left},
                     {"RShift", PyNumber_Rshift},
                     {"BitAnd", PyNumber_And},
                     {"BitOr", PyNumber_Or},
                     {"BitXor", PyNumber_Xor}};
    for (size_t i = 0; i < BJ_COUNT(operators); i++)
        if (strcmp(operators[i].kind, kind) == 0)
            return operators[i].work(left, right);
    return guest_expression_error("OperatorNotDefined", "there is no operator %s", kind);
}

static PyObject *negate(PyObject *operand)
{
    int truth = PyObject_IsTrue(operand);
    return truth < 0 ? NULL : PyBool_FromLong(!truth);
}

PyObject *guest_unary(const char *kind, PyObject *operand)
{
    if (strcmp(kind, "Not") == 0)
        return negate(operand);
    return strcmp(kind, "USub") == 0   ? PyNumber_Negative(operand)
           : strcmp(kind, "UAdd") == 0 ? PyNumber_Positive(operand)
                                       : PyNumber_Invert(operand);
}

static PyObject *contains(PyObject *left, PyObject *right, bool wanted)
{
    int within = PySequence_Contains(right, left);
    return within < 0 ? NULL : PyBool_FromLong((within > 0) == wanted);
}

PyObject *guest_compare(const char *kind, PyObject *left, PyObject *right)
{
    static const struct {
        const char *kind;
        int operation;
    } operators[] = {{"Eq", Py_EQ},  {"NotEq", Py_NE}, {"Lt", Py_LT},
                     {"LtE", Py_LE}, {"Gt", Py_GT},    {"GtE", Py_GE}};
    for (size_t i = 0; i < BJ_COUNT(operators); i++)
        if (strcmp(operators[i].kind, kind) == 0)
            return PyObject_RichCompare(left, right, operators[i].operation);
    if (strcmp(kind, "Is") == 0 || strcmp(kind, "IsNot") == 0)
        return PyBool_FromLong((left == right) == (kind[2] == 0));
    return contains(left, right, strcmp(kind, "In") == 0);
}

/* ---- functions ----------------------------------------------------------------------------------------- */

static PyObject *rand_float(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    struct guest_door before = guest_trust_begin();
    PyObject *random = PyImport_ImportModule("random");
    PyObject *value = random ? PyObject_CallMethod(random, "random", NULL) : NULL;
    guest_trust_end(before);
    Py_XDECREF(random);
    return value;
}

/* 0 to top, and not top itself. */
static PyObject *rand_int(PyObject *self, PyObject *top)
{
    PyObject *part = rand_float(self, NULL);
    PyObject *number = part ? PyNumber_Multiply(part, top) : NULL;
    PyObject *whole = number ? PyNumber_Long(number) : NULL;
    Py_XDECREF(number);
    Py_XDECREF(part);
    return whole;
}

PyObject *guest_expression_functions(void)
{
    static PyMethodDef own[] = {{"rand", rand_float, METH_NOARGS, NULL}, {"randint", rand_int, METH_O, NULL}};
    PyObject *functions =
        Py_BuildValue("{s:O,s:O,s:O}", "int", &PyLong_Type, "float", &PyFloat_Type, "str", &PyUnicode_Type);
    for (size_t i = 0; functions && i < BJ_COUNT(own); i++) {
        PyObject *function = PyCFunction_New(&own[i], NULL);
        if (!function || PyDict_SetItemString(functions, own[i].ml_name, function) < 0)
            Py_CLEAR(functions);
        Py_XDECREF(function);
    }
    return functions;
}
