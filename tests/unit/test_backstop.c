/* The second filter: it stops what no jail may do, never anything that a policy allows, and it yields to the first.
 * Its own file because it is tried alone, as it would stand if the first had a hole.
 * Changes when: there is something else that no jail of any profile may ever do. */
#include "filter/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <linux/audit.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#else
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif
#define ALL_SETS ((UINT64_C(1) << BJ_SET__COUNT) - 1)
#define INET     (UINT64_C(1) << BJ_SET_inet_sockets)

static uint32_t run(uint64_t sets, struct seccomp_data data)
{
    size_t count = 0;
    const struct bj_filter_policy policy = {.sets = sets};
    const struct sock_filter *program = bj__filter_backstop(&policy, &count);
    uint32_t action = 0x5555;
    assert_int_equal(bj__bpf_run(program, count, &data, &action), 0);
    return action;
}

static uint32_t call(uint64_t sets, long number, uint64_t argument)
{
    return run(sets, (struct seccomp_data){.nr = (int)number, .arch = NATIVE_ARCH, .args = {argument}});
}

/* By hand, from what has been used to break out (the kernel's own list of CVEs), not out of refused.def. */
static void it_stops_what_no_jail_needs(void **state)
{
    (void)state;
    static const long calls[] = {SYS_unshare,
                                 SYS_setns,
                                 SYS_clone3,
                                 SYS_mount,
                                 SYS_umount2,
                                 SYS_pivot_root,
                                 SYS_chroot,
                                 SYS_fsopen,
                                 SYS_fsconfig,
                                 SYS_move_mount,
                                 SYS_open_tree,
                                 SYS_mount_setattr,
                                 SYS_ptrace,
                                 SYS_bpf,
                                 SYS_perf_event_open,
                                 SYS_io_uring_setup,
                                 SYS_io_uring_enter,
                                 SYS_userfaultfd,
                                 SYS_keyctl,
                                 SYS_add_key,
                                 SYS_request_key,
                                 SYS_kexec_load,
                                 SYS_init_module,
                                 SYS_finit_module,
                                 SYS_open_by_handle_at,
                                 SYS_process_vm_readv,
                                 SYS_process_vm_writev,
                                 SYS_pidfd_getfd,
                                 SYS_kcmp,
                                 SYS_fanotify_init,
                                 SYS_swapon,
                                 SYS_reboot,
                                 SYS_setuid,
                                 SYS_capset,
                                 SYS_vmsplice,
                                 SYS_process_madvise,
                                 SYS_syslog,
                                 SYS_acct,
                                 SYS_quotactl,
                                 SYS_move_pages};
    for (size_t i = 0; i < BJ_COUNT(calls); i++)
        if (call(ALL_SETS, calls[i], 0) != SECCOMP_RET_TRACE)
            fail_msg("call %ld is let through", calls[i]);
    static const int namespaces[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                                     CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};
    for (size_t i = 0; i < BJ_COUNT(namespaces); i++)
        assert_int_equal(call(ALL_SETS, SYS_clone, (uint64_t)namespaces[i] | 17), SECCOMP_RET_TRACE);
    assert_int_equal(call(ALL_SETS, SYS_clone, CLONE_VM | CLONE_VFORK | 17), SECCOMP_RET_ALLOW);
}

static void it_knows_three_families(void **state)
{
    (void)state;
    for (uint64_t family = 0; family < 64; family++) {
        bool internet = family == AF_INET || family == AF_INET6;
        uint32_t without = family == AF_UNIX ? SECCOMP_RET_ALLOW : SECCOMP_RET_TRACE;
        assert_int_equal(call(ALL_SETS & ~INET, SYS_socket, family), without);
        assert_int_equal(call(ALL_SETS & ~INET, SYS_socketpair, family), without);
        /* The kernel looks at the low half only. */
        assert_int_equal(call(ALL_SETS & ~INET, SYS_socket, family | UINT64_C(1) << 32), without);
        assert_int_equal(call(INET, SYS_socket, family), internet ? SECCOMP_RET_ALLOW : without);
    }
}

static void other_tables_are_closed(void **state)
{
    (void)state;
    const uint32_t arches[] = {AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_RISCV64, 0};
    for (size_t i = 0; i < BJ_COUNT(arches); i++)
        assert_int_equal(run(ALL_SETS, (struct seccomp_data){.nr = 20, .arch = arches[i]}), SECCOMP_RET_TRACE);
    assert_int_equal(call(ALL_SETS, 0x40000000L | SYS_getpid, 0), SECCOMP_RET_TRACE);
    assert_int_equal(call(ALL_SETS, 1000, 0), SECCOMP_RET_TRACE);
    assert_int_equal(call(ALL_SETS, -1, 0), SECCOMP_RET_ALLOW); /* a tracer's way of skipping a call */
}

static bool is_allowed(uint64_t sets, int number, const uint64_t args[6])
{
    struct bj_filter_decision decision;
    const struct bj_filter_policy policy = {.sets = sets};
    bj__filter_decide(&policy, number, args, &decision);
    return decision.action == BJ_FILTER_ALLOW;
}

/* A jail with it can do exactly what a jail without it could. */
static void it_never_stops_what_a_policy_allows(void **state)
{
    (void)state;
    static const uint64_t firsts[] = {0, 1, 2, 10, 16, 17, 0x10000000, 0x3d0f00, CLONE_VM | CLONE_VFORK | 17};
    const uint64_t policies[] = {ALL_SETS, ALL_SETS & ~INET};
    unsigned stopped = 0;
    for (int number = -1; number < 1100; number++)
        for (size_t p = 0; p < BJ_COUNT(policies); p++)
            for (size_t i = 0; i < BJ_COUNT(firsts); i++) {
                bool refused = call(policies[p], number, firsts[i]) != SECCOMP_RET_ALLOW;
                stopped += refused;
                for (uint64_t second = 0; refused && second < 8; second++)
                    if (is_allowed(policies[p], number, (const uint64_t[6]){firsts[i], second}))
                        fail_msg("call %d with %#llx is in a set", number, (unsigned long long)firsts[i]);
            }
    assert_true(stopped > 1000);
    size_t count = 0;
    const struct bj_filter_rule *rules = bj__filter_rules(&count);
    for (size_t i = 0; i < count; i++)
        if (bj__filter_is_never(rules[i].number))
            fail_msg("%s is never allowed, and has a row in sets.def", rules[i].name);
}

/* ---- the kernel ---- */

#define MUST(what)                                                                                             \
    do {                                                                                                       \
        if (!(what))                                                                                           \
            _exit(__LINE__ % 200 + 1);                                                                         \
    } while (0)

static long load(struct sock_filter *program, size_t count)
{
    const struct sock_fprog fprog = {.len = (unsigned short)count, .filter = (struct sock_filter *)program};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog);
}

static bool fails(long result, int errnum)
{
    return result == -1 && errno == errnum;
}

/* Where a container has a filter of its own, that one's EPERM goes before ours. */
static bool is_stopped(long result)
{
    return fails(result, ENOSYS) || fails(result, EPERM);
}

static long load_backstop(void)
{
    static struct sock_filter copy[BPF_MAXINSNS];
    size_t count = 0;
    const struct bj_filter_policy policy = {0};
    const struct sock_filter *program = bj__filter_backstop(&policy, &count);
    memcpy(copy, program, count * sizeof(*program));
    return load(copy, count);
}

/* Exit status 0: everything was as it must be; otherwise the line of what was not. */
static void try_alone(void)
{
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    MUST(load_backstop() == 0);
    MUST(is_stopped(syscall(SYS_unshare, 0))); /* else 0 */
    MUST(is_stopped(socket(AF_INET, SOCK_STREAM, 0)));
    MUST(is_stopped(syscall(SYS_move_pages, -1, 0, 0, 0, 0, 0))); /* else ESRCH */
    MUST(syscall(SYS_getppid) > 0);
}

/* Another above it still loads, and its answer goes first. */
static void try_with_another(void)
{
    struct sock_filter answer[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 1),
                                   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
                                   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    MUST(load(answer, BJ_COUNT(answer)) == 0);
    MUST(fails(syscall(SYS_unshare, 0), EXDEV));
    MUST(is_stopped(syscall(SYS_setns, -1, 0))); /* else EBADF */
}

static void the_kernel_agrees(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        try_alone();
        try_with_another();
        _exit(0);
    }
    int status = -1;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_stops_what_no_jail_needs), cmocka_unit_test(it_knows_three_families),
        cmocka_unit_test(other_tables_are_closed),     cmocka_unit_test(it_never_stops_what_a_policy_allows),
        cmocka_unit_test(the_kernel_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
