/* Allocators that fail when they are told to: the N-th call, or every one from the N-th on.
 * Its own file because it stands between all of Belljar and the libc, by the linker's --wrap.
 * Changes when: Belljar allocates in another way.
 *
 * BELLJAR_TEST_FAIL_ALLOCATION=N or N+ says which; BELLJAR_TEST_ALLOCATIONS=FD is where the end of the program
 * says "allocations CALLS live BLOCKS". */
#include "allocations.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void __real_free(void *pointer);
void *__real_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *address, size_t length);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_reallocarray(void *pointer, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t maximum);
void __wrap_free(void *pointer);
void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *address, size_t length);

static unsigned long calls;
static unsigned long fail_at; /* 0: never */
static bool fail_on;          /* and all that follow */
static long live;

__attribute__((constructor)) static void read_orders(void)
{
    const char *text = getenv("BELLJAR_TEST_FAIL_ALLOCATION");
    char *end = NULL;
    calls = 0; /* what the C library itself needs to start is not Belljar's */
    live = 0;
    if (!text)
        return;
    fail_at = strtoul(text, &end, 10);
    fail_on = *end == '+';
}

/* The kernel closes what is left: whoever reads sees the end. */
__attribute__((destructor)) static void report(void)
{
    const char *fd = getenv("BELLJAR_TEST_ALLOCATIONS");
    char text[80];
    int length = snprintf(text, sizeof(text), "allocations %lu live %ld\n", calls, live);
    if (fd)
        (void)!write((int)strtol(fd, NULL, 10), text, (size_t)length);
}

long bj_test_live_allocations(void)
{
    return live;
}

static bool fails(void)
{
    calls++;
    if (fail_at == 0 || calls < fail_at || (calls > fail_at && !fail_on))
        return false;
    errno = ENOMEM;
    return true;
}

static void *count(void *pointer)
{
    live += pointer != NULL;
    return pointer;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size)
{
    return fails() ? NULL : count(__real_calloc(number, size));
}

void *__wrap_realloc(void *pointer, size_t size)
{
    if (fails())
        return NULL;
    void *other = __real_realloc(pointer, size);
    live += pointer == NULL && other != NULL;
    return other;
}

void *__wrap_reallocarray(void *pointer, size_t number, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(number, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return __wrap_realloc(pointer, bytes);
}

char *__wrap_strndup(const char *text, size_t maximum)
{
    size_t length = strnlen(text, maximum);
    char *copy = __wrap_malloc(length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = 0;
    }
    return copy;
}

char *__wrap_strdup(const char *text)
{
    return __wrap_strndup(text, SIZE_MAX);
}

void __wrap_free(void *pointer)
{
    live -= pointer != NULL;
    __real_free(pointer);
}

void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    if (fails())
        return MAP_FAILED;
    void *pages = __real_mmap(address, length, protection, flags, fd, offset);
    live += pages != MAP_FAILED;
    return pages;
}

/* Its name where off_t has 64 bits by _FILE_OFFSET_BITS. */
void *__wrap_mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    return __wrap_mmap(address, length, protection, flags, fd, offset);
}

int __wrap_munmap(void *address, size_t length)
{
    live--;
    return __real_munmap(address, length);
}
