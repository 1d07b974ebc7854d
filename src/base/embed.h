/* Files that tools/embed.py has turned into C.
 * Its own file because generated sources and those who read them must agree on one struct.
 * Changes when: something more must be known of an embedded file. */
#ifndef BJ_EMBED_H
#define BJ_EMBED_H

#include <stddef.h>

/* An array of these ends with a NULL name. */
struct bj_embedded {
    const char *name; /* without its directory */
    const unsigned char *bytes;
    size_t length;
};

#endif
