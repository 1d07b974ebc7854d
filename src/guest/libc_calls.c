/* Functions of the C library that this program has in its place: clocks, sleeps, chance and waits.
 * Its own file because the dynamic linker takes a program's functions before those of any library, for libpython and for
 * every extension module, and what is exported by this program must be seen on one page.
 * Changes when: another function has to be answered (determinism.h).
 *
 * Each is one jump through a pointer: to the C library, as long as nothing else was asked for. So an ordinary run pays a
 * nanosecond, and keeps the clocks that the kernel maps into it (vdso(7)). */
#include "determinism.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

/* The only version of it that is not for programs of the last century; a name alone may give that one
 * (https://sourceware.org/bugzilla/show_bug.cgi?id=14932). */
#if defined(__GLIBC__) && defined(__x86_64__)
#define CONDITION_VERSION "GLIBC_2.3.2"
#endif

static struct guest_calls libc;

/* Nothing can go on without. */
static void *find(const char *name)
{
    void *function = NULL;
#ifdef CONDITION_VERSION
    if (strcmp(name, "pthread_cond_timedwait") == 0)
        function = dlvsym(RTLD_NEXT, name, CONDITION_VERSION);
#endif
    if (!function)
        function = dlsym(RTLD_NEXT, name);
    if (!function)
        __builtin_trap();
    return function;
}

/* Whichever is called first finds them all: a library may ask for the time before main begins. */
#define X(name, type, parameters, arguments) static type first_##name parameters;
GUEST_CALL_LIST(X)
#undef X

static struct guest_calls answers = {
#define X(name, type, parameters, arguments) .name = first_##name,
    GUEST_CALL_LIST(X)
#undef X
};

static long (*libc_syscall)(long number, ...);

const struct guest_calls *guest_libc(void)
{
    if (!libc_syscall) {
        /* dlsym gives a pointer to a function as one to data (dlsym(3)). */
#define X(name, type, parameters, arguments) *(void **)(void *)&libc.name = find(#name);
        GUEST_CALL_LIST(X)
#undef X
        *(void **)(void *)&libc_syscall = find("syscall");
        answers = libc;
    }
    return &libc;
}

void guest_answer_calls(const struct guest_calls *calls)
{
    (void)guest_libc();
    answers = *calls;
}

#define X(name, type, parameters, arguments)                                                                   \
    static type first_##name parameters                                                                        \
    {                                                                                                          \
        return guest_libc()->name arguments;                                                                   \
    }                                                                                                          \
    __attribute__((visibility("default"))) type name parameters                                                \
    {                                                                                                          \
        return answers.name arguments;                                                                         \
    }
GUEST_CALL_LIST(X)
#undef X

/* os.getrandom of CPython asks so, and OpenSSL. As the C library's own function this reads six arguments, however many
 * there are. */
__attribute__((visibility("default"))) long syscall(long number, ...)
{
    long arguments[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    (void)guest_libc();
    if (number == SYS_getrandom) /* NOLINTNEXTLINE(performance-no-int-to-ptr): it came as a number */
        return answers.getrandom((void *)arguments[0], (size_t)arguments[1], (unsigned)arguments[2]);
    return libc_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                        arguments[5]);
}
