/* The filter's programs: that they do what is decided, in the simulator and in the kernel.
 * Its own file because it is the proof that what is decided is what the kernel will do.
 * Changes when: programs are made in another way. */
#include "filter/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <linux/audit.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spec/spec.h"

#ifdef __x86_64__
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#else
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

#define BIT(set) (UINT64_C(1) << BJ_SET_##set)
#define DEFAULT  (BIT(base) | BIT(processes) | BIT(threads) | BIT(socket_pairs))
#define IN(set)  BIT(set)
static const uint64_t shipped[] = {
#define BJ_SHIPPED(sets) (sets),
#include "filter/shipped.def"
};
static const uint64_t compiled[] = {0, DEFAULT | BIT(memfd) | BIT(inotify) | BIT(sysv_ipc),
                                    BIT(base) | BIT(threads), BIT(inet_sockets),
                                    (UINT64_C(1) << BJ_SET__COUNT) - 1};

static struct bj_filter_decision decide(uint64_t sets, int number, const uint64_t args[6])
{
    struct bj_filter_decision decision;
    const struct bj_filter_policy policy = {.sets = sets};
    bj__filter_decide(&policy, number, args, &decision);
    return decision;
}

struct programs {
    struct bj_buf notify, answer;
};

static void build(uint64_t sets, struct programs *programs)
{
    const struct bj_filter_policy policy = {.sets = sets};
    struct bj_error err = {0};
    bj__buf_init(&programs->notify, BPF_MAXINSNS * 8);
    bj__buf_init(&programs->answer, BPF_MAXINSNS * 8);
    assert_int_equal(bj__filter_build(&policy, true, &programs->notify, &err), 0);
    assert_int_equal(bj__filter_build(&policy, false, &programs->answer, &err), 0);
}

static void release(struct programs *programs)
{
    bj__buf_done(&programs->notify);
    bj__buf_done(&programs->answer);
}

static uint32_t run(const struct bj_buf *program, uint32_t arch, int number, const uint64_t args[6])
{
    struct seccomp_data data = {.nr = number, .arch = arch};
    memcpy(data.args, args, sizeof(data.args));
    uint32_t action = 0x5555;
    assert_int_equal(bj__bpf_run((const struct sock_filter *)(const void *)program->bytes,
                                 program->length / sizeof(struct sock_filter), &data, &action),
                     0);
    return action;
}

static uint32_t expected_action(const struct bj_filter_decision *d, bool notify)
{
    if (d->action == BJ_FILTER_ALLOW)
        return SECCOMP_RET_ALLOW;
    if (d->action == BJ_FILTER_KILL)
        return notify ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_KILL_PROCESS;
    return notify && !d->silent ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ERRNO | (uint32_t)d->errnum;
}

static size_t check(uint64_t sets, const struct programs *programs, int number, const uint64_t args[6])
{
    struct bj_filter_decision d = decide(sets, number, args);
    uint32_t notify = run(&programs->notify, NATIVE_ARCH, number, args);
    uint32_t answer = run(&programs->answer, NATIVE_ARCH, number, args);
    if (notify != expected_action(&d, true) || answer != expected_action(&d, false)) {
        char text[120];
        bj__filter_describe(number, args, text, sizeof(text));
        fail_msg(
            "sets 0x%llx, %s args %llx %llx %llx %llx %llx %llx: notify 0x%x, errno 0x%x, decided %d %d %d",
            (unsigned long long)sets, text, (unsigned long long)args[0], (unsigned long long)args[1],
            (unsigned long long)args[2], (unsigned long long)args[3], (unsigned long long)args[4],
            (unsigned long long)args[5], notify, answer, (int)d.action, d.errnum, (int)d.silent);
    }
    return 1;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Arguments that one rule allows, then with each bit that any of its conditions looks at turned over, and with
 * rubbish in the high halves and in the bits that nothing looks at. */
static size_t check_around(uint64_t sets, const struct programs *programs, const struct bj_filter_rule *rule,
                           uint64_t *seed)
{
    size_t checked = 0;
    uint64_t plain[6] = {0}, rubbish[6];
    for (unsigned i = 0; i < 6; i++)
        rubbish[i] = next_random(seed);
    for (unsigned c = 0; c < BJ_CONDITIONS && rule->conditions[c].mask; c++) {
        const struct bj_filter_condition *condition = &rule->conditions[c];
        uint64_t *target = &rubbish[condition->argument];
        plain[condition->argument] |= condition->value;
        *target = (*target & ~(uint64_t)condition->mask) | condition->value;
    }
    checked += check(sets, programs, rule->number, plain);
    checked += check(sets, programs, rule->number, rubbish);
    for (unsigned c = 0; c < BJ_CONDITIONS && rule->conditions[c].mask; c++) {
        unsigned argument = rule->conditions[c].argument;
        for (unsigned bit = 0; bit < 64; bit++) {
            uint64_t flip[6];
            memcpy(flip, bit & 1 ? rubbish : plain, sizeof(flip));
            flip[argument] ^= UINT64_C(1) << bit;
            checked += check(sets, programs, rule->number, flip);
        }
    }
    return checked;
}

static size_t check_policy(uint64_t sets)
{
    struct programs programs;
    build(sets, &programs);
    size_t checked = 0, count = 0;
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) ^ sets;
    for (int number = 0; number < 1100; number++) {
        uint64_t args[6] = {0};
        checked += check(sets, &programs, number, args);
        memset(args, 0xff, sizeof(args));
        checked += check(sets, &programs, number, args);
        for (unsigned i = 0; i < 6; i++)
            args[i] = next_random(&seed) & (i % 2 ? 0xff : UINT64_MAX);
        checked += check(sets, &programs, number, args);
    }
    static const uint32_t odd[] = {0x3fffffff, 0x40000000, 0x40000001, 0x40000029, 0x400001c4,
                                   0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    for (size_t i = 0; i < BJ_COUNT(odd); i++)
        checked += check(sets, &programs, (int)odd[i], (const uint64_t[6]){1, 1, 1, 1, 1, 1});
    const struct bj_filter_rule *rules = bj__filter_rules(&count);
    for (size_t i = 0; i < count; i++)
        if (rules[i].number >= 0 && rules[i].conditions[0].mask)
            checked += check_around(sets, &programs, &rules[i], &seed);
    release(&programs);
    return checked;
}

static void shipped_programs_do_what_is_decided(void **state)
{
    (void)state;
    for (size_t i = 0; i < BJ_COUNT(shipped); i++)
        assert_true(check_policy(shipped[i]) > 10000);
}

static void compiled_programs_do_what_is_decided(void **state)
{
    (void)state;
    for (size_t i = 0; i < BJ_COUNT(compiled); i++)
        assert_true(check_policy(compiled[i]) > 10000);
}

static void foreign_architectures_are_killed(void **state)
{
    (void)state;
    static const uint32_t arches[] = {AUDIT_ARCH_I386, AUDIT_ARCH_ARM, 0, NATIVE_ARCH ^ 1, UINT32_MAX};
    const uint64_t none[6] = {0};
    struct programs programs;
    build(DEFAULT, &programs);
    for (size_t i = 0; i < BJ_COUNT(arches); i++) {
        for (int number = -1; number < 500; number++) {
            assert_int_equal(run(&programs.notify, arches[i], number, none), SECCOMP_RET_USER_NOTIF);
            assert_int_equal(run(&programs.answer, arches[i], number, none), SECCOMP_RET_KILL_PROCESS);
        }
    }
    release(&programs);
}

static void shipped_policies_are_not_compiled_at_run_time(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t i = 0; i < BJ_COUNT(shipped); i++) {
        assert_non_null(bj__filter_shipped(shipped[i], true, &count));
        assert_in_range(count, 100, 700); /* the kernel compiles it at each start; 0.14 us an instruction */
        assert_non_null(bj__filter_shipped(shipped[i], false, &count));
        assert_in_range(count, 100, 800);
    }
    assert_null(bj__filter_shipped(0, true, &count));
}

static void a_full_buffer_is_an_error(void **state)
{
    (void)state;
    const uint64_t sets[] = {DEFAULT, 0};
    for (size_t i = 0; i < BJ_COUNT(sets); i++) {
        const struct bj_filter_policy policy = {.sets = sets[i]};
        struct bj_error err = {0};
        BJ_BUF struct bj_buf small;
        bj__buf_init(&small, 40);
        assert_true(bj__filter_build(&policy, false, &small, &err) < 0);
        assert_int_equal(small.length, 0);
        assert_string_equal(err.field, "syscalls");
    }
}

static uint32_t ask(const struct bj_buf *program, uint32_t arch, int number)
{
    const uint64_t args[6] = {0};
    return run(program, arch, number, args);
}

/* All else stays as it was: a number of another architecture among it. */
static void the_end_is_told_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < BJ_COUNT(shipped); i++) {
        struct programs programs;
        BJ_BUF struct bj_buf telling;
        build(shipped[i], &programs);
        bj__buf_init(&telling, BPF_MAXINSNS * 8);
        const struct sock_filter *program = (const struct sock_filter *)(const void *)programs.notify.bytes;
        size_t count = programs.notify.length / sizeof(struct sock_filter);
        assert_int_equal(bj__filter_tell_end(program, count, &telling), 0);
        for (int number = -1; number < 1100; number++) {
            bool end = number == SYS_exit_group;
            assert_int_equal(ask(&telling, NATIVE_ARCH, number),
                             end ? SECCOMP_RET_USER_NOTIF : ask(&programs.notify, NATIVE_ARCH, number));
            assert_int_equal(ask(&telling, NATIVE_ARCH ^ 1, number),
                             ask(&programs.notify, NATIVE_ARCH ^ 1, number));
        }
        release(&programs);
    }
    BJ_BUF struct bj_buf none;
    bj__buf_init(&none, BPF_MAXINSNS * 8);
    assert_int_equal(bj__filter_tell_end(NULL, BPF_MAXINSNS, &none), -E2BIG);
}

/* A profile whose program is not in the table would pay for the compiler at every start. */
static void every_built_in_profile_is_shipped(void **state)
{
    (void)state;
    static const char *const profiles[] = {"default", "python", "python-packages", "sh", "c", "node"};
    for (size_t i = 0; i < BJ_COUNT(profiles); i++) {
        struct bj_spec *spec = NULL;
        struct bj_error err = {0};
        struct bj_filter_policy policy;
        size_t count = 0;
        if (bj_spec_from_profile(profiles[i], &spec, &err) < 0)
            fail_msg("%s: %s", profiles[i], err.message);
        assert_int_equal(
            bj__filter_policy_from_names(spec->syscalls.items, spec->syscalls.count, &policy, &err), 0);
        if (!bj__filter_shipped(policy.sets, true, &count))
            fail_msg("the sets of the profile %s are not in shipped.def", profiles[i]);
        bj_spec_free(spec);
    }
}

/* ---- the kernel ---- */

/* Exit status 0: everything was as it must be; otherwise the line of what was not. */
#define MUST(what)                                                                                             \
    do {                                                                                                       \
        if (!(what))                                                                                           \
            _exit(__LINE__ % 200 + 1);                                                                         \
    } while (0)

static pid_t start_confined(const struct bj_buf *program)
{
    pid_t child = fork();
    if (child != 0)
        return child;
    struct sock_fprog load = {.len = (unsigned short)(program->length / sizeof(struct sock_filter)),
                              .filter = (struct sock_filter *)(void *)program->bytes};
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &load) == 0);
    return 0;
}

static int wait_for(pid_t child)
{
    int status = 0;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static bool fails(long result, int errnum)
{
    return result == -1 && errno == errnum;
}

static void the_kernel_agrees(void **state)
{
    (void)state;
    struct programs programs;
    build(DEFAULT, &programs);
    pid_t child = start_confined(&programs.answer);
    if (child == 0) {
        MUST(syscall(SYS_getppid) > 0);
        int pair[2];
        MUST(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        MUST(syscall(SYS_socketpair, 0x100000000 | AF_UNIX, 0x100000000 | SOCK_SEQPACKET, 0, pair) == 0);
        MUST(fails(syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, pair), EACCES));
        MUST(fails(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0), EACCES));
        MUST(fails(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0), EACCES));
        MUST(fails(syscall(SYS_socket, 0x100000000 | AF_INET, SOCK_STREAM, 0), EACCES));
        MUST(fails(syscall(SYS_unshare, 0), EPERM));          /* else 0 */
        MUST(fails(syscall(SYS_clone3, NULL, 0), ENOSYS));    /* else EINVAL */
        MUST(fails(syscall(SYS_ptrace, 99, 0, 0, 0), EPERM)); /* else EIO or ESRCH */
        MUST(fails(syscall(SYS_fchmod, -1, 04755), EPERM));   /* else EBADF */
        MUST(fails(syscall(SYS_fchmod, -1, 0755), EBADF));
        MUST(fails(syscall(SYS_mmap, 0, 4096, 0, 0x40022, -1, 0), EPERM)); /* else ENOMEM or an address */
        MUST(fails(syscall(SYS_sendmsg, 3, NULL, 0), EBADF) || errno == ENOTSOCK || errno == EFAULT);
        MUST(fails(syscall(1000), ENOSYS));
        _exit(0);
    }
    assert_int_equal(wait_for(child), 0);
    release(&programs);
}

static void the_kernel_kills_foreign_calls(void **state)
{
    (void)state;
#ifndef __x86_64__
    print_message("host lacks a second table of calls\n");
    skip(); /* other architectures have one table of calls only */
#else
    struct programs programs;
    build(DEFAULT, &programs);
    for (int foreign = 0; foreign < 2; foreign++) {
        pid_t child = start_confined(&programs.answer);
        if (child == 0) {
            if (foreign == 0)
                (void)syscall(0x40000000L + SYS_getpid);
            else
                __asm__ volatile("int $0x80" : : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
            _exit(0);
        }
        int status = wait_for(child);
        /* A kernel without IA32_EMULATION answers int 0x80 with SIGSEGV before any filter. */
        assert_true(WIFSIGNALED(status));
        assert_true(WTERMSIG(status) == SIGSYS || (foreign == 1 && WTERMSIG(status) == SIGSEGV));
    }
    release(&programs);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_programs_do_what_is_decided),
        cmocka_unit_test(compiled_programs_do_what_is_decided),
        cmocka_unit_test(foreign_architectures_are_killed),
        cmocka_unit_test(shipped_policies_are_not_compiled_at_run_time),
        cmocka_unit_test(every_built_in_profile_is_shipped),
        cmocka_unit_test(a_full_buffer_is_an_error),
        cmocka_unit_test(the_end_is_told_and_nothing_else),
        cmocka_unit_test(the_kernel_agrees),
        cmocka_unit_test(the_kernel_kills_foreign_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
