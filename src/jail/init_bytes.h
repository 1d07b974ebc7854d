/* The program of a jail's pid 1 (child/init.c), built on its own and embedded by tools/embed.py.
 * Its own file because the array is generated. Changes when: never by hand. */
#ifndef BJ_INIT_BYTES_H
#define BJ_INIT_BYTES_H

#include <stddef.h>

extern const unsigned char bj__init_bytes[];
extern const size_t bj__init_length;

#endif
