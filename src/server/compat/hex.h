/* A hexadecimal digit.
 * Its own file because forms and files are both written with them.
 * Changes when: never. */
#ifndef BJ_COMPAT_HEX_H
#define BJ_COMPAT_HEX_H

/* -1: it is none. */
static inline int bj__hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

#endif
