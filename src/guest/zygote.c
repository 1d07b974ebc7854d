/* The zygote: a warm interpreter in half a jail, which makes forks of itself; each fork finishes its jail and waits.
 * Its own file because it is the only code of the guest that is trusted, and nothing of a snippet ever runs in it.
 * Changes when: a fork is made in another way. The library's side is src/jail/zygote.c.
 *
 * A fork is made with clone3(CLONE_PARENT) and the code that makes every jail (src/jail/child): its pid 1 builds the
 * rest of the jail, clones the payload into the same memory, and becomes its own program. The payload gives up what is to
 * be given up, waits until pid 1 is gone from its memory, and only then comes back here, onto the stack that the zygote
 * forked on. So the interpreter goes on in the payload as if it had been forked, and its memory was copied once. */
#include "guest.h"

#include "base/wire.h"
#include "jail/child/child.h"
#include "jail/child/sys.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLONE_PARENT_FLAG 0x8000ull
#define THREAD_INTS                                                                                            \
    254 /* of struct pthread that are looked at, from that member back: an exit code tells which */
#define RSEQ_LENGTH    32 /* of the first struct rseq, which every kernel takes */
#define RSEQ_SIGNATURE 0x53053053

/* glibc 2.35 and later: where its rseq(2) area is, from the thread pointer. */
extern const ptrdiff_t __rseq_offset __attribute__((weak)); /* NOLINT(bugprone-reserved-identifier): glibc's */

static struct {
    struct bj_program program;
    uint64_t clone_flags;
    const char *modules;
    int control;
    int *thread_id;  /* where the C library keeps the number of this thread */
    int *thread_end; /* what the kernel clears at its end; the same, before glibc 2.43 */
    void *robust_list;
    size_t robust_length;
} zygote;

static struct bj_child child;
static void *place[5]; /* __builtin_setjmp */

/* ---- what it is told ------------------------------------------------------------------------------ */

static int refuse(const char *what)
{
    PyErr_SetString(PyExc_RuntimeError, what);
    return -1;
}

bool guest_is_zygote(void)
{
    struct bj_wire_head head;
    return pread(BJ_GUEST_REQUEST, &head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
           head.magic == BJ_WIRE_MAGIC;
}

static char *read_all(size_t length)
{
    char *bytes = PyMem_RawMalloc(length);
    size_t have = 0;
    ssize_t n = 1;
    while (bytes && n > 0 && have < length) {
        n = pread(BJ_GUEST_REQUEST, bytes + have, length - have, (off_t)have);
        have += n > 0 ? (size_t)n : 0;
    }
    if (have == length)
        return bytes;
    PyMem_RawFree(bytes);
    return NULL;
}

/* Offsets become pointers. The memory stays for good. */
static int read_wire(void)
{
    struct bj_wire_head head;
    if (pread(BJ_GUEST_REQUEST, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
        head.op_kinds != BJ_OP__COUNT || head.op_size != sizeof(struct bj_op))
        return refuse("belljar-guest and the library are of different builds; install both anew");
    char *bytes = read_all(head.length);
    if (!bytes)
        return refuse("the operations of its forks cannot be read");
    struct bj_op *ops = (struct bj_op *)(void *)(bytes + sizeof(head));
    for (uint32_t i = 0; i < head.op_count; i++) {
        ops[i].text = ops[i].text ? bytes + (uintptr_t)ops[i].text : NULL;
        ops[i].text2 = ops[i].text2 ? bytes + (uintptr_t)ops[i].text2 : NULL;
    }
    zygote.program = (struct bj_program){.ops = ops,
                                         .op_count = head.op_count,
                                         .payload_first = head.payload_first,
                                         .guest = true,
                                         .host_ids = head.host_ids,
                                         .fork = true};
    zygote.clone_flags = head.clone_flags;
    zygote.modules = bytes + head.modules_offset;
    return 0;
}

/* ---- what the C library believes of this thread ---------------------------------------------------- */

/* In a fork of its own the C library has written the new number where it keeps it: how many places before the end is that?
 * 0: in none. */
static int look_in_fork(const int *end)
{
    pid_t pid = fork();
    if (pid == 0) {
        int back = 1;
        while (back < THREAD_INTS && end[-back] != getpid())
            back++;
        _exit(back < THREAD_INTS ? back : 0);
    }
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

/* Since glibc 2.43 the kernel clears another member of struct pthread, which stands behind the number. */
static int *find_thread_id(int *end)
{
    int back = *end == getpid() ? 0 : look_in_fork(end);
    return *end == getpid() || back > 0 ? end - back : NULL;
}

/* A fork by clone3 is one that the C library does not know of: it would go on with the number of the zygote's thread. */
static int find_thread(void)
{
    (void)syscall(SYS_get_robust_list, 0, &zygote.robust_list, &zygote.robust_length);
    if (prctl(PR_GET_TID_ADDRESS, &zygote.thread_end) < 0) /* a kernel without CONFIG_CHECKPOINT_RESTORE */
        return refuse(
            "this kernel does not say where the C library keeps its thread's number (PR_GET_TID_ADDRESS)");
    zygote.thread_id = find_thread_id(zygote.thread_end);
    return zygote.thread_id ? 0 : refuse("the C library keeps its thread's number elsewhere");
}

/* What does not work here only makes the C library slower, or is not there at all. */
static void renew_thread(void)
{
    *zygote.thread_id = (int)syscall(SYS_gettid);
    (void)syscall(SYS_set_tid_address, zygote.thread_end);
    (void)syscall(SYS_set_robust_list, zygote.robust_list, zygote.robust_length);
#if defined(SYS_rseq) && defined(__x86_64__)
    if (&__rseq_offset)
        (void)syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, RSEQ_LENGTH, 0,
                      RSEQ_SIGNATURE);
#endif
}

/* ---- forks ---------------------------------------------------------------------------------------- */

/* Descriptors of forks must come above the seats, which they are moved to: the numbers below are taken for good. */
static int take_numbers(void)
{
    zygote.control = fcntl(BJ_GUEST_REPLY, F_DUPFD_CLOEXEC, 2 * BJ_SEAT__END);
    if (zygote.control < 0)
        return -1;
    (void)close(BJ_GUEST_REPLY);
    (void)close(BJ_GUEST_REQUEST);
    int fd;
    do {
        fd = fcntl(zygote.control, F_DUPFD_CLOEXEC, BJ_SEAT_SYNC);
    } while (fd >= 0 && fd < BJ_SEAT__END);
    return fd < 0 ? -1 : close(fd);
}

/* False: the library has closed its end. */
static bool next_request(void)
{
    struct bj_park_message message = {0};
    struct iovec part = {&message, sizeof(message)};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(BJ_SEAT__END * sizeof(int))];
    } control;
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t n;
    do {
        n = recvmsg(zygote.control, &header, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(message) || message.magic != BJ_WIRE_MAGIC)
        return false;
    const struct cmsghdr *first = CMSG_FIRSTHDR(&header);
    int fds[BJ_SEAT__END];
    size_t count = first ? (first->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
    if (count > BJ_SEAT__END)
        return false;
    if (count > 0)
        memcpy(fds, CMSG_DATA(first), count * sizeof(int));
    child = (struct bj_child){.program = &zygote.program};
    size_t taken = 0;
    for (int seat = 0; seat < BJ_SEAT__END; seat++)
        child.seats[seat] = message.seats >> seat & 1 && taken < count ? fds[taken++] : -1;
    return true;
}

static void answer(int pid, int pidfd, int err)
{
    struct bj_parked_message message = {.magic = BJ_WIRE_MAGIC, .pid = pid, .err = err};
    struct iovec part = {&message, sizeof(message)};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {
        .header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.header), &pidfd, sizeof(int));
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = pidfd >= 0 ? &control : NULL,
                            .msg_controllen = pidfd >= 0 ? sizeof(control.space) : 0};
    ssize_t n;
    do {
        n = sendmsg(zygote.control, &header, MSG_NOSIGNAL); /* nobody there: the next request tells */
    } while (n < 0 && errno == EINTR);
}

static void resume(struct bj_child *parked)
{
    (void)parked;
    __builtin_longjmp(place, 1);
}

static void let_go_of_seats(void)
{
    for (int seat = 0; seat < BJ_SEAT__END; seat++)
        if (child.seats[seat] >= 0)
            (void)close(child.seats[seat]);
}

/* 0 in the zygote. 1 in the fork, whose jail is whole: it holds no descriptor of the zygote's any more. */
static int make_fork(void)
{
    int pidfd = -1;
    struct bj_clone_args args = {.flags = zygote.clone_flags | CLONE_PARENT_FLAG | BJ_CLONE_PIDFD,
                                 .pidfd = (uint64_t)(uintptr_t)&pidfd};
    if (__builtin_setjmp(place))
        return 1;
    child.settle = guest_take_pages;
    child.resume = resume;
    long pid = sys2(SYS_clone3, SYS_ARG(&args), offsetof(struct bj_clone_args, cgroup));
    if (pid == 0)
        bj__child_main(&child);
    let_go_of_seats();
    answer(pid > 0 ? (int)pid : 0, pidfd, pid < 0 ? (int)-pid : 0);
    if (pidfd >= 0)
        (void)close(pidfd);
    return 0;
}

/* The end of file means that nobody is left who could ask for anything. */
static void wait_for_start(void)
{
    struct bj_step_message message;
    ssize_t n;
    do {
        n = read(BJ_SEAT_SYNC, &message, sizeof(message));
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(message) || message.magic != BJ_STEP_MAGIC || message.step != BJ_STEP_START)
        _exit(125);
    (void)close(BJ_SEAT_SYNC);
    (void)close(BJ_SEAT_HOLD);
}

/* ---- what is warm --------------------------------------------------------------------------------- */

/* Whoever asks for a number of threads finds it here. OpenBLAS, which starts its threads when it is loaded, reads the first that
 * there is, and else counts processors: a profile that says nothing has one, and need not allow another process. */
static const char *const thread_counts[] = {"OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"};

static bool says_threads(void)
{
    bool said = false;
    for (size_t i = 0; i < BJ_COUNT(thread_counts); i++)
        said |= getenv(thread_counts[i]) != NULL; /* NOLINT(concurrency-mt-unsafe): one thread */
    return said;
}

/* A fork by clone3 has none of the zygote's threads, and would wait for them. Before a fork(3) OpenBLAS ends its own, as any
 * library should (pthread_atfork(3)); whoever needs them then starts them anew, in the forks. */
static int end_threads(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 ? 0 : refuse("it may not fork");
}

static int rehearse(void)
{
    return guest_rehearse_request() < 0 || guest_rehearse() < 0 || guest_flush() < 0 ? -1 : 0;
}

/* Directories stand first. A run is given them anew, in the place that they have there. */
static const char *search_in(const char *name, PyObject *path)
{
    for (; *name == '/'; name += strlen(name) + 1) {
        PyObject *directory = PyUnicode_DecodeFSDefault(name);
        int r = directory ? PyList_Append(path, directory) : -1;
        Py_XDECREF(directory);
        if (r < 0)
            return NULL;
    }
    return name;
}

static int import_modules(const char *name)
{
    for (; name && *name; name += strlen(name) + 1) {
        PyObject *module = PyImport_ImportModule(name);
        if (!module)
            return -1;
        Py_DECREF(module);
    }
    return name ? 0 : -1;
}

static int import_all(void)
{
    PyObject *path = PySys_GetObject("path"); /* borrowed */
    Py_ssize_t before = path && PyList_Check(path) ? PyList_GET_SIZE(path) : -1;
    if (before < 0)
        return refuse("sys.path is no list");
    if (!says_threads()) /* not in os.environ, which was made when Python began. NOLINTNEXTLINE(concurrency-mt-unsafe) */
        (void)setenv(thread_counts[0], "1", 0);
    const char *first = search_in(zygote.modules, path);
    Py_ssize_t after = PyList_GET_SIZE(path);
    if (import_modules(first) < 0 || end_threads() < 0)
        return -1;
    return after > before ? PyList_SetSlice(path, before, after, NULL) : 0;
}

static PyObject *numpy_seed; /* owned; NULL: not imported */

/* NumPy's global generator is seeded when it is imported; Python's own sees to itself (random.py, register_at_fork). */
static int find_numpy(void)
{
    PyObject *name = PyUnicode_FromString("numpy.random");
    PyObject *module = name ? PyImport_GetModule(name) : NULL;
    numpy_seed = module ? PyObject_GetAttrString(module, "seed") : NULL;
    Py_XDECREF(module);
    Py_XDECREF(name);
    return PyErr_Occurred() ? -1 : 0;
}

static int reseed_numpy(void)
{
    PyObject *none = PyTuple_New(0);
    PyObject *seeded = none && numpy_seed ? PyObject_Call(numpy_seed, none, NULL) : NULL;
    Py_XDECREF(seeded);
    Py_XDECREF(none);
    return PyErr_Occurred() ? -1 : 0;
}

/* What a fork does before it waits. The zygote does it as well, once: what the dynamic linker looks up for it is found. */
static int begin_fork(void)
{
    guest_fixed_begin(); /* random is seeded anew by the next call, and shall be what it is in a cold start */
    PyOS_AfterFork_Child();
    guest_fixed_begin();
    return reseed_numpy();
}

/* All that a fork does until it ends, but for what its snippet does. */
static int rehearse_fork(void)
{
    return begin_fork() < 0 || rehearse() < 0 || guest_end_python() < 0 ? -1 : 0;
}

/* Nothing of what is there now will ever be collected: a fork's collector does not touch, and so copy, its pages. */
static int freeze(void)
{
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *collected = gc ? PyObject_CallMethod(gc, "collect", NULL) : NULL;
    PyObject *frozen = collected ? PyObject_CallMethod(gc, "freeze", NULL) : NULL;
    int r = frozen ? 0 : -1;
    Py_XDECREF(frozen);
    Py_XDECREF(collected);
    Py_XDECREF(gc);
    return r;
}

static int warm_up(void)
{
    /* What is Python's own comes first: nothing of the profile's directories can stand in its place. */
    if (guest_warm_exceptions() < 0 || import_all() < 0 || guest_prepare_end() < 0 || find_numpy() < 0 ||
        guest_warm_request() < 0 || guest_warm_views() < 0 || rehearse() < 0)
        return -1;
    PyOS_BeforeFork();
    return begin_fork() < 0 || freeze() < 0 ? -1 : guest_learn_pages(rehearse_fork);
}

/* What is written there is read only when we have ended: a pipe that is full must not stop a fork's first process, nor what is
 * imported. */
static void never_wait_for_readers(void)
{
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int guest_zygote(void)
{
    never_wait_for_readers();
    if (read_wire() < 0 || find_thread() < 0 || warm_up() < 0)
        return -1;
    if (take_numbers() < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    answer(0, -1, 0);
    PyOS_BeforeFork(); /* once: between forks nothing of Python runs, and so none of its memory is written to */
    do {
        if (!next_request())
            _exit(0);
    } while (!make_fork());
    renew_thread();
    if (begin_fork() < 0)
        return -1;
    wait_for_start();
    return 0;
}
