/* Turns a policy into a seccomp program, with libseccomp.
 * Its own file because the build-time generator links it without the rest, and because it is the only place
 * that knows libseccomp.
 * Changes when: libseccomp or the form of the program changes.
 *
 * libseccomp is given placeholders for the actions that depend on the variant; afterwards each return is
 * rewritten:
 *   allowed                    -> SECCOMP_RET_ALLOW
 *   foreign architecture, x32  -> SECCOMP_RET_KILL_PROCESS; with a listener SECCOMP_RET_USER_NOTIF: the caller
 *                                 stays stopped until the supervisor has killed it, and knows why it died
 *   refused quietly            -> SECCOMP_RET_ERRNO
 *   any other refusal, notify  -> SECCOMP_RET_USER_NOTIF
 *   any other refusal          -> a jump to answers that are appended, chosen by the call's number alone
 * So both variants refuse the same calls by construction, and libseccomp is never asked which actions the
 * kernel of the build machine knows. */
#include "filter/table.h"

#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACEHOLDER    SCMP_ACT_TRACE(0x7777u) /* never a real action of ours */
#define LAST_NUMBER    1023 /* answers are worked out up to here; what is above gets ENOSYS */
#define ANSWER_SECTION 8u   /* answers between two section marks of the appended part */

static void release_context(scmp_filter_ctx *context)
{
    if (*context)
        seccomp_release(*context);
}

static bool is_in_force(const struct bj_filter_policy *policy, const struct bj_filter_rule *rule)
{
    return rule->number >= 0 && (policy->sets >> rule->set & 1);
}

/* Is there a rule in force that makes this one superfluous? Two sets may hold the same row. */
static bool is_superfluous(const struct bj_filter_policy *policy, const struct bj_filter_rule *rules,
                           size_t count, size_t index)
{
    const struct bj_filter_rule *rule = &rules[index];
    for (size_t i = 0; i < count; i++) {
        const struct bj_filter_rule *other = &rules[i];
        if (i == index || other->number != rule->number || !is_in_force(policy, other))
            continue;
        if (!other->conditions[0].mask && (rule->conditions[0].mask || i < index))
            return true;
        if (i < index && memcmp(other->conditions, rule->conditions, sizeof(rule->conditions)) == 0)
            return true;
    }
    return false;
}

static int add_allowed(scmp_filter_ctx context, const struct bj_filter_policy *policy)
{
    size_t count = 0;
    const struct bj_filter_rule *rules = bj__filter_rules(&count);
    for (size_t i = 0; i < count; i++) {
        if (!is_in_force(policy, &rules[i]) || is_superfluous(policy, rules, count, i))
            continue;
        struct scmp_arg_cmp compare[BJ_CONDITIONS];
        unsigned used = 0;
        for (; used < BJ_CONDITIONS && rules[i].conditions[used].mask; used++) {
            const struct bj_filter_condition *condition = &rules[i].conditions[used];
            compare[used] = (struct scmp_arg_cmp){condition->argument, SCMP_CMP_MASKED_EQ, condition->mask,
                                                  condition->value};
        }
        int rc = seccomp_rule_add_exact_array(context, SCMP_ACT_ALLOW, rules[i].number, used, compare);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int add_quiet(scmp_filter_ctx context)
{
    int number = -1;
    for (size_t n = 0; bj__filter_refused(n, &number); n++) {
        struct bj_filter_answer answer;
        bj__filter_answer(number, &answer);
        if (number < 0 || !answer.quiet)
            continue;
        int rc =
            seccomp_rule_add_exact_array(context, SCMP_ACT_ERRNO((uint32_t)answer.errnum), number, 0, NULL);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* libseccomp before 2.6 can only write a program to a descriptor. */
static int export_program(scmp_filter_ctx context, struct bj_buf *program)
{
    BJ_FD int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = seccomp_export_bpf(context, fd);
    if (rc < 0)
        return rc;
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    size_t length = (size_t)status.st_size;
    if (length == 0 || length % sizeof(struct sock_filter) ||
        length > BPF_MAXINSNS * sizeof(struct sock_filter))
        return -E2BIG;
    rc = bj__buf_reserve(program, length);
    if (rc < 0)
        return rc;
    ssize_t got = pread(fd, program->bytes + program->length, length, 0);
    if (got != (ssize_t)length)
        return got < 0 ? -errno : -EIO;
    program->length += length;
    return 0;
}

static int add(struct bj_buf *program, struct sock_filter instruction)
{
    return bj__buf_add(program, &instruction, sizeof(instruction));
}

/* End of the run of numbers from first on that get one and the same answer. Calls that no argument can get
 * refused never come here, and so belong to any run. */
static int end_of_run(const struct bj_filter_policy *policy, int first, int *ret_errnum)
{
    int errnum = 0;
    int number = first;
    for (; number <= LAST_NUMBER; number++) {
        struct bj_filter_decision decision;
        bj__filter_decide(policy, number, NULL, &decision);
        if (decision.action == BJ_FILTER_ALLOW || decision.silent)
            continue;
        if (errnum && decision.errnum != errnum)
            break;
        errnum = decision.errnum;
    }
    *ret_errnum = errnum ? errnum : ENOSYS;
    return number - 1;
}

/* Sections of some answers each, so that no answer is more than a few steps away: the kernel tries every number
 * when it loads a program (seccomp_cache_prepare, 5.11). A section begins with "above its last? skip it". */
static int append_answers(const struct bj_filter_policy *policy, struct bj_buf *program)
{
    int rc =
        add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    for (int first = 0; first <= LAST_NUMBER && rc == 0;) {
        int last[ANSWER_SECTION];
        int errnum[ANSWER_SECTION];
        unsigned count = 0;
        for (; count < ANSWER_SECTION && first <= LAST_NUMBER; count++) {
            last[count] = end_of_run(policy, first, &errnum[count]);
            first = last[count] + 1;
        }
        uint8_t skip = (uint8_t)(2 * count);
        rc = add(program,
                 (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)last[count - 1], skip, 0));
        for (unsigned i = 0; i < count && rc == 0; i++) {
            rc = add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)last[i], 1, 0));
            if (rc == 0)
                rc = add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
                                                               SECCOMP_RET_ERRNO | (uint32_t)errnum[i]));
        }
    }
    return rc ? rc : add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
}

/* Rewrites the placeholders of instructions [0, count) of a program whose answers, if any, begin at count. */
static void rewrite(struct sock_filter *program, size_t count, bool notify)
{
    for (size_t i = 0; i < count; i++) {
        if (program[i].code != (BPF_RET | BPF_K))
            continue;
        if (program[i].k == SCMP_ACT_KILL)
            program[i].k = notify ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_KILL_PROCESS;
        else if (program[i].k == PLACEHOLDER && notify)
            program[i].k = SECCOMP_RET_USER_NOTIF;
        else if (program[i].k == PLACEHOLDER)
            program[i] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(count - i - 1));
    }
}

static int compile(const struct bj_filter_policy *policy, struct bj_buf *program)
{
    BJ_CLEANUP(release_context) scmp_filter_ctx context = seccomp_init(PLACEHOLDER);
    if (!context)
        return -ENOMEM;
    int rc = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL);
    /* A tree, of which tree.c makes a shorter one. As a list libseccomp 2.5.4 allows what no rule does: socket(AF_INET) where
     * sockets of other families are allowed (test_filter_program shows it with 1 here). */
    if (rc == 0)
        rc = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc == 0)
        rc = add_allowed(context, policy);
    if (rc == 0)
        rc = add_quiet(context);
    if (rc == 0)
        rc = export_program(context, program);
    return rc;
}

static int make_small(struct bj_buf *program, size_t before, size_t *ret_count)
{
    struct sock_filter *first = (struct sock_filter *)(void *)(program->bytes + before);
    size_t count = (program->length - before) / sizeof(*first);
    bj__filter_shrink(first, count);
    int r = bj__filter_plant(first, count);
    if (r < 0)
        return r;
    *ret_count = (size_t)r;
    program->length = before + *ret_count * sizeof(*first);
    return 0;
}

int bj__filter_compile(const struct bj_filter_policy *policy, bool notify, struct bj_buf *program,
                       struct bj_error *err)
{
    size_t before = program->length;
    size_t count = 0;
    int rc = compile(policy, program);
    if (rc == 0)
        rc = make_small(program, before, &count);
    if (rc == 0 && !notify)
        rc = append_answers(policy, program);
    if (rc == 0 && (program->length - before) / sizeof(struct sock_filter) > BPF_MAXINSNS)
        rc = -E2BIG;
    if (rc < 0) {
        program->length = before;
        return bj__error_system(err, -rc, "syscalls", "the system call filter could not be compiled");
    }
    rewrite((struct sock_filter *)(void *)(program->bytes + before), count, notify);
    return 0;
}
