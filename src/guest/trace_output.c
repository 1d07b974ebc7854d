/* What the snippet has written so far.
 * Its own file because it is the one thing of the snippet's that the tracer puts something of its own into.
 * Changes when: CPython's sys.stdout is made in another way.
 *
 * sys.stdout keeps its layers, and its bytes their way: only the write of its buffer has a listener in front of it, and the text
 * layer hands on at once what it gets (as with python3 -u; the buffer still collects). So the order is kept, text and bytes are
 * both seen when they are written, and nothing is flushed earlier than it would have been. */
#include "trace.h"

static struct {
    struct sheet *sheet;
    struct sheet_tail tail;
} noted; /* there is one standard output */

static void note(PyObject *written, Py_ssize_t count)
{
    Py_buffer bytes;
    if (PyObject_GetBuffer(written, &bytes, PyBUF_SIMPLE) < 0)
        return;
    guest_sheet_bytes(noted.sheet, &noted.tail, bytes.buf, (size_t)(count < bytes.len ? count : bytes.len));
    PyBuffer_Release(&bytes);
}

/* self is the buffer's own method. */
static PyObject *write_and_note(PyObject *self, PyObject *written)
{
    PyObject *result = PyObject_CallFunctionObjArgs(self, written, NULL);
    Py_ssize_t count = result && PyLong_Check(result) ? PyLong_AsSsize_t(result) : 0;
    if (count > 0)
        note(written, count);
    if (result)
        PyErr_Clear();
    return result;
}

int guest_output_note(struct sheet *sheet)
{
    static PyMethodDef method = {"write", write_and_note, METH_O, NULL};
    PyObject *text = PySys_GetObject("stdout"); /* borrowed */
    noted.sheet = sheet;
    if (text && !PyObject_HasAttrString(text, "buffer"))
        return 0; /* a policy gives none: there is nothing to note */
    PyObject *buffer = text ? PyObject_GetAttrString(text, "buffer") : NULL;
    PyObject *own = buffer ? PyObject_GetAttrString(buffer, "write") : NULL;
    PyObject *listener = own ? PyCFunction_New(&method, own) : NULL;
    PyObject *reconfigure = listener ? PyObject_GetAttrString(text, "reconfigure") : NULL;
    PyObject *nothing = reconfigure ? PyTuple_New(0) : NULL;
    PyObject *settings = nothing ? Py_BuildValue("{s:O}", "write_through", Py_True) : NULL;
    PyObject *done = settings ? PyObject_Call(reconfigure, nothing, settings) : NULL;
    int r = done ? PyObject_SetAttrString(buffer, "write", listener) : -1;
    Py_XDECREF(done);
    Py_XDECREF(settings);
    Py_XDECREF(nothing);
    Py_XDECREF(reconfigure);
    Py_XDECREF(listener);
    Py_XDECREF(own);
    Py_XDECREF(buffer);
    return r;
}
