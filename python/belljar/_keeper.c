/* Pool and Session: what keeps a warm Python between runs.
 * Its own file because both are made of a spec, give copies of it, and start runs.
 * Changes when: one of them can do something more. */
#include "_core.h"

#include <unistd.h>

/* One type in memory for both: which of the two it is, its type says. */
struct keeper {
    PyObject_HEAD struct bj_pool *pool;
    struct bj_session *session;
    unsigned open_runs;
    pid_t process; /* that made it */
    bool in_use;
};

#define KEEPER(self) ((struct keeper *)(self))

static bool enter(PyObject *self)
{
    if (KEEPER(self)->pool || KEEPER(self)->session)
        return core_is_mine(KEEPER(self)->process) && core_enter(&KEEPER(self)->in_use);
    PyErr_SetString(PyExc_RuntimeError, "it is closed");
    return false;
}

static PyObject *leave(PyObject *self, int r, const struct bj_error *error)
{
    KEEPER(self)->in_use = false;
    return core_done(r, error);
}

static void close_keeper(struct keeper *self)
{
    struct bj_pool *pool = self->pool;
    struct bj_session *session = self->session;
    self->pool = NULL;
    self->session = NULL;
    if (self->process != getpid())
        return;
    Py_BEGIN_ALLOW_THREADS
    bj_pool_free(pool);
    bj_session_free(session);
    Py_END_ALLOW_THREADS
}

static void keeper_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    close_keeper(KEEPER(self));
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *keeper_new(PyTypeObject *type, struct bj_spec *spec, unsigned jails)
{
    struct keeper *self = (struct keeper *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    struct bj_error error = {0};
    int r;
    if (!self)
        return NULL;
    self->process = getpid();
    Py_BEGIN_ALLOW_THREADS
    r = jails > 0 ? bj_pool_new(spec, jails, &self->pool, &error)
                  : bj_session_new(spec, &self->session, &error);
    Py_END_ALLOW_THREADS
    if (r == 0)
        return (PyObject *)self;
    Py_DECREF((PyObject *)self);
    return core_raise(&error);
}

static PyObject *pool_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    struct bj_spec *spec;
    unsigned jails;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "O&I:Pool", core_take_spec, &spec, &jails))
        return NULL;
    if (jails > 0)
        return keeper_new(type, spec, jails);
    PyErr_SetString(PyExc_ValueError, "0 jails cannot be kept ready");
    return NULL;
}

static PyObject *session_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    struct bj_spec *spec;
    (void)keywords;
    return PyArg_ParseTuple(arguments, "O&:Session", core_take_spec, &spec) ? keeper_new(type, spec, 0) : NULL;
}

static PyObject *keeper_spec(PyObject *self, PyObject *nothing)
{
    struct bj_spec *spec = NULL;
    struct bj_error error = {0};
    (void)nothing;
    if (!enter(self))
        return NULL;
    int r = KEEPER(self)->pool ? bj_pool_spec(KEEPER(self)->pool, &spec, &error)
                               : bj_session_spec(KEEPER(self)->session, &spec, &error);
    KEEPER(self)->in_use = false;
    return r < 0 ? core_raise(&error) : core_new_spec(spec);
}

static PyObject *pool_start(PyObject *self, PyObject *arguments)
{
    struct bj_spec *spec;
    struct bj_run *run = NULL;
    int stdin_fd = -1;
    struct bj_error error = {0};
    int r;
    if (!PyArg_ParseTuple(arguments, "O&|i:start", core_take_spec, &spec, &stdin_fd) || !enter(self))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    r = bj_pool_start_stdin(KEEPER(self)->pool, spec, stdin_fd, &run, &error);
    Py_END_ALLOW_THREADS
    KEEPER(self)->in_use = false;
    return r < 0 ? core_raise(&error) : core_new_run(run, self, &KEEPER(self)->open_runs);
}

static PyObject *pool_fill(PyObject *self, PyObject *nothing)
{
    struct bj_error error = {0};
    int r;
    (void)nothing;
    if (!enter(self))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    r = bj_pool_fill(KEEPER(self)->pool, &error);
    Py_END_ALLOW_THREADS
    return leave(self, r, &error);
}

static PyObject *pool_fill_one(PyObject *self, PyObject *nothing)
{
    struct bj_error error = {0};
    int r;
    (void)nothing;
    if (!enter(self))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    r = bj_pool_fill_one(KEEPER(self)->pool, &error);
    Py_END_ALLOW_THREADS
    KEEPER(self)->in_use = false;
    return r < 0 ? core_raise(&error) : PyBool_FromLong(r);
}

static PyObject *pool_parked(PyObject *self, PyObject *nothing)
{
    (void)nothing;
    if (!enter(self))
        return NULL;
    unsigned parked = bj_pool_parked(KEEPER(self)->pool);
    KEEPER(self)->in_use = false;
    return PyLong_FromUnsignedLong(parked);
}

static PyObject *session_start(PyObject *self, PyObject *arguments)
{
    unsigned branch;
    struct bj_spec *spec;
    struct bj_run *run = NULL;
    int stdin_fd = -1;
    struct bj_error error = {0};
    int r;
    if (!PyArg_ParseTuple(arguments, "IO&|i:start", &branch, core_take_spec, &spec, &stdin_fd) || !enter(self))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    r = bj_session_start_stdin(KEEPER(self)->session, branch, spec, stdin_fd, &run, &error);
    Py_END_ALLOW_THREADS
    KEEPER(self)->in_use = false;
    return r < 0 ? core_raise(&error) : core_new_run(run, self, &KEEPER(self)->open_runs);
}

/* fork and snapshot: a branch in, a branch out. */
static PyObject *branch_off(PyObject *self, PyObject *arguments, bool snapshot)
{
    unsigned from;
    unsigned made = 0;
    struct bj_error error = {0};
    int r;
    if (!PyArg_ParseTuple(arguments, "I", &from) || !enter(self))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    r = snapshot ? bj_session_snapshot(KEEPER(self)->session, from, &made, &error)
                 : bj_session_fork(KEEPER(self)->session, from, &made, &error);
    Py_END_ALLOW_THREADS
    KEEPER(self)->in_use = false;
    return r < 0 ? core_raise(&error) : PyLong_FromUnsignedLong(made);
}

static PyObject *session_fork(PyObject *self, PyObject *arguments)
{
    return branch_off(self, arguments, false);
}

static PyObject *session_snapshot(PyObject *self, PyObject *arguments)
{
    return branch_off(self, arguments, true);
}

static PyObject *session_restore(PyObject *self, PyObject *arguments)
{
    unsigned branch;
    unsigned snapshot;
    struct bj_error error = {0};
    int r;
    if (!PyArg_ParseTuple(arguments, "II:restore", &branch, &snapshot) || !enter(self))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    r = bj_session_restore(KEEPER(self)->session, branch, snapshot, &error);
    Py_END_ALLOW_THREADS
    return leave(self, r, &error);
}

static PyObject *session_drop(PyObject *self, PyObject *arguments)
{
    unsigned branch;
    struct bj_error error = {0};
    int r;
    if (!PyArg_ParseTuple(arguments, "I:drop", &branch) || !enter(self))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    r = bj_session_drop(KEEPER(self)->session, branch, &error);
    Py_END_ALLOW_THREADS
    return leave(self, r, &error);
}

static PyObject *keeper_close(PyObject *self, PyObject *nothing)
{
    (void)nothing;
    if (KEEPER(self)->open_runs > 0) {
        PyErr_SetString(PyExc_RuntimeError, "some of its runs are not closed");
        return NULL;
    }
    if (!core_enter(&KEEPER(self)->in_use))
        return NULL;
    close_keeper(KEEPER(self));
    KEEPER(self)->in_use = false;
    Py_RETURN_NONE;
}

PyObject *core_make_pool_type(void)
{
    static PyMethodDef methods[] = {
        {"spec", keeper_spec, METH_NOARGS, "A copy of what all runs share."},
        {"start", pool_start, METH_VARARGS, "start(spec, stdin_fd=-1) -> Run"},
        {"fill", pool_fill, METH_NOARGS, "Asks for jails in the place of used ones."},
        {"fill_one", pool_fill_one, METH_NOARGS, "Asks for one of them. True: more are lacking."},
        {"parked", pool_parked, METH_NOARGS, "How many are ready, or being made."},
        {"close", keeper_close, METH_NOARGS, "Ends it, after its runs."},
        {NULL, NULL, 0, NULL}};
    static PyType_Slot slots[] = {
        {Py_tp_new, pool_new}, {Py_tp_dealloc, keeper_dealloc}, {Py_tp_methods, methods}, {0, NULL}};
    static PyType_Spec type = {"belljar._core.Pool", sizeof(struct keeper), 0, Py_TPFLAGS_DEFAULT, slots};
    return PyType_FromSpec(&type);
}

PyObject *core_make_session_type(void)
{
    static PyMethodDef methods[] = {
        {"spec", keeper_spec, METH_NOARGS, "A copy of what all snippets share."},
        {"start", session_start, METH_VARARGS, "start(branch, spec, stdin_fd=-1) -> Run"},
        {"fork", session_fork, METH_VARARGS, "fork(branch) -> branch"},
        {"snapshot", session_snapshot, METH_VARARGS, "snapshot(branch) -> snapshot"},
        {"restore", session_restore, METH_VARARGS, "restore(branch, snapshot)"},
        {"drop", session_drop, METH_VARARGS, "drop(branch)"},
        {"close", keeper_close, METH_NOARGS, "Ends it, after its runs."},
        {NULL, NULL, 0, NULL}};
    static PyType_Slot slots[] = {
        {Py_tp_new, session_new}, {Py_tp_dealloc, keeper_dealloc}, {Py_tp_methods, methods}, {0, NULL}};
    static PyType_Spec type = {"belljar._core.Session", sizeof(struct keeper), 0, Py_TPFLAGS_DEFAULT, slots};
    return PyType_FromSpec(&type);
}
