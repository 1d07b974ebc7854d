/* Functions of the host's: what the snippet finds under their names, and how it asks and waits.
 * Its own file because it is one side of the wire of calls (base/reply.h).
 * Changes when: a call says something more, or is answered in another way.
 *
 * The objects are ours and hold nothing but a name, so there is nothing in them that leads anywhere, under a policy as well. One call is
 * under way at a time: threads wait for each other, and a process that the snippet forks has no calls, because it would read the answers
 * of its parent. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <structmember.h>
#include <unistd.h>

struct host_function {
    PyObject ob_base;
    PyObject *name;
    unsigned snippet; /* of a session: whose it is */
};

static PyObject *host_error; /* owned; once it is made */

static struct {
    PyThread_type_lock lock;   /* of the call that is under way */
    unsigned long owner;       /* the thread that has it, or 0 */
    pthread_mutex_t writing;   /* so that no reply comes into the middle of a call */
    volatile unsigned snippet; /* which one is open; 0: none */
    unsigned snippets;
    int answers; /* where its answers come, under a number of its own */
    pid_t process;
    uint32_t number, most;
    size_t bytes; /* as long as the arguments may be */
} calls;

/* ---- errors --------------------------------------------------------------------------------------- */

static PyObject *refuse(PyObject *type, const char *format, PyObject *name)
{
    return PyErr_Format(type, format, name);
}

/* As the host words it: two texts, which are attributes as well. */
static PyObject *raise_host_error(PyObject *type, PyObject *message)
{
    PyObject *text = type && message ? PyUnicode_FromFormat("%S: %S", type, message) : NULL;
    PyObject *error = text ? PyObject_CallFunctionObjArgs(host_error, text, NULL) : NULL;
    int r = error ? PyObject_SetAttrString(error, "type", type) : -1;
    if (r == 0)
        r = PyObject_SetAttrString(error, "message", message);
    if (r == 0)
        PyErr_SetObject(host_error, error);
    Py_XDECREF(error);
    Py_XDECREF(text);
    return NULL;
}

static PyObject *refuse_count(void)
{
    PyObject *type = PyUnicode_FromString("LimitError");
    PyObject *message =
        PyUnicode_FromFormat("%u calls have been made, and there are no more (limits.calls)", calls.most);
    (void)raise_host_error(type, message);
    Py_XDECREF(message);
    Py_XDECREF(type);
    return NULL;
}

/* ---- the wire ------------------------------------------------------------------------------------- */

/* Half a call would be none to the supervisor: a signal waits until it is whole. Without the interpreter's lock. */
static int write_all(const struct bj_buf *frame, unsigned snippet)
{
    size_t written = 0;
    int r = 0;
    (void)pthread_mutex_lock(&calls.writing);
    while (r == 0 && written < frame->length) {
        ssize_t n = calls.snippet == snippet
                        ? write(BJ_GUEST_REPLY, frame->bytes + written, frame->length - written)
                        : -1;
        if (n > 0)
            written += (size_t)n;
        else if (calls.snippet != snippet || errno != EINTR)
            r = -1;
    }
    (void)pthread_mutex_unlock(&calls.writing);
    return r;
}

/* 0: interrupted before the first byte. */
static ssize_t read_all(int fd, void *bytes, size_t length, bool interruptible)
{
    size_t have = 0;
    while (have < length) {
        ssize_t n = read(fd, (char *)bytes + have, length - have);
        if (n > 0)
            have += (size_t)n;
        else if (n == 0 || errno != EINTR)
            return -1;
        else if (interruptible && have == 0)
            return 0;
    }
    return (ssize_t)have;
}

/* Of the call with this number; those of calls that were given up before are dropped. Text in *ret_text, for PyMem_RawFree. 1: it is
 * there; 0: a signal is to be looked at first; -1. Without the interpreter's lock. */
static int read_answer(int fd, uint32_t number, struct bj_answer_head *head, char **ret_text)
{
    do {
        ssize_t n = read_all(fd, head, sizeof(*head), true);
        if (n <= 0)
            return (int)n;
        char *text = head->magic == BJ_ANSWER_MAGIC ? PyMem_RawMalloc((size_t)head->length + 1) : NULL;
        if (!text || read_all(fd, text, head->length, false) < 0) {
            PyMem_RawFree(text);
            return -1;
        }
        if (head->number == number)
            *ret_text = text;
        else
            PyMem_RawFree(text);
    } while (head->number != number);
    return 1;
}

/* ---- one call ------------------------------------------------------------------------------------- */

static int add_text(struct bj_buf *frame, const void *text, size_t length)
{
    return bj__buf_add(frame, text, length) < 0 || bj__buf_add(frame, "", 1) < 0 ? -1 : 0;
}

/* An argument that is too long is not to be taken for memory that is short. */
static int add_json(struct bj_buf *frame, PyObject *value, PyObject *name, uint32_t *ret_length)
{
    size_t before = frame->length;
    if (guest_write_json(value, frame) == 0) {
        *ret_length = (uint32_t)(frame->length - before);
        return bj__buf_add(frame, "", 1);
    }
    if (PyErr_ExceptionMatches(PyExc_MemoryError))
        PyErr_Format(PyExc_ValueError, "the arguments of %U() have more than %zu bytes (limits.call_bytes)",
                     name, calls.bytes);
    return -1;
}

static int make_frame(struct bj_buf *frame, PyObject *name, PyObject *args, PyObject *keywords)
{
    struct bj_call_head head = {.magic = BJ_CALL_MAGIC};
    Py_ssize_t length = 0;
    const char *text = PyUnicode_AsUTF8AndSize(name, &length);
    PyObject *none = keywords ? Py_NewRef(keywords) : PyDict_New();
    int r = text && none ? bj__buf_add(frame, &head, sizeof(head)) : -1;
    head.name_length = (uint32_t)length;
    if (r == 0)
        r = add_text(frame, text, (size_t)length);
    if (r == 0)
        r = add_json(frame, args, name, &head.arguments_length);
    if (r == 0)
        r = add_json(frame, none, name, &head.keywords_length);
    if (r == 0)
        memcpy(frame->bytes, &head, sizeof(head));
    else if (!PyErr_Occurred())
        PyErr_NoMemory();
    Py_XDECREF(none);
    return r;
}

/* One that is under way. Of a session: a thread of an earlier snippet must not speak or hear in a later one. A call of the kernel's
 * that is begun anew, because the process was stopped in it, means what has its number by then: so each snippet's answers have a
 * number of their own, which stays taken while somebody may wait there. */
struct turn {
    PyThread_type_lock lock;
    unsigned snippet;
    int answers;
};

/* True: it has ended without one; an exception is set, perhaps. */
static bool wait_for_answer(const struct turn *turn, uint32_t number, struct bj_answer_head *head,
                            char **ret_text)
{
    int r = 0;
    while (r == 0 && turn->snippet == calls.snippet) {
        PyThreadState *state = PyEval_SaveThread();
        r = read_answer(turn->answers, number, head, ret_text);
        PyEval_RestoreThread(state);
        if (r == 0 && PyErr_CheckSignals() < 0)
            return true; /* given up: the next call drops its answer */
    }
    return r <= 0;
}

/* The frame's head gets its number. The text is for PyMem_RawFree; NULL with an exception. */
static char *ask(const struct turn *turn, struct bj_buf *frame, struct bj_answer_head *answer)
{
    char *text = NULL;
    if (calls.number >= calls.most) {
        (void)refuse_count();
        return NULL;
    }
    struct bj_call_head head;
    memcpy(&head, frame->bytes, sizeof(head));
    head.number = ++calls.number;
    memcpy(frame->bytes, &head, sizeof(head));
    PyThreadState *state = PyEval_SaveThread();
    int r = write_all(frame, turn->snippet);
    PyEval_RestoreThread(state);
    bool failed = r < 0 || wait_for_answer(turn, head.number, answer, &text);
    if (failed && !PyErr_Occurred())
        PyErr_SetString(PyExc_ConnectionError, "the host answers no more");
    return failed ? NULL : text;
}

static int check_snippet(const struct host_function *function)
{
    if (function->snippet == calls.snippet)
        return 0;
    (void)refuse(PyExc_RuntimeError, "%U() was given to a snippet that is over", function->name);
    return -1;
}

static void end_turn(const struct turn *turn)
{
    if (turn->lock == calls.lock)
        calls.owner = 0;
    if (turn->answers >= 0 && turn->snippet != calls.snippet)
        (void)close(turn->answers); /* its snippet has ended meanwhile, and left that to us */
    PyThread_release_lock(turn->lock);
}

/* A signal's handler that calls while its own thread waits would wait for itself. */
static int begin_turn(const struct host_function *function, struct turn *ret_turn)
{
    unsigned long self = PyThread_get_thread_ident();
    if (calls.owner == self) {
        (void)refuse(PyExc_RuntimeError, "%U() cannot be called while this thread waits for another call",
                     function->name);
        return -1;
    }
    *ret_turn = (struct turn){.lock = calls.lock, .snippet = function->snippet, .answers = -1};
    PyLockStatus status = PyThread_acquire_lock_timed(ret_turn->lock, 0, 0);
    while (status != PY_LOCK_ACQUIRED) {
        PyThreadState *state = PyEval_SaveThread();
        status = PyThread_acquire_lock_timed(ret_turn->lock, -1, 1);
        PyEval_RestoreThread(state);
        if (status == PY_LOCK_INTR && PyErr_CheckSignals() < 0)
            return -1;
    }
    if (check_snippet(function) < 0) {
        end_turn(ret_turn);
        return -1;
    }
    calls.owner = self;
    ret_turn->answers = calls.answers;
    return 0;
}

/* Takes the text. */
static PyObject *take_answer(const struct bj_answer_head *head, char *text)
{
    PyObject *value = guest_read_json(text, head->length);
    PyMem_RawFree(text);
    if (!value || head->kind == BJ_ANSWER_VALUE)
        return value;
    (void)raise_host_error(PyDict_GetItemString(value, "type"), PyDict_GetItemString(value, "message"));
    Py_DECREF(value);
    return NULL;
}

static PyObject *call(PyObject *self, PyObject *args, PyObject *keywords)
{
    const struct host_function *function = (struct host_function *)self;
    BJ_BUF struct bj_buf frame;
    struct bj_answer_head answer = {.magic = 0};
    if (calls.process != getpid())
        return refuse(PyExc_RuntimeError,
                      "%U() is of the host, which a process that the snippet forked cannot call",
                      function->name);
    if (check_snippet(function) < 0)
        return NULL;
    bj__buf_init(&frame,
                 calls.bytes + sizeof(struct bj_call_head) + (size_t)PyUnicode_GET_LENGTH(function->name) + 3);
    char *text = NULL;
    struct turn turn;
    if (make_frame(&frame, function->name, args, keywords) == 0 && begin_turn(function, &turn) == 0) {
        text = ask(&turn, &frame, &answer);
        end_turn(&turn);
    }
    return text ? take_answer(&answer, text) : NULL;
}

/* ---- what the snippet sees ------------------------------------------------------------------------ */

static PyObject *show(PyObject *self)
{
    return PyUnicode_FromFormat("<function %U of the host>", ((struct host_function *)self)->name);
}

static void drop(PyObject *self)
{
    Py_XDECREF(((struct host_function *)self)->name);
    PyObject_Free(self);
}

static PyMemberDef members[] = {
    {"__name__", T_OBJECT, offsetof(struct host_function, name), READONLY, NULL},
    {"__qualname__", T_OBJECT, offsetof(struct host_function, name), READONLY, NULL},
    {0}};

static PyTypeObject function_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "host_function",
                                     .tp_basicsize = sizeof(struct host_function),
                                     .tp_flags = Py_TPFLAGS_DEFAULT,
                                     .tp_dealloc = drop,
                                     .tp_call = call,
                                     .tp_repr = show,
                                     .tp_members = members};

static int give(PyObject *name, PyObject *globals)
{
    struct host_function *function = PyObject_New(struct host_function, &function_type);
    if (!function)
        return -1;
    function->name = Py_NewRef(name);
    function->snippet = calls.snippet;
    int r = PyDict_SetItem(globals, name, (PyObject *)function);
    Py_DECREF((PyObject *)function);
    return r;
}

/* Of a session: a thread of an earlier snippet's, or of the branch that this one is a fork of, may have the other one for good. */
static int renew_lock(void)
{
    if (!calls.lock || PyThread_acquire_lock_timed(calls.lock, 0, 0) != PY_LOCK_ACQUIRED)
        calls.lock = PyThread_allocate_lock();
    else
        PyThread_release_lock(calls.lock);
    return calls.lock ? 0 : -1;
}

bool guest_is_host_error(PyTypeObject *type)
{
    return host_error && (PyObject *)type == host_error;
}

static int open_calls(const struct request *request)
{
    if (PyType_Ready(&function_type) < 0)
        return -1;
    if (!host_error)
        host_error = PyErr_NewExceptionWithDoc("__main__.HostError", "A function of the host has failed.",
                                               PyExc_RuntimeError, NULL);
    if (renew_lock() < 0 && !PyErr_Occurred())
        PyErr_NoMemory();
    calls.answers = fcntl(BJ_GUEST_ANSWERS, F_DUPFD_CLOEXEC, BJ_GUEST_ANSWERS + 1);
    if (calls.answers < 0)
        PyErr_SetFromErrno(PyExc_OSError);
    (void)pthread_mutex_init(&calls.writing, NULL);
    calls.owner = 0;
    calls.process = getpid();
    calls.number = 0;
    calls.most = (uint32_t)request->most_calls;
    calls.bytes = (size_t)request->call_bytes;
    calls.snippet = ++calls.snippets;
    return host_error && calls.lock && calls.answers >= 0 ? 0 : -1;
}

int guest_give_calls(const struct request *request, PyObject *globals)
{
    Py_ssize_t count = request->calls ? PyList_Size(request->calls) : 0;
    int r = count > 0 ? open_calls(request) : 0;
    for (Py_ssize_t i = 0; r == 0 && i < count; i++)
        r = give(PyList_GetItem(request->calls, i), globals);
    return r;
}

void guest_end_calls(void)
{
    if (calls.snippet == 0)
        return;
    (void)pthread_mutex_lock(&calls.writing);
    calls.snippet = 0;
    (void)pthread_mutex_unlock(&calls.writing);
    if (calls.owner == 0)
        (void)close(calls.answers);
}
