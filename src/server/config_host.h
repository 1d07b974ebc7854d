/* A configuration against this host.
 * Its own file because the front reads the same configuration, and may not look at the host.
 * Changes when: something that is configured must be there. */
#ifndef BJ_SERVER_CONFIG_HOST_H
#define BJ_SERVER_CONFIG_HOST_H

#include "server/config.h"

/* Are the profiles there and good, and is there such a user? */
int bj__config_check_host(const struct bj_config *config, struct bj_error *err);
/* Calls say with each thing that is allowed and yet may not be what was meant. */
void bj__config_advise(const struct bj_config *config, void (*say)(const char *text, void *user), void *user);

#endif
