/* The sockets on which a service is reached.
 * Its own file because they outlive every process that accepts from them.
 * Changes when: a socket is bound, handed over or removed in another way. */
#ifndef BJ_SERVER_LISTEN_H
#define BJ_SERVER_LISTEN_H

#include <sys/types.h>

#include "server/address.h"
#include "server/config.h"

/* Of two configurations, while one takes over from the other. */
#define BJ_LISTEN_MAX ((size_t)2 * (BJ_CONFIG_LISTENERS + 1))

struct bj_listening {
    int fd;                           /* owned */
    char configured[BJ_ADDRESS_SIZE]; /* as the configuration has it */
    char actual[BJ_ADDRESS_SIZE];     /* the kernel's: port 0 has become one */
    bool control;                     /* SOCK_SEQPACKET */
    bool handed;                      /* by systemd, whose file it is */
    int handed_kind; /* enum bj_listener_kind that its name says, or -1: found by its address */
    bool wanted;     /* by the configuration that was opened last */
    dev_t device;    /* of the file that we made; 0: none */
    ino_t inode;
};

struct bj_listen_set {
    struct bj_listening items[BJ_LISTEN_MAX];
    size_t count;
};

void bj__listen_init(struct bj_listen_set *set);
/* Those that systemd has opened: sd_listen_fds(3). Their names are "http", "metrics", "nul", "json" and "control"; one with another
 * name takes the place of the listener that has its address. How many. */
int bj__listen_take(struct bj_listen_set *set, struct bj_error *err);
/* Opens what the configuration has and the set has not. Where systemd handed over sockets of a kind, they take the place of all
 * listeners of this kind. The configuration's addresses become those that the kernel gave. On failure nothing is kept that was
 * opened here. */
int bj__listen_open(struct bj_listen_set *set, struct bj_config *config, struct bj_error *err);
/* The descriptor of config->listeners[n], or of its control socket (n == listener_count); -1: none. Of a configuration that was
 * opened. Not owned. */
int bj__listen_fd(const struct bj_listen_set *set, const struct bj_config *config, size_t n);
/* This configuration is at work: files get the modes that it has, what it has not is closed, and its files are removed. */
void bj__listen_keep(struct bj_listen_set *set, const struct bj_config *config);
void bj__listen_done(struct bj_listen_set *set);

#endif
