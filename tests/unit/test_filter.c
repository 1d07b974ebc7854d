/* The filter's tables, decisions and descriptions.
 * Its own file because these need nothing of the kernel; the programs are in test_filter_program.c.
 * Changes when: the policy's form changes (what it allows is in tests/bpf). */
#include "filter/table.h"

#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define BIT(set) (UINT64_C(1) << BJ_SET_##set)
#define DEFAULT  (BIT(base) | BIT(processes) | BIT(threads) | BIT(socket_pairs))
/* ---- tables ---- */

static void sets_have_names_and_reasons(void **state)
{
    (void)state;
    for (unsigned set = 0; set < BJ_SET__COUNT; set++) {
        const char *name = bj__filter_set_name(set);
        assert_true(strlen(bj__filter_set_why(set)) > 20);
        struct bj_filter_policy policy = {0};
        assert_int_equal(bj__filter_policy_from_names(&name, 1, &policy, NULL), 0);
        assert_true(policy.sets == UINT64_C(1) << set);
    }
    assert_null(bj__filter_set_name(BJ_SET__COUNT));
    assert_null(bj__filter_set_why(BJ_SET__COUNT));
}

static void unknown_set_is_refused_with_the_list(void **state)
{
    (void)state;
    static const char *const names[] = {"base", "bsae"};
    struct bj_filter_policy policy = {.sets = 77};
    struct bj_error err = {0};
    assert_int_equal(bj__filter_policy_from_names(names, 2, &policy, &err), -EINVAL);
    assert_true(policy.sets == 77);
    assert_string_equal(err.field, "syscalls");
    assert_non_null(strstr(err.message, "bsae"));
    for (unsigned set = 0; set < BJ_SET__COUNT; set++)
        assert_non_null(strstr(err.message, bj__filter_set_name(set)));
}

static void rules_are_sorted_and_fit(void **state)
{
    (void)state;
    size_t count = 0;
    const struct bj_filter_rule *rules = bj__filter_rules(&count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rules[i].name[sizeof(rules[i].name) - 1], 0);
        if (i && rules[i].set == rules[i - 1].set)
            assert_true(strcmp(rules[i - 1].name, rules[i].name) <= 0);
        else if (i)
            assert_true(rules[i].set > rules[i - 1].set);
        for (unsigned c = 0; c < BJ_CONDITIONS; c++) {
            assert_true(rules[i].conditions[c].argument < 6);
            assert_int_equal(rules[i].conditions[c].value & ~rules[i].conditions[c].mask, 0);
        }
    }
    assert_true(count > 300);
}

static size_t count_refused(const char *wanted)
{
    int number = -1;
    const char *name = NULL;
    size_t found = 0;
    for (size_t n = 0; (name = bj__filter_refused(n, &number)); n++)
        found += strcmp(name, wanted) == 0;
    return found;
}

static void refusals_and_rules_fit_together(void **state)
{
    (void)state;
    int number = -1;
    const char *name = NULL;
    for (size_t n = 0; (name = bj__filter_refused(n, &number)); n++)
        if (count_refused(name) != 1)
            fail_msg("%s is refused by more than one class", name);
    size_t count = 0;
    const struct bj_filter_rule *rules = bj__filter_rules(&count);
    for (size_t i = 0; i < count; i++) {
        bool conditional = rules[i].conditions[0].mask != 0;
        if (conditional && count_refused(rules[i].name) != 1)
            fail_msg("%s has conditions, but no answer for when they do not hold", rules[i].name);
        if (!conditional && rules[i].set == BJ_SET_base && count_refused(rules[i].name) != 0)
            fail_msg("%s is always allowed and refused", rules[i].name);
    }
}

static void every_call_of_this_machine_is_judged(void **state)
{
    (void)state;
    size_t seen = 0;
    for (int number = 0; number < 470; number++) {
        BJ_FREE char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
        /* The kernel makes these two itself, in trampolines. */
        if (!name || strcmp(name, "uretprobe") == 0 || strcmp(name, "uprobe") == 0)
            continue;
        seen++;
        struct bj_filter_answer answer;
        bj__filter_answer(number, &answer);
        if (!answer.known)
            fail_msg("%s (%d) is in neither sets.def nor refused.def", name, number);
        assert_int_equal(bj__filter_syscall_number(name), number);
    }
    assert_true(seen > 250);
}

/* ---- decisions ---- */

static struct bj_filter_decision decide(uint64_t sets, int number, const uint64_t args[6])
{
    struct bj_filter_decision decision;
    const struct bj_filter_policy policy = {.sets = sets};
    bj__filter_decide(&policy, number, args, &decision);
    return decision;
}

static void a_decision_names_its_set(void **state)
{
    (void)state;
    const uint64_t inet[6] = {AF_INET, SOCK_STREAM, 0};
    struct bj_filter_decision d = decide(DEFAULT, SYS_read, NULL);
    assert_int_equal(d.action, BJ_FILTER_ALLOW);
    assert_string_equal(d.set, "base");
    d = decide(DEFAULT, SYS_socket, inet);
    assert_int_equal(d.action, BJ_FILTER_ERRNO);
    assert_int_equal(d.errnum, EACCES);
    assert_string_equal(d.set, "inet_sockets"); /* the set that would allow it */
    assert_false(d.silent);
    d = decide(DEFAULT, SYS_ptrace, NULL);
    assert_int_equal(d.errnum, EPERM);
    assert_null(d.set);
    assert_non_null(strstr(d.why, "another process"));
    d = decide(DEFAULT, SYS_clone3, NULL);
    assert_int_equal(d.errnum, ENOSYS);
    assert_true(d.silent);
}

static void without_arguments_only_what_is_always_allowed_is(void **state)
{
    (void)state;
    assert_int_equal(decide(DEFAULT, SYS_socket, NULL).action, BJ_FILTER_ERRNO);
    assert_int_equal(decide(DEFAULT, SYS_recvmsg, NULL).action, BJ_FILTER_ALLOW);
}

static void numbers_of_nothing_get_enosys(void **state)
{
    (void)state;
    static const int numbers[] = {-1, 999, 5000, 0x3fffffff};
    for (size_t i = 0; i < BJ_COUNT(numbers); i++) {
        struct bj_filter_decision d = decide(DEFAULT, numbers[i], NULL);
        assert_int_equal(d.action, BJ_FILTER_ERRNO);
        assert_int_equal(d.errnum, ENOSYS);
        assert_false(d.silent);
        assert_null(d.set);
    }
}

static void calls_have_descriptions(void **state)
{
    (void)state;
    static const struct {
        int number;
        uint64_t args[6];
        const char *text;
    } rows[] = {
        {SYS_socket, {AF_INET, SOCK_STREAM}, "socket(AF_INET)"},
        {SYS_socket, {UINT64_C(0xffff00000000) | AF_VSOCK}, "socket(AF_VSOCK)"},
        {SYS_socket, {77}, "socket(77)"},
        {SYS_ptrace, {16, 1}, "ptrace(PTRACE_ATTACH)"},
        {SYS_unshare, {0x10020000}, "unshare(CLONE_NEWNS|CLONE_NEWUSER)"},
        {SYS_unshare, {0x400}, "unshare(0x400)"},
        {SYS_fchmodat, {0, 0, 0106755}, "fchmodat(06755)"},
        {SYS_ioctl, {0, 0x5412}, "ioctl(TIOCSTI)"},
        {SYS_ioctl, {0, 0xdeadbeef}, "ioctl(0xdeadbeef)"},
        {SYS_setsockopt, {3, 1, 26}, "setsockopt(SOL_SOCKET, 26)"},
        {SYS_mount, {1, 2, 3}, "mount"},
        {9999, {0}, "syscall 9999"},
        {-1, {0}, "syscall -1"},
    };
    char text[80];
    for (size_t i = 0; i < BJ_COUNT(rows); i++) {
        bj__filter_describe(rows[i].number, rows[i].args, text, sizeof(text));
        assert_string_equal(text, rows[i].text);
    }
    bj__filter_describe(SYS_socket, NULL, text, sizeof(text));
    assert_string_equal(text, "socket");
}

static void a_description_is_cut_to_fit(void **state)
{
    (void)state;
    const uint64_t args[6] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    char whole[256];
    bj__filter_describe(SYS_unshare, args, whole, sizeof(whole));
    for (size_t size = 0; size <= strlen(whole) + 1; size++) {
        char text[256];
        memset(text, 'x', sizeof(text));
        bj__filter_describe(SYS_unshare, args, text, size);
        assert_int_equal(text[size], 'x');
        if (size) {
            assert_int_equal(strlen(text), size - 1);
            assert_memory_equal(text, whole, size - 1);
        }
    }
}

static void symbols_have_values(void **state)
{
    (void)state;
    uint32_t value = 5;
    assert_int_equal(bj__filter_symbol("AF_VSOCK", &value), 0);
    assert_int_equal(value, 40);
    assert_int_equal(bj__filter_symbol("SET_ID", &value), -EINVAL);
    assert_int_equal(bj__filter_symbol("", &value), -EINVAL);
    assert_int_equal(value, 40);
    assert_int_equal(bj__filter_syscall_number("no_such_call"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_have_names_and_reasons),
        cmocka_unit_test(unknown_set_is_refused_with_the_list),
        cmocka_unit_test(rules_are_sorted_and_fit),
        cmocka_unit_test(refusals_and_rules_fit_together),
        cmocka_unit_test(every_call_of_this_machine_is_judged),
        cmocka_unit_test(a_decision_names_its_set),
        cmocka_unit_test(without_arguments_only_what_is_always_allowed_is),
        cmocka_unit_test(numbers_of_nothing_get_enosys),
        cmocka_unit_test(calls_have_descriptions),
        cmocka_unit_test(a_description_is_cut_to_fit),
        cmocka_unit_test(symbols_have_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
