/* What calls and their arguments are called: in denials, and in questions.
 * Its own file because it is words only; no decision depends on it.
 * Changes when: a description says more. */
#include "filter/syscall_numbers.h"
#include "filter/table.h"

#include <stdarg.h>
#include <stdio.h>

enum kind {
    KIND_ARCH_PRCTL,
    KIND_AT,
    KIND_FAMILY,
    KIND_FCNTL,
    KIND_FLAGS_CLONE,
    KIND_FLAGS_MEMFD,
    KIND_FLAGS_MMAP,
    KIND_FLAGS_RENAME,
    KIND_IOCTL,
    KIND_MADVISE,
    KIND_MASK,
    KIND_MODE,
    KIND_NUMBER,
    KIND_OCTAL,
    KIND_OPEN,
    KIND_OPTION,
    KIND_PERSONALITY,
    KIND_PRCTL,
    KIND_PRIO,
    KIND_PROTOCOL,
    KIND_PTRACE,
    KIND_SOCKET_TYPE,
    KIND_SOL,
};

static const struct symbol {
    uint32_t value;
    uint8_t kind; /* enum kind */
    char name[31];
} symbols[] = {
#define BJ_SYMBOL(symbol_kind, symbol_name, symbol_value) {symbol_value, KIND_##symbol_kind, #symbol_name},
#include "filter/symbols.def"
};

static const struct shown {
    int16_t number;
    uint8_t argument;
    uint8_t kind; /* enum kind */
} shown[] = {
#define BJ_SHOWN(syscall, argument, shown_kind) {BJ_NR_##syscall, argument, KIND_##shown_kind},
#include "filter/symbols.def"
};

struct text {
    char *bytes;
    size_t size, used;
};

static void BJ_PRINTF(2, 3) say(struct text *text, const char *format, ...)
{
    if (text->used + 1 >= text->size)
        return;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text->bytes + text->used, text->size - text->used, format, args);
    va_end(args);
    if (length > 0)
        text->used += (size_t)length;
    if (text->used > text->size - 1)
        text->used = text->size - 1;
}

static const char *name_of_call(int syscall_number)
{
    if (syscall_number < 0)
        return NULL;
    size_t count = 0;
    const struct bj_filter_rule *rules = bj__filter_rules(&count);
    for (size_t i = 0; i < count; i++)
        if (rules[i].number == syscall_number)
            return rules[i].name;
    int number = -1;
    const char *name = NULL;
    for (size_t n = 0; (name = bj__filter_refused(n, &number)); n++)
        if (number == syscall_number)
            return name;
    return NULL;
}

static bool is_flags(uint8_t kind)
{
    return kind == KIND_FLAGS_CLONE || kind == KIND_FLAGS_MEMFD || kind == KIND_FLAGS_MMAP ||
           kind == KIND_FLAGS_RENAME;
}

/* Only flags that have a name are shown; a guest must not be able to make thousands of different denials. */
static void say_flags(struct text *text, uint8_t kind, uint32_t value)
{
    bool any = false;
    for (size_t i = 0; i < BJ_COUNT(symbols); i++) {
        if (symbols[i].kind != kind || !(value & symbols[i].value))
            continue;
        say(text, "%s%s", any ? "|" : "", symbols[i].name);
        any = true;
    }
    if (!any)
        say(text, "0x%x", value);
}

static void say_argument(struct text *text, uint8_t kind, uint32_t value)
{
    if (kind == KIND_OCTAL) {
        say(text, "0%o", value & 07777);
        return;
    }
    if (is_flags(kind)) {
        say_flags(text, kind, value);
        return;
    }
    for (size_t i = 0; i < BJ_COUNT(symbols); i++) {
        if (symbols[i].kind == kind && symbols[i].value == value) {
            say(text, "%s", symbols[i].name);
            return;
        }
    }
    say(text, value < 4096 ? "%u" : "0x%x", value);
}

void bj__filter_describe(int syscall_number, const uint64_t args[6], char *text, size_t size)
{
    if (size == 0)
        return;
    text[0] = 0;
    struct text out = {.bytes = text, .size = size};
    const char *name = name_of_call(syscall_number);
    if (!name) {
        say(&out, "syscall %d", syscall_number);
        return;
    }
    say(&out, "%s", name);
    bool any = false;
    for (size_t i = 0; i < BJ_COUNT(shown) && args; i++) {
        if (shown[i].number != syscall_number)
            continue;
        say(&out, any ? ", " : "(");
        say_argument(&out, shown[i].kind, (uint32_t)args[shown[i].argument]);
        any = true;
    }
    if (any)
        say(&out, ")");
}

int bj__filter_syscall_number(const char *name)
{
    size_t count = 0;
    const struct bj_filter_rule *rules = bj__filter_rules(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rules[i].name, name) == 0)
            return rules[i].number;
    int number = -1;
    const char *refused = NULL;
    for (size_t n = 0; (refused = bj__filter_refused(n, &number)); n++)
        if (strcmp(refused, name) == 0)
            return number;
    return -1;
}

int bj__filter_symbol(const char *name, uint32_t *ret_value)
{
    for (size_t i = 0; i < BJ_COUNT(symbols); i++) {
        if (symbols[i].kind != KIND_MASK && strcmp(symbols[i].name, name) == 0) {
            *ret_value = symbols[i].value;
            return 0;
        }
    }
    return -EINVAL;
}

static int list_condition(const struct bj_filter_condition *condition, bool first, struct bj_buf *text)
{
    const char *joint = first ? "if" : " and";
    if (condition->mask == UINT32_MAX)
        return bj__buf_printf(text, "%s argument %u is 0x%x", joint, condition->argument, condition->value);
    if (condition->value == 0)
        return bj__buf_printf(text, "%s argument %u has none of 0x%x", joint, condition->argument,
                              condition->mask);
    return bj__buf_printf(text, "%s argument %u has 0x%x in the bits 0x%x", joint, condition->argument,
                          condition->value, condition->mask);
}

int bj__filter_list(int syscall_number, struct bj_buf *text)
{
    size_t count = 0;
    int found = 0;
    int rc = 0;
    const struct bj_filter_rule *rules = bj__filter_rules(&count);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (syscall_number < 0 || rules[i].number != syscall_number)
            continue;
        found++;
        rc = bj__buf_printf(text, "  set %s: ", bj__filter_set_name(rules[i].set));
        for (unsigned c = 0; c < BJ_CONDITIONS && rules[i].conditions[c].mask && rc == 0; c++)
            rc = list_condition(&rules[i].conditions[c], c == 0, text);
        if (rc == 0)
            rc = bj__buf_printf(text, rules[i].conditions[0].mask ? "\n" : "always\n");
    }
    return rc < 0 ? rc : found;
}
