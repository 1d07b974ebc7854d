/* The keeper: what belljard does while it runs.
 * Its own file because main.c only reads options.
 * Changes when: the keeper can be asked for something more. */
#ifndef BJ_SERVER_KEEPER_H
#define BJ_SERVER_KEEPER_H

#include "server/config.h"

struct bj_keeper_options {
    const char *config_path;
    bool config_optional; /* nobody named it: without it, everything has its default */
    bool self_test;       /* no listeners; ends when the broker's tests have */
};

/* The file, checked against this host. */
int bj__keeper_read(const struct bj_keeper_options *options, struct bj_config **ret_config,
                    struct bj_error *err);
/* Returns when the service has ended: the program's exit status. */
int bj__keeper_run(const struct bj_keeper_options *options);

#endif
