/* The four functions that the distribution's static libraries need and musl lacks.
 * Its own file because it is only linked into the musl build: libjansson.a and libseccomp.a are compiled with
 * glibc's _FORTIFY_SOURCE, which turns a few calls into checking ones (Linux Standard Base, "Checked string
 * functions").
 * Changes when: those libraries call another checked function; the link says which. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __snprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, ...);
int __vsnprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, va_list args);
char *__strncpy_chk(char *to, const char *from, size_t count, size_t room);
int __fprintf_chk(FILE *file, int flag, const char *format, ...);

#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* that is what these are for */

int __vsnprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, va_list args)
{
    if (size > room)
        abort();
    return vsnprintf(text, size, format, args);
}

int __snprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = __vsnprintf_chk(text, size, flag, room, format, args);
    va_end(args);
    return length;
}

char *__strncpy_chk(char *to, const char *from, size_t count, size_t room)
{
    if (count > room)
        abort();
    return strncpy(to, from, count);
}

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vfprintf(file, format, args);
    va_end(args);
    return length;
}
