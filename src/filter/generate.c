/* Build-time tool: compiles the filters of the shipped policies into a C table, and prints it.
 * Its own file because it is a program of its own, which is not installed.
 * Changes when: the form of the generated table changes. */
#include "filter/table.h"

#include <stdio.h>

static const uint64_t policies[] = {
#define IN(set)          (UINT64_C(1) << BJ_SET_##set)
#define BJ_SHIPPED(sets) (sets),
#include "filter/shipped.def"
};

static void print_code(const char *name, const struct bj_buf *program)
{
    const struct sock_filter *code = (const struct sock_filter *)(const void *)program->bytes;
    size_t count = program->length / sizeof(*code);
    (void)printf("static const struct sock_filter %s[] = {\n", name);
    for (size_t i = 0; i < count; i++)
        (void)printf("{0x%02x,%u,%u,0x%x},%s", code[i].code, code[i].jt, code[i].jf, code[i].k,
                     i % 6 == 5 || i + 1 == count ? "\n" : " ");
    (void)printf("};\n");
}

static int print_program(size_t n, bool notify)
{
    BJ_BUF struct bj_buf program;
    bj__buf_init(&program, 2 * (size_t)BPF_MAXINSNS * sizeof(struct sock_filter));
    struct bj_error err = {0};
    const struct bj_filter_policy policy = {.sets = policies[n]};
    if (bj__filter_compile(&policy, notify, &program, &err) < 0) {
        (void)fprintf(stderr, "generate: policy %zu: %s\n", n, err.message);
        return -1;
    }
    char name[40];
    (void)snprintf(name, sizeof(name), "program_%zu_%s", n, notify ? "notify" : "errno");
    print_code(name, &program);
    return 0;
}

static int print_backstop(bool inet)
{
    BJ_BUF struct bj_buf program;
    bj__buf_init(&program, BPF_MAXINSNS * sizeof(struct sock_filter));
    int r = bj__filter_backstop_make(inet, &program);
    if (r < 0)
        (void)fprintf(stderr, "generate: backstop: error %d\n", -r);
    else
        print_code(inet ? "backstop_inet" : "backstop", &program);
    return r;
}

int main(void)
{
    (void)printf("/* Made by generate.c from sets.def and shipped.def when Belljar was built. */\n"
                 "#include \"filter/table.h\"\n\n");
    for (size_t n = 0; n < BJ_COUNT(policies); n++)
        if (print_program(n, true) < 0 || print_program(n, false) < 0)
            return 1;
    if (print_backstop(false) < 0 || print_backstop(true) < 0)
        return 1;
    (void)printf("\nconst struct sock_filter *bj__filter_shipped_backstop(bool inet, size_t *ret_count)\n{\n"
                 "    *ret_count = inet ? BJ_COUNT(backstop_inet) : BJ_COUNT(backstop);\n"
                 "    return inet ? backstop_inet : backstop;\n}\n");
    (void)printf(
        "\nconst struct sock_filter *bj__filter_shipped(uint64_t sets, bool notify, size_t *ret_count)\n{\n");
    for (size_t n = 0; n < BJ_COUNT(policies); n++)
        (void)printf(
            "    if (sets == UINT64_C(0x%llx)) {\n"
            "        *ret_count = notify ? BJ_COUNT(program_%zu_notify) : BJ_COUNT(program_%zu_errno);\n"
            "        return notify ? program_%zu_notify : program_%zu_errno;\n    }\n",
            (unsigned long long)policies[n], n, n, n, n);
    (void)printf("    (void)notify;\n    (void)ret_count;\n    return NULL;\n}\n");
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
