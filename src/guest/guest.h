/* belljar-guest: runs one snippet of Python inside of a jail and replies.
 * Its own file because the parts of it share these few words.
 * Changes when: a part offers something more to the others.
 *
 * The jail is the wall; nothing in here is one. Everything belongs to the snippet as soon as its first line runs. */
#ifndef BJ_GUEST_H
#define BJ_GUEST_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "base/buf.h"
#include "base/reply.h"

/* What tracebacks call the snippet: "main.py", and in a session one after the other. */
extern const char *guest_file_name;

#if PY_VERSION_HEX < 0x030a0000
static inline PyObject *Py_NewRef(PyObject *object)
{
    Py_INCREF(object);
    return object;
}
static inline PyObject *Py_XNewRef(PyObject *object)
{
    Py_XINCREF(object);
    return object;
}
#endif

/* References are owned; text is NULL where the other one is given. */
struct request {
    PyObject *code, *expression; /* str */
    PyObject *globals;           /* dict */
    PyObject *views;             /* dict of variables that cannot be changed, or NULL */
    PyObject *argv;              /* list of str: without the program's own name */
    PyObject *path;              /* list of str: more directories for sys.path, or NULL */
    PyObject *policy;            /* dict, or NULL */
    PyObject *calls;             /* list of str: functions of the host's, or NULL */
    Py_ssize_t reply_bytes;      /* as long as a reply may be */
    Py_ssize_t trace_steps;      /* that are recorded; 0: none */
    Py_ssize_t trace_bytes;      /* as long as the record may be */
    Py_ssize_t most_calls;       /* of the host's functions */
    Py_ssize_t call_bytes;       /* as long as the arguments of one may be */
    bool display;                /* of code: values of its expression statements are written */
    bool check;                  /* of code: it is not run; the value is whether it is whole */
    bool answers;                /* BJ_GUEST_ANSWERS may be there without calls, too: of a parked jail */
    bool session;                /* there is nothing to run: snippets will be told */
    bool merged;                 /* stderr is stdout */
};

struct reply {
    struct bj_buf bytes;
    bool truncated; /* a part did not fit, and was left out */
    bool
        keeps; /* variables stay for the next snippet: those that do not fit are not told, and nothing is lost */
    pid_t process; /* whose it is: one that the snippet forks runs to the same end, and has nothing to tell */
};

/* What the library tells the program before there is an interpreter that could read a request; each may be NULL. */
struct arguments {
    const char *seed, *start; /* of a run that repeats */
    const char *python;       /* where a virtual environment is */
};

/* determinism.c: puts fixed clocks and chance in the place of the kernel's when that is asked for. -1: it is no number. */
int guest_fix(const struct arguments *arguments);
/* The clocks and chance are at their beginning (again). Nothing to do in a run that is to be like no other. */
void guest_fixed_begin(void);
/* False: hashes are this process's own. */
bool guest_fixed_hash_seed(unsigned long *ret_seed);

/* python.c: an interpreter of its own, deaf to the environment; ends the process when it cannot be had. */
void guest_start_python(const char *environment);
/* What a script's end does: threads are waited for, atexit functions run, output is written out. -1: that failed. */
int guest_end_python(void);
/* What that will need. */
int guest_prepare_end(void);
/* Writes out what sys.stdout and sys.stderr hold. -1: that failed. */
int guest_flush(void);

/* zygote.c: is the request a zygote's? */
bool guest_is_zygote(void);
/* Makes forks until the library goes. Returns 0 in a fork that has been started: its request is there. -1 with a Python
 * exception: it cannot be a zygote. */
int guest_zygote(void);

/* pages.c: of a zygote: where Python keeps its objects is noted from now on. Before it starts. */
void guest_watch_arenas(void);
/* Finds out which pages a fork will need, by one that rehearses from its beginning to its end. -1 with a Python exception. */
int guest_learn_pages(int (*rehearse)(void));
/* Of a fork while it is made: those pages are there from now on. */
struct bj_child;
void guest_take_pages(struct bj_child *child);

/* session.c: the root of a session. Its branches return to nobody either. */
_Noreturn void guest_session(void);

/* request.c: from BJ_GUEST_REQUEST, which it closes. -1 with a Python exception. */
int guest_read_request(struct request *ret_request);
void guest_forget_request(struct request *request);
/* The value of a JSON text, as Python's json reads it. A reference. */
PyObject *guest_read_json(const char *text, size_t length);
/* From now on files of requests take the place of those that are there. */
void guest_replace_files(void);
/* Makes beforehand what reading will need. */
int guest_warm_request(void);
/* Reads nothing to speak of. */
int guest_rehearse_request(void);

/* execute.c: fills the reply; the exit code of the process. */
int guest_execute(const struct request *request, struct reply *reply);
/* Once, before anything is executed. */
int guest_set_path(void);
/* Executes nothing to speak of, so that what an execution writes to is in this process's own memory before it counts. */
int guest_rehearse(void);

/* policy.c: puts a policy in force: for the variables of the module, and for the values that the host gives. -1: it is not
 * in force, and nothing may be run. */
int guest_policy_begin(PyObject *policy, PyObject *globals, PyObject *values);
/* start: Py_file_input, Py_eval_input, or Py_single_input for a script whose values are written.
 * Runs a text by the policy's own rules, where its level has some: then true, and a reference or NULL with an exception. */
bool guest_policy_run(const char *text, int start, PyObject *globals, PyObject **ret_value);
/* Lifts it, for what is told of the snippet. Nothing to do when there was none. */
void guest_policy_end(void);
/* interactive.c: a script, with the values of its expression statements written by sys.displayhook. A reference. */
PyObject *guest_run_displayed(const char *text, PyObject *globals);
/* What is written to stdout is sent at the end of each line. -1 with a Python exception. */
int guest_buffer_lines(void);
/* True: it is whole; False: more lines may make it so; NULL with an exception: nothing can. A reference. */
PyObject *guest_is_whole(PyObject *source, bool expression);
/* views.c: types of values that cannot be changed, made once. */
int guest_warm_views(void);
/* Puts views of these values into a dictionary. NULL: there are none. -1 with a Python exception. */
int guest_give_views(PyObject *values, PyObject *globals);
/* calls.c: puts the functions of the host's into a dictionary. Nothing to do where none is given. -1 with a Python exception. */
int guest_give_calls(const struct request *request, PyObject *globals);
/* Made by the guest, but under the name of the snippet's module. */
bool guest_is_host_error(PyTypeObject *type);
/* From now on none can be called, and what was being said has been said. Before the reply is sent. */
void guest_end_calls(void);
/* policy_deny.c */
void guest_tell_policy(struct reply *reply);
/* trace.c: from now on the snippet's steps are recorded. before: what every module has. -1 with a Python exception. Once. */
int guest_trace_begin(const struct request *request, PyObject *globals, PyObject *before);
/* The exception that ended the snippet, or NULL. */
void guest_trace_end(PyObject *exception);
/* As much of it as the reply has room for. */
void guest_trace_tell(struct reply *reply);

/* failure.c: so that tracebacks show the lines of guest_file_name, which is no file. */
void guest_remember_source(PyObject *source);
/* Takes the exception that is set; the source is for the lines in its traceback. */
void guest_tell_exception(PyObject *source, struct reply *reply);
/* Before a zygote forks: imports what tells of exceptions, and uses it once. */
int guest_warm_exceptions(void);
/* The exit code that a SystemExit asks for, as python3 would understand it; takes the exception. */
int guest_exit_code(void);

/* safe.c: the JSON of an object of exactly the types that JSON has, and of their subclasses; nothing of the snippet's own is
 * called. 0, or -1 with a Python exception: TypeError, ValueError (a cycle, too deep, no text), MemoryError. */
int guest_write_json(PyObject *object, struct bj_buf *text);
/* Those of a dictionary's variables that JSON can hold; never one that was there before with the same value. */
int guest_write_globals(PyObject *globals, PyObject *before, struct bj_buf *text);

/* reply.c */
void guest_reply_init(struct reply *reply, size_t maximum);
/* Bytes that another part may have. */
size_t guest_reply_room(const struct reply *reply);
void guest_reply_add(struct reply *reply, enum bj_reply_kind kind, const struct bj_buf *text);
/* Writes all of it, and closes the descriptor. */
void guest_reply_send(struct reply *reply);

#endif
