/* Denials: how one is raised, and which there were.
 * Its own file because each of them is worded, noted and counted alike.
 * Changes when: a denial says something more. */
#include "policy.h"

#include <stdio.h>

#define DENIALS_MAX 32
#define WHAT_BYTES  96

static struct denial {
    char what[WHAT_BYTES];
    const char *feature;
    unsigned long long count;
} denials[DENIALS_MAX];
static size_t denial_count;

PyObject *guest_sandbox_error;

int guest_make_sandbox_error(void)
{
    if (!guest_sandbox_error)
        guest_sandbox_error =
            PyErr_NewExceptionWithDoc("__main__.SandboxError", "Denied by the policy.", PyExc_Exception, NULL);
    return guest_sandbox_error ? 0 : -1;
}

/* Not cut inside a character. */
static void copy_text(char *to, size_t size, const char *from)
{
    size_t length = strnlen(from, size);
    if (length == size)
        for (length = size - 1; length > 0 && ((unsigned char)from[length] & 0xc0) == 0x80;)
            length--;
    memcpy(to, from, length);
    to[length] = 0;
}

static void count(const char *what, const char *feature)
{
    char text[WHAT_BYTES];
    copy_text(text, sizeof(text), what);
    for (size_t i = 0; i < denial_count; i++)
        if (strcmp(denials[i].what, text) == 0) {
            denials[i].count++;
            return;
        }
    if (denial_count == DENIALS_MAX)
        return;
    struct denial *denial = &denials[denial_count++];
    denial->feature = feature;
    denial->count = 1;
    memcpy(denial->what, text, sizeof(text));
}

/* Where Python shows notes (PEP 678, 3.11) the traceback says what would allow it. */
static void add_note(PyObject *exception, const char *feature)
{
    char text[160];
    if (feature)
        (void)snprintf(text, sizeof(text), "The policy denies this; its feature \"%s\" would allow it.",
                       feature);
    else
        (void)snprintf(text, sizeof(text), "The policy denies this.");
    PyObject *done = PyObject_CallMethod(exception, "add_note", "s", text);
    PyErr_Clear();
    Py_XDECREF(done);
}

PyObject *guest_deny_with(PyObject *type, PyObject *arguments, const char *feature, const char *what)
{
    PyObject *exception = arguments ? PyObject_CallObject(type, arguments) : NULL;
    Py_XDECREF(arguments);
    if (!exception)
        return NULL;
    count(what, feature);
    add_note(exception, feature);
    PyErr_SetObject(type, exception);
    Py_DECREF(exception);
    return NULL;
}

PyObject *guest_deny(PyObject *type, const char *feature, const char *what, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    PyObject *text = PyUnicode_FromFormatV(format, list);
    va_end(list);
    return guest_deny_with(type, text ? Py_BuildValue("(N)", text) : NULL, feature, what);
}

void guest_forget_denials(void)
{
    denial_count = 0;
}

static PyObject *list_denials(void)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < denial_count; i++) {
        const struct denial *denial = &denials[i];
        PyObject *entry = Py_BuildValue("{s:s,s:K,s:s}", "what", denial->what, "count", denial->count,
                                        "feature", denial->feature ? denial->feature : "");
        if (!entry || PyList_Append(list, entry) < 0)
            Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

void guest_tell_policy(struct reply *reply)
{
    BJ_BUF struct bj_buf text;
    PyObject *list = guest_policy.builtins ? list_denials() : NULL;
    PyObject *printed = guest_policy.names ? guest_printed() : Py_NewRef(Py_None);
    PyObject *names = guest_policy.names ? guest_policy.names : Py_None;
    PyObject *told = list && printed
                         ? Py_BuildValue("{s:O,s:O,s:O}", "denials", list, "names", names, "printed", printed)
                         : NULL;
    bj__buf_init(&text, reply->bytes.maximum);
    if (told && guest_write_json(told, &text) == 0)
        guest_reply_add(reply, BJ_REPLY_POLICY, &text);
    else
        reply->truncated |= guest_policy.builtins != NULL;
    PyErr_Clear();
    Py_XDECREF(told);
    Py_XDECREF(printed);
    Py_XDECREF(list);
}
