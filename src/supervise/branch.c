/* One process of a session: who it is, what it is told, how it stands still, and how it ends.
 * Its own file because everything that a session believes of a process of the guest's is checked here.
 * Changes when: a branch is told something more, or is found out in another way.
 *
 * A branch is what its snippets have made of it. It can keep silent, say anything, close its socket, and end; it can do the
 * same to the other branches, which are the same guest. Nothing that it says names a process to us: who speaks is told by
 * the kernel, and that it is of this jail is looked up before anything is done to it. */
#include "supervise/session.h"
#include "supervise/tree.h"

#include "jail/child/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETTLE_DEADLINE_MS 200 /* one that says nothing is no worse than one that says it too early */
#define END_DEADLINE_MS    200 /* pid 1 reaps at once; what it had to tell may have been crowded out */
#define KILL_ROUNDS        32
#define MOST_FDS           253 /* that one message can bring along (SCM_MAX_FD of Linux) */

void bj__branch_init(struct bj_branch *branch, struct bj_session *session)
{
    *branch = (struct bj_branch){.session = session, .control_fd = -1, .pidfd = -1, .proc_fd = -1};
}

int bj__branch_pidfd(const struct bj_branch *branch)
{
    return branch->pidfd;
}

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    int r;
    do {
        r = poll(&watched, 1, timeout_ms);
    } while (r < 0 && errno == EINTR);
    return r > 0;
}

bool bj__branch_is_alive(const struct bj_branch *branch)
{
    return branch->pidfd >= 0 && !is_readable(branch->pidfd, 0);
}

static void send_signal(const struct bj_branch *branch, int signal)
{
    if (branch->pidfd >= 0)
        (void)syscall(SYS_pidfd_send_signal, branch->pidfd, signal, NULL, 0); /* gone already: as good */
}

/* When the session's memory is used up it is the one that runs who goes, and no snapshot. What cannot be written is a
 * preference, and no wall: a snapshot that is gone is told. */
static void rank(const struct bj_branch *branch, const char *score)
{
    BJ_FD int fd = openat(branch->proc_fd, "oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, score, strlen(score));
}

void bj__branch_freeze(const struct bj_branch *branch)
{
    send_signal(branch, SIGSTOP);
    rank(branch, "500");
}

void bj__branch_settle(const struct bj_branch *branch)
{
    (void)is_readable(branch->control_fd, SETTLE_DEADLINE_MS);
    bj__branch_freeze(branch);
}

void bj__branch_thaw(const struct bj_branch *branch)
{
    rank(branch, "1000");
    send_signal(branch, SIGCONT);
}

/* ---- words ---------------------------------------------------------------------------------------- */

int bj__branch_tell(const struct bj_branch *branch, const struct bj_session_message *message, const int *fds,
                    size_t count)
{
    struct bj_session_message copy = *message;
    const struct iovec whole = {&copy, sizeof(copy)};
    return bj__fd_send(branch->control_fd, &whole, fds, count, MSG_DONTWAIT);
}

/* What a message brings along besides its bytes. */
struct company {
    pid_t sender; /* 0: nobody that we can see */
    bool fds;     /* descriptors, which are closed by now */
    bool any;     /* at the end of file there is none */
};

/* Nobody has asked for it, and the close of it may be the last one: of a TCP socket with SO_LINGER that would wait for as long as
 * the guest has said, and so would the kernel's own if there were no room for it here (socket(7)). */
static void let_go(int fd)
{
    const struct linger off = {.l_onoff = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off)); /* most are no sockets */
    (void)close(fd);
}

static void look_at(const struct cmsghdr *part, struct company *company)
{
    struct ucred sender;
    if (part->cmsg_level != SOL_SOCKET)
        return;
    if (part->cmsg_type == SCM_CREDENTIALS && part->cmsg_len == CMSG_LEN(sizeof(sender))) {
        memcpy(&sender, CMSG_DATA(part), sizeof(sender));
        company->sender = sender.pid;
    }
    for (size_t at = 0; part->cmsg_type == SCM_RIGHTS && CMSG_LEN(at + sizeof(int)) <= part->cmsg_len;
         at += sizeof(int)) {
        int fd;
        memcpy(&fd, CMSG_DATA(part) + at, sizeof(fd));
        let_go(fd);
        company->fds = true;
    }
}

/* Bytes, or -errno. */
static ssize_t receive(int fd, struct bj_session_message *message, struct company *ret_company)
{
    struct iovec part = {message, sizeof(*message)};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(MOST_FDS * sizeof(int))];
    } control;
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t n;
    *ret_company = (struct company){.sender = 0};
    do {
        n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    /* musl's CMSG_NXTHDR compares signed with unsigned. */
    for (size_t at = 0; at + sizeof(struct cmsghdr) <= header.msg_controllen;) {
        const struct cmsghdr *each = (const void *)(control.space + at);
        if (each->cmsg_len < CMSG_LEN(0))
            break;
        ret_company->any = true;
        look_at(each, ret_company);
        at += CMSG_SPACE(each->cmsg_len - CMSG_LEN(0));
    }
    return header.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? 0 : n;
}

/* 1: a message, and who sent it (0: nobody that we can see). 0: there is none now. -errno, and -EPROTO for what is none. */
static int hear(const struct bj_branch *branch, struct bj_session_message *message, pid_t *ret_sender)
{
    struct company company;
    ssize_t n = receive(branch->control_fd, message, &company);
    if (n < 0)
        return n == -EAGAIN ? 0 : (int)n;
    *ret_sender = company.sender;
    bool whole = n == (ssize_t)sizeof(*message) && !company.fds;
    return whole && message->magic == BJ_SESSION_MAGIC ? 1 : -EPROTO;
}

/* What nobody has read goes by our hand: by that of the kernel, when the socket goes, it could take long. */
static void close_control(struct bj_branch *branch)
{
    struct bj_session_message message = {.word = 0};
    struct company company;
    ssize_t n;
    if (branch->control_fd < 0)
        return;
    (void)shutdown(branch->control_fd, SHUT_RDWR); /* from now on nothing more comes */
    do {
        n = receive(branch->control_fd, &message, &company);
    } while (n > 0 || n == -ECONNRESET ||
             (n == 0 && company.any)); /* its end was seen: told once, before the rest */
    bj__fd_close(&branch->control_fd);
}

void bj__branch_close(struct bj_branch *branch)
{
    close_control(branch);
    bj__fd_close(&branch->pidfd);
    bj__fd_close(&branch->proc_fd);
    bj__branch_init(branch, branch->session);
}

void bj__branch_forget(const struct bj_branch *branch)
{
    struct bj_session_message message = {.word = 0};
    pid_t sender;
    while (hear(branch, &message, &sender) > 0)
        ;
}

/* ---- who it is ------------------------------------------------------------------------------------ */

/* The last number of NSpid is that of its own namespace (proc(5), Linux 4.1). */
static pid_t inner_pid(int proc_fd)
{
    char text[4096];
    if (bj__proc_read(proc_fd, "status", text, sizeof(text)) <= 0)
        return 0;
    const char *at = strstr(text, "\nNSpid:");
    const char *end = at ? strchr(at + 1, '\n') : NULL;
    while (end && end > at && end[-1] >= '0' && end[-1] <= '9')
        end--;
    return end ? (pid_t)strtol(end, NULL, 10) : 0;
}

static bool is_of_jail(const struct bj_jail *jail, int proc_fd)
{
    char path[48];
    struct stat ours;
    struct stat its;
    (void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)jail->pid);
    return stat(path, &ours) == 0 && fstatat(proc_fd, "ns/pid", &its, 0) == 0 && ours.st_ino == its.st_ino &&
           ours.st_dev == its.st_dev;
}

static bool is_branch(const struct bj_session *session, pid_t pid, const struct bj_branch *except)
{
    for (unsigned i = 0; i < session->branch_count; i++)
        if (&session->branches[i] != except && session->branches[i].control_fd >= 0 &&
            session->branches[i].pid == pid)
            return true;
    return false;
}

/* A pid may have become somebody else's since it was told. What was opened is looked at afterwards: of the jail, and alive
 * after that, it has been the one all the time. */
static int identify(struct bj_branch *branch, pid_t pid)
{
    char path[32];
    (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    branch->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    branch->proc_fd = branch->pidfd < 0 ? -1 : open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (branch->proc_fd < 0)
        return -errno;
    branch->pid = pid;
    branch->inner_pid = inner_pid(branch->proc_fd);
    if (!is_of_jail(&branch->session->jail, branch->proc_fd) || branch->inner_pid <= 1 ||
        is_branch(branch->session, pid, branch))
        return -EPROTO;
    return bj__branch_is_alive(branch) ? 0 : -ESRCH;
}

int bj__branch_adopt(struct bj_branch *branch, int timeout_ms, struct bj_error *err)
{
    struct bj_session_message message = {.word = 0};
    pid_t sender = 0;
    if (!is_readable(branch->control_fd, timeout_ms))
        return bj__error(err, BJ_ERROR_STATE, ETIMEDOUT, "session", "its interpreter does not answer");
    int r = hear(branch, &message, &sender);
    if (r == 0 || r == -ECONNRESET || (r == -EPROTO && sender == 0))
        return bj__error(err, BJ_ERROR_STATE, ECHILD, "session", "its interpreter ended before it was ready");
    if (r > 0 && message.word == BJ_SESSION_HERE && message.value > 0 && message.value < 4096)
        return bj__error_system(err, message.value, "session", "its interpreter cannot fork");
    if (r > 0 && (message.word != BJ_SESSION_HERE || message.value != 0 || sender <= 0))
        r = -EPROTO;
    if (r > 0)
        r = identify(branch, sender);
    if (r == 0)
        return 0;
    bj__fd_close(&branch->pidfd);
    bj__fd_close(&branch->proc_fd);
    return bj__error_system(err, -r, "session", "what its interpreter says of itself does not hold");
}

/* ---- the end -------------------------------------------------------------------------------------- */

/* What has lost its parent is pid 1's child, as every branch is, and nobody can tell whose it was. */
static bool is_doomed(const struct bj_branch *branch, const struct bj_tree *tree, const bool *doomed, size_t i)
{
    const struct bj_session *session = branch->session;
    if (tree->pids[i] == session->jail.pid || is_branch(session, tree->pids[i], branch))
        return false;
    if (tree->pids[i] == branch->pid || tree->parents[i] == session->jail.pid)
        return true;
    for (size_t parent = 0; parent < i; parent++)
        if (tree->pids[parent] == tree->parents[i])
            return doomed[parent];
    return false;
}

static size_t list_doomed(const struct bj_branch *branch, pid_t *pids)
{
    struct bj_tree *tree = bj__tree_walk(branch->session->jail.pid);
    bool *doomed = tree ? calloc(tree->count, sizeof(*doomed)) : NULL;
    size_t count = 0;
    for (size_t i = 0; doomed && i < tree->count; i++) {
        doomed[i] = is_doomed(branch, tree, doomed, i);
        if (doomed[i])
            pids[count++] = tree->pids[i];
    }
    free(doomed);
    free(tree);
    return count;
}

static bool is_listed(const pid_t *pids, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/* As in cgroup_kill.c: one that is still listed after it was opened is the one that was opened, or another of them. How
 * many there were. */
static size_t kill_doomed(const struct bj_branch *branch, pid_t *first, pid_t *second)
{
    size_t count = list_doomed(branch, first);
    for (size_t i = 0; i < count; i++) {
        BJ_FD int pidfd = (int)syscall(SYS_pidfd_open, first[i], 0);
        if (pidfd < 0)
            continue;
        size_t still = list_doomed(branch, second);
        if (is_listed(second, still, first[i]))
            (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    }
    return count;
}

void bj__branch_kill(struct bj_branch *branch)
{
    send_signal(branch, SIGKILL);
    /* Then all of it is dead, and what is below pid 1's number now may be somebody else's. Unreaped it keeps its number. */
    if (bj__jail_reap(&branch->session->jail, false))
        return;
    pid_t *pids = calloc(2 * (size_t)BJ_TREE_MAX, sizeof(*pids));
    for (int round = 0; pids && round < KILL_ROUNDS; round++)
        if (kill_doomed(branch, pids, pids + BJ_TREE_MAX) == 0)
            break;
    free(pids);
}

/* pid 1 tells of each process that became its child and ended (init.c). */
static void read_ends(struct bj_session *session)
{
    struct bj_status_message message;
    while (recv(session->jail.status_fd, &message, sizeof(message), MSG_DONTWAIT) == (ssize_t)sizeof(message))
        for (unsigned i = 0; i < session->branch_count; i++) {
            struct bj_branch *branch = &session->branches[i];
            if (branch->control_fd < 0 || branch->inner_pid != message.pid || bj__branch_is_alive(branch))
                continue;
            branch->reported = true;
            branch->end_code = message.code;
            branch->end_status = message.status;
        }
}

/* Until then it is counted. */
static bool is_reaped(const struct bj_branch *branch)
{
    return syscall(SYS_pidfd_send_signal, branch->pidfd, 0, NULL, 0) < 0 && errno == ESRCH;
}

/* By pid 1; with its word on how it ended if that is wanted. */
static void wait_until_reaped(struct bj_branch *branch, bool with_word)
{
    uint64_t deadline_us = bj__now_us() + END_DEADLINE_MS * 1000ull;
    for (;;) {
        read_ends(branch->session);
        uint64_t now = bj__now_us();
        bool enough = branch->reported || (!with_word && is_reaped(branch));
        if (enough || now >= deadline_us || bj__jail_reap(&branch->session->jail, false))
            return;
        (void)is_readable(branch->session->jail.status_fd, (int)((deadline_us - now) / 1000) + 1);
    }
}

void bj__branch_end(struct bj_branch *branch)
{
    if (branch->pidfd >= 0) {
        bj__branch_kill(branch);
        wait_until_reaped(branch, false);
    }
    bj__branch_close(branch);
}

/* ---- for a run ------------------------------------------------------------------------------------ */

int bj__branch_watch(struct bj_run *run)
{
    int r = bj__watch(run, run->branch->control_fd, BJ_WATCH_BRANCH, EPOLLIN);
    return r < 0 ? r : bj__watch(run, run->branch->pidfd, BJ_WATCH_BRANCH, EPOLLIN);
}

bool bj__branch_is_through(struct bj_run *run)
{
    struct bj_branch *branch = run->branch;
    struct bj_session_message message = {.word = 0};
    pid_t sender = 0;
    int r = branch->done ? 0 : hear(branch, &message, &sender);
    /* Said by a process that it has made, which has its socket as well; or of a snippet before. */
    bool another = sender > 0 && sender != branch->pid;
    bool stale = r > 0 && message.word == BJ_SESSION_DONE && message.number != branch->number;
    if (another || stale)
        r = 0;
    if (r > 0 && message.word == BJ_SESSION_DONE) {
        branch->done = true;
        branch->exit_code = message.value & 0xff;
    } else if (r != 0) {
        bj__branch_kill(
            branch); /* it has closed its socket, or says what is no word: no more is to be had of it */
    }
    if (branch->done && run->killed == BJ_KILL_NONE)
        return true;
    return !bj__branch_is_alive(branch) || bj__jail_reap(run->jail, false);
}

void bj__branch_report(struct bj_run *run, struct bj_evidence *evidence)
{
    struct bj_branch *branch = run->branch;
    evidence->reported = true;
    evidence->code = CLD_KILLED;
    evidence->status = SIGKILL;
    if (bj__branch_is_alive(branch)) {
        bj__branch_freeze(branch);
        evidence->code = CLD_EXITED;
        evidence->status = branch->exit_code;
        return;
    }
    wait_until_reaped(branch, true);
    const struct bj_jail *jail = run->jail;
    bool timed_out = jail->reaped && jail->wait_code == CLD_EXITED && jail->wait_status == BJ_INIT_TIMED_OUT;
    if (timed_out &&
        evidence->killed == BJ_KILL_NONE) /* wall: we were stopped, or not called, when our own clock rang */
        evidence->killed = bj__now_us() >= run->wall_deadline_us ? BJ_KILL_WALL : BJ_KILL_LIFETIME;
    if (branch->reported) {
        evidence->code = branch->end_code;
        evidence->status = branch->end_status;
    } else if (jail->reaped && !timed_out) {
        evidence->reported =
            jail->wait_code == CLD_EXITED || jail->wait_lost; /* the guest has ended its root */
    }
    bj__branch_kill(branch); /* what it leaves behind */
}

struct bj_run *bj__branch_run_of(struct bj_run *run, pid_t thread)
{
    const struct bj_session *session = run->branch->session;
    for (unsigned i = 0; i < session->branch_count; i++)
        if (session->branches[i].run && session->branches[i].pid == thread)
            return session->branches[i].run;
    return run;
}

void bj__branch_leave(struct bj_run *run)
{
    struct bj_branch *branch = run->branch;
    if (!run->over || !bj__branch_is_alive(branch))
        bj__branch_end(branch);
    branch->run = NULL;
    branch->done = false;
    run->branch = NULL;
    run->jail = &run->own_jail;
    bj__session_set_clock(branch->session);
}
