/* Runs the tables of this folder: each row is a call, and what must become of it.
 * Its own file because the tables are written for readers of the policy, not for a compiler.
 * Changes when: a row can say something new.
 *
 *   sets NAME = SET,SET,...        a name for a policy
 *   NAME CALL ARG,... -> VERDICT   CALL: a name, a number, x32:NAME, or i386:NUMBER (the 32-bit gate)
 *                                  ARG: number, name, or those joined by '|'; "^" before it puts rubbish into
 * the high half; missing ones are 0. "-" for no arguments VERDICT                        ALLOW, KILL, NOTIFY
 * ERRNO (reported, then answered so; the variant without a listener answers it itself), ERRNO ERRNO (answered
 * by the program in both variants)
 *
 * Each row is asked of bj__filter_decide and of both programs in the simulator. */
#include "filter/filter.h"

#include <ctype.h>
#include <linux/audit.h>
#include <stdio.h>

#ifdef __x86_64__
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#else
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif
#define MAX_POLICIES 16
#define MAX_WORDS    8

struct policy {
    char name[32];
    struct bj_filter_policy policy;
    struct bj_buf program[2]; /* [notify] */
};

struct tables {
    struct policy policies[MAX_POLICIES];
    size_t policy_count;
    unsigned rows, failures, absent;
};

struct call {
    struct seccomp_data data;
    bool foreign, absent;
};

static bool parse_argument(char *text, uint64_t *ret_value)
{
    uint64_t value = *text == '^' ? UINT64_C(0xdeadbeef00000000) : 0;
    text += *text == '^';
    char *rest = NULL;
    for (char *word = strtok_r(text, "|", &rest); word; word = strtok_r(NULL, "|", &rest)) {
        uint32_t symbol = 0;
        char *end = NULL;
        uint64_t number = strtoull(word, &end, 0);
        if (bj__filter_symbol(word, &symbol) == 0)
            value |= symbol;
        else if (end != word && !*end)
            value |= number;
        else
            return false;
    }
    *ret_value = value;
    return true;
}

static bool parse_call(const char *name, char *arguments, struct call *call)
{
    *call = (struct call){.data.arch = NATIVE_ARCH};
    bool x32 = strncmp(name, "x32:", 4) == 0;
    call->foreign = strncmp(name, "i386:", 5) == 0;
    name += x32 ? 4 : call->foreign ? 5 : 0;
    call->data.nr =
        isdigit((unsigned char)*name) ? (int)strtol(name, NULL, 0) : bj__filter_syscall_number(name);
    if (call->foreign)
        call->data.arch = AUDIT_ARCH_I386;
    if (call->data.nr < 0)
        call->absent = true;
    if (x32)
        call->data.nr |= 0x40000000;
    if (strcmp(arguments, "-") == 0)
        return true;
    char *rest = NULL;
    size_t count = 0;
    for (char *word = strtok_r(arguments, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        uint64_t value = 0;
        if (count == 6 || !parse_argument(word, &value))
            return false;
        call->data.args[count++] = value;
    }
    return true;
}

static int errno_from_name(const char *name)
{
    for (int number = 1; number < 140; number++)
        if (strerrorname_np(number) && strcmp(strerrorname_np(number), name) == 0)
            return number;
    return strcmp(name, "ENOTSUP") == 0 ? ENOTSUP : -1;
}

/* The action that each variant must come to. */
static bool parse_verdict(const char *verdict, const char *errnum_name, uint32_t ret_actions[2])
{
    int errnum = errnum_name ? errno_from_name(errnum_name) : 0;
    uint32_t answer = SECCOMP_RET_ERRNO | (uint32_t)errnum;
    if (strcmp(verdict, "ALLOW") == 0 && !errnum_name) {
        ret_actions[0] = ret_actions[1] = SECCOMP_RET_ALLOW;
    } else if (strcmp(verdict, "KILL") == 0 && !errnum_name) {
        ret_actions[0] = SECCOMP_RET_KILL_PROCESS;
        ret_actions[1] = SECCOMP_RET_USER_NOTIF; /* the supervisor kills */
    } else if (errnum > 0 && strcmp(verdict, "ERRNO") == 0) {
        ret_actions[0] = ret_actions[1] = answer;
    } else if (errnum > 0 && strcmp(verdict, "NOTIFY") == 0) {
        ret_actions[0] = answer;
        ret_actions[1] = SECCOMP_RET_USER_NOTIF;
    } else {
        return false;
    }
    return true;
}

static uint32_t decided_action(const struct policy *policy, const struct call *call, bool notify)
{
    struct bj_filter_decision d;
    bj__filter_decide(&policy->policy, call->data.nr, (const uint64_t *)call->data.args, &d);
    if (d.action == BJ_FILTER_ALLOW)
        return SECCOMP_RET_ALLOW;
    if (d.action == BJ_FILTER_KILL)
        return notify ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_KILL_PROCESS;
    return notify && !d.silent ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ERRNO | (uint32_t)d.errnum;
}

static bool check_row(const struct policy *policy, const struct call *call, const uint32_t expected[2],
                      const char *line)
{
    bool good = true;
    for (int notify = 0; notify < 2; notify++) {
        const struct bj_buf *program = &policy->program[notify];
        uint32_t action = 0x5555;
        int rc = bj__bpf_run((const struct sock_filter *)(const void *)program->bytes,
                             program->length / sizeof(struct sock_filter), &call->data, &action);
        uint32_t decided = call->foreign ? expected[notify] : decided_action(policy, call, notify);
        if (rc == 0 && action == expected[notify] && decided == expected[notify])
            continue;
        printf("# %s\n#   %s variant: wanted 0x%x, the program gives 0x%x, decided is 0x%x\n", line,
               notify ? "notify" : "errno", expected[notify], action, decided);
        good = false;
    }
    return good;
}

static bool define_policy(struct tables *tables, char *words[], size_t count)
{
    if (count != 4 || strcmp(words[2], "=") != 0 || tables->policy_count == MAX_POLICIES)
        return false;
    struct policy *policy = &tables->policies[tables->policy_count];
    const char *names[16];
    size_t name_count = 0;
    char *rest = NULL;
    for (char *name = strtok_r(words[3], ",", &rest); name && name_count < BJ_COUNT(names);
         name = strtok_r(NULL, ",", &rest))
        names[name_count++] = name;
    if (strlen(words[1]) >= sizeof(policy->name) ||
        bj__filter_policy_from_names(names, name_count, &policy->policy, NULL) < 0)
        return false;
    memcpy(policy->name, words[1], strlen(words[1]) + 1);
    for (int notify = 0; notify < 2; notify++) {
        bj__buf_init(&policy->program[notify], BPF_MAXINSNS * sizeof(struct sock_filter));
        if (bj__filter_build(&policy->policy, notify, &policy->program[notify], NULL) < 0)
            return false;
    }
    tables->policy_count++;
    return true;
}

static const struct policy *find_policy(const struct tables *tables, const char *name)
{
    for (size_t i = 0; i < tables->policy_count; i++)
        if (strcmp(tables->policies[i].name, name) == 0)
            return &tables->policies[i];
    return NULL;
}

static bool run_line(struct tables *tables, char *words[], size_t count, const char *line)
{
    if (strcmp(words[0], "sets") == 0)
        return define_policy(tables, words, count);
    const struct policy *policy = find_policy(tables, words[0]);
    struct call call;
    uint32_t expected[2];
    if (!policy || (count != 5 && count != 6) || strcmp(words[3], "->") != 0 ||
        !parse_call(words[1], words[2], &call) ||
        !parse_verdict(words[4], count == 6 ? words[5] : NULL, expected)) {
        printf("# not understood: %s\n", line);
        return false;
    }
    tables->rows++;
    if (call.absent) { /* only x86_64 has every call that the tables name */
        tables->absent++;
#ifdef __x86_64__
        printf("# no such call: %s\n", line);
        return false;
#else
        return true;
#endif
    }
    return check_row(policy, &call, expected, line);
}

static void run_file(struct tables *tables, const char *path)
{
    FILE *file = fopen(path, "re");
    char line[512], copy[512];
    if (!file) {
        printf("# %s cannot be read\n", path);
        tables->failures++;
        return;
    }
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = 0;
        memcpy(copy, line, sizeof(copy));
        char *words[MAX_WORDS], *rest = NULL;
        size_t count = 0;
        for (char *word = strtok_r(copy, " ", &rest); word && *word != '#' && count < MAX_WORDS;
             word = strtok_r(NULL, " ", &rest))
            words[count++] = word;
        if (count && !run_line(tables, words, count, line))
            tables->failures++;
    }
    (void)fclose(file);
}

int main(int argc, char **argv)
{
    static struct tables tables;
    printf("1..%d\n", argc - 1);
    for (int i = 1; i < argc; i++) {
        unsigned failures = tables.failures, rows = tables.rows;
        tables.policy_count = 0;
        run_file(&tables, argv[i]);
        const char *slash = strrchr(argv[i], '/');
        bool good = tables.failures == failures && tables.rows > rows;
        printf("%s %d - %s: %u rows\n", good ? "ok" : "not ok", i, slash ? slash + 1 : argv[i],
               tables.rows - rows);
        for (size_t p = 0; p < tables.policy_count; p++)
            for (int notify = 0; notify < 2; notify++)
                bj__buf_done(&tables.policies[p].program[notify]);
    }
    return tables.failures ? 1 : 0;
}
