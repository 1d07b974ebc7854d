/* Run: one execution, and its result.
 * Its own file because it is the one place that waits, and Ctrl-C ends a wait.
 * Changes when: a run can be asked something more. */
#include "_core.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define RUN(self) ((struct run *)(self))

PyObject *core_new_run(struct bj_run *run, PyObject *owner, unsigned *open_runs)
{
    struct run *self = (struct run *)((allocfunc)PyType_GetSlot(core_run_type, Py_tp_alloc))(core_run_type, 0);
    if (!self) {
        bj_run_free(run);
        return NULL;
    }
    self->run = run;
    self->process = getpid();
    Py_INCREF(owner);
    self->owner = owner;
    self->open_runs = open_runs;
    if (open_runs)
        ++*open_runs;
    return (PyObject *)self;
}

static void close_run(struct run *self)
{
    struct bj_run *run = self->run;
    self->run = NULL;
    if (run && self->open_runs)
        --*self->open_runs;
    Py_CLEAR(self->answerer); /* it may hold this object */
    if (self->process != getpid())
        return;
    Py_BEGIN_ALLOW_THREADS
    bj_run_free(run);
    Py_END_ALLOW_THREADS
}

static void run_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    close_run(RUN(self));
    Py_XDECREF(RUN(self)->listener);
    Py_XDECREF(RUN(self)->answerer);
    Py_XDECREF(RUN(self)->owner);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static bool is_open(struct run *self)
{
    if (!self->run)
        PyErr_SetString(PyExc_RuntimeError, "the run is closed");
    return self->run && core_is_mine(self->process);
}

/* In the middle of a step, without the interpreter's lock. An exception of the listener's is raised behind the step. */
static void hear(void *user, enum bj_stream stream, const void *bytes, size_t length)
{
    struct run *self = user;
    PyEval_RestoreThread(self->thread);
    if (!PyErr_Occurred()) {
        PyObject *result = PyObject_CallFunction(self->listener, "iy#", (int)stream, bytes, (Py_ssize_t)length);
        Py_XDECREF(result);
    }
    self->thread = PyEval_SaveThread();
}

/* The two texts of an exception, or the JSON of a value behind None. */
static void give_answer(struct run *self, uint32_t call, PyObject *answer)
{
    const char *type;
    const char *text;
    struct bj_error error = {0};
    if (!PyArg_ParseTuple(answer, "zs:answer", &type, &text))
        return;
    int r = type ? bj_run_answer_error(self->run, call, type, text, &error)
                 : bj_run_answer(self->run, call, text, &error);
    if (r == -E2BIG) /* it depends on what was asked: the guest's matter */
        r = bj_run_answer_error(self->run, call, "ValueError", error.message, &error);
    if (r == -EINVAL)
        (void)PyErr_Format(PyExc_TypeError, "what the function gave %s", error.message);
    else if (r < 0)
        (void)core_raise(&error);
}

/* The same of a call. None: it is answered later (run_answer). An exception ends the step, and the call is not answered. */
static void ask(void *user, uint32_t call, const char *name, const char *arguments, const char *keywords)
{
    struct run *self = user;
    PyEval_RestoreThread(self->thread);
    if (!PyErr_Occurred()) {
        PyObject *answer =
            PyObject_CallFunction(self->answerer, "Isss", (unsigned)call, name, arguments, keywords);
        if (answer && answer != Py_None)
            give_answer(self, call, answer);
        Py_XDECREF(answer);
    }
    self->thread = PyEval_SaveThread();
}

static int step(struct run *self, int timeout_ms, struct bj_error *error)
{
    self->thread = PyEval_SaveThread();
    int r = bj_run_step(self->run, timeout_ms, error);
    PyEval_RestoreThread(self->thread);
    return r;
}

static PyObject *run_step(PyObject *self, PyObject *arguments)
{
    int timeout_ms = 0;
    struct bj_error error = {0};
    if (!PyArg_ParseTuple(arguments, "|i:step", &timeout_ms) || !is_open(RUN(self)) ||
        !core_enter(&RUN(self)->in_use))
        return NULL;
    int r = step(RUN(self), timeout_ms, &error);
    RUN(self)->in_use = false;
    if (PyErr_Occurred())
        return NULL;
    return r < 0 ? core_raise(&error) : PyBool_FromLong(r);
}

/* A signal ends a wait in the kernel, and its handler may raise: then the run goes on, until somebody closes it. */
static PyObject *run_wait(PyObject *self, PyObject *nothing)
{
    struct bj_error error = {0};
    int r = 0;
    (void)nothing;
    if (!is_open(RUN(self)) || !core_enter(&RUN(self)->in_use))
        return NULL;
    while (r == 0 && !PyErr_Occurred() && PyErr_CheckSignals() == 0)
        r = step(RUN(self), -1, &error);
    RUN(self)->in_use = false;
    if (PyErr_Occurred())
        return NULL;
    return core_done(r, &error);
}

/* The run is not closed by that: what is left of its jail takes longer to be removed than a result is waited for. */
static PyObject *run_result(PyObject *self, PyObject *nothing)
{
    struct bj_error error = {0};
    struct bj_result *result = NULL;
    (void)nothing;
    if (!is_open(RUN(self)) || !core_enter(&RUN(self)->in_use))
        return NULL;
    int r = bj_run_result(RUN(self)->run, &result, &error);
    RUN(self)->in_use = false;
    return r < 0 ? core_raise(&error) : core_new_result(result);
}

static PyObject *run_fd(PyObject *self, PyObject *nothing)
{
    (void)nothing;
    return is_open(RUN(self)) ? PyLong_FromLong(bj_run_fd(RUN(self)->run)) : NULL;
}

static PyObject *run_pid(PyObject *self, PyObject *nothing)
{
    (void)nothing;
    return is_open(RUN(self)) ? PyLong_FromLong(bj_run_pid(RUN(self)->run)) : NULL;
}

/* By the thread that waits for it, between its steps; by any other, only when nobody does. */
static PyObject *run_kill(PyObject *self, PyObject *nothing)
{
    (void)nothing;
    if (!is_open(RUN(self)) || !core_enter(&RUN(self)->in_use))
        return NULL;
    bj_run_kill(RUN(self)->run);
    RUN(self)->in_use = false;
    Py_RETURN_NONE;
}

static PyObject *run_on_output(PyObject *self, PyObject *listener)
{
    if (!is_open(RUN(self)))
        return NULL;
    Py_INCREF(listener);
    Py_XDECREF(RUN(self)->listener);
    RUN(self)->listener = listener;
    bj_run_on_output(RUN(self)->run, hear, self);
    Py_RETURN_NONE;
}

static PyObject *run_on_call(PyObject *self, PyObject *answerer)
{
    if (!is_open(RUN(self)))
        return NULL;
    Py_INCREF(answerer);
    Py_XDECREF(RUN(self)->answerer);
    RUN(self)->answerer = answerer;
    bj_run_on_call(RUN(self)->run, ask, self);
    Py_RETURN_NONE;
}

static PyObject *run_answer(PyObject *self, PyObject *arguments)
{
    unsigned call;
    PyObject *answer;
    if (!PyArg_ParseTuple(arguments, "IO:answer", &call, &answer) || !is_open(RUN(self)) ||
        !core_enter(&RUN(self)->in_use))
        return NULL;
    give_answer(RUN(self), call, answer);
    RUN(self)->in_use = false;
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *run_close(PyObject *self, PyObject *nothing)
{
    (void)nothing;
    if (!core_enter(&RUN(self)->in_use))
        return NULL;
    close_run(RUN(self));
    RUN(self)->in_use = false;
    Py_RETURN_NONE;
}

PyObject *core_make_run_type(void)
{
    static PyMethodDef methods[] = {
        {"step", run_step, METH_VARARGS, "step(timeout_ms=0) -> bool: is it over?"},
        {"wait", run_wait, METH_NOARGS, "Until it is over."},
        {"result", run_result, METH_NOARGS, "Of a run that is over; once."},
        {"fd", run_fd, METH_NOARGS, "Readable when step has something to do."},
        {"pid", run_pid, METH_NOARGS, "Of the jail's first process."},
        {"kill", run_kill, METH_NOARGS, "Ends it; the status is cancelled."},
        {"on_output", run_on_output, METH_O, "on_output(callable(stream, bytes))"},
        {"on_call", run_on_call, METH_O,
         "on_call(callable(call, name, arguments, keywords)), which gives an answer, or None: it comes later"},
        {"answer", run_answer, METH_VARARGS, "answer(call, (None, JSON) or (type, message))"},
        {"close", run_close, METH_NOARGS, "Kills what still runs, and removes everything."},
        {NULL, NULL, 0, NULL}};
    static PyType_Slot slots[] = {{Py_tp_dealloc, run_dealloc}, {Py_tp_methods, methods}, {0, NULL}};
    static PyType_Spec type = {"belljar._core.Run", sizeof(struct run), 0, Py_TPFLAGS_DEFAULT, slots};
    return PyType_FromSpec(&type);
}
