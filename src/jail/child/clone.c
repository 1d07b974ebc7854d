/* clone(2) onto another stack.
 * Its own file because it is assembly, and each architecture has its own few lines of it.
 * Changes when: another architecture is supported. */
#include "jail/child/sys.h"

#if defined(__x86_64__)
__asm__(".pushsection .text\n"
        ".globl bj__clone_vm\n"
        ".hidden bj__clone_vm\n"
        ".type bj__clone_vm, @function\n"
        "bj__clone_vm:\n"
        "    endbr64\n"
        "    sub $16, %rsi\n" /* the function and its argument wait on the new stack */
        "    mov %rdx, 0(%rsi)\n"
        "    mov %rcx, 8(%rsi)\n"
        "    xor %edx, %edx\n"
        "    xor %r10d, %r10d\n"
        "    xor %r8d, %r8d\n"
        "    mov $56, %eax\n"
        "    syscall\n"
        "    test %rax, %rax\n"
        "    jz 1f\n"
        "    ret\n"
        "1:  xor %ebp, %ebp\n"
        "    pop %rax\n"
        "    pop %rdi\n"
        "    call *%rax\n"
        "    ud2\n"
        ".size bj__clone_vm, . - bj__clone_vm\n"
        ".popsection\n");
#elif defined(__aarch64__)
__asm__(".pushsection .text\n"
        ".globl bj__clone_vm\n"
        ".hidden bj__clone_vm\n"
        ".type bj__clone_vm, %function\n"
        "bj__clone_vm:\n"
        "    stp x2, x3, [x1, #-16]!\n"
        "    mov x2, #0\n"
        "    mov x3, #0\n"
        "    mov x4, #0\n"
        "    mov x8, #220\n"
        "    svc #0\n"
        "    cbz x0, 1f\n"
        "    ret\n"
        "1:  mov x29, #0\n"
        "    ldp x1, x0, [sp], #16\n"
        "    blr x1\n"
        "    brk #1\n"
        ".size bj__clone_vm, . - bj__clone_vm\n"
        ".popsection\n");
#endif
