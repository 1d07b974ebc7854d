/* Answers the system calls that the filter refused, and counts them.
 * Its own file because it is the one conversation with a process that the guest owns.
 * Changes when: a refusal is answered or named differently.
 *
 * The kernel hands over a copy of the registers, so what is judged cannot change behind our back; memory behind
 * pointers is never looked at, and no answer lets a call through that was refused: SECCOMP_USER_NOTIF_FLAG_CONTINUE
 * is for exit_group alone, which every policy allows and whose one argument is a number. A listener that is gone
 * makes the kernel answer ENOSYS: refused all the same. */
#include "supervise/session.h"

#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANSWERS_PER_TURN 32

int bj__denials_start(struct bj_run *run, struct bj_error *err)
{
    struct seccomp_notif_sizes sizes;
    if (run->jail->listener_fd < 0)
        return 0;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
        return bj__error_system(err, errno, "layers.denial_report",
                                "cannot ask for the size of a notification");
    run->notification_size = sizes.seccomp_notif;
    if (run->notification_size < sizeof(struct seccomp_notif))
        run->notification_size = sizeof(struct seccomp_notif);
    run->notification = malloc(run->notification_size);
    if (!run->notification)
        return bj__error_memory(err);
    int r = bj__watch(run, run->jail->listener_fd, BJ_WATCH_LISTENER, EPOLLIN);
    return r < 0 ? bj__error_system(err, -r, "", "cannot watch the filter's listener") : 0;
}

static void count(struct bj_result *result, int number, const char *what)
{
    for (size_t i = 0; i < result->denial_count; i++)
        if (strcmp(result->denials[i].what, what) == 0) {
            result->denials[i].count++;
            return;
        }
    if (result->denial_count == BJ_MAX_DENIALS) {
        result->denials_unnamed++;
        return;
    }
    struct bj_denial *denial = &result->denials[result->denial_count++];
    *denial = (struct bj_denial){.layer = "seccomp", .syscall_number = number, .count = 1};
    (void)snprintf(denial->what, sizeof(denial->what), "%s", what);
}

static void decide(const struct bj_run *run, const struct seccomp_data *data,
                   struct bj_filter_decision *decision, char *what, size_t size)
{
    uint64_t args[6];
    for (int i = 0; i < 6; i++)
        args[i] = data->args[i];
    if (data->arch != BJ_FILTER_ARCH) {
        *decision = (struct bj_filter_decision){.action = BJ_FILTER_KILL};
        (void)snprintf(what, size, "foreign architecture 0x%x", data->arch);
        return;
    }
    bj__filter_decide(&run->plan->filter, data->nr, args, decision);
    if (decision->action ==
        BJ_FILTER_ALLOW) /* cannot be; but what was stopped is not let go by a difference of opinion */
        *decision = (struct bj_filter_decision){.action = BJ_FILTER_ERRNO, .errnum = EPERM};
    bj__filter_describe(data->nr, args, what, size);
}

/* ioctl(2) takes its request as int here and as unsigned long there. */
static int control(int fd, unsigned long request, void *argument)
{
    return (int)syscall(SYS_ioctl, fd, request, argument);
}

/* ENOENT: it died meanwhile. Whatever else keeps a process from its answer would keep it waiting to its wall limit, and the
 * verdict would blame it. */
static void answer(struct bj_run *run, struct seccomp_notif_resp *response, const char *what)
{
    int r;
    do {
        r = control(run->jail->listener_fd, SECCOMP_IOCTL_NOTIF_SEND, response);
    } while (r < 0 && errno == EINTR);
    if (r < 0 && errno != ENOENT)
        bj__run_fail(run, errno, what);
}

static void send_answer(struct bj_run *run, const struct seccomp_notif *notification, int errnum)
{
    struct seccomp_notif_resp response = {.id = notification->id, .error = -errnum};
    answer(run, &response, "answer a refused system call");
}

static void let_end(struct bj_run *run, const struct seccomp_notif *notification)
{
    struct seccomp_notif_resp response = {.id = notification->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    answer(run, &response, "answer a system call");
}

static bool is_end(const struct seccomp_data *data)
{
    return data->arch == BJ_FILTER_ARCH && data->nr == SYS_exit_group;
}

static bool answer_one(struct bj_run *run)
{
    struct seccomp_notif *notification = run->notification;
    struct bj_filter_decision decision = {0};
    char what[64];
    memset(notification, 0, run->notification_size);
    if (control(run->jail->listener_fd, SECCOMP_IOCTL_NOTIF_RECV, notification) < 0) {
        if (errno != EINTR && errno != ENOENT)
            bj__run_fail(run, errno, "learn of a refused system call");
        return errno == EINTR;
    }
    if (run->plan->tells_end && is_end(&notification->data)) {
        bool its_own = bj__run_is_its_end(run, (pid_t)notification->pid);
        if (its_own) /* it stays stopped until it is dead */
            bj__run_told_end(run, (pid_t)notification->pid, (int)(notification->data.args[0] & 0xff));
        else
            let_end(run, notification);
        return !its_own;
    }
    decide(run, &notification->data, &decision, what, sizeof(what));
    struct bj_run *whose = run->branch ? bj__branch_run_of(run, (pid_t)notification->pid) : run;
    if (!decision.silent)
        count(whose->result, notification->data.nr, what);
    if (decision.action == BJ_FILTER_KILL) {
        bj__run_end(whose, BJ_KILL_DENIED); /* it stays stopped until it is dead */
        return false;
    }
    send_answer(run, notification, decision.errnum);
    return true;
}

static bool is_ready(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    return poll(&watched, 1, 0) == 1 && (watched.revents & POLLIN);
}

/* A guest that makes refused calls in a loop waits for each answer; it gets its share of turns and no more. */
void bj__denials_answer(struct bj_run *run)
{
    for (int i = 0; i < ANSWERS_PER_TURN; i++)
        if (!is_ready(run->jail->listener_fd) || !answer_one(run))
            return;
}
