/* System call filters: what is allowed, as named sets; the programs that enforce it; and their explanation.
 * Its own file because the plan, the supervisor and `explain` must all read one and the same policy.
 * Changes when: what a filter can be asked changes.
 *
 * No function here loads a filter; none makes a system call, but for the compiling of a policy that is not in
 * shipped.def (libseccomp can only write a program to a descriptor). */
#ifndef BJ_FILTER_H
#define BJ_FILTER_H

#include "base/buf.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

/* The only architecture whose calls are judged: what we were built for. */
#ifdef __x86_64__
#define BJ_FILTER_ARCH AUDIT_ARCH_X86_64
#else
#define BJ_FILTER_ARCH AUDIT_ARCH_AARCH64
#endif

/* One bit for each set of sets.def ("base", "processes", "threads", "unix_sockets", ...). */
struct bj_filter_policy {
    uint64_t sets;
};

/* What a filter does with one call. */
enum bj_filter_action { BJ_FILTER_ALLOW, BJ_FILTER_ERRNO, BJ_FILTER_KILL };
struct bj_filter_decision {
    enum bj_filter_action action;
    int errnum;      /* positive, for BJ_FILTER_ERRNO */
    bool silent;     /* refused by design and not worth a denial (clone3: glibc falls back to clone) */
    const char *set; /* the set that allows it, or the one that would; NULL when no set has it */
    const char *why; /* one line */
};

/* Names to bits. -EINVAL with the list of sets. */
int bj__filter_policy_from_names(const char *const *names, size_t count, struct bj_filter_policy *ret_policy,
                                 struct bj_error *err);
const char *bj__filter_set_name(unsigned set); /* NULL beyond the last */
const char *bj__filter_set_why(unsigned set);

/* The program. notify: refused calls go to a listener (SECCOMP_RET_USER_NOTIF) that answers with what
 * bj__filter_decide says; otherwise the program itself answers with the errno. Both refuse exactly the same
 * calls. Filters of the shipped profiles come out of a table made at build time; others are compiled here.
 * program: struct sock_filter[]; count at most BPF_MAXINSNS. */
int bj__filter_build(const struct bj_filter_policy *policy, bool notify, struct bj_buf *program,
                     struct bj_error *err);

/* The same program, made with notify, which hands exit_group(2) to the listener as well. The buffer is the caller's. -E2BIG: it would
 * be longer than the kernel takes. */
int bj__filter_tell_end(const struct sock_filter *program, size_t count, struct bj_buf *ret_program);

/* The second program, below the first: what no policy ever allows. Made by other means than the first, and of
 * refused.def instead of sets.def, so that a mistake in one does not open both. What it stops is answered with
 * SECCOMP_RET_TRACE, which without a tracer is ENOSYS: the weakest refusal there is, so that the first program's
 * answer and its notification go before it (seccomp(2): the action of highest precedence is taken). A table made
 * at build time, chosen by whether the policy has sockets of the internet. */
const struct sock_filter *bj__filter_backstop(const struct bj_filter_policy *policy, size_t *ret_count);

/* The policy itself, for the native architecture: pure and total. args may be NULL for "any": then only what is
 * allowed whatever the arguments are is allowed. */
void bj__filter_decide(const struct bj_filter_policy *policy, int syscall_number, const uint64_t args[6],
                       struct bj_filter_decision *ret_decision);

/* "socket(AF_INET)", "ptrace", "syscall 9999": what a denial is called. Always terminated. */
void bj__filter_describe(int syscall_number, const uint64_t args[6], char *text, size_t size);
/* Native number of a name, or -1. */
int bj__filter_syscall_number(const char *name);
/* Value of an argument's name ("AF_UNIX", "CLONE_NEWUSER", "S_ISUID"); -EINVAL for one that has none here. */
int bj__filter_symbol(const char *name, uint32_t *ret_value);
/* The rows of sets.def that allow a call, one a line; their count, or -ENOMEM, -ENOBUFS. */
int bj__filter_list(int syscall_number, struct bj_buf *text);

/* bpf_sim.c: runs a program on one call, as the kernel would. Returns 0 and *ret_action (SECCOMP_RET_*), or
 * -EINVAL for a program that the kernel would not load or that leaves its bounds. */
int bj__bpf_run(const struct sock_filter *program, size_t count, const struct seccomp_data *data,
                uint32_t *ret_action);

#endif
