/* bj_explain: what it says of calls and paths, and which questions it refuses.
 * Its own file because people will believe what it says.
 * Changes when: another kind of question can be asked. */
#include "filter/filter.h"
#include "spec/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char profile[] =
    "{\"version\": 1, \"mounts\": ["
    "{\"source\": \"/usr\", \"target\": \"/usr\", \"mode\": \"ro\", \"executable\": true},"
    "{\"source\": \"/srv/data\", \"target\": \"/etc/data\", \"mode\": \"rw\"}],"
    "\"links\": [{\"path\": \"/bin\", \"target\": \"usr/bin\"}, {\"path\": \"/loop\", \"target\": "
    "\"loop\"}],"
    "\"closed_directories\": [\"/etc\", \"/root\"], \"closed_files\": [\"/etc/passwd\"],"
    "\"syscalls\": [\"base\", \"unix_sockets\"]}";

static int make_spec(void **state)
{
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    if (bj__spec_parse_profile("test", profile, sizeof(profile) - 1, &spec, &err) < 0)
        fail_msg("%s: %s", err.field, err.message);
    *state = spec;
    return 0;
}

static int free_spec(void **state)
{
    bj_spec_free(*state);
    return 0;
}

static void must_say(void **state, const char *question, const char *const *parts)
{
    struct bj_error err = {0};
    BJ_FREE char *answer = bj_explain(*state, question, &err);
    if (!answer)
        fail_msg("%s: %s", question, err.message);
    for (; *parts; parts++)
        if (!strstr(answer, *parts))
            fail_msg("%s: \"%s\" is not in:\n%s", question, *parts, answer);
}
#define MUST_SAY(question, ...) must_say(state, question, (const char *const[]){__VA_ARGS__, NULL})

static void must_refuse(void **state, const char *question, const char *part)
{
    struct bj_error err = {0};
    BJ_FREE char *answer = bj_explain(*state, question, &err);
    assert_null(answer);
    assert_int_equal(err.code, BJ_ERROR_INVALID);
    assert_string_equal(err.field, "question");
    if (!strstr(err.message, part))
        fail_msg("%s: \"%s\" is not in: %s", question, part, err.message);
}

static void calls_are_explained(void **state)
{
    MUST_SAY("syscall read", "read: allowed", "seccomp (require)", "set base", "base, unix_sockets");
    MUST_SAY("syscall  ptrace ", "ptrace: refused with EPERM", "another process");
    MUST_SAY("syscall ptrace(PTRACE_ATTACH, 1)", "ptrace(PTRACE_ATTACH): refused");
    MUST_SAY("syscall clone3", "ENOSYS", "not reported");
    MUST_SAY("syscall fork", "refused with EPERM", "needs the set processes");
    MUST_SAY("syscall socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0)", "refused with EACCES",
             "needs the set inet_sockets");
    MUST_SAY("syscall socket(1,2)", "socket(AF_UNIX): allowed");
    MUST_SAY("syscall socket", "depends on the arguments", "set unix_sockets: if argument 0 is 0x1");
    MUST_SAY("syscall fchmod(_, S_ISUID|0755)", "fchmod(04755): refused with EPERM");
    MUST_SAY("syscall personality(-1)", "personality(PER_QUERY): allowed");
    MUST_SAY("syscall 4000", "syscall 4000: refused with ENOSYS");
#ifdef __x86_64__
    MUST_SAY("syscall 0x40000027", "kills the program");
#endif
}

static void a_spec_without_a_filter_allows_all(void **state)
{
    struct bj_spec *spec = *state;
    enum bj_mode mode = spec->layers[BJ_LAYER_SECCOMP];
    spec->layers[BJ_LAYER_SECCOMP] = BJ_OFF;
    MUST_SAY("syscall ptrace", "ptrace: allowed", "seccomp is off");
    spec->layers[BJ_LAYER_SECCOMP] = mode;
}

static void paths_are_explained(void **state)
{
    MUST_SAY("path /usr/lib/x", "/usr/lib/x: read yes, write no, execute yes",
             "/usr of the host at /usr, read-only");
    MUST_SAY("path /bin/./sh", "/usr/bin/sh: read yes", "by a link");
    MUST_SAY("path //bin/", "/usr/bin: read yes");
    MUST_SAY("path /binary", "/binary: does not exist");
    MUST_SAY("path /etc", "/etc: exists, and is refused (EACCES)", "may not be listed");
    MUST_SAY("path /etc/passwd", "exists, and is refused (EACCES)", "may not be opened");
    MUST_SAY("path /etc/shadow", "does not exist (ENOENT)", "behind this closed door");
    MUST_SAY("path /etc/data/x", "read yes, write yes, execute no",
             "/srv/data of the host at /etc/data, read-write, noexec");
    MUST_SAY("path /box/a", "read yes, write yes, execute no", "disk_bytes",
             "landlock (prefer): the same rights: read write");
    MUST_SAY("path /tmpfile", "does not exist");
    MUST_SAY("path /dev/null", "read yes, write yes, execute no");
    MUST_SAY("path /dev/kvm", "does not exist");
    MUST_SAY("path /proc/self", "does not exist");
    MUST_SAY("path /", "/: read no, write no, execute no", "no rights here");
}

static void what_was_handed_in_is_known(void **state)
{
    struct bj_spec *spec = *state;
    struct bj_error err = {0};
    assert_int_equal(bj_spec_add_file_bytes(spec, "tool", "x", 1, 1, &err), 0);
    assert_int_equal(bj_spec_add_file_bytes(spec, "data", "x", 1, 0, &err), 0);
    MUST_SAY("path /box/tool", "read yes, write no, execute yes", "executable and unchangeable");
    MUST_SAY("path /box/data", "read yes, write yes, execute no", "handed in");
}

static void senseless_questions_are_refused(void **state)
{
    must_refuse(state, "", "ask \"syscall");
    must_refuse(state, "syscalls read", "ask \"syscall");
    must_refuse(state, "syscall ", "not the name");
    must_refuse(state, "syscall no_such_call", "no_such_call");
    must_refuse(state, "syscall 99999999999", "99999999999");
    must_refuse(state, "syscall socket(AF_UNIX", "\")\"");
    must_refuse(state, "syscall socket(AF_NONSENSE)", "AF_NONSENSE");
    must_refuse(state, "syscall socket(1,)", "missing");
    must_refuse(state, "syscall socket(,1)", "a number or a name");
    must_refuse(state, "syscall socket(1|)", "a number or a name");
    must_refuse(state, "syscall socket(12x)", "12x");
    must_refuse(state, "syscall socket(99999999999999999999999)", "99999");
    must_refuse(state, "syscall socket(1,2,3,4,5,6,7)", "six");
    must_refuse(state, "path relative", "begins with");
    must_refuse(state, "path /usr/../etc", "..");
    must_refuse(state, "path /loop", "never end");
    char longest[6000] = "path /";
    memset(longest + 6, 'a', sizeof(longest) - 7);
    must_refuse(state, longest, "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_explained),
        cmocka_unit_test(a_spec_without_a_filter_allows_all),
        cmocka_unit_test(paths_are_explained),
        cmocka_unit_test(what_was_handed_in_is_known),
        cmocka_unit_test(senseless_questions_are_refused),
    };
    return cmocka_run_group_tests(tests, make_spec, free_spec);
}
