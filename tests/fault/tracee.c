/* Registers of a stopped process, for x86-64 and arm64.
 * Its own file because nothing else of the injector knows a processor.
 * Changes when: another architecture is supported. */
#include "tracee.h"

#include <elf.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

_Static_assert(sizeof(struct user_regs_struct) <= sizeof(((struct saved *)0)->words), "room for all registers");

bool bj_tracee_call(pid_t pid, struct call *ret_call)
{
    struct __ptrace_syscall_info info;
    memset(&info, 0, sizeof(info));
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
        return false;
    ret_call->entry = info.op == PTRACE_SYSCALL_INFO_ENTRY;
    if (ret_call->entry) {
        ret_call->number = (long)info.entry.nr;
        memcpy(ret_call->args, info.entry.args, sizeof(ret_call->args));
        return true;
    }
    ret_call->result = info.exit.rval;
    return info.op == PTRACE_SYSCALL_INFO_EXIT;
}

static bool get_registers(pid_t pid, struct user_regs_struct *regs, uint64_t *ret_length)
{
    struct iovec part = {regs, sizeof(*regs)};
    if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part) < 0)
        return false;
    *ret_length = part.iov_len;
    return true;
}

static bool set_registers(pid_t pid, struct user_regs_struct *regs, uint64_t length)
{
    struct iovec part = {regs, length};
    return ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &part) == 0;
}

#if defined(__x86_64__)
static bool set_number(pid_t pid, struct user_regs_struct *regs, uint64_t length, long number)
{
    regs->orig_rax = (unsigned long long)number;
    return set_registers(pid, regs, length);
}

static void set_arguments(struct user_regs_struct *regs, uint64_t first, uint64_t others)
{
    regs->rdi = first;
    regs->rsi = regs->rdx = others;
}

static void set_result(struct user_regs_struct *regs, int64_t result)
{
    regs->rax = (unsigned long long)result;
}
#elif defined(__aarch64__)
/* The kernel keeps the number of a call apart from x8 (ptrace(2), NT_ARM_SYSTEM_CALL). */
static bool set_number(pid_t pid, struct user_regs_struct *regs, uint64_t length, long number)
{
    int value = (int)number;
    struct iovec part = {&value, sizeof(value)};
    return set_registers(pid, regs, length) && ptrace(PTRACE_SETREGSET, pid, 0x404, &part) == 0;
}

static void set_arguments(struct user_regs_struct *regs, uint64_t first, uint64_t others)
{
    regs->regs[0] = first;
    regs->regs[1] = regs->regs[2] = others;
}

static void set_result(struct user_regs_struct *regs, int64_t result)
{
    regs->regs[0] = (uint64_t)result;
}
#else
#error "no registers for this architecture"
#endif

bool bj_tracee_stop(pid_t pid, long number, enum stop_by how, struct saved *ret_saved)
{
    struct user_regs_struct regs;
    if (!get_registers(pid, &regs, &ret_saved->length))
        return false;
    memcpy(ret_saved->words, &regs, sizeof(regs));
    if (how == STOP_BY_NUMBER)
        return set_number(pid, &regs, ret_saved->length, -1);
    if (how == STOP_BY_ARGUMENTS) {
        /* The filter lets a process limit itself, pid 0, and nobody else; what it refuses would wait for an answer. */
        set_arguments(&regs, number == SYS_prlimit64 ? 0 : UINT64_MAX, UINT64_MAX);
        return set_registers(pid, &regs, ret_saved->length);
    }
    return true;
}

bool bj_tracee_answer(pid_t pid, enum stop_by how, const struct saved *saved, int64_t result)
{
    struct user_regs_struct regs;
    uint64_t length;
    if (!get_registers(pid, &regs, &length))
        return false;
    if (how != STOP_NOT)
        memcpy(&regs, saved->words, sizeof(regs));
    set_result(&regs, result);
#if defined(__x86_64__)
    regs.orig_rax =
        (unsigned long long)-1; /* nothing that the kernel might take for a call to be started again */
#endif
    return set_registers(pid, &regs, length);
}
