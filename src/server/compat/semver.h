/* Versions, and which of them somebody means: "*", "3.x", "^3.10 || 2.7".
 * Its own file because it is pure, and a grammar of its own (semver.org, and npm's ranges without hyphens).
 * Changes when: a client selects versions in another way. */
#ifndef BJ_COMPAT_SEMVER_H
#define BJ_COMPAT_SEMVER_H

#include "base/base.h"

/* The first "1.2.3", "1.2" or "1" in a text that a program says of itself, as three numbers. False: there is none. */
bool bj__semver_find(const char *text, size_t length, char version[32]);
/* version: of bj__semver_find. A selector that cannot be read means none. */
bool bj__semver_matches(const char *version, const char *selector);

#endif
