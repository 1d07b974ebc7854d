/* The library for Python: what its files share.
 * Its own file because each of the library's objects has a file of its own.
 * Changes when: another object of the library is given to Python.
 *
 * Everything that may take long is done without the interpreter's lock. An object of the library is used by one thread at a
 * time: a second one is told so (in_use), it does not wait. */
#ifndef BELLJAR_CORE_H
#define BELLJAR_CORE_H

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x03090000
#endif
#include <Python.h>

#include <belljar.h>
#include <stdbool.h>
#include <sys/types.h>

struct spec {
    PyObject_HEAD struct bj_spec *spec;
};

struct run {
    PyObject_HEAD struct bj_run *run; /* NULL once it was closed */
    PyObject *owner;                  /* the plan, the pool or the session that it needs */
    unsigned *open_runs;              /* the owner's count of its runs, or NULL */
    PyObject *listener;               /* called with (stream, bytes), or NULL */
    PyObject *answerer;               /* called with (call, name, arguments, keywords), or NULL */
    PyThreadState *thread;            /* whose step calls these two */
    pid_t process;                    /* that made it */
    bool in_use;
};

/* types, made when the module is */
extern PyTypeObject *core_spec_type, *core_plan_type, *core_pool_type, *core_session_type, *core_run_type;
extern PyTypeObject *core_result_type;

/* A child that the host has forked has copies of the descriptors, and must not end what is its parent's. */
bool core_is_mine(pid_t process);
/* core.c: NULL, with the library's error as an exception. */
PyObject *core_raise(const struct bj_error *error);
PyObject *core_done(int r, const struct bj_error *error); /* None, or that */
/* A text of the library's that it gives away. NULL: out of memory. */
PyObject *core_take_text(char *text);
/* False with an exception: somebody uses it. */
bool core_enter(bool *in_use);

/* spec.c */
PyObject *core_new_spec(struct bj_spec *spec);        /* takes it */
int core_take_spec(PyObject *object, void *ret_spec); /* a converter for PyArg_ParseTuple: struct bj_spec ** */
/* Strings for the library, NULL at the end; free with core_free_strings. NULL with an exception. */
char **core_strings(PyObject *sequence);
void core_free_strings(char **strings);

/* run.c: takes the run. owner: what must live as long, and may count the runs that are not closed. */
PyObject *core_new_run(struct bj_run *run, PyObject *owner, unsigned *open_runs);

/* told.c: takes the result. */
PyObject *core_new_result(struct bj_result *result);

/* each makes its type; NULL with an exception */
PyObject *core_make_spec_type(void);
PyObject *core_make_plan_type(void);
PyObject *core_make_pool_type(void);
PyObject *core_make_session_type(void);
PyObject *core_make_run_type(void);
PyObject *core_make_result_type(void);

#endif
