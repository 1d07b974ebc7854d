/* Can a run enter the AppArmor profile of guests on this host?
 * Its own file because three places of the host must be read, and none of them is always readable.
 * Changes when: the profile's name or AppArmor's interfaces change. */
#ifndef BJ_APPARMOR_H
#define BJ_APPARMOR_H

#include "base/base.h"

#define BJ_APPARMOR_PROFILE "belljar-guest" /* packaging/apparmor/belljar-guest */

/* 1: enabled, loaded, and this process may enter it; 0: not, and why ("why; fix: command"). */
int bj__apparmor_probe(char *problem, size_t size);
/* As shown in sysctls of Ubuntu 23.10 and later: ordinary programs may make user namespaces, but have no
 * capability in them unless their profile says "userns,". */
bool bj__apparmor_restricts_userns(void);
/* The profile that this process is in: "unconfined", "NAME (MODE)", or "" without AppArmor. */
void bj__apparmor_current(char *text, size_t size);

#endif
