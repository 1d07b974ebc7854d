/* Moments as text: "2020-01-01T00:00:00Z" and the seconds since 1970 that it stands for.
 * Its own file because the parser, the printer, the setter and the command line share it.
 * Changes when: a moment can be written in another way. */
#ifndef BJ_SPEC_MOMENT_H
#define BJ_SPEC_MOMENT_H

#include <stdint.h>

#define BJ_MOMENT_SIZE  21 /* with the zero */
#define BJ_MOMENT_FORM  "a moment of UTC like \"2020-01-01T00:00:00Z\", from 1970 to 2199"
#define BJ_MOMENT_LAST  INT64_C(7258118399) /* 2199-12-31T23:59:59Z */
#define BJ_MOMENT_FIRST INT64_C(1577836800) /* 2020-01-01T00:00:00Z, where nobody says another */

/* -EINVAL: it is none, or out of these years. */
int bj__moment_read(const char *text, int64_t *ret_seconds);
/* seconds: one that was read. */
void bj__moment_write(int64_t seconds, char text[BJ_MOMENT_SIZE]);

#endif
