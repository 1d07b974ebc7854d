/* What systemd is told: sd_notify(3) and sd_watchdog_enabled(3), by hand.
 * Its own file because it is a protocol of somebody else's.
 * Changes when: systemd is told something more. */
#ifndef BJ_SERVER_NOTIFY_H
#define BJ_SERVER_NOTIFY_H

#include "base/base.h"

/* "READY=1" and the like, several with newlines between them. Nothing where nobody asks. */
void bj__notify(const char *text);
/* "RELOADING=1", with the time that systemd wants to know. */
void bj__notify_reloading(void);
/* How often "WATCHDOG=1" is waited for; 0: never. */
uint64_t bj__notify_watchdog_us(void);

#endif
