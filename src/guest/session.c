/* A session: one interpreter after the other, each a fork of one before, and the snippets that they run.
 * Its own file because only here a process has more than one snippet.
 * Changes when: a session is told something more (base/session_wire.h). The library's side is src/supervise/branch.c.
 *
 * The root runs nothing. A branch belongs to its snippets as soon as the first of them has run, this code included: it is
 * honest with an honest snippet, and what it says is checked by those who hear it. */
#include "policy.h"

#include "base/session_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_STARTED 120
#define OUR_NUMBERS                                                                                            \
    32 /* descriptors of ours lie from here on: a snippet's own are below, as in a process of its own */

static int control; /* the socket to the supervisor */
static int
    nothing; /* what holds the numbers of base/reply.h between snippets, so that no file of a snippet's gets them */
static bool is_root = true;

/* ---- words ---------------------------------------------------------------------------------------- */

static void tell(int fd, enum bj_session_word word, int value, uint32_t number)
{
    const struct bj_session_message message = {
        .magic = BJ_SESSION_MAGIC, .word = word, .value = value, .number = number};
    ssize_t n;
    do {
        n = write(fd, &message, sizeof(message)); /* nobody there: the next message tells */
    } while (n < 0 && errno == EINTR);
}

/* A signal between two snippets was meant for the one before. */
static void drop_signals(void)
{
    (void)PyErr_CheckSignals();
    PyErr_Clear();
}

/* How many descriptors came along. The end of file means that the session is over. */
static size_t hear(struct bj_session_message *message, int fds[BJ_SESSION_SEATS])
{
    struct iovec part = {message, sizeof(*message)};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(BJ_SESSION_SEATS * sizeof(int))];
    } space;
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof(space)};
    ssize_t n;
    while ((n = recvmsg(control, &header, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        drop_signals();
    if (n != (ssize_t)sizeof(*message) || message->magic != BJ_SESSION_MAGIC)
        _exit(n == 0 ? 0 : NOT_STARTED);
    const struct cmsghdr *first = CMSG_FIRSTHDR(&header);
    size_t count = first ? (first->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
    if (count > BJ_SESSION_SEATS)
        _exit(NOT_STARTED);
    if (count > 0)
        memcpy(fds, CMSG_DATA(first), count * sizeof(int));
    return count;
}

static int move_up(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, OUR_NUMBERS);
    if (high < 0)
        _exit(NOT_STARTED);
    (void)close(fd);
    return high;
}

/* ---- branches ------------------------------------------------------------------------------------- */

/* The generator that random's functions share is seeded anew in every fork (random.py, register_at_fork), and a branch is to
 * be what was forked. NULL without an exception: it was never imported. */
static PyObject *chance(void)
{
    PyObject *name = PyUnicode_FromString("random");
    PyObject *module = name ? PyImport_GetModule(name) : NULL;
    PyObject *generator = module ? PyObject_GetAttrString(module, "_inst") : NULL;
    PyErr_Clear();
    Py_XDECREF(module);
    Py_XDECREF(name);
    return generator;
}

static PyObject *keep_chance(void)
{
    PyObject *generator = chance();
    PyObject *state = generator ? PyObject_CallMethod(generator, "getstate", NULL) : NULL;
    PyErr_Clear();
    Py_XDECREF(generator);
    return state;
}

static void restore_chance(PyObject *state)
{
    PyObject *generator = state ? chance() : NULL;
    PyObject *done = generator ? PyObject_CallMethod(generator, "setstate", "(O)", state) : NULL;
    PyErr_Clear();
    Py_XDECREF(done);
    Py_XDECREF(generator);
}

/* The child of a child is pid 1's, which tells the supervisor how it ends. */
static void become_branch(int fd)
{
    pid_t pid = fork();
    if (pid < 0)
        tell(fd, BJ_SESSION_HERE, errno, 0);
    if (pid != 0)
        _exit(0);
    (void)close(control);
    control = fd;
    is_root = false;
    PyOS_AfterFork_Child();
}

static void make_branch(int fd)
{
    PyObject *state = keep_chance();
    PyOS_BeforeFork();
    pid_t pid = fork();
    int failed = errno;
    if (pid == 0) {
        become_branch(fd);
        restore_chance(state);
        tell(control, BJ_SESSION_HERE, 0, 0);
    } else {
        PyOS_AfterFork_Parent();
        if (pid < 0)
            tell(fd, BJ_SESSION_HERE, failed, 0);
        while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        (void)close(fd);
        tell(control, BJ_SESSION_DONE, 0, 0);
    }
    Py_XDECREF(state);
}

/* ---- snippets ------------------------------------------------------------------------------------- */

static void put(int fd, int seat)
{
    if (dup3(fd, seat, seat > STDERR_FILENO ? O_CLOEXEC : 0) < 0)
        _exit(NOT_STARTED);
}

/* First up, then down: one may have come under the number that another is to have. */
static void take_seats(int fds[BJ_SESSION_SEATS], size_t count)
{
    static const int seats[BJ_SESSION_SEATS] = {STDIN_FILENO,     STDOUT_FILENO,  STDERR_FILENO,
                                                BJ_GUEST_REQUEST, BJ_GUEST_REPLY, BJ_GUEST_ANSWERS};
    for (size_t i = 0; i < count; i++)
        fds[i] = move_up(fds[i]);
    for (size_t i = 0; i < count; i++) {
        put(fds[i], seats[i]);
        (void)close(fds[i]);
    }
}

static void hold_seats(void)
{
    put(nothing, BJ_GUEST_REQUEST);
    put(nothing, BJ_GUEST_REPLY);
    put(nothing, BJ_GUEST_ANSWERS);
}

/* What the last snippet has left unread is not this one's input. A stream that a snippet has put there stays. */
static void renew_stdin(void)
{
    PyObject *standard = PySys_GetObject("__stdin__"); /* borrowed, like present */
    PyObject *present = PySys_GetObject("stdin");
    if (!standard || present != standard)
        return;
    PyObject *io = PyImport_ImportModule("io");
    PyObject *renewed = io ? PyObject_CallMethod(io, "open", "isissOi", STDIN_FILENO, "r", -1, "utf-8",
                                                 "surrogateescape", Py_None, 0)
                           : NULL;
    if (renewed) {
        (void)PySys_SetObject("stdin", renewed);
        (void)PySys_SetObject("__stdin__", renewed);
    }
    PyErr_Clear();
    Py_XDECREF(renewed);
    Py_XDECREF(io);
}

/* Tracebacks of later snippets lead into functions of earlier ones: each has a name, and lines, of its own. */
static void name_snippet(const struct request *request, uint32_t number)
{
    static char name[32];
    (void)snprintf(name, sizeof(name), "snippet-%u.py", number);
    guest_file_name = name;
    guest_remember_source(request->code ? request->code : request->expression);
}

static int run_snippet(uint32_t number)
{
    struct request request = {0};
    struct reply reply;
    drop_signals();
    renew_stdin();
    if (guest_read_request(&request) < 0) {
        PyErr_Print();
        _exit(NOT_STARTED);
    }
    put(nothing, BJ_GUEST_REQUEST);
    name_snippet(&request, number);
    guest_reply_init(&reply, (size_t)request.reply_bytes);
    reply.keeps = true;
    int code = guest_execute(&request, &reply);
    if (guest_flush() < 0 && code == 0)
        code = NOT_STARTED;
    if (reply.truncated && code == 0)
        code = 1;
    guest_reply_send(&reply);
    if (reply.process != getpid()) /* a child of the snippet's, which has come to its end */
        _exit(code);
    bj__buf_done(&reply.bytes);
    guest_forget_request(&request);
    hold_seats();
    return code;
}

/* ---- the root ------------------------------------------------------------------------------------- */

/* What a traceback needs, and a question whether input is whole: imported once, before a file of the guest could have the
 * same name, and shared by all branches. */
static int warm(void)
{
    static const char *const modules[] = {"linecache", "traceback", "codeop"};
    for (size_t i = 0; i < BJ_COUNT(modules); i++) {
        PyObject *module = PyImport_ImportModule(modules[i]);
        if (!module)
            return -1;
        Py_DECREF(module);
    }
    return guest_warm_request();
}

static int take_numbers(void)
{
    control = fcntl(BJ_GUEST_REPLY, F_DUPFD_CLOEXEC, OUR_NUMBERS);
    nothing = control < 0 ? -1 : open("/", O_PATH | O_CLOEXEC);
    if (nothing < 0)
        return -1;
    nothing = move_up(nothing);
    hold_seats();
    return 0;
}

_Noreturn void guest_session(void)
{
    if (take_numbers() < 0 || warm() < 0) {
        PyErr_Print();
        _exit(NOT_STARTED);
    }
    guest_replace_files();
    guest_fixed_begin();
    tell(control, BJ_SESSION_HERE, 0, 0);
    for (;;) {
        struct bj_session_message message = {.word = 0};
        int fds[BJ_SESSION_SEATS];
        size_t count = hear(&message, fds);
        if (message.word == BJ_SESSION_FORK && count == 1) {
            make_branch(move_up(fds[0]));
        } else if (message.word == BJ_SESSION_RUN && count >= BJ_SESSION_ANSWERS && !is_root) {
            take_seats(fds, count);
            tell(control, BJ_SESSION_DONE, run_snippet(message.number), message.number);
        } else {
            _exit(NOT_STARTED);
        }
    }
}
